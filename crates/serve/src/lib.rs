//! What every server does: flags of all ages, TLS listener, health, metrics, drain on signal.

pub mod duration;
pub mod flags;
pub mod health;
pub mod http;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod shutdown;
pub mod tasks;
pub mod tls;
pub mod version;

use std::future::Future;
use std::pin::Pin;

/// What a server's `run` gives: it ends after a drain, or with why it could not serve.
///
/// Boxed, so that a server is compiled with its own crate: the body of an `async fn` is compiled wherever it is awaited, which
/// would be the executable, all servers at once, and again for the executable's tests.
pub type Running = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;
