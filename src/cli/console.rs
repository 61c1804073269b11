//! A process in a container, as the user's own: its streams over WebSocket (`v5.channel.k8s.io`), and the user's
//! terminal where it has one. What `exec` and `attach` share.

mod terminal;

use std::io::{IsTerminal, Read};

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use streams::channel::{self, Channel};
use streams::outcome::Outcome;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, CommandSocket, Path, Query};
use crate::failure::Failure;
use crate::shell;
use terminal::{Raw, Sizes};

/// Bytes of one read of stdin, and how many reads wait to be sent.
const CHUNK: usize = 32 << 10;
const QUEUE: usize = 16;

/// Which of the process's streams the user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Console {
    /// Stdin is passed on.
    pub(super) stdin: bool,
    /// The process has a terminal: its stderr comes with its stdout.
    pub(super) tty: bool,
    /// The user's own terminal is handed over: keys go as they are, and its size is told.
    pub(super) raw: bool,
}

impl Console {
    /// Connects to `path`, a pod's `exec` or `attach`, and moves bytes until the server says how the process ended.
    ///
    /// # Errors
    /// The server's refusal, or a connection that broke.
    pub(super) async fn run(self, client: &Client, path: Path, query: Query) -> Result<Outcome, Failure> {
        let mut query = query;
        for (stream, wanted) in [("stdin", self.stdin), ("stdout", true), ("stderr", !self.tty), ("tty", self.tty)] {
            query = query.and_some(stream, wanted.then_some(true));
        }
        let socket = client.command(&path.with(query)).await?;
        // until it is dropped, which every way out does
        let _raw = if self.raw {
            Some(Raw::begin().map_err(|e| Failure::environment("set the terminal").because(e))?)
        } else {
            None
        };
        self.talk(socket).await
    }

    async fn talk(self, socket: CommandSocket) -> Result<Outcome, Failure> {
        let (mut sender, mut messages) = socket.split();
        let broken = |error| Failure::failed("talk to the command").because(anyhow::Error::from(error));
        let mut input = if self.stdin { read_stdin() } else { mpsc::channel(1).1 };
        let (mut feeding, mut outcome) = (self.stdin, None);
        let mut resized = Sizes::follow(self.raw).map_err(|e| Failure::environment("watch the terminal").because(e))?;
        loop {
            tokio::select! {
                message = messages.next() => match message.transpose().map_err(broken)? {
                    Some(Message::Binary(bytes)) => take(bytes, &mut outcome)?,
                    Some(Message::Close(_)) | None => break,
                    Some(_) => {}
                },
                bytes = input.recv(), if feeding => {
                    let message = match bytes {
                        Some(bytes) => Channel::Stdin.message(&bytes),
                        None => {
                            feeding = false;
                            Channel::Close.message(&[Channel::Stdin as u8])
                        }
                    };
                    // a command that is over takes no more; how it ended is still to come
                    feeding &= sender.send(Message::Binary(message)).await.is_ok();
                },
                size = resized.next() => {
                    let size = serde_json::to_vec(&size).map_err(|e| Failure::failed("tell the terminal's size").because(e))?;
                    sender.send(Message::Binary(Channel::Resize.message(&size))).await.map_err(broken)?;
                },
            }
        }
        outcome.ok_or_else(|| Failure::failed("the connection closed before the command's end was told"))
    }
}

/// Whether stdin is a terminal.
pub(super) fn is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

fn take(bytes: Bytes, outcome: &mut Option<Outcome>) -> Result<(), Failure> {
    match channel::parse(bytes) {
        Some((Channel::Stdout, bytes)) => shell::bytes(&bytes)?,
        Some((Channel::Stderr, bytes)) => shell::complaint(&bytes),
        // the first message may be an empty one, which only says that the connection stands
        Some((Channel::Error, bytes)) if !bytes.is_empty() => *outcome = Some(Outcome::parse(&bytes)),
        _ => {}
    }
    Ok(())
}

/// Stdin as it comes, by a thread of its own: a read of a terminal cannot be broken off, and the process may end in one.
fn read_stdin() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = std::io::stdin().read(&mut buffer) {
            if sender.blocking_send(Bytes::copy_from_slice(&buffer[..length])).is_err() {
                return;
            }
        }
    });
    receiver
}
