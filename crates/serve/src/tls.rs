//! TLS of our servers: configurations from PEM, and who a client certificate says its holder is.

use std::sync::Arc;

use anyhow::Context;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a server asks of its clients' certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// A client may show one; it must then be signed by the authority.
    Optional,
    /// A client must show one signed by the authority.
    Required,
}

/// Makes ring the process's cryptography, for libraries (reqwest, kube) that ask for a default. Idempotent.
pub fn install_provider() {
    let _ = ring::default_provider().install_default();
}

/// A server's TLS configuration (1.2 and 1.3, ALPN h2 and http/1.1). `certificate` is a PEM chain, `key` its PEM key,
/// `clients` the PEM authorities of client certificates, where clients are asked for one.
///
/// # Errors
/// When a PEM holds nothing usable, or key and certificate do not fit.
pub fn server_config(
    certificate: &[u8],
    key: &[u8],
    clients: Option<(&[u8], ClientAuth)>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some((authorities, auth)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(authorities)?), provider);
            let verifier = if auth == ClientAuth::Optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().context("client certificate authority")?)
        }
    };
    let mut config = builder.with_single_cert(chain(certificate)?, private_key(key)?).context("serving certificate")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client's TLS configuration that trusts `authorities` (PEM) alone and shows `identity` (PEM chain and key).
///
/// # Errors
/// When a PEM holds nothing usable, or key and certificate do not fit.
pub fn client_config(authorities: &[u8], identity: Option<(&[u8], &[u8])>) -> anyhow::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .with_root_certificates(roots(authorities)?);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            builder.with_client_auth_cert(chain(certificate)?, private_key(key)?).context("client certificate")
        }
    }
}

/// Who a client certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user: the certificate's common name.
    pub name: String,
    /// The groups: its organizations.
    pub groups: Vec<String>,
}

/// Who a client certificate names, as Kubernetes reads it. `None` where it has no common name or cannot be read.
#[must_use]
pub fn identity(certificate: &CertificateDer<'_>) -> Option<Identity> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let subject = parsed.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups = subject.iter_organization().filter_map(|o| o.as_str().ok()).map(str::to_owned).collect();
    (!name.is_empty()).then_some(Identity { name, groups })
}

fn roots(authorities: &[u8]) -> anyhow::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in chain(authorities)? {
        store.add(certificate).context("certificate authority")?;
    }
    Ok(store)
}

fn chain(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().context("reading certificate PEM")?;
    anyhow::ensure!(!chain.is_empty(), "no certificate in PEM");
    Ok(chain)
}

fn private_key(pem: &[u8]) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).context("reading private key PEM")
}
