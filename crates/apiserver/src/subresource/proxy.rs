//! `proxy` of pods, services and nodes: any HTTP request, upgrades included, passed on to what the path names.
//!
//! What is answered is what Kubernetes answers: GET and HEAD of a path without its slash are redirected to the one with it,
//! redirects of the server behind and links of its HTML pages are led back through here, and a server that cannot be reached
//! is 503.

mod backend;
mod connect;
mod html;
mod link;
mod page;

use http::header::{self, AUTHORIZATION, CONNECTION, HOST, HeaderName, LOCATION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kube_api::Status;

use crate::api::{Api, Call};
use crate::http::body::{self, Body, BoxError};
use crate::http::path::escape;
use crate::http::reply::Answer;
use crate::upgrade;
use backend::Backend;
use link::Link;
use page::Coding;

/// Headers of one connection, which are not passed on.
const HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    UPGRADE,
];

/// What a server behind says of the origins that it trusts: here it would be said of the whole API.
const ORIGINS: [HeaderName; 4] = [
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
];

/// Passes the request on, and the answer back.
pub(super) async fn answer(api: &Api, mut call: Call, body: crate::http::Incoming) -> Answer {
    let backend = Backend::of(api, &call).await?;
    let upgrading = call.headers.contains_key(UPGRADE);
    let prefix = prefix(&call);
    let query = call.raw_query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    if redirected(&call.method, &call.target.tail) && !upgrading {
        return redirect(&format!("{prefix}/{query}"));
    }
    let path: Vec<String> = call.target.tail.split('/').map(escape).collect();
    let path = if path.len() < 2 { "/".to_owned() } else { path.join("/") };
    let mut request = Request::new(body);
    *request.method_mut() = call.method.clone();
    let target = format!("{path}{query}").parse();
    *request.uri_mut() =
        target.map_err(|error| Status::bad_request(format!("the path cannot be passed on: {error}")))?;
    *request.headers_mut() = onward(&call.headers, &backend, &format!("{prefix}{path}"), upgrading);
    let sent = connect::send(&backend, request).await;
    let mut answer = sent.map_err(|error| Status::unavailable(format!("error trying to reach service: {error:#}")))?;
    let switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switched {
        let client = call.upgrade.take().ok_or_else(|| Status::bad_request("this connection cannot be upgraded"))?;
        upgrade::join(client, hyper::upgrade::on(&mut answer), api.shutdown.clone());
    }
    let host = call.headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let link = Link { prefix, authority: backend.authority(), host };
    Ok(if switched { switched_back(&answer) } else { back(answer, &link, api).await })
}

/// Whether the slash that a path lacks is asked of the client. Only what has no body and changes nothing is sent twice: by any
/// other method a client would follow with a GET, and lose what it sent.
fn redirected(method: &Method, tail: &str) -> bool {
    tail.is_empty() && (*method == Method::GET || *method == Method::HEAD)
}

/// The path of the proxy itself, to which the rest is appended.
fn prefix(call: &Call) -> String {
    let target = &call.target;
    let scope = if target.namespace.is_empty() { String::new() } else { format!("namespaces/{}/", target.namespace) };
    format!("/api/v1/{scope}{}/{}/proxy", target.kind.plural, escape(&target.name).replace("%3A", ":"))
}

fn redirect(to: &str) -> Answer {
    let mut response = Response::new(body::full(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    let location = HeaderValue::from_str(to).map_err(|_| Status::bad_request("the path is no header's value"))?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The client's headers as the server behind gets them: not what the client showed to us, nor what is the connection's.
fn onward(headers: &HeaderMap, backend: &Backend, path: &str, upgrading: bool) -> HeaderMap {
    let ours = |name: &HeaderName| *name == AUTHORIZATION || name.as_str().starts_with("impersonate-");
    let mut out: HeaderMap = HeaderMap::new();
    for (name, value) in headers {
        let hop = HOP.contains(name) && !(upgrading && (*name == CONNECTION || *name == UPGRADE));
        if !hop && !ours(name) {
            out.append(name, value.clone());
        }
    }
    if let (false, Ok(host)) = (out.contains_key(HOST), HeaderValue::from_str(&backend.authority())) {
        out.insert(HOST, host);
    }
    if let Ok(path) = HeaderValue::from_str(path) {
        out.insert("x-forwarded-uri", path);
    }
    if let Some(host) = out.get(HOST).cloned() {
        out.insert("x-forwarded-host", host);
    }
    out.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    out
}

/// The answer as the client gets it.
async fn back(answer: Response<Incoming>, link: &Link, api: &Api) -> Response<Body> {
    let (head, incoming) = answer.into_parts();
    let mut headers = kept(&head.headers, |name| !HOP.contains(name) && !ORIGINS.contains(name));
    let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    if let Some(Ok(value)) = location.and_then(|to| link.led(to)).map(|to| HeaderValue::from_str(&to)) {
        headers.insert(LOCATION, value);
    }
    let frames = futures::StreamExt::map(incoming.into_data_stream(), |frame| frame.map_err(BoxError::from));
    let frames = futures::StreamExt::take_until(frames, api.shutdown.clone().cancelled_owned());
    let body = match Coding::of(&head.headers) {
        Some(coding) => page::rewritten(Box::pin(frames), coding, link, &mut headers).await,
        None => body::stream(frames),
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = headers;
    response
}

/// The answer that switches protocols. What follows it goes past here.
fn switched_back(answer: &Response<Incoming>) -> Response<Body> {
    let mut response = Response::new(body::full(bytes::Bytes::new()));
    *response.status_mut() = answer.status();
    *response.headers_mut() =
        kept(answer.headers(), |name| !HOP.contains(name) || *name == CONNECTION || *name == UPGRADE);
    response
}

fn kept(headers: &HeaderMap, keep: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    headers.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether a request by that method is passed on, whatever the resource's verbs are.
pub(crate) fn passes(method: &Method) -> bool {
    matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_not_redirected() {
        for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "POST", "PUT"] {
            let (read, method) = (matches!(method, "GET" | "HEAD"), method.parse().unwrap());
            assert_eq!((redirected(&method, ""), redirected(&method, "/")), (read, false), "{method}");
        }
    }

    #[test]
    fn credentials_stay_here() {
        let backend = Backend::plain("10.0.0.7", 80);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer x"),
            ("impersonate-user", "y"),
            ("connection", "keep-alive"),
            ("cookie", "a=b"),
            ("te", "trailers"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let onward = onward(&headers, &backend, "/x", false);
        let mut names: Vec<&str> = onward.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["cookie", "host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-uri"]);
    }
}
