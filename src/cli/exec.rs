//! `k8sm exec`: a command in a pod's container, over WebSocket (`v5.channel.k8s.io`).

mod terminal;

use std::io::Read;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use futures::{SinkExt, StreamExt};
use streams::channel::{self, Channel};
use streams::outcome::Outcome;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::Global;
use super::kube::Place;
use super::logs;
use crate::client::Query;
use crate::failure::Failure;
use crate::shell;
use terminal::Raw;

/// Bytes of one read of stdin, and how many reads wait to be sent.
const CHUNK: usize = 32 << 10;
const QUEUE: usize = 16;

/// Run a command in a container of a pod
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  k8sm exec busybox -- nslookup kubernetes\n  k8sm exec -it nginx -c nginx -- sh\n\n\
                        The exit code is the command's."
)]
pub(crate) struct Exec {
    /// The pod: NAME or pod/NAME
    pod: String,
    #[command(flatten)]
    place: Place,
    /// The container [default: the first]
    #[arg(short, long)]
    container: Option<String>,
    /// Pass stdin on to the command
    #[arg(short = 'i', long)]
    stdin: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Exec {
    /// Runs the command; its exit code.
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode, Failure> {
        let name = logs::pod_name(&self.pod)?;
        let client = self.place.connect(global).await?;
        let container = match &self.container {
            Some(container) => container.clone(),
            None => logs::default_container(&client, &name).await?,
        };
        let tty = self.tty && self.stdin && terminal::is_terminal();
        if self.tty && !tty {
            shell::say("Unable to use a TTY - input is not a terminal");
        }
        let mut query = Query::default().and("container", container);
        for word in &self.command {
            query = query.and("command", word);
        }
        for (stream, wanted) in [("stdin", self.stdin), ("stdout", true), ("stderr", !tty), ("tty", tty)] {
            query = query.and_some(stream, wanted.then_some(true));
        }
        let path = logs::pod_path(&client, &name).under("exec").with(query);
        let socket = client.command(&path).await?;
        // until it is dropped, which every way out does
        let _raw = if tty {
            Some(Raw::begin().map_err(|e| Failure::environment("set the terminal").because(e))?)
        } else {
            None
        };
        let outcome = talk(socket, self.stdin, tty).await?;
        match outcome {
            Outcome::Success => Ok(ExitCode::SUCCESS),
            Outcome::Exit { code, .. } => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
            Outcome::Failed(why) => Err(Failure::failed(why)),
        }
    }
}

/// Moves bytes until the server says how the command ended.
async fn talk(socket: crate::client::CommandSocket, stdin: bool, tty: bool) -> Result<Outcome, Failure> {
    let (mut sender, mut messages) = socket.split();
    let broken = |error| Failure::failed("talk to the command").because(anyhow::Error::from(error));
    let mut input = if stdin { read_stdin() } else { mpsc::channel(1).1 };
    let (mut feeding, mut outcome) = (stdin, None);
    let mut resized =
        terminal::Sizes::follow(tty).map_err(|e| Failure::environment("watch the terminal").because(e))?;
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
