//! The master over HTTP: its refusals against those of a real one, and our own clients against it.

mod refusals;
mod streams;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::api;
use super::flags::Flags;
use super::server::Server;

/// A master on a port of its own, until it is dropped.
struct Running {
    address: String,
    server: Server,
    _stop: DropGuard,
}

impl Running {
    async fn start(flags: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let flags = Flags::parse(flags.iter().map(|flag| (*flag).to_owned()).collect()).unwrap();
        let (server, stop) = (Server::new(&flags, address), CancellationToken::new());
        tokio::spawn(api::serve(server.clone(), listener, stop.clone()));
        Self { address: address.to_string(), server, _stop: stop.drop_guard() }
    }
}
