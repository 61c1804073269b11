//! Asking Mesos what became of tasks: explicitly after every registration and on request, with doubling waits until each
//! task was heard of; implicitly from time to time (reference/k8sm-behaviour.md, section 2.17).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesos::scheduler::{Action, Reconcile, ReconcileTask};
use mesos::{AgentID, TaskID};

/// First wait for answers, and the most.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));
/// From the first registration to the first implicit reconciliation.
const FIRST_IMPLICIT: Duration = Duration::from_secs(15);

/// Tasks that were asked for and not heard of yet, and when to ask again.
#[derive(Debug)]
pub struct Reconciler {
    open: BTreeMap<TaskID, AgentID>,
    wait: Duration,
    due: Option<Instant>,
    interval: Option<Duration>,
    implicit: Option<Instant>,
}

impl Reconciler {
    /// `interval` between implicit reconciliations; `None` is never.
    #[must_use]
    pub const fn new(interval: Option<Duration>) -> Self {
        Self { open: BTreeMap::new(), wait: WAIT.0, due: None, interval, implicit: None }
    }

    /// Asks for all of `tasks` anew, instead of what was open.
    pub fn restart(&mut self, tasks: impl IntoIterator<Item = (TaskID, AgentID)>, now: Instant) {
        self.open = tasks.into_iter().collect();
        self.wait = WAIT.0;
        self.due = (!self.open.is_empty()).then_some(now);
        self.implicit = self.interval.map(|_| self.implicit.unwrap_or(now + FIRST_IMPLICIT));
    }

    /// Asks for one more task.
    pub fn add(&mut self, task: TaskID, agent: AgentID, now: Instant) {
        self.open.insert(task, agent);
        self.wait = WAIT.0;
        self.due = Some(now);
    }

    /// Asks for an implicit reconciliation now.
    pub fn request_implicit(&mut self, now: Instant) {
        self.implicit = Some(now);
    }

    /// A status of this task arrived, or it is of no interest any more.
    pub fn heard(&mut self, task: &TaskID) {
        self.open.remove(task);
        if self.open.is_empty() {
            self.due = None;
        }
    }

    /// Asks nothing until the next registration.
    pub fn stop(&mut self) {
        (self.due, self.implicit) = (None, None);
    }

    /// What to ask now.
    pub fn poll(&mut self, now: Instant) -> Option<Action> {
        if self.due.is_some_and(|due| due <= now) {
            self.due = Some(now + self.wait);
            self.wait = (self.wait * 2).min(WAIT.1);
            let ask = |(task, agent): (&TaskID, &AgentID)| ReconcileTask {
                task_id: task.clone(),
                agent_id: Some(agent.clone()),
            };
            return Some(Action::Reconcile(Reconcile { tasks: self.open.iter().map(ask).collect() }));
        }
        // explicit wins: while it runs the implicit one waits
        if self.due.is_none() && self.implicit.is_some_and(|due| due <= now) {
            self.implicit = self.interval.map(|interval| now + interval);
            return Some(Action::Reconcile(Reconcile::default()));
        }
        None
    }

    /// When [`Self::poll`] has something next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.due.or(self.implicit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(action: Option<Action>) -> Option<usize> {
        match action? {
            Action::Reconcile(reconcile) => Some(reconcile.tasks.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unanswered_tasks_are_asked_for_again_with_doubling_waits() {
        let (mut reconciler, start) = (Reconciler::new(Some(Duration::from_secs(300))), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        reconciler.restart([("a".into(), "S0".into()), ("b".into(), "S0".into())], start);
        assert_eq!(asked(reconciler.poll(start)), Some(2));
        assert_eq!(asked(reconciler.poll(start)), None);
        reconciler.heard(&"a".into());
        assert_eq!(asked(reconciler.poll(at(1))), Some(1));
        assert_eq!(reconciler.deadline(), Some(at(3)));
        reconciler.heard(&"b".into());
        assert_eq!(asked(reconciler.poll(at(14))), None);
        assert_eq!(asked(reconciler.poll(at(15))), Some(0), "the first implicit one");
        assert_eq!(reconciler.deadline(), Some(at(315)));
    }

    #[test]
    fn nothing_is_asked_while_disconnected() {
        let (mut reconciler, now) = (Reconciler::new(None), Instant::now());
        reconciler.restart([("a".into(), "S0".into())], now);
        reconciler.stop();
        assert_eq!(reconciler.deadline(), None);
        reconciler.restart([], now);
        assert_eq!(reconciler.deadline(), None, "no interval: never implicitly");
    }
}
