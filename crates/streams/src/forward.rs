//! Ports over SPDY/3.1: for each of the client's connections a stream of its bytes and one of what went wrong. Over a WebSocket
//! without SPDY they are in [`channels`].

pub mod channels;
pub mod client;

use std::collections::HashMap;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::Io;
use crate::spdy::connection::{Connection, Stream};
use crate::tunnel;
use crate::upgrade::Protocol;

/// How long one stream of a pair waits for the other, as with a kubelet.
const PAIRING: Duration = Duration::from_secs(30);
/// Bytes of one read of a port.
const CHUNK: usize = 32 << 10;

/// A port-forward's connections as they come.
pub struct Forwards {
    connection: Connection,
    /// Streams that wait for their other half, by request.
    waiting: HashMap<String, (Instant, Stream)>,
}

/// One connection to a port.
pub struct Forward {
    /// The port.
    pub port: u16,
    data: Stream,
    error: Stream,
}

impl Forwards {
    /// Serves a connection that was upgraded to `protocol`.
    pub async fn serve(io: impl Io, protocol: Protocol) -> Self {
        let connection = match protocol {
            Protocol::PortForwardTunnel => Connection::serve(tunnel::bytes(io).await),
            _ => Connection::serve(io),
        };
        Self { connection, waiting: HashMap::new() }
    }

    /// The next connection to a port; `None` when the client is gone.
    pub async fn next(&mut self) -> Option<Forward> {
        let gone = self.connection.gone();
        loop {
            let stream = tokio::select! {
                stream = self.connection.accept() => stream?,
                () = gone.cancelled() => return None,
            };
            if let Some(forward) = self.pair(stream).await {
                return Some(forward);
            }
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.connection.close().await;
    }

    async fn pair(&mut self, stream: Stream) -> Option<Forward> {
        let now = Instant::now();
        self.waiting.retain(|_, (since, _)| now.duration_since(*since) < PAIRING);
        let is_error = match stream.header("streamtype") {
            "error" => true,
            "data" => false,
            _ => return None,
        };
        // clients from before there were request IDs open the error stream first and are told apart by the port
        let request = match stream.header("requestid") {
            "" => format!("port {}", stream.header("port")),
            id => id.to_owned(),
        };
        let same_kind = |other: &Stream| (other.header("streamtype") == "error") == is_error;
        if self.waiting.get(&request).is_none_or(|(_, other)| same_kind(other)) {
            self.waiting.insert(request, (now, stream));
            return None;
        }
        let (_, other) = self.waiting.remove(&request)?;
        let (data, error) = if is_error { (other, stream) } else { (stream, other) };
        match data.header("port").parse() {
            Ok(port) if port > 0 => Some(Forward { port, data, error }),
            _ => {
                let why = format!("{:?} is not a valid port", data.header("port"));
                Forward { port: 0, data, error }.fail(&why).await;
                None
            }
        }
    }
}

impl Forward {
    /// Tells the client why there is no connection.
    pub async fn fail(self, why: &str) {
        // a client that is gone is not told
        let _ = self.error.writer.write(why.to_owned().into()).await;
        self.error.writer.finish().await;
        self.data.writer.finish().await;
    }

    /// Copies between the client and `port` until both have said all, or one is gone.
    pub async fn copy(self, port: impl Io) {
        let Self { mut data, error, .. } = self;
        let (mut read, mut write) = tokio::io::split(port);
        let reset = data.writer.reset().clone();
        let to_port = async {
            while let Some(bytes) = data.reader.next().await {
                if write.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            // a port that is closed needs no word
            let _ = write.shutdown().await;
        };
        let to_client = async {
            let mut buffer = BytesMut::new();
            loop {
                buffer.reserve(CHUNK);
                match read.read_buf(&mut buffer).await {
                    Ok(1..) if data.writer.write(buffer.split().freeze()).await.is_ok() => {}
                    _ => break,
                }
            }
            data.writer.finish().await;
        };
        // a client waits for the end of the error stream alone once the port is closed
        let both = async {
            tokio::join!(to_port, async {
                to_client.await;
                error.writer.finish().await;
            })
        };
        tokio::select! {
            _ = both => {}
            () = reset.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spdy::frame::{Decoder, Encoder, Frame};
    use bytes::Bytes;

    fn open(stream: u32, kind: &str, request: &str, port: &str) -> Frame {
        let headers = [("streamtype", kind), ("requestid", request), ("port", port)];
        let headers = headers.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        Frame::Open { stream, headers, fin: false }
    }

    #[tokio::test]
    async fn connections_are_paired_copied_and_refused() {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let (mut encoder, mut bytes) = (Encoder::default(), BytesMut::new());
        for frame in [
            open(1, "error", "0", "80"),
            open(3, "error", "1", "81"),
            open(5, "data", "1", "81"),
            open(7, "data", "0", "80"),
            Frame::Data { stream: 7, bytes: Bytes::from_static(b"hello"), fin: true },
        ] {
            encoder.encode(&frame, &mut bytes);
        }
        client.write_all(&bytes).await.unwrap();
        let served = tokio::spawn(async move {
            let mut forwards = Forwards::serve(server, Protocol::PortForwardSpdy).await;
            let first = forwards.next().await.unwrap();
            assert_eq!(first.port, 81);
            first.fail("refused").await;
            let second = forwards.next().await.unwrap();
            assert_eq!(second.port, 80);
            let (ours, mut port) = tokio::io::duplex(64);
            tokio::join!(second.copy(ours), async {
                let mut said = String::new();
                port.read_to_string(&mut said).await.unwrap();
                assert_eq!(said, "hello");
                port.write_all(b"bye").await.unwrap();
                drop(port);
            });
            forwards.close().await;
        });
        let (mut decoder, mut buffer, mut said) = (Decoder::default(), BytesMut::new(), Vec::new());
        while client.read_buf(&mut buffer).await.unwrap() > 0 {
            while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
                if let Frame::Data { stream, bytes, fin } = frame {
                    said.push((stream, bytes, fin));
                }
            }
        }
        drop(client);
        served.await.unwrap();
        let of = |wanted: u32| -> Vec<u8> {
            let pieces = said.iter().filter(|(stream, ..)| *stream == wanted);
            pieces.flat_map(|(_, bytes, _)| bytes.iter().copied()).collect()
        };
        assert_eq!((of(3), of(7)), (b"refused".to_vec(), b"bye".to_vec()));
        assert_eq!((of(1), of(5)), (Vec::new(), Vec::new()));
        for stream in [1, 3, 5, 7] {
            assert!(said.contains(&(stream, Bytes::new(), true)), "stream {stream} is open in {said:?}");
        }
    }
}
