//! Agents come, come back, fall silent, and leave (reference section 4.6).

use std::collections::{BTreeMap, BTreeSet};

use mesos::scheduler::{Event, Failure, Update};
use mesos::time::TimeInfo;
use mesos::{AgentID, AgentInfo, FrameworkID, FrameworkInfo, Reason, Resources, Task, TaskID, TaskState, TaskStatus};

use super::framework::{Connection, Framework, LiveTask};
use super::{Agent, Core, Effect, Link, LinkId, MAX_UNREACHABLE_AGENTS, Now, seconds, tasks};
use crate::link::{FromAgent, Registration, ToAgent};

/// What the master knew of an agent that registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    New,
    Known,
    Unreachable,
    /// It has an ID of a master before this one.
    Unknown,
}

impl Core {
    /// An agent opened `link`, for the first time or again.
    pub(in crate::master) fn register(&mut self, now: Now, link: LinkId, registration: Registration) {
        if registration.agent.id.as_ref().is_some_and(|id| self.gone.contains(id)) {
            let command = Box::new(ToAgent::Shutdown { message: "Agent has been marked gone".to_owned() });
            self.effects.push(Effect::Command { link: link.clone(), command });
            self.effects.push(Effect::EndLink { link });
            return;
        }
        let (past, agent_id) = match registration.agent.id.clone().filter(|id| !id.value.is_empty()) {
            None => (Past::New, self.new_agent_id()),
            Some(id) if self.agents.contains_key(&id) => (Past::Known, id),
            Some(id) if self.unreachable.remove(&id).is_some() => (Past::Unreachable, id),
            Some(id) => (Past::Unknown, id),
        };
        if past == Past::New {
            self.counters.agent_registrations += 1;
            self.replace_same_address(now, &registration);
        } else {
            self.counters.agent_reregistrations += 1;
        }
        self.recover_frameworks(now, &registration);
        self.put_agent(now, &agent_id, &link, &registration);
        self.restore_executors(&agent_id, &registration);
        let missing = self.missing_tasks(&agent_id, &registration);
        self.restore_tasks(now, &agent_id, past, registration.tasks);
        tracing::info!("agent {agent_id} at {} is registered", registration.agent.hostname);
        self.welcome(&agent_id, &registration.frameworks, missing);
        self.allocate(now);
    }

    fn new_agent_id(&mut self) -> AgentID {
        let id = format!("{}-S{}", self.settings.info.id, self.next_agent);
        self.next_agent += 1;
        id.into()
    }

    /// An agent without an ID at the address of one that is known: that one is no more.
    fn replace_same_address(&mut self, now: Now, registration: &Registration) {
        let same = |agent: &Agent| agent.ip == registration.ip && agent.info.port == registration.agent.port;
        let replaced: Vec<_> = self.agents.iter().filter(|(_, agent)| same(agent)).map(|(id, _)| id.clone()).collect();
        for agent_id in replaced {
            self.agent_removed(now, &agent_id, "a new agent registered at the same address");
        }
    }

    /// Frameworks that a new master knows from their agents first.
    fn recover_frameworks(&mut self, now: Now, registration: &Registration) {
        for info in &registration.frameworks {
            let Some(id) = info.id.clone() else { continue };
            let is_over = self.completed.iter().any(|framework| *framework.id() == id);
            if !is_over && !self.frameworks.contains_key(&id) {
                self.frameworks.insert(id, Framework::new(info.clone(), Connection::Recovered, now));
            }
        }
    }

    fn put_agent(&mut self, now: Now, agent_id: &AgentID, link: &str, registration: &Registration) {
        self.drop_link(agent_id, link);
        self.rescind_where(|open| open.offer.agent_id == *agent_id);
        let before = self.agents.remove(agent_id);
        let agent = Agent {
            info: AgentInfo { id: Some(agent_id.clone()), ..registration.agent.clone() },
            ip: registration.ip.clone(),
            version: registration.version.clone(),
            capabilities: registration.capabilities.clone(),
            link: Link::Up { id: link.to_owned(), unanswered: 0 },
            registered: before.as_ref().map_or(now, |before| before.registered),
            reregistered: registration.agent.id.is_some().then_some(now),
            total: Resources::from(&registration.agent.resources).unallocated(),
            offered: Resources::new(),
            used: Resources::new(),
            executors: BTreeMap::new(),
        };
        self.agents.insert(agent_id.clone(), agent);
    }

