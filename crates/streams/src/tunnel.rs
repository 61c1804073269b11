//! WebSockets: as what carries messages, and as what carries another protocol's bytes.

use bytes::Bytes;
use futures::stream::SplitStream;
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::{Io, channel};

/// Bytes of a message that a client may send.
const MAX_MESSAGE: usize = 4 << 20;
/// Bytes that lie between a tunnel's ends.
const BUFFER: usize = 64 << 10;

/// The server's end of a WebSocket over a connection that was upgraded to it.
pub async fn socket<S: Io>(io: S) -> WebSocketStream<S> {
    let limits = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    WebSocketStream::from_raw_socket(io, Role::Server, Some(limits)).await
}

/// What the client sends next on a channel, with the channel's number; `None` when it is gone. In `base64` it sends text alone.
pub(crate) async fn next<S: Io>(messages: &mut SplitStream<WebSocketStream<S>>, base64: bool) -> Option<(u8, Bytes)> {
    loop {
        let bytes = match messages.next().await? {
            Ok(Message::Binary(bytes)) => bytes,
            Ok(Message::Text(text)) => text.into(),
            // pings are answered below us
            Ok(_) => continue,
            Err(error) => {
                tracing::debug!(%error, "the client's WebSocket broke");
                return None;
            }
        };
        let bytes = if base64 { channel::from_base64(&bytes) } else { Some(bytes) };
        if let Some(sent) = bytes.and_then(channel::split) {
            return Some(sent);
        }
    }
}

/// The message of `bytes` on a channel.
pub(crate) fn message(channel: u8, bytes: &[u8], base64: bool) -> Message {
    match base64 {
        true => Message::Text(channel::in_base64(channel, bytes).into()),
        false => Message::Binary(channel::message(channel, bytes)),
    }
}

/// The bytes in the messages of a WebSocket, and messages of the bytes in return. Its end closes the WebSocket.
pub async fn bytes(io: impl Io) -> DuplexStream {
    let (mut sender, mut messages) = socket(io).await.split();
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let (mut read, mut write) = tokio::io::split(ours);
    let from_client = async move {
        while let Some(Ok(message)) = messages.next().await {
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => text.into(),
                _ => continue,
            };
            if write.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // the other protocol sees its end; where it is over already there is nothing to tell
        let _ = write.shutdown().await;
    };
    let to_client = async move {
        let mut buffer = vec![0; BUFFER];
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            if sender.send(Message::Binary(Bytes::copy_from_slice(&buffer[..length]))).await.is_err() {
                break;
            }
        }
        let _ = sender.close().await;
    };
    tokio::spawn(async move { tokio::join!(from_client, to_client) });
    theirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_until_the_client_closes() {
        let (client, server) = tokio::io::duplex(1024);
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        let mut tunnel = bytes(server).await;
        client.send(Message::Binary(Bytes::from_static(b"ab"))).await.unwrap();
        client.send(Message::Binary(Bytes::from_static(b"cd"))).await.unwrap();
        let mut read = [0; 4];
        tunnel.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"abcd");
        tunnel.write_all(b"ef").await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Binary(Bytes::from_static(b"ef")));
        client.close(None).await.unwrap();
        assert_eq!(tunnel.read(&mut read).await.unwrap(), 0);
    }
}
