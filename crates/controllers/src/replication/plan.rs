//! What is to be done about a replication controller and its pods: a pure function.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, ReplicationController, ReplicationControllerStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};
use serde::Serialize;

use super::rank;
use crate::pod;

/// The most that is created or deleted in one go.
const BURST: usize = 500;

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Pods to own.
    pub(super) adopt: Vec<Arc<Pod>>,
    /// Pods to own no more.
    pub(super) release: Vec<Arc<Pod>>,
    /// How many pods to create.
    pub(super) create: usize,
    /// Pods to delete.
    pub(super) delete: Vec<Arc<Pod>>,
    /// What the status is to say.
    pub(super) status: Counts,
    /// When to look again though nothing changes: a ready pod will be available then.
    pub(super) again: Option<Duration>,
}

/// The counts of a status.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    replicas: i32,
    fully_labeled_replicas: i32,
    ready_replicas: i32,
    available_replicas: i32,
    observed_generation: i64,
}

impl Counts {
    /// Whether `status` says the same.
    pub(super) fn equals(&self, status: &ReplicationControllerStatus) -> bool {
        *self
            == Self {
                replicas: status.replicas,
                fully_labeled_replicas: status.fully_labeled_replicas.unwrap_or(0),
                ready_replicas: status.ready_replicas.unwrap_or(0),
                available_replicas: status.available_replicas.unwrap_or(0),
                observed_generation: status.observed_generation.unwrap_or(0),
            }
    }
}

/// `pods` are those that the controller owns or selects.
pub(super) fn plan(controller: &ReplicationController, pods: &[Arc<Pod>], now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let deleting = controller.metadata.deletion_timestamp.is_some();
    let uid = controller.uid().unwrap_or_default();
    let mut active: Vec<Arc<Pod>> = Vec::new();
    for pod in pods {
        let selected = selects(controller, pod);
        match pod::controller(pod) {
            Some(owner) if owner.uid == uid && selected => active.push(Arc::clone(pod)),
            Some(owner) if owner.uid == uid => plan.release.push(Arc::clone(pod)),
            Some(_) => {}
            None if selected && !deleting && pod::is_active(pod) => {
                plan.adopt.push(Arc::clone(pod));
                active.push(Arc::clone(pod));
            }
            None => {}
        }
    }
    if deleting {
        // what becomes of the pods is the garbage collector's to decide
        plan.release.clear();
    }
    active.retain(|pod| pod::is_active(pod));
    plan.status = counts(controller, &active, now);
    plan.again = again(controller, &active, now);
    if deleting {
        return plan;
    }
    let wanted = wanted(controller);
    if active.len() < wanted {
        plan.create = (wanted - active.len()).min(BURST);
    } else {
        let surplus = (active.len() - wanted).min(BURST);
        plan.delete = rank::least_wanted(active, surplus);
    }
    plan
}

fn wanted(controller: &ReplicationController) -> usize {
    let replicas = controller.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    usize::try_from(replicas).unwrap_or(0)
}

fn min_ready(controller: &ReplicationController) -> Duration {
    let seconds = controller.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn counts(controller: &ReplicationController, active: &[Arc<Pod>], now: Timestamp) -> Counts {
    let template = controller.spec.as_ref().and_then(|spec| spec.template.as_ref()?.metadata.as_ref()?.labels.as_ref());
    let labelled = |pod: &Pod| {
        template.is_none_or(|labels| labels.iter().all(|(key, value)| pod.labels().get(key) == Some(value)))
    };
    let count = |matches: &dyn Fn(&Pod) -> bool| {
        i32::try_from(active.iter().filter(|pod| matches(pod)).count()).unwrap_or(i32::MAX)
    };
    Counts {
        replicas: count(&|_| true),
        fully_labeled_replicas: count(&labelled),
        ready_replicas: count(&pod::is_ready),
        available_replicas: count(&|pod| pod::until_available(pod, min_ready(controller), now) == Some(Duration::ZERO)),
        observed_generation: controller.metadata.generation.unwrap_or(0),
    }
}

fn again(controller: &ReplicationController, active: &[Arc<Pod>], now: Timestamp) -> Option<Duration> {
    let waits = active.iter().filter_map(|pod| pod::until_available(pod, min_ready(controller), now));
    waits.filter(|wait| !wait.is_zero()).min()
}

/// Whether the controller's selector takes the pod. An empty selector takes nothing.
pub(super) fn selects(controller: &ReplicationController, pod: &Pod) -> bool {
    let selector = controller.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value))
    })
}

/// The reference by which a pod names its controller.
pub(super) fn owner_reference(controller: &ReplicationController) -> OwnerReference {
    let mut owner = controller.controller_owner_ref(&()).unwrap_or_default();
    owner.block_owner_deletion = Some(true);
    owner
}

