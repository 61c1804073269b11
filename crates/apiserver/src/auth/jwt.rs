//! Service account tokens: JSON web tokens signed with ECDSA P-256 (ES256), as Kubernetes makes them.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// What stands before the point of a P-256 key in its SubjectPublicKeyInfo (RFC 5480).
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The length of such a point.
const P256_POINT: usize = 65;

/// Makes and checks tokens.
pub(crate) struct Tokens {
    signer: Option<EcdsaKeyPair>,
    public: Vec<u8>,
    random: SystemRandom,
}

impl Tokens {
    /// From PEMs: a key that signs, a public key that checks, or both.
    pub(crate) fn from_pem(signing: Option<&[u8]>, public: Option<&[u8]>) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let signer =
            signing.map(|pem| signer(pem, &random)).transpose().context("the key that signs service account tokens")?;
        let public = match (public, &signer) {
            (Some(pem), _) => public_key(pem).context("the public key of service account tokens")?,
            (None, Some(signer)) => signer.public_key().as_ref().to_vec(),
            (None, None) => anyhow::bail!("neither a key nor a public key of service account tokens is given"),
        };
        anyhow::ensure!(public.len() == P256_POINT, "the public key of service account tokens is no ECDSA P-256 key");
        Ok(Self { signer, public, random })
    }

    /// The public key as a JSON web key.
    pub(crate) fn key(&self) -> Value {
        // an uncompressed point: a byte that says so, and the two coordinates
        let (x, y) = self.public[1..].split_at((self.public.len() - 1) / 2);
        json!({"use": "sig", "kty": "EC", "kid": self.key_id(), "crv": "P-256", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
    }

    /// What tokens call the key: the hash of its public half in DER, as Kubernetes'.
    fn key_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest([P256_PREFIX, &self.public].concat()))
    }

    /// The token of these claims; `None` where this server has no key to sign with.
    pub(crate) fn sign(&self, claims: &Value) -> Option<String> {
        let signer = self.signer.as_ref()?;
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "kid": self.key_id()}).to_string());
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = signer.sign(&self.random, signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that was signed with our key and is valid at `now` (seconds since 1970).
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // the algorithm is ours, not the token's choice
        if header["alg"] != "ES256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public).verify(signed.as_bytes(), &signature).ok()?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let after = |name: &str| claims.get(name).is_none_or(|time| time.as_i64().is_some_and(|time| time <= now));
        let before = claims.get("exp").is_none_or(|time| time.as_i64().is_some_and(|time| now < time));
        (before && after("nbf")).then_some(claims)
    }
}

/// The key of a PEM in either form that openssl writes: PKCS #8, or the older one of elliptic curves alone (SEC 1).
fn signer(pem: &[u8], random: &SystemRandom) -> anyhow::Result<EcdsaKeyPair> {
    let key = PrivateKeyDer::from_pem_slice(pem).context("it holds no private key in PEM")?;
    let der = match &key {
        PrivateKeyDer::Pkcs8(der) => der.secret_pkcs8_der().to_vec(),
        PrivateKeyDer::Sec1(der) => in_pkcs8(der.secret_sec1_der()),
        _ => anyhow::bail!("it is no ECDSA P-256 key, by which alone tokens are signed here"),
    };
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, random)
        .map_err(|error| anyhow::anyhow!("it is no ECDSA P-256 key, by which alone tokens are signed here: {error}"))
}

/// A P-256 key of SEC 1 as PKCS #8 has it: a version, the algorithm, and the key.
fn in_pkcs8(sec1: &[u8]) -> Vec<u8> {
    const VERSION: &[u8] = &[0x02, 0x01, 0x00];
    let algorithm = &P256_PREFIX[2..23];
    tagged(0x30, &[VERSION, algorithm, &tagged(0x04, sec1)].concat())
}

/// A value of DER of up to 255 bytes; of longer ones, which are no P-256 keys, it makes nonsense that is refused.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    match u8::try_from(content.len()).unwrap_or(u8::MAX) {
        short @ ..0x80 => [&[tag, short], content].concat(),
        long => [&[tag, 0x81, long], content].concat(),
    }
}

fn public_key(pem: &[u8]) -> anyhow::Result<Vec<u8>> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).context("reading public key PEM")?;
    let (_, info) = SubjectPublicKeyInfo::from_der(&der).context("reading public key")?;
    Ok(info.subject_public_key.data.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        let key = rcgen::KeyPair::generate().unwrap();
        Tokens::from_pem(Some(key.serialize_pem().as_bytes()), Some(key.public_key_pem().as_bytes())).unwrap()
    }

    #[test]
    fn keys_are_taken_as_openssl_writes_them() {
        let key = rcgen::KeyPair::generate().unwrap();
        // behind the lengths, the version and the algorithm
        let sec1 = URL_SAFE_NO_PAD.encode(&key.serialize_der()[29..]).replace('-', "+").replace('_', "/");
        let padding = "=".repeat((4 - sec1.len() % 4) % 4);
        let pem = |what: &str| format!("-----BEGIN {what}-----\n{sec1}{padding}\n-----END {what}-----\n");
        let public = key.public_key_pem();
        let older = Tokens::from_pem(Some(pem("EC PRIVATE KEY").as_bytes()), Some(public.as_bytes())).unwrap();
        let token = older.sign(&json!({"sub": "a"})).unwrap();
        let checks = Tokens::from_pem(None, Some(public.as_bytes())).unwrap();
        assert!(checks.verify(&token, 0).is_some());
        for wrong in [pem("RSA PRIVATE KEY"), pem("PRIVATE KEY"), "nonsense".to_owned()] {
            assert!(Tokens::from_pem(Some(wrong.as_bytes()), None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_our_own_valid_tokens_are_taken() {
        let (ours, theirs) = (tokens(), tokens());
        let claims = json!({"sub": "system:serviceaccount:a:b", "nbf": 100, "exp": 200});
        let token = ours.sign(&claims).unwrap();
        assert_eq!(ours.verify(&token, 150), Some(claims));
        assert_eq!(ours.verify(&token, 99), None, "not yet");
        assert_eq!(ours.verify(&token, 200), None, "no more");
        assert_eq!(theirs.verify(&token, 150), None, "another key");
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (head, _) = head.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(json!({"sub": "admin"}).to_string());
        assert_eq!(ours.verify(&format!("{head}.{forged}.{signature}"), 150), None);
        for nonsense in ["", ".", "..", "a.b.c", &format!("{head}.{forged}.")] {
            assert_eq!(ours.verify(nonsense, 150), None, "{nonsense}");
        }
    }
}
