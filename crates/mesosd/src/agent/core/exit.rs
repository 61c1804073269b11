//! The start and the end of an executor's process, and what its end means for its tasks.

use mesos::{ExecutorID, FrameworkID, Reason, TaskState};

use super::Core;
use crate::agent::effect::{Effect, Record};
use crate::agent::executor::{Doom, Phase};
use crate::agent::paths::Run;
use crate::agent::process::Identity;
use crate::link::FromAgent;

impl Core {
    /// The executor's process runs.
    pub(crate) fn started(&mut self, run: &Run, process: Identity) {
        let Some(executor) = self.executor_of(run) else { return };
        executor.process = Some(process.clone());
        // Its end was decided while it was being started.
        if executor.phase == (Phase::Terminating { deadline: None }) {
            self.effects.push(Effect::Destroy { run: run.clone(), process: Some(process) });
        }
    }

    /// The executor could not be started.
    pub(crate) fn launch_failed(&mut self, run: &Run, why: &str) {
        self.counters.container_launch_errors += 1;
        let Some(executor) = self.executor_of(run) else { return };
        tracing::warn!(executor = run.executor, container = run.container, why, "failed to launch an executor");
        executor.doom.get_or_insert(Doom {
            state: TaskState::Failed,
            reason: Reason::ContainerLaunchFailed,
            message: format!("Failed to launch container: {why}"),
        });
        self.exited(run, None);
    }

    /// The executor's process has ended, with this raw wait status where it is known. Its tasks end with it.
    pub(crate) fn exited(&mut self, run: &Run, status: Option<i32>) {
        let Some(executor) = self.executor_of(run).filter(|executor| executor.phase != Phase::Terminated) else {
            return;
        };
        tracing::info!(executor = run.executor, container = run.container, ?status, "an executor has ended");
        executor.phase = Phase::Terminated;
        let (process, is_command) = (executor.process.take(), executor.is_command);
        let doom = executor.doom.clone().unwrap_or_else(|| Doom {
            state: TaskState::Failed,
            reason: Reason::ExecutorTerminated,
            message: "Executor terminated".to_owned(),
        });
        self.counters.executors_terminated += 1;
        self.effects.push(Effect::HangUp(run.clone()));
        if process.is_some() {
            // What it left behind in its session ends too.
            self.effects.push(Effect::Destroy { run: run.clone(), process });
        }
        let (framework_id, executor_id) =
            (FrameworkID::from(run.framework.as_str()), ExecutorID::from(run.executor.as_str()));
        if !is_command {
            let (framework_id, executor_id) = (framework_id.clone(), executor_id.clone());
            let status = status.unwrap_or(-1);
            self.effects.push(Effect::Report(FromAgent::ExecutorExited { framework_id, executor_id, status }));
        }
        self.end_tasks(&framework_id, &executor_id, &doom);
        if self.frameworks.get(&framework_id).is_some_and(|framework| framework.info.checkpoint) {
            self.effects.push(Effect::Store(Record::Terminated(run.clone())));
        }
        self.tidy(&framework_id, &executor_id);
    }

    /// Ends the tasks of an executor that is gone, unless their framework is gone as well.
    fn end_tasks(&mut self, framework_id: &FrameworkID, executor_id: &ExecutorID, doom: &Doom) {
        let Some(framework) = self.frameworks.get_mut(framework_id).filter(|framework| !framework.is_terminating)
        else {
            return;
        };
        let checkpoint = framework.info.checkpoint;
        let Some(executor) = framework.executors.get_mut(executor_id) else { return };
        // Queued ones become known as tasks, so that they stay in sight until their end is acknowledged.
        for task in std::mem::take(&mut executor.queued) {
            executor.tasks.push(mesos::Task::staging(&task, framework_id));
            if checkpoint {
                let record = Record::Task { run: executor.run.clone(), task: Box::new(task) };
                self.effects.push(Effect::Store(record));
            }
        }
        let unfinished = executor.tasks.iter().filter(|task| !task.state.is_terminal());
        let unfinished: Vec<_> = unfinished.map(|task| task.task_id.clone()).collect();
        for task in unfinished {
            let status = self.status(&task, Some(executor_id.clone()), doom.state, doom.reason, &doom.message);
            self.record(framework_id, Some(executor_id), status);
        }
    }
}
