//! What the server counts.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Response, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::api::{Call, Verb};
use crate::http::body::Body;
use crate::http::reply;
use crate::storage::Store;

/// What was asked for, in Kubernetes' labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Asked {
    verb: &'static str,
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    subresource: &'static str,
    /// `cluster`, `namespace` or `resource`; empty for what is no resource.
    scope: &'static str,
}

impl Asked {
    /// Of a path that names no resource. Methods are the client's choice: those that are not known are one.
    pub(crate) fn path(method: &Method) -> Self {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| method == known);
        let verb = known.unwrap_or("other");
        Self { verb, group: "", version: "", resource: "", subresource: "", scope: "" }
    }

    /// Of a request for a resource.
    pub(crate) fn call(call: &Call) -> Self {
        let (target, kind) = (&call.target, call.kind());
        let subresource = target.subresource.map_or("", |subresource| subresource.name);
        let verb = match call.verb {
            _ if matches!(subresource, "proxy" | "exec" | "attach" | "portforward") => "CONNECT",
            Verb::Get => "GET",
            Verb::List => "LIST",
            Verb::Watch => "WATCH",
            Verb::Create => "POST",
            Verb::Update => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
            Verb::DeleteCollection => "DELETECOLLECTION",
        };
        let scope = match (target.name.is_empty(), target.namespace.is_empty()) {
            (false, _) => "resource",
            (true, false) => "namespace",
            (true, true) => "cluster",
        };
        Self { verb, group: kind.group, version: kind.version, resource: kind.plural, subresource, scope }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    #[prometheus(flatten)]
    asked: Asked,
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
    durations: Family<Asked, Histogram, fn() -> Histogram>,
    objects: Family<Resource, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let (requests, objects) = (Family::default(), Family::default());
        let durations =
            Family::new_with_constructor((|| Histogram::new(exponential_buckets(0.0005, 4.0, 8))) as fn() -> _);
        registry.register("apiserver_request", "Requests answered, by what they asked for and code", requests.clone());
        let help = "Time until an answer began, in seconds";
        registry.register("apiserver_request_duration_seconds", help, durations.clone());
        registry.register("apiserver_storage_objects", "Objects in memory, by resource", objects.clone());
        Self { registry: Arc::new(registry), requests, durations, objects }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, asked: Asked, code: StatusCode, took: Duration) {
        self.durations.get_or_create(&asked).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { asked, code: code.as_u16() }).inc();
    }

    /// Answers `/metrics`.
    pub(crate) fn answer(&self, headers: &HeaderMap, store: &Store) -> Response<Body> {
        for (resource, count) in store.counts() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.objects.get_or_create(&Resource { resource }).set(count);
        }
        reply::metrics(headers, &self.registry)
    }
}
