//! The master goes and comes: executors and tasks stay.

use mesos::TaskState;

use crate::harness::{Cluster, Scheduler, eventually, framework, task};

#[tokio::test(flavor = "multi_thread")]
async fn tasks_go_on_without_a_master_and_are_known_to_the_next() {
    let mut cluster = Cluster::start();
    let mut scheduler = Scheduler::connect(&cluster, framework()).await;
    scheduler.launch(vec![task("t", "stay", "e")]).await;
    let running = scheduler.reaches("t", TaskState::Running).await;
    let executors = cluster.executors();

    cluster.kill_master();
    eventually("the agent notices", async || {
        let metrics = cluster.get(cluster.agent_port, "/metrics/snapshot").await;
        (metrics["slave/registered"] == 0.0).then_some(())
    })
    .await;
    assert_eq!(cluster.executors(), executors);
    cluster.start_master();
    scheduler.until("subscribed again", |scheduler| (scheduler.subscriptions > 1).then_some(())).await;
    cluster.registered().await;
    assert_eq!(cluster.executors(), executors);

    scheduler.master.reconcile(Vec::new()).await.unwrap();
    let known = scheduler.update("t").await;
    assert_eq!((known.state, known.agent_id), (TaskState::Running, running.agent_id.clone()));
    scheduler.launch(vec![task("more", "finish", "e")]).await;
    scheduler.reaches("more", TaskState::Finished).await;
    assert_eq!(cluster.executors(), executors, "the executor that runs took the new task too");
    scheduler.master.kill("t".into(), running.agent_id, None).await.unwrap();
    scheduler.reaches("t", TaskState::Killed).await;
}
