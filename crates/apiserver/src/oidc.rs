//! How tokens of service accounts are verified by others: OpenID's discovery document, and the key.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response};
use kube_api::Status;
use serde_json::{Value, json};

use crate::api::Api;
use crate::http::body::full;
use crate::http::reply::{Answer, to_bytes};

/// Where the discovery document is, below the issuer's URL.
const CONFIGURATION: &str = "/.well-known/openid-configuration";
/// Where the keys are.
const KEYS: &str = "/openid/v1/jwks";
/// How long clients may keep the documents.
const KEPT: &str = "public, max-age=3600";

/// A document for verifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// Who issues tokens, and where its keys are.
    Configuration,
    /// The keys.
    Keys,
}

impl Document {
    /// Of a path, if it is one of these.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.strip_suffix('/').unwrap_or(path) {
            CONFIGURATION => Some(Self::Configuration),
            KEYS => Some(Self::Keys),
            _ => None,
        }
    }

    /// The document, where this server knows a key of tokens.
    pub(crate) fn answer(self, api: &Api, method: &Method) -> Answer {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(Status::method_not_allowed());
        }
        let tokens = api.tokens.as_ref().ok_or_else(Status::no_such_path)?;
        let (content_type, document) = match self {
            Self::Configuration => ("application/json", configuration(api, &tokens.algorithms())),
            Self::Keys => ("application/jwk-set+json", json!({"keys": tokens.keys()})),
        };
        let mut response = Response::new(full(to_bytes(&document)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
        Ok(response)
    }
}

fn configuration(api: &Api, algorithms: &[&str]) -> Value {
    let issuer = &api.options.service_account_issuer;
    // pods reach this server under the issuer's name
    let keys = format!("{}{KEYS}", issuer.trim_end_matches('/'));
    json!({"issuer": issuer, "jwks_uri": api.options.service_account_jwks_uri.as_ref().unwrap_or(&keys),
        "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_documents() {
        assert_eq!(Document::of("/openid/v1/jwks"), Some(Document::Keys));
        assert_eq!(Document::of("/.well-known/openid-configuration/"), Some(Document::Configuration));
        assert_eq!(Document::of("/openid/v1"), None);
    }
}
