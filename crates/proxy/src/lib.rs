//! Service addresses on a node: nftables by netlink, from Services and EndpointSlices.
//!
//! [`follow`] keeps the cluster's services and tells what changes, [`namespaces`] changes the node's table and each pod's,
//! [`door`] lets the executor wait until a new pod has its table.

pub mod conntrack;
mod door;
mod flags;
mod follow;
mod namespaces;
mod netlink;
pub mod nft;
pub mod services;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use flags::Flags;
use namespaces::Namespaces;
use services::Difference;

/// Requests at the door that wait; a node starts a few pods at once.
const WAITING: usize = 64;
/// Between two attempts to make tables that could not be made.
const RETRY: Duration = Duration::from_secs(10);

/// A pod's sandbox that ended: the pod's UID, and the sandbox's number.
type Ending = (String, u64);

/// Runs `km proxy` until SIGTERM or SIGINT. The tables stay: connections through services outlive a restart of the proxy.
///
/// # Errors
/// When flags or kubeconfig are wrong, a socket cannot be made, or the node's own table is refused.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags = Flags::read(args)?;
    serve::log::init(flags.v);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let stop = serve::shutdown::on_signal().context("watching for signals")?;
    let client = client(&flags).await?;
    let health = TcpListener::bind(flags.healthz_bind_address)
        .await
        .with_context(|| format!("listening on {}", flags.healthz_bind_address))?;
    let range = (flags.service_cluster_ip_range.network(), flags.service_cluster_ip_range.prefix_len());
    if let Err(error) = nft::make_local(range) {
        // services serve without it; only what nobody serves is not refused to those that are routed through this node
        tracing::warn!("the service range is not local to this node: {error}");
    }
    let namespaces = Namespaces::new(&flags.root_dir, range).context("opening the node's netfilter socket")?;
    let door = door::open(&flags.root_dir)?;
    let node = flags.node().context("reading this machine's name; --hostname-override names the node")?;
    let (differences, changes) = mpsc::channel(1);
    let (requests, asked) = mpsc::channel(WAITING);
    let router = serve::health::router(Arc::new(Registry::default()));
    tokio::join!(
        follow::follow(client, &node, differences, stop.clone()),
        door::serve(door, requests, stop.clone()),
        serve::http::plain(health, serve::http::router(router), stop.clone()),
        keep(namespaces, changes, asked, stop.clone()),
    );
    Ok(())
}

async fn client(flags: &Flags) -> anyhow::Result<kube::Client> {
    let kubeconfig = kube::config::Kubeconfig::read_from(&flags.kubeconfig)
        .with_context(|| format!("reading {}", flags.kubeconfig.display()))?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
        .await
        .with_context(|| format!("understanding {}", flags.kubeconfig.display()))?;
    if let Some(master) = &flags.master {
        config.cluster_url = master.parse().with_context(|| format!("--master={master}"))?;
    }
    kube::Client::try_from(config).context("making a client of the API server")
}

/// Owns the tables: one change at a time, as they come.
async fn keep(
    mut namespaces: Namespaces,
    mut changes: mpsc::Receiver<Difference>,
    mut asked: mpsc::Receiver<door::Request>,
    stop: CancellationToken,
) {
    let (ended, mut endings) = mpsc::channel::<Ending>(WAITING);
    let mut again = tokio::time::interval(RETRY);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut started = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            difference = changes.recv() => {
                let Some(difference) = difference else { return };
                namespaces.change(&difference);
                if !std::mem::replace(&mut started, true) {
                    for uid in namespaces.found() {
                        answer(&uid, add(&mut namespaces, &uid, &ended));
                    }
                }
            }
            // before the first change nothing is known to serve, and a pod would be refused what is there
            Some(request) = asked.recv(), if started => {
                let _ = request.answer.send(answer(&request.uid, add(&mut namespaces, &request.uid, &ended)));
            }
            Some((uid, number)) = endings.recv() => namespaces.remove(&uid, number),
            _ = again.tick(), if started && !namespaces.is_whole() => {
                for uid in namespaces.retry() {
                    if let Err(error) = add(&mut namespaces, &uid, &ended) {
                        tracing::debug!("services of pod {uid}: {error:#}");
                    }
                }
            }
        }
    }
}

/// Makes a pod's table and waits beside for its sandbox's end.
fn add(namespaces: &mut Namespaces, uid: &str, ended: &mpsc::Sender<Ending>) -> anyhow::Result<()> {
    let number = namespaces.add(uid)?;
    let (path, uid, ended) = (namespaces.sandbox_socket(uid), uid.to_owned(), ended.clone());
    tokio::spawn(async move {
        let _ = sandbox::client::until_dead(&path).await;
        let _ = ended.send((uid, number)).await;
    });
    Ok(())
}

/// The door's answer.
fn answer(uid: &str, added: anyhow::Result<()>) -> String {
    match added {
        Ok(()) => "ok".to_owned(),
        Err(error) => {
            tracing::warn!("services of pod {uid}: {error:#}");
            format!("error: {error:#}")
        }
    }
}
