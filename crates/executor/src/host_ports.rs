//! hostPorts: ports of the node at which a pod is reached. Connections and datagrams are taken here, in the node's network, and
//! passed on to the pod's address, so a server sees the node as its client. A pod that lives in the node's network needs none.

mod udp;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::events::Type;
use crate::pod;

/// Connections of one port at one time; more wait to be taken.
const CONNECTIONS: usize = 1024;
/// How long the pod may take to accept.
const DIAL: Duration = Duration::from_secs(10);
/// Between attempts at a port that is taken: the pod that had it may be ending.
const AGAIN: Duration = Duration::from_secs(2);

/// What is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A port of the node, and the pod's port behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The container that asks for it.
    pub container: String,
    /// What is passed on.
    pub protocol: Protocol,
    /// The node's.
    pub at: SocketAddr,
    /// The pod's.
    pub to: u16,
}

/// A pod's ports of the node, open until this is dropped.
#[derive(Debug)]
pub struct HostPorts {
    address: IpAddr,
    _listeners: JoinSet<()>,
}

impl HostPorts {
    /// Opens the ports of a pod that has that address.
    #[must_use]
    pub fn open(context: &Arc<Context>, pod: &Arc<Pod>, address: IpAddr) -> Self {
        let mut listeners = JoinSet::new();
        for port in wanted(pod) {
            listeners.spawn(serve(context.clone(), pod.clone(), port, address));
        }
        Self { address, _listeners: listeners }
    }

    /// The pod's address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

/// The ports that a pod's containers ask for, sidecars among them. Other init containers are over when the pod runs.
#[must_use]
pub fn wanted(pod: &Pod) -> Vec<Port> {
    if pod::host_network(pod) {
        return Vec::new();
    }
    let sidecars = pod::init_containers(pod).iter().filter(|container| pod::is_sidecar(container));
    let ports = sidecars
        .chain(pod::containers(pod))
        .flat_map(|container| container.ports.iter().flatten().map(|port| (container.name.clone(), port)));
    ports
        .filter_map(|(container, port)| {
            let protocol = match port.protocol.as_deref() {
                None | Some("TCP") => Protocol::Tcp,
                Some("UDP") => Protocol::Udp,
                Some(_) => return None,
            };
            let own = u16::try_from(port.host_port?).ok().filter(|port| *port > 0)?;
            let ip = port.host_ip.as_deref().and_then(|ip| ip.parse().ok());
            let at = SocketAddr::new(ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), own);
            Some(Port { container, protocol, at, to: u16::try_from(port.container_port).ok()? })
        })
        .collect()
}

async fn serve(context: Arc<Context>, pod: Arc<Pod>, port: Port, address: IpAddr) {
    let to = SocketAddr::new(address, port.to);
    match port.protocol {
        Protocol::Tcp => pass_connections(open(&context, &pod, &port, TcpListener::bind).await, to).await,
        Protocol::Udp => udp::pass(open(&context, &pod, &port, UdpSocket::bind).await, to).await,
    }
}

/// The node's end of a port, as soon as it can be had.
async fn open<T, F>(context: &Context, pod: &Pod, port: &Port, bind: impl Fn(SocketAddr) -> F) -> T
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        match bind(port.at).await {
            Ok(end) => return end,
            Err(error) => {
                let message = format!("hostPort {} cannot be served yet: {error}", port.at);
                context.events.record(pod, &port.container, Type::Warning, "HostPortConflict", message);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn pass_connections(listener: TcpListener, to: SocketAddr) {
    let turns = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let turn = turns.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((client, _)) => {
                connections.spawn(async move {
                    pass(client, to).await;
                    drop(turn);
                });
            }
            Err(error) => {
                tracing::debug!(%error, %to, "accepting at a hostPort");
                tokio::time::sleep(AGAIN).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Joins the client to the pod. One that the pod does not take is closed.
async fn pass(mut client: TcpStream, to: SocketAddr) {
    match tokio::time::timeout(DIAL, TcpStream::connect(to)).await {
        Ok(Ok(mut server)) => {
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            if let Err(error) = copy_bidirectional(&mut client, &mut server).await {
                tracing::debug!(%error, %to, "a connection through a hostPort broke off");
            }
        }
        Ok(Err(error)) => tracing::debug!(%error, %to, "nobody is behind the hostPort"),
        Err(_) => tracing::debug!(%to, "nobody answers behind the hostPort"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(host_network: bool) -> Vec<Port> {
        let ports = serde_json::json!([{"containerPort": 80, "hostPort": 31000}, {"containerPort": 81},
            {"containerPort": 53, "hostPort": 31053, "protocol": "UDP"},
            {"containerPort": 54, "hostPort": 31054, "protocol": "SCTP"},
            {"containerPort": 82, "hostPort": 31082, "hostIP": "127.0.0.1"}]);
        let pod = serde_json::json!({"metadata": {"name": "p"}, "spec": {"hostNetwork": host_network,
            "containers": [{"name": "c", "ports": ports}]}});
        wanted(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn ports_that_name_one_of_the_node_are_served() {
        let port = |protocol, at: &str, to| Port { container: "c".into(), protocol, at: at.parse().unwrap(), to };
        let (web, dns) = (port(Protocol::Tcp, "0.0.0.0:31000", 80), port(Protocol::Udp, "0.0.0.0:31053", 53));
        assert_eq!(ports(false), [web, dns, port(Protocol::Tcp, "127.0.0.1:31082", 82)]);
        assert_eq!(ports(true), []);
    }

    #[test]
    fn of_init_containers_sidecars_alone_are_served() {
        let pod = serde_json::json!({"metadata": {"name": "p"}, "spec": {"containers": [], "initContainers": [
            {"name": "i", "ports": [{"containerPort": 80, "hostPort": 31000}]},
            {"name": "s", "restartPolicy": "Always", "ports": [{"containerPort": 81, "hostPort": 31001}]}]}});
        let served: Vec<_> =
            wanted(&serde_json::from_value(pod).unwrap()).into_iter().map(|port| port.container).collect();
        assert_eq!(served, ["s"]);
    }
}
