//! A log over WebSocket: a message for each piece, binary or in base64, and a normal close at its end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{SinkExt, Stream, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::upgrade::Protocol;
use crate::{Io, tunnel};

/// Sends the log over a connection that was upgraded to `protocol`, to its end or the client's. A log that breaks off ends there.
pub async fn send<E>(io: impl Io, protocol: Protocol, log: impl Stream<Item = Result<Bytes, E>>) {
    let (mut sender, mut messages) = tunnel::socket(io).await.split();
    let sent = async {
        let mut log = std::pin::pin!(log);
        while let Some(Ok(bytes)) = log.next().await {
            let message = match protocol.is_base64() {
                true => Message::Text(STANDARD.encode(&bytes).into()),
                false => Message::Binary(bytes),
            };
            if sender.send(message).await.is_err() {
                return;
            }
        }
        let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let _ = sender.send(Message::Close(Some(normal))).await;
    };
    // the client has nothing to say but that it goes; reading also answers its pings
    let gone = async { while let Some(Ok(_)) = messages.next().await {} };
    tokio::select! {
        () = sent => {}
        () = gone => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    #[tokio::test]
    async fn a_log_comes_in_pieces_and_ends() {
        for (protocol, first) in [
            (Protocol::LogWebSocket, Message::Binary(Bytes::from_static(b"one\n"))),
            (Protocol::LogWebSocketBase64, Message::Text("b25lCg==".into())),
        ] {
            let (client, server) = tokio::io::duplex(1 << 16);
            let log = futures::stream::iter([Ok::<_, ()>(Bytes::from_static(b"one\n"))]);
            let sending = tokio::spawn(send(server, protocol, log));
            let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
            assert_eq!(client.next().await.unwrap().unwrap(), first);
            assert!(matches!(client.next().await.unwrap().unwrap(), Message::Close(Some(_))));
            drop(client);
            sending.await.unwrap();
        }
    }
}
