//! Whether the API server was there for nodes to be heard by: while it was away nobody can tell a silent node from one that
//! was not let through.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Between two looks at whether it answers.
pub(super) const PERIOD: Duration = Duration::from_secs(5);
/// After so long without an answer it was away. Nodes renew their leases every ten seconds, of the forty that they have.
const GAP: Duration = Duration::from_secs(15);

/// Contact with the API server, by this clock.
pub(super) struct Contact(Mutex<Known>);

struct Known {
    /// The last answer.
    last: Instant,
    /// The first one of those that came without a gap.
    first: Instant,
}

impl Contact {
    /// Begins with an answer.
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Known { last: now, first: now }))
    }

    /// Notes an answer.
    pub(super) fn answered(&self, now: Instant) {
        let mut known = self.0.lock();
        if now.duration_since(known.last) > GAP {
            known.first = now;
        }
        known.last = now;
    }

    /// Since when a silence counts: since there has been contact without a gap, or not at all while there is none.
    pub(super) fn since(&self, now: Instant) -> Instant {
        let known = self.0.lock();
        if now.duration_since(known.last) > GAP { now } else { known.first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_anew_after_the_api_server_was_away() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let contact = Contact::new(start);
        for seconds in [5, 10, 24] {
            contact.answered(at(seconds));
        }
        assert_eq!(contact.since(at(30)), start, "no gap is long enough");
        assert_eq!(contact.since(at(60)), at(60), "while it is away");
        contact.answered(at(64));
        assert_eq!(contact.since(at(66)), at(64));
        contact.answered(at(69));
        assert_eq!(contact.since(at(70)), at(64));
    }
}
