//! hostPorts: ports of the node at which a pod is reached. Connections are taken here, in the node's network, and passed on
//! to the pod's address, so a server sees the node as its client. TCP alone; a pod that lives in the node's network needs none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
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

/// A port of the node, and the pod's port behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The container that asks for it.
    pub container: String,
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

/// The ports that a pod's containers ask for.
#[must_use]
pub fn wanted(pod: &Pod) -> Vec<Port> {
    if pod::host_network(pod) {
        return Vec::new();
    }
    let ports = pod::all_containers(pod)
        .flat_map(|container| container.ports.iter().flatten().map(|port| (container.name.clone(), port)));
    let tcp = ports.filter(|(_, port)| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
    tcp.filter_map(|(container, port)| {
        let own = u16::try_from(port.host_port?).ok().filter(|port| *port > 0)?;
        let ip = port.host_ip.as_deref().and_then(|ip| ip.parse().ok());
        let at = SocketAddr::new(ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), own);
        Some(Port { container, at, to: u16::try_from(port.container_port).ok()? })
    })
    .collect()
}

async fn serve(context: Arc<Context>, pod: Arc<Pod>, port: Port, address: IpAddr) {
    let listener = loop {
        match TcpListener::bind(port.at).await {
            Ok(listener) => break listener,
            Err(error) => {
                let message = format!("hostPort {} cannot be served yet: {error}", port.at);
                context.events.record(&pod, &port.container, Type::Warning, "HostPortConflict", message);
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let turns = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let turn = turns.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((client, _)) => {
                connections.spawn(async move {
                    pass(client, SocketAddr::new(address, port.to)).await;
                    drop(turn);
                });
            }
            Err(error) => {
                tracing::debug!(%error, port = %port.at, "accepting at a hostPort");
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
            {"containerPort": 82, "hostPort": 31082, "hostIP": "127.0.0.1"}]);
        let pod = serde_json::json!({"metadata": {"name": "p"}, "spec": {"hostNetwork": host_network,
            "containers": [{"name": "c", "ports": ports}]}});
        wanted(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn tcp_ports_that_name_one_of_the_node_are_served() {
        let port = |at: &str, to| Port { container: "c".into(), at: at.parse().unwrap(), to };
        assert_eq!(ports(false), [port("0.0.0.0:31000", 80), port("127.0.0.1:31082", 82)]);
        assert_eq!(ports(true), []);
    }
}
