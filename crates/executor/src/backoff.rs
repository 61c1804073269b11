//! Back-off of what fails again and again: 10 s, doubled up to 5 min, forgotten by what ran for 10 min since it was
//! tried last, as Kubernetes' `flowcontrol.Backoff`. The first restart of a container waits for nothing.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// The first wait.
pub const INITIAL: SignedDuration = SignedDuration::from_secs(10);
/// The longest wait.
pub const MAX: SignedDuration = SignedDuration::from_mins(5);
/// What failed later than this after it was tried has done well: the waits before are forgotten.
const RESET: SignedDuration = SignedDuration::from_mins(10);

/// Waits by name (a container's).
#[derive(Clone, Debug, Default)]
pub struct Backoffs {
    entries: HashMap<String, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wait: SignedDuration,
    updated: Timestamp,
}

impl Backoffs {
    /// Until when `name`, which failed at `failed`, is to wait, with the length of that wait; `None` where it may go on.
    #[must_use]
    pub fn until(&self, name: &str, failed: Timestamp, now: Timestamp) -> Option<(Timestamp, SignedDuration)> {
        let entry = self.entries.get(name).filter(|entry| entry.counts(failed))?;
        let until = failed + entry.wait;
        (now < until).then_some((until, entry.wait))
    }

    /// Notes that `name`, which failed at `failed`, is tried once more: the next failure waits longer.
    pub fn tried(&mut self, name: &str, failed: Timestamp, now: Timestamp) {
        let before = self.entries.get(name).filter(|entry| entry.counts(failed));
        let wait = before.map_or(INITIAL, |entry| MAX.min(entry.wait * 2));
        self.entries.insert(name.to_owned(), Entry { wait, updated: now });
    }

    /// Forgets `name`: it is another one now.
    pub fn forget(&mut self, name: &str) {
        self.entries.remove(name);
    }
}

impl Entry {
    /// Whether it says anything of what failed at `failed`. The wait itself is no time that went well.
    fn counts(&self, failed: Timestamp) -> bool {
        failed.duration_since(self.updated) <= RESET
    }
}

/// A time in Go's words (`340ms`, `10s`, `1.5s`, `1m20s`, `5m0s`) to the millisecond, as Kubernetes' messages have it.
#[must_use]
pub fn words(time: SignedDuration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let part = match millis {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    match seconds {
        0 if millis > 0 => format!("{millis}ms"),
        0..60 => format!("{seconds}{part}s"),
        _ => format!("{}m{}{part}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn the_first_restart_is_immediate_and_waits_double() {
        let mut backoffs = Backoffs::default();
        assert_eq!(backoffs.until("c", at(0), at(0)), None);
        backoffs.tried("c", at(0), at(0));
        let mut failed = 1;
        for wait in [10, 20, 40, 80, 160, 300, 300] {
            let wait = SignedDuration::from_secs(wait);
            assert_eq!(backoffs.until("c", at(failed), at(failed)), Some((at(failed) + wait, wait)));
            let last = failed;
            failed += wait.as_secs();
            assert_eq!(backoffs.until("c", at(last), at(failed)), None, "the wait is over");
            backoffs.tried("c", at(last), at(failed));
        }
        assert_eq!(backoffs.until("other", at(failed), at(failed)), None);
    }

    #[test]
    fn ten_minutes_that_went_well_are_forgiven() {
        let mut backoffs = Backoffs::default();
        backoffs.tried("c", at(0), at(0));
        backoffs.tried("c", at(1), at(20));
        assert_eq!(backoffs.until("c", at(700), at(700)), None);
        backoffs.tried("c", at(700), at(700));
        assert_eq!(backoffs.until("c", at(701), at(701)), Some((at(711), INITIAL)));
    }

    #[test]
    fn a_wait_is_no_time_that_went_well() {
        let mut backoffs = Backoffs::default();
        (0..7).for_each(|_| backoffs.tried("c", at(0), at(0)));
        // it failed after six minutes, and then it waited for five
        assert_eq!(backoffs.until("c", at(360), at(650)), Some((at(660), MAX)));
        backoffs.tried("c", at(360), at(660));
        assert_eq!(backoffs.until("c", at(661), at(661)), Some((at(961), MAX)));
        backoffs.forget("c");
        assert_eq!(backoffs.until("c", at(661), at(661)), None);
    }

    #[test]
    fn waits_read_as_in_go() {
        let read = |seconds| words(SignedDuration::from_secs(seconds));
        assert_eq!([read(10), read(80), read(300)], ["10s", "1m20s", "5m0s"]);
        let read = |millis| words(SignedDuration::from_millis(millis));
        assert_eq!([read(340), read(1500), read(61_001)], ["340ms", "1.5s", "1m1.001s"]);
    }
}
