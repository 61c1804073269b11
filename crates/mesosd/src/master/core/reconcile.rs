//! RECONCILE: what the master knows of tasks (reference section 3.12).

use mesos::scheduler::{Event, ReconcileTask, Update};
use mesos::time::TimeInfo;
use mesos::{AgentID, FrameworkID, Reason, Source, TaskState, TaskStatus};

use super::{Core, Now, seconds, tasks};

impl Core {
    /// Answers with an update for each of `asked`, or for each task of the framework if none is named.
    pub(super) fn reconcile(&mut self, now: Now, framework_id: &FrameworkID, asked: &[ReconcileTask]) {
        let Some(framework) = self.frameworks.get(framework_id) else { return };
        let all: Vec<ReconcileTask> = match asked {
            [] => framework.tasks.keys().map(|id| ReconcileTask { task_id: id.clone(), agent_id: None }).collect(),
            asked => asked.to_vec(),
        };
        for asked in all {
            if let Some(status) = self.reconciled(now, framework_id, &asked) {
                self.send(framework_id, Event::Update(Update { status }));
            }
        }
    }

    /// The answer for one task; `None` while its agent may yet come back to a new master.
    fn reconciled(&self, now: Now, framework_id: &FrameworkID, asked: &ReconcileTask) -> Option<TaskStatus> {
        let framework = self.frameworks.get(framework_id)?;
        if let Some(live) = framework.tasks.get(&asked.task_id) {
            let state = live.task.status_update_state.unwrap_or(live.task.state);
            let status = tasks::status(now, &live.task, state, Reason::Reconciliation);
            return Some(TaskStatus { message: Some("Reconciliation: Latest task state".to_owned()), ..status });
        }
        if self.may_reregister(now, asked.agent_id.as_ref()) {
            return None;
        }
        let agent_id = asked.agent_id.as_ref();
        let (state, message, unreachable) = match agent_id {
            Some(id) if self.agents.contains_key(id) => (TaskState::Gone, "Task is unknown to the agent", None),
            Some(id) if self.unreachable.contains_key(id) => {
                (TaskState::Unreachable, "Task is unreachable", self.unreachable.get(id))
            }
            Some(id) if self.gone.contains(id) => (TaskState::GoneByOperator, "Task is gone", None),
            _ => (TaskState::Unknown, "Task is unknown", None),
        };
        let state = framework.state_or_lost(state);
        let is_unreachable = state == TaskState::Unreachable;
        Some(TaskStatus {
            task_id: asked.task_id.clone(),
            state,
            message: Some(format!("Reconciliation: {message}")),
            source: Some(Source::Master),
            reason: Some(Reason::Reconciliation),
            agent_id: asked.agent_id.clone(),
            timestamp: Some(seconds(now)),
            unreachable_time: unreachable.filter(|_| is_unreachable).map(|at| TimeInfo::from_seconds(seconds(*at))),
            ..TaskStatus::default()
        })
    }

    /// Whether an agent that is not here was one of an earlier master's, which the agents have still time to come back
    /// from. A new master keeps no list of them: it tells them by their IDs.
    fn may_reregister(&self, now: Now, agent_id: Option<&AgentID>) -> bool {
        if now >= self.started + self.settings.agent_reregister_timeout {
            return false;
        }
        let Some(agent_id) = agent_id else { return self.agents.keys().any(|id| self.is_of_another_master(id)) };
        let is_known = self.agents.contains_key(agent_id)
            || self.unreachable.contains_key(agent_id)
            || self.gone.contains(agent_id);
        !is_known && self.is_of_another_master(agent_id)
    }

    fn is_of_another_master(&self, agent_id: &AgentID) -> bool {
        let Some((master, number)) = agent_id.as_str().rsplit_once("-S") else { return false };
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && uuid::Uuid::parse_str(master).is_ok() && master != self.settings.info.id
    }
}
