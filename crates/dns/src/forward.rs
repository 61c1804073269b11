//! Questions that are not the cluster's: asked of the nameservers of `/etc/resolv.conf`, and their answers passed on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long one nameserver may take.
const PATIENCE: Duration = Duration::from_secs(2);
const PORT: u16 = 53;

/// Why nobody answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nobody to ask.
    #[error("no nameserver to ask")]
    Nobody,
    /// The last nameserver's failure.
    #[error("nameserver {server} did not answer")]
    Unanswered {
        /// Who was asked last.
        server: SocketAddr,
        /// Why it did not.
        source: std::io::Error,
    },
}

/// The nameservers that are asked, in their order.
#[derive(Debug, Clone)]
pub struct Forwarder {
    servers: Vec<SocketAddr>,
}

impl Forwarder {
    /// Asks these.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers }
    }

    /// Those that a resolv.conf names; lines that name none are passed over, as libc does.
    #[must_use]
    pub fn from_resolv_conf(text: &str) -> Self {
        let addresses = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok()).flatten()
        });
        Self::new(addresses.map(|address| SocketAddr::new(address, PORT)).collect())
    }

    /// The answer of the first nameserver that gives one, with the request's own ID. `tcp` asks without a size limit.
    ///
    /// # Errors
    /// When none gives one.
    pub async fn ask(&self, request: &Message, tcp: bool) -> Result<Message, Error> {
        let mut asked = request.clone();
        // an ID of our own, so that nobody who knows the client's can answer in the server's place
        asked.metadata.id = rand::random();
        let mut last = Error::Nobody;
        for &server in &self.servers {
            match timeout(PATIENCE, exchange(server, &asked, tcp)).await {
                Ok(Ok(mut reply)) => {
                    reply.metadata.id = request.id;
                    return Ok(reply);
                }
                Ok(Err(source)) => last = Error::Unanswered { server, source },
                Err(_) => last = Error::Unanswered { server, source: std::io::ErrorKind::TimedOut.into() },
            }
        }
        Err(last)
    }

    /// Asks for a name of our own choosing.
    ///
    /// # Errors
    /// As [`Forwarder::ask`].
    pub async fn look_up(&self, name: Name, kind: RecordType) -> Result<Message, Error> {
        let mut request = Message::new(rand::random(), MessageType::Query, OpCode::Query);
        request.metadata.recursion_desired = true;
        request.add_query(Query::query(name, kind));
        self.ask(&request, false).await
    }
}

/// The IPv4 addresses that `server` gives for a name, whatever the name.
///
/// # Errors
/// When it gives no answer, or the name is none.
pub async fn addresses(server: SocketAddr, name: &str) -> Result<Vec<Ipv4Addr>, Error> {
    let name =
        Name::from_ascii(name).map_err(|error| Error::Unanswered { server, source: std::io::Error::other(error) })?;
    let reply = Forwarder::new(vec![server]).look_up(name, RecordType::A).await?;
    let address = |answer: &Record| match answer.data {
        RData::A(address) => Some(address.0),
        _ => None,
    };
    Ok(reply.answers.iter().filter_map(address).collect())
}

async fn exchange(server: SocketAddr, request: &Message, tcp: bool) -> std::io::Result<Message> {
    let bytes = request.to_vec().map_err(std::io::Error::other)?;
    let reply = if tcp { over_tcp(server, &bytes).await? } else { over_udp(server, &bytes, request).await? };
    if belongs(&reply, request) { Ok(reply) } else { Err(std::io::Error::other("the answer is to another question")) }
}

async fn over_udp(server: SocketAddr, bytes: &[u8], request: &Message) -> std::io::Result<Message> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // a socket of its own, with a port of the kernel's choosing, for each question; connected, so that only the server is heard
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match Message::from_vec(&buffer[..length]) {
            Ok(reply) if belongs(&reply, request) => return Ok(reply),
            // a late or forged answer does not end the wait for the right one
            _ => continue,
        }
    }
}

async fn over_tcp(server: SocketAddr, bytes: &[u8]) -> std::io::Result<Message> {
    let length = u16::try_from(bytes.len()).map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
    let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut buffer).await?;
    Message::from_vec(&buffer).map_err(std::io::Error::other)
}

fn belongs(reply: &Message, request: &Message) -> bool {
    reply.id == request.id && reply.message_type == MessageType::Response && reply.queries == request.queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_are_read_from_resolv_conf() {
        let forwarder =
            Forwarder::from_resolv_conf("# a\nsearch x\nnameserver 127.0.0.11\nnameserver nonsense\nnameserver ::1\n");
        assert_eq!(forwarder.servers, ["127.0.0.11:53".parse().unwrap(), "[::1]:53".parse::<SocketAddr>().unwrap()]);
    }

    #[tokio::test]
    async fn without_nameservers_nobody_answers() {
        let asked = Forwarder::new(Vec::new()).look_up(Name::root(), RecordType::NS).await;
        assert!(matches!(asked, Err(Error::Nobody)));
    }
}
