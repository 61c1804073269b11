//! Which pods go first when there are too many, in the order of Kubernetes' `ActivePodsWithRanks`.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::pod;

/// Lower cost goes first.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The `count` pods that are missed least.
pub(super) fn least_wanted(mut pods: Vec<Arc<Pod>>, count: usize) -> Vec<Arc<Pod>> {
    if count < pods.len() {
        let mut crowd: HashMap<String, usize> = HashMap::new();
        for pod in &pods {
            *crowd.entry(node(pod).to_owned()).or_default() += 1;
        }
        pods.sort_by_cached_key(|pod| rank(pod, crowd[node(pod)]));
        pods.truncate(count);
    }
    pods
}

fn node(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

/// Smaller goes first: unassigned, pending, unready, cheap, crowded, ready for a short time, restarted often, young.
type Rank = (bool, u8, bool, i32, Reverse<usize>, Reverse<Timestamp>, Reverse<i32>, Reverse<Timestamp>, String);

fn rank(pod: &Pod, on_node: usize) -> Rank {
    let phase = match pod::phase(pod) {
        "Pending" => 0,
        "Running" => 2,
        _ => 1,
    };
    let ready = pod::is_ready(pod);
    let cost = pod.annotations().get(DELETION_COST).and_then(|cost| cost.parse().ok()).unwrap_or(0);
    // who does not say since when counts as ready, or made, just now
    let ready_since = pod::ready_condition(pod).and_then(|condition| condition.last_transition_time.as_ref());
    let ready_since = if ready { ready_since.map_or(Timestamp::MAX, |time| time.0) } else { Timestamp::MIN };
    let restarts = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let restarts = restarts.into_iter().flatten().map(|status| status.restart_count).max().unwrap_or(0);
    let made = pod.metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0);
    let assigned = !node(pod).is_empty();
    (
        assigned,
        phase,
        ready,
        cost,
        Reverse(on_node),
        Reverse(ready_since),
        Reverse(restarts),
        Reverse(made),
        pod.name_any(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, node: Option<&str>, ready: &str, made: &str, cost: Option<&str>) -> Arc<Pod> {
        Arc::new(serde_json::from_value(json!({
            "metadata": {"name": name, "creationTimestamp": made, "annotations": cost.map(|cost| json!({DELETION_COST: cost}))},
            "spec": {"nodeName": node, "containers": []},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": made}]}
        })).unwrap())
    }

    fn first(pods: &[Arc<Pod>]) -> String {
        least_wanted(pods.to_vec(), 1)[0].name_any()
    }

    #[test]
    fn the_order_is_kubernetes() {
        let old = pod("old", Some("n1"), "True", "2026-01-01T00:00:00Z", None);
        let young = pod("young", Some("n2"), "True", "2026-01-01T00:01:00Z", None);
        assert_eq!(first(&[old.clone(), young.clone()]), "young");
        let unready = pod("unready", Some("n3"), "False", "2025-01-01T00:00:00Z", None);
        assert_eq!(first(&[old.clone(), young.clone(), unready.clone()]), "unready");
        let unassigned = pod("unassigned", None, "False", "2025-01-01T00:00:00Z", None);
        assert_eq!(first(&[unready, unassigned]), "unassigned");
        let cheap = pod("cheap", Some("n3"), "True", "2025-01-01T00:00:00Z", Some("-1"));
        assert_eq!(first(&[young.clone(), cheap]), "cheap");
        let crowd = pod("crowd", Some("n1"), "True", "2025-01-01T00:00:00Z", None);
        assert_eq!(first(&[old, crowd, young]), "old", "n1 has two, and of those the younger goes");
    }
}
