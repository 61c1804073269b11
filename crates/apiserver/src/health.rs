//! `/healthz`, `/livez` and `/readyz`: for everybody, each check also by itself.

use std::time::Duration;

use http::{Response, StatusCode};

use crate::api::Api;
use crate::http::body::Body;
use crate::http::query::Query;
use crate::http::reply;

/// How long etcd may take to say that it is well.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What is asked: an endpoint, and perhaps one check of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    endpoint: &'static str,
    only: Option<String>,
}

impl Check {
    /// Of a path, if it is one of health.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let endpoint =
            ["healthz", "livez", "readyz"].into_iter().find(|name| path[1.min(path.len())..].starts_with(name))?;
        let rest = path.get(1 + endpoint.len()..)?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Some(Self { endpoint, only: None }),
            None => None,
            Some("") => Some(Self { endpoint, only: None }),
            Some(only) => Some(Self { endpoint, only: Some(only.to_owned()) }),
        }
    }
}

/// Answers with `ok`, or with what is not; with `?verbose` check by check.
pub(crate) async fn answer(api: &Api, check: Check, query: Option<&str>) -> Response<Body> {
    let query = Query::parse(query);
    let mut checks = vec![("ping", true)];
    if check.endpoint != "livez" {
        let asked = tokio::time::timeout(TIMEOUT, api.store.ping()).await;
        checks.push(("etcd", matches!(asked, Ok(Ok(())))));
    }
    if check.endpoint == "readyz" {
        checks.push(("informer-sync", api.store.loaded()));
        checks.push(("poststarthook/bootstrap", api.bootstrapped()));
        checks.push(("shutdown", !api.shutdown.is_cancelled()));
    }
    if let Some(only) = &check.only {
        checks.retain(|(name, _)| name == only);
        if checks.is_empty() {
            return reply::text(StatusCode::NOT_FOUND, "404 page not found\n");
        }
    }
    let excluded = |name: &str| query.all("exclude").any(|excluded| excluded == name);
    let well = checks.iter().all(|(name, well)| *well || excluded(name));
    let code = if well { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    if well && !query.flag("verbose") {
        return reply::text(code, "ok");
    }
    let lines: String = checks
        .iter()
        .map(|(name, well)| match *well {
            _ if excluded(name) => format!("[+]{name} excluded: ok\n"),
            true => format!("[+]{name} ok\n"),
            false => format!("[-]{name} failed: reason withheld\n"),
        })
        .collect();
    let word = if well { "passed" } else { "failed" };
    reply::text(code, format!("{lines}{} check {word}\n", check.endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_health() {
        let told = |path| Check::of(path).map(|check| (check.endpoint, check.only.unwrap_or_default()));
        assert_eq!(told("/healthz"), Some(("healthz", String::new())));
        assert_eq!(told("/readyz/etcd"), Some(("readyz", "etcd".to_owned())));
        for other in ["", "/", "/healthzz", "/api", "x"] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
