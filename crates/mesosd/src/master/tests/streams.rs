//! Our clients of the Mesos API against our master, with an agent that is only a link.

use std::time::Duration;

use mesos::http::Http;
use mesos::scheduler::client::{self, Notice, Notices};
use mesos::scheduler::{Event, ReconcileTask};
use mesos::{
    AgentInfo, Bytes, CommandInfo, ExecutorInfo, FrameworkInfo, Operation, TaskInfo, TaskState, TaskStatus, json,
};

use super::Running;
use crate::link::{FromAgent, LINK_ID, MESSAGES_PATH, PATH, Registration, ToAgent};

const SOON: Duration = Duration::from_secs(10);

/// The next event that `wanted` says yes to.
async fn wait_for<T>(notices: &mut Notices, wanted: impl Fn(Event) -> Option<T>) -> T {
    let found = async {
        loop {
            match notices.next().await.expect("the stream goes on") {
                Notice::Event(event) => {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                Notice::Disconnected { reason } => panic!("disconnected: {reason}"),
            }
        }
    };
    tokio::time::timeout(SOON, found).await.expect("it comes soon")
}

fn framework() -> FrameworkInfo {
    FrameworkInfo {
        user: "root".to_owned(),
        name: "test".to_owned(),
        failover_timeout: 60.0,
        ..FrameworkInfo::default()
    }
}

/// An agent that says what the test has it say.
struct Link {
    http: Http,
    address: String,
    id: String,
    commands: mesos::http::Records,
}

impl Link {
    async fn open(address: &str, registration: &Registration) -> Self {
        let http = Http::default();
        let answer =
            http.post(&format!("http://{address}{PATH}"), None, json::to_vec(registration), SOON).await.unwrap();
        let id = answer.header(LINK_ID).to_owned();
        Self { http, address: address.to_owned(), id, commands: answer.records() }
    }

    async fn next(&mut self) -> ToAgent {
        self.commands.next(SOON).await.unwrap()
    }

    async fn say(&self, message: &FromAgent) -> u16 {
        let uri = format!("http://{}{MESSAGES_PATH}", self.address);
        let header = http::HeaderName::from_static(LINK_ID);
        self.http.post(&uri, Some((header, &self.id)), json::to_vec(message), SOON).await.unwrap().status.as_u16()
    }
}

fn agent() -> Registration {
    let resources = mesos::resources::parse_resources("cpus:4;mem:1024").unwrap();
    let agent = AgentInfo { hostname: "agent".to_owned(), resources, ..AgentInfo::default() };
    Registration { agent, ip: "127.0.0.1".to_owned(), version: "1.12.0".to_owned(), ..Registration::default() }
}

#[tokio::test]
async fn a_task_is_launched_reported_acknowledged_and_reconciled() {
    let running = Running::start(&[]).await;
    let mut link = Link::open(&running.address, &agent()).await;
    let ToAgent::Registered { agent_id, .. } = link.next().await else { panic!("not registered") };
    let (master, mut notices) = client::connect(running.address.parse().unwrap(), framework());
    let offer = wait_for(&mut notices, |event| match event {
        Event::Offers(mut offers) => offers.offers.pop(),
        _ => None,
    })
    .await;
    let task = TaskInfo {
        name: "t".to_owned(),
        task_id: "t".into(),
        agent_id: agent_id.clone(),
        resources: mesos::resources::parse_resources("cpus:1;mem:64").unwrap(),
        executor: Some(ExecutorInfo {
            executor_id: "e".into(),
            command: Some(CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() }),
            ..ExecutorInfo::default()
        }),
        ..TaskInfo::default()
    };
    master.accept(vec![offer.id], vec![Operation::launch(vec![task])], None).await.unwrap();
    let ToAgent::RunTask(run) = link.next().await else { panic!("no task") };
    let framework_id = run.framework.id.clone().unwrap();
    assert_eq!(master.framework_id().as_ref(), Some(&framework_id));
    let status = TaskStatus {
        task_id: "t".into(),
        state: TaskState::Running,
        agent_id: Some(agent_id),
        uuid: Some(Bytes::uuid()),
        ..TaskStatus::default()
    };
    let latest_state = TaskState::Running;
    let update =
        FromAgent::Update { framework_id: framework_id.clone(), status: Box::new(status.clone()), latest_state };
    assert_eq!(link.say(&update).await, 202);
    let told = wait_for(&mut notices, |event| match event {
        Event::Update(update) => Some(update.status),
        _ => None,
    })
    .await;
    assert_eq!(told, status);
    master.acknowledge(&told).await.unwrap();
    let acknowledged = ToAgent::Acknowledge { framework_id, task_id: "t".into(), uuid: status.uuid.clone().unwrap() };
    assert_eq!(link.next().await, acknowledged);
    master.reconcile(vec![ReconcileTask::from(&status)]).await.unwrap();
    let known = wait_for(&mut notices, |event| match event {
        Event::Update(update) => Some(update.status),
        _ => None,
    })
    .await;
    assert_eq!((known.state, known.uuid), (TaskState::Running, None));
}

#[tokio::test]
async fn a_scheduler_that_loses_its_stream_subscribes_again_by_its_id() {
    let running = Running::start(&[]).await;
    let (master, mut notices) = client::connect(running.address.parse().unwrap(), framework());
    let subscribed = |event| match event {
        Event::Subscribed(subscribed) => Some(subscribed.framework_id),
        _ => None,
    };
    let first = wait_for(&mut notices, subscribed).await;
    running.server.hang_up();
    let Some(Notice::Disconnected { .. }) = tokio::time::timeout(SOON, notices.next()).await.unwrap() else {
        panic!("the end of the stream goes unnoticed")
    };
    assert!(matches!(master.revive(Vec::new()).await, Err(client::CallError::Disconnected { .. })));
    assert_eq!(wait_for(&mut notices, subscribed).await, first);
    master.revive(Vec::new()).await.unwrap();
}

#[tokio::test]
async fn the_older_of_two_schedulers_hears_why_it_is_over() {
    let running = Running::start(&[]).await;
    let (_, mut old) = client::connect(running.address.parse().unwrap(), framework());
    let id = wait_for(&mut old, |event| match event {
        Event::Subscribed(subscribed) => Some(subscribed.framework_id),
        _ => None,
    })
    .await;
    let (_master, _new) =
        client::connect(running.address.parse().unwrap(), FrameworkInfo { id: Some(id), ..framework() });
    let reason = wait_for(&mut old, |event| match event {
        Event::Error(error) => Some(error.message),
        _ => None,
    })
    .await;
    assert_eq!(reason, "Framework failed over");
    assert!(old.next().await.is_none(), "an error is the last notice");
}

#[tokio::test]
async fn an_agent_whose_connection_ends_is_known_to_be_away() {
    let running = Running::start(&[]).await;
    let mut link = Link::open(&running.address, &agent()).await;
    assert!(matches!(link.next().await, ToAgent::Registered { .. }));
    assert_eq!(link.say(&FromAgent::Pong).await, 202);
    let Link { http, address, id, commands } = link;
    drop(commands);
    let away = async {
        while running.server.read(|core, _| core.agents.values().any(|agent| agent.link().is_some())) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, away).await.expect("the master notices");
    let uri = format!("http://{address}{MESSAGES_PATH}");
    let header = http::HeaderName::from_static(LINK_ID);
    let answer = http.post(&uri, Some((header, &id)), json::to_vec(&FromAgent::Pong), SOON).await.unwrap();
    assert_eq!(answer.status.as_u16(), 404, "that link is over");
}
