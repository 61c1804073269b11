//! Service account tokens: JSON web tokens signed with ECDSA P-256 (ES256), as Kubernetes makes them.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
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
        let signer = signing.map(|pem| signer(pem, &random)).transpose().context("service account key")?;
        let public = match (public, &signer) {
            (Some(pem), _) => public_key(pem).context("service account public key")?,
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

fn signer(pem: &[u8], random: &SystemRandom) -> anyhow::Result<EcdsaKeyPair> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem).context("reading PKCS #8 PEM")?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), random)
        .map_err(|error| anyhow::anyhow!("not an ECDSA P-256 key: {error}"))
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
