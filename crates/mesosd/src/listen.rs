//! The listener of master and agent: plain HTTP/1.1 that, as Mesos does, never closes a connection because it is idle.
//! Mesos' own clients hold connections open and take the end of one for the end of their peer (reference section 1.2), so
//! `serve::http`, which gives every head of a request a time limit, is not for them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections open at one time; more wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 4096;
/// How long a silent connection lives before the kernel probes its peer.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long requests in flight may take to end after the server was asked to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Answers requests with `answer` until `stop` is cancelled and the connections are drained.
pub(crate) async fn serve<F, R>(listener: TcpListener, answer: F, stop: CancellationToken)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let (connections, room) = (TaskTracker::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    let dropped = CancellationToken::new();
    loop {
        let permit = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                // Out of file descriptors, most likely: accepting again at once would spin.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (answer, stop, dropped) = (answer.clone(), stop.clone(), dropped.clone());
        connections.spawn(async move {
            dropped.run_until_cancelled(connection(stream, answer, stop)).await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        dropped.cancel();
        connections.wait().await;
    }
}

async fn connection<F, R>(stream: TcpStream, answer: F, stop: CancellationToken)
where
    F: Fn(Request<Incoming>) -> R + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    // A connection without these still works, only slower and longer.
    let _ = stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&keepalive));
    let service = service_fn(move |request| {
        let reply = answer(request);
        async move { Ok::<_, Infallible>(reply.await) }
    });
    let mut connection =
        std::pin::pin!(http1::Builder::new().title_case_headers(true).serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!("a connection ended: {error}");
    }
}
