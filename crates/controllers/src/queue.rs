//! Work queues: a key is worked on by one worker at a time, once for all reasons that gathered, later after a failure.

mod metrics;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use metrics::Meter;
pub use metrics::Metrics;

/// Waits after failures: the first, doubling up to the most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(60));

/// What a worker says of a key it has worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing until something changes.
    Wait,
    /// Again after this time, whatever changes.
    After(Duration),
}

/// A queue of keys.
pub struct Queue<T> {
    name: &'static str,
    state: Mutex<State<T>>,
    changed: Notify,
    meter: Meter,
}

struct State<T> {
    ready: VecDeque<T>,
    /// In `ready`, or to be put there when its worker is done; since when.
    dirty: HashMap<T, Instant>,
    working: HashSet<T>,
    later: BTreeSet<(Instant, T)>,
    failures: HashMap<T, u32>,
}

impl<T: Clone + Eq + Hash + Ord + Display + Send + Sync + 'static> Queue<T> {
    /// A queue of the controller of that name, which `metrics` tell it by.
    #[must_use]
    pub fn new(name: &'static str, metrics: &Metrics) -> Self {
        let state = State {
            ready: VecDeque::new(),
            dirty: HashMap::new(),
            working: HashSet::new(),
            later: BTreeSet::new(),
            failures: HashMap::new(),
        };
        Self { name, state: Mutex::new(state), changed: Notify::new(), meter: metrics.of(name) }
    }

    /// Has the key worked on.
    pub fn add(&self, key: T) {
        let mut state = self.state.lock();
        if state.add(key, Instant::now(), &self.meter) {
            self.changed.notify_one();
        }
    }

    /// Has the key worked on after some time.
    pub fn add_after(&self, key: T, wait: Duration) {
        self.state.lock().later.insert((Instant::now() + wait, key));
        self.changed.notify_one();
    }

    /// The next key, and when the work on it began; [`Queue::done`] must follow. Cancel safe.
    async fn next(&self) -> (T, Instant) {
        loop {
            let wait = {
                let mut state = self.state.lock();
                state.ripen(Instant::now(), &self.meter);
                if let Some(key) = state.ready.pop_front() {
                    let since = state.dirty.remove(&key);
                    state.working.insert(key.clone());
                    self.meter.deep(state.ready.len());
                    let began = self.meter.began(since);
                    if !state.ready.is_empty() {
                        self.changed.notify_one();
                    }
                    return (key, began);
                }
                state.later.first().map(|(time, _)| *time)
            };
            match wait {
                Some(time) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = tokio::time::sleep_until(time) => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// The worker is done with the key; `wait` has it worked on again.
    fn done(&self, key: &T, wait: Option<Duration>) {
        let mut state = self.state.lock();
        state.working.remove(key);
        if state.dirty.contains_key(key) {
            state.ready.push_back(key.clone());
            self.meter.deep(state.ready.len());
        }
        if let Some(wait) = wait {
            state.later.insert((Instant::now() + wait, key.clone()));
        }
        drop(state);
        self.changed.notify_one();
    }

    /// How long to wait after one more failure of the key; success forgets them.
    fn failed(&self, key: &T) -> Duration {
        let mut state = self.state.lock();
        let failures = state.failures.entry(key.clone()).or_default();
        *failures += 1;
        RETRY.0.saturating_mul(2_u32.saturating_pow(*failures - 1)).min(RETRY.1)
    }

    /// Works on keys with `workers` at a time until `shutdown`. What fails is tried again with backoff.
    pub async fn work<F, R>(self: Arc<Self>, workers: usize, shutdown: CancellationToken, reconcile: F)
    where
        F: Fn(T) -> R + Send + Sync + 'static,
        R: Future<Output = anyhow::Result<Next>> + Send,
    {
        let (queue, reconcile) = (&self, &reconcile);
        let worker = async move || {
            while let Some((key, began)) = shutdown_or(&shutdown, queue.next()).await {
                let wait = match reconcile(key.clone()).await {
                    Ok(next) => {
                        queue.state.lock().failures.remove(&key);
                        match next {
                            Next::Wait => None,
                            Next::After(wait) => Some(wait),
                        }
                    }
                    Err(error) => {
                        let wait = queue.failed(&key);
                        queue.meter.retried();
                        tracing::info!(controller = queue.name, %key, ?wait, error = format!("{error:#}"), "failed; tried again");
                        Some(wait)
                    }
                };
                queue.meter.ended(began);
                queue.done(&key, wait);
            }
        };
        futures::future::join_all((0..workers).map(|_| worker())).await;
    }

    /// Keys that wait for a worker.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.state.lock().ready.len()
    }
}

async fn shutdown_or<T>(shutdown: &CancellationToken, future: impl Future<Output = T>) -> Option<T> {
    shutdown.run_until_cancelled(future).await
}

impl<T: Clone + Eq + Hash + Ord> State<T> {
    /// Whether the key is now to be taken by a worker and was not before.
    fn add(&mut self, key: T, now: Instant, meter: &Meter) -> bool {
        if self.dirty.contains_key(&key) {
            return false;
        }
        self.dirty.insert(key.clone(), now);
        let free = !self.working.contains(&key);
        if free {
            self.ready.push_back(key);
        }
        meter.added(self.ready.len());
        free
    }

    /// Moves what is due from `later` to `ready`.
    fn ripen(&mut self, now: Instant, meter: &Meter) {
        while self.later.first().is_some_and(|(time, _)| *time <= now) {
            let (_, key) = self.later.pop_first().expect("the set has a first");
            self.add(key, now, meter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reasons_gather_while_a_key_is_worked_on() {
        let queue = Queue::<String>::new("test", &Metrics::default());
        queue.add("a".into());
        queue.add("a".into());
        let (key, _) = queue.next().await;
        queue.add("a".into());
        queue.add("a".into());
        assert_eq!(queue.depth(), 0, "not given to a second worker");
        queue.done(&key, None);
        assert_eq!(queue.next().await.0, "a");
        queue.done(&key, None);
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_for_later_comes_later() {
        let queue = Queue::<String>::new("test", &Metrics::default());
        let start = Instant::now();
        queue.add_after("b".into(), Duration::from_secs(5));
        queue.add_after("a".into(), Duration::from_secs(2));
        assert_eq!(queue.next().await.0, "a");
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        assert_eq!(queue.next().await.0, "b");
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_again_with_doubling_waits() {
        let (queue, shutdown) = (Arc::new(Queue::<String>::new("test", &Metrics::default())), CancellationToken::new());
        queue.add("a".into());
        let times = Arc::new(Mutex::new(Vec::new()));
        let (seen, stop, start) = (Arc::clone(&times), shutdown.clone(), Instant::now());
        Arc::clone(&queue)
            .work(2, shutdown, move |_| {
                seen.lock().push(start.elapsed());
                if seen.lock().len() == 4 {
                    stop.cancel();
                }
                std::future::ready(Err(anyhow::anyhow!("no")))
            })
            .await;
        let millis: Vec<_> = times.lock().iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [0, 50, 150, 350]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_measured_under_kubernetes_names() {
        let (metrics, shutdown) = (Metrics::default(), CancellationToken::new());
        let queue = Arc::new(Queue::<String>::new("endpoints", &metrics));
        let mut registry = prometheus_client::registry::Registry::default();
        metrics.register(&mut registry);
        queue.add("a".into());
        queue.add("b".into());
        let during = Arc::new(Mutex::new(String::new()));
        let (text, stop) = (Arc::clone(&during), shutdown.clone());
        let registry = Arc::new(registry);
        let shown = Arc::clone(&registry);
        let failing = move |key: String| {
            let (text, stop, shown) = (Arc::clone(&text), stop.clone(), Arc::clone(&shown));
            async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                if key == "b" {
                    *text.lock() = serve::metrics::text(&shown);
                    stop.cancel();
                }
                Err(anyhow::anyhow!("no"))
            }
        };
        Arc::clone(&queue).work(1, shutdown, failing).await;
        let during = during.lock().clone();
        for line in [
            "workqueue_adds_total{name=\"endpoints\"} 2",
            "workqueue_depth{name=\"endpoints\"} 0",
            "workqueue_retries_total{name=\"endpoints\"} 1",
            "workqueue_queue_duration_seconds_count{name=\"endpoints\"} 2",
            "workqueue_work_duration_seconds_sum{name=\"endpoints\"} 2.0",
            "workqueue_unfinished_work_seconds{name=\"endpoints\"} 2.0",
            "workqueue_longest_running_processor_seconds{name=\"endpoints\"} 2.0",
        ] {
            assert!(during.contains(line), "{line} is missing in {during}");
        }
    }
}