/// A pod of the controller's template.
pub(super) fn pod_of(controller: &ReplicationController) -> Pod {
    let template = controller.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default();
    let meta = template.metadata.unwrap_or_default();
    let mut pod = Pod { spec: template.spec, ..Pod::default() };
    // the API server makes the rest of the name; a prefix may be as long as leaves room for it
    let prefix: String = controller.name_any().chars().take(246).collect();
    pod.metadata.generate_name = Some(format!("{prefix}-"));
    pod.metadata.namespace = controller.namespace();
    pod.metadata.labels = meta.labels;
    pod.metadata.annotations = meta.annotations;
    pod.metadata.finalizers = meta.finalizers;
    pod.metadata.owner_references = Some(vec![owner_reference(controller)]);
    pod
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rc(replicas: i32, more: Value) -> ReplicationController {
        let mut value = json!({
            "metadata": {"name": "web", "namespace": "default", "uid": "rc-uid", "generation": 3},
            "spec": {"replicas": replicas, "selector": {"app": "web"}, "template": {
                "metadata": {"labels": {"app": "web", "tier": "a"}}, "spec": {"containers": [{"name": "c"}]}}}
        });
        for (key, entry) in more.as_object().unwrap() {
            value[key].as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        }
        serde_json::from_value(value).unwrap()
    }

    fn pod(name: &str, owner: Option<&str>, labels: Value, ready: bool) -> Arc<Pod> {
        let owners = owner.map(|uid| json!([{"apiVersion": "v1", "kind": "ReplicationController", "name": "web", "uid": uid, "controller": true}]));
        let status = if ready { "True" } else { "False" };
        Arc::new(serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "default", "uid": name, "labels": labels, "ownerReferences": owners},
            "status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
        })).unwrap())
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:10Z".parse().unwrap()
    }

    fn web() -> Value {
        json!({"app": "web", "tier": "a"})
    }

    #[test]
    fn what_is_missing_is_created() {
        let plan = plan(&rc(3, json!({})), &[pod("a", Some("rc-uid"), web(), true)], now());
        assert_eq!((plan.create, plan.delete.len()), (2, 0));
    }

    #[test]
    fn what_is_too_much_is_deleted_unready_first() {
        let pods = [pod("a", Some("rc-uid"), web(), true), pod("b", Some("rc-uid"), web(), false)];
        let plan = plan(&rc(1, json!({})), &pods, now());
        assert_eq!(plan.delete.iter().map(|pod| pod.name_any()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn orphans_are_adopted_and_strays_released() {
        let pods = [
            pod("orphan", None, web(), true),
            pod("stray", Some("rc-uid"), json!({"app": "other"}), true),
            pod("foreign", Some("other-uid"), web(), true),
        ];
        let plan = plan(&rc(2, json!({})), &pods, now());
        assert_eq!(plan.adopt[0].name_any(), "orphan");
        assert_eq!(plan.release[0].name_any(), "stray");
        assert_eq!((plan.adopt.len(), plan.release.len(), plan.create), (1, 1, 1));
    }

    #[test]
    fn finished_and_deleted_pods_are_replaced() {
        let mut done = (*pod("a", Some("rc-uid"), web(), true)).clone();
        done.status.as_mut().unwrap().phase = Some("Failed".into());
        let mut going = (*pod("b", Some("rc-uid"), web(), true)).clone();
        going.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
        let plan = plan(&rc(1, json!({})), &[Arc::new(done), Arc::new(going)], now());
        assert_eq!((plan.create, plan.status.replicas), (1, 0));
    }

    #[test]
    fn a_controller_that_is_being_deleted_leaves_its_pods_alone() {
        let gone = rc(5, json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}));
        let plan = plan(&gone, &[pod("a", Some("rc-uid"), web(), true), pod("b", None, web(), true)], now());
        assert_eq!((plan.create, plan.delete.len(), plan.adopt.len()), (0, 0, 0));
    }

    #[test]
    fn the_status_counts_and_waits_for_availability() {
        let slow = rc(3, json!({"spec": {"minReadySeconds": 15}}));
        let pods = [pod("a", Some("rc-uid"), web(), true), pod("b", Some("rc-uid"), json!({"app": "web"}), false)];
        let plan = plan(&slow, &pods, now());
        assert_eq!(
            plan.status,
            Counts {
                replicas: 2,
                fully_labeled_replicas: 1,
                ready_replicas: 1,
                available_replicas: 0,
                observed_generation: 3
            }
        );
        assert_eq!(plan.again, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_pod_is_made_of_the_template() {
        let pod = pod_of(&rc(1, json!({})));
        assert_eq!(pod.metadata.generate_name.as_deref(), Some("web-"));
        assert_eq!(pod.labels().get("tier").map(String::as_str), Some("a"));
        let owner = pod::controller(&pod).unwrap();
        assert_eq!(
            (owner.kind.as_str(), owner.uid.as_str(), owner.block_owner_deletion),
            ("ReplicationController", "rc-uid", Some(true))
        );
    }
}
