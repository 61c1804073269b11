//! ACCEPT and DECLINE (reference sections 3.8 and 3.9).

use std::time::Duration;

use mesos::offer::OperationType;
use mesos::scheduler::{Accept, Decline, Event, Update};
use mesos::{
    AgentID, AllocationInfo, Filters, FrameworkID, OfferID, Operation, Reason, Resource, Resources, Source, Task,
    TaskInfo, TaskState, TaskStatus,
};

use super::framework::{Filter, LiveTask};
use super::{Core, Now, OpenOffer, seconds, validate};
use crate::link::{RunTask, ToAgent};

/// The longest refusal: a year.
const MAX_REFUSAL: f64 = 31_536_000.0;

impl Core {
    pub(super) fn decline(&mut self, now: Now, framework_id: &FrameworkID, decline: &Decline) {
        for open in self.take_offers(framework_id, &decline.offer_ids) {
            self.refuse(now, framework_id, &open.offer.agent_id, &open.role, &open.resources, decline.filters);
        }
    }

    pub(super) fn accept(&mut self, now: Now, framework_id: &FrameworkID, accept: Accept) {
        let tasks = || accept.operations.iter().flat_map(tasks_of);
        if let Err(reason) = self.check_offers(framework_id, &accept.offer_ids) {
            let message = format!("Task launched with invalid offers: {reason}");
            tasks().for_each(|task| self.drop_task(now, framework_id, task, Reason::InvalidOffers, &message));
            self.take_offers(framework_id, &accept.offer_ids);
            self.recovered(now);
            return;
        }
        let offers = self.take_offers(framework_id, &accept.offer_ids);
        let Some(OpenOffer { offer, role, .. }) = offers.first().cloned() else { return };
        let mut pool = Resources::new();
        offers.iter().for_each(|open| pool.add(&open.resources));
        if self.agents.get(&offer.agent_id).is_none_or(|agent| agent.link().is_none()) {
            tasks().for_each(|task| {
                self.drop_task(now, framework_id, task, Reason::AgentDisconnected, "Agent disconnected")
            });
            self.recovered(now);
            return;
        }
        for operation in accept.operations {
            self.operate(now, framework_id, &offer.agent_id, &role, &mut pool, operation);
        }
        self.refuse(now, framework_id, &offer.agent_id, &role, &pool, accept.filters);
    }

    /// Why these offers cannot be accepted together.
    fn check_offers(&self, framework_id: &FrameworkID, offer_ids: &[OfferID]) -> Result<(), String> {
        if offer_ids.is_empty() {
            return Err("No offers specified".to_owned());
        }
        let mut first: Option<&OpenOffer> = None;
        for (index, offer_id) in offer_ids.iter().enumerate() {
            if offer_ids[..index].contains(offer_id) {
                return Err(format!("Duplicate offer {offer_id} in offer list"));
            }
            let Some(open) = self.offers.get(offer_id) else {
                return Err(format!("Offer {offer_id} is no longer valid"));
            };
            if open.offer.framework_id != *framework_id {
                let other = &open.offer.framework_id;
                return Err(format!(
                    "Offer {offer_id} has invalid framework {other} while framework {framework_id} is expected"
                ));
            }
            let first = *first.get_or_insert(open);
            if open.role != first.role {
                return Err(format!(
                    "Aggregated offers must be allocated to the same role. Offer {offer_id} uses role '{}' but another is using role '{}'",
                    open.role, first.role
                ));
            }
            if open.offer.agent_id != first.offer.agent_id {
                return Err(format!(
                    "Aggregated offers must belong to one single agent. Offer {offer_id} uses agent {} and agent {}",
                    open.offer.agent_id, first.offer.agent_id
                ));
            }
        }
        Ok(())
    }

    /// Takes those of the offers that are the framework's and still stand.
    fn take_offers(&mut self, framework_id: &FrameworkID, offer_ids: &[OfferID]) -> Vec<OpenOffer> {
        let own = |core: &Self, id: &&OfferID| {
            core.offers.get(id).is_some_and(|open| open.offer.framework_id == *framework_id)
        };
        let taken: Vec<OfferID> = offer_ids.iter().filter(|id| own(self, id)).cloned().collect();
        taken.iter().filter_map(|id| self.remove_offer(id)).collect()
    }

    /// Gives resources back, and does not offer them to this framework again for a while.
    fn refuse(
        &mut self,
        now: Now,
        framework_id: &FrameworkID,
        agent_id: &AgentID,
        role: &str,
        resources: &Resources,
        filters: Option<Filters>,
    ) {
        if resources.is_empty() {
            return;
        }
        let asked = filters.unwrap_or_default().refuse_seconds;
        let usable = if asked >= 0.0 { asked.min(MAX_REFUSAL) } else { Filters::default().refuse_seconds };
        if usable > 0.0
            && let Some(framework) = self.frameworks.get_mut(framework_id)
        {
            // A shorter one would have the same offer made again at once (section 7.5).
            let time = Duration::from_secs_f64(usable).max(self.settings.allocation_interval);
            let (role, agent_id, resources) = (role.to_owned(), agent_id.clone(), resources.unallocated());
            framework.filters.push(Filter { role, agent_id, resources, expires: now + time });
        }
        self.recovered(now);
    }

