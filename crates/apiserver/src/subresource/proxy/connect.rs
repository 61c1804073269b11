//! A connection to the server behind a proxy's path, and one request on it.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::DigitallySignedStruct;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::backend::Backend;
use crate::http::Incoming as Sent;

/// How long a server may take to be connected to.
const CONNECT: Duration = Duration::from_secs(30);

/// Sends a request on a connection of its own, which ends with the answer's body, or goes on where it is upgraded.
pub(super) async fn send(backend: &Backend, request: Request<Sent>) -> anyhow::Result<Response<Incoming>> {
    let dialled = tokio::time::timeout(CONNECT, dial(backend)).await;
    let io = dialled.with_context(|| format!("dial tcp {}: i/o timeout", backend.authority()))??;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.context("HTTP")?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.context("the answer")
}

/// A stream of bytes, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn dial(backend: &Backend) -> anyhow::Result<Box<dyn Stream>> {
    let authority = backend.authority();
    let stream =
        TcpStream::connect((backend.host.as_str(), backend.port)).await.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => anyhow::anyhow!("dial tcp {authority}: connect: connection refused"),
            _ => anyhow::anyhow!("dial tcp {authority}: {error}"),
        })?;
    stream.set_nodelay(true).context("TCP")?;
    let Some(tls) = &backend.tls else { return Ok(Box::new(stream)) };
    let name =
        ServerName::try_from(backend.host.clone()).with_context(|| format!("{} is no host name", backend.host))?;
    Ok(Box::new(tls.connect(name, stream).await.context("TLS")?))
}

/// TLS that asks nothing of the server's certificate: pods have certificates of their own, as in Kubernetes.
pub(super) fn unverified() -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes any certificate; what it signs must still be signed by it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
