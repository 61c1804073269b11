//! The protocols of `exec`, `attach` and `port-forward`, from an upgraded connection's bytes to streams of a command or of
//! ports: SPDY/3.1 and WebSocket, as kubectl of all ages speaks them.
//!
//! What is said on the wire is in modules without IO ([`spdy::frame`], [`spdy::header`], [`channel`], [`outcome`],
//! [`upgrade`]); [`spdy::connection`], [`command`], [`forward`] and [`tunnel`] move it over tokio.

pub mod channel;
pub mod command;
pub mod forward;
pub mod log;
pub mod outcome;
pub mod spdy;
pub mod tunnel;
pub mod upgrade;

use tokio::io::{AsyncRead, AsyncWrite};

/// What an upgraded connection has to be.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// The other end is gone, or does not take this stream's bytes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end closed the stream")]
pub struct Gone;
