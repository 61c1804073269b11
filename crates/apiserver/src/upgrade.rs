//! Upgraded connections (`exec`, `attach`, `port-forward`), passed through to a node's kubelet as the bytes they are.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::http::body::{self, BoxError};

/// How long a connection may carry nothing, as with a kubelet's streams.
const IDLE: Duration = Duration::from_secs(4 * 60 * 60);
/// How long the kubelet may take to answer, and the client to begin after that.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a client may take to close after the kubelet has.
const LINGER: Duration = Duration::from_secs(10);
/// Bytes of one read.
const CHUNK: usize = 32 << 10;
/// What of a client's headers the kubelet needs.
const PASSED: [HeaderName; 8] = [
    CONNECTION,
    UPGRADE,
    HeaderName::from_static("sec-websocket-key"),
    HeaderName::from_static("sec-websocket-version"),
    HeaderName::from_static("sec-websocket-protocol"),
    HeaderName::from_static("sec-websocket-accept"),
    HeaderName::from_static("x-stream-protocol-version"),
    HeaderName::from_static("x-accepted-stream-protocol-versions"),
];

/// A client of kubelets for upgrades, which HTTP/1.1 alone has.
pub(crate) struct Dialer {
    tls: TlsConnector,
    timeout: Duration,
}

/// A request as it goes to the kubelet.
pub(crate) struct Onward<'r> {
    pub(crate) method: &'r Method,
    /// The client's headers.
    pub(crate) headers: &'r HeaderMap,
    /// Path and query at the kubelet.
    pub(crate) path: &'r str,
    /// The client's connection, once it is upgraded.
    pub(crate) client: OnUpgrade,
}

impl Dialer {
    pub(crate) fn new(mut tls: rustls::ClientConfig, timeout: Duration) -> Self {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tls: TlsConnector::from(Arc::new(tls)), timeout }
    }

    /// Asks the kubelet at `address` (`host:port`) for the upgrade. Where it agrees, bytes pass both ways until both sides
    /// have said all, or `shutdown`; else its answer is passed on.
    pub(crate) async fn pass(
        &self,
        address: &str,
        onward: Onward<'_>,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Response<body::Body>> {
        let io = tokio::time::timeout(self.timeout, self.dial(address)).await.context("it does not answer")??;
        let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.context("HTTP")?;
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::builder().method(onward.method).uri(onward.path).header(HOST, address);
        for (name, value) in onward.headers.iter().filter(|(name, _)| PASSED.contains(name)) {
            request = request.header(name, value);
        }
        let request = request.body(Empty::<Bytes>::new()).context("the request")?;
        let answer = tokio::time::timeout(ANSWER, sender.send_request(request)).await.context("its answer")?;
        let mut answer = answer.context("its answer")?;
        let mut response = Response::builder().status(answer.status());
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            for name in [CONTENT_TYPE, CONTENT_LENGTH, PASSED[7].clone()] {
                for value in answer.headers().get_all(&name) {
                    response = response.header(&name, value);
                }
            }
            return Ok(response.body(refusal(answer.into_body()))?);
        }
        for (name, value) in answer.headers().iter().filter(|(name, _)| PASSED.contains(name)) {
            response = response.header(name, value);
        }
        join(onward.client, hyper::upgrade::on(&mut answer), shutdown);
        Ok(response.body(body::full(Bytes::new()))?)
    }

    /// How kubelets are spoken to.
    pub(crate) fn connector(&self) -> &TlsConnector {
        &self.tls
    }

    async fn dial(&self, address: &str) -> anyhow::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = ServerName::try_from(host.to_owned()).with_context(|| format!("{host} is no host name"))?;
        let stream = TcpStream::connect(address).await.with_context(|| format!("dial tcp {address}"))?;
        stream.set_nodelay(true).context("TCP")?;
        self.tls.connect(name, stream).await.context("TLS")
    }
}

/// Passes bytes both ways, once both sides are upgraded, until both have said all.
pub(crate) fn join(client: OnUpgrade, server: OnUpgrade, shutdown: CancellationToken) {
    tokio::spawn(async move {
        match tokio::time::timeout(ANSWER, async { tokio::try_join!(client, server) }).await {
            Ok(Ok((client, server))) => copy(TokioIo::new(client), TokioIo::new(server), IDLE, shutdown).await,
            Ok(Err(error)) => tracing::debug!(%error, "an upgrade was not completed"),
            Err(_) => tracing::debug!("an upgrade was not completed in time"),
        }
    });
}

/// The body of a kubelet's refusal.
fn refusal(body: Incoming) -> body::Body {
    body::stream(futures::StreamExt::map(body.into_data_stream(), |frame| frame.map_err(BoxError::from)))
}

/// When something passed last.
struct Activity(Mutex<Instant>);

impl Activity {
    /// Ends when nothing has passed for `limit`.
    async fn idle(&self, limit: Duration) {
        loop {
            let until = *self.0.lock() + limit;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

/// Copies both ways. Each direction ends by itself; a kubelet that has closed reads no more either.
async fn copy<C, K>(client: C, kubelet: K, idle: Duration, shutdown: CancellationToken)
where
    C: AsyncRead + AsyncWrite,
    K: AsyncRead + AsyncWrite,
{
    let activity = Activity(Mutex::new(Instant::now()));
    let (from_client, to_client) = tokio::io::split(client);
    let (from_kubelet, to_kubelet) = tokio::io::split(kubelet);
    let onward = one_way(from_client, to_kubelet, &activity);
    let back = one_way(from_kubelet, to_client, &activity);
    let both = async {
        tokio::pin!(onward, back);
        tokio::select! {
            sent = &mut onward => match sent {
                Ok(()) => back.await,
                broken => broken,
            },
            received = &mut back => {
                // a client that goes on for long speaks to nobody
                let _ = tokio::time::timeout(LINGER, onward).await;
                received
            }
        }
    };
    tokio::select! {
        ended = both => if let Err(error) = ended {
            tracing::debug!(%error, "an upgraded connection broke");
        },
        () = activity.idle(idle) => tracing::debug!("an upgraded connection was idle for too long"),
        () = shutdown.cancelled() => {}
    }
}

/// Copies until there is no more, and says so.
async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
) -> std::io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        *activity.0.lock() = Instant::now();
        to.write_all(&buffer[..length]).await?;
        to.flush().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_directions_end_by_themselves() {
        let (mut client, ours) = tokio::io::duplex(64);
        let (theirs, mut kubelet) = tokio::io::duplex(64);
        let copied = tokio::spawn(copy(ours, theirs, IDLE, CancellationToken::new()));
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut said = String::new();
        kubelet.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "question", "and then the end");
        kubelet.write_all(b"answer").await.unwrap();
        drop(kubelet);
        said.clear();
        client.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "answer");
        copied.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_idle_is_closed() {
        let (mut client, ours) = tokio::io::duplex(64);
        let (theirs, mut kubelet) = tokio::io::duplex(64);
        tokio::spawn(copy(ours, theirs, Duration::from_millis(50), CancellationToken::new()));
        client.write_all(b"x").await.unwrap();
        assert_eq!(kubelet.read(&mut [0; 8]).await.unwrap(), 1);
        assert_eq!(kubelet.read(&mut [0; 8]).await.unwrap(), 0, "closed, as nothing passed");
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
