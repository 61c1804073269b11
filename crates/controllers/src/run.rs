//! Wiring: flags, client, pages; then, as leader, the stores and every controller, until the signal to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::{Client, Config};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::election::Election;
use crate::flags::{Flags, IGNORED};
use crate::nodes::Patience;
use crate::queue::Metrics;
use crate::{
    accounts, client, endpoints, garbage, namespaces, nodes, pods_gc, quota, replication, slices, taints, tokens,
};

/// `km controller-manager`: runs until SIGTERM or SIGINT.
///
/// # Errors
/// Bad flags, a port in use, an unreadable kubeconfig or certificate; later, when another process takes the lease.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags: Flags = serve::flags::parse("controller-manager", args, IGNORED)?;
    serve::log::init(flags.v);
    let address = SocketAddr::new(flags.address, flags.port);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let shutdown = serve::shutdown::on_signal().context("cannot install signal handlers")?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = api_client(&flags).await?;
    serve(flags, client, listener, shutdown).await
}

/// The controllers on a client and a listener of the caller's, until `shutdown` is cancelled.
///
/// # Errors
/// As [`run`].
pub async fn serve(
    flags: Flags,
    client: Client,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let root_ca = match flags.root_ca_file.as_str() {
        "" => None,
        path => Some(std::fs::read_to_string(path).with_context(|| format!("cannot read --root-ca-file {path}"))?),
    };
    let identity = identity(&listener)?;
    let (queues, mut registry) = (Metrics::default(), Registry::default());
    queues.register(&mut registry);
    let pages = serve::health::router(Arc::new(registry));
    let served = tokio::spawn(serve::http::plain(listener, serve::http::router(pages), shutdown.clone()));
    let outcome = lead(&flags, Context::new(client, queues, shutdown.clone()), identity, root_ca, &shutdown).await;
    shutdown.cancel();
    let _ = served.await;
    outcome
}

/// Host and port: a port is one process's alone, and a restarted one takes its lease up again at once.
fn identity(listener: &TcpListener) -> anyhow::Result<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").context("cannot read the host's name")?;
    Ok(format!("{}_{}", host.trim(), listener.local_addr().context("cannot read the listener's address")?.port()))
}

async fn api_client(flags: &Flags) -> anyhow::Result<Client> {
    let config = match flags.kubeconfig.as_str() {
        "" => {
            let server = if flags.master.is_empty() { "127.0.0.1:8888" } else { &flags.master };
            let url = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
            Config::new(url.parse().with_context(|| format!("--master {server:?} is no URL"))?)
        }
        path => {
            let file =
                kube::config::Kubeconfig::read_from(path).with_context(|| format!("cannot read kubeconfig {path}"))?;
            Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
                .await
                .with_context(|| format!("cannot use kubeconfig {path}"))?
        }
    };
    client::bounded(config)
}

async fn lead(
    flags: &Flags,
    context: Context,
    identity: String,
    root_ca: Option<String>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let mut election = Election::new(context.client.clone(), identity);
    if flags.leader_elect && shutdown.run_until_cancelled(election.win()).await.is_none() {
        return Ok(());
    }
    tracing::info!("leading: the controllers start");
    let mut tasks = JoinSet::new();
    start(flags, context, root_ca, &mut tasks);
    let hold = async {
        match flags.leader_elect {
            true => election.hold(shutdown).await,
            false => {
                shutdown.cancelled().await;
                Ok(())
            }
        }
    };
    let held = tokio::select! {
        held = hold => held,
        // one controller less would not be noticed, and the lease keeps others from its work
        error = serve::tasks::broken(&mut tasks) => Err(error),
    };
    shutdown.cancel();
    while tasks.join_next().await.is_some() {}
    held
}

/// Listeners first, then watches, then, when everything was seen once, the work.
fn start(flags: &Flags, context: Context, root_ca: Option<String>, tasks: &mut JoinSet<()>) {
    let seconds = |duration: jiff::SignedDuration| Duration::try_from(duration).unwrap_or_default();
    let patience =
        Patience { grace: seconds(flags.node_monitor_grace_period), startup: seconds(flags.node_startup_grace_period) };
    let ready = |context: &Context, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        let context = context.clone();
        async move {
            if context.shutdown.run_until_cancelled(context.ready()).await.is_some() {
                work.await;
            }
        }
    };
    let garbage = garbage::start(context.clone(), tasks);
    tasks.spawn(ready(&context, Box::pin(replication::start(context.clone()))));
    tasks.spawn(ready(&context, Box::pin(endpoints::start(context.clone()))));
    tasks.spawn(ready(&context, Box::pin(slices::start(context.clone()))));
    tasks.spawn(ready(&context, Box::pin(accounts::start(context.clone(), root_ca.clone()))));
    tasks.spawn(ready(&context, Box::pin(tokens::start(context.clone(), root_ca))));
    tasks.spawn(ready(&context, Box::pin(namespaces::start(context.clone()))));
    tasks.spawn(ready(&context, Box::pin(nodes::start(context.clone(), patience))));
    let eviction = seconds(flags.pod_eviction_timeout);
    tasks.spawn(ready(&context, Box::pin(taints::start(context.clone(), eviction))));
    tasks.spawn(ready(&context, Box::pin(pods_gc::start(context.clone(), flags.terminated_pod_gc_threshold))));
    tasks.spawn(ready(&context, Box::pin(quota::start(context.clone()))));
    tasks.spawn(ready(&context, Box::pin(garbage)));
    context.follow(tasks);
}
