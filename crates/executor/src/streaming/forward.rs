//! `portForward`: connections to ports of a pod, made inside its network on its own loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use sandbox::client::{Kind, socket};
use streams::forward::{Forward, Forwards, channels};
use streams::upgrade::{Protocol, Purpose};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::{Names, Refusal, Switch, Upgraded, find, named, refuse};
use crate::pod;
use crate::runtime::words;
use crate::server::Kubelet;

/// How long a port may take to accept; on a loopback that is a full backlog.
const DIAL: Duration = Duration::from_secs(10);

/// Where connections of one port-forward lead to.
#[derive(Clone)]
struct Place {
    /// The sandbox's socket, which gives out sockets of the pod's network.
    sandbox: PathBuf,
    pod: String,
    uid: String,
}

/// `/portForward/{namespace}/{pod}`.
pub async fn answer(State(kubelet): State<Kubelet>, names: Names, request: Request) -> Response {
    let begun = async {
        let pod = find(&kubelet, named(&names, "namespace"), named(&names, "pod"))?;
        let uid = pod::uid(&pod).to_owned();
        let observed = kubelet.context.runtime.observe(&uid).await.map_err(|error| refuse(&words(&error)))?;
        if observed.live_sandbox().is_none() {
            return Err(refuse(&format!("no running sandbox of pod {:?}", pod::name(&pod))));
        }
        let place = Place {
            sandbox: kubelet.context.directory(&uid).sandbox_socket(),
            pod: format!("{}_{}", pod::name(&pod), pod::namespace(&pod)),
            uid,
        };
        let query =
            Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map(|query| query.0).unwrap_or_default();
        let switch = Switch::of(request, Purpose::PortForward)?;
        if matches!(switch.protocol, Protocol::PortForwardChannels | Protocol::PortForwardChannelsBase64) {
            let pairs = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let ports = channels::ports(pairs).map_err(|why| Refusal(StatusCode::BAD_REQUEST, why))?;
            return Ok(switch.answer(async move |io, protocol| {
                channels::serve(io, protocol, &ports, |port| place.dial(port)).await;
            }));
        }
        Ok(switch.answer(async move |io, protocol| serve(io, protocol, place).await))
    };
    begun.await.unwrap_or_else(|refusal| refusal)
}

/// Serves until the client is gone; its connections end with it.
async fn serve(io: Upgraded, protocol: Protocol, place: Place) {
    let mut forwards = Forwards::serve(io, protocol).await;
    let mut connections = JoinSet::new();
    while let Some(forward) = forwards.next().await {
        connections.spawn(connect(forward, place.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop(connections);
    forwards.close().await;
}

async fn connect(forward: Forward, place: Place) {
    match place.dial(forward.port).await {
        Ok(stream) => forward.copy(stream).await,
        Err(why) => forward.fail(&why).await,
    }
}

impl Place {
    /// Connects to a port of the pod.
    ///
    /// # Errors
    /// Why it does not, for the client, as a kubelet says it.
    async fn dial(&self, port: u16) -> Result<TcpStream, String> {
        dial(self.sandbox.clone(), port).await.map_err(|error| {
            let Self { pod, uid, .. } = self;
            let kind = error.kind();
            let why = format!(
                "error forwarding port {port} to pod {pod}, uid {uid}: dial tcp4 127.0.0.1:{port}: connect: {kind}"
            );
            tracing::info!("{why}");
            why
        })
    }
}

async fn dial(sandbox: PathBuf, port: u16) -> io::Result<TcpStream> {
    let made = tokio::task::spawn_blocking(move || socket(&sandbox, Kind::Tcp)).await.map_err(io::Error::other)??;
    let made = std::net::TcpStream::from(made);
    made.set_nonblocking(true)?;
    let connecting = TcpSocket::from_std_stream(made).connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let stream = tokio::time::timeout(DIAL, connecting).await.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
