//! The master over HTTP: which path goes where (reference section 1.1). With and without the prefix `/master`.

mod agents;
mod metrics;
mod operator;
mod reply;
mod schedulers;
mod state;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::reply::{json, text};
use super::server::Server;
use crate::link;
use crate::reply::Received;

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
    let path = request.uri().path();
    if path.contains("/..") {
        return text(StatusCode::NOT_FOUND, "404 Not Found.");
    }
    let path = path.strip_prefix("/master").filter(|rest| rest.starts_with('/')).unwrap_or(path).trim_end_matches('/');
    let path = path.strip_suffix(".json").unwrap_or(path).to_owned();
    match Received::read(request).await {
        Ok(received) => route(server, &path, received),
        Err(refused) => *refused,
    }
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
