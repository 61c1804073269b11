//! The core against what a real master did, without IO.

use std::time::Duration;

use mesos::executor::ExecutorType;
use mesos::framework::FrameworkCapabilityType;
use mesos::resources::parse_resources;
use mesos::scheduler::{
    Accept, Acknowledge, Action, Call, Decline, Event, Kill, Reconcile, ReconcileTask, Roles, Subscribe,
};
use mesos::{
    AgentInfo, Bytes, CommandInfo, ExecutorInfo, Filters, FrameworkID, FrameworkInfo, MasterInfo, Offer, Operation,
    Reason, Task, TaskID, TaskInfo, TaskState, TaskStatus,
};

use super::{Core, Effect, Now, Refusal, Settings};
use crate::link::{FromAgent, Registration, ToAgent};

mod agents;
mod launches;
mod offers;
mod random;
mod subscriptions;

const MASTER: &str = "11111111-1111-4111-8111-111111111111";

/// A core with a clock, and what it did since the last look.
struct World {
    core: Core,
    now: Now,
    streams: u32,
}

impl World {
    fn new() -> Self {
        let info = MasterInfo { id: MASTER.to_owned(), ..MasterInfo::default() };
        let settings = Settings {
            info,
            roles: Vec::new(),
            root_submissions: true,
            allocation_interval: Duration::from_secs(1),
            offer_timeout: None,
            agent_ping_timeout: Duration::from_secs(15),
            max_agent_ping_timeouts: 5,
            agent_reregister_timeout: Duration::from_mins(10),
            max_completed_frameworks: 50,
            max_completed_tasks: 1000,
            max_unreachable_tasks: 1000,
        };
        let now = Duration::from_secs(1_700_000_000);
        Self { core: Core::new(settings, now), now, streams: 0 }
    }

    /// Lets time pass, deadline after deadline.
    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.core.next_deadline() <= end {
            self.now = self.now.max(self.core.next_deadline());
            self.core.time_passed(self.now);
        }
        self.now = end;
    }

    /// Subscribes on a new stream; gives its name and what the core did.
    fn subscribe(&mut self, info: FrameworkInfo) -> (String, Vec<Effect>) {
        self.streams += 1;
        let stream = format!("stream-{}", self.streams);
        let subscribe = Subscribe { framework_info: info, ..Subscribe::default() };
        self.core.subscribe(self.now, stream.clone(), subscribe);
        (stream, self.core.take_effects())
    }

    /// Subscribes, and expects that to succeed.
    fn framework(&mut self, info: FrameworkInfo) -> (String, FrameworkID, Vec<Event>) {
        let (stream, effects) = self.subscribe(info);
        let events = events(&effects, &stream);
        let Some(Event::Subscribed(subscribed)) = events.first() else { panic!("not subscribed: {events:?}") };
        (stream, subscribed.framework_id.clone(), events)
    }

    fn register(&mut self, link: &str, registration: Registration) -> Vec<Effect> {
        self.core.register(self.now, link.to_owned(), registration);
        self.core.take_effects()
    }

    fn call(&mut self, stream: &str, framework_id: &FrameworkID, action: Action) -> Vec<Effect> {
        let call = Call { framework_id: Some(framework_id.clone()), action };
        self.core.call(self.now, Some(stream), call).expect("the call fits");
        self.core.take_effects()
    }

    fn says(&mut self, link: &str, message: FromAgent) -> Vec<Effect> {
        assert!(self.core.agent_message(self.now, link, message), "the link is one");
        self.core.take_effects()
    }

    /// An update of a task that `link`'s agent sends.
    fn update(
        &mut self,
        link: &str,
        framework_id: &FrameworkID,
        task_id: &str,
        state: TaskState,
    ) -> (Bytes, Vec<Effect>) {
        let uuid = Bytes::uuid();
        let status = TaskStatus {
            task_id: task_id.into(),
            state,
            uuid: Some(uuid.clone()),
            healthy: Some(true),
            ..TaskStatus::default()
        };
        let framework_id = framework_id.clone();
        (uuid, self.says(link, FromAgent::Update { framework_id, status: Box::new(status), latest_state: state }))
    }

    fn acknowledge(&mut self, stream: &str, framework_id: &FrameworkID, task: &Task, uuid: Bytes) -> Vec<Effect> {
        let (agent_id, task_id) = (task.agent_id.clone(), task.task_id.clone());
        self.call(stream, framework_id, Action::Acknowledge(Acknowledge { agent_id, task_id, uuid }))
    }

    fn launch(&mut self, stream: &str, offer: &Offer, tasks: Vec<TaskInfo>) -> Vec<Effect> {
        let accept = Accept {
            offer_ids: vec![offer.id.clone()],
            operations: vec![Operation::launch(tasks)],
            filters: Some(Filters { refuse_seconds: 0.0 }),
        };
        self.call(stream, &offer.framework_id.clone(), Action::Accept(accept))
    }

    fn task(&self, framework_id: &FrameworkID, task_id: &str) -> Option<Task> {
        let framework = self.core.frameworks.get(framework_id)?;
        framework.tasks.get(&TaskID::from(task_id)).map(|live| live.task.clone())
    }
}

