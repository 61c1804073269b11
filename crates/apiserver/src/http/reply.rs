//! Answers: their codes, headers and bytes.

use std::collections::HashSet;
use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY, WARNING};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use kube_api::decode::Format;
use kube_api::{Status, protobuf};
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::accept::{self, Accept};
use super::body::{Body, BoxError, full};
use super::indent::Indentable;

/// Answers from this size on are compressed for clients that take it, as in Kubernetes.
const GZIP_FROM: usize = 128 << 10;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROTOBUF: HeaderValue = HeaderValue::from_static(protobuf::MEDIA_TYPE);

/// The header by which an answer, and whatever its making led to, is found again in logs.
pub(crate) const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// An answer or the refusal that takes its place.
pub(crate) type Answer = Result<Response<Body>, Status>;

/// JSON that is there as bytes already.
pub(crate) fn json(code: StatusCode, bytes: Bytes, accept: Accept) -> Response<Body> {
    let mut response = encoded(code, bytes, JSON, accept);
    if !response.headers().contains_key(CONTENT_ENCODING) {
        response.extensions_mut().insert(Indentable);
    }
    response
}

/// Protobuf in its envelope.
pub(crate) fn protobuf(code: StatusCode, bytes: Vec<u8>, accept: Accept) -> Response<Body> {
    encoded(code, bytes.into(), PROTOBUF, accept)
}

fn encoded(code: StatusCode, bytes: Bytes, content_type: HeaderValue, accept: Accept) -> Response<Body> {
    let mut response = if accept.gzip && bytes.len() >= GZIP_FROM {
        let mut response = Response::new(full(compress(&bytes)));
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    } else {
        Response::new(full(bytes))
    };
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A value in the format agreed on.
pub(crate) fn value(code: StatusCode, value: &Value, accept: Accept) -> Response<Body> {
    match accept.format {
        Format::Json => json(code, line(value), accept),
        Format::Protobuf => match protobuf::object(value) {
            Some(bytes) => protobuf(code, bytes, accept),
            None => json(code, line(value), accept),
        },
        Format::Yaml => {
            let text = serde_yaml::to_string(value).unwrap_or_default();
            let mut response = Response::new(full(text));
            *response.status_mut() = code;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/yaml"));
            response
        }
    }
}

/// A document whose fields are in an order of their own, which JSON keeps.
pub(crate) fn ordered(code: StatusCode, document: &impl serde::Serialize, accept: Accept) -> Response<Body> {
    match accept.format {
        Format::Json => json(code, line(document), accept),
        _ => value(code, &serde_json::to_value(document).unwrap_or_default(), accept),
    }
}

/// A refusal, in the format of the answers that the client accepts (`Accept`'s text), JSON where that is none of ours.
pub(crate) fn refusal(status: &Status, accepted: Option<&HeaderValue>) -> Response<Body> {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = accepted.map(|text| (ACCEPT, text.clone())).into_iter().collect();
    let accept = accept::negotiate(&headers).unwrap_or(accept::PLAIN);
    let mut response = ordered(code, status, accept);
    let retry = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if retry > 0 {
        response.headers_mut().insert(RETRY_AFTER, retry.into());
    }
    response
}

/// JSON that is written frame by frame, compressed frame by frame.
pub(crate) fn compressed<B>(body: B) -> Response<Body>
where
    B: http_body::Body<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let frames = futures::stream::try_unfold((body, Some(encoder)), |(mut body, encoder)| async move {
        let Some(mut encoder) = encoder else { return Ok(None) };
        loop {
            let Some(frame) = body.frame().await else {
                return Ok(Some((Bytes::from(encoder.finish()?), (body, None))));
            };
            if let Ok(data) = frame?.into_data() {
                encoder.write_all(&data)?;
            }
            let written = std::mem::take(encoder.get_mut());
            if !written.is_empty() {
                return Ok(Some((Bytes::from(written), (body, Some(encoder)))));
            }
        }
    });
    let mut response = Response::new(super::body::stream(frames));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Text for people.
pub(crate) fn text(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// What the answer to a request has for [`AUDIT_ID`]: what its client chose, else something new.
pub(crate) fn audit_id(request: &HeaderMap) -> HeaderValue {
    if let Some(chosen) = request.get(AUDIT_ID).filter(|chosen| !chosen.is_empty()) {
        return chosen.clone();
    }
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut text = uuid::Uuid::encode_buffer();
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).expect("hexadecimal digits and hyphens")
}

/// Metrics, in the format that the client asks for.
pub(crate) fn metrics(headers: &HeaderMap, registry: &Registry) -> Response<Body> {
    let (kind, text) = serve::metrics::answer(headers, registry);
    let mut response = Response::new(full(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A document that is no object of the API: JSON that is indented for everybody.
pub(crate) fn document(code: StatusCode, value: &Value) -> Response<Body> {
    let bytes = serde_json::to_vec_pretty(value).expect("a JSON value can be written");
    encoded(code, bytes.into(), JSON, accept::PLAIN)
}

/// All warnings of an answer are that long at most, in characters; where they are longer each is cut.
const MOST_WARNED: usize = 4096;
/// A warning that is cut is that long.
const WARNING_CUT: usize = 256;

/// Adds what the client should know to an answer, one header a warning (RFC 7234, code 299): each once, and no more than
/// clients take for headers.
pub(crate) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in shortened(warnings) {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(WARNING, value);
        }
    }
}

fn shortened(warnings: &[String]) -> Vec<&str> {
    let mut seen = HashSet::new();
    let once: Vec<&str> = warnings.iter().map(String::as_str).filter(|warning| seen.insert(*warning)).collect();
    let length = |text: &str| text.chars().count();
    if once.iter().map(|warning| length(warning)).sum::<usize>() <= MOST_WARNED {
        return once;
    }
    let mut room = MOST_WARNED;
    let cut = once.into_iter().map(|text| text.char_indices().nth(WARNING_CUT).map_or(text, |(end, _)| &text[..end]));
    cut.take_while(|text| {
        let fits = room > 0;
        room = room.saturating_sub(length(text));
        fits
    })
    .collect()
}

/// A value's JSON, on a line of its own as Kubernetes answers it.
fn line(value: &(impl serde::Serialize + ?Sized)) -> Bytes {
    let mut bytes = serde_json::to_vec(value).expect("a JSON value can be written");
    bytes.push(b'\n');
    bytes.into()
}

/// A value's JSON.
pub(crate) fn to_bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value).expect("a JSON value can be written").into()
}

/// The bytes, compressed for speed.
pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder.write_all(bytes).expect("writing into a vector cannot fail");
    encoder.finish().expect("writing into a vector cannot fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_fit_into_headers() {
        let two = ["a".repeat(1000), "b".to_owned(), "b".to_owned()];
        assert_eq!(shortened(&two), [two[0].as_str(), "b"]);
        let many: Vec<String> = (0..30_000).map(|n| format!("{n}{}", "\u{e4}".repeat(300))).collect();
        let told = shortened(&many);
        assert_eq!((told.len(), told[0].chars().count()), (16, WARNING_CUT));
    }
}
