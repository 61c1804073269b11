//! The agent's mind: what runs here for whom, and what follows from each thing that happens. It does no IO: what is to be
//! done comes out as [`Effect`]s, and time comes in as an argument.

mod exit;
mod kill;
mod launch;
mod recover;
mod status;
mod subscribe;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mesos::executor::Event;
use mesos::framework::FrameworkCapabilityType;
use mesos::{AgentID, AgentInfo, ExecutorID, FrameworkID, FrameworkInfo, Reason, Resources, TaskID, TaskState};

pub(crate) use subscribe::Refusal;

use super::effect::{Effect, Record};
use super::executor::{Doom, Executor, Phase};
use super::flags::Flags;
use super::paths::{Paths, Run};
use super::updates::{Acknowledged, StatusUpdates};
use crate::link::{FromAgent, Registration, ToAgent};

/// How many frameworks that are over are remembered.
const MAX_COMPLETED_FRAMEWORKS: usize = 50;

/// What the agent was started as.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) flags: Flags,
    pub(crate) paths: Paths,
    /// The address that others reach the agent at.
    pub(crate) ip: std::net::IpAddr,
    /// The port of it.
    pub(crate) port: u16,
}

impl Settings {
    /// `<ip>:<port>` of the agent's API.
    pub(crate) fn endpoint(&self) -> String {
        std::net::SocketAddr::new(self.ip, self.port).to_string()
    }
}

/// A framework that runs, or ran, something here.
#[derive(Debug)]
pub(crate) struct Framework {
    pub(crate) info: FrameworkInfo,
    pub(crate) executors: BTreeMap<ExecutorID, Executor>,
    /// Executors that are over and done with, oldest first.
    pub(crate) completed: VecDeque<Executor>,
    /// Is it over, and waits only for its executors to end?
    pub(crate) is_terminating: bool,
}

impl Framework {
    fn new(info: FrameworkInfo) -> Self {
        Self { info, executors: BTreeMap::new(), completed: VecDeque::new(), is_terminating: false }
    }

    fn is_partition_aware(&self) -> bool {
        self.info.is_capable(FrameworkCapabilityType::PartitionAware)
    }

    /// TASK_DROPPED for those who know it, TASK_LOST for others.
    fn dropped(&self) -> TaskState {
        if self.is_partition_aware() { TaskState::Dropped } else { TaskState::Lost }
    }
}

/// What is counted for `/metrics/snapshot`.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) ended_tasks: BTreeMap<TaskState, u64>,
    pub(crate) valid_status_updates: u64,
    pub(crate) invalid_status_updates: u64,
    pub(crate) valid_framework_messages: u64,
    pub(crate) invalid_framework_messages: u64,
    pub(crate) executors_terminated: u64,
    pub(crate) container_launch_errors: u64,
    pub(crate) recovery_errors: u64,
}

/// The whole of it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: Settings,
    /// What the master is told of this agent; has an ID once a master gave one.
    pub(crate) info: AgentInfo,
    pub(crate) frameworks: BTreeMap<FrameworkID, Framework>,
    /// Frameworks that are over, oldest first.
    pub(crate) completed: VecDeque<Framework>,
    pub(crate) updates: StatusUpdates,
    pub(crate) counters: Counters,
    /// Is the master there?
    pub(crate) is_linked: bool,
    /// Seconds since the epoch when the agent started.
    pub(crate) start_time: f64,
    /// Why the agent ends as soon as nothing runs.
    ending: Option<String>,
    effects: Vec<Effect>,
}

impl Core {
    pub(crate) fn new(settings: Settings, info: AgentInfo) -> Self {
        Self {
            settings,
            info,
            frameworks: BTreeMap::new(),
            completed: VecDeque::new(),
            updates: StatusUpdates::default(),
            counters: Counters::default(),
            is_linked: false,
            start_time: epoch_seconds(),
            ending: None,
            effects: Vec::new(),
        }
    }

    /// The agent's ID; empty before the first registration.
    pub(crate) fn id(&self) -> &str {
        self.info.id.as_ref().map_or("", AgentID::as_str)
    }

    /// All executors that are remembered, ended ones with updates waiting included.
    pub(crate) fn executors(&self) -> impl Iterator<Item = (&Framework, &Executor)> {
        let of = |framework| move |executor| (framework, executor);
        self.frameworks.values().flat_map(move |framework| framework.executors.values().map(of(framework)))
    }

    /// What all executors and tasks hold together.
    pub(crate) fn allocated(&self) -> Resources {
        let mut sum = Resources::new();
        self.executors().for_each(|(_, executor)| sum.add(&executor.allocated()));
        sum
    }

    /// Do executors from before the agent's restart still have to subscribe again? The master is told only then what runs.
    pub(crate) fn is_recovering(&self) -> bool {
        self.executors().any(|(_, executor)| matches!(executor.phase, Phase::Reconnecting { .. }))
    }

