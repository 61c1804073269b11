//! The name server's sockets: UDP and TCP on one port, bounded in what waits, drained at the end.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{Domain, MAX_PAYLOAD, Outcome, answer, reply};
use crate::cache::{Cache, Holds};
use crate::forward::Forwarder;
use crate::zone::Shared;

/// A datagram's limit for who says nothing of its own (RFC 1035 section 4.2.1).
const PLAIN_PAYLOAD: u16 = 512;
/// Questions that wait for other nameservers at one time; more are dropped, and clients ask again.
const MAX_FORWARDED: usize = 512;
/// TCP clients at one time.
const MAX_CLIENTS: usize = 256;
/// How long a TCP client may be silent.
const IDLE: Duration = Duration::from_secs(10);

/// Datagrams that are answered before anything else has its turn.
const BATCH: usize = 64;
/// After a failed accept, which is out of descriptors or memory, before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// What answers are made of.
pub struct Resolver {
    zone: Arc<Shared>,
    domain: Domain,
    forwarder: Forwarder,
    cache: Cache,
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

/// What is known at once of an answer to some bytes.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one lives at a time, and is never kept
pub enum Answered {
    /// These bytes are the answer.
    Bytes(Vec<u8>),
    /// Others are to be asked about this request.
    Others(Message, Outcome),
    /// The bytes are no question.
    Nothing,
}

async fn datagrams(resolver: Arc<Resolver>, socket: Arc<UdpSocket>, tasks: &TaskTracker, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_FORWARDED));
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // an error is told by the next read
            _ = socket.readable() => {}
        }
        for _ in 0..BATCH {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, client)) => {
                    answer_datagram(&resolver, &socket, tasks, &places, (&buffer[..length], client))
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // the echo of an answer that could not be delivered
                Err(_) => {}
            }
        }
    }
}

/// Answers at once where that can be, else beside. What the socket does not take now is lost: the client asks again.
fn answer_datagram(
    resolver: &Arc<Resolver>,
    socket: &Arc<UdpSocket>,
    tasks: &TaskTracker,
    places: &Arc<Semaphore>,
    (bytes, client): (&[u8], SocketAddr),
) {
    match resolver.datagram(bytes) {
        Answered::Nothing => {}
        Answered::Bytes(answer) => drop(socket.try_send_to(&answer, client)),
        Answered::Others(request, outcome) => {
            let Ok(place) = Arc::clone(places).try_acquire_owned() else { return };
            let (resolver, socket, bytes) = (Arc::clone(resolver), Arc::clone(socket), bytes.to_vec());
            tasks.spawn(async move {
                let message = resolver.elsewhere(&request, outcome, false).await;
                if let Some(answer) = encode(&message, Some(limit(&request))) {
                    resolver.keep(&bytes, &message, &answer);
                    let _ = socket.send_to(&answer, client).await;
                }
                drop(place);
            });
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
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
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
    /// Answers names below `domain` from `zone`, and asks `forwarder` for all others.
    #[must_use]
    pub fn new(zone: Arc<Shared>, domain: Domain, forwarder: Forwarder) -> Self {
        Self { zone, domain, forwarder, cache: Cache::default() }
    }

    /// What is known at once of the answer to a datagram, whatever is in it.
    #[must_use]
    pub fn datagram(&self, bytes: &[u8]) -> Answered {
        // read before the zone is, so that an answer of an older zone is not kept as one of the newer
        let generation = self.zone.generation();
        let now = Instant::now();
        if let Some(answer) = self.cache.get(bytes, generation, now) {
            return Answered::Bytes(answer);
        }
        let Some(request) = decode(bytes) else { return Answered::Nothing };
        match self.known(&request) {
            Outcome::Answer(message) => match encode(&message, Some(limit(&request))) {
                Some(answer) => {
                    // several addresses come in another order each time
                    if message.answers.len() < 2 && message.response_code != ResponseCode::ServFail {
                        self.cache.put(bytes, &answer, Holds::While(generation), now);
                    }
                    Answered::Bytes(answer)
                }
                None => Answered::Nothing,
            },
            outcome => Answered::Others(request, outcome),
        }
    }

    /// Keeps somebody else's answer, where it is one that holds.
    fn keep(&self, request: &[u8], message: &Message, answer: &[u8]) {
        let holds = matches!(message.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
        if holds && !message.truncation {
            self.cache.put(request, answer, Holds::TimeToLive, Instant::now());
        }
    }

    fn known(&self, request: &Message) -> Outcome {
        answer(self.zone.read().as_ref(), &self.domain, request)
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

/// The longest datagram that the client takes and we send.
fn limit(request: &Message) -> u16 {
    request.edns.as_ref().map_or(PLAIN_PAYLOAD, |edns| edns.max_payload().clamp(PLAIN_PAYLOAD, MAX_PAYLOAD))
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
