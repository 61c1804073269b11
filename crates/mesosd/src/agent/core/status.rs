//! What becomes of a task: updates of executors and of the agent itself, on their way to the scheduler.

use mesos::executor::{Acknowledged, Event};
use mesos::{
    Bytes, ContainerStatus, ExecutorID, FrameworkID, IPAddress, NetworkInfo, Reason, Source, Task, TaskID, TaskState,
    TaskStatus,
};

use super::{Core, epoch_seconds};
use crate::agent::effect::{Effect, Record};
use crate::agent::executor::Executor;

impl Core {
    /// A status of the agent's own making, to be acknowledged by the scheduler.
    pub(super) fn status(
        &self,
        task: &TaskID,
        executor_id: Option<ExecutorID>,
        state: TaskState,
        reason: Reason,
        message: &str,
    ) -> TaskStatus {
        TaskStatus {
            task_id: task.clone(),
            state,
            message: Some(message.to_owned()),
            source: Some(Source::Agent),
            reason: Some(reason),
            agent_id: self.info.id.clone(),
            executor_id,
            timestamp: Some(epoch_seconds()),
            uuid: Some(Bytes::uuid()),
            ..TaskStatus::default()
        }
    }

    /// Takes an executor's update: stored, acknowledged to the executor, and on its way to the scheduler.
    pub(super) fn take_update(&mut self, framework_id: &FrameworkID, executor_id: &ExecutorID, mut status: TaskStatus) {
        let agent_id = self.info.id.clone();
        let address = self.settings.ip.to_string();
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = framework.executors.get_mut(executor_id) else { return };
        status.agent_id = agent_id;
        status.executor_id = Some(executor_id.clone());
        status.timestamp = status.timestamp.or_else(|| Some(epoch_seconds()));
        status.container_status = Some(container_status(executor, status.container_status.take(), address));
        let (run, task_id, uuid) = (executor.run.clone(), status.task_id.clone(), status.uuid.clone());
        let tasks = executor.tasks.iter().chain(&executor.completed);
        let is_over = tasks.into_iter().any(|task| task.task_id == task_id && task.state.is_terminal());
        if is_over {
            tracing::debug!(task = %task_id, state = %status.state, "dropping an update of a task that is over");
        } else {
            self.record(framework_id, Some(executor_id), status);
            self.counters.valid_status_updates += 1;
        }
        if let Some(uuid) = uuid {
            let event = Box::new(Event::Acknowledged(Acknowledged { task_id, uuid }));
            self.effects.push(Effect::Tell { run, event });
        }
    }

    /// Keeps a status until the scheduler acknowledges it. `executor` is the one that has the task, if one has.
    pub(super) fn record(&mut self, framework_id: &FrameworkID, executor: Option<&ExecutorID>, status: TaskStatus) {
        if !self.updates.add((framework_id.clone(), status.task_id.clone()), status.clone()) {
            return;
        }
        tracing::info!(task = %status.task_id, state = %status.state, reason = ?status.reason, "a task's status");
        if status.state.is_terminal() {
            *self.counters.ended_tasks.entry(status.state).or_default() += 1;
        }
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = executor.and_then(|id| framework.executors.get_mut(id)) else { return };
        if let Some(task) = executor.task_mut(&status.task_id) {
            note(task, &status);
        }
        if framework.info.checkpoint {
            let (run, task) = (executor.run.clone(), status.task_id.clone());
            self.effects.push(Effect::Store(Record::Update { run, task, status: Box::new(status) }));
        }
    }

    /// Answers for tasks that the master believes to be here and are not.
    pub(super) fn reconcile(&mut self, framework_id: &FrameworkID, tasks: &[TaskID]) {
        let framework = self.frameworks.get(framework_id);
        let state = framework.map_or(TaskState::Dropped, |framework| framework.dropped());
        let known = |task: &TaskID| {
            framework.is_some_and(|framework| framework.executors.values().any(|executor| executor.knows(task)))
        };
        let unknown: Vec<_> = tasks.iter().filter(|task| !known(task)).cloned().collect();
        for task in unknown {
            let message = "Reconciliation: task unknown to the agent";
            let status = self.status(&task, None, state, Reason::Reconciliation, message);
            self.record(framework_id, None, status);
        }
    }
}

/// Puts a status into the task's record. States are kept once each: repeated ones say the same, with newer details.
pub(super) fn note(task: &mut Task, status: &TaskStatus) {
    task.state = status.state;
    task.statuses.pop_if(|last| last.state == status.state);
    task.statuses.push(status.clone());
}

/// What the agent adds to what the executor said of its container.
fn container_status(executor: &Executor, given: Option<ContainerStatus>, address: String) -> ContainerStatus {
    let mut status = given.unwrap_or_default();
    status.container_id = Some(executor.container_id());
    status.executor_pid = executor.process.as_ref().and_then(|process| u32::try_from(process.pid).ok());
    if status.network_infos.is_empty() {
        let ip_addresses = vec![IPAddress { ip_address: Some(address), ..IPAddress::default() }];
        status.network_infos.push(NetworkInfo { ip_addresses, ..NetworkInfo::default() });
    }
    status
}
