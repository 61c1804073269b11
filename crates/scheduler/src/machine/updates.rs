//! What Mesos says of tasks.

use std::time::Instant;

use mesos::scheduler::{Acknowledge, Action};
use mesos::{AgentID, TaskStatus};

use super::{Machine, Progress, STRAY, Stage, Stray};
use crate::effect::{Effect, EventKind};
use crate::verdict::{Verdict, judge};

impl Machine {
    /// A status update. Acknowledged where Mesos wants it to be; the machine has taken it in by the time the call is sent.
    pub fn update(&mut self, status: &TaskStatus, now: Instant) {
        if let (Some(uuid), Some(agent_id)) = (&status.uuid, &status.agent_id) {
            let (agent_id, task_id, uuid) = (agent_id.clone(), status.task_id.clone(), uuid.clone());
            self.mesos(Action::Acknowledge(Acknowledge { agent_id, task_id, uuid }));
        }
        self.metrics.updated(status);
        self.reconciler.heard(&status.task_id);
        if status.state.is_terminal() {
            self.kills.remove(&status.task_id);
        }
        if let Some(uid) = self.tasks.get(&status.task_id).cloned() {
            return self.pod_update(&uid, status, now);
        }
        let Some(agent) = status.agent_id.clone() else { return };
        if status.task_id.as_str().starts_with("node.") {
            return self.node_task_update(&agent, status, now);
        }
        self.stray_update(agent, status, now);
    }

    fn pod_update(&mut self, uid: &str, status: &TaskStatus, now: Instant) {
        let Some(record) = self.pods.get_mut(uid) else { return };
        let verdict = judge(status, record.deleting());
        tracing::debug!(pod = record.ask.key(), task = %status.task_id, state = %status.state, ?verdict, "task update");
        let Stage::Tasked(task) = &mut record.stage else { return };
        match verdict {
            Verdict::Ignore => {}
            Verdict::Bound => {
                if task.progress == Progress::Launched {
                    self.metrics.bound(now.saturating_duration_since(task.since));
                }
                task.progress = Progress::Bound;
            }
            Verdict::Running => {
                task.progress = Progress::Running;
                record.backoff.reset();
            }
            Verdict::Unreachable => task.progress = Progress::Unreachable,
            Verdict::Ended | Verdict::Lost | Verdict::Failed => self.task_ended(uid, status, verdict, now),
        }
    }

    /// The pod's task is over. What becomes of the pod?
    fn task_ended(&mut self, uid: &str, status: &TaskStatus, verdict: Verdict, now: Instant) {
        self.tasks.remove(&status.task_id);
        self.kills.remove(&status.task_id);
        let record = self.pods.get_mut(uid).expect("the caller has found the pod");
        record.remember(status.task_id.clone());
        if record.gone {
            self.pods.remove(uid);
            return;
        }
        let (name, deleting) = (record.name(), record.deleting());
        let again = verdict != Verdict::Ended && !deleting && !record.finished();
        if !again {
            record.stage = Stage::Ended;
            // where the executor reported the end it deletes the pod itself, after its last status
            if deleting && (verdict != Verdict::Ended || record.finished()) {
                self.effects.push(Effect::DeletePod(name));
            }
            return;
        }
        let message = status.message.as_deref().unwrap_or_default();
        tracing::info!(pod = record.ask.key(), task = %status.task_id, state = %status.state, message, "the task is lost; the pod is launched again");
        let first = record.backoff.bound() == super::BACKOFF.0;
        let wait = record.backoff.next_wait();
        // a lost task was well until then: the first time it is launched again at once
        let not_before = (verdict == Verdict::Failed || !first).then(|| now + wait);
        if verdict == Verdict::Failed {
            let text = format!("Error launching: {} {message}", status.state);
            self.effects.push(Effect::Event(name, EventKind::FailedScheduling, text));
        }
        self.enqueue(uid, not_before, now);
    }

    /// A task that no pod names. Its executor may be about to bind the pod, or the pod is gone.
    fn stray_update(&mut self, agent: AgentID, status: &TaskStatus, now: Instant) {
        if matches!(judge(status, false), Verdict::Bound | Verdict::Running) {
            if !self.kills.contains_key(&status.task_id) {
                self.strays.entry(status.task_id.clone()).or_insert(Stray { agent, until: now + STRAY });
            }
        } else {
            self.strays.remove(&status.task_id);
        }
    }
}
