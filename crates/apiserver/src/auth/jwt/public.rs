//! The public half of a key of tokens: what it verifies, and what others are told of it.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The algorithm of P-256 keys, as PKCS #8 and public keys name it (RFC 5480).
pub(super) const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];
/// The same of P-384 keys.
pub(super) const P384: &[u8] =
    &[0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// The least and the most bits of an RSA key that verifies here.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The numbers of a key that others need.
#[derive(Debug)]
enum Numbers {
    /// The modulus and the exponent, without zeros in front.
    Rsa(Vec<u8>, Vec<u8>),
    /// The curve, by its name in JSON, and the coordinates of its point.
    Curve(&'static str, Vec<u8>, Vec<u8>),
}

/// A key that verifies tokens.
#[derive(Debug)]
pub(super) struct PublicKey {
    id: String,
    /// As ring takes it: a point, or the two numbers of RSA in DER.
    bytes: Vec<u8>,
    numbers: Numbers,
}

impl PublicKey {
    /// All keys of a file.
    pub(super) fn all(pem: &[u8]) -> anyhow::Result<Vec<Self>> {
        let keys: Result<Vec<_>, _> = SubjectPublicKeyInfoDer::pem_slice_iter(pem).collect();
        let keys = keys.context("reading public key PEM")?;
        anyhow::ensure!(!keys.is_empty(), "reading public key PEM: it holds no public key");
        keys.iter().map(|der| Self::from_der(der)).collect()
    }

    /// The key of a SubjectPublicKeyInfo in DER.
    pub(super) fn from_der(der: &[u8]) -> anyhow::Result<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).context("reading public key")?;
        let numbers = match info.parsed().context("reading public key")? {
            Parsed::RSA(key) => {
                let (modulus, exponent) = (trimmed(key.modulus), trimmed(key.exponent));
                let bits = modulus.len() * 8;
                anyhow::ensure!(
                    RSA_BITS.contains(&bits),
                    "an RSA key of {bits} bits is not taken, but of 2048 to 8192"
                );
                Numbers::Rsa(modulus, exponent)
            }
            Parsed::EC(point) => {
                // behind the tag and the length of the whole
                let curve = match (info.raw.get(2..).unwrap_or_default(), point.data().len()) {
                    (names, 65) if names.starts_with(P256) => "P-256",
                    (names, 97) if names.starts_with(P384) => "P-384",
                    _ => anyhow::bail!("of elliptic curves only P-256 and P-384 are taken"),
                };
                // an uncompressed point: a byte that says so, and the two coordinates
                let (x, y) = point.data()[1..].split_at((point.data().len() - 1) / 2);
                Numbers::Curve(curve, x.to_vec(), y.to_vec())
            }
            _ => anyhow::bail!("it is neither an RSA nor an ECDSA key"),
        };
        // as Kubernetes names keys
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(info.raw));
        Ok(Self { id, bytes: info.subject_public_key.data.to_vec(), numbers })
    }

    /// What tokens call it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm by which tokens of its private half are signed.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.numbers {
            Numbers::Rsa(..) => "RS256",
            Numbers::Curve("P-256", ..) => "ES256",
            Numbers::Curve(..) => "ES384",
        }
    }

    /// It as a JSON web key.
    pub(super) fn json(&self) -> Value {
        let mut key = json!({"use": "sig", "kid": self.id, "alg": self.algorithm()});
        match &self.numbers {
            Numbers::Rsa(modulus, exponent) => {
                key["kty"] = json!("RSA");
                key["n"] = json!(URL_SAFE_NO_PAD.encode(modulus));
                key["e"] = json!(URL_SAFE_NO_PAD.encode(exponent));
            }
            Numbers::Curve(curve, x, y) => {
                key["kty"] = json!("EC");
                key["crv"] = json!(curve);
                key["x"] = json!(URL_SAFE_NO_PAD.encode(x));
                key["y"] = json!(URL_SAFE_NO_PAD.encode(y));
            }
        }
        key
    }

    /// Whether its private half signed this by that algorithm.
    pub(super) fn verifies(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let Some(algorithm) = self.verification(algorithm) else { return false };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(signed, signature).is_ok()
    }

    /// The key's kind decides which algorithms there are; a token chooses among them at most.
    fn verification(&self, algorithm: &str) -> Option<&'static dyn VerificationAlgorithm> {
        match (&self.numbers, algorithm) {
            (Numbers::Rsa(..), "RS256") => Some(&RSA_PKCS1_2048_8192_SHA256),
            (Numbers::Rsa(..), "RS384") => Some(&RSA_PKCS1_2048_8192_SHA384),
            (Numbers::Rsa(..), "RS512") => Some(&RSA_PKCS1_2048_8192_SHA512),
            (Numbers::Curve("P-256", ..), "ES256") => Some(&ECDSA_P256_SHA256_FIXED),
            (Numbers::Curve("P-384", ..), "ES384") => Some(&ECDSA_P384_SHA384_FIXED),
            _ => None,
        }
    }
}

/// A number of DER without the zero that keeps it from being negative.
fn trimmed(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|&byte| byte == 0).collect()
}
