//! `/healthz`, `/livez` and `/readyz`: for everybody, each check also by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Response, StatusCode};
use kube_api::status::quote;

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

/// The checks of an endpoint. Whoever starts the server again because it is not alive does not mend etcd by that: `livez` does
/// not ask it.
fn names(endpoint: &str) -> &'static [&'static str] {
    match endpoint {
        "livez" => &["ping"],
        "healthz" => &["ping", "etcd"],
        _ => &["ping", "etcd", "informer-sync", "poststarthook/bootstrap", "shutdown"],
    }
}

/// What the check finds.
async fn well(api: &Api, name: &str) -> bool {
    match name {
        "etcd" => matches!(tokio::time::timeout(TIMEOUT, api.store.ping()).await, Ok(Ok(()))),
        "informer-sync" => api.store.loaded(),
        "poststarthook/bootstrap" => api.bootstrapped(),
        "shutdown" => !api.shutdown.is_cancelled(),
        _ => true,
    }
}

/// Answers with `ok`, or with what is not; with `?verbose` check by check. What is excluded is not asked.
pub(crate) async fn answer(api: &Api, check: Check, query: Option<&str>) -> Response<Body> {
    let names = names(check.endpoint);
    if let Some(only) = &check.only {
        return match names.iter().find(|name| *name == only) {
            None => reply::text(StatusCode::NOT_FOUND, "404 page not found\n"),
            Some(name) if well(api, name).await => reply::text(StatusCode::OK, "ok"),
            Some(name) => {
                let why = format!("internal server error: the check {name} failed\n");
                reply::text(StatusCode::INTERNAL_SERVER_ERROR, why)
            }
        };
    }
    let query = Query::parse(query);
    let mut excluded: BTreeSet<&str> = query.all("exclude").collect();
    let mut results = Vec::new();
    for &name in names {
        let result = if excluded.remove(name) { None } else { Some(well(api, name).await) };
        if let Some(well) = result {
            api.slis.found(check.endpoint, name, well);
        }
        results.push((name, result));
    }
    let well = results.iter().all(|(_, result)| *result != Some(false));
    if well && query.given("verbose").is_none() {
        return reply::text(StatusCode::OK, "ok");
    }
    let code = if well { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    reply::text(code, told(check.endpoint, &results, &excluded))
}

/// The results line by line; `unknown` is what was to be excluded and is no check.
fn told(endpoint: &str, results: &[(&str, Option<bool>)], unknown: &BTreeSet<&str>) -> String {
    let mut lines: String = results
        .iter()
        .map(|(name, result)| match result {
            None => format!("[+]{name} excluded: ok\n"),
            Some(true) => format!("[+]{name} ok\n"),
            Some(false) => format!("[-]{name} failed: reason withheld\n"),
        })
        .collect();
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.iter().map(|name| quote(name)).collect();
        lines += "warn: some health checks cannot be excluded: no matches for ";
        lines += &unknown.join(", ");
        lines += "\n";
    }
    let word = if results.iter().any(|(_, result)| *result == Some(false)) { "failed" } else { "passed" };
    format!("{lines}{endpoint} check {word}\n")
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

    #[test]
    fn results_are_told_line_by_line() {
        let results = [("ping", Some(true)), ("etcd", Some(false)), ("shutdown", None)];
        assert_eq!(
            told("readyz", &results, &BTreeSet::from(["b", "a"])),
            "[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown excluded: ok\n\
             warn: some health checks cannot be excluded: no matches for \"a\", \"b\"\nreadyz check failed\n"
        );
        assert_eq!(told("livez", &results[..1], &BTreeSet::new()), "[+]ping ok\nlivez check passed\n");
    }
}
