//! Work queues: a key is worked on by one worker at a time, once for all reasons that gathered, later after a failure.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    state: Mutex<State<T>>,
    changed: Notify,
}

struct State<T> {
    ready: VecDeque<T>,
    /// In `ready`, or to be put there when its worker is done.
    dirty: HashSet<T>,
    working: HashSet<T>,
    later: BTreeSet<(Instant, T)>,
    failures: HashMap<T, u32>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = State {
            ready: VecDeque::new(),
            dirty: HashSet::new(),
            working: HashSet::new(),
            later: BTreeSet::new(),
            failures: HashMap::new(),
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl<T: Clone + Eq + Hash + Ord + Display + Send + Sync + 'static> Queue<T> {
    /// Has the key worked on.
    pub fn add(&self, key: T) {
        let mut state = self.state.lock();
        if state.dirty.insert(key.clone()) && !state.working.contains(&key) {
            state.ready.push_back(key);
            self.changed.notify_one();
        }
    }

    /// Has the key worked on after some time.
    pub fn add_after(&self, key: T, wait: Duration) {
        self.state.lock().later.insert((Instant::now() + wait, key));
        self.changed.notify_one();
    }

    /// The next key; [`Queue::done`] must follow. Cancel safe.
    async fn next(&self) -> T {
        loop {
            let wait = {
                let mut state = self.state.lock();
                state.ripen(Instant::now());
                if let Some(key) = state.ready.pop_front() {
                    state.dirty.remove(&key);
                    state.working.insert(key.clone());
                    if !state.ready.is_empty() {
                        self.changed.notify_one();
                    }
                    return key;
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
        if state.dirty.contains(key) {
            state.ready.push_back(key.clone());
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
    pub async fn work<F, R>(
        self: Arc<Self>,
        name: &'static str,
        workers: usize,
        shutdown: CancellationToken,
        reconcile: F,
    ) where
        F: Fn(T) -> R + Send + Sync + 'static,
        R: Future<Output = anyhow::Result<Next>> + Send,
    {
        let (queue, reconcile) = (&self, &reconcile);
        let worker = async move || {
            while let Some(key) = shutdown_or(&shutdown, queue.next()).await {
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
                        tracing::info!(controller = name, %key, ?wait, error = format!("{error:#}"), "failed; tried again");
                        Some(wait)
                    }
                };
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
    /// Moves what is due from `later` to `ready`.
    fn ripen(&mut self, now: Instant) {
        while self.later.first().is_some_and(|(time, _)| *time <= now) {
            let (_, key) = self.later.pop_first().expect("the set has a first");
            if self.dirty.insert(key.clone()) && !self.working.contains(&key) {
                self.ready.push_back(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reasons_gather_while_a_key_is_worked_on() {
        let queue = Queue::<String>::default();
        queue.add("a".into());
        queue.add("a".into());
        let key = queue.next().await;
        queue.add("a".into());
        queue.add("a".into());
        assert_eq!(queue.depth(), 0, "not given to a second worker");
        queue.done(&key, None);
        assert_eq!(queue.next().await, "a");
        queue.done(&key, None);
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_for_later_comes_later() {
        let queue = Queue::<String>::default();
        let start = Instant::now();
        queue.add_after("b".into(), Duration::from_secs(5));
        queue.add_after("a".into(), Duration::from_secs(2));
        assert_eq!(queue.next().await, "a");
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        assert_eq!(queue.next().await, "b");
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_again_with_doubling_waits() {
        let (queue, shutdown) = (Arc::new(Queue::<String>::default()), CancellationToken::new());
        queue.add("a".into());
        let times = Arc::new(Mutex::new(Vec::new()));
        let (seen, stop, start) = (Arc::clone(&times), shutdown.clone(), Instant::now());
        Arc::clone(&queue)
            .work("test", 2, shutdown, move |_| {
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
}
