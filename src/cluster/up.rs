//! `up` as a whole: plan, act, wait until everything serves, tell kubectl; and undo all of it where that fails.

mod undo;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use rand::RngExt;
use tokio::sync::oneshot;

use super::act::{self, Act};
use super::addons::{deploy, dns};
use super::compose::{self, Compose};
use super::engine::Engine;
use super::image;
use super::interrupt::on_interrupt;
use super::kubeconfig::{self, Access};
use super::lock::Lock;
use super::logs;
use super::name::ClusterName;
use super::observed::Observed;
use super::pki::Pki;
use super::plan::{self, Machine, Plan, Request};
use super::probe::{Asked, Check};
use super::progress::{Progress, seconds};
use super::ready;
use super::remove;
use super::subnet;
use crate::client::Client;
use crate::client::manifest::Document;
use crate::failure::{Failure, Kind};
use crate::shell;

/// What `up` is to do.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) cluster: ClusterName,
    /// `--kubeconfig`.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// `--file`.
    pub(crate) file: Option<PathBuf>,
    pub(crate) timeout: Duration,
    /// Whether a failed cluster stays.
    pub(crate) keep: bool,
    pub(crate) verbose: bool,
    pub(crate) request: Request,
}

/// How long calls that run when the time is over may take to end.
const DRAIN: Duration = Duration::from_secs(30);

/// Prints the plan, and does nothing.
///
/// # Errors
/// What stands in the way.
pub(crate) async fn dry_run(options: &Options, json: bool) -> Result<(), Failure> {
    let engine = Engine::connect().await?;
    let (plan, _) = prepare(options, &engine).await?;
    if json {
        let text =
            serde_json::to_string_pretty(&plan).map_err(|error| Failure::failed("print the plan").because(error))?;
        return shell::data(&format!("{text}\n"));
    }
    shell::data(&plan::page(&plan))
}

/// Prints the compose file that `up` would carry out.
///
/// # Errors
/// What stands in the way.
pub(crate) async fn print_compose(options: &Options) -> Result<(), Failure> {
    let engine = Engine::connect().await?;
    let (plan, _) = prepare(options, &engine).await?;
    shell::data(&compose::print(&plan)?)
}

/// Waits until a cluster that was started serves.
///
/// # Errors
/// When it does not in time, or the user interrupts.
pub(crate) async fn await_ready(engine: &Engine, cluster: &ClusterName, timeout: Duration) -> Result<(), Failure> {
    let observed = Observed::read(engine, cluster).await?;
    let asked = Asked { slaves: observed.slaves(cluster), dns: observed.dns };
    let interrupt = on_interrupt("interrupted: the cluster is left as it is".to_owned(), String::new())?;
    let progress = Progress::new();
    let ready = ready::wait(engine, &progress, cluster, asked, Instant::now() + timeout, &interrupt, |_| ());
    tokio::time::timeout(timeout, ready).await.unwrap_or_else(|_| {
        Err(Failure::timed_out(format!("cluster {cluster} was not ready within {}", seconds(timeout)))
            .hint(format!("`k8sm status{}` says what is missing", cluster.flag())))
    })
}

