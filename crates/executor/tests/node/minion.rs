//! `km minion` as a process, under an agent that the test plays.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::docker::{IMAGE, docker, example};
use crate::harness::{Cluster, NODE};

/// An agent with one executor.
#[derive(Clone)]
struct Agent {
    /// The executor's present subscription.
    stream: Arc<Mutex<Option<mpsc::Sender<Bytes>>>>,
    updates: watch::Sender<Vec<Value>>,
    subscriptions: watch::Sender<Vec<Value>>,
    port: u16,
}

impl Agent {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let agent = Self {
            stream: Arc::default(),
            updates: watch::Sender::default(),
            subscriptions: watch::Sender::default(),
            port,
        };
        let router = Router::new().route("/api/v1/executor", post(call)).with_state(agent.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        agent
    }

    async fn say(&self, event: Value) {
        let stream = self.stream.lock().unwrap().clone().expect("the executor has subscribed");
        stream.send(record(&event)).await.unwrap();
    }

    /// Waits until a task's states end with `state`.
    async fn until(&self, task: &str, state: &str) {
        let mut updates = self.updates.subscribe();
        let reached = updates.wait_for(|updates| states(updates, task).last().is_some_and(|last| last == state));
        let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
        assert!(reached.is_ok(), "{task} is not {state}: {:?}", self.updates.borrow());
    }

    async fn subscribed(&self, times: usize) -> Value {
        let mut subscriptions = self.subscriptions.subscribe();
        let reached = subscriptions.wait_for(|subscriptions| subscriptions.len() >= times);
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
        reached.expect("the executor does not subscribe").unwrap()[times - 1].clone()
    }
}

fn states(updates: &[Value], task: &str) -> Vec<String> {
    let of = updates.iter().filter(|status| status["task_id"]["value"] == task);
    of.map(|status| status["state"].as_str().unwrap().to_owned()).collect()
}

