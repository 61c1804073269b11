//! The client's end of one forwarded connection: a pair of streams on an upgraded connection of its own.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::CHUNK;
use crate::Io;
use crate::spdy::frame::{self, Decoder, Encoder, Frame};

/// The client's streams have odd numbers.
const ERROR: u32 = 1;
const DATA: u32 = 3;
/// Bytes of the server's word on what went wrong.
const WORD: usize = 4096;

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server, or the port behind it, refused.
    #[error("{0}")]
    Refused(String),
    /// The server speaks something else.
    #[error("read the forwarded connection")]
    Frame(#[from] frame::Error),
    /// A connection broke.
    #[error("move the forwarded connection's bytes")]
    Io(#[from] std::io::Error),
}

/// Carries the bytes of `local` to `port` and back over `io`, which was upgraded to `portforward.k8s.io` over SPDY, until the
/// port has said all.
///
/// # Errors
/// What the server said went wrong, or a connection that broke.
pub async fn carry(io: impl Io, port: u16, local: impl Io) -> Result<(), Error> {
    let (from_server, to_server) = tokio::io::split(io);
    let (from_local, to_local) = tokio::io::split(local);
    tokio::select! {
        Err(error) = upload(to_server, port, from_local) => Err(error),
        carried = download(from_server, to_local) => carried,
    }
}

/// Opens the streams and sends what `local` says. What the port says in return may still come when all is sent.
async fn upload<S: Io, L: Io>(mut server: WriteHalf<S>, port: u16, mut local: ReadHalf<L>) -> Result<(), Error> {
    let mut encoder = Encoder::default();
    let mut out = BytesMut::new();
    for (stream, kind) in [(ERROR, "error"), (DATA, "data")] {
        let headers = [("streamtype", kind.to_owned()), ("port", port.to_string()), ("requestid", "0".to_owned())];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        encoder.encode(&Frame::Open { stream, headers, fin: stream == ERROR }, &mut out);
    }
    let mut buffer = BytesMut::new();
    loop {
        server.write_all_buf(&mut out).await?;
        buffer.reserve(CHUNK);
        let length = local.read_buf(&mut buffer).await?;
        let bytes = buffer.split().freeze();
        encoder.encode(&Frame::Data { stream: DATA, bytes, fin: length == 0 }, &mut out);
        if length == 0 {
            server.write_all_buf(&mut out).await?;
            return Ok(());
        }
    }
}

async fn download<S: Io, L: Io>(mut server: ReadHalf<S>, mut local: WriteHalf<L>) -> Result<(), Error> {
    let mut decoder = Decoder::default();
    let (mut buffer, mut word) = (BytesMut::new(), Vec::new());
    let (mut error_open, mut data_open) = (true, true);
    while error_open || data_open {
        let Some(frame) = decoder.decode(&mut buffer)? else {
            if server.read_buf(&mut buffer).await? == 0 {
                break;
            }
            continue;
        };
        match frame {
            Frame::Data { stream: DATA, bytes, fin } => {
                write(&mut local, &bytes, fin).await?;
                data_open &= !fin;
            }
            Frame::Data { stream: ERROR, bytes, fin } => {
                word.extend(bytes.iter().take(WORD - word.len().min(WORD)));
                error_open &= !fin;
            }
            Frame::Reset { .. } => break,
            _ => {}
        }
    }
    let word = String::from_utf8_lossy(&word).trim().to_owned();
    if word.is_empty() { Ok(()) } else { Err(Error::Refused(word)) }
}

async fn write<L: Io>(local: &mut WriteHalf<L>, bytes: &Bytes, last: bool) -> Result<(), Error> {
    local.write_all(bytes).await?;
    if last {
        // whoever closed already has heard enough
        let _ = local.shutdown().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::Forwards;
    use crate::upgrade::Protocol;

    /// A client and a local connection, with the server's end of the forwarding.
    async fn forwards() -> (impl Future<Output = Result<(), Error>>, tokio::io::DuplexStream, Forwards) {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (local, user) = tokio::io::duplex(1 << 16);
        (carry(client, 80, local), user, Forwards::serve(server, Protocol::PortForwardSpdy).await)
    }

    #[tokio::test]
    async fn bytes_go_there_and_back_and_the_end_is_told() {
        // the server's end lives until the client has heard all
        let (carried, mut user, mut forwards) = forwards().await;
        let serve = async {
            let forward = forwards.next().await.unwrap();
            assert_eq!(forward.port, 80);
            let (ours, mut port) = tokio::io::duplex(64);
            tokio::join!(forward.copy(ours), async {
                let mut said = String::new();
                port.read_to_string(&mut said).await.unwrap();
                port.write_all(format!("you said {said}").as_bytes()).await.unwrap();
                drop(port);
            });
        };
        let used = async {
            user.write_all(b"hello").await.unwrap();
            user.shutdown().await.unwrap();
            let mut said = String::new();
            user.read_to_string(&mut said).await.unwrap();
            said
        };
        let (carried, (), said) = tokio::join!(carried, serve, used);
        carried.unwrap();
        assert_eq!(said, "you said hello");
    }

    #[tokio::test]
    async fn a_refusal_is_handed_on() {
        let (carried, _user, mut forwards) = forwards().await;
        let (carried, ()) = tokio::join!(carried, async {
            forwards.next().await.unwrap().fail("nobody listens on 80").await;
        });
        assert_eq!(carried.unwrap_err().to_string(), "nobody listens on 80");
    }
}