/// Brings the cluster up.
///
/// # Errors
/// What stands in the way. Unless `keep` is set, what this run made is gone then.
pub(crate) async fn up(options: &Options) -> Result<(), Failure> {
    let engine = Engine::connect().await?;
    let _lock = turn(options, &engine).await?;
    let since = Instant::now();
    let (mut plan, observed) = prepare(options, &engine).await?;
    refuse_other_builds(&plan)?;
    let file = kubeconfig::File::choose(options.kubeconfig.as_deref(), &plan.cluster.context())?;
    file.check(&plan.cluster)?;
    let settled = plan.is_settled();
    if options.verbose {
        shell::say(plan::page(&plan).trim_end());
    }
    let interrupt = on_interrupt(
        "interrupted: removing what was made (once more to leave it)".to_owned(),
        format!("left as it is: `k8sm down{}` removes it", plan.cluster.flag()),
    )?;
    let run = uuid();
    let progress = Progress::new();
    let act = Act::new(&engine, &progress, &run, &interrupt, &observed, Instant::now() + options.timeout);
    let mut late = false;
    let mut work = Box::pin(bring_up(&act, options, &mut plan));
    let done = tokio::select! {
        done = &mut work => done,
        () = tokio::time::sleep(options.timeout) => {
            // What the engine was asked for is waited for, as undoing must find it.
            interrupt.cancel();
            let _ = tokio::time::timeout(DRAIN, &mut work).await;
            late = true;
            Err(Failure::timed_out(format!("cluster {} was not up within {}", options.cluster, seconds(options.timeout)))
                .hint("give it more time with --timeout, or keep it for a look with --keep"))
        }
    };
    drop(work);
    if late {
        for line in ready::missing(&engine, &plan.cluster, asked(&plan)).await {
            shell::say(&format!("not so yet: {line}"));
        }
    }
    let finished = match done {
        Ok(pki) => tell_kubectl(&file, &plan, &pki),
        Err(failure) => Err(failure),
    };
    match finished {
        Ok(changed) => {
            greet(&plan, settled && !changed, since.elapsed(), &file);
            Ok(())
        }
        Err(failure) if failure.kind() == Kind::Interrupted => {
            undo::undo(options, &engine, &plan, &observed, &run, &failure).await;
            Err(Failure::interrupted(format!("bringing up cluster {} was interrupted", options.cluster)))
        }
        Err(failure) => {
            let failure = logs::explain(&engine, &options.cluster, failure).await;
            undo::undo(options, &engine, &plan, &observed, &run, &failure).await;
            Err(failure)
        }
    }
}

/// Waits until no other command works on the cluster.
async fn turn(options: &Options, engine: &Engine) -> Result<Lock, Failure> {
    let taken = tokio::time::timeout(options.timeout, Lock::take(engine, &options.cluster)).await;
    taken.unwrap_or_else(|_| {
        let within = seconds(options.timeout);
        Err(Failure::timed_out(format!("another k8sm command worked on cluster {} for {within}", options.cluster))
            .hint("give it more time with --timeout"))
    })
}

/// Reads everything and makes the plan.
async fn prepare(options: &Options, engine: &Engine) -> Result<(Plan, Observed), Failure> {
    let compose = Compose::load(options.file.as_deref())?;
    let km_image = tokio::task::spawn_blocking(image::km_image);
    let observed = Observed::read(engine, &options.cluster).await?;
    let km_image = km_image.await.map_err(|error| Failure::failed("read this executable").because(error))??;
    let remote = engine.facts.is_remote();
    // Of another machine the engine alone says what is taken.
    let free = |port| remote || is_free(port);
    let routes = if remote { Vec::new() } else { routes() };
    let machine = Machine { routes, free: &free, km_image, etcd: image::etcd::on_this_machine() };
    let plan = Plan::make(&options.cluster, &engine.facts, &options.request, &compose, &observed, &machine)?;
    Ok((plan, observed))
}

/// The networks that this machine routes; none where the kernel does not say.
fn routes() -> Vec<Ipv4Net> {
    std::fs::read_to_string("/proc/net/route").map(|table| subnet::routes(&table)).unwrap_or_default()
}

/// Whether nobody listens on that port of 127.0.0.1.
fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A cluster of another build, or of another compose file, is left as it is.
fn refuse_other_builds(plan: &Plan) -> Result<(), Failure> {
    let differing = plan.differing();
    if differing.is_empty() {
        return Ok(());
    }
    for (spec, image) in &differing {
        let how =
            if *image == spec.image { "was made with other settings".to_owned() } else { format!("runs {image}") };
        shell::say(&format!("{}: {how}, this is {}", spec.name, spec.image));
    }
    Err(Failure::conflict(format!("cluster {} was made by another build or with other settings", plan.cluster))
        .hint(format!("`k8sm up{} --recreate` replaces these components; data and keys stay", plan.cluster.flag())))
}

/// How often a plan that others overtook is made anew.
const ATTEMPTS: usize = 8;

