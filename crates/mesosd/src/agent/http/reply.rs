//! Answers in the forms that Mesos gives them, and the checks that all its calls share (reference, sections 1.2 and 1.6).

use axum::body::Body;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Call;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A plain text, as all refusals are.
pub(super) fn text(status: StatusCode, body: &str) -> Response<Body> {
    with(status, TEXT, Body::from(body.to_owned()))
}

/// A call that was taken, without a word.
pub(super) fn accepted() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// A value; `?jsonp=f` wraps it in a call of `f`.
pub(super) fn json<T: Serialize>(value: &T, query: &str) -> Response<Body> {
    let body = mesos::json::to_vec(value);
    match parameter(query, "jsonp") {
        Some(function) => {
            let body = format!("{function}({});", String::from_utf8_lossy(&body));
            with(StatusCode::OK, HeaderValue::from_static("text/javascript"), Body::from(body))
        }
        None => with(StatusCode::OK, JSON, Body::from(body)),
    }
}

pub(super) fn with(status: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A parameter of the query, decoded.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    super::percent_decode(&value.replace('+', " "))
}

/// Reads the body of a POST.
pub(super) fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Box<Response<Body>>> {
    if call.method != Method::POST {
        let message = format!("405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{}'.", call.method);
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, &message);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Err(Box::new(response));
    }
    match call.headers.get(CONTENT_TYPE) {
        None => return Err(Box::new(text(StatusCode::BAD_REQUEST, "Expecting 'Content-Type' to be present"))),
        Some(given) if given == JSON => {}
        Some(given) if given == "application/x-protobuf" => {
            let message = "Expecting 'Content-Type' of application/json: application/x-protobuf is not supported";
            return Err(Box::new(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)));
        }
        Some(_) => {
            let message = "Expecting 'Content-Type' of application/json or application/x-protobuf";
            return Err(Box::new(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)));
        }
    }
    mesos::json::from_slice(&call.body).map_err(|error| {
        let message = match error {
            mesos::json::Error::Syntax(_) => error.to_string(),
            mesos::json::Error::Convert(why) => format!("Failed to convert JSON into Call protobuf: {why}"),
        };
        Box::new(text(StatusCode::BAD_REQUEST, &message))
    })
}

/// 406 where the client does not take JSON.
pub(super) fn require_json_accepted(headers: &HeaderMap) -> Result<(), Box<Response<Body>>> {
    if accepts_json(headers) {
        return Ok(());
    }
    let message = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
    Err(Box::new(text(StatusCode::NOT_ACCEPTABLE, message)))
}

/// Does `Accept` admit JSON? An absent one does.
fn accepts_json(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(ACCEPT) else { return true };
    let ranges = accept.to_str().unwrap_or_default().split(',');
    ranges.into_iter().any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let admits = matches!(parts.next(), Some("application/json" | "application/*" | "*/*"));
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
        admits && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_in_all_forms_that_admit_it() {
        let accepts =
            |value: &'static str| accepts_json(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]));
        assert!(accepts_json(&HeaderMap::new()));
        for good in ["application/json", "text/html, */*;q=0.1", "application/*", "application/json;q=0.5"] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["text/html", "application/json;q=0", "application/x-protobuf"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(parameter("path=%2Fa+b&offset=3", "path").as_deref(), Some("/a b"));
        assert_eq!(parameter("path=%2Fa", "offset"), None);
    }
}
