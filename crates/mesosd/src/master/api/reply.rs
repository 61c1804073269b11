//! Answers that only a master gives.

use axum::body::Body;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use crate::master::server::Server;
pub(super) use crate::reply::{
    JSON, Refused, bad_request, empty, json, parameter, read, require_json_accepted, require_post, text, with_type,
};

/// A stream of records.
pub(super) fn stream(body: crate::master::stream::Records, header: &'static str, id: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(body));
    let id = HeaderValue::from_str(id).expect("IDs of streams are UUIDs");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response.headers_mut().insert(header, id);
    response
}

/// To the leader, which is this master.
pub(super) fn redirect(server: &Server) -> Response<Body> {
    let (hostname, port) = server.read(|core, _| (core.settings.info.hostname.clone(), core.settings.info.port));
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    let location = HeaderValue::from_str(&format!("//{}:{port}", hostname.unwrap_or_default()));
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
