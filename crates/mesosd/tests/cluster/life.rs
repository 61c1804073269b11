//! The life of tasks, compared with what a real Apache Mesos said where it was recorded.

use std::collections::BTreeSet;

use mesos::check::{CheckType, HealthCheck};
use mesos::{CommandInfo, Reason, Source, TaskInfo, TaskState, TaskStatus, Uri};
use serde_json::Value;

use crate::harness::{Cluster, Scheduler, command_task, eventually, framework, task};

/// Updates of a task in a recording of a scheduler's stream, in their order.
fn recorded(file: &str, task: &str) -> Vec<Value> {
    let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/mesos-recordings/{}"), file);
    let lines = std::fs::read_to_string(path).unwrap();
    let statuses = lines.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let status = line["event"]["update"]["status"].clone();
        (status["task_id"]["value"] == task && status["uuid"].is_string()).then_some(status)
    });
    statuses.collect()
}

/// All names of fields in a value, with their path.
fn shape(value: &Value, path: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| shape(value, &format!("{path}.{name}"), names)),
        Value::Array(items) => items.iter().for_each(|item| shape(item, &format!("{path}[]"), names)),
        _ => drop(names.insert(path.to_owned())),
    }
}

/// Compares updates with recorded ones: the same fields, and the same values of those that are not chance.
fn assert_as_recorded(ours: &[TaskStatus], recorded: &[Value]) {
    assert_eq!(ours.len(), recorded.len());
    for (ours, recorded) in ours.iter().zip(recorded) {
        let ours = serde_json::to_value(ours).unwrap();
        let (mut our_shape, mut recorded_shape) = (BTreeSet::new(), BTreeSet::new());
        shape(&ours, "", &mut our_shape);
        shape(recorded, "", &mut recorded_shape);
        assert_eq!(our_shape, recorded_shape, "{ours} is not like {recorded}");
        for field in ["state", "source", "reason", "message"] {
            assert_eq!(ours[field], recorded[field], "{field} of {ours}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_end_as_recorded() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    let line = "echo hello; exit 0";
    let tasks = vec![command_task("echo", line), command_task("false", "exit 7"), command_task("sleep", "sleep 1000")];
    scheduler.launch(tasks).await;
    for id in ["echo", "false"] {
        let mut ours = Vec::new();
        for _ in 0..3 {
            ours.push(scheduler.update(id).await);
        }
        assert_as_recorded(&ours, &recorded("7-command-task.jsonl", id));
    }
    let mut ours = vec![scheduler.update("sleep").await, scheduler.update("sleep").await];
    scheduler.master.kill("sleep".into(), None, None).await.unwrap();
    ours.extend([scheduler.update("sleep").await, scheduler.update("sleep").await]);
    assert_as_recorded(&ours, &recorded("7-command-task.jsonl", "sleep"));
    eventually("the executors have ended", async || cluster.executors().is_empty().then_some(())).await;
    assert!(scheduler.failures.is_empty(), "the agent's own executors are nobody's failure");
    let id = scheduler.master.framework_id().unwrap();
    let path = format!("/files/read?offset=0&path=/frameworks/{id}/executors/echo/runs/latest/stdout");
    let stdout = cluster.get(cluster.agent_port, &path).await;
    assert_eq!(stdout["data"], "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commands_health_is_told_and_too_many_failures_are_its_end() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    let checked = |id: &str, line: &str| {
        let command = CommandInfo { value: Some(line.into()), ..CommandInfo::default() };
        let health_check = Some(HealthCheck {
            r#type: Some(CheckType::Command),
            command: Some(command),
            delay_seconds: Some(0.0),
            interval_seconds: Some(0.05),
            grace_period_seconds: Some(0.0),
            consecutive_failures: Some(2),
            ..HealthCheck::default()
        });
        TaskInfo { health_check, ..command_task(id, "exec sleep 1000") }
    };
    scheduler.launch(vec![checked("well", "exit 0"), checked("ill", "exit 1")]).await;
    let mut told = Vec::new();
    while told.last() != Some(&(TaskState::Running, Some(true))) {
        let status = scheduler.update("well").await;
        told.push((status.state, status.healthy));
    }
    assert_eq!(told[..2], [(TaskState::Starting, None), (TaskState::Running, None)]);
    let end = scheduler.reaches("ill", TaskState::Killed).await;
    assert_eq!((end.healthy, end.source), (Some(false), Some(Source::Executor)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_share_an_executor_and_end_each_for_itself() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    let tasks = vec![task("t1", "stay", "e"), task("t2", "finish", "e"), task("t3", "fail", "e")];
    scheduler.launch(tasks).await;
    let running = scheduler.reaches("t1", TaskState::Running).await;
    assert_eq!(running.source, Some(Source::Executor));
    scheduler.reaches("t2", TaskState::Finished).await;
    let failed = scheduler.reaches("t3", TaskState::Failed).await;
    assert_eq!(failed.message.as_deref(), Some("it failed"));
    assert_eq!(failed.container_status.unwrap().container_id, running.container_status.unwrap().container_id);
    assert_eq!(cluster.executors().len(), 1);

    let agent = running.agent_id.unwrap();
    scheduler.master.message(agent.clone(), "e".into(), b"ping".as_slice().into()).await.unwrap();
    let answer = scheduler.until("the executor's answer", |scheduler| scheduler.messages.pop()).await;
    assert_eq!(answer, b"pong:ping");
    scheduler.master.kill("t1".into(), Some(agent.clone()), None).await.unwrap();
    assert_eq!(scheduler.update("t1").await.state, TaskState::Killed);

    scheduler.master.shutdown("e".into(), agent).await.unwrap();
    let failure = scheduler.until("the executor's end", |scheduler| scheduler.failures.pop()).await;
    assert_eq!((failure.executor_id, failure.status), (Some("e".into()), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_dies_takes_its_task_with_it_as_recorded() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("die.4", "die", "exec-die")]).await;
    scheduler.reaches("die.4", TaskState::Running).await;
    let failed = scheduler.update("die.4").await;
    let recorded = recorded("1-task-life.jsonl", "die.4");
    assert_as_recorded(&[failed], &recorded[recorded.len() - 1..]);
    let failure = scheduler.until("the executor's end", |scheduler| scheduler.failures.pop()).await;
    assert_eq!(failure.status, Some(768));

    scheduler.launch(vec![task("again", "finish", "exec-die")]).await;
    scheduler.reaches("again", TaskState::Finished).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_has_the_executor_killed_with_all_it_started() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![command_task("deaf", "trap '' TERM; sleep 1000 & sleep 1000 & wait; sleep 1000")]).await;
    scheduler.reaches("deaf", TaskState::Running).await;
    scheduler.master.kill("deaf".into(), None, None).await.unwrap();
    let killed = scheduler.reaches("deaf", TaskState::Killed).await;
    assert_eq!(killed.message.as_deref(), Some("Command terminated with signal Killed"));
    eventually("nothing of it runs", async || cluster.executors().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_or_executed_fails_its_task() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    let mut fetching = task("fetching", "finish", "e1");
    let command = fetching.executor.as_mut().unwrap().command.as_mut().unwrap();
    command.uris.push(Uri { value: "file:///no/such/file".into(), ..Uri::default() });
    let mut executing = task("executing", "finish", "e2");
    executing.executor.as_mut().unwrap().command.as_mut().unwrap().value = Some("/no/such/program".into());
    scheduler.launch(vec![fetching, executing]).await;
    for (id, words) in [("fetching", "Failed to fetch all URIs for container"), ("executing", "/no/such/program")] {
        let failed = scheduler.reaches(id, TaskState::Failed).await;
        assert_eq!(failed.reason, Some(Reason::ContainerLaunchFailed));
        let message = failed.message.unwrap().to_lowercase();
        assert!(message.starts_with("failed to launch container: "), "{message}");
        assert!(message.contains(&words.to_lowercase()), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_never_subscribes_is_ended() {
    let cluster = Cluster::start_with(&["--executor_registration_timeout=500ms"]);
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    let mut mute = task("mute", "finish", "e");
    let command = mute.executor.as_mut().unwrap().command.as_mut().unwrap();
    (command.value, command.arguments) = (Some("sleep".into()), vec!["sleep".into(), "1000".into()]);
    scheduler.launch(vec![mute]).await;
    let failed = scheduler.reaches("mute", TaskState::Failed).await;
    assert_eq!(failed.reason, Some(Reason::ExecutorRegistrationTimeout));
    assert_eq!(failed.message.as_deref(), Some("Executor did not register within 500ms"));
    eventually("its process has ended", async || cluster.executors().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teardown_ends_executors_and_returns_what_they_held() {
    let cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    scheduler.reaches("t", TaskState::Running).await;
    scheduler.master.teardown().await.unwrap();
    eventually("the executor has ended", async || cluster.executors().is_empty().then_some(())).await;
    eventually("nothing is held", async || {
        let state = cluster.get(cluster.agent_port, "/state").await;
        (state["unreserved_resources_allocated"]["cpus"] == 0.0 && state["frameworks"] == Value::Array(vec![]))
            .then_some(())
    })
    .await;
}
