//! Status updates on their way to the scheduler: kept until it acknowledges them, one in flight a task, sent again from
//! 10 s to 10 min apart (reference, section 5.6).

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use mesos::{Bytes, FrameworkID, TaskID, TaskStatus};

/// Mesos' own bounds.
const FIRST_RETRY: Duration = Duration::from_secs(10);
const LAST_RETRY: Duration = Duration::from_secs(600);

/// A task of all frameworks.
pub(crate) type Key = (FrameworkID, TaskID);

/// The updates of all tasks.
#[derive(Debug, Default)]
pub(crate) struct StatusUpdates {
    streams: BTreeMap<Key, Stream>,
    /// Is there a master to send to?
    linked: bool,
}

/// The updates of one task, from the first that was never acknowledged.
#[derive(Debug, Default)]
struct Stream {
    pending: VecDeque<TaskStatus>,
    /// UUIDs of all updates, acknowledged ones too: executors send again what they are not sure of.
    received: HashSet<Bytes>,
    /// When the first of `pending` is sent again, if it was sent.
    retry: Option<Retry>,
}

#[derive(Clone, Copy, Debug)]
struct Retry {
    at: Instant,
    wait: Duration,
}

/// What an acknowledgement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// It is not of the update in flight: sent twice, or of another life.
    Unexpected,
    /// The task's next update may go.
    Next,
    /// It was the task's last.
    Over,
}

impl StatusUpdates {
    /// Keeps `status`, which has a UUID, for the scheduler. False if it is known already.
    pub(crate) fn add(&mut self, key: Key, status: TaskStatus) -> bool {
        let stream = self.streams.entry(key).or_default();
        let is_new = status.uuid.as_ref().is_some_and(|uuid| stream.received.insert(uuid.clone()));
        if is_new {
            stream.pending.push_back(status);
        }
        is_new
    }

    /// Takes the scheduler's acknowledgement of the update in flight.
    pub(crate) fn acknowledge(&mut self, key: &Key, uuid: &Bytes) -> Acknowledged {
        let Some(stream) = self.streams.get_mut(key) else { return Acknowledged::Unexpected };
        let Some(status) = stream.pending.pop_front_if(|status| status.uuid.as_ref() == Some(uuid)) else {
            return Acknowledged::Unexpected;
        };
        stream.retry = None;
        if status.state.is_terminal() && stream.pending.is_empty() {
            self.streams.remove(key);
            return Acknowledged::Over;
        }
        Acknowledged::Next
    }

    /// The update of `key` that waits to be acknowledged.
    pub(crate) fn waiting(&self, key: &Key) -> Option<&TaskStatus> {
        self.streams.get(key)?.pending.front()
    }

    /// What is to be sent now; it counts as sent.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(Key, TaskStatus)> {
        if !self.linked {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (key, stream) in &mut self.streams {
            let Some(status) = stream.pending.front() else { continue };
            let wait = match stream.retry {
                None => FIRST_RETRY,
                Some(retry) if retry.at <= now => (retry.wait * 2).min(LAST_RETRY),
                Some(_) => continue,
            };
            stream.retry = Some(Retry { at: now + wait, wait });
            due.push((key.clone(), status.clone()));
        }
        due
    }

    /// When the next one is to be sent again.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let retries = self.streams.values().filter(|stream| !stream.pending.is_empty());
        retries.filter_map(|stream| stream.retry).map(|retry| retry.at).min().filter(|_| self.linked)
    }

    /// A master is there, or has gone. A new one gets at once all that waits.
    pub(crate) fn set_linked(&mut self, linked: bool) {
        self.linked = linked;
        self.streams.values_mut().for_each(|stream| stream.retry = None);
    }

    /// The scheduler of `framework` is back: it gets at once all that waits.
    pub(crate) fn hasten(&mut self, framework: &FrameworkID) {
        let streams = self.streams.iter_mut().filter(|((of, _), _)| of == framework);
        streams.for_each(|(_, stream)| stream.retry = None);
    }

    /// The framework is over: nobody waits for its updates.
    pub(crate) fn forget(&mut self, framework: &FrameworkID) {
        self.streams.retain(|(of, _), _| of != framework);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::TaskState;

    fn key() -> Key {
        ("f".into(), "t".into())
    }

    fn status(state: TaskState, uuid: u8) -> TaskStatus {
        TaskStatus { task_id: "t".into(), state, uuid: Some(Bytes(vec![uuid; 16])), ..TaskStatus::default() }
    }

    fn linked() -> StatusUpdates {
        let mut updates = StatusUpdates::default();
        updates.set_linked(true);
        updates
    }

    fn states(due: &[(Key, TaskStatus)]) -> Vec<TaskState> {
        due.iter().map(|(_, status)| status.state).collect()
    }

    #[test]
    fn one_update_of_a_task_is_in_flight_at_a_time() {
        let (mut updates, now) = (linked(), Instant::now());
        assert!(updates.add(key(), status(TaskState::Starting, 1)));
        assert!(updates.add(key(), status(TaskState::Finished, 2)));
        assert_eq!(states(&updates.due(now)), [TaskState::Starting]);
        assert!(updates.due(now).is_empty());
        assert_eq!(updates.acknowledge(&key(), &Bytes(vec![2; 16])), Acknowledged::Unexpected);
        assert_eq!(updates.acknowledge(&key(), &Bytes(vec![1; 16])), Acknowledged::Next);
        assert_eq!(states(&updates.due(now)), [TaskState::Finished]);
        assert_eq!(updates.acknowledge(&key(), &Bytes(vec![2; 16])), Acknowledged::Over);
        assert_eq!(updates.next_deadline(), None);
    }

    #[test]
    fn retries_double_from_ten_seconds_to_ten_minutes() {
        let (mut updates, mut now) = (linked(), Instant::now());
        updates.add(key(), status(TaskState::Running, 1));
        assert_eq!(updates.due(now).len(), 1);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let next = updates.next_deadline().unwrap();
            waits.push((next - now).as_secs());
            assert!(updates.due(next - Duration::from_millis(1)).is_empty());
            now = next;
            assert_eq!(updates.due(now).len(), 1);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600]);
    }

    #[test]
    fn a_known_uuid_is_taken_once_even_after_its_acknowledgement() {
        let mut updates = linked();
        assert!(updates.add(key(), status(TaskState::Running, 1)));
        assert!(!updates.add(key(), status(TaskState::Running, 1)));
        updates.due(Instant::now());
        updates.acknowledge(&key(), &Bytes(vec![1; 16]));
        assert!(!updates.add(key(), status(TaskState::Running, 1)));
        assert_eq!(updates.waiting(&key()), None);
    }

    #[test]
    fn a_new_link_gets_at_once_what_waits() {
        let (mut updates, now) = (linked(), Instant::now());
        updates.add(key(), status(TaskState::Running, 1));
        updates.due(now);
        updates.set_linked(false);
        assert!(updates.due(now + LAST_RETRY).is_empty());
        assert_eq!(updates.next_deadline(), None);
        updates.set_linked(true);
        assert_eq!(updates.due(now).len(), 1);
        updates.hasten(&"f".into());
        assert_eq!(updates.due(now).len(), 1);
    }
}
