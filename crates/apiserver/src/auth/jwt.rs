//! Service account tokens: JSON web tokens signed with RSA (RS256) or ECDSA (ES256, ES384), as Kubernetes makes them.

mod public;
mod signer;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use public::PublicKey;
use signer::Signer;

/// Makes and checks tokens.
pub(crate) struct Tokens {
    signer: Option<Signer>,
    /// The keys that check, one at least.
    public: Vec<PublicKey>,
}

impl Tokens {
    /// From PEMs: a key that signs, public keys that check, or both.
    pub(crate) fn from_pem(signing: Option<&[u8]>, public: Option<&[u8]>) -> anyhow::Result<Self> {
        let signer = signing.map(Signer::from_pem).transpose().context("the key that signs service account tokens")?;
        let (signer, own) = signer.unzip();
        let public = match (public, own) {
            (Some(pem), _) => PublicKey::all(pem).context("the public keys of service account tokens")?,
            (None, Some(own)) => vec![own],
            (None, None) => anyhow::bail!("neither a key nor a public key of service account tokens is given"),
        };
        Ok(Self { signer, public })
    }

    /// The public keys as JSON web keys.
    pub(crate) fn keys(&self) -> Vec<Value> {
        self.public.iter().map(PublicKey::json).collect()
    }

    /// The algorithms of the public keys, each once.
    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        let mut algorithms: Vec<_> = self.public.iter().map(PublicKey::algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    /// The token of these claims; `None` where this server has no key to sign with.
    pub(crate) fn sign(&self, claims: &Value) -> Option<String> {
        let signer = self.signer.as_ref()?;
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": signer.algorithm(), "kid": signer.id()}).to_string());
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = signer.sign(signed.as_bytes())?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that was signed with one of our keys and is valid at `now` (seconds since 1970).
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let (algorithm, id) = (header["alg"].as_str()?, header["kid"].as_str().unwrap_or_default());
        // a token that names no key may be of any
        let mut keys = self.public.iter().filter(|key| id.is_empty() || key.id() == id);
        keys.find(|key| key.verifies(algorithm, signed.as_bytes(), &signature))?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let after = |name: &str| claims.get(name).is_none_or(|time| time.as_i64().is_some_and(|time| time <= now));
        let before = claims.get("exp").is_none_or(|time| time.as_i64().is_some_and(|time| now < time));
        (before && after("nbf")).then_some(claims)
    }
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

    const RSA_PUBLIC: &str = include_str!("../../tests/keys/rsa.pub.pem");
    const P384_PUBLIC: &str = include_str!("../../tests/keys/p384.pub.pem");

    #[test]
    fn a_key_signs_and_checks_by_its_kind_in_each_of_its_forms() {
        for (private, public, algorithm) in [
            (include_str!("../../tests/keys/rsa.pkcs1.pem"), RSA_PUBLIC, "RS256"),
            (include_str!("../../tests/keys/rsa.pkcs8.pem"), RSA_PUBLIC, "RS256"),
            (include_str!("../../tests/keys/p384.sec1.pem"), P384_PUBLIC, "ES384"),
            (include_str!("../../tests/keys/p384.pkcs8.pem"), P384_PUBLIC, "ES384"),
        ] {
            let signs = Tokens::from_pem(Some(private.as_bytes()), None).unwrap();
            let checks = Tokens::from_pem(None, Some(public.as_bytes())).unwrap();
            assert_eq!((signs.keys(), signs.algorithms()), (checks.keys(), vec![algorithm]));
            let token = signs.sign(&json!({"sub": "a"})).unwrap();
            assert_eq!(checks.verify(&token, 0), Some(json!({"sub": "a"})), "{algorithm}");
            assert_eq!(checks.sign(&json!({})), None);
            assert_eq!(tokens().verify(&token, 0), None, "another key");
        }
    }

    #[test]
    fn a_file_may_hold_several_public_keys() {
        let both = format!("{P384_PUBLIC}{RSA_PUBLIC}");
        let checks = Tokens::from_pem(None, Some(both.as_bytes())).unwrap();
        assert_eq!(checks.algorithms(), ["ES384", "RS256"]);
        // what openssl makes the hash of the key in DER
        assert_eq!(checks.keys()[1]["kid"], "UJBKASQXsCqz59njd_dUlbub78IVyAw59IvxI0D78Fw");
        assert_eq!(checks.keys()[1]["e"], "AQAB");
        let signs = Tokens::from_pem(Some(include_bytes!("../../tests/keys/rsa.pkcs1.pem")), None).unwrap();
        let token = signs.sign(&json!({})).unwrap();
        assert!(checks.verify(&token, 0).is_some());
        // the algorithm is the key's, not the token's choice
        let (_, rest) = token.split_once('.').unwrap();
        for algorithm in ["none", "HS256", "ES256", "RS512"] {
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm}).to_string());
            assert_eq!(checks.verify(&format!("{header}.{rest}"), 0), None, "{algorithm}");
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
