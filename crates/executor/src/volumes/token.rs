//! Tokens of service accounts for pods: kept until they are to be replaced, so that a volume that is written anew for another
//! reason needs no new one.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccountTokenProjection};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::context::Context;
use crate::pod;

/// What a token is valid for where the volume does not say, in seconds: Kubernetes' default.
const SECONDS: i64 = 3600;
/// A token is replaced at this age at the latest, however long it is valid: as in Kubernetes.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// The tokens of a node's pods.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<Key, Token>>);

/// What a token is for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    uid: String,
    account: String,
    audience: Option<String>,
    seconds: i64,
}

/// A token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: String,
    /// When it is to be replaced.
    pub(super) renew: Instant,
}

impl Tokens {
    /// Forgets those of a pod that is gone.
    pub fn forget(&self, uid: &str) {
        self.0.lock().retain(|key, _| key.uid != uid);
    }

    fn get(&self, key: &Key) -> Option<Token> {
        self.0.lock().get(key).filter(|token| token.renew > Instant::now()).cloned()
    }
}

/// The pod's token for that source; `None` where the API server gives none.
///
/// # Errors
/// When the API server does not answer, or refuses.
pub(super) async fn of(
    context: &Context,
    pod: &Pod,
    source: &ServiceAccountTokenProjection,
) -> kube::Result<Option<Token>> {
    let account = pod::spec(pod).service_account_name.as_deref().unwrap_or("default");
    let seconds = source.expiration_seconds.unwrap_or(SECONDS);
    let (uid, audience) = (pod::uid(pod).to_owned(), source.audience.clone().filter(|audience| !audience.is_empty()));
    let key = Key { uid, account: account.to_owned(), audience, seconds };
    if let Some(kept) = context.tokens.get(&key) {
        return Ok(Some(kept));
    }
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: key.audience.iter().cloned().collect(),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: Some(pod::name(pod).to_owned()),
                uid: Some(key.uid.clone()),
            }),
            expiration_seconds: Some(seconds),
        },
        ..TokenRequest::default()
    };
    let Some(status) = context.token(pod::namespace(pod), account, &request).await?.status else { return Ok(None) };
    let left = status.expiration_timestamp.0.duration_since(Timestamp::now()).as_secs();
    let token = Token { text: status.token, renew: Instant::now() + used(u64::try_from(left).unwrap_or_default()) };
    context.tokens.0.lock().insert(key, token.clone());
    Ok(Some(token))
}

/// How long a token is used that is valid for so many seconds: Kubernetes replaces it after four fifths of its time, or a day.
fn used(seconds: u64) -> Duration {
    Duration::from_secs(seconds / 5 * 4).min(OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_replaced_in_time_and_at_least_once_a_day() {
        assert_eq!(used(3600), Duration::from_secs(2880));
        assert_eq!(used(0), Duration::ZERO);
        assert_eq!(used(365 * 24 * 3600), OLDEST);
    }
}
