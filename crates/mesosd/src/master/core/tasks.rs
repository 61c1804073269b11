//! Tasks that were launched: their statuses, acknowledgements, ends, and what goes to their executors.

use mesos::scheduler::{Acknowledge, Event, Kill, Message, ReconcileTask, Shutdown, Update};
use mesos::{AgentID, ExecutorID, FrameworkID, Reason, Resources, Task, TaskState, TaskStatus};

use super::{Core, Now, seconds};
use crate::link::ToAgent;

/// How many statuses of a task are kept.
const MAX_STATUSES: usize = 16;

impl Core {
    /// An agent tells a task's status: it goes to the scheduler, and what it means to the books.
    pub(super) fn update(
        &mut self,
        now: Now,
        agent_id: &AgentID,
        framework_id: &FrameworkID,
        status: TaskStatus,
        latest_state: TaskState,
    ) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            self.counters.invalid_status_updates += 1;
            tracing::warn!("agent {agent_id}: update of task {} of unknown framework {framework_id}", status.task_id);
            return;
        };
        let live = framework.tasks.get_mut(&status.task_id).filter(|live| live.task.agent_id == *agent_id);
        let Some(live) = live else {
            self.counters.invalid_status_updates += 1;
            self.send(framework_id, Event::Update(Update { status }));
            return;
        };
        self.counters.valid_status_updates += 1;
        let was_over = live.task.state.is_terminal();
        record(&mut live.task, &status, latest_state);
        let ended = (!was_over && live.task.state.is_terminal()).then(|| live.task.clone());
        let wants_acknowledgement = status.uuid.is_some();
        let (task_id, is_last) = (status.task_id.clone(), status.state.is_terminal());
        self.send(framework_id, Event::Update(Update { status }));
        if let Some(task) = ended {
            self.count_end(task.state);
            self.release(&task);
            self.recovered(now);
        }
        if is_last && !wants_acknowledgement {
            self.complete_task(framework_id, &task_id);
        }
    }

    /// A task is over and dealt with.
    pub(super) fn complete_task(&mut self, framework_id: &FrameworkID, task_id: &mesos::TaskID) {
        let limit = self.settings.max_completed_tasks;
        if let Some(framework) = self.frameworks.get_mut(framework_id)
            && let Some(live) = framework.tasks.remove(task_id)
        {
            framework.complete(live.task, limit);
        }
    }

    /// What a task used is free again.
    pub(super) fn release(&mut self, task: &Task) {
        if let Some(agent) = self.agents.get_mut(&task.agent_id) {
            agent.used.subtract(&Resources::from(&task.resources));
        }
    }

    pub(super) fn count_end(&mut self, state: TaskState) {
        *self.counters.ended_tasks.entry(state).or_default() += 1;
    }

    pub(super) fn acknowledge(&mut self, framework_id: &FrameworkID, acknowledge: Acknowledge) {
        let Acknowledge { agent_id, task_id, uuid } = acknowledge;
        let framework_id = framework_id.clone();
        let command =
            ToAgent::Acknowledge { framework_id: framework_id.clone(), task_id: task_id.clone(), uuid: uuid.clone() };
        if !self.command(&agent_id, command) {
            self.counters.invalid_acknowledgements += 1;
            return;
        }
        self.counters.valid_acknowledgements += 1;
        let framework = self.frameworks.get_mut(&framework_id);
        let Some(live) = framework.and_then(|framework| framework.tasks.get_mut(&task_id)) else { return };
        if live.task.status_update_uuid.as_ref() != Some(&uuid) {
            return;
        }
        if live.task.status_update_state.is_some_and(TaskState::is_terminal) {
            self.complete_task(&framework_id, &task_id);
        }
    }

    pub(super) fn kill(&mut self, now: Now, framework_id: &FrameworkID, kill: Kill) {
        let Kill { task_id, agent_id, kill_policy } = kill;
        let live = self.frameworks.get_mut(framework_id).and_then(|framework| framework.tasks.get_mut(&task_id));
        let Some(live) = live else {
            self.reconcile(now, framework_id, &[ReconcileTask { task_id, agent_id }]);
            return;
        };
        let own = live.task.agent_id.clone();
        if agent_id.is_some_and(|agent_id| agent_id != own) {
            tracing::warn!(
                "framework {framework_id}: KILL of task {task_id} names another agent than its own; it is dropped"
            );
            return;
        }
        // Kept for an agent that is away; it hears of it when it is back.
        live.kill = Some(kill_policy.clone());
        self.command(&own, ToAgent::KillTask { framework_id: framework_id.clone(), task_id, kill_policy });
    }

    pub(super) fn shutdown(&mut self, framework_id: &FrameworkID, shutdown: Shutdown) {
        let Shutdown { executor_id, agent_id } = shutdown;
        if !self.command(&agent_id, ToAgent::ShutdownExecutor { framework_id: framework_id.clone(), executor_id }) {
            self.counters.dropped_messages += 1;
        }
    }

    pub(super) fn message(&mut self, framework_id: &FrameworkID, message: Message) {
        let Message { agent_id, executor_id, data } = message;
        if !self.command(&agent_id, ToAgent::Message { framework_id: framework_id.clone(), executor_id, data }) {
            self.counters.dropped_messages += 1;
        }
    }

    /// An executor ended: what it used is free again. Command tasks' executors are the agent's own and not on the books.
    pub(super) fn executor_exited(
        &mut self,
        now: Now,
        agent_id: &AgentID,
        framework_id: &FrameworkID,
        executor_id: ExecutorID,
        status: i32,
    ) {
        let Some(agent) = self.agents.get_mut(agent_id) else { return };
        if !agent.remove_executor(framework_id, &executor_id) {
            return;
        }
        let failure = mesos::scheduler::Failure {
            agent_id: Some(agent_id.clone()),
            executor_id: Some(executor_id),
            status: Some(status),
        };
        self.send(framework_id, Event::Failure(failure));
        self.recovered(now);
    }
}

/// Puts a status into a task's record.
fn record(task: &mut Task, status: &TaskStatus, latest_state: TaskState) {
    if !task.state.is_terminal() {
        task.state = latest_state;
    }
    task.status_update_state = Some(status.state);
    task.status_update_uuid = status.uuid.clone();
    // Data are for the scheduler alone, and may be large.
    let kept = TaskStatus { data: None, ..status.clone() };
    match task.statuses.last_mut() {
        Some(last) if last.state == kept.state => *last = kept,
        _ => task.statuses.push(kept),
    }
    if task.statuses.len() > MAX_STATUSES {
        task.statuses.remove(0);
    }
}

/// A status that the master makes of what it knows of a task: without `uuid`, so that nobody acknowledges it.
pub(super) fn status(now: Now, task: &Task, state: TaskState, reason: Reason) -> TaskStatus {
    let last = task.statuses.last();
    TaskStatus {
        task_id: task.task_id.clone(),
        state,
        source: Some(mesos::Source::Master),
        reason: Some(reason),
        agent_id: Some(task.agent_id.clone()),
        executor_id: task.executor_id.clone(),
        timestamp: Some(seconds(now)),
        healthy: last.and_then(|last| last.healthy),
        check_status: last.and_then(|last| last.check_status.clone()),
        container_status: last.and_then(|last| last.container_status.clone()),
        ..TaskStatus::default()
    }
}
