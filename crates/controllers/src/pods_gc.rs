//! Pod garbage collection: finished pods beyond a threshold, pods of nodes that are no more, pods that end unassigned, or on a node
//! that is said to be out of service.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Error, ResourceExt};
use serde_json::{Value, json};

use crate::context::Context;
use crate::pod;
use crate::queue::{Next, Queue};

/// A node that has just gone may come back: its pods are given this long, as in Kubernetes.
const QUARANTINE: Duration = Duration::from_secs(40);
/// A pod that ends unassigned is removed by the API server itself, in a write behind the one that marks it; this long after it,
/// the server has ended between the two.
const PATIENCE: Duration = Duration::from_secs(5);
/// The taint by which an operator says that a node is down and will not come back to end its pods.
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Starts the controller's listeners; the future does its work until shutdown. At most `threshold` finished pods are kept
/// (`--terminated-pod-gc-threshold`; 0 keeps all).
pub fn start(context: Context, threshold: usize) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new("pod-garbage-collector", &context.queues));
    let (own, nodes) = (Arc::clone(&queue), Arc::clone(&context.nodes));
    context.pods.listen(move |change| {
        let Some(pod) = change.new else { return };
        let finished = pod::is_finished(pod) && change.old.is_none_or(|old| !pod::is_finished(old));
        if finished {
            own.add(FINISHED.to_owned());
        }
        if ends_unassigned(pod) {
            own.add_after(UNASSIGNED.to_owned(), PATIENCE);
        }
        if let Some(node) = node_of(pod).filter(|node| nodes.get(node).is_none()) {
            own.add_after(format!("{NODE}{node}"), QUARANTINE);
        }
        let ends_on = node_of(pod).filter(|_| pod.metadata.deletion_timestamp.is_some());
        if let Some(node) = ends_on.filter(|node| nodes.get(node).is_some_and(|node| is_out_of_service(&node))) {
            own.add(format!("{OUT}{node}"));
        }
    });
    let own = Arc::clone(&queue);
    context.nodes.listen(move |change| match (change.old, change.new) {
        (Some(node), None) => own.add_after(format!("{NODE}{}", node.name_any()), QUARANTINE),
        (_, Some(node)) if is_out_of_service(node) => own.add(format!("{OUT}{}", node.name_any())),
        _ => {}
    });
    let shutdown = context.shutdown.clone();
    queue.work(1, shutdown, move |key| {
        let context = context.clone();
        async move {
            match (key.strip_prefix(NODE), key.strip_prefix(OUT), key.as_str()) {
                (Some(node), ..) => orphans(&context, node).await?,
                (_, Some(node), _) => abandoned(&context, node).await?,
                (.., UNASSIGNED) => unassigned(&context).await?,
                _ => finished(&context, threshold).await?,
            }
            Ok(Next::Wait)
        }
    })
}

const FINISHED: &str = "finished";
const UNASSIGNED: &str = "unassigned";
const NODE: &str = "node/";
const OUT: &str = "out/";

fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())
}

/// Whether nobody but us sees to the pod's end: it has no node, and nothing that it waits for.
fn ends_unassigned(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some() && node_of(pod).is_none() && pod.finalizers().is_empty()
}

/// Pods that end and were never assigned to a node.
async fn unassigned(context: &Context) -> anyhow::Result<()> {
    for pod in context.pods.select(ends_unassigned) {
        delete(context, &pod).await?;
    }
    Ok(())
}

/// Pods of a node that is no more: nobody is left to end them.
async fn orphans(context: &Context, node: &str) -> anyhow::Result<()> {
    let api: Api<Node> = Api::all(context.client.clone());
    // a store may lag; a wrong answer here would cost pods their life
    if context.nodes.get(node).is_some() || api.get_opt(node).await?.is_some() {
        return Ok(());
    }
    for pod in context.pods.select(|pod| node_of(pod) == Some(node)) {
        tracing::info!(pod = pod.name_any(), node, "the pod's node is no more: deleted");
        fail(context, &pod, Some(disrupted(Timestamp::now()))).await?;
        delete(context, &pod).await?;
    }
    Ok(())
}

