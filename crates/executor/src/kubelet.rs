//! `km executor`: the kubelet of this node, started by the minion, which is at the other end of its standard input.

use std::collections::BTreeMap;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::UnixStream;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::channel::{self, Agent, Receiver, Sender, ToExecutor, ToMinion};
use crate::context::Context;
use crate::events::Recorder;
use crate::flags::Flags;
use crate::manager::{Manager, Pods};
use crate::objects::Watches;
use crate::runtime::Runtime;
use crate::server::{self, Kubelet};
use crate::volumes::Tokens;
use crate::{node, placement};

/// Messages to and from the minion that wait.
const QUEUE: usize = 64;
/// Bytes of a megabyte as Mesos counts.
const MEBI: f64 = 1_048_576.0;
/// A watch that is silent for longer than the API server lets one last is dead.
const WATCH_SILENCE: Duration = Duration::from_secs(330);

/// Runs until the minion is gone or says so, or SIGTERM. The pods' containers go on.
///
/// # Errors
/// On a wrong line, without a minion, an engine or an API server's address, or when a port is taken.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags = Flags::parse_line("executor", args)?;
    serve::log::init(flags.v);
    serve::tls::install_provider();
    end_with_parent();
    let shutdown = serve::shutdown::on_signal()?;
    tokio::select! {
        outcome = serve(flags, standard_input()?, shutdown.clone()) => outcome,
        () = shutdown.cancelled() => Ok(()),
    }
}

/// The kubelet over a given channel to the minion; returns when the minion is gone, or after a shutdown it asked for.
///
/// # Errors
/// As [`run`].
pub async fn serve(flags: Flags, minion: UnixStream, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (mut receiver, sender) = channel::split(minion);
    let agent = match receiver.next().await.context("reading from the minion")? {
        Some(ToExecutor::Hello(agent)) => agent,
        other => anyhow::bail!("the minion begins with {other:?} instead of a hello"),
    };
    let (to_minion, updates) = mpsc::channel(QUEUE);
    let (messages, from_minion) = mpsc::channel(QUEUE);
    let (agents, agent_now) = watch::channel(agent.clone());
    let context = Arc::new(context(flags, &agent, to_minion).await?);
    tracing::info!(node = context.node, address = %context.placement.address, "this node");
    let writing = tokio::spawn(write(sender, updates));
    tokio::spawn(read(receiver, messages, agents));
    let (registered, is_registered) = watch::channel(false);
    let pods = Arc::new(Pods::default());
    let serving = server::run(Kubelet { context: context.clone(), pods: pods.clone() }, shutdown);
    let nodes = node::keep(context.clone(), agent_now, registered);
    let manager = Manager::new(context, pods, is_registered).run(from_minion);
    tokio::select! {
        outcome = manager => outcome?,
        () = nodes => {}
        outcome = serving => return outcome,
    }
    // everything that could still report is gone: what it said is written before we are
    let _ = tokio::time::timeout(Duration::from_secs(1), writing).await;
    Ok(())
}

async fn context(flags: Flags, agent: &Agent, minion: mpsc::Sender<ToMinion>) -> anyhow::Result<Context> {
    let node = flags.hostname_override.clone().unwrap_or_else(|| agent.hostname.clone());
    let image = &flags.pod_infra_container_image;
    let runtime = Runtime::connect(&flags.docker_endpoint, &flags.k8sm_cluster, &node, &flags.network(), image)
        .await
        .with_context(|| format!("connecting to Docker at {}", flags.docker_endpoint))?;
    let placement = placement::find(&runtime, &flags, &node).await?;
    let client = client(&flags).await?;
    let events = Recorder::start(client.clone(), node.clone());
    let limits = BTreeMap::from([
        ("cpu".to_owned(), agent.cpus - agent.executor_cpus),
        ("memory".to_owned(), (agent.mem - agent.executor_mem) * MEBI),
        ("ephemeral-storage".to_owned(), agent.disk * MEBI),
    ]);
    let (watches, tokens) = (Watches::new(client.clone()), Tokens::default());
    let gate = OnceCell::new();
    let context = Context { flags, node, placement, runtime, client, watches, tokens, gate, events, minion, limits };
    let (files, _) = context.node_files();
    node::files::make(&files).with_context(|| format!("making the node's files in {}", files.display()))?;
    Ok(context)
}

/// The API server, as the kubeconfig has it; `--api-servers` names another address of it.
async fn client(flags: &Flags) -> anyhow::Result<kube::Client> {
    let path = &flags.kubeconfig;
    let config = kube::config::Kubeconfig::read_from(path).with_context(|| format!("reading {}", path.display()))?;
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(config, &options)
        .await
        .with_context(|| format!("using {}", path.display()))?;
    if let Some(server) = flags.api_servers.first() {
        config.cluster_url = server.parse().with_context(|| format!("--api-servers={server}"))?;
    }
    config.read_timeout = Some(WATCH_SILENCE);
    config.headers.push(serve::version::user_agent("kubelet"));
    kube::Client::try_from(config).context("making a client of the API server")
}

async fn write(mut sender: Sender, mut updates: mpsc::Receiver<ToMinion>) {
    while let Some(update) = updates.recv().await {
        if let Err(error) = sender.send(&update).await {
            return tracing::info!(%error, "the minion is gone");
        }
        if update == ToMinion::Done {
            return;
        }
    }
}

async fn read(mut receiver: Receiver, messages: mpsc::Sender<ToExecutor>, agents: watch::Sender<Agent>) {
    loop {
        match receiver.next().await {
            Ok(Some(ToExecutor::Hello(agent))) => {
                agents.send_replace(agent);
            }
            Ok(Some(message)) => {
                if messages.send(message).await.is_err() {
                    return;
                }
            }
            Ok(None) => return tracing::info!("the minion is gone"),
            Err(error) => return tracing::error!(%error, "reading from the minion"),
        }
    }
}

/// The channel to the minion: a socket as standard input.
fn standard_input() -> anyhow::Result<UnixStream> {
    #[allow(unsafe_code)]
    // SAFETY: nothing else in this process reads or closes descriptor 0.
    let descriptor = unsafe { OwnedFd::from_raw_fd(0) };
    let stream = std::os::unix::net::UnixStream::from(descriptor);
    stream.peer_addr().context("standard input is no channel: km executor is started by km minion")?;
    stream.set_nonblocking(true)?;
    Ok(UnixStream::from_std(stream)?)
}

/// Asks the kernel to end us with the minion, in case the channel does not tell, and to call us by our name: a process
/// started as `/proc/self/exe` is `exe` otherwise.
fn end_with_parent() {
    #[allow(unsafe_code)]
    // SAFETY: PR_SET_PDEATHSIG takes a plain integer, PR_SET_NAME a string that ends with a zero and lives for ever.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::prctl(libc::PR_SET_NAME, c"km executor".as_ptr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn the_api_server_is_told_who_asks() {
        serve::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let text = "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}], \
                    clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: c, user: {}}]}";
        std::fs::write(&kubeconfig, text).unwrap();
        let server = format!("--api-servers=http://{}", listener.local_addr().unwrap());
        let flags =
            Flags::parse_line("executor", vec![format!("--kubeconfig={}", kubeconfig.display()), server]).unwrap();
        let client = client(&flags).await.unwrap();
        let asking = tokio::spawn(async move { client.apiserver_version().await });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
        assert!(request.contains("\r\nuser-agent: kubelet/v1."), "{request}");
        asking.abort();
    }
}
