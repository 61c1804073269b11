//! The decisions of a probe: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::core::v1::Probe;

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Whether the container has started. The others are not asked before.
    Startup,
    /// Whether it lives; it is restarted where it does not.
    Liveness,
    /// Whether it is to be given work.
    Readiness,
}

/// When a probe is asked, and how often it must say the same to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What it is for.
    pub kind: Kind,
    /// The time before it is asked first, from the container's start.
    pub delay: Duration,
    /// From one time to the next.
    pub period: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Good answers in a row that count.
    pub successes: u32,
    /// Bad answers in a row that count.
    pub failures: u32,
}

/// How a probe stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not been asked.
    Fresh,
    /// It is asked again and again: the last `run` answers were all `last`, and `holds` is what counts, if anything does.
    Counting {
        /// What counts: good, bad, or nothing yet.
        holds: Option<bool>,
        /// The last answer.
        last: bool,
        /// How many such answers came in a row.
        run: u32,
    },
    /// It has said all that it will of this container: a startup probe that came to an end, a liveness probe that failed.
    Settled {
        /// Whether its word was good.
        good: bool,
    },
}

impl Schedule {
    /// As `probe` has it, with Kubernetes' defaults.
    #[must_use]
    pub fn new(kind: Kind, probe: &Probe) -> Self {
        let seconds = |given: Option<i32>, default: u64| {
            Duration::from_secs(given.and_then(|given| u64::try_from(given).ok()).unwrap_or(default))
        };
        let count = |given: Option<i32>, default: u32| {
            given.and_then(|given| u32::try_from(given).ok()).filter(|given| *given > 0).unwrap_or(default)
        };
        let at_least_one = |duration: Duration| duration.max(Duration::from_secs(1));
        Self {
            kind,
            delay: seconds(probe.initial_delay_seconds, 0),
            period: at_least_one(seconds(probe.period_seconds, 10)),
            timeout: at_least_one(seconds(probe.timeout_seconds, 1)),
            successes: count(probe.success_threshold, 1),
            failures: count(probe.failure_threshold, 3),
        }
    }
}

impl State {
    /// After one more answer.
    #[must_use]
    pub fn step(self, schedule: &Schedule, good: bool) -> Self {
        let (holds, run) = match self {
            Self::Settled { .. } => return self,
            Self::Fresh => (None, 1),
            Self::Counting { holds, last, run } if last == good => (holds, run.saturating_add(1)),
            Self::Counting { holds, .. } => (holds, 1),
        };
        let enough = run >= if good { schedule.successes } else { schedule.failures };
        match (enough, schedule.kind, good) {
            (true, Kind::Startup, good) => Self::Settled { good },
            (true, Kind::Liveness, false) => Self::Settled { good },
            (true, ..) => Self::Counting { holds: Some(good), last: good, run },
            (false, ..) => Self::Counting { holds, last: good, run },
        }
    }

    /// What counts: good, bad, or nothing yet.
    #[must_use]
    pub fn verdict(self) -> Option<bool> {
        match self {
            Self::Fresh => None,
            Self::Counting { holds, .. } => holds,
            Self::Settled { good } => Some(good),
        }
    }

    /// Whether it is not asked any more.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Settled { .. })
    }

    /// The state of a probe whose word is known from before.
    #[must_use]
    pub fn known(schedule: &Schedule, good: bool) -> Self {
        match schedule.kind {
            Kind::Startup if good => Self::Settled { good },
            _ => Self::Counting { holds: Some(good), last: good, run: 1 },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Startup => "startup",
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
        })
    }
}

impl Kind {
    /// As an event's message begins.
    #[must_use]
    pub fn capitalized(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: Kind, successes: i32, failures: i32) -> Schedule {
        let probe = Probe { success_threshold: Some(successes), failure_threshold: Some(failures), ..Probe::default() };
        Schedule::new(kind, &probe)
    }

    /// What counts after each of the answers: `+` good, `-` bad, `?` nothing, `.` settled.
    fn verdicts(schedule: &Schedule, answers: &str) -> String {
        let mut state = State::Fresh;
        let after = answers.chars().map(|answer| {
            state = state.step(schedule, answer == '+');
            match (state.is_settled(), state.verdict()) {
                (true, Some(true)) => 'S',
                (true, _) => 'F',
                (_, Some(true)) => '+',
                (_, Some(false)) => '-',
                (_, None) => '?',
            }
        });
        after.collect()
    }

    #[test]
    fn readiness_follows_enough_answers_in_a_row() {
        let schedule = schedule(Kind::Readiness, 2, 3);
        assert_eq!(verdicts(&schedule, "+-++--+---+++"), "???++++++--++");
    }

    #[test]
    fn a_liveness_probe_settles_when_it_failed() {
        assert_eq!(verdicts(&schedule(Kind::Liveness, 1, 3), "+--+---+"), "++++++FF");
        assert_eq!(verdicts(&schedule(Kind::Liveness, 1, 1), "-+"), "FF");
    }

    #[test]
    fn a_startup_probe_settles_either_way() {
        assert_eq!(verdicts(&schedule(Kind::Startup, 1, 3), "--+-"), "??SS");
        assert_eq!(verdicts(&schedule(Kind::Startup, 1, 3), "---+"), "??FF");
    }

    #[test]
    fn defaults_are_kubernetes() {
        let schedule = Schedule::new(Kind::Liveness, &Probe::default());
        let seconds = Duration::from_secs;
        assert_eq!((schedule.delay, schedule.period, schedule.timeout), (seconds(0), seconds(10), seconds(1)));
        assert_eq!((schedule.successes, schedule.failures), (1, 3));
    }

    #[test]
    fn an_adopted_containers_word_stands_until_the_probes_say_otherwise() {
        let schedule = schedule(Kind::Readiness, 2, 2);
        let known = State::known(&schedule, true);
        assert_eq!(known.verdict(), Some(true));
        assert_eq!(known.step(&schedule, false).verdict(), Some(true));
        assert_eq!(known.step(&schedule, false).step(&schedule, false).verdict(), Some(false));
    }
}
