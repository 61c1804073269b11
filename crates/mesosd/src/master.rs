//! The Mesos master: schedulers subscribe, agents offer what they have, tasks go from the ones to the others.
//!
//! `core` decides, without IO; `server` keeps it, its streams and its timers; `api` speaks HTTP.

mod api;
mod core;
mod flags;
mod server;
mod stream;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use self::flags::Flags;
use self::server::Server;

/// Runs a master until SIGTERM or SIGINT. `args` without the program's and server's name; the environment's `MESOS_*` are
/// flags too (reference section 9.1).
///
/// # Errors
/// When a flag is wrong or the address cannot be listened on.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags = Flags::parse(args)?;
    serve::log::init(flags.v);
    let stop = serve::shutdown::on_signal().context("cannot watch for signals")?;
    let address = SocketAddr::new(flags.ip, flags.port);
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("Mesos master cannot listen on {address}"))?;
    let server = Server::new(&flags, listener.local_addr()?);
    tracing::info!("Mesos master {} listens on {address} as {}", server.id(), flags.hostname);
    api::serve(server, listener, stop).await;
    Ok(())
}
