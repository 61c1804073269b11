//! The OpenAPI documents, v2 and v3, with ETags.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, EXPIRES, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use kube_api::{Status, openapi};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::discovery::{no_such_page, tagged};
use crate::http::accept;
use crate::http::body::{Body, full};
use crate::http::query::Query;
use crate::http::reply::{Answer, to_bytes};

static V2: LazyLock<Bytes> = LazyLock::new(|| made(to_bytes(&openapi::v2())));
static V2_PROTOBUF: LazyLock<Bytes> = LazyLock::new(|| made(openapi::v2_protobuf().into()));
/// What kubectl before 1.27 asks for, and what the answer is called: `@` is no character of media types.
const PROTOBUF_ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const PROTOBUF_SENT: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
static V3: LazyLock<HashMap<String, Document>> = LazyLock::new(|| {
    let documents = openapi::v3_paths().into_iter();
    made(documents.filter_map(|path| openapi::v3(&path).map(|document| (path, Document::of(&document)))).collect())
});
/// How long a document that is asked for by its hash may be kept: as long as anything.
const YEAR: jiff::SignedDuration = jiff::SignedDuration::from_hours(365 * 24);

/// What was made, once. The trees that it was written from took several times the memory, and are gone.
fn made<T>(document: T) -> T {
    serve::memory::give_back();
    document
}

/// A document of version 3.
struct Document {
    bytes: Bytes,
    /// What tells it from what it was or will be.
    hash: String,
}

impl Document {
    fn of(document: &Value) -> Self {
        let bytes = to_bytes(document);
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02X}")).collect();
        Self { bytes, hash }
    }

    /// Where it is, by its hash.
    fn url(&self, path: &str) -> String {
        format!("/openapi/v3/{path}?hash={}", self.hash)
    }

    /// The document to a client that asks for the one of that hash, or for whichever there is.
    fn answer(&self, headers: &HeaderMap, path: &str, hash: Option<&str>) -> Response<Body> {
        let mut response = match hash {
            Some(hash) if hash != self.hash => {
                let mut moved = Response::new(full(Bytes::new()));
                *moved.status_mut() = StatusCode::MOVED_PERMANENTLY;
                moved.headers_mut().extend(self.url(path).parse().ok().map(|url: HeaderValue| (LOCATION, url)));
                return moved;
            }
            _ => tagged(headers, self.bytes.clone(), "application/json"),
        };
        if hash.is_some() {
            let end = jiff::Timestamp::now().checked_add(YEAR).unwrap_or(jiff::Timestamp::MAX);
            let end = end.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
            response.headers_mut().extend(end.parse().ok().map(|end: HeaderValue| (EXPIRES, end)));
        }
        response
    }
}

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
            let Some((path, document)) = path.strip_prefix("/openapi/v3/").and_then(|path| V3.get_key_value(path))
            else {
                return Ok(no_such_page());
            };
            Ok(document.answer(headers, path, Query::parse(request.uri().query()).get("hash")))
        }
    }
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|text| text.split(','))
        .any(|range| range.split(';').next().is_some_and(|r| r.trim() == PROTOBUF_ASKED))
}

/// Where each version's document is; the hash tells when it has changed.
fn index() -> Value {
    let paths: Map<String, Value> =
        V3.iter().map(|(path, document)| (path.clone(), json!({"serverRelativeURL": document.url(path)}))).collect();
    json!({"paths": paths})
}