    /// Ends the link that the agent had before `link`.
    fn drop_link(&mut self, agent_id: &AgentID, link: &str) {
        let old = self.agents.get(agent_id).and_then(Agent::link).filter(|old| *old != link).map(str::to_owned);
        if let Some(link) = old {
            self.effects.push(Effect::EndLink { link });
        }
    }

    fn restore_executors(&mut self, agent_id: &AgentID, registration: &Registration) {
        let Some(agent) = self.agents.get_mut(agent_id) else { return };
        for executor in &registration.executors {
            let Some(framework_id) = executor.framework_id.clone() else { continue };
            if self.frameworks.contains_key(&framework_id) {
                agent.used.add(&Resources::from(&executor.resources));
                agent.executors.insert((framework_id, executor.executor_id.clone()), executor.clone());
            }
        }
    }

    /// The tasks that the agent should have and did not name, by framework. They keep their resources until it has
    /// answered for them; those that are over have been acknowledged meanwhile.
    fn missing_tasks(&mut self, agent_id: &AgentID, registration: &Registration) -> Vec<(FrameworkID, Vec<TaskID>)> {
        let told: BTreeSet<_> = registration.tasks.iter().map(|task| (&task.framework_id, &task.task_id)).collect();
        let (mut missing, mut over, mut used) = (Vec::new(), Vec::new(), Resources::new());
        for (framework_id, framework) in &self.frameworks {
            let own = framework.tasks.iter().filter(|(_, live)| live.task.agent_id == *agent_id);
            let mut asked = Vec::new();
            for (task_id, live) in own.filter(|(task_id, _)| !told.contains(&(framework_id, *task_id))) {
                if live.task.state.is_terminal() {
                    over.push((framework_id.clone(), task_id.clone()));
                } else {
                    used.add(&Resources::from(&live.task.resources));
                    asked.push(task_id.clone());
                }
            }
            if !asked.is_empty() {
                missing.push((framework_id.clone(), asked));
            }
        }
        for (framework_id, task_id) in over {
            self.complete_task(&framework_id, &task_id);
        }
        if let Some(agent) = self.agents.get_mut(agent_id) {
            agent.used.add(&used);
        }
        missing
    }

    /// Takes over what the agent says of its tasks, and tells schedulers of those that were given up.
    fn restore_tasks(&mut self, now: Now, agent_id: &AgentID, past: Past, told: Vec<Task>) {
        for task in told {
            let framework_id = task.framework_id.clone();
            let Some(framework) = self.frameworks.get_mut(&framework_id) else { continue };
            framework.unreachable_tasks.remove(&task.task_id);
            let kill = framework.tasks.remove(&task.task_id).and_then(|live| live.kill);
            let task = Task { agent_id: agent_id.clone(), ..task };
            if !task.state.is_terminal()
                && let Some(agent) = self.agents.get_mut(agent_id)
            {
                agent.used.add(&Resources::from(&task.resources));
            }
            if let Some(message) = returned(past) {
                let status = tasks::status(now, &task, task.state, Reason::AgentReregistered);
                self.send(&framework_id, update(TaskStatus { message: Some(message.to_owned()), ..status }));
            }
            if let Some(framework) = self.frameworks.get_mut(&framework_id) {
                framework.tasks.insert(task.task_id.clone(), LiveTask { task, kill });
            }
        }
    }

