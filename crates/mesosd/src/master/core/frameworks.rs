//! Frameworks come, fail over, go away for a while, and end (reference sections 3.4 and 3.5).

use std::time::Duration;

use mesos::scheduler::{ErrorMessage, Event, Subscribe, Subscribed};
use mesos::{AgentID, FrameworkID, FrameworkInfo, Reason, Source, TaskState};

use super::framework::{Connection, Framework};
use super::{Core, Effect, HEARTBEAT, Now, StreamId, role};
use crate::link::ToAgent;

impl Core {
    /// A scheduler opened `stream`. It gets SUBSCRIBED on it, or an ERROR and the end.
    pub(in crate::master) fn subscribe(&mut self, now: Now, stream: StreamId, subscribe: Subscribe) {
        let mut info = subscribe.framework_info;
        info.id = info.id.filter(|id| !id.value.is_empty());
        let refusal =
            self.refuse_subscription(&info, &subscribe.suppressed_roles, subscribe.offer_constraints.is_some());
        if let Some(message) = refusal {
            self.fail_stream(stream, message);
            return;
        }
        let framework_id = match info.id.clone() {
            Some(id) => id,
            None => self.new_framework_id(),
        };
        info.id = Some(framework_id.clone());
        self.admit(now, &stream, &framework_id, info);
        if let Some(framework) = self.frameworks.get_mut(&framework_id) {
            framework.suppressed = subscribe.suppressed_roles.into_iter().collect();
        }
        let subscribed = Event::Subscribed(Subscribed {
            framework_id: framework_id.clone(),
            heartbeat_interval_seconds: Some(HEARTBEAT.as_secs_f64()),
            master_info: Some(self.settings.info.clone()),
        });
        self.send(&framework_id, subscribed);
        self.send(&framework_id, Event::Heartbeat);
        self.update_agents(&framework_id);
        self.allocate(now);
    }

    fn refuse_subscription(
        &self,
        info: &FrameworkInfo,
        suppressed: &[String],
        has_constraints: bool,
    ) -> Option<String> {
        if let Some(message) = role::refuse(info, &self.settings.roles, self.settings.root_submissions) {
            return Some(message);
        }
        if let Some(id) = &info.id
            && self.completed.iter().any(|framework| framework.id() == id)
        {
            return Some("Framework has been removed".to_owned());
        }
        let roles = info.subscribed_roles();
        let strangers: Vec<_> = suppressed.iter().filter(|role| !roles.contains(&role.as_str())).cloned().collect();
        if !strangers.is_empty() {
            return Some(format!(
                "Suppressed roles {{ {} }} are not contained in the set of roles",
                strangers.join(", ")
            ));
        }
        if has_constraints {
            return Some("Offer constraints are not supported by this master".to_owned());
        }
        let known = info.id.as_ref().and_then(|id| self.frameworks.get(id));
        if known.is_some_and(|known| known.info.principal != info.principal) {
            return Some("Changing framework's principal is not allowed.".to_owned());
        }
        None
    }

    fn new_framework_id(&mut self) -> FrameworkID {
        let id = format!("{}-{:04}", self.settings.info.id, self.next_framework);
        self.next_framework += 1;
        id.into()
    }

    /// Puts the framework on `stream`, and off the one it was on.
    fn admit(&mut self, now: Now, stream: &str, framework_id: &FrameworkID, info: FrameworkInfo) {
        let connection = Connection::Connected { stream: stream.to_owned() };
        let Some(framework) = self.frameworks.get(framework_id) else {
            self.frameworks.insert(framework_id.clone(), Framework::new(info, connection, now));
            return;
        };
        if let Some(old) = framework.stream().map(str::to_owned) {
            self.fail_stream(old, "Framework failed over".to_owned());
        }
        for offer_id in self.offers_where(|open| open.offer.framework_id == *framework_id) {
            self.remove_offer(&offer_id);
        }
        let framework = self.frameworks.get_mut(framework_id).expect("looked up above");
        // A framework cannot change these once it is known (section 3.4).
        let (user, checkpoint) = (framework.info.user.clone(), framework.info.checkpoint);
        framework.info = FrameworkInfo { user, checkpoint, ..info };
        framework.connection = connection;
        framework.reregistered = Some(now);
        framework.filters.clear();
    }

