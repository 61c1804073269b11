//! A command's streams as its executor sees them, whatever protocol they come in.

mod spdy;
mod websocket;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::channel::Size;
use crate::outcome::Outcome;
use crate::upgrade::Protocol;
use crate::{Gone, Io};

/// Chunks of stdin, or changes of the terminal's size, that wait for the command.
const QUEUE: usize = 16;

/// Which streams the client asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The client sends.
    pub stdin: bool,
    /// The client takes what the command says.
    pub stdout: bool,
    /// And what it complains of.
    pub stderr: bool,
    /// It has a terminal, so that there is a size, and no stderr.
    pub tty: bool,
}

/// An open session.
pub struct Session {
    /// What the client sends to the command; closed when it sends no more. `None` where it sends nothing.
    pub stdin: Option<mpsc::Receiver<Bytes>>,
    /// The terminal's sizes.
    pub resize: mpsc::Receiver<Size>,
    /// The way to the client.
    pub output: Output,
    /// Cancelled when the client is gone.
    pub gone: CancellationToken,
}

/// The way to the client.
pub enum Output {
    /// By messages.
    WebSocket(websocket::Output),
    /// By streams.
    Spdy(spdy::Output),
}

/// Why no session came about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The protocol that was agreed on carries no commands.
    #[error("{0:?} carries no commands")]
    Protocol(Protocol),
    /// Not all streams were opened in time.
    #[error("the client did not open the streams it asked for in time")]
    Streams,
}

impl Session {
    /// Opens the session of `wanted` over a connection that was upgraded to `protocol`.
    ///
    /// # Errors
    /// When the client does not do its part.
    pub async fn open(io: impl Io, protocol: Protocol, wanted: Wanted) -> Result<Self, Error> {
        match protocol {
            Protocol::CommandWebSocketV1
            | Protocol::CommandWebSocketV1Base64
            | Protocol::CommandWebSocketV4
            | Protocol::CommandWebSocketV4Base64
            | Protocol::CommandWebSocketV5 => Ok(websocket::open(io, protocol, wanted).await),
            Protocol::CommandSpdyV4 => spdy::open(io, wanted).await,
            Protocol::PortForwardSpdy
            | Protocol::PortForwardTunnel
            | Protocol::LogWebSocket
            | Protocol::PortForwardChannels
            | Protocol::PortForwardChannelsBase64
            | Protocol::LogWebSocketBase64 => Err(Error::Protocol(protocol)),
        }
    }
}

impl Output {
    /// Sends what the command said; dropped where the client did not ask for it.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn stdout(&self, bytes: Bytes) -> Result<(), Gone> {
        match self {
            Self::WebSocket(output) => output.stdout(&bytes).await,
            Self::Spdy(output) => output.stdout(bytes).await,
        }
    }

    /// Sends what the command complained of; dropped where the client did not ask for it.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn stderr(&self, bytes: Bytes) -> Result<(), Gone> {
        match self {
            Self::WebSocket(output) => output.stderr(&bytes).await,
            Self::Spdy(output) => output.stderr(bytes).await,
        }
    }

    /// Says how it ended, and closes the connection.
    pub async fn finish(self, outcome: &Outcome) {
        match self {
            Self::WebSocket(output) => output.finish(outcome).await,
            Self::Spdy(output) => output.finish(outcome).await,
        }
    }
}
