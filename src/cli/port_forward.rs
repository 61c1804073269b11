//! `k8sm port-forward`: ports of a pod on this machine, a connection to the API server for each connection to a port.

mod ports;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
use ports::{Pair, Ports};

/// Connections that are carried at one time; more wait to be accepted.
const CONNECTIONS: usize = 256;
/// After a failed accept, before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Forward ports of this machine to a pod, or to a pod behind a service, until interrupted
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm port-forward nginx 8080:80        127.0.0.1:8080 is the pod's port 80\n  \
                        k8sm port-forward nginx :http          a free port of this machine is the pod's port named http\n  \
                        k8sm port-forward service/web 8080:80  127.0.0.1:8080 is the port to which the service's port 80 leads")]
pub(crate) struct PortForward {
    /// The pod: NAME or pod/NAME; rc/NAME is the first of its pods, and so is service/NAME, whose port REMOTE is then
    pod: String,
    /// The ports; REMOTE is a number or a name
    #[arg(required = true, value_name = "[LOCAL:]REMOTE")]
    ports: Vec<Ports>,
    /// Where this machine listens: addresses, or localhost
    #[arg(long, value_delimiter = ',', value_parser = address, default_value = "127.0.0.1")]
    address: Vec<IpAddr>,
    #[command(flatten)]
    place: Place,
}

impl PortForward {
    /// Forwards until the user interrupts.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = self.place.connect(global).await?;
        let (pod, owner) = pod::find_with_owner(&client, &self.pod).await?;
        let phase = pod.phase();
        if phase != "Running" {
            return Err(Failure::failed(format!("pod {} is not running, its phase is {phase}", pod.name())));
        }
        let pair = |ports: &Ports| match &owner {
            Some((kind, service)) if kind.plural == "services" => ports.of_service(service, &pod),
            _ => ports.of_pod(&pod),
        };
        let pairs = self.ports.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
        let path = pod.path(&client).under("portforward");
        let mut listeners = Vec::new();
        for pair in pairs {
            for address in &self.address {
                listeners.push((listen(*address, pair).await?, pair.remote));
            }
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
}

async fn listen(address: IpAddr, ports: Pair) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(address, ports.local);
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

/// An address to listen on, as it is typed.
fn address(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        text => text.parse().map_err(|_| "expected an IP address or localhost".to_owned()),
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
    fn localhost_is_an_address_and_other_names_are_none() {
        assert_eq!(address("localhost"), Ok(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(address("::1"), Ok(std::net::Ipv6Addr::LOCALHOST.into()));
        assert!(address("example.com").is_err());
    }
}
