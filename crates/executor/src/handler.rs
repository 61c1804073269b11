//! What probes and lifecycle hooks ask of a container: a command in it, a request or a connection to it.
//!
//! Requests and connections go from the node to the pod's address, as Kubernetes' kubelet makes them: a server that listens
//! on the pod's loopback alone is not reached. Nothing here takes longer than the time it is given.

mod exec;
mod grpc;
mod http;
mod tcp;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, LifecycleHandler, Pod, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

pub use exec::Hung;

use crate::context::Context;

/// Who is asked.
pub struct Target {
    /// The node.
    pub context: Arc<Context>,
    /// The pod.
    pub pod: Arc<Pod>,
    /// The container.
    pub container: Container,
    /// Docker's ID of it.
    pub id: String,
    /// The pod's address.
    pub address: Option<IpAddr>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is well; what there is to tell all the same, if anything.
    Good(Option<String>),
    /// It is not: what it said.
    Bad(String),
    /// It could not be asked: why.
    Error(String),
}

impl Answer {
    /// Whether it is well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good(_))
    }
}

impl Target {
    /// Asks a probe. `hung` is the command that an earlier time left behind: it is waited for before another is begun, so
    /// that commands that hang do not pile up in the container.
    pub async fn probe(&self, probe: &Probe, timeout: Duration, hung: &mut Option<Hung>) -> Answer {
        if let Some(exec) = &probe.exec {
            let command = exec.command.clone().unwrap_or_default();
            exec::probe(self, command, timeout, hung).await
        } else if let Some(get) = &probe.http_get {
            http::get(self, get, timeout).await
        } else if let Some(connect) = &probe.tcp_socket {
            tcp::connect(self, connect, timeout).await
        } else if let Some(check) = &probe.grpc {
            grpc::check(self, check, timeout).await
        } else {
            Answer::Error("missing probe handler".to_owned())
        }
    }

    /// Runs a hook to its end, or for `timeout`.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn hook(&self, hook: &LifecycleHandler, timeout: Duration) -> Result<(), String> {
        let answer = if let Some(exec) = &hook.exec {
            exec::probe(self, exec.command.clone().unwrap_or_default(), timeout, &mut None).await
        } else if let Some(get) = &hook.http_get {
            http::call(self, get, timeout).await
        } else if let Some(sleep) = &hook.sleep {
            let wanted = Duration::from_secs(u64::try_from(sleep.seconds).unwrap_or_default());
            tokio::time::sleep(wanted.min(timeout)).await;
            Answer::Good(None)
        } else if hook.tcp_socket.is_some() {
            Answer::Error("tcpSocket is not a hook that Kubernetes runs".to_owned())
        } else {
            Answer::Error("invalid handler: it names nothing to do".to_owned())
        };
        match answer {
            Answer::Good(_) => Ok(()),
            Answer::Bad(why) | Answer::Error(why) => Err(why),
        }
    }

    /// The host that a handler names, or the pod's own address.
    fn host(&self, named: Option<&str>) -> Result<String, String> {
        match (named.filter(|named| !named.is_empty()), self.address) {
            (Some(named), _) => Ok(named.to_owned()),
            (None, Some(address)) => Ok(address.to_string()),
            (None, None) => Err("the pod has no address".to_owned()),
        }
    }

    /// A port by its number, or by its name among the container's ports.
    fn port(&self, port: &IntOrString) -> Result<u16, String> {
        let number = match port {
            IntOrString::Int(number) => *number,
            IntOrString::String(name) => {
                let mut ports = self.container.ports.iter().flatten();
                let named = ports.find(|port| port.name.as_deref() == Some(name)).map(|port| port.container_port);
                let found = named.or_else(|| name.parse().ok());
                found.ok_or_else(|| format!("couldn't find port: {name:?} in container {:?}", self.container.name))?
            }
        };
        u16::try_from(number).ok().filter(|port| *port > 0).ok_or_else(|| format!("invalid port number: {number}"))
    }
}

/// An address as part of a URL or a dial string.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// Why a connection failed, as Go says it.
fn dial_words(address: &str, error: &std::io::Error) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        std::io::ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        std::io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => error.to_string(),
    };
    format!("dial tcp {address}: {why}")
}
