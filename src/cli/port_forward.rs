//! `k8sm port-forward`: ports of a pod on this machine, a connection to the API server for each connection to a port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use streams::forward::client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Global;
use super::kube::Place;
use super::pod;
use crate::client::{Client, Path};
use crate::failure::Failure;
use crate::shell;

/// Connections that are carried at one time; more wait to be accepted.
const CONNECTIONS: usize = 256;
/// After a failed accept, before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Forward ports of this machine to a pod, until interrupted
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm port-forward nginx 8080:80    127.0.0.1:8080 is the pod's port 80\n  \
                        k8sm port-forward nginx :80        a free port of this machine")]
pub(crate) struct PortForward {
    /// The pod: NAME or pod/NAME; rc/NAME or svc/NAME is the first of its pods, and REMOTE a port of the pod
    pod: String,
    /// The ports
    #[arg(required = true, value_name = "[LOCAL:]REMOTE")]
    ports: Vec<Ports>,
    /// Where this machine listens
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    #[command(flatten)]
    place: Place,
}

/// A port of this machine, 0 for a free one, and one of the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ports {
    local: u16,
    remote: u16,
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (local, remote) = text.split_once(':').unwrap_or((text, text));
        let port = |text: &str| text.parse::<u16>().ok();
        let local = if local.is_empty() { Some(0) } else { port(local) };
        match (local, port(remote)) {
            (Some(local), Some(remote)) if remote > 0 => Ok(Self { local, remote }),
            _ => Err("expected [LOCAL:]REMOTE, such as 8080:80".to_owned()),
        }
    }
}

impl PortForward {
    /// Forwards until the user interrupts.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = self.place.connect(global).await?;
        let pod = pod::find(&client, &self.pod).await?;
        let phase = pod.phase();
        if phase != "Running" {
            return Err(Failure::failed(format!("pod {} is not running, its phase is {phase}", pod.name())));
        }
        let path = pod.path(&client).under("portforward");
        let mut listeners = Vec::new();
        for ports in &self.ports {
            listeners.push((self.listen(*ports).await?, ports.remote));
        }
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let all = listeners
            .into_iter()
            .map(|(listener, remote)| serve(client.clone(), path.clone(), listener, remote, Arc::clone(&room)));
        tokio::select! {
            _ = join_all(all) => Ok(()),
            stopped = tokio::signal::ctrl_c() => stopped.map_err(|e| Failure::environment("listen for signals").because(e)),
        }
    }

    async fn listen(&self, ports: Ports) -> Result<TcpListener, Failure> {
        let address = SocketAddr::new(self.address, ports.local);
        let taken = |error| {
            Failure::environment(format!("listen on {address}"))
                .because(anyhow::Error::from(error))
                .hint(format!("name another port, or none: `:{}` takes a free one", ports.remote))
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        shell::data(&format!("Forwarding from {address} -> {}\n", ports.remote))?;
        Ok(listener)
    }
}

async fn serve(client: Client, path: Path, listener: TcpListener, port: u16, room: Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((local, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (client, path) = (client.clone(), path.clone());
        tokio::spawn(async move {
            if let Err(error) = carry(&client, &path, port, local).await {
                shell::say(&format!("port {port}: {}", error.line()));
            }
            drop(place);
        });
    }
}

async fn carry(client: &Client, path: &Path, port: u16, local: TcpStream) -> Result<(), Failure> {
    let upgraded = client.forward(path).await?;
    client::carry(upgraded, port, local).await.map_err(|error| Failure::from(anyhow::Error::from(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_kubectl_reads_them() {
        assert_eq!("8080:80".parse(), Ok(Ports { local: 8080, remote: 80 }));
        assert_eq!("80".parse(), Ok(Ports { local: 80, remote: 80 }));
        assert_eq!(":80".parse(), Ok(Ports { local: 0, remote: 80 }));
        for text in ["", ":", "a", "80:", "80:0", "70000"] {
            assert!(text.parse::<Ports>().is_err(), "{text}");
        }
    }
}
