//! The clients against a peer that says what the test has it say, byte by byte.

use std::collections::VecDeque;
use std::time::Duration;

use mesos::executor::client::{self as executor_client, Agent};
use mesos::executor::environment::Environment;
use mesos::executor::{CallWire as ExecutorCall, Event as ExecutorEvent};
use mesos::http::{self, Http};
use mesos::scheduler::client::{self as scheduler_client, CallError, Notice};
use mesos::scheduler::{CallWire as SchedulerCall, Event};
use mesos::{FrameworkInfo, TaskState, TaskStatus, json, recordio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(10);

/// Waits for what comes, but not for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it comes soon")
}

/// A peer that takes one connection after the other.
struct Peer(TcpListener);

/// One request, and the connection to answer it on.
struct Request {
    head: String,
    body: Vec<u8>,
    connection: TcpStream,
}

impl Peer {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// The next request on a connection of its own.
    async fn request(&self) -> Request {
        let (connection, _) = soon(self.0.accept()).await.unwrap();
        read(connection).await.expect("a request comes on the connection")
    }
}

/// The next request on `connection`; `None` at its end.
async fn read(mut connection: TcpStream) -> Option<Request> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                let body = body.as_bytes().to_vec();
                return Some(Request { head: head.to_owned(), body, connection });
            }
        }
        match soon(connection.read(&mut buffer)).await.unwrap() {
            0 => return None,
            length => bytes.extend_from_slice(&buffer[..length]),
        }
    }
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// An answer without a body; the connection can be read on.
    async fn answer(mut self, status: &str) -> TcpStream {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        self.connection.write_all(answer.as_bytes()).await.unwrap();
        self.connection
    }

    /// The head of a stream, and its first records in one write.
    async fn stream(mut self, records: &[&str]) -> TcpStream {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: stream-1\r\n\r\n";
        self.connection.write_all(head.as_bytes()).await.unwrap();
        send(&mut self.connection, records).await;
        self.connection
    }
}

/// Records in chunks of three bytes, as no real peer would cut them.
async fn send(connection: &mut TcpStream, records: &[&str]) {
    let bytes: Vec<u8> = records.iter().flat_map(|record| recordio::encode(record.as_bytes())).collect();
    for piece in bytes.chunks(3) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        connection.write_all(&chunk).await.unwrap();
    }
}

fn framework() -> FrameworkInfo {
    FrameworkInfo { user: "root".to_owned(), name: "test".to_owned(), ..FrameworkInfo::default() }
}

const SUBSCRIBED: &str =
    r#"{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"f"},"heartbeat_interval_seconds":15.0}}"#;

