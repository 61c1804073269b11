//! The scheduler among real parts.

mod harness;

use std::collections::BTreeSet;

use harness::{Cluster, node_name, task_id, wait_for};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_run_on_both_agents_and_their_end_frees_mesos_resources() {
    let cluster = Cluster::start(&["slave1", "slave2"]).await;
    let idle = cluster.used_cpus().await;
    cluster.create_controller("web", 4).await;
    let pods = cluster.until_running(4).await;
    let nodes: BTreeSet<String> = pods.iter().map(node_name).collect();
    assert_eq!(nodes.len(), 2, "spread over both");
    assert!((cluster.used_cpus().await - idle - 1.0).abs() < 1e-6, "four times 0.25");

    let scale = Patch::Merge(json!({"spec": {"replicas": 1}}));
    cluster.controllers().patch("web", &PatchParams::default(), &scale).await.unwrap();
    let left = cluster.until_running(1).await.remove(0);
    cluster.delete_pod(&left.name_any()).await;
    wait_for("another pod to take its place", async || {
        let running = cluster.running().await;
        running.len() == 1 && running[0].name_any() != left.name_any()
    })
    .await;

    cluster.controllers().delete("web", &DeleteParams::background()).await.unwrap();
    cluster.until_running(0).await;
    wait_for("Mesos to have its resources back", async || (cluster.used_cpus().await - idle).abs() < 1e-6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_executor_died_runs_again_as_the_same_pod() {
    let cluster = Cluster::start(&["slave1", "slave2"]).await;
    cluster.create_controller("web", 4).await;
    let before = cluster.until_running(4).await;
    let old = cluster.kill_executor("slave1").await;
    wait_for("another executor and other tasks", async || {
        let node = cluster.node("slave1").await.unwrap();
        let running = cluster.running().await;
        let moved =
            |uid: Option<String>, task: &str| running.iter().any(|pod| pod.uid() == uid && task_id(pod) != task);
        let relaunched =
            before.iter().filter(|pod| node_name(pod) == "slave1").all(|pod| moved(pod.uid(), &task_id(pod)));
        node.annotations()["standin/pid"] != old && relaunched
    })
    .await;
    let after = cluster.until_running(4).await;
    let identity = |pods: &[k8s_openapi::api::core::v1::Pod]| -> BTreeSet<(Option<String>, String)> {
        pods.iter().map(|pod| (pod.uid(), node_name(pod))).collect()
    };
    assert_eq!(identity(&before), identity(&after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_scheduler_takes_over_what_the_old_one_launched() {
    let mut cluster = Cluster::start(&["slave1"]).await;
    cluster.create_pod("old", json!({})).await;
    let before = cluster.until_running(1).await.remove(0);
    cluster.kill_scheduler().await;
    cluster.create_pod("new", json!({})).await;
    cluster.start_scheduler();
    let pods = cluster.until_running(2).await;
    let old = pods.iter().find(|pod| pod.name_any() == "old").unwrap();
    assert_eq!(task_id(old), task_id(&before), "not launched again");
    let tasks = cluster.page("/debug/registry/tasks").await;
    assert!(tasks.starts_with("task_count=2\n") && tasks.contains(&task_id(&before)), "{tasks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_fits_nowhere_says_why_and_runs_when_it_can() {
    let cluster = Cluster::start(&["slave1"]).await;
    cluster.create_pod("picky", json!({"nodeSelector": {"disk": "ssd"}})).await;
    cluster.create_pod("racked", json!({"nodeSelector": {"k8s.mesosphere.io/attribute-rack": "1"}})).await;
    let message = async || {
        let conditions = cluster.pods().get("picky").await.unwrap().status?.conditions?;
        conditions.into_iter().find(|condition| condition.type_ == "PodScheduled")?.message
    };
    wait_for("the reason", async || message().await.is_some()).await;
    let told = message().await.unwrap();
    assert_eq!(
        told,
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. \
         preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
    let label = Patch::Merge(json!({"metadata": {"labels": {"disk": "ssd"}}}));
    let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(cluster.client.clone());
    nodes.patch("slave1", &PatchParams::default(), &label).await.unwrap();
    cluster.until_running(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_never_ran_can_be_deleted() {
    let cluster = Cluster::start(&["slave1"]).await;
    cluster.create_pod("big", json!({"nodeSelector": {"no": "where"}})).await;
    cluster.delete_pod("big").await;
    cluster.until_running(0).await;
}
