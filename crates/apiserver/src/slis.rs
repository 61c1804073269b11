//! `/metrics/slis`: what the checks of health found, under Kubernetes' names.

use std::sync::Arc;

use http::{HeaderMap, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::http::body::Body;
use crate::http::reply;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Last {
    name: &'static str,
    /// The endpoint that asked: `healthz`, `livez` or `readyz`.
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct All {
    name: &'static str,
    status: &'static str,
    r#type: &'static str,
}

/// The results of checks.
pub(crate) struct Slis {
    registry: Arc<Registry>,
    last: Family<Last, Gauge>,
    all: Family<All, Counter>,
}

impl Slis {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let (last, all) = (Family::default(), Family::default());
        registry.register(
            "kubernetes_healthcheck",
            "What a check found last: 1 where all was well",
            Family::clone(&last),
        );
        registry.register("kubernetes_healthchecks", "What checks found, by result", Family::clone(&all));
        Self { registry: Arc::new(registry), last, all }
    }

    /// Notes what a check found that an endpoint asked for.
    pub(crate) fn found(&self, endpoint: &'static str, name: &'static str, well: bool) {
        let status = if well { "success" } else { "error" };
        self.last.get_or_create(&Last { name, r#type: endpoint }).set(i64::from(well));
        self.all.get_or_create(&All { name, status, r#type: endpoint }).inc();
    }

    /// Answers `/metrics/slis`.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        reply::metrics(headers, &self.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_under_kubernetes_names() {
        let slis = Slis::new();
        for well in [true, false] {
            slis.found("readyz", "etcd", well);
        }
        let text = serve::metrics::text(&slis.registry);
        for line in [
            r#"kubernetes_healthcheck{name="etcd",type="readyz"} 0"#,
            r#"kubernetes_healthchecks_total{name="etcd",status="success",type="readyz"} 1"#,
            r#"kubernetes_healthchecks_total{name="etcd",status="error",type="readyz"} 1"#,
        ] {
            assert!(text.lines().any(|told| told == line), "{text}");
        }
    }
}