#[tokio::test]
async fn a_scheduler_follows_a_redirect_and_calls_the_leader() {
    let (follower, leader) = (Peer::new().await, Peer::new().await);
    let (master, mut notices) = scheduler_client::connect(follower.address().parse().unwrap(), framework());
    let request = follower.request().await;
    assert!(request.head.starts_with("POST /api/v1/scheduler HTTP/1.1"), "{}", request.head);
    let location = format!("307 Temporary Redirect\r\nLocation: //{}/master/api/v1/scheduler", leader.address());
    let _follower = request.answer(&location).await;
    let request = leader.request().await;
    assert_eq!((request.header("content-type"), request.header("mesos-stream-id")), (Some("application/json"), None));
    let call: SchedulerCall = json::from_slice(&request.body).unwrap();
    assert_eq!((call.kind.as_deref(), call.framework_id), (Some("SUBSCRIBE"), None));
    let _stream = request.stream(&[SUBSCRIBED, r#"{"type":"HEARTBEAT"}"#]).await;
    assert!(matches!(soon(notices.next()).await, Some(Notice::Event(Event::Subscribed(_)))));
    let calling = tokio::spawn(async move { master.revive(Vec::new()).await });
    let request = leader.request().await;
    assert_eq!(request.header("mesos-stream-id"), Some("stream-1"));
    let call: SchedulerCall = json::from_slice(&request.body).unwrap();
    assert_eq!((call.kind.as_deref(), call.framework_id.unwrap().as_str()), (Some("REVIVE"), "f"));
    let _connection = request.answer("202 Accepted").await;
    soon(calling).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_scheduler_tries_the_next_master_and_says_who_it_is() {
    let (follower, leader) = (Peer::new().await, Peer::new().await);
    let gone = Peer::new().await.address();
    let masters = [gone, follower.address(), leader.address()].map(|address| address.parse().unwrap()).to_vec();
    let http = Http::authorized(Some(http::basic("k8sm", "secret").unwrap()));
    let (master, mut notices) = scheduler_client::connect_by(http, masters, framework());
    let request = follower.request().await;
    assert_eq!(request.header("authorization"), Some("Basic azhzbTpzZWNyZXQ="));
    let _follower = request.answer("503 Service Unavailable").await;
    let request = leader.request().await;
    let _stream = request.stream(&[SUBSCRIBED]).await;
    assert!(matches!(soon(notices.next()).await, Some(Notice::Event(Event::Subscribed(_)))));
    let calling = tokio::spawn(async move { master.revive(Vec::new()).await });
    let request = leader.request().await;
    assert_eq!(request.header("authorization"), Some("Basic azhzbTpzZWNyZXQ="));
    let _connection = request.answer("202 Accepted").await;
    soon(calling).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_scheduler_subscribes_again_with_its_id_in_both_places() {
    let peer = Peer::new().await;
    let (master, mut notices) = scheduler_client::connect(peer.address().parse().unwrap(), framework());
    assert!(matches!(master.teardown().await, Err(CallError::Disconnected { call: "TEARDOWN" })));
    let stream = peer.request().await.stream(&[SUBSCRIBED]).await;
    assert!(matches!(soon(notices.next()).await, Some(Notice::Event(Event::Subscribed(_)))));
    drop(stream);
    assert!(matches!(soon(notices.next()).await, Some(Notice::Disconnected { .. })));
    // A master that is not ready yet is asked again.
    let _unready = peer.request().await.answer("503 Service Unavailable").await;
    let request = soon(async {
        loop {
            let request = peer.request().await;
            if request.head.starts_with("POST") {
                return request;
            }
        }
    });
    // The client may use the connection of the 503 again: either way the call has to come.
    let request = tokio::select! {
        request = request => request,
        again = read(_unready) => again.expect("the connection is used again"),
    };
    let call: SchedulerCall = json::from_slice(&request.body).unwrap();
    assert_eq!(call.framework_id.unwrap().as_str(), "f");
    assert_eq!(call.subscribe.unwrap().framework_info.id.unwrap().as_str(), "f");
}

#[tokio::test]
async fn missed_heartbeats_are_the_end_of_a_stream() {
    let peer = Peer::new().await;
    let (_master, mut notices) = scheduler_client::connect(peer.address().parse().unwrap(), framework());
    let subscribed = SUBSCRIBED.replace("15.0", "0.1");
    let _silent = peer.request().await.stream(&[&subscribed]).await;
    assert!(matches!(soon(notices.next()).await, Some(Notice::Event(Event::Subscribed(_)))));
    let Some(Notice::Disconnected { reason }) = soon(notices.next()).await else { panic!("silence goes unnoticed") };
    assert!(reason.contains("nothing came for"), "{reason}");
}

#[tokio::test]
async fn an_error_is_the_last_that_a_scheduler_hears() {
    let peer = Peer::new().await;
    let (_master, mut notices) = scheduler_client::connect(peer.address().parse().unwrap(), framework());
    let error = r#"{"type":"ERROR","error":{"message":"Framework has been removed"}}"#;
    let _stream = peer.request().await.stream(&[error]).await;
    let Some(Notice::Event(Event::Error(error))) = soon(notices.next()).await else { panic!("no error") };
    assert_eq!(error.message, "Framework has been removed");
    assert!(soon(notices.next()).await.is_none());
}

#[tokio::test]
async fn an_event_of_a_newer_mesos_does_no_harm() {
    let peer = Peer::new().await;
    let (_master, mut notices) = scheduler_client::connect(peer.address().parse().unwrap(), framework());
    let _stream = peer.request().await.stream(&[r#"{"type":"NEW","new":{}}"#, SUBSCRIBED]).await;
    assert!(matches!(soon(notices.next()).await, Some(Notice::Event(Event::Unknown))));
    assert!(matches!(soon(notices.next()).await, Some(Notice::Event(Event::Subscribed(_)))));
}

fn environment(peer: &Peer, recovery_timeout: Option<Duration>) -> Environment {
    Environment {
        agent_endpoint: peer.address(),
        framework_id: "f".into(),
        executor_id: "e".into(),
        agent_id: None,
        sandbox: None,
        recovery_timeout,
        subscription_backoff_max: Duration::from_millis(100),
        shutdown_grace_period: Duration::from_secs(5),
        authorization: None,
    }
}

const EXECUTOR_SUBSCRIBED: &str = r#"{"type":"SUBSCRIBED","subscribed":{"executor_info":{"executor_id":{"value":"e"}},
    "framework_info":{"user":"u","name":"n"},"agent_info":{"hostname":"h"}}}"#;
const LAUNCH: &str =
    r#"{"type":"LAUNCH","launch":{"task":{"name":"t","task_id":{"value":"t"},"agent_id":{"value":"a"}}}}"#;

fn report(agent: &Agent, state: TaskState) {
    agent.update(TaskStatus { task_id: "t".into(), state, ..TaskStatus::default() });
}

/// The next call on any connection to the peer, answered with 202.
async fn call(peer: &Peer, idle: &mut VecDeque<TcpStream>) -> ExecutorCall {
    let request = match idle.pop_front() {
        Some(connection) => read(connection).await.expect("the connection is used again"),
        None => peer.request().await,
    };
    let call = json::from_slice(&request.body).unwrap();
    idle.push_back(request.answer("202 Accepted").await);
    call
}

#[tokio::test]
async fn an_executor_hands_over_what_its_agent_may_not_know() {
    let peer = Peer::new().await;
    let (agent, mut notices) = executor_client::connect(environment(&peer, Some(Duration::from_mins(15))));
    let mut stream = peer.request().await.stream(&[EXECUTOR_SUBSCRIBED, LAUNCH]).await;
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Event(ExecutorEvent::Subscribed(_)))));
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Event(ExecutorEvent::Launch(_)))));
    let mut idle = VecDeque::new();
    report(&agent, TaskState::Starting);
    let first = call(&peer, &mut idle).await.update.unwrap().status;
    assert_eq!((first.source, first.executor_id.unwrap().as_str()), (Some(mesos::Source::Executor), "e"));
    let uuid = serde_json::to_string(&first.uuid).unwrap();
    let stored = format!(r#"{{"type":"ACKNOWLEDGED","acknowledged":{{"task_id":{{"value":"t"}},"uuid":{uuid}}}}}"#);
    send(&mut stream, &[&stored]).await;
    assert!(agent.flushed(SOON).await);
    report(&agent, TaskState::Running);
    let second = call(&peer, &mut idle).await.update.unwrap().status;
    drop((stream, idle));
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Disconnected { .. })));
    report(&agent, TaskState::Finished);
    let request = peer.request().await;
    let subscribe = json::from_slice::<ExecutorCall>(&request.body).unwrap().subscribe.unwrap();
    let states: Vec<_> = subscribe.unacknowledged_updates.iter().map(|update| update.status.state).collect();
    assert!(states == [TaskState::Running, TaskState::Finished] || states == [TaskState::Running], "{states:?}");
    assert_eq!(subscribe.unacknowledged_updates[0].status, second);
    assert!(subscribe.unacknowledged_tasks.is_empty(), "its first update was stored");
    assert!(!agent.flushed(Duration::ZERO).await);
}

