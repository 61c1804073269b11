//! A command over WebSocket: messages on channels, from `channel.k8s.io` to `v5.channel.k8s.io`, binary or in base64.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{QUEUE, Session, Wanted};
use crate::channel::{Channel, Size, Sizes};
use crate::outcome::Outcome;
use crate::upgrade::Protocol;
use crate::{Gone, Io, tunnel};

/// How long the last message may take to be sent, and then the client to close its end.
const LINGER: Duration = Duration::from_secs(5);

type Sender = std::pin::Pin<Box<dyn futures::Sink<Message, Error = tokio_tungstenite::tungstenite::Error> + Send>>;

/// The way to the client.
pub struct Output {
    sender: Mutex<Sender>,
    protocol: Protocol,
    wanted: Wanted,
    gone: CancellationToken,
    reader: AbortOnDropHandle<()>,
}

/// Where the client's messages go.
struct Input {
    base64: bool,
    /// Until the client says that it sends no more.
    stdin: Option<mpsc::Sender<Bytes>>,
    resize: mpsc::Sender<Size>,
    sizes: Sizes,
}

/// Opens the session; clients wait for a first message, which may be empty.
pub(super) async fn open(io: impl Io, protocol: Protocol, wanted: Wanted) -> Session {
    let (sender, receiver): (SplitSink<_, _>, SplitStream<_>) = tunnel::socket(io).await.split();
    let (stdin, from_client) = mpsc::channel(QUEUE);
    let (resize, resized) = mpsc::channel(QUEUE);
    let gone = CancellationToken::new();
    let (base64, sizes) = (protocol.is_base64(), Sizes::default());
    let input = Input { base64, stdin: wanted.stdin.then_some(stdin), resize, sizes };
    let guard = gone.clone().drop_guard();
    let reader = tokio::spawn(async move {
        let _guard = guard;
        input.read(receiver).await;
    });
    let (sender, reader) = (Mutex::new(Box::pin(sender) as Sender), AbortOnDropHandle::new(reader));
    let output = Output { sender, protocol, wanted, gone: gone.clone(), reader };
    let first = match wanted {
        Wanted { stdout: true, .. } => Channel::Stdout,
        Wanted { stderr: true, tty: false, .. } => Channel::Stderr,
        _ => Channel::Error,
    };
    // a client that is gone is noticed by the reader
    let _ = output.send(first, b"").await;
    let stdin = wanted.stdin.then_some(from_client);
    Session { stdin, resize: resized, output: super::Output::WebSocket(output), gone }
}

impl Input {
    /// Reads until the client closes.
    async fn read<S: Io>(mut self, mut messages: SplitStream<WebSocketStream<S>>) {
        while let Some((number, bytes)) = tunnel::next(&mut messages, self.base64).await {
            if let Some(channel) = Channel::of(number) {
                self.take(channel, bytes).await;
            }
        }
    }

    async fn take(&mut self, channel: Channel, bytes: Bytes) {
        match channel {
            Channel::Stdin => {
                if let Some(stdin) = self.stdin.as_ref().filter(|_| !bytes.is_empty()) {
                    // a command that is over reads no more
                    let _ = stdin.send(bytes).await;
                }
            }
            Channel::Resize => {
                if let Some(size) = self.sizes.push(&bytes) {
                    let _ = self.resize.send(size).await;
                }
            }
            Channel::Close if bytes.as_ref() == [Channel::Stdin as u8] => self.stdin = None,
            // the server's own
            Channel::Stdout | Channel::Stderr | Channel::Error | Channel::Close => {}
        }
    }
}

impl Output {
    pub(super) async fn stdout(&self, bytes: &[u8]) -> Result<(), Gone> {
        if self.wanted.stdout { self.send(Channel::Stdout, bytes).await } else { Ok(()) }
    }

    pub(super) async fn stderr(&self, bytes: &[u8]) -> Result<(), Gone> {
        if self.wanted.stderr { self.send(Channel::Stderr, bytes).await } else { Ok(()) }
    }

    /// Sends the outcome and closes, and waits a moment for the client to do the same: bytes of its that nobody read would
    /// otherwise make the kernel throw away the last ones of ours.
    pub(super) async fn finish(self, outcome: &Outcome) {
        let last = async {
            let said = match (self.protocol, outcome) {
                (Protocol::CommandWebSocketV1 | Protocol::CommandWebSocketV1Base64, outcome) => outcome.words(),
                (_, outcome) => Some(outcome.to_json()),
            };
            if let Some(said) = said
                && self.send(Channel::Error, &said).await.is_err()
            {
                return;
            }
            let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            let _ = self.sender.lock().await.send(Message::Close(Some(normal))).await;
            let _ = self.reader.await;
        };
        let _ = tokio::time::timeout(LINGER, last).await;
    }

    async fn send(&self, channel: Channel, bytes: &[u8]) -> Result<(), Gone> {
        let message = tunnel::message(channel as u8, bytes, self.protocol.is_base64());
        let sending = async { self.sender.lock().await.send(message).await.map_err(|_| Gone) };
        tokio::select! {
            sent = sending => sent,
            () = self.gone.cancelled() => Err(Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::Role;

    #[tokio::test]
    async fn a_command_is_served_from_stdin_to_its_outcome() {
        let (client, server) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(async move {
            let wanted = Wanted { stdin: true, stdout: true, stderr: false, tty: true };
            let mut session = Session::open(server, Protocol::CommandWebSocketV5, wanted).await.unwrap();
            let mut stdin = session.stdin.take().unwrap();
            assert_eq!(stdin.recv().await.unwrap(), "in");
            assert_eq!(stdin.recv().await, None, "after the close signal");
            assert_eq!(session.resize.recv().await, Some(Size { width: 80, height: 24 }));
            session.output.stdout(Bytes::from_static(b"out")).await.unwrap();
            session.output.stderr(Bytes::from_static(b"err")).await.unwrap();
            session.output.finish(&Outcome::Failed("no".into())).await;
        });
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        let messages = [&[0, b'i', b'n'][..], b"\x04{\"Width\":80,\"Height\":24}", &[255, 0], &[7, 7], &[], &[0, b'x']];
        for message in messages {
            client.send(Message::Binary(Bytes::copy_from_slice(message))).await.unwrap();
        }
        let mut said = Vec::new();
        while let Some(Ok(message)) = client.next().await {
            if let Message::Binary(bytes) = message {
                said.push(bytes);
            }
        }
        let error = Channel::Error.message(&Outcome::Failed("no".into()).to_json());
        assert_eq!(said, [Channel::Stdout.message(b""), Channel::Stdout.message(b"out"), error]);
        drop(client);
        served.await.unwrap();
    }

    #[tokio::test]
    async fn the_first_clients_get_text_and_no_word_of_success() {
        let (client, server) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(async move {
            let wanted = Wanted { stdin: true, stdout: true, ..Wanted::default() };
            let mut session = Session::open(server, Protocol::CommandWebSocketV1Base64, wanted).await.unwrap();
            assert_eq!(session.stdin.take().unwrap().recv().await.unwrap(), "in");
            session.output.stdout(Bytes::from_static(b"out")).await.unwrap();
            session.output.finish(&Outcome::Success).await;
        });
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        client.send(Message::Text("0aW4=".into())).await.unwrap();
        let mut said = Vec::new();
        while let Some(Ok(message)) = client.next().await {
            if let Message::Text(text) = message {
                said.push(text.to_string());
            }
        }
        assert_eq!(said, ["1", "1b3V0"]);
        drop(client);
        served.await.unwrap();
    }
}
