//! What the agent shows, compared in shape with what a real agent showed, and what it refuses.

use std::collections::BTreeSet;

use mesos::TaskState;
use serde_json::{Value, json};

use crate::harness::{Cluster, Scheduler, framework, http_client, task};

/// The body of an agent's answer in the recording of the operator's calls.
fn recorded(exchange: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/mesos-recordings/2-operator.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = lines.find(|line| line["exchange"] == exchange).unwrap();
    serde_json::from_str(line["response"]["body"].as_str().unwrap()).unwrap()
}

/// Names of an object's fields.
fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Ours has every field of the recorded object, but for those named.
fn assert_has_fields(ours: &Value, recorded: &Value, but: &[&str]) {
    let missing: Vec<_> =
        names(recorded).difference(&names(ours)).copied().filter(|name| !but.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing in {ours}");
}

async fn post(cluster: &Cluster, path: &str, body: &str) -> (u16, String) {
    let address = format!("http://127.0.0.1:{}{path}", cluster.agent_port);
    let request = http_client().post(address).header("Content-Type", "application/json").body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_shown_as_a_real_agent_shows_it() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("done", "finish", "e"), task("t", "stay", "e")]).await;
    scheduler.reaches("done", TaskState::Finished).await;
    scheduler.reaches("t", TaskState::Running).await;

    let (ours, real) = (cluster.get(cluster.agent_port, "/slave(1)/state").await, recorded("agent GET /state"));
    assert_has_fields(&ours, &real, &["git_sha"]);
    for field in ["resources", "unreserved_resources", "unreserved_resources_full", "attributes", "reserved_resources"]
    {
        assert_eq!(ours[field], real[field], "{field}");
    }
    let (framework, real) = (&ours["frameworks"][0], &real["frameworks"][0]);
    assert_has_fields(framework, real, &[]);
    let (executor, real) = (&framework["executors"][0], &real["executors"][0]);
    assert_has_fields(executor, real, &["type"]);
    assert_eq!(executor["resources"]["cpus"], 0.75);
    assert_has_fields(&executor["tasks"][0], &real["tasks"][0], &["labels", "discovery"]);
    assert_has_fields(&executor["tasks"][0]["statuses"][0], &real["tasks"][0]["statuses"][0], &[]);

    for (path, exchange) in
        [("/containers", "agent GET /containers"), ("/monitor/statistics", "agent GET /monitor/statistics")]
    {
        let (ours, real) = (cluster.get(cluster.agent_port, path).await, recorded(exchange));
        assert_has_fields(&ours[0], &real[0], &[]);
        assert_has_fields(&ours[0]["statistics"], &real[0]["statistics"], &[]);
    }
    for call in
        ["GET_STATE", "GET_CONTAINERS", "GET_EXECUTORS", "GET_FRAMEWORKS", "GET_TASKS", "GET_AGENT", "GET_HEALTH"]
    {
        let (status, body) = post(&cluster, "/api/v1", &json!({"type": call}).to_string()).await;
        assert_eq!(status, 200, "{call}: {body}");
        let (ours, real) = (serde_json::from_str::<Value>(&body).unwrap(), recorded(&format!("agent {call}")));
        assert!(body.starts_with(&format!("{{\"type\":\"{call}\"")), "{body}");
        let field = call.to_lowercase();
        assert_has_fields(&ours[&field], &real[&field], &[]);
    }
    let tasks = post(&cluster, "/slave(1)/api/v1", r#"{"type":"GET_TASKS"}"#).await.1;
    let tasks: Value = serde_json::from_str(&tasks).unwrap();
    assert_eq!(tasks["get_tasks"]["completed_tasks"][0]["task_id"]["value"], "done");
    assert_eq!(tasks["get_tasks"]["launched_tasks"][0]["status_update_state"], "TASK_RUNNING");

    let directory = executor["directory"].as_str().unwrap();
    let files = cluster.get(cluster.agent_port, &format!("/files/browse?path={directory}")).await;
    let names: Vec<_> = files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(names, [format!("{directory}/stderr"), format!("{directory}/stdout")]);
}

/// The call, made in the name of another framework.
fn of_framework(body: &str, id: &Value) -> String {
    let mut call: Value = serde_json::from_str(body).unwrap();
    call["framework_id"]["value"] = id.clone();
    call.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_refused_as_a_real_agent_refuses_them() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    scheduler.reaches("t", TaskState::Running).await;
    let framework_id = cluster.get(cluster.agent_port, "/state").await["frameworks"][0]["id"].clone();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/mesos-recordings/3-refusals.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = |line: &Value| line["exchange"].as_str().is_some_and(|exchange| exchange.starts_with("agent: "));
    let mut compared = 0;
    for line in lines.filter(ours) {
        let (request, recorded) = (&line["request"], &line["response"]);
        let method = request["method"].as_str().unwrap().parse().unwrap();
        let address = format!("http://127.0.0.1:{}{}", cluster.agent_port, request["path"].as_str().unwrap());
        let mut asked = http_client().request(method, address);
        for name in ["Content-Type", "Accept"] {
            if let Some(value) = request["headers"][name].as_str() {
                asked = asked.header(name, value);
            }
        }
        if let Some(body) = request["body"].as_str() {
            asked = asked.body(match line["exchange"].as_str() {
                // it is of a framework that the agent knew when this was recorded
                Some("agent: unknown executor") => of_framework(body, &framework_id),
                _ => body.to_owned(),
            });
        }
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), recorded["status"].as_u64().unwrap() as u16, "{line}");
        assert_eq!(answer.headers()["content-type"], recorded["headers"]["Content-Type"].as_str().unwrap());
        assert_eq!(answer.text().await.unwrap(), recorded["body"].as_str().unwrap(), "{line}");
        compared += 1;
    }
    assert!(compared >= 3);
    assert_eq!(post(&cluster, "/api/v1", "{}").await.0, 400);
    assert_eq!(post(&cluster, "/api/v1", r#"{"type":"LAUNCH_CONTAINER"}"#).await.0, 501);
    assert_eq!(
        post(
            &cluster,
            "/api/v1/executor",
            r#"{"type":"HEARTBEAT","framework_id":{"value":"unused"},"executor_id":{"value":"unused"}}"#
        )
        .await
        .0,
        202
    );
    assert_eq!(post(&cluster, "/nope", "{}").await.0, 404);
}
