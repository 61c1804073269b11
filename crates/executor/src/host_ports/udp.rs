//! Datagrams of a hostPort: each client has a socket of its own towards the pod, so that answers find their way back, until
//! nothing has passed for a while.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// How long a client is remembered after the last datagram: the kernel's own time for a UDP flow with answers.
const IDLE: Duration = Duration::from_secs(120);
/// Clients of one port at one time; the datagrams of more are dropped.
const CLIENTS: usize = 1024;
/// The largest datagram.
const DATAGRAM: usize = 64 << 10;

/// A client's way to the pod.
struct Flow {
    pod: Arc<UdpSocket>,
    used: Arc<Mutex<Instant>>,
    _answers: AbortOnDropHandle<()>,
}

/// Passes datagrams between the clients of `node` and the pod's port `to`, for ever.
pub(super) async fn pass(node: UdpSocket, to: SocketAddr) {
    let (node, mut flows) = (Arc::new(node), HashMap::<SocketAddr, Flow>::new());
    let (over, mut ended) = mpsc::channel(CLIENTS);
    let mut buffer = vec![0; DATAGRAM];
    loop {
        tokio::select! {
            received = node.recv_from(&mut buffer) => {
                // an error is a client's that did not take an answer
                let Ok((length, client)) = received else { continue };
                if !flows.contains_key(&client) && flows.len() < CLIENTS {
                    match begin(&node, client, to, over.clone()).await {
                        Ok(flow) => drop(flows.insert(client, flow)),
                        Err(error) => tracing::debug!(%error, %to, "a datagram at a hostPort is dropped"),
                    }
                }
                if let Some(flow) = flows.get(&client) {
                    *flow.used.lock() = Instant::now();
                    let _ = flow.pod.send(&buffer[..length]).await;
                }
            }
            Some(client) = ended.recv() => drop(flows.remove(&client)),
        }
    }
}

async fn begin(
    node: &Arc<UdpSocket>,
    client: SocketAddr,
    to: SocketAddr,
    over: mpsc::Sender<SocketAddr>,
) -> io::Result<Flow> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let pod = UdpSocket::bind((any, 0)).await?;
    pod.connect(to).await?;
    let (pod, used) = (Arc::new(pod), Arc::new(Mutex::new(Instant::now())));
    let (answers, node, since) = (pod.clone(), node.clone(), used.clone());
    let task = tokio::spawn(async move {
        answer(&answers, &node, client, &since).await;
        let _ = over.send(client).await;
    });
    Ok(Flow { pod, used, _answers: AbortOnDropHandle::new(task) })
}

/// Passes the pod's answers to the client, until nothing has passed either way for [`IDLE`].
async fn answer(pod: &UdpSocket, node: &UdpSocket, client: SocketAddr, used: &Mutex<Instant>) {
    loop {
        let idle = *used.lock() + IDLE;
        tokio::select! {
            ready = pod.readable() => {
                if ready.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep_until(idle) => {
                if *used.lock() + IDLE <= Instant::now() {
                    return;
                }
                continue;
            }
        }
        let mut datagram = Vec::with_capacity(DATAGRAM);
        // an error says that nobody listens in the pod, or that there was nothing: both pass
        if pod.try_recv_buf(&mut datagram).is_ok() {
            *used.lock() = Instant::now();
            let _ = node.send_to(&datagram, client).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_client_gets_its_own_answers() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let node = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (at, to) = (node.local_addr().unwrap(), server.local_addr().unwrap());
        let _passing = AbortOnDropHandle::new(tokio::spawn(pass(node, to)));
        let _serving = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut buffer = [0; 64];
            while let Ok((length, from)) = server.recv_from(&mut buffer).await {
                buffer[..length].reverse();
                server.send_to(&buffer[..length], from).await.unwrap();
            }
        }));
        let clients = [UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap()];
        for (client, word) in clients.iter().zip([b"one", b"two"]) {
            client.send_to(word, at).await.unwrap();
        }
        for (client, word) in clients.iter().zip([b"eno", b"owt"]) {
            let mut buffer = [0; 64];
            let (length, from) = client.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..length], from), (&word[..], at));
        }
    }
}
