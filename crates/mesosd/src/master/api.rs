//! The master over HTTP: which path goes where (reference section 1.1). With and without the prefix `/master`.

mod agents;
mod metrics;
mod operator;
mod reply;
mod schedulers;
mod state;

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::reply::{json, text};
use super::server::Server;
use crate::link;

/// The longest body of a request.
const MAX_BODY: usize = mesos::recordio::MAX_RECORD;
/// How long a client may take to send it.
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// A request whose body has been read.
struct Received {
    method: Method,
    headers: http::HeaderMap,
    query: String,
    body: bytes::Bytes,
}

/// Serves until `stop`.
pub(super) async fn serve(server: Server, listener: TcpListener, stop: CancellationToken) {
    let clock = tokio::spawn(server.clone().keep_time(stop.clone()));
    let answer = move |request| {
        let server = server.clone();
        async move { answer(&server, request).await }
    };
    crate::listen::serve(listener, answer, stop).await;
    if let Err(error) = clock.await {
        tracing::error!("the master's clock failed: {error}");
    }
}

async fn answer(server: &Server, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if path.contains("/..") {
        return text(StatusCode::NOT_FOUND, "404 Not Found.");
    }
    let path = path.strip_prefix("/master").filter(|rest| rest.starts_with('/')).unwrap_or(path).trim_end_matches('/');
    let path = path.strip_suffix(".json").unwrap_or(path).to_owned();
    let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return text(StatusCode::BAD_REQUEST, &format!("Failed to read the body: {error}")),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "The body did not come in time"),
    };
    let query = head.uri.query().unwrap_or_default().to_owned();
    let received = Received { method: head.method, headers: head.headers, query, body };
    route(server, &path, received)
}

fn route(server: &Server, path: &str, received: Received) -> Response<Body> {
    let query = received.query.as_str();
    match path {
        link::PATH => agents::register(server, &received),
        link::MESSAGES_PATH => agents::message(server, &received),
        "/health" => Response::new(Body::empty()),
        "/healthz" => text(StatusCode::OK, "ok"),
        "/version" => json(&state::version(), query),
        "/flags" => json(&state::flags(server), query),
        "/state" => json(&state::state(server), query),
        "/state-summary" => json(&state::summary(server), query),
        "/slaves" => json(&state::slaves(server, query), query),
        "/frameworks" => json(&state::frameworks(server, query), query),
        "/tasks" => json(&state::tasks(server, query), query),
        "/roles" => json(&state::roles(server), query),
        "/weights" => json(&serde_json::json!([]), query),
        "/quota" => json(&serde_json::json!({}), query),
        "/maintenance/schedule" | "/maintenance/status" => json(&serde_json::json!({}), query),
        "/metrics/snapshot" => json(&server.read(metrics::snapshot), query),
        "/metrics" => {
            reply::with_type(metrics::prometheus(&server.read(metrics::snapshot)), "text/plain; version=0.0.4")
        }
        "/redirect" => reply::redirect(server),
        "/teardown" => operator::teardown(server, &received),
        _ if is_below(path, "/api/v1/scheduler") => schedulers::answer(server, &received),
        _ if is_below(path, "/api/v1") => operator::answer(server, &received),
        _ => text(StatusCode::NOT_FOUND, "404 Not Found."),
    }
}

/// Whether `path` is `route` or below it: the longest route that is wins.
fn is_below(path: &str, route: &str) -> bool {
    path.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
