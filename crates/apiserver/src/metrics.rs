//! What the server counts.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::http::body::{Body, full};
use crate::storage::Store;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Resource {
    resource: &'static str,
}

/// The server's metrics. Clones share them.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answered, Counter>,
    durations: Histogram,
    objects: Family<Resource, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let (requests, objects) = (Family::default(), Family::default());
        let durations = Histogram::new(exponential_buckets(0.0005, 4.0, 8));
        registry.register("apiserver_request", "Requests answered, by method and code", requests.clone());
        let help = "Time until an answer began, in seconds";
        registry.register("apiserver_request_duration_seconds", help, durations.clone());
        registry.register("apiserver_storage_objects", "Objects in memory, by resource", objects.clone());
        Self { registry: Arc::new(registry), requests, durations, objects }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, method: &Method, code: StatusCode, took: Duration) {
        // methods are the client's choice: those that are not known are one
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| method == known);
        let method = known.unwrap_or("other");
        self.requests.get_or_create(&Answered { method, code: code.as_u16() }).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// Answers `/metrics`.
    pub(crate) fn answer(&self, store: &Store) -> Response<Body> {
        for (resource, count) in store.counts() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.objects.get_or_create(&Resource { resource }).set(count);
        }
        let mut response = Response::new(full(serve::metrics::text(&self.registry)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(serve::metrics::CONTENT_TYPE));
        response
    }
}