    /// What is to be done now, after what was said before.
    pub(crate) fn take_effects(&mut self, now: Instant) -> Vec<Effect> {
        for ((framework_id, task_id), status) in self.updates.due(now) {
            let mut latest_state = status.state;
            let framework = self.frameworks.get_mut(&framework_id);
            let executors = framework.into_iter().flat_map(|framework| framework.executors.values_mut());
            if let Some(task) = executors.flat_map(|executor| &mut executor.tasks).find(|task| task.task_id == task_id)
            {
                latest_state = task.state;
                task.status_update_state = Some(status.state);
                task.status_update_uuid.clone_from(&status.uuid);
            }
            self.effects.push(Effect::Report(FromAgent::Update {
                framework_id,
                status: Box::new(status),
                latest_state,
            }));
        }
        if let Some(why) =
            self.ending.take_if(|_| self.frameworks.values().all(|framework| framework.executors.is_empty()))
        {
            self.effects.push(Effect::Report(FromAgent::Unregister));
            self.effects.push(Effect::End(why));
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Self::expire`] is to be called next, if nothing happens before.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let executors = self.executors().filter_map(|(_, executor)| executor.phase.deadline());
        executors.chain(self.updates.next_deadline()).min()
    }

    /// Time has passed: does what is due.
    pub(crate) fn expire(&mut self, now: Instant) {
        let flags = &self.settings.flags;
        let (registration, reregistration) =
            (flags.executor_registration_timeout, flags.executor_reregistration_timeout);
        for framework in self.frameworks.values_mut() {
            let gone = if framework.is_partition_aware() { TaskState::Gone } else { TaskState::Lost };
            for executor in framework.executors.values_mut() {
                if executor.phase.deadline().is_none_or(|deadline| deadline > now) {
                    continue;
                }
                let doom = match executor.phase {
                    Phase::Registering { .. } => Some(Doom {
                        state: TaskState::Failed,
                        reason: Reason::ExecutorRegistrationTimeout,
                        message: format!("Executor did not register within {registration}"),
                    }),
                    Phase::Reconnecting { .. } => Some(Doom {
                        state: gone,
                        reason: Reason::ExecutorReregistrationTimeout,
                        message: format!("Executor did not reregister within {reregistration}"),
                    }),
                    _ => None,
                };
                tracing::info!(executor = %executor.info.executor_id, phase = ?executor.phase, "ending an executor at its deadline");
                executor.doom = executor.doom.take().or(doom);
                executor.phase = Phase::Terminating { deadline: None };
                self.effects.push(Effect::Destroy { run: executor.run.clone(), process: executor.process.clone() });
            }
        }
    }

    /// What the master is told when a link is opened.
    pub(crate) fn registration(&self) -> Registration {
        use mesos::agent::AgentCapabilityType::{
            HierarchicalRole, MultiRole, ReservationRefinement, TaskResourceLimits,
        };
        let mut registration = Registration {
            agent: self.info.clone(),
            ip: self.settings.ip.to_string(),
            version: super::VERSION.to_owned(),
            capabilities: [MultiRole, HierarchicalRole, ReservationRefinement, TaskResourceLimits]
                .map(Into::into)
                .to_vec(),
            frameworks: self.frameworks.values().map(|framework| framework.info.clone()).collect(),
            ..Registration::default()
        };
        for (_, executor) in self.executors() {
            if !executor.is_command && executor.phase != Phase::Terminated {
                registration.executors.push(executor.info.clone());
            }
            let framework_id = executor.info.framework_id.clone().unwrap_or_default();
            let queued = executor.queued.iter().map(|task| mesos::Task::staging(task, &framework_id));
            registration.tasks.extend(executor.tasks.iter().cloned().chain(queued).map(|mut task| {
                let waiting = self.updates.waiting(&(framework_id.clone(), task.task_id.clone()));
                task.status_update_state = waiting.map(|status| status.state);
                task.status_update_uuid = waiting.and_then(|status| status.uuid.clone());
                task
            }));
        }
        registration
    }

    /// The link stands: the agent has its ID, and what waits is sent.
    pub(crate) fn link(&mut self, id: AgentID) {
        self.info.id = Some(id);
        self.is_linked = true;
        self.updates.set_linked(true);
    }

    /// The link is over. Executors go on.
    pub(crate) fn unlink(&mut self) {
        self.is_linked = false;
        self.updates.set_linked(false);
    }

    /// Does what the master asks. Registered and Ping belong to the link itself.
    pub(crate) fn obey(&mut self, now: Instant, message: ToAgent) {
        match message {
            ToAgent::Registered { .. } | ToAgent::Ping => {}
            ToAgent::RunTask(run) => self.run_task(now, *run),
            ToAgent::KillTask { framework_id, task_id, kill_policy } => {
                self.kill_task(&framework_id, &task_id, kill_policy)
            }
            ToAgent::ShutdownExecutor { framework_id, executor_id } => {
                self.shutdown_executor(now, &framework_id, &executor_id);
            }
            ToAgent::ShutdownFramework { framework_id } => self.shutdown_framework(now, &framework_id),
            ToAgent::UpdateFramework { framework } => self.update_framework(*framework),
            ToAgent::Message { framework_id, executor_id, data } => self.deliver(&framework_id, &executor_id, data),
            ToAgent::Acknowledge { framework_id, task_id, uuid } => self.acknowledge(&framework_id, &task_id, uuid),
            ToAgent::Reconcile { framework_id, tasks } => self.reconcile(&framework_id, &tasks),
            ToAgent::Shutdown { message } => self.shutdown(now, message),
        }
    }

    /// A framework has a new description.
    fn update_framework(&mut self, info: FrameworkInfo) {
        let Some(id) = info.id.clone() else { return };
        let Some(framework) = self.frameworks.get_mut(&id) else { return };
        framework.info = info;
        self.store_framework(&id);
        self.updates.hasten(&id);
    }

    /// Hands bytes to an executor, if it is there to take them.
    fn deliver(&mut self, framework: &FrameworkID, executor: &ExecutorID, data: mesos::Bytes) {
        let executor = self.frameworks.get(framework).and_then(|framework| framework.executors.get(executor));
        match executor.filter(|executor| executor.phase == Phase::Running) {
            Some(executor) => {
                let event = Box::new(Event::Message(mesos::executor::Message { data }));
                self.effects.push(Effect::Tell { run: executor.run.clone(), event });
                self.counters.valid_framework_messages += 1;
            }
            None => {
                tracing::info!(%framework, "dropping a message for an executor that is not there");
                self.counters.invalid_framework_messages += 1;
            }
        }
    }

    /// The scheduler has dealt with an update.
    fn acknowledge(&mut self, framework: &FrameworkID, task: &TaskID, uuid: mesos::Bytes) {
        let outcome = self.updates.acknowledge(&(framework.clone(), task.clone()), &uuid);
        if outcome == Acknowledged::Unexpected {
            tracing::debug!(%framework, %task, ?uuid, "an acknowledgement that nothing waits for");
            return;
        }
        let Some(known) = self.frameworks.get_mut(framework) else { return };
        let Some(executor) = known.executors.values_mut().find(|executor| executor.knows(task)) else { return };
        if known.info.checkpoint {
            let record = Record::Acknowledged { run: executor.run.clone(), task: task.clone(), uuid };
            self.effects.push(Effect::Store(record));
        }
        if outcome == Acknowledged::Over {
            executor.complete(task);
            let executor = executor.info.executor_id.clone();
            self.tidy(framework, &executor);
        }
    }

    /// Forgets an executor that has ended and all of whose updates are acknowledged, and its framework with the last one.
    fn tidy(&mut self, framework_id: &FrameworkID, executor_id: &ExecutorID) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let is_over = |executor: &Executor| {
            executor.phase == Phase::Terminated && (executor.tasks.is_empty() || framework.is_terminating)
        };
        if framework.executors.get(executor_id).is_some_and(is_over) {
            if let Some(executor) = framework.executors.remove(executor_id) {
                if framework.info.checkpoint {
                    self.effects.push(Effect::Store(Record::ForgetRun(executor.run.clone())));
                }
                framework.completed.push_back(executor);
            }
            if framework.completed.len() > self.settings.flags.max_completed_executors_per_framework {
                framework.completed.pop_front();
            }
        }
        if framework.executors.is_empty() {
            self.forget_framework(framework_id);
        }
    }

    /// Nothing of the framework is left here.
    fn forget_framework(&mut self, id: &FrameworkID) {
        let Some(framework) = self.frameworks.remove(id) else { return };
        if framework.is_terminating {
            self.updates.forget(id);
        }
        if framework.info.checkpoint {
            let record = Record::ForgetFramework { agent: self.id().to_owned(), framework: id.to_string() };
            self.effects.push(Effect::Store(record));
        }
        // A framework comes and goes with its executors: its history is one, whenever it is back.
        match self.completed.iter_mut().find(|past| past.info.id == framework.info.id) {
            Some(past) => {
                past.info = framework.info;
                past.completed.extend(framework.completed);
                let limit = self.settings.flags.max_completed_executors_per_framework;
                past.completed.drain(..past.completed.len().saturating_sub(limit));
            }
            None => self.completed.push_back(framework),
        }
        if self.completed.len() > MAX_COMPLETED_FRAMEWORKS {
            self.completed.pop_front();
        }
    }

    fn store_framework(&mut self, id: &FrameworkID) {
        let Some(framework) = self.frameworks.get(id).filter(|framework| framework.info.checkpoint) else { return };
        let record = Record::Framework { agent: self.id().to_owned(), info: Box::new(framework.info.clone()) };
        self.effects.push(Effect::Store(record));
    }

    /// The executor of a run, if it is still the one that its ID names.
    fn executor_of(&mut self, run: &Run) -> Option<&mut Executor> {
        let framework = self.frameworks.get_mut(&FrameworkID::from(run.framework.as_str()))?;
        framework.executors.get_mut(&ExecutorID::from(run.executor.as_str())).filter(|executor| executor.run == *run)
    }
}

/// Now, in seconds since the epoch, as Mesos' timestamps are.
pub(crate) fn epoch_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