#[tokio::test]
async fn an_executor_shows_the_token_that_its_agent_gave_it() {
    let peer = Peer::new().await;
    let environment = Environment { authorization: Some(http::bearer("a.b.c").unwrap()), ..environment(&peer, None) };
    let (agent, mut notices) = executor_client::connect(environment);
    let request = peer.request().await;
    assert_eq!(request.header("authorization"), Some("Bearer a.b.c"));
    let _stream = request.stream(&[EXECUTOR_SUBSCRIBED]).await;
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Event(ExecutorEvent::Subscribed(_)))));
    report(&agent, TaskState::Running);
    assert_eq!(peer.request().await.header("authorization"), Some("Bearer a.b.c"));
}

#[tokio::test]
async fn an_executor_without_checkpoint_gives_up_with_its_agent() {
    let peer = Peer::new().await;
    let (_agent, mut notices) = executor_client::connect(environment(&peer, None));
    let stream = peer.request().await.stream(&[EXECUTOR_SUBSCRIBED]).await;
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Event(_))));
    drop(stream);
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Disconnected { .. })));
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::GaveUp { .. })));
    assert!(soon(notices.next()).await.is_none());
}

#[tokio::test]
async fn an_executor_waits_for_its_agent_no_longer_than_the_recovery_timeout() {
    let peer = Peer::new().await;
    let (_agent, mut notices) = executor_client::connect(environment(&peer, Some(Duration::from_millis(300))));
    let stream = peer.request().await.stream(&[EXECUTOR_SUBSCRIBED]).await;
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Event(_))));
    drop((stream, peer));
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::Disconnected { .. })));
    assert!(matches!(soon(notices.next()).await, Some(executor_client::Notice::GaveUp { .. })));
}
