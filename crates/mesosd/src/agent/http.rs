//! The agent's HTTP side: Mesos' paths with and without `/slave(1)`, and what answers on each (reference, section 1.1).

mod executor;
mod files;
mod operator;

use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::host::Handle;
use super::view;
use crate::reply::{Received, json, text};

/// What all endpoints need.
pub(crate) struct Api {
    pub(crate) agent: Handle,
    /// The directory below which `/files` reads.
    pub(crate) work_dir: std::path::PathBuf,
    /// Ends streams.
    pub(crate) stop: CancellationToken,
}

impl Api {
    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let Some(path) = route(request.uri().path()) else {
            return text(StatusCode::NOT_FOUND, "404 Not Found.");
        };
        match Received::read(request).await {
            Ok(received) => self.dispatch(&path, received).await,
            Err(refused) => *refused,
        }
    }

    async fn dispatch(&self, path: &str, call: Received) -> Response<Body> {
        // Longest prefix first: `/api/v1/anything` is `/api/v1`.
        if is_or_below(path, "/api/v1/executor") {
            return executor::answer(self, call).await;
        }
        if is_or_below(path, "/api/v1") {
            return operator::answer(self, call).await;
        }
        if let Some(which) = path.strip_prefix("/files/") {
            return files::answer(self, which, &call).await;
        }
        let shown = match path {
            "/health" => return Response::new(Body::empty()),
            "/healthz" => return text(StatusCode::OK, "ok"),
            "/version" => Some(view::version()),
            "/metrics" => {
                let metrics = self.agent.view(view::metrics::prometheus).await.unwrap_or_default();
                return text(StatusCode::OK, &metrics);
            }
            "/metrics/snapshot" => self.agent.view(view::metrics::snapshot).await,
            "/flags" => self.agent.view(view::flags).await,
            "/state" => self.agent.view(view::state::state).await,
            "/containers" => self.agent.view(view::containers::containers).await,
            "/monitor/statistics" => self.agent.view(view::containers::statistics).await,
            _ => return text(StatusCode::NOT_FOUND, "404 Not Found."),
        };
        match shown {
            Some(shown) => json(&shown, &call.query),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "The agent is ending"),
        }
    }
}

fn is_or_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path without what may stand around it: percent-encoding, the process' name, a slash at the end, and the `.json`
/// of tools from before Mesos 1.0. `None` for one that would leave its directory.
fn route(path: &str) -> Option<String> {
    let path = percent_decode(path)?;
    if path.contains("/..") {
        return None;
    }
    let path = path.strip_prefix("/slave(1)").filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(&path);
    let path = path.trim_end_matches('/');
    let is_file = path.starts_with("/files/");
    let path = path.strip_suffix(".json").filter(|_| !is_file).unwrap_or(path);
    Some(if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

/// Decodes `%28` and the like; `None` if the text is broken.
fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_many_forms() {
        let state = ["/state", "/slave(1)/state", "/slave%281%29/state/", "/state.json", "/slave(1)/state.json"];
        for path in state {
            assert_eq!(route(path).as_deref(), Some("/state"), "{path}");
        }
        assert_eq!(route("/files/read.json").as_deref(), Some("/files/read.json"));
        assert_eq!(route("/slave(1)").as_deref(), Some("/"));
        for bad in ["/files/../x", "/%2e%2e/x", "/%2", "/%ff"] {
            assert_eq!(route(bad), None, "{bad}");
        }
        assert!(is_or_below("/api/v1/executor", "/api/v1"));
        assert!(!is_or_below("/api/v11", "/api/v1"));
    }
}
