//! What executors ask of the agent (reference, sections 5.3 and 5.5).

use std::time::Instant;

use mesos::executor::{Action, Call, Event, Subscribe, Subscribed};
use mesos::{ExecutorID, FrameworkID, Reason, TaskState};

use super::launch::give;
use super::{Core, kill};
use crate::agent::effect::{Effect, Record};
use crate::agent::executor::Phase;
use crate::agent::paths::Run;
use crate::link::FromAgent;

/// Why an executor's call is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Agent has not finished recovery")]
    Recovering,
    #[error("Framework cannot be found")]
    UnknownFramework,
    #[error("Executor cannot be found")]
    UnknownExecutor,
    #[error("Executor is not subscribed")]
    NotSubscribed,
}

impl Core {
    /// Which run an executor's call is of. Calls but SUBSCRIBE wait until the agent has recovered.
    pub(crate) fn admit(&self, call: &Call) -> Result<Run, Refusal> {
        let subscribes = matches!(call.action, Action::Subscribe(_));
        if self.is_recovering() && !subscribes {
            return Err(Refusal::Recovering);
        }
        let framework = self.frameworks.get(&call.framework_id).ok_or(Refusal::UnknownFramework)?;
        let executor = framework.executors.get(&call.executor_id).ok_or(Refusal::UnknownExecutor)?;
        let has_subscribed = matches!(executor.phase, Phase::Running | Phase::Terminating { .. } | Phase::Terminated);
        if !subscribes && !has_subscribed {
            return Err(Refusal::NotSubscribed);
        }
        Ok(executor.run.clone())
    }

    /// Does what an admitted call asks. The stream of one that subscribes is open already.
    pub(crate) fn serve(&mut self, now: Instant, call: Call) {
        let (framework_id, executor_id) = (call.framework_id, call.executor_id);
        match call.action {
            Action::Subscribe(subscribe) => self.subscribe(now, &framework_id, &executor_id, subscribe),
            Action::Update(update) => self.take_update(&framework_id, &executor_id, update.status),
            Action::Message(message) => {
                self.counters.valid_framework_messages += 1;
                let data = message.data;
                self.effects.push(Effect::Report(FromAgent::Message { framework_id, executor_id, data }));
            }
            Action::Heartbeat | Action::Unknown => {}
        }
    }

    fn subscribe(&mut self, now: Instant, framework_id: &FrameworkID, executor_id: &ExecutorID, subscribe: Subscribe) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let (is_terminating, dropped) = (framework.is_terminating, framework.dropped());
        let Some(executor) = framework.executors.get_mut(executor_id) else { return };
        let run = executor.run.clone();
        if is_terminating || executor.phase.is_ending() {
            self.effects.push(Effect::Tell { run: run.clone(), event: Box::new(Event::Shutdown) });
            self.effects.push(Effect::HangUp(run));
            return;
        }
        executor.phase = Phase::Running;
        for update in subscribe.unacknowledged_updates {
            self.take_update(framework_id, executor_id, update.status);
        }
        let Some(executor) = self.executor_of(&run) else { return };
        let undelivered: Vec<_> = executor
            .tasks
            .iter()
            .filter(|task| task.state == TaskState::Staging)
            .filter(|task| !subscribe.unacknowledged_tasks.iter().any(|known| known.task_id == task.task_id))
            .map(|task| task.task_id.clone())
            .collect();
        for task in undelivered {
            let message = "Task launched during agent restart";
            let executor = Some(executor_id.clone());
            let status = self.status(&task, executor, dropped, Reason::AgentRestarted, message);
            self.record(framework_id, Some(executor_id), status);
        }
        self.welcome(now, framework_id, executor_id);
    }

    /// Greets an executor that is subscribed and hands it what waited, or ends one that has nothing to do.
    fn welcome(&mut self, now: Instant, framework_id: &FrameworkID, executor_id: &ExecutorID) {
        let agent_info = self.info.clone();
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = framework.executors.get_mut(executor_id) else { return };
        if executor.queued.is_empty() && !executor.had_a_task() {
            tracing::info!(executor = %executor_id, "ending an executor whose tasks were all killed before it subscribed");
            kill::end(executor, &self.settings.flags, now, &mut self.effects);
            return;
        }
        if framework.info.checkpoint {
            self.effects.push(Effect::Store(Record::Subscribed(executor.run.clone())));
        }
        let event = Box::new(Event::Subscribed(Subscribed {
            executor_info: executor.info.clone(),
            framework_info: framework.info.clone(),
            agent_info,
            container_id: Some(executor.container_id()),
        }));
        self.effects.push(Effect::Tell { run: executor.run.clone(), event });
        for task in std::mem::take(&mut executor.queued) {
            give(executor, &framework.info, task, &mut self.effects);
        }
    }
}