    fn operate(
        &mut self,
        now: Now,
        framework_id: &FrameworkID,
        agent_id: &AgentID,
        role: &str,
        pool: &mut Resources,
        operation: Operation,
    ) {
        match operation.r#type {
            Some(OperationType::Launch) if operation.id.is_some() => {
                let message = "Operation ID must not be set for LAUNCH";
                for task in tasks_of(&operation) {
                    self.fail_task(now, framework_id, task, Reason::TaskInvalid, message.to_owned());
                }
            }
            Some(OperationType::Launch) => {
                for task in operation.launch.unwrap_or_default().task_infos {
                    self.launch(now, framework_id, agent_id, role, pool, task);
                }
            }
            Some(OperationType::LaunchGroup) => {
                let message = "Task groups (LAUNCH_GROUP) are not supported by this master";
                for task in tasks_of(&operation) {
                    self.fail_task(now, framework_id, task, Reason::TaskGroupInvalid, message.to_owned());
                }
            }
            other => {
                let name = other.map_or("without type", OperationType::name);
                tracing::warn!(
                    "framework {framework_id}: operation {name} is not supported by this master; it is dropped"
                );
            }
        }
    }

    /// Launches one task out of `pool`, or tells why not.
    fn launch(
        &mut self,
        now: Now,
        framework_id: &FrameworkID,
        agent_id: &AgentID,
        role: &str,
        pool: &mut Resources,
        mut task: TaskInfo,
    ) {
        normalize(&mut task, framework_id, role);
        let (Some(framework), Some(agent)) = (self.frameworks.get(framework_id), self.agents.get(agent_id)) else {
            return;
        };
        if let Err(reason) = validate::launch(framework, agent, role, pool, &task) {
            self.fail_task(now, framework_id, &task, Reason::TaskInvalid, reason);
            return;
        }
        let info = framework.info.clone();
        let record = Task { user: user(&task, &info), ..Task::staging(&task, framework_id) };
        let agent = self.agents.get_mut(agent_id).expect("looked up above");
        let mut needed = Resources::from(&task.resources);
        let mut launch_executor = task.executor.is_none();
        if let Some(executor) = &task.executor {
            let key = (framework_id.clone(), executor.executor_id.clone());
            agent.executors.entry(key).or_insert_with(|| {
                launch_executor = true;
                needed.add(&Resources::from(&executor.resources));
                executor.clone()
            });
        }
        pool.subtract(&needed);
        agent.used.add(&needed);
        if let Some(framework) = self.frameworks.get_mut(framework_id) {
            framework.tasks.insert(task.task_id.clone(), LiveTask { task: record, kill: None });
        }
        self.command(agent_id, ToAgent::RunTask(Box::new(RunTask { framework: info, task, launch_executor })));
    }

    /// A task that cannot be launched now: TASK_DROPPED, or TASK_LOST for those who do not know that.
    fn drop_task(&mut self, now: Now, framework_id: &FrameworkID, task: &TaskInfo, reason: Reason, message: &str) {
        let Some(framework) = self.frameworks.get(framework_id) else { return };
        let state = framework.state_or_lost(TaskState::Dropped);
        self.refuse_task(now, framework_id, task, state, reason, message.to_owned());
    }

    /// A task that is wrong: TASK_ERROR.
    fn fail_task(&mut self, now: Now, framework_id: &FrameworkID, task: &TaskInfo, reason: Reason, message: String) {
        self.refuse_task(now, framework_id, task, TaskState::Error, reason, message);
    }

    fn refuse_task(
        &mut self,
        now: Now,
        framework_id: &FrameworkID,
        task: &TaskInfo,
        state: TaskState,
        reason: Reason,
        message: String,
    ) {
        let status = TaskStatus {
            task_id: task.task_id.clone(),
            state,
            message: Some(message),
            source: Some(Source::Master),
            reason: Some(reason),
            agent_id: Some(task.agent_id.clone()),
            timestamp: Some(seconds(now)),
            ..TaskStatus::default()
        };
        self.count_end(state);
        self.send(framework_id, Event::Update(Update { status }));
    }
}

/// The tasks that an operation would launch.
fn tasks_of(operation: &Operation) -> impl Iterator<Item = &TaskInfo> {
    let single = operation.launch.iter().flat_map(|launch| &launch.task_infos);
    single.chain(operation.launch_group.iter().flat_map(|group| &group.task_group.tasks))
}

/// Says of a task's and its executor's resources to whom they are allocated, and of the executor whose it is.
fn normalize(task: &mut TaskInfo, framework_id: &FrameworkID, role: &str) {
    let allocate = |resources: &mut Vec<Resource>| {
        for part in resources.iter_mut() {
            *part = mesos::resources::to_refined(std::mem::take(part));
            part.allocation_info.get_or_insert_with(|| AllocationInfo { role: Some(role.to_owned()) });
        }
    };
    allocate(&mut task.resources);
    if let Some(executor) = &mut task.executor {
        allocate(&mut executor.resources);
        executor.framework_id.get_or_insert_with(|| framework_id.clone());
    }
}

/// As whom a task runs.
fn user(task: &TaskInfo, framework: &mesos::FrameworkInfo) -> Option<String> {
    let of_executor = task.executor.as_ref().and_then(|executor| executor.command.as_ref());
    let command = task.command.as_ref().or(of_executor);
    command.and_then(|command| command.user.clone()).or_else(|| Some(framework.user.clone()))
}
