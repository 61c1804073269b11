//! The OpenAPI documents, v2 and v3, with ETags.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;
use http::{Method, Request};
use kube_api::{Status, openapi};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::discovery::{no_such_page, tagged};
use crate::http::accept;
use crate::http::reply::{Answer, to_bytes};

static V2: LazyLock<Bytes> = LazyLock::new(|| to_bytes(&openapi::v2()));
static V2_PROTOBUF: LazyLock<Bytes> = LazyLock::new(|| openapi::v2_protobuf().into());
/// What kubectl before 1.27 asks for, and what the answer is called: `@` is no character of media types.
const PROTOBUF_ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const PROTOBUF_SENT: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
static V3: LazyLock<HashMap<String, Bytes>> = LazyLock::new(|| {
    let documents = openapi::v3_paths().into_iter();
    documents.filter_map(|path| openapi::v3(&path).map(|document| (path, to_bytes(&document)))).collect()
});

/// Answers a path below `/openapi/`.
pub(crate) fn answer<B>(request: &Request<B>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Status::method_not_allowed());
    }
    let headers = request.headers();
    match request.uri().path().trim_end_matches('/') {
        "/openapi/v2" if wants_protobuf(headers) => Ok(tagged(headers, V2_PROTOBUF.clone(), PROTOBUF_SENT)),
        "/openapi/v2" => {
            accept::negotiate(headers)?;
            Ok(tagged(headers, V2.clone(), "application/json"))
        }
        "/openapi/v3" => Ok(tagged(headers, to_bytes(&index()), "application/json")),
        path => {
            let document = path.strip_prefix("/openapi/v3/").and_then(|name| V3.get(name));
            Ok(document.map_or_else(no_such_page, |document| tagged(headers, document.clone(), "application/json")))
        }
    }
}

fn wants_protobuf(headers: &http::HeaderMap) -> bool {
    let accepted = headers.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|text| text.split(','))
        .any(|range| range.split(';').next().is_some_and(|r| r.trim() == PROTOBUF_ASKED))
}

/// Where each version's document is; the hash tells when it has changed.
fn index() -> Value {
    let paths: Map<String, Value> = V3
        .iter()
        .map(|(path, document)| {
            let hash = Sha256::digest(document).iter().map(|byte| format!("{byte:02X}")).collect::<String>();
            (path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}))
        })
        .collect();
    json!({"paths": paths})
}