/// Whether the node is down, and an operator says that it stays so. What a node that is ready is said to be says nothing.
fn is_out_of_service(node: &Node) -> bool {
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let mut conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    taints.any(|taint| taint.key == OUT_OF_SERVICE)
        && !conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Pods that are to end on a node that will not end them.
async fn abandoned(context: &Context, node: &str) -> anyhow::Result<()> {
    if !context.nodes.get(node).is_some_and(|node| is_out_of_service(&node)) {
        return Ok(());
    }
    for pod in context.pods.select(|pod| node_of(pod) == Some(node) && pod.metadata.deletion_timestamp.is_some()) {
        tracing::info!(pod = pod.name_any(), node, "the pod's node is out of service: deleted");
        fail(context, &pod, None).await?;
        delete(context, &pod).await?;
    }
    Ok(())
}

/// Says that the pod has failed, unless it has ended, and by which condition, for whoever watches it: nobody on its node is left to.
async fn fail(context: &Context, pod: &Pod, condition: Option<Value>) -> anyhow::Result<()> {
    if pod::is_finished(pod) {
        return Ok(());
    }
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
    let conditions: Vec<Value> = condition.into_iter().collect();
    let status = json!({"phase": "Failed", "conditions": conditions});
    let patch = Patch::Strategic(json!({"metadata": {"uid": pod.uid()}, "status": status}));
    match api.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await {
        // it is gone, or another of that name
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        other => other.map(drop).with_context(|| format!("cannot fail pod {}", pod.name_any())),
    }
}

/// The condition of a pod that ends with its node.
fn disrupted(now: Timestamp) -> Value {
    json!({"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists", "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()})
}

async fn finished(context: &Context, threshold: usize) -> anyhow::Result<()> {
    for pod in surplus(context.pods.select(pod::is_finished), threshold) {
        delete(context, &pod).await?;
    }
    Ok(())
}

/// The oldest of what is beyond the threshold.
fn surplus(mut pods: Vec<Arc<Pod>>, threshold: usize) -> Vec<Arc<Pod>> {
    let count = if threshold == 0 { 0 } else { pods.len().saturating_sub(threshold) };
    pods.sort_by_cached_key(|pod| (pod.metadata.creation_timestamp.as_ref().map(|time| time.0), pod.name_any()));
    pods.truncate(count);
    pods
}

async fn delete(context: &Context, pod: &Pod) -> anyhow::Result<()> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
    let preconditions = Some(Preconditions { uid: pod.uid(), resource_version: None });
    let params = DeleteParams { grace_period_seconds: Some(0), preconditions, ..DeleteParams::default() };
    match api.delete(&pod.name_any(), &params).await {
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        other => other.map(drop).with_context(|| format!("cannot delete pod {}", pod.name_any())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, made: &str) -> Arc<Pod> {
        Arc::new(serde_json::from_value(json!({"metadata": {"name": name, "creationTimestamp": made}})).unwrap())
    }

    #[test]
    fn a_pod_that_ends_is_ours_where_no_node_has_it() {
        let ends = |metadata: serde_json::Value, node: &str| {
            ends_unassigned(
                &serde_json::from_value(json!({"metadata": metadata, "spec": {"nodeName": node, "containers": []}}))
                    .unwrap(),
            )
        };
        let marked = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert!(ends(marked.clone(), ""));
        assert!(!ends(marked, "n") && !ends(json!({}), ""));
        assert!(!ends(json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}), ""));
    }

    #[test]
    fn a_node_is_out_of_service_by_its_taint_unless_it_is_ready() {
        let out = |taint: &str, ready: &str| {
            let node = json!({"metadata": {"name": "n"}, "spec": {"taints": [{"key": taint, "effect": "NoExecute"}]},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}});
            is_out_of_service(&serde_json::from_value(node).unwrap())
        };
        assert!(out(OUT_OF_SERVICE, "Unknown") && out(OUT_OF_SERVICE, "False"));
        assert!(!out(OUT_OF_SERVICE, "True") && !out("node.kubernetes.io/unreachable", "Unknown"));
    }

    #[test]
    fn a_pod_without_its_node_says_so() {
        let said = disrupted("2026-01-02T00:00:00Z".parse().unwrap());
        assert_eq!(
            (said["type"].as_str(), said["reason"].as_str()),
            (Some("DisruptionTarget"), Some("DeletionByPodGC"))
        );
        assert_eq!(said["lastTransitionTime"], "2026-01-02T00:00:00Z");
    }

    #[test]
    fn the_oldest_beyond_the_threshold_go() {
        let pods =
            vec![pod("b", "2026-01-02T00:00:00Z"), pod("a", "2026-01-01T00:00:00Z"), pod("c", "2026-01-03T00:00:00Z")];
        let names: Vec<_> = surplus(pods.clone(), 1).iter().map(|pod| pod.name_any()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(surplus(pods.clone(), 3).is_empty());
        assert!(surplus(pods, 0).is_empty(), "0 keeps all");
    }
}
