//! A server's metrics: a prometheus-client registry and its text on `/metrics`, in the format that the client asks for.

use std::sync::Arc;

use axum::response::IntoResponse;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The registry in OpenMetrics text.
#[must_use]
pub fn text(registry: &Registry) -> String {
    let mut out = String::new();
    encode(&mut out, registry).expect("writing into a String cannot fail");
    out
}

/// The registry's text for a client that sent these headers, and its content type: OpenMetrics where the client prefers it, else
/// Prometheus' own format, which is older and known to all.
#[must_use]
pub fn answer(headers: &HeaderMap, registry: &Registry) -> (&'static str, String) {
    let text = text(registry);
    if prefers_open(headers) { (OPEN_METRICS, text) } else { (CLASSIC, classic(&text)) }
}

/// `GET /metrics` as an axum handler, for a registry that is complete: metrics are registered before serving begins.
pub fn handler(
    registry: Arc<Registry>,
) -> impl Fn(HeaderMap) -> std::future::Ready<axum::response::Response> + Clone + Send + Sync + 'static {
    move |headers| {
        let (kind, text) = answer(&headers, &registry);
        std::future::ready((StatusCode::OK, [(CONTENT_TYPE, kind)], text).into_response())
    }
}

/// Whether the first of the heaviest ranges of `Accept` that one of the formats fits is OpenMetrics.
fn prefers_open(headers: &HeaderMap) -> bool {
    let (mut open, mut heaviest) = (false, 0.0);
    for range in headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','))
    {
        let mut parts = range.split(';').map(str::trim);
        let is_open = match parts.next() {
            Some("application/openmetrics-text") => true,
            Some("text/plain" | "text/*" | "*/*") => false,
            _ => continue,
        };
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
        if weight > heaviest {
            (open, heaviest) = (is_open, weight);
        }
    }
    open
}

/// OpenMetrics text in Prometheus' own format: there a counter's family has the name of its samples, and neither units nor the end
/// are told.
fn classic(open: &str) -> String {
    let mut out = String::with_capacity(open.len());
    let mut help = "";
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "stateset" => ("", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            let words = help.strip_prefix(name).unwrap_or_default();
            out.push_str(&format!("# HELP {name}{suffix}{words}\n# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with("# ") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::registry::Unit;

    fn registry() -> Registry {
        let mut registry = Registry::default();
        registry.register("asked", "How often it was asked", Counter::<u64>::default());
        registry.register_with_unit("took", "How long it took", Unit::Seconds, Gauge::<i64>::default());
        registry
    }

    fn told(accept: &str) -> (&'static str, String) {
        answer(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]), &registry())
    }

    #[test]
    fn the_older_format_is_given_to_all_who_do_not_prefer_the_other() {
        let text = "# HELP asked_total How often it was asked.\n# TYPE asked_total counter\nasked_total 0\n\
            # HELP took_seconds How long it took.\n# TYPE took_seconds gauge\ntook_seconds 0\n";
        assert_eq!(answer(&HeaderMap::new(), &registry()), (CLASSIC, text.to_owned()));
        let (kind, open) = told("application/openmetrics-text; version=1.0.0");
        assert_eq!(
            (kind, open.ends_with("# EOF\n"), open.contains("# TYPE asked counter\n")),
            (OPEN_METRICS, true, true)
        );
        for (accept, kind) in [
            ("*/*", CLASSIC),
            ("application/json", CLASSIC),
            ("text/plain, application/openmetrics-text", CLASSIC),
            ("application/openmetrics-text;q=0", CLASSIC),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1", OPEN_METRICS),
            ("application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.4", CLASSIC),
        ] {
            assert_eq!(told(accept).0, kind, "{accept}");
        }
    }
}