    fn fail_stream(&mut self, stream: StreamId, message: String) {
        let event = Box::new(Event::Error(ErrorMessage { message }));
        self.effects.push(Effect::Event { stream: stream.clone(), event });
        self.effects.push(Effect::EndStream { stream });
    }

    /// Tells the agents that run something of the framework who it is now; they send unacknowledged updates again.
    pub(super) fn update_agents(&mut self, framework_id: &FrameworkID) {
        let Some(framework) = self.frameworks.get(framework_id) else { return };
        let info = framework.info.clone();
        for agent_id in self.agents_of(framework_id) {
            self.command(&agent_id, ToAgent::UpdateFramework { framework: Box::new(info.clone()) });
        }
    }

    /// The agents that run something of the framework.
    fn agents_of(&self, framework_id: &FrameworkID) -> Vec<AgentID> {
        let tasks = self.frameworks.get(framework_id).map(|framework| &framework.tasks);
        let runs_task = |id: &AgentID| tasks.is_some_and(|tasks| tasks.values().any(|live| live.task.agent_id == *id));
        let agents = self.agents.iter();
        let agents = agents.filter(|(id, agent)| runs_task(id) || agent.executors_of(framework_id).next().is_some());
        agents.map(|(id, _)| id.clone()).collect()
    }

    /// A scheduler's stream ended from outside. Its framework lives on for its failover timeout.
    pub(in crate::master) fn stream_closed(&mut self, now: Now, stream: &str) {
        let Some(framework_id) = self.framework_of(stream).cloned() else { return };
        for offer_id in self.offers_where(|open| open.offer.framework_id == framework_id) {
            self.remove_offer(&offer_id);
        }
        let framework = self.frameworks.get_mut(&framework_id).expect("framework_of gives a key of the map");
        let timeout = Duration::try_from_secs_f64(framework.info.failover_timeout).unwrap_or(Duration::MAX);
        framework.filters.clear();
        if timeout.is_zero() {
            self.remove_framework(now, &framework_id);
            return;
        }
        tracing::info!("framework {framework_id} is disconnected; it is removed in {} s", timeout.as_secs());
        framework.connection = Connection::Disconnected { removal: now.saturating_add(timeout) };
        self.recovered(now);
    }

    /// Ends a framework: its executors are shut down, its tasks killed, its ID never accepted again.
    pub(in crate::master) fn remove_framework(&mut self, now: Now, framework_id: &FrameworkID) {
        for agent_id in self.agents_of(framework_id) {
            self.command(&agent_id, ToAgent::ShutdownFramework { framework_id: framework_id.clone() });
        }
        for offer_id in self.offers_where(|open| open.offer.framework_id == *framework_id) {
            self.remove_offer(&offer_id);
        }
        let Some(mut framework) = self.frameworks.remove(framework_id) else { return };
        tracing::info!("framework {framework_id} is removed");
        if let Some(stream) = framework.stream() {
            self.effects.push(Effect::EndStream { stream: stream.to_owned() });
        }
        for live in std::mem::take(&mut framework.tasks).into_values() {
            let mut task = live.task;
            if !task.state.is_terminal() {
                self.release(&task);
                task.state = TaskState::Killed;
                let mut status = super::tasks::status(now, &task, TaskState::Killed, Reason::FrameworkRemoved);
                (status.message, status.source) = (Some("Framework removed".to_owned()), Some(Source::Master));
                task.statuses.push(status);
                self.count_end(TaskState::Killed);
            }
            framework.complete(task, self.settings.max_completed_tasks);
        }
        for agent in self.agents.values_mut() {
            let executors: Vec<_> = agent.executors_of(framework_id).map(|info| info.executor_id.clone()).collect();
            for executor_id in executors {
                agent.remove_executor(framework_id, &executor_id);
            }
        }
        framework.connection = Connection::Completed { at: now };
        self.completed.push_back(framework);
        while self.completed.len() > self.settings.max_completed_frameworks {
            self.completed.pop_front();
        }
        self.recovered(now);
    }
}
