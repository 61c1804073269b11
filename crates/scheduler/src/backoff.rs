//! How long a pod waits after a failure: full jitter under a bound that doubles (reference/k8sm-behaviour.md, section 2.4).

use std::time::Duration;

use rand::RngExt;

/// A bound that doubles with each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    initial: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts at `initial` and never exceeds `most`.
    #[must_use]
    pub const fn new(initial: Duration, most: Duration) -> Self {
        Self { initial, most, failures: 0 }
    }

    /// The bound of the next wait.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.initial.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.most)
    }

    /// A wait, anywhere between nothing and the bound; the next one's bound is twice as long.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.bound().mul_f64(rand::rng().random::<f64>());
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_most() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for bound in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(backoff.bound(), Duration::from_secs(bound));
            assert!(backoff.next_wait() <= Duration::from_secs(bound));
        }
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_secs(1));
    }
}
