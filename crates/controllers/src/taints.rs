//! Eviction by taints: pods leave a node that is tainted NoExecute as soon as they no longer tolerate it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use parking_lot::Mutex;
use serde_json::json;

use crate::answer::accept;
use crate::context::Context;
use crate::nodes::{NOT_READY, UNREACHABLE};
use crate::pod;
use crate::queue::{Next, Queue};

const NAME: &str = "taint-eviction-controller";

/// When each taint of a node was seen first, for those that do not say when they were added.
type Seen = Arc<Mutex<HashMap<String, HashMap<String, Timestamp>>>>;

/// Starts the controller's listeners; the future does its work until shutdown. Pods that say nothing of a node that is not
/// ready or unreachable stay on it for `patience` (`--pod-eviction-timeout`).
pub fn start(context: Context, patience: Duration) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new(NAME, &context.queues));
    let seen = Seen::default();
    let (own, known) = (Arc::clone(&queue), Arc::clone(&seen));
    context.nodes.listen(move |change| {
        let Some(node) = change.any() else { return };
        let before = change.old.map(|old| taints(old)).unwrap_or_default();
        let now = change.new.map(|new| taints(new)).unwrap_or_default();
        if before != now || change.old.is_none() {
            note(&known, &node.name_any(), &now);
            own.add(node.name_any());
        }
    });
    let (own, nodes) = (Arc::clone(&queue), Arc::clone(&context.nodes));
    context.pods.listen(move |change| {
        let Some(node) = change.new.and_then(|pod| pod.spec.as_ref()?.node_name.as_ref()) else { return };
        let tolerations = |pod: &Pod| pod.spec.as_ref().map(|spec| (spec.node_name.clone(), spec.tolerations.clone()));
        let same = change.old.is_some_and(|old| tolerations(old) == change.new.and_then(|new| tolerations(new)));
        if !same && nodes.get(node).is_some_and(|node| !taints(&node).is_empty()) {
            own.add(node.clone());
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(1, shutdown, move |name| {
        let (context, seen) = (context.clone(), Arc::clone(&seen));
        async move { reconcile(&context, &seen, patience, &name).await }
    })
}

/// The node's taints that end pods.
fn taints(node: &Node) -> Vec<Taint> {
    let all = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    all.iter().filter(|taint| taint.effect == "NoExecute").cloned().collect()
}

fn note(seen: &Seen, node: &str, taints: &[Taint]) {
    let mut seen = seen.lock();
    let before = seen.remove(node).unwrap_or_default();
    let since = |taint: &Taint| before.get(&taint.key).copied().unwrap_or_else(Timestamp::now);
    if !taints.is_empty() {
        seen.insert(node.to_owned(), taints.iter().map(|taint| (taint.key.clone(), since(taint))).collect());
    }
}

async fn reconcile(context: &Context, seen: &Seen, patience: Duration, name: &str) -> anyhow::Result<Next> {
    let Some(mut taints) = context.nodes.get(name).map(|node| taints(&node)) else { return Ok(Next::Wait) };
    for taint in taints.iter_mut().filter(|taint| taint.time_added.is_none()) {
        let since = seen.lock().get(name).and_then(|known| known.get(&taint.key).copied());
        taint.time_added = since.map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time);
    }
    let mut next: Option<Duration> = None;
    let on_node = |pod: &Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(name);
    for pod in context.pods.select(|pod| on_node(pod) && pod.metadata.deletion_timestamp.is_none()) {
        match until_eviction(&taints, &pod, patience, Timestamp::now()) {
            None => {}
            Some(left) if !left.is_zero() => next = Some(next.map_or(left, |known| known.min(left))),
            Some(_) => evict(context, &pod)
                .await
                .with_context(|| format!("cannot evict pod {} of node {name}", pod.name_any()))?,
        }
    }
    Ok(next.map_or(Next::Wait, Next::After))
}

async fn evict(context: &Context, pod: &Pod) -> anyhow::Result<()> {
    let namespace = pod.namespace().unwrap_or_default();
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &namespace);
    if !pod::is_finished(pod) {
        let condition = json!({"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastTransitionTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
        let patch = json!({"metadata": {"uid": pod.uid()}, "status": {"conditions": [condition]}});
        let told = api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(&patch)).await;
        accept(told.map(drop))?;
    }
    let preconditions = Some(Preconditions { uid: pod.uid(), resource_version: None });
    let params = DeleteParams { preconditions, ..DeleteParams::default() };
    accept(api.delete(&pod.name_any(), &params).await.map(drop))?;
    let text = format!("Marking for deletion Pod {namespace}/{}", pod.name_any());
    context.events.record(pod, NAME, false, "TaintManagerEviction", text);
    Ok(())
}

/// How long the pod may stay on a node with these taints; `None` is for ever. `patience` is for nodes that are not ready and
/// pods that do not say. A pod that came later than the taint has its time from then on.
fn until_eviction(taints: &[Taint], pod: &Pod, patience: Duration, now: Timestamp) -> Option<Duration> {
    let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
    let made = pod.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0);
    let waits = taints.iter().filter_map(|taint| {
        // of several that fit the first one counts, as in Kubernetes
        let allowed = match tolerations.iter().find(|toleration| tolerates(toleration, taint)) {
            Some(toleration) => Duration::from_secs(u64::try_from(toleration.toleration_seconds?).unwrap_or(0)),
            None if matches!(taint.key.as_str(), NOT_READY | UNREACHABLE) => patience,
            None => Duration::ZERO,
        };
        let since = taint.time_added.as_ref().map_or(now, |time| time.0).max(made);
        let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        Some(allowed.saturating_sub(passed))
    });
    waits.min()
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let exists = toleration.operator.as_deref() == Some("Exists");
    let key = text(&toleration.key);
    let key_fits = if key.is_empty() { exists } else { key == taint.key };
    let effect_fits = toleration.effect.as_deref().is_none_or(|effect| effect.is_empty() || effect == taint.effect);
    key_fits && effect_fits && (exists || text(&toleration.value) == text(&taint.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn left(taint: Value, created: &str, tolerations: Value) -> Option<Duration> {
        let node: Node = serde_json::from_value(json!({"metadata": {}, "spec": {"taints": [taint]}})).unwrap();
        let pod =
            json!({"metadata": {"creationTimestamp": created}, "spec": {"containers": [], "tolerations": tolerations}});
        let pod = serde_json::from_value(pod).unwrap();
        until_eviction(&taints(&node), &pod, Duration::from_secs(300), at("2026-01-01T00:01:00Z"))
    }

    #[test]
    fn pods_stay_as_long_as_they_tolerate() {
        let taint = json!({"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"});
        let left = |tolerations: Value| left(taint.clone(), "2025-12-31T00:00:00Z", tolerations);
        assert_eq!(left(json!([])), Some(Duration::from_secs(240)));
        assert_eq!(left(json!([{"operator": "Exists"}])), None);
        let seconds =
            json!([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}]);
        assert_eq!(left(seconds), Some(Duration::ZERO));
        let several =
            json!([{"key": UNREACHABLE, "operator": "Exists", "tolerationSeconds": 90}, {"operator": "Exists"}]);
        assert_eq!(left(several), Some(Duration::from_secs(30)), "the first one counts");
    }

    #[test]
    fn a_users_taint_ends_pods_at_once_unless_they_tolerate_it() {
        let taint = json!({"key": "k", "value": "v", "effect": "NoExecute"});
        let tolerating = |seconds: Option<i64>| json!([{"key": "k", "value": "v", "effect": "NoExecute", "tolerationSeconds": seconds}]);
        let left = |effect: &str, tolerations: Value| {
            let mut taint = taint.clone();
            taint["effect"] = json!(effect);
            left(taint, "2025-12-31T00:00:00Z", tolerations)
        };
        assert_eq!(left("NoExecute", json!([])), Some(Duration::ZERO));
        assert_eq!(left("NoExecute", tolerating(None)), None);
        assert_eq!(left("NoExecute", tolerating(Some(5))), Some(Duration::from_secs(5)));
        assert_eq!(left("NoSchedule", json!([])), None);
    }

    #[test]
    fn who_came_after_the_taint_has_its_time() {
        let taint = json!({"key": "k", "effect": "NoExecute", "timeAdded": "2025-01-01T00:00:00Z"});
        let toleration = json!([{"key": "k", "operator": "Exists", "tolerationSeconds": 60}]);
        assert_eq!(left(taint, "2026-01-01T00:00:30Z", toleration), Some(Duration::from_secs(30)));
    }
}
