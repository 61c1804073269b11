//! A scheduler dies, and another takes its framework over by its ID.

use mesos::{FrameworkInfo, TaskState};

use crate::harness::{Cluster, Scheduler, framework, task};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_dead_scheduler_did_not_acknowledge_reaches_the_next_at_once() {
    let cluster = Cluster::start();
    let mut first = Scheduler::connect(&cluster, framework()).await;
    first.launch(vec![task("t", "stay", "e")]).await;
    first.reaches("t", TaskState::Starting).await;
    let seen = first.unacknowledged("t").await;
    let id = first.master.framework_id();
    drop(first);

    let mut second = Scheduler::connect(&cluster, FrameworkInfo { id, ..framework() }).await;
    let again = second.update("t").await;
    assert_eq!((again.state, again.uuid), (TaskState::Running, seen.uuid));
    second.master.kill("t".into(), again.agent_id, None).await.unwrap();
    second.reaches("t", TaskState::Killed).await;
}