fn events(effects: &[Effect], stream: &str) -> Vec<Event> {
    let own = effects.iter().filter_map(|effect| match effect {
        Effect::Event { stream: of, event } if of == stream => Some((**event).clone()),
        _ => None,
    });
    own.collect()
}

fn offers(effects: &[Effect], stream: &str) -> Vec<Offer> {
    let own = events(effects, stream).into_iter().filter_map(|event| match event {
        Event::Offers(offers) => Some(offers.offers),
        _ => None,
    });
    own.flatten().collect()
}

fn statuses(effects: &[Effect], stream: &str) -> Vec<TaskStatus> {
    let own = events(effects, stream).into_iter().filter_map(|event| match event {
        Event::Update(update) => Some(update.status),
        _ => None,
    });
    own.collect()
}

fn rescinded(effects: &[Effect], stream: &str) -> usize {
    events(effects, stream).iter().filter(|event| matches!(event, Event::Rescind(_))).count()
}

fn commands(effects: &[Effect], link: &str) -> Vec<ToAgent> {
    let own = effects.iter().filter_map(|effect| match effect {
        Effect::Command { link: to, command } if to == link => Some((**command).clone()),
        _ => None,
    });
    own.collect()
}

/// A framework as k8sm's scheduler is one.
fn info(roles: &[&str]) -> FrameworkInfo {
    let capabilities = [
        FrameworkCapabilityType::MultiRole,
        FrameworkCapabilityType::PartitionAware,
        FrameworkCapabilityType::ReservationRefinement,
    ];
    FrameworkInfo {
        user: "root".to_owned(),
        name: "test".to_owned(),
        failover_timeout: 600.0,
        checkpoint: true,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        capabilities: capabilities.map(Into::into).to_vec(),
        ..FrameworkInfo::default()
    }
}

/// An agent at a port of its own, so that it is no other's successor.
fn agent(port: i32, resources: &str) -> Registration {
    let agent = AgentInfo {
        hostname: format!("agent{port}"),
        port,
        resources: parse_resources(resources).unwrap(),
        ..AgentInfo::default()
    };
    Registration { agent, ip: "10.0.0.1".to_owned(), version: "1.12.0".to_owned(), ..Registration::default() }
}

fn executor(id: &str) -> ExecutorInfo {
    ExecutorInfo {
        r#type: Some(ExecutorType::Custom),
        executor_id: id.into(),
        command: Some(CommandInfo { value: Some("run".to_owned()), ..CommandInfo::default() }),
        resources: parse_resources("cpus:0.25;mem:128").unwrap(),
        ..ExecutorInfo::default()
    }
}

fn task(id: &str, offer: &Offer, resources: &str) -> TaskInfo {
    TaskInfo {
        name: id.to_owned(),
        task_id: id.into(),
        agent_id: offer.agent_id.clone(),
        resources: parse_resources(resources).unwrap(),
        executor: Some(executor("exec")),
        ..TaskInfo::default()
    }
}

fn reconcile(task_id: &str, agent_id: &str) -> Action {
    let agent_id = (!agent_id.is_empty()).then(|| agent_id.into());
    Action::Reconcile(Reconcile { tasks: vec![ReconcileTask { task_id: task_id.into(), agent_id }] })
}