    /// What an agent hears when it has registered.
    fn welcome(&mut self, agent_id: &AgentID, frameworks: &[FrameworkInfo], missing: Vec<(FrameworkID, Vec<TaskID>)>) {
        let timeout = self.settings.agent_ping_timeout * self.settings.max_agent_ping_timeouts;
        let registered = ToAgent::Registered { agent_id: agent_id.clone(), timeout_seconds: timeout.as_secs_f64() };
        let mut commands = vec![registered];
        for framework_id in frameworks.iter().filter_map(|info| info.id.clone()) {
            match self.frameworks.get(&framework_id) {
                None => commands.push(ToAgent::ShutdownFramework { framework_id }),
                Some(framework) if framework.stream().is_some() => {
                    commands.push(ToAgent::UpdateFramework { framework: Box::new(framework.info.clone()) });
                }
                Some(_) => {}
            }
        }
        commands.extend(missing.into_iter().map(|(framework_id, tasks)| ToAgent::Reconcile { framework_id, tasks }));
        for (framework_id, framework) in &self.frameworks {
            let own = framework.tasks.iter().filter(|(_, live)| live.task.agent_id == *agent_id);
            for (task_id, live) in own.filter(|(_, live)| !live.task.state.is_terminal()) {
                if let Some(kill_policy) = live.kill.clone() {
                    let (framework_id, task_id) = (framework_id.clone(), task_id.clone());
                    commands.push(ToAgent::KillTask { framework_id, task_id, kill_policy });
                }
            }
        }
        for command in commands {
            self.command(agent_id, command);
        }
    }

    /// An agent said something on `link`. Returns whether that link is one.
    pub(in crate::master) fn agent_message(&mut self, now: Now, link: &str, message: FromAgent) -> bool {
        let agent = self.agents.iter_mut().find(|(_, agent)| agent.link() == Some(link));
        let Some((agent_id, agent)) = agent else { return false };
        let agent_id = agent_id.clone();
        match message {
            FromAgent::Pong => agent.link = Link::Up { id: link.to_owned(), unanswered: 0 },
            FromAgent::Update { framework_id, status, latest_state } => {
                self.update(now, &agent_id, &framework_id, *status, latest_state);
            }
            FromAgent::Message { framework_id, executor_id, data } => {
                let message = mesos::scheduler::Message { agent_id, executor_id, data };
                self.send(&framework_id, Event::Message(message));
            }
            FromAgent::ExecutorExited { framework_id, executor_id, status } => {
                self.executor_exited(now, &agent_id, &framework_id, executor_id, status);
            }
            FromAgent::Unregister => self.agent_removed(now, &agent_id, "agent unregistered"),
        }
        true
    }

    /// A link ended from outside. The agent has the time of its pings to come back; its tasks go on. A real master gives
    /// up at once those of frameworks that do not checkpoint; here their executors, which end with their agent, are
    /// missed when it registers again, so that a connection that merely broke costs no task.
    pub(in crate::master) fn link_closed(&mut self, now: Now, link: &str) {
        let agent = self.agents.iter_mut().find(|(_, agent)| agent.link() == Some(link));
        let Some((agent_id, agent)) = agent else { return };
        let agent_id = agent_id.clone();
        let patience = self.settings.agent_ping_timeout * self.settings.max_agent_ping_timeouts;
        tracing::info!("agent {agent_id} is disconnected; it counts as unreachable in {} s", patience.as_secs());
        agent.link = Link::Down { removal: now + patience };
        self.rescind_where(|open| open.offer.agent_id == agent_id);
    }

    /// An agent stayed away too long.
    pub(super) fn agent_unreachable(&mut self, now: Now, agent_id: &AgentID) {
        tracing::warn!("agent {agent_id} is unreachable");
        self.counters.agent_unreachable += 1;
        self.unreachable.insert(agent_id.clone(), now);
        while self.unreachable.len() > MAX_UNREACHABLE_AGENTS {
            let oldest = self.unreachable.iter().min_by_key(|(_, at)| **at).map(|(id, _)| id.clone());
            oldest.map(|id| self.unreachable.remove(&id));
        }
        self.forget_agent(now, agent_id, TaskState::Unreachable, "health check timed out");
    }

    /// An agent is gone for good.
    fn agent_removed(&mut self, now: Now, agent_id: &AgentID, why: &str) {
        tracing::info!("agent {agent_id} is removed: {why}");
        self.counters.agent_removals += 1;
        let state = if self.gone.contains(agent_id) { TaskState::GoneByOperator } else { TaskState::Lost };
        self.forget_agent(now, agent_id, state, why);
    }

