//! The agent is killed and started again: with executors that outlived it, and without.

use mesos::{FrameworkInfo, Reason, TaskState};
use serde_json::json;

use crate::harness::{Cluster, Scheduler, command_task, eventually, framework, task};

#[tokio::test(flavor = "multi_thread")]
async fn executors_outlive_the_agent_and_go_on_with_the_next() {
    let mut cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e"), command_task("c", "sleep 1000")]).await;
    let before = scheduler.reaches("t", TaskState::Running).await;
    scheduler.reaches("c", TaskState::Running).await;
    let executors = cluster.executors();

    // a command may have started another process meanwhile
    let all_live = |cluster: &Cluster| {
        let now = cluster.executors();
        executors.iter().all(|pid| now.contains(pid))
    };

    cluster.kill_agent();
    assert!(all_live(&cluster));
    cluster.start_agent();
    cluster.registered().await;
    let state = cluster.get(cluster.agent_port, "/state").await;
    assert_eq!(state["id"], json!(before.agent_id.clone().unwrap().value), "an agent keeps its ID");
    assert!(all_live(&cluster));

    let agent = before.agent_id.unwrap();
    for id in ["t", "c"] {
        scheduler.master.kill(id.into(), Some(agent.clone()), None).await.unwrap();
        scheduler.reaches(id, TaskState::Killed).await;
    }
    scheduler.launch(vec![task("next", "finish", "e")]).await;
    scheduler.reaches("next", TaskState::Finished).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_was_not_acknowledged_is_sent_by_the_next_agent() {
    let mut cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    let first = scheduler.unacknowledged("t").await;
    cluster.kill_agent();
    cluster.start_agent();
    let again = scheduler.unacknowledged("t").await;
    assert_eq!((again.uuid.clone(), again.state), (first.uuid, TaskState::Starting));
    scheduler.master.acknowledge(&again).await.unwrap();
    scheduler.reaches("t", TaskState::Running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_executors_that_died_with_the_agent_have_failed() {
    let mut cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    let running = scheduler.reaches("t", TaskState::Running).await;
    cluster.kill_agent();
    cluster.kill_executors();
    eventually("the executor has ended", async || cluster.executors().is_empty().then_some(())).await;
    cluster.start_agent();
    let failed = scheduler.reaches("t", TaskState::Failed).await;
    assert_eq!((failed.reason, failed.agent_id), (Some(Reason::ExecutorTerminated), running.agent_id));
    assert_eq!(failed.message.as_deref(), Some("Executor terminated"));
    scheduler.launch(vec![task("next", "finish", "e")]).await;
    scheduler.reaches("next", TaskState::Finished).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_framework_without_checkpoints_is_taken_up() {
    let mut cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, FrameworkInfo { checkpoint: false, ..framework() }).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    scheduler.reaches("t", TaskState::Running).await;
    cluster.kill_agent();
    eventually("the executor ends without its agent", async || cluster.executors().is_empty().then_some(())).await;
    cluster.start_agent();
    let ended = scheduler.update("t").await;
    // The master says so as soon as the agent is gone, or else the agent that knows nothing of it.
    assert!(matches!(ended.state, TaskState::Lost | TaskState::Dropped), "{ended:?}");
    scheduler.launch(vec![task("next", "finish", "e")]).await;
    scheduler.reaches("next", TaskState::Finished).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_asked_to_leave_ends_its_executors_first() {
    let mut cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    scheduler.reaches("t", TaskState::Running).await;
    cluster.ask_agent_to_leave();
    assert!(cluster.executors().is_empty());
    let ended = scheduler.update("t").await;
    assert!(ended.state.is_terminal(), "{ended:?}");
}
