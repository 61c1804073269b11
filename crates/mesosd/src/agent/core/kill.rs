//! The end of tasks, executors and frameworks by the master's or the operator's will (reference, section 5.7).

use std::time::Instant;

use mesos::executor::{Event, Kill};
use mesos::{ExecutorID, FrameworkID, KillPolicy, Reason, TaskID, TaskState};

use super::Core;
use crate::agent::effect::Effect;
use crate::agent::environment::grace_period;
use crate::agent::executor::{Executor, Phase};
use crate::agent::flags::Flags;

impl Core {
    /// Ends one task: by its executor, or here if no executor has it yet.
    pub(super) fn kill_task(&mut self, framework_id: &FrameworkID, task_id: &TaskID, kill_policy: Option<KillPolicy>) {
        let framework = self.frameworks.get_mut(framework_id);
        let dropped = framework.as_ref().map_or(TaskState::Dropped, |framework| framework.dropped());
        let mut executors = framework.into_iter().flat_map(|framework| framework.executors.values_mut());
        let Some(executor) = executors.find(|executor| executor.knows(task_id)) else {
            let status = self.status(task_id, None, dropped, Reason::ExecutorTerminated, "Cannot find executor");
            self.record(framework_id, None, status);
            return;
        };
        if let Some(index) = executor.queued.iter().position(|task| task.task_id == *task_id) {
            executor.queued.remove(index);
            let executor_id = (!executor.is_command).then(|| executor.info.executor_id.clone());
            let message = "Killed before delivery to the executor";
            let status = self.status(task_id, executor_id, TaskState::Killed, Reason::TaskKilledDuringLaunch, message);
            self.record(framework_id, None, status);
            return;
        }
        if executor.phase == Phase::Running {
            let event = Box::new(Event::Kill(Kill { task_id: task_id.clone(), kill_policy }));
            self.effects.push(Effect::Tell { run: executor.run.clone(), event });
        } else {
            tracing::info!(task = %task_id, phase = ?executor.phase, "not passing on a kill: the executor is not there");
        }
    }

    /// Asks an executor to end, and sees to it.
    pub(super) fn shutdown_executor(&mut self, now: Instant, framework: &FrameworkID, executor: &ExecutorID) {
        let framework = self.frameworks.get_mut(framework);
        if let Some(executor) = framework.and_then(|framework| framework.executors.get_mut(executor)) {
            end(executor, &self.settings.flags, now, &mut self.effects);
        }
    }

    /// Ends all of a framework that is over, and forgets it when nothing of it runs any more.
    pub(super) fn shutdown_framework(&mut self, now: Instant, framework_id: &FrameworkID) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            self.updates.forget(framework_id);
            return;
        };
        tracing::info!(framework = %framework_id, "ending a framework");
        framework.is_terminating = true;
        for executor in framework.executors.values_mut() {
            executor.queued.clear();
            end(executor, &self.settings.flags, now, &mut self.effects);
        }
        let executors: Vec<_> = framework.executors.keys().cloned().collect();
        executors.iter().for_each(|executor| self.tidy(framework_id, executor));
    }

    /// Ends everything, and then the agent.
    pub(crate) fn shutdown(&mut self, now: Instant, why: String) {
        tracing::info!(why, "ending the agent and its executors");
        self.ending = Some(why);
        let frameworks: Vec<_> = self.frameworks.keys().cloned().collect();
        frameworks.iter().for_each(|framework| self.shutdown_framework(now, framework));
    }
}

/// Asks `executor` to end within its grace period.
pub(super) fn end(executor: &mut Executor, flags: &Flags, now: Instant, effects: &mut Vec<Effect>) {
    if executor.phase.is_ending() {
        return;
    }
    let grace = grace_period(&executor.info, flags);
    executor.phase = Phase::Terminating { deadline: Some(now + grace.0) };
    effects.push(Effect::Tell { run: executor.run.clone(), event: Box::new(Event::Shutdown) });
}