    /// An operator says that an agent, known or lost, is gone for good: it is shut down, now or when it comes back. Returns
    /// whether there is or was such an agent.
    pub(in crate::master) fn mark_gone(&mut self, now: Now, agent_id: &AgentID) -> bool {
        if self.gone.contains(agent_id) {
            return true;
        }
        let was_lost = self.unreachable.remove(agent_id).is_some();
        if !was_lost && !self.agents.contains_key(agent_id) {
            return false;
        }
        self.gone.insert(agent_id.clone());
        // Tasks that were out of reach share the end of those that are not.
        for framework in self.frameworks.values_mut() {
            let lost = framework.unreachable_tasks.extract_if(.., |_, task| task.agent_id == *agent_id);
            framework.tasks.extend(lost.map(|(id, task)| (id, LiveTask { task, kill: None })).collect::<Vec<_>>());
        }
        self.command(agent_id, ToAgent::Shutdown { message: "Agent has been marked gone".to_owned() });
        self.agent_removed(now, agent_id, "agent marked gone by operator");
        true
    }

    /// Takes an agent off the books: its offers are rescinded, its tasks become `state`, frameworks are told, and nobody's
    /// refusal of its resources outlives it (reference section 3.9).
    fn forget_agent(&mut self, now: Now, agent_id: &AgentID, state: TaskState, message: &str) {
        self.rescind_where(|open| open.offer.agent_id == *agent_id);
        if let Some(link) = self.agents.get(agent_id).and_then(Agent::link).map(str::to_owned) {
            self.effects.push(Effect::EndLink { link });
        }
        self.agents.remove(agent_id);
        for framework in self.frameworks.values_mut() {
            framework.filters.retain(|filter| filter.agent_id != *agent_id);
        }
        let ids: Vec<FrameworkID> = self.frameworks.keys().cloned().collect();
        for framework_id in ids {
            self.lose_tasks(now, &framework_id, agent_id, state, message);
            let failure = Failure { agent_id: Some(agent_id.clone()), ..Failure::default() };
            self.send(&framework_id, Event::Failure(failure));
        }
    }

    fn lose_tasks(
        &mut self,
        now: Now,
        framework_id: &FrameworkID,
        agent_id: &AgentID,
        state: TaskState,
        message: &str,
    ) {
        let (max_completed, max_unreachable) = (self.settings.max_completed_tasks, self.settings.max_unreachable_tasks);
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let shown = framework.state_or_lost(state);
        let mut events = Vec::new();
        let lost: Vec<TaskID> = framework
            .tasks
            .iter()
            .filter(|(_, live)| live.task.agent_id == *agent_id)
            .map(|(id, _)| id.clone())
            .collect();
        for task_id in lost {
            let Some(LiveTask { mut task, .. }) = framework.tasks.remove(&task_id) else { continue };
            if task.state.is_terminal() {
                framework.complete(task, max_completed);
                continue;
            }
            let mut status = tasks::status(now, &task, shown, removal_reason(state));
            (status.healthy, status.check_status, status.container_status) = (None, None, None);
            status.message = Some(message.to_owned());
            if state == TaskState::Unreachable {
                status.unreachable_time = Some(TimeInfo::from_seconds(seconds(now)));
            }
            task.state = shown;
            task.statuses.push(status.clone());
            events.push(update(status));
            if state == TaskState::Unreachable {
                framework.unreachable_tasks.insert(task_id, task);
                while framework.unreachable_tasks.len() > max_unreachable {
                    framework.unreachable_tasks.pop_first();
                }
            } else {
                framework.complete(task, max_completed);
            }
        }
        for event in events {
            self.count_end(shown);
            self.send(framework_id, event);
        }
    }
}

/// What schedulers are told of tasks whose agent they were told to be lost, or did not know to be there.
fn returned(past: Past) -> Option<&'static str> {
    match past {
        Past::New | Past::Known => None,
        Past::Unreachable => Some("Unreachable agent re-reregistered"),
        Past::Unknown => Some("Unknown agent reregistered"),
    }
}

/// Why a task of an agent that is no more came to `state`.
fn removal_reason(state: TaskState) -> Reason {
    match state {
        TaskState::GoneByOperator => Reason::AgentRemovedByOperator,
        _ => Reason::AgentRemoved,
    }
}

fn update(status: TaskStatus) -> Event {
    Event::Update(Update { status })
}
