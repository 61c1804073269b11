//! Requests to master and agent as they are read, answers in Mesos' form, and the checks of a call that do not depend on
//! its kind (reference sections 1.2 and 1.6).

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use http::header::{ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

pub(crate) const JSON: &str = "application/json";
/// The longest body of a request.
const MAX_BODY: usize = mesos::recordio::MAX_RECORD;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A request whose body has been read.
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    pub(crate) body: bytes::Bytes,
}

impl Received {
    /// Reads the body, which has a limit in length and in time. What a page of another site makes a browser send is refused:
    /// nothing else would keep it from a server that asks nobody who he is.
    pub(crate) async fn read(request: Request<Incoming>) -> Result<Self, Refused> {
        let (head, body) = request.into_parts();
        if head.method != Method::GET && is_of_another_site(&head.headers) {
            return Err(Box::new(text(StatusCode::FORBIDDEN, "Requests of another site's pages are not taken")));
        }
        let query = head.uri.query().unwrap_or_default().to_owned();
        let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(bad_request(&format!("Failed to read the body: {error}"))),
            Err(_) => return Err(Box::new(text(StatusCode::REQUEST_TIMEOUT, "The body did not come in time"))),
        };
        let is_packed = head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let body = if is_packed { unpack(&body)? } else { body };
        Ok(Self { method: head.method, headers: head.headers, query, body })
    }
}

/// Whether a browser says that the page which asks is not from here.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let Some(origin) = text(ORIGIN) else { return false };
    origin.split_once("://").map(|(_, host)| host) != text(HOST)
}

/// The body of a request that came by gzip (reference section 1.2), of no more than [`MAX_BODY`].
fn unpack(packed: &[u8]) -> Result<bytes::Bytes, Refused> {
    let mut body = Vec::new();
    let read = flate2::read::GzDecoder::new(packed).take(MAX_BODY as u64 + 1).read_to_end(&mut body);
    read.map_err(|error| bad_request(&format!("Failed to gunzip the body: {error}")))?;
    if body.len() > MAX_BODY {
        return Err(bad_request(&format!("The body is longer than {MAX_BODY} bytes")));
    }
    Ok(body.into())
}

/// A plain text; refusals are of this kind.
pub(crate) fn text(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = with_type(body.to_owned(), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}

/// A text of some type.
pub(crate) fn with_type(body: String, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Only a status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A value as JSON, or as a call of the function that the query names.
pub(crate) fn json<T: serde::Serialize>(value: &T, query: &str) -> Response<Body> {
    let body = String::from_utf8(mesos::json::to_vec(value)).expect("JSON is UTF-8");
    match parameter(query, "jsonp") {
        Some(function) => with_type(format!("{function}({body});"), "text/javascript"),
        None => with_type(body, JSON),
    }
}

/// A parameter of a query or form, decoded; `None` where it is absent or empty.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
    pair.map(|(_, value)| decode(value)).filter(|value| !value.is_empty())
}

/// Percent-decoding; what is not well formed stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, hex) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A refusal that is an answer already. Boxed, as it is large and rare.
pub(crate) type Refused = Box<Response<Body>>;

/// 400 with Mesos' words.
pub(crate) fn bad_request(reason: &str) -> Refused {
    Box::new(text(StatusCode::BAD_REQUEST, reason))
}

/// 405 where the method is not POST.
pub(crate) fn require_post(received: &Received) -> Result<(), Refused> {
    if received.method == Method::POST {
        return Ok(());
    }
    let body = format!("405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{}'.", received.method);
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, &body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    Err(Box::new(response))
}

/// The message of a POST, by its Content-Type.
pub(crate) fn read<T: DeserializeOwned>(received: &Received) -> Result<T, Refused> {
    require_post(received)?;
    let unsupported = |reason: &str| Box::new(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    match received.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
        None => return Err(bad_request("Expecting 'Content-Type' to be present")),
        Some(b"application/json") => {}
        Some(b"application/x-protobuf") => {
            return Err(unsupported("JSON alone is spoken here: Expecting 'Content-Type' of application/json"));
        }
        Some(_) => return Err(unsupported("Expecting 'Content-Type' of application/json or application/x-protobuf")),
    }
    mesos::json::from_slice(&received.body).map_err(|error| match error {
        mesos::json::Error::Syntax(_) => bad_request(&error.to_string()),
        mesos::json::Error::Convert(why) => bad_request(&format!("Failed to convert JSON into Call protobuf: {why}")),
    })
}

/// 406 where the answer may not be JSON.
pub(crate) fn require_json_accepted(received: &Received) -> Result<(), Refused> {
    let accept = received.headers.get(ACCEPT).map(|value| value.to_str().unwrap_or_default());
    if accept.is_none_or(accepts_json) {
        return Ok(());
    }
    let reason = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
    Err(Box::new(text(StatusCode::NOT_ACCEPTABLE, reason)))
}

fn accepts_json(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let fits = matches!(parts.next(), Some("application/json" | "application/*" | "*/*"));
        fits && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_admits_json_by_name_or_pattern() {
        for good in ["application/json", "text/html, */*;q=0.1", "application/*", "application/json;q=0.5"] {
            assert!(accepts_json(good), "{good}");
        }
        for bad in ["text/html", "application/x-protobuf", "application/json;q=0", "", "application/json;q=0.0"] {
            assert!(!accepts_json(bad), "{bad}");
        }
    }

    #[test]
    fn a_browser_is_believed_about_other_sites() {
        let headers = |origin: Option<&str>| {
            let pairs = [("host", Some("127.0.0.1:5050")), ("origin", origin)];
            let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
            pairs.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
        };
        assert!(!is_of_another_site(&headers(None)), "no browser");
        assert!(!is_of_another_site(&headers(Some("http://127.0.0.1:5050"))));
        for origin in ["http://example.com", "null", "http://127.0.0.1:5051", ""] {
            assert!(is_of_another_site(&headers(Some(origin))), "{origin}");
        }
    }

    #[test]
    fn a_packed_body_is_unpacked_up_to_its_limit() {
        let pack = |body: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, body).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(unpack(&pack(b"{}")).unwrap(), "{}");
        for bad in [pack(&vec![b' '; MAX_BODY + 1]), b"{}".to_vec(), pack(b"{}")[..12].to_vec()] {
            assert_eq!(unpack(&bad).unwrap_err().status(), StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(parameter("a=1&b=x%20y+z", "b").as_deref(), Some("x y z"));
        assert_eq!(parameter("a=%zz%4", "a").as_deref(), Some("%zz%4"));
        assert_eq!(parameter("a=", "a"), None);
        assert_eq!(parameter("", "a"), None);
    }
}
