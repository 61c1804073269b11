//! The private half of a key of tokens, in each of the forms that openssl writes.

use anyhow::Context;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
    RSA_PKCS1_SHA256,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::public::{P256, P384, PublicKey};

/// The algorithm of RSA keys, as public keys name it (RFC 3279).
const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// The curves that sign: the name of each, and its algorithm.
const CURVES: [(&[u8], &EcdsaSigningAlgorithm); 2] =
    [(P256, &ECDSA_P256_SHA256_FIXED_SIGNING), (P384, &ECDSA_P384_SHA384_FIXED_SIGNING)];
/// What a refused key is told.
const TAKEN: &str = "it is no key by which tokens are signed here: RSA of 2048 to 4096 bits, or ECDSA P-256 or P-384";

/// A key that signs.
enum Key {
    Rsa(RsaKeyPair),
    Curve(EcdsaKeyPair),
}

/// A key that signs tokens.
pub(super) struct Signer {
    key: Key,
    algorithm: &'static str,
    id: String,
    random: SystemRandom,
}

impl Signer {
    /// The first private key of a PEM in PKCS #8, or in the older forms of RSA (PKCS #1) and of elliptic curves (SEC 1);
    /// and its public half.
    pub(super) fn from_pem(pem: &[u8]) -> anyhow::Result<(Self, PublicKey)> {
        let random = SystemRandom::new();
        let (key, public) = match PrivateKeyDer::from_pem_slice(pem).context("it holds no private key in PEM")? {
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()))?,
            PrivateKeyDer::Sec1(der) => curve(&random, |algorithm| in_pkcs8(algorithm, der.secret_sec1_der()))?,
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                match curve(&random, |_| der.to_vec()) {
                    Ok(found) => found,
                    Err(_) => rsa(RsaKeyPair::from_pkcs8(der))?,
                }
            }
            _ => anyhow::bail!(TAKEN),
        };
        let public = PublicKey::from_der(&public)?;
        let (algorithm, id) = (public.algorithm(), public.id().to_owned());
        Ok((Self { key, algorithm, id, random }, public))
    }

    /// The algorithm that its tokens name.
    pub(super) fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// What its tokens call it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The signature of these bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match &self.key {
            Key::Curve(key) => Some(key.sign(&self.random, bytes).ok()?.as_ref().to_vec()),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &self.random, bytes, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

/// An RSA key and its SubjectPublicKeyInfo, if it is one.
fn rsa(key: Result<RsaKeyPair, ring::error::KeyRejected>) -> anyhow::Result<(Key, Vec<u8>)> {
    let key = key.map_err(|error| anyhow::anyhow!("{TAKEN} ({error})"))?;
    let public = public_info(RSA, key.public_key().as_ref());
    Ok((Key::Rsa(key), public))
}

/// A key of the curve whose form in PKCS #8 is one, and its SubjectPublicKeyInfo.
fn curve(random: &SystemRandom, pkcs8: impl Fn(&[u8]) -> Vec<u8>) -> anyhow::Result<(Key, Vec<u8>)> {
    let mut keys = CURVES.iter().filter_map(|(name, algorithm)| {
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8(name), random).ok()?;
        let public = public_info(name, key.public_key().as_ref());
        Some((Key::Curve(key), public))
    });
    keys.next().context(TAKEN)
}

/// A key of SEC 1 as PKCS #8 has it: a version, the algorithm, and the key.
fn in_pkcs8(algorithm: &[u8], sec1: &[u8]) -> Vec<u8> {
    const VERSION: &[u8] = &[0x02, 0x01, 0x00];
    tagged(0x30, &[VERSION, algorithm, &tagged(0x04, sec1)].concat())
}

/// A public key as a SubjectPublicKeyInfo: the algorithm, and a string of bits of which none is unused.
fn public_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    tagged(0x30, &[algorithm, &tagged(0x03, &[&[0], key].concat())].concat())
}

/// A value of DER; its length is one byte, or a byte that counts those of the length.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|&&byte| byte == 0).count().min(length.len() - 1)..];
    match length {
        [short @ ..0x80] => [&[tag, *short], content].concat(),
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or(8)], long, content].concat(),
    }
}
