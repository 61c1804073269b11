//! The name server's sockets: UDP and TCP on one port, bounded in what waits, drained at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use parking_lot::RwLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{Domain, MAX_PAYLOAD, Outcome, answer, reply};
use crate::forward::Forwarder;
use crate::zone::Zone;

/// A datagram's limit for who says nothing of its own (RFC 1035 section 4.2.1).
const PLAIN_PAYLOAD: u16 = 512;
/// Questions that wait for other nameservers at one time; more are dropped, and clients ask again.
const MAX_FORWARDED: usize = 512;
/// TCP clients at one time.
const MAX_CLIENTS: usize = 256;
/// How long a TCP client may be silent.
const IDLE: Duration = Duration::from_secs(10);

/// What answers are made of.
pub struct Resolver {
    /// The records, changed by whoever follows them.
    pub zone: Arc<RwLock<Zone>>,
    /// The domain answered with authority.
    pub domain: Domain,
    /// Who knows the rest.
    pub forwarder: Forwarder,
}

/// A bound name server.
pub struct Server {
    resolver: Arc<Resolver>,
    datagrams: Arc<UdpSocket>,
    listener: TcpListener,
}

impl Server {
    /// Binds UDP and TCP on `address`; with port 0 both get the same one.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr, resolver: Resolver) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let datagrams = UdpSocket::bind(listener.local_addr()?).await?;
        Ok(Self { resolver: Arc::new(resolver), datagrams: Arc::new(datagrams), listener })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is cancelled.
    pub async fn serve(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        tokio::join!(
            datagrams(Arc::clone(&self.resolver), self.datagrams, &tasks, &stop),
            streams(self.resolver, self.listener, &tasks, &stop)
        );
        tasks.close();
        let _ = timeout(IDLE, tasks.wait()).await;
    }
}

async fn datagrams(resolver: Arc<Resolver>, socket: Arc<UdpSocket>, tasks: &TaskTracker, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_FORWARDED));
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        // an error here is the echo of an answer that could not be delivered
        let Ok((length, client)) = received else { continue };
        let Some(request) = decode(&buffer[..length]) else { continue };
        let limit =
            request.edns.as_ref().map_or(PLAIN_PAYLOAD, |edns| edns.max_payload().clamp(PLAIN_PAYLOAD, MAX_PAYLOAD));
        match resolver.known(&request) {
            Outcome::Answer(message) => {
                if let Some(bytes) = encode(&message, Some(limit)) {
                    let _ = socket.send_to(&bytes, client).await;
                }
            }
            unknown => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let (resolver, socket) = (Arc::clone(&resolver), Arc::clone(&socket));
                tasks.spawn(async move {
                    let message = resolver.elsewhere(&request, unknown, false).await;
                    if let Some(bytes) = encode(&message, Some(limit)) {
                        let _ = socket.send_to(&bytes, client).await;
                    }
                    drop(place);
                });
            }
        }
    }
}

async fn streams(resolver: Arc<Resolver>, listener: TcpListener, tasks: &TaskTracker, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (resolver, stop) = (Arc::clone(&resolver), stop.clone());
        tasks.spawn(async move {
            let _ = stop.run_until_cancelled(attend(&resolver, stream)).await;
            drop(place);
        });
    }
}

/// One TCP client, until it leaves, falls silent, or talks nonsense (RFC 7766).
async fn attend(resolver: &Resolver, mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let length = timeout(IDLE, stream.read_u16()).await??;
        let mut buffer = vec![0; usize::from(length)];
        timeout(IDLE, stream.read_exact(&mut buffer)).await??;
        let Some(request) = decode(&buffer) else { return Ok(()) };
        let message = match resolver.known(&request) {
            Outcome::Answer(message) => message,
            unknown => resolver.elsewhere(&request, unknown, true).await,
        };
        let Some(bytes) = encode(&message, None) else { return Ok(()) };
        let length = u16::try_from(bytes.len()).map_err(std::io::Error::other)?;
        timeout(IDLE, stream.write_all(&[&length.to_be_bytes()[..], &bytes].concat())).await??;
    }
}

impl Resolver {
    fn known(&self, request: &Message) -> Outcome {
        answer(&self.zone.read(), &self.domain, request)
    }

    /// Asks others for what the zone does not have.
    async fn elsewhere(&self, request: &Message, unknown: Outcome, tcp: bool) -> Message {
        match unknown {
            Outcome::Answer(message) => message,
            Outcome::Elsewhere => self.forwarder.ask(request, tcp).await.unwrap_or_else(|error| {
                tracing::debug!("{error}");
                reply(request, ResponseCode::ServFail)
            }),
            Outcome::Alias(mut message, target) => {
                let kind = request.queries[0].query_type;
                // an alias whose target nobody knows is still an answer
                if let Ok(found) = self.forwarder.look_up(target, kind).await {
                    message.add_answers(found.answers.iter().cloned());
                }
                message
            }
        }
    }
}

/// A question that can be answered; anything else is dropped, so that two servers never answer each other's answers.
fn decode(bytes: &[u8]) -> Option<Message> {
    Message::from_vec(bytes).ok().filter(|message| message.message_type == MessageType::Query)
}

/// The bytes, cut down to the question with the truncation bit where they exceed `limit`.
fn encode(message: &Message, limit: Option<u16>) -> Option<Vec<u8>> {
    let bytes = message.to_vec().ok()?;
    match limit {
        Some(limit) if bytes.len() > usize::from(limit) => message.truncate().to_vec().ok(),
        _ => Some(bytes),
    }
}
