//! Listeners of a server: plain and TLS, HTTP/1 and (by ALPN) HTTP/2, with a drain.
//!
//! The caller binds the port and owns the token that ends the server; every request carries its [`Peer`] among its
//! extensions. On cancellation no connection is accepted any more, requests in flight get [`DRAIN`] to end, and what is
//! still open then is dropped.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::memory::{self, Tide};
use crate::tls::{self, Identity};

/// How long requests in flight may take to end after the server was asked to stop.
pub const DRAIN: Duration = Duration::from_secs(5);
/// How long a client may take for the TLS handshake, and for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections open at one time; more wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 8192;
/// How often an idle HTTP/2 peer is asked for a sign of life, and how long it may take to give it.
const PING: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Who sent a request, as far as the connection tells. Found in the extensions of every request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The other end's address.
    pub address: SocketAddr,
    /// The address the connection came in on.
    pub local: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Who the client's verified certificate names, where it showed one. Read once a connection.
    pub identity: Option<Arc<Identity>>,
}

/// An axum router as the service that [`plain`] and [`tls`] take.
#[must_use]
pub fn router(
    router: Router,
) -> impl Service<Request<Incoming>, Response = Response<axum::body::Body>, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static {
    hyper_util::service::TowerToHyperService::new(router)
}

/// Serves `service` in plain HTTP/1.1 on `listener` until `shutdown` is cancelled and the connections are drained.
pub async fn plain<S, B>(listener: TcpListener, service: S, shutdown: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    accept(listener, None, service, shutdown).await;
}

/// Serves `service` over TLS, HTTP/2 or HTTP/1.1 as ALPN agreed, until `shutdown` is cancelled and the connections are
/// drained. `config` comes from [`crate::tls::server_config`].
pub async fn tls<S, B>(
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    service: S,
    shutdown: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    accept(listener, Some(TlsAcceptor::from(config)), service, shutdown).await;
}

/// The accept loop of both kinds of listener.
async fn accept<S, B>(listener: TcpListener, tls: Option<TlsAcceptor>, service: S, shutdown: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (connections, room) = (TaskTracker::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    let (ended, tide) = (CancellationToken::new(), Arc::new(Tide::default()));
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => break,
            stream = next(&listener, &room) => stream,
        };
        let Some((stream, permit)) = stream else { continue };
        tide.rises(open(&room));
        let (service, tls, shutdown, ended) = (service.clone(), tls.clone(), shutdown.clone(), ended.clone());
        let (room, tide) = (Arc::clone(&room), Arc::clone(&tide));
        connections.spawn(async move {
            tokio::select! {
                () = connection(stream, tls, service, shutdown) => {}
                () = ended.cancelled() => {}
            }
            drop(permit);
            if tide.falls(open(&room)) {
                tokio::task::spawn_blocking(memory::give_back);
            }
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::debug!("{} connections still open after the drain are dropped", connections.len());
        ended.cancel();
        connections.wait().await;
    }
}

/// How many connections there are.
fn open(room: &Semaphore) -> usize {
    MAX_CONNECTIONS - room.available_permits()
}

/// The next connection, when there is room for it. `None` after an error that was waited out.
async fn next(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            // out of file descriptors, most likely: accepting again at once would spin
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// One connection from its first byte to its last.
async fn connection<S, B>(stream: TcpStream, tls: Option<TlsAcceptor>, service: S, shutdown: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (Ok(address), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let _ = stream.set_nodelay(true);
    let mut peer = Peer { address, local, tls: tls.is_some(), identity: None };
    let Some(acceptor) = tls else { return serve(stream, false, peer, service, shutdown).await };
    match tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let http2 = session.alpn_protocol() == Some(b"h2");
            let certificate = session.peer_certificates().and_then(|chain| chain.first());
            peer.identity = certificate.and_then(tls::identity).map(Arc::new);
            serve(stream, http2, peer, service, shutdown).await;
        }
        Ok(Err(error)) => tracing::debug!(%address, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
    }
}

/// HTTP on a connection whose version is known: nothing is guessed from the first bytes, so no client can be slow there.
async fn serve<I, S, B>(io: I, http2: bool, peer: Peer, service: S, shutdown: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = if http2 { builder.http2_only() } else { builder.http1_only() };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    let address = peer.address;
    let handler = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let reply = service.call(request);
        async move { reply.await.map(|response| response.map(boxed)) }
    });
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(io), handler));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%address, error = error.to_string(), "connection ended");
    }
}

/// Any body as one type, so that the connection's code is compiled once a service and not once a body.
fn boxed<B>(body: B) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_request_in_flight_ends_before_the_server_does() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let (arrived, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let app = Router::new().route(
            "/slow",
            get({
                let (arrived, go) = (arrived.clone(), go.clone());
                move |axum::Extension(peer): axum::Extension<Peer>| async move {
                    arrived.notify_one();
                    go.notified().await;
                    assert!(!peer.tls);
                    "done"
                }
            }),
        );
        let server = tokio::spawn(plain(listener, router(app), shutdown.clone()));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        arrived.notified().await;
        shutdown.cancel();
        go.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
    }
}