/// Carries the plan out, or a fresh one where others took its ports, subnets or images meanwhile.
async fn bring_up(act: &Act<'_>, options: &Options, plan: &mut Plan) -> Result<Pki, Failure> {
    for _ in 1..ATTEMPTS {
        let failure = match attempt(act, plan).await {
            Err(failure) if act::outrun(&failure, plan) => failure,
            done => return done,
        };
        shell::say(&format!("{}: somebody was quicker, trying again with a fresh plan", failure.line()));
        remove::things(act.engine, act.run).await?;
        // Two that stand in each other's way must not meet again.
        let pause = Duration::from_millis(rand::rng().random_range(0..300));
        tokio::time::sleep(pause).await;
        (*plan, _) = prepare(options, act.engine).await?;
    }
    attempt(act, plan).await
}

async fn attempt(act: &Act<'_>, plan: &Plan) -> Result<Pki, Failure> {
    let pki = if plan.is_settled() { act.keys(plan).await? } else { act.carry_out(plan).await? };
    let (say, serves) = oneshot::channel();
    let mut say = Some(say);
    let passed = |check: &Check| {
        if *check == Check::Apiserver
            && let Some(say) = say.take()
        {
            // whoever deploys has failed where nobody listens
            let _ = say.send(());
        }
    };
    let waited = ready::wait(act.engine, act.progress, &plan.cluster, asked(plan), act.deadline, act.interrupt, passed);
    tokio::try_join!(waited, addons(act, plan, &pki, serves))?;
    ready::published(&access(plan, &pki)?.server, &pki).await?;
    Ok(pki)
}

/// What the cluster is asked for before it is up.
fn asked(plan: &Plan) -> Asked {
    Asked { slaves: plan.choices.slaves, dns: plan.dns.is_some() }
}

/// Deploys what runs on the cluster as soon as the API serves: its pods are there when the nodes are.
async fn addons(act: &Act<'_>, plan: &Plan, pki: &Pki, api_serves: oneshot::Receiver<()>) -> Result<(), Failure> {
    let Some(documents) = documents(plan)? else { return Ok(()) };
    let client = client(plan, pki).await?;
    // Without it `wait` has failed, and says why.
    if api_serves.await.is_ok() {
        deploy::complete(&client, &documents, act.run).await?;
    }
    Ok(())
}

/// The objects of the addons.
fn documents(plan: &Plan) -> Result<Option<Vec<Document>>, Failure> {
    let Some(step) = &plan.dns else { return Ok(None) };
    let settings =
        dns::Settings { flavor: dns::Flavor::Lean, replicas: 1, domain: dns::DOMAIN.to_owned(), server: step.server };
    let etcd = plan.images.last().map(|step| step.image.clone()).unwrap_or_default();
    dns::documents(&settings, &dns::Images { km: plan.choices.km_image.clone(), etcd }).map(Some)
}

/// Its administrator, at the published port.
async fn client(plan: &Plan, pki: &Pki) -> Result<Client, Failure> {
    Ok(Client::of_kubeconfig(&access(plan, pki)?.document()?).await?)
}

fn access(plan: &Plan, pki: &Pki) -> Result<Access, Failure> {
    Access::of(&plan.cluster, &plan.engine.host, plan.choices.ports.api, pki)
}

/// Merges the kubeconfig; gives whether that changed it.
fn tell_kubectl(file: &kubeconfig::File, plan: &Plan, pki: &Pki) -> Result<bool, Failure> {
    file.merge(&access(plan, pki)?)
}

fn greet(plan: &Plan, unchanged: bool, time: Duration, file: &kubeconfig::File) {
    let cluster = &plan.cluster;
    if unchanged {
        shell::say(&format!("cluster {cluster} is up and healthy: nothing to do ({})", seconds(time)));
        return;
    }
    shell::say(&format!("{:>7}  cluster {cluster} is ready; context {} in {}", seconds(time), cluster.context(), file));
    shell::say(&format!("Next: kubectl --context {} get nodes", cluster.context()));
}

/// A name for this run.
fn uuid() -> String {
    rand::rng().random::<[u8; 8]>().iter().map(|byte| format!("{byte:02x}")).collect()
}