async fn call(State(agent): State<Agent>, body: Bytes) -> Response {
    let call: Value = serde_json::from_slice(&body).unwrap();
    match call["type"].as_str().unwrap() {
        "SUBSCRIBE" => {
            let (sender, receiver) = mpsc::channel(16);
            let resources = json!([{"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.0}}]);
            let subscribed = json!({"type": "SUBSCRIBED", "subscribed": {
                "executor_info": {"executor_id": {"value": "e"}},
                "framework_info": {"name": "k8sm", "user": "root"},
                "agent_info": {"hostname": NODE, "resources": resources}}});
            sender.send(record(&subscribed)).await.unwrap();
            *agent.stream.lock().unwrap() = Some(sender);
            agent.subscriptions.send_modify(|all| all.push(call["subscribe"].clone()));
            let records = futures::stream::unfold(receiver, |mut receiver| async move {
                receiver.recv().await.map(|record| (Ok::<_, std::io::Error>(record), receiver))
            });
            ([("content-type", "application/json")], Body::from_stream(records)).into_response()
        }
        "UPDATE" => {
            let status = call["update"]["status"].clone();
            let (task_id, uuid) = (status["task_id"].clone(), status["uuid"].clone());
            agent.updates.send_modify(|all| all.push(status));
            agent.say(json!({"type": "ACKNOWLEDGED", "acknowledged": {"task_id": task_id, "uuid": uuid}})).await;
            StatusCode::ACCEPTED.into_response()
        }
        other => panic!("a call {other}"),
    }
}

fn record(event: &Value) -> Bytes {
    let event = event.to_string();
    format!("{}\n{event}", event.len()).into()
}

fn minion(cluster: &Cluster, agent: &Agent) -> tokio::process::Child {
    let mut command = tokio::process::Command::new(example("km"));
    command.arg("minion").args(cluster.args()).env_clear();
    for (name, value) in [
        ("MESOS_FRAMEWORK_ID", "f"),
        ("MESOS_EXECUTOR_ID", "e"),
        ("MESOS_SLAVE_ID", "s"),
        ("MESOS_AGENT_ENDPOINT", &format!("127.0.0.1:{}", agent.port)),
        ("MESOS_CHECKPOINT", "1"),
        ("MESOS_RECOVERY_TIMEOUT", "15mins"),
        ("MESOS_SUBSCRIPTION_BACKOFF_MAX", "100ms"),
        ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

/// The processes that `parent` started.
fn children(parent: u32) -> Vec<u32> {
    let children = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    let all: Vec<String> = tasks.flatten().map(children).collect();
    all.iter().flat_map(|list| list.split_whitespace()).map(|pid| pid.parse().unwrap()).collect()
}

fn launch(task: &executor::channel::Task) -> Value {
    use base64::Engine;
    let data = base64::engine::general_purpose::STANDARD.encode(&task.data);
    json!({"type": "LAUNCH", "launch": {"task": {"name": "t", "task_id": {"value": task.id}, "agent_id": {"value": "s"},
        "data": data}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executor_and_the_agent_may_die_and_the_pod_goes_on() {
    let (cluster, agent) = (Cluster::new().await, Agent::start().await);
    let mut minion = minion(&cluster, &agent);
    agent.subscribed(1).await;
    let sleeper = json!({"containers": [{"name": "c", "image": IMAGE, "command": ["busybox", "sleep", "1000"]}]});
    let (_, task) = cluster.pod("web", sleeper.clone());
    agent.say(launch(&task)).await;
    agent.until("pod.web", "TASK_RUNNING").await;
    let before = cluster.containers("web");

    // the executor is killed; another one takes over, and takes new pods
    let minion_pid = minion.id().unwrap();
    let [executor] = children(minion_pid)[..] else { panic!("the minion has one child") };
    docker(&["version"]);
    assert!(std::process::Command::new("kill").args(["-9", &executor.to_string()]).status().unwrap().success());
    let (_, second) = cluster.pod("second", sleeper.clone());
    agent.say(launch(&second)).await;
    agent.until("pod.second", "TASK_RUNNING").await;
    assert_ne!(children(minion_pid), [executor]);
    assert_eq!(cluster.containers("web"), before);
    let web = cluster.api.get("pods", "default", "web").unwrap();
    assert_eq!(web["status"]["containerStatuses"][0]["restartCount"], 0);
    assert_eq!(
        states(&agent.updates.borrow(), "pod.web"),
        ["TASK_STARTING", "TASK_RUNNING"],
        "Mesos has noticed nothing"
    );

    // the agent breaks off; the minion comes back to it
    *agent.stream.lock().unwrap() = None;
    agent.subscribed(2).await;
    agent
        .say(json!({"type": "KILL", "kill": {"task_id": {"value": "pod.second"}, "kill_policy": {"grace_period":
        {"nanoseconds": 0}}}}))
        .await;
    agent.until("pod.second", "TASK_KILLED").await;

    // the minion is killed: its executor goes with it, the pod stays
    let [executor] = children(minion_pid)[..] else { panic!("the minion has one child") };
    minion.kill().await.unwrap();
    let gone = async {
        while std::path::Path::new(&format!("/proc/{executor}")).exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the executor outlives its minion");
    assert_eq!(cluster.containers("web"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_of_the_executor_reports_all_tasks() {
    let (cluster, agent) = (Cluster::new().await, Agent::start().await);
    let mut minion = minion(&cluster, &agent);
    agent.subscribed(1).await;
    let node = executor::channel::Task { id: "node.1".into(), data: r#"{"kind":"NodeTask"}"#.into(), reported: None };
    agent.say(launch(&node)).await;
    agent.until("node.1", "TASK_RUNNING").await;
    agent.say(json!({"type": "SHUTDOWN"})).await;
    agent.until("node.1", "TASK_KILLED").await;
    let ended = tokio::time::timeout(Duration::from_secs(20), minion.wait()).await.expect("the minion does not end");
    assert!(ended.unwrap().success());
}
