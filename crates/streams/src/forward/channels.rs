//! Ports over a WebSocket's channels (`v4.channel.k8s.io`), as the Python client asks for them: one connection to each port that the
//! request names, with a channel of its bytes and one of what went wrong. Each of them begins with the port's number.

use bytes::{Bytes, BytesMut};
use futures::future::join_all;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::CHUNK;
use crate::upgrade::Protocol;
use crate::{Gone, Io, tunnel};

/// How many ports' channels a byte can number.
const MOST: usize = 128;
/// Messages that wait for a port.
const QUEUE: usize = 16;

/// The ports that a query names, each `ports` a list.
///
/// # Errors
/// What is wrong with them, for the one who asked.
pub fn ports<'q>(query: impl IntoIterator<Item = (&'q str, &'q str)>) -> Result<Vec<u16>, String> {
    let lists = query.into_iter().filter(|(name, _)| *name == "ports").map(|(_, list)| list);
    let ports = lists.flat_map(|list| list.split(','));
    let ports: Vec<u16> = ports
        .map(|port| match port.parse() {
            Ok(0) | Err(_) => Err(format!("unable to parse {port:?} as a port")),
            Ok(port) => Ok(port),
        })
        .collect::<Result<_, _>>()?;
    match ports.len() {
        0 => Err("query parameter \"ports\" is required".to_owned()),
        1..=MOST => Ok(ports),
        more => Err(format!("{more} ports are more than one connection can forward ({MOST})")),
    }
}

/// The way to the client.
struct Client<S> {
    sender: Mutex<SplitSink<WebSocketStream<S>, Message>>,
    base64: bool,
}

/// Serves a connection that was upgraded to `protocol`, until all ports are closed or the client is gone. `dial` connects to a
/// port, or says why it does not.
pub async fn serve<S, D>(io: impl Io, protocol: Protocol, ports: &[u16], dial: impl Fn(u16) -> D)
where
    S: Io,
    D: Future<Output = Result<S, String>>,
{
    let (sender, messages) = tunnel::socket(io).await.split();
    let client = Client { sender: Mutex::new(sender), base64: protocol.is_base64() };
    let (doors, inlets): (Vec<_>, Vec<_>) = ports.iter().map(|_| mpsc::channel(QUEUE)).unzip();
    let connections = ports.iter().zip(inlets).zip((0..).step_by(2)).map(|((&port, inlet), channel)| {
        let (client, dialled) = (&client, dial(port));
        async move { client.forward(channel, dialled, inlet).await }
    });
    let all = async {
        for (port, channel) in ports.iter().zip((0..).step_by(2)) {
            for channel in [channel, channel + 1] {
                client.send(channel, &port.to_le_bytes()).await?;
            }
        }
        join_all(connections).await;
        client.sender.lock().await.close().await.map_err(|_| Gone)
    };
    tokio::select! {
        // one who is gone is not told
        _ = all => {}
        () = read(messages, client.base64, doors) => {}
    }
}

/// Hands the client's messages on until it closes.
async fn read<S: Io>(mut messages: SplitStream<WebSocketStream<S>>, base64: bool, doors: Vec<mpsc::Sender<Bytes>>) {
    while let Some((number, bytes)) = tunnel::next(&mut messages, base64).await {
        // nothing is to be sent on the channels of errors
        if let Some(door) = doors.get(usize::from(number / 2)).filter(|_| number % 2 == 0 && !bytes.is_empty()) {
            // a port that is closed takes no more
            let _ = door.send(bytes).await;
        }
    }
}

impl<T: Io> Client<T> {
    /// Copies between a channel and a port until the port says no more.
    async fn forward<S: Io>(
        &self,
        channel: u8,
        dialled: impl Future<Output = Result<S, String>>,
        mut inlet: mpsc::Receiver<Bytes>,
    ) {
        let (mut read, mut write) = match dialled.await {
            Ok(port) => tokio::io::split(port),
            Err(why) => {
                let _ = self.send(channel + 1, why.as_bytes()).await;
                return;
            }
        };
        let to_port = async {
            while let Some(bytes) = inlet.recv().await {
                if write.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        let to_client = async {
            let mut buffer = BytesMut::new();
            loop {
                buffer.reserve(CHUNK);
                match read.read_buf(&mut buffer).await {
                    Ok(1..) if self.send(channel, &buffer.split()).await.is_ok() => {}
                    _ => break,
                }
            }
        };
        tokio::select! {
            () = to_client => {}
            () = to_port => {}
        }
    }

    async fn send(&self, channel: u8, bytes: &[u8]) -> Result<(), Gone> {
        let message = tunnel::message(channel, bytes, self.base64);
        self.sender.lock().await.send(message).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::Role;

    #[test]
    fn ports_are_read_as_clients_write_them() {
        assert_eq!(ports([("ports", "80,81"), ("x", "9"), ("ports", "82")]), Ok(vec![80, 81, 82]));
        for (list, why) in [("", "\"\""), ("0", "\"0\""), ("a", "\"a\""), ("80,", "\"\""), ("65536", "\"65536\"")] {
            assert_eq!(ports([("ports", list)]), Err(format!("unable to parse {why} as a port")));
        }
        assert!(ports([("port", "80")]).unwrap_err().contains("is required"));
        assert!(ports([("ports", ["1"; 129].join(",").as_str())]).unwrap_err().starts_with("129 ports"));
    }

    #[tokio::test]
    async fn each_port_has_two_channels_until_all_are_closed() {
        let (client, server) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(serve(server, Protocol::PortForwardChannels, &[80, 443], |port| async move {
            if port == 443 {
                return Err("refused".to_owned());
            }
            let (ours, mut theirs) = tokio::io::duplex(64);
            tokio::spawn(async move {
                let mut asked = [0; 4];
                theirs.read_exact(&mut asked).await.unwrap();
                assert_eq!(&asked, b"ping");
                theirs.write_all(b"pong").await.unwrap();
            });
            Ok(ours)
        }));
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        for message in [&[1, b'x'][..], &[9, b'x'], &[], &[2, b'x'], &[0], &[0, b'p', b'i'], &[0, b'n', b'g']] {
            client.send(Message::Binary(Bytes::copy_from_slice(message))).await.unwrap();
        }
        let mut said = Vec::new();
        while let Some(Ok(message)) = client.next().await {
            if let Message::Binary(bytes) = message {
                said.push(bytes.to_vec());
            }
        }
        assert_eq!(said[..4], [vec![0, 80, 0], vec![1, 80, 0], vec![2, 187, 1], vec![3, 187, 1]]);
        assert_eq!(said[4..], [b"\x03refused".to_vec(), b"\x00pong".to_vec()]);
        served.await.unwrap();
    }

    #[tokio::test]
    async fn clients_of_text_are_served_until_they_close() {
        let (client, server) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(serve(server, Protocol::PortForwardChannelsBase64, &[80], |_| async {
            let (ours, mut theirs) = tokio::io::duplex(64);
            tokio::spawn(async move {
                let mut asked = [0; 4];
                theirs.read_exact(&mut asked).await.unwrap();
                theirs.write_all(&asked).await.unwrap();
                std::future::pending::<()>().await;
            });
            Ok(ours)
        }));
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        client.send(Message::Text("0cGluZw==".into())).await.unwrap();
        let mut said = Vec::new();
        while said.len() < 3 {
            let message = client.next().await.unwrap().unwrap();
            said.push(message.into_text().unwrap().to_string());
        }
        assert_eq!(said, ["0UAA=", "1UAA=", "0cGluZw=="]);
        client.close(None).await.unwrap();
        served.await.unwrap();
    }
}
