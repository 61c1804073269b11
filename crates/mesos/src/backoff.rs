//! How long to wait before the next attempt: at random up to a bound that doubles, so that many do not come at once.

use std::time::Duration;

/// Waits that grow from attempt to attempt.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    bound: Duration,
}

impl Backoff {
    /// Waits of up to `first` at the beginning, and never more than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, bound: first }
    }

    /// The next wait: between half and all of the bound.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.bound.mul_f64(rand::random_range(0.5..=1.0));
        self.bound = (self.bound * 2).min(self.longest);
        wait
    }

    /// An attempt succeeded: begin with short waits again.
    pub fn reset(&mut self) {
        self.bound = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for bound in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next_wait();
            assert!(
                wait >= Duration::from_millis(bound / 2) && wait <= Duration::from_millis(bound),
                "{wait:?} of {bound}"
            );
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(100));
    }
}
