//! What queues are measured by, under Kubernetes' names (`workqueue_*`), each queue by its controller's name.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::time::Instant;

/// A queue's name.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Label {
    name: &'static str,
}

/// Of all queues; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    depth: Family<Label, Gauge>,
    adds: Family<Label, Counter>,
    retries: Family<Label, Counter>,
    waited: Family<Label, Histogram, fn() -> Histogram>,
    worked: Family<Label, Histogram, fn() -> Histogram>,
    working: Working,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            waited: Family::new_with_constructor(seconds),
            worked: Family::new_with_constructor(seconds),
            working: Working::default(),
        }
    }
}

/// From ten nanoseconds to ten seconds, as Kubernetes has it.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(1e-8, 10.0, 10))
}

impl Metrics {
    /// Registers all of them. The text form appends `_total` to counters.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("workqueue_depth", "Current depth of workqueue", self.depth.clone());
        registry.register("workqueue_adds", "Total number of adds handled by workqueue", self.adds.clone());
        registry.register("workqueue_retries", "Total number of retries handled by workqueue", self.retries.clone());
        let waited = "How long in seconds an item stays in workqueue before being requested.";
        registry.register("workqueue_queue_duration_seconds", waited, self.waited.clone());
        let worked = "How long in seconds processing an item from workqueue takes.";
        registry.register("workqueue_work_duration_seconds", worked, self.worked.clone());
        registry.register_collector(Box::new(self.working.clone()));
    }

    /// Those of one queue.
    pub(super) fn of(&self, name: &'static str) -> Meter {
        let label = Label { name };
        self.working.0.lock().entry(name).or_default();
        Meter {
            depth: self.depth.get_or_create(&label).clone(),
            adds: self.adds.get_or_create(&label).clone(),
            retries: self.retries.get_or_create(&label).clone(),
            waited: self.waited.get_or_create(&label).clone(),
            worked: self.worked.get_or_create(&label).clone(),
            working: self.working.clone(),
            name,
        }
    }
}

/// The measures of one queue.
#[derive(Debug)]
pub(super) struct Meter {
    depth: Gauge,
    adds: Counter,
    retries: Counter,
    waited: Histogram,
    worked: Histogram,
    working: Working,
    name: &'static str,
}

impl Meter {
    /// So many keys wait now, after one came.
    pub(super) fn added(&self, depth: usize) {
        self.adds.inc();
        self.deep(depth);
    }

    /// So many keys wait now.
    pub(super) fn deep(&self, depth: usize) {
        self.depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// A failure is to be tried again.
    pub(super) fn retried(&self) {
        self.retries.inc();
    }

    /// A worker takes a key that has waited since then; gives the moment, for [`Meter::ended`].
    pub(super) fn began(&self, since: Option<Instant>) -> Instant {
        let now = Instant::now();
        if let Some(since) = since {
            self.waited.observe(now.duration_since(since).as_secs_f64());
        }
        self.working.0.lock().entry(self.name).or_default().push(now);
        now
    }

    /// The worker that began then is done.
    pub(super) fn ended(&self, began: Instant) {
        self.worked.observe(began.elapsed().as_secs_f64());
        let mut working = self.working.0.lock();
        let of_queue = working.entry(self.name).or_default();
        if let Some(at) = of_queue.iter().position(|known| *known == began) {
            of_queue.swap_remove(at);
        }
    }
}

const UNFINISHED: &str = "workqueue_unfinished_work_seconds";
const LONGEST: &str = "workqueue_longest_running_processor_seconds";

/// Since when workers are at what they are at, measured when it is asked for.
#[derive(Clone, Debug, Default)]
struct Working(Arc<Mutex<HashMap<&'static str, Vec<Instant>>>>);

impl Collector for Working {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let seconds = |began: &[Instant]| began.iter().map(|began| began.elapsed().as_secs_f64()).collect::<Vec<_>>();
        let unfinished = "How many seconds of work has been done that is in progress and hasn't been observed by \
                          work_duration.";
        let longest = "How many seconds has the longest running processor for workqueue been running.";
        let working = self.0.lock();
        for (metric, help) in [(UNFINISHED, unfinished), (LONGEST, longest)] {
            let mut family = encoder.encode_descriptor(metric, help, None, MetricType::Gauge)?;
            for (&name, began) in working.iter() {
                let each = seconds(began).into_iter();
                let value: f64 = if metric == UNFINISHED { each.sum() } else { each.fold(0.0, f64::max) };
                let label = Label { name };
                ConstGauge::<f64>::new(value).encode(family.encode_family(&label)?)?;
            }
        }
        Ok(())
    }
}
