//! What the agent takes up again after it was killed (reference, section 5.9).

use std::time::Instant;

use mesos::{ExecutorID, FrameworkID, Task};

use super::status::note;
use super::{Core, Framework};
use crate::agent::checkpoint::{Recovered, RecoveredExecutor, RecoveredTask};
use crate::agent::effect::Effect;
use crate::agent::executor::{Executor, Phase};
use crate::agent::flags::Recover;
use crate::agent::updates::Acknowledged;

impl Core {
    /// Takes up what an earlier life of this agent left on the disk. Executors that still run get
    /// `--executor_reregistration_timeout` to subscribe again; those that do not have ended, with all their tasks.
    pub(crate) fn recover(&mut self, now: Instant, recovered: Recovered) {
        self.info.id = recovered.agent;
        let mut ended = Vec::new();
        for framework in recovered.frameworks {
            let Some(framework_id) = framework.info.id.clone() else { continue };
            self.frameworks.insert(framework_id.clone(), Framework::new(framework.info));
            for executor in framework.executors {
                let run = executor.run.clone();
                let is_terminated = executor.is_terminated;
                let is_alive = self.take_up(now, &framework_id, executor);
                if !is_alive {
                    ended.push((framework_id.clone(), run, is_terminated));
                }
            }
        }
        for (framework_id, run, is_terminated) in ended {
            if !is_terminated {
                self.exited(&run, None);
            }
            self.tidy(&framework_id, &ExecutorID::from(run.executor.as_str()));
        }
        let idle: Vec<_> = self
            .frameworks
            .iter()
            .filter(|(_, framework)| framework.executors.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        idle.iter().for_each(|framework| self.forget_framework(framework));
        if self.settings.flags.recover == Recover::Cleanup {
            self.clean_up(now);
        }
    }

    /// Restores one executor with its tasks. True if its process still runs.
    fn take_up(&mut self, now: Instant, framework_id: &FrameworkID, recovered: RecoveredExecutor) -> bool {
        let deadline = now + self.settings.flags.executor_reregistration_timeout.0;
        let RecoveredExecutor { info, run, is_command, process, is_terminated, tasks } = recovered;
        let mut executor = Executor::new(info, run, is_command, deadline);
        let process = process.filter(|_| !is_terminated);
        let is_alive = process.as_ref().is_some_and(|process| process.is_alive());
        executor.phase = match is_terminated {
            true => Phase::Terminated,
            false => Phase::Reconnecting { deadline },
        };
        if let Some(process) = process.clone().filter(|_| is_alive) {
            self.effects.push(Effect::Watch { run: executor.run.clone(), process });
        }
        executor.process = process;
        for task in tasks {
            self.take_up_task(framework_id, &mut executor, task);
        }
        tracing::info!(
            executor = executor.run.executor,
            is_alive,
            tasks = executor.tasks.len(),
            "recovered an executor"
        );
        if let Some(framework) = self.frameworks.get_mut(framework_id) {
            framework.executors.insert(executor.info.executor_id.clone(), executor);
        }
        is_alive
    }

    /// Restores a task: its state is that of its last update, those not acknowledged wait again.
    fn take_up_task(&mut self, framework_id: &FrameworkID, executor: &mut Executor, recovered: RecoveredTask) {
        let RecoveredTask { info, updates, acknowledged } = recovered;
        let key = (framework_id.clone(), info.task_id.clone());
        executor.tasks.push(Task::staging(&info, framework_id));
        for status in updates {
            if let Some(task) = executor.task_mut(&info.task_id) {
                note(task, &status);
            }
            self.updates.add(key.clone(), status);
        }
        let outcomes = acknowledged.iter().map(|uuid| self.updates.acknowledge(&key, uuid));
        if outcomes.last() == Some(Acknowledged::Over) {
            executor.complete(&info.task_id);
        }
    }

    /// Ends what was recovered, and then the agent: `--recover=cleanup`.
    fn clean_up(&mut self, now: Instant) {
        self.ending = Some("all recovered executors have ended, as --recover=cleanup asks".to_owned());
        for framework in self.frameworks.values_mut() {
            framework.is_terminating = true;
            for executor in framework.executors.values_mut().filter(|executor| executor.phase != Phase::Terminated) {
                executor.phase = Phase::Terminating { deadline: Some(now) };
            }
        }
    }
}
