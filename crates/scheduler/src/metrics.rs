//! The scheduler's metrics (reference/k8sm-behaviour.md, section 2.22). The text form appends `_total` to counters.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Labels of a status update.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct UpdateLabels {
    source: String,
    reason: String,
    state: String,
}

/// Label of what happens to an agent's offers.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct HostLabel {
    hostname: String,
}

/// Labels of a declined offer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct DeclineLabels {
    reason: &'static str,
}

/// Label of a reconciliation.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct KindLabel {
    kind: &'static str,
}

/// All of them; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    queue_wait: Histogram,
    bind_latency: Histogram,
    status_updates: Family<UpdateLabels, Counter>,
    reconciliations: Family<KindLabel, Counter>,
    received: Family<HostLabel, Counter>,
    acquired: Family<HostLabel, Counter>,
    declined: Family<DeclineLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        // from a hundred microseconds to about a hundred seconds
        let latency = || Histogram::new(exponential_buckets(100.0, 4.0, 11));
        Self {
            queue_wait: latency(),
            bind_latency: latency(),
            status_updates: Family::default(),
            reconciliations: Family::default(),
            received: Family::default(),
            acquired: Family::default(),
            declined: Family::default(),
        }
    }
}

impl Metrics {
    /// A registry that shows them.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        let mut registry = Registry::default();
        let scheduler = registry.sub_registry_with_prefix("mesos_scheduler");
        let histogram = |registry: &mut Registry, name: &str, help: &str, metric: &Histogram| {
            registry.register(name, help, metric.clone());
        };
        histogram(scheduler, "queue_wait_time_microseconds", "Launch queue wait time", &self.queue_wait);
        histogram(scheduler, "bind_latency_microseconds", "Latency from launch to binding", &self.bind_latency);
        scheduler.register("status_updates", "Task status updates received", self.status_updates.clone());
        scheduler.register("reconciliation_executed", "Reconciliations executed", self.reconciliations.clone());
        let offers = registry.sub_registry_with_prefix("mesos_offers");
        offers.register("received", "Offers received", self.received.clone());
        offers.register("acquired", "Offers used", self.acquired.clone());
        offers.register("declined", "Offers declined", self.declined.clone());
        Arc::new(registry)
    }

    /// A pod was launched after having waited.
    pub fn launched(&self, waited: Duration) {
        self.queue_wait.observe(waited.as_secs_f64() * 1e6);
    }

    /// A pod was bound so long after its launch.
    pub fn bound(&self, took: Duration) {
        self.bind_latency.observe(took.as_secs_f64() * 1e6);
    }

    /// A status update arrived.
    pub fn updated(&self, status: &mesos::TaskStatus) {
        let none = || "none".to_owned();
        let labels = UpdateLabels {
            source: status.source.map_or_else(none, |source| source.to_string()),
            reason: status.reason.map_or_else(none, |reason| reason.to_string()),
            state: status.state.to_string(),
        };
        self.status_updates.get_or_create(&labels).inc();
    }

    /// Mesos was asked for tasks.
    pub fn reconciled(&self, explicit: bool) {
        let kind = if explicit { "explicit" } else { "implicit" };
        self.reconciliations.get_or_create(&KindLabel { kind }).inc();
    }

    /// An offer arrived.
    pub fn offered(&self, hostname: &str) {
        self.received.get_or_create(&HostLabel { hostname: hostname.to_owned() }).inc();
    }

    /// Offers were used.
    pub fn accepted(&self, hostname: &str, offers: usize) {
        self.acquired.get_or_create(&HostLabel { hostname: hostname.to_owned() }).inc_by(offers as u64);
    }

    /// Offers were given back.
    pub fn declined(&self, reason: &'static str, offers: usize) {
        self.declined.get_or_create(&DeclineLabels { reason }).inc_by(offers as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_original_are_shown() {
        let metrics = Metrics::default();
        metrics.launched(Duration::from_millis(1));
        metrics.bound(Duration::from_millis(1));
        metrics.updated(&mesos::TaskStatus::default());
        metrics.reconciled(true);
        metrics.offered("slave1");
        metrics.accepted("slave1", 2);
        metrics.declined("expired", 1);
        let text = serve::metrics::text(&metrics.registry());
        for line in [
            "mesos_scheduler_queue_wait_time_microseconds_count 1",
            "mesos_scheduler_bind_latency_microseconds_count 1",
            "mesos_scheduler_status_updates_total{source=\"none\",reason=\"none\",state=",
            "mesos_scheduler_reconciliation_executed_total{kind=\"explicit\"} 1",
            "mesos_offers_received_total{hostname=\"slave1\"} 1",
            "mesos_offers_acquired_total{hostname=\"slave1\"} 2",
            "mesos_offers_declined_total{reason=\"expired\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing:\n{text}");
        }
    }
}
