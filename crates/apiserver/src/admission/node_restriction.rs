//! NodeRestriction: what the node authorizer cannot see, because it is in the body. An executor writes its own node and its own
//! pods, and nothing by which it could draw other pods to itself.
//!
//! Two things are otherwise than in Kubernetes: there are no mirror pods, so that a node makes no pods; and a node sets the
//! annotations of its own pods, by which the scheduler and it speak of tasks.

use std::collections::BTreeSet;

use kube_api::{Status, meta};
use serde_json::{Map, Value, json};

use super::Review;

/// Labels of a node that are Kubernetes' and yet the node's to set.
const OWN_LABELS: &[&str] = &[
    "kubernetes.io/hostname",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.kubernetes.io/region",
    "failure-domain.kubernetes.io/zone",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
/// Prefixes of labels that are the node's to set.
const OWN_PREFIXES: &[&str] = &["kubelet.kubernetes.io", "node.kubernetes.io"];
/// The prefix of labels by which administrators keep pods on nodes that they trust.
const RESTRICTED: &str = "node-restriction.kubernetes.io";
const LEASES: &str = "kube-node-lease";

/// Refuses what a node must not write.
pub(super) fn validate(review: &Review<'_>, object: &Value) -> Result<(), Status> {
    let Some(node) = review.user.node() else { return Ok(()) };
    let checked = match (review.kind.kind, review.subresource) {
        ("Pod", "") => pod(node, review.old, object),
        ("Pod", "status") => pod_status(node, review.old, object),
        ("Pod", other) => Err(format!("unexpected pod subresource {other:?}")),
        ("Node", _) => own_node(node, review.old, object),
        ("Lease", _) => lease(node, object),
        ("PersistentVolumeClaim", _) => Err("may only update PVC status".to_owned()),
        _ => Ok(()),
    };
    checked.map_err(|why| review.forbidden(object, &why))
}

/// Refuses a token that does not end with one of the node's pods. `pod` is the pod to which the token is to be bound, if there
/// is such a pod.
pub(crate) fn token(node: &str, reference: &Value, pod: Option<&Value>) -> Result<(), String> {
    let named = reference["name"].as_str().is_some_and(|name| !name.is_empty());
    if reference["apiVersion"] != "v1" || reference["kind"] != "Pod" || !named {
        return Err("node requested token not bound to a pod".to_owned());
    }
    if reference["uid"].as_str().unwrap_or_default().is_empty() {
        return Err("node requested token with a pod binding without a uid".to_owned());
    }
    match pod {
        Some(pod) if pod["spec"]["nodeName"] == node => Ok(()),
        _ => Err("node requested token bound to a pod scheduled on a different node".to_owned()),
    }
}

fn pod(node: &str, old: Option<&Value>, new: &Value) -> Result<(), String> {
    let Some(old) = old else {
        return Err(format!("node {node:?} can not create pods: there are no mirror pods here"));
    };
    if old["spec"]["nodeName"] != node {
        return Err(format!("node {node:?} can only update pods with spec.nodeName set to itself"));
    }
    let rest = |pod: &Value| {
        let mut rest = pod.clone();
        for field in ["annotations", "resourceVersion", "managedFields"] {
            if let Some(metadata) = rest["metadata"].as_object_mut() {
                metadata.remove(field);
            }
        }
        rest
    };
    if rest(old) != rest(new) {
        return Err(format!("node {node:?} can only update annotations of its pods"));
    }
    Ok(())
}

fn pod_status(node: &str, old: Option<&Value>, new: &Value) -> Result<(), String> {
    if old.is_none_or(|old| old["spec"]["nodeName"] != node) {
        return Err(format!("node {node:?} can only update pod status for pods with spec.nodeName set to itself"));
    }
    if !modified_labels(old, new).is_empty() {
        return Err(format!("node {node:?} cannot update labels through pod status"));
    }
    Ok(())
}

fn own_node(node: &str, old: Option<&Value>, new: &Value) -> Result<(), String> {
    if meta::name(new) != node {
        return Err(format!("node {node:?} is not allowed to modify node {:?}", meta::name(new)));
    }
    let taints = |object: &Value| object["spec"]["taints"].as_array().cloned().unwrap_or_default();
    if old.is_some_and(|old| taints(old) != taints(new)) {
        return Err(format!("node {node:?} is not allowed to modify taints"));
    }
    let labels: Vec<String> = modified_labels(old, new).into_iter().filter(|label| is_forbidden(label)).collect();
    match (labels.is_empty(), old) {
        (true, _) => Ok(()),
        (false, None) => {
            Err(format!("node {node:?} is not allowed to set the following labels: {}", labels.join(", ")))
        }
        (false, Some(_)) => Err(format!("is not allowed to modify labels: {}", labels.join(", "))),
    }
}

fn lease(node: &str, new: &Value) -> Result<(), String> {
    if meta::namespace(new) != LEASES {
        return Err(format!("can only access leases in the {LEASES:?} system namespace"));
    }
    if meta::name(new) != node {
        return Err("can only access node lease with the same name as the requesting node".to_owned());
    }
    Ok(())
}

/// The labels that are not what they were.
fn modified_labels(old: Option<&Value>, new: &Value) -> BTreeSet<String> {
    let labels = |object: &Value| object["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    let (old, new): (Map<String, Value>, Map<String, Value>) = (labels(old.unwrap_or(&json!(null))), labels(new));
    let keys = old.keys().chain(new.keys());
    keys.filter(|key| old.get(key.as_str()) != new.get(key.as_str())).cloned().collect()
}

/// Whether a node must not set the label.
fn is_forbidden(label: &str) -> bool {
    let prefix = label.split_once('/').map_or("", |(prefix, _)| prefix);
    let within =
        |domain: &str| prefix.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    if within(RESTRICTED) {
        return true;
    }
    let kubernetes = within("kubernetes.io") || within("k8s.io");
    kubernetes && !OWN_LABELS.contains(&label) && !OWN_PREFIXES.iter().any(|own| within(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_to_its_own_labels_and_leaves_taints_alone() {
        let with = |labels: Value| json!({"metadata": {"name": "n1", "labels": labels}});
        let plain = with(json!({"a": "b"}));
        let told = |old: Option<&Value>, labels: Value| own_node("n1", old, &with(labels)).unwrap_err();
        assert!(own_node("n1", None, &with(json!({"kubernetes.io/os": "linux", "any.example.com/x": "1"}))).is_ok());
        assert!(own_node("n1", Some(&plain), &with(json!({"sub.node.kubernetes.io/x": "1"}))).is_ok());
        let forbidden = json!({"node-role.kubernetes.io/master": "", "a.node-restriction.kubernetes.io/z": "1"});
        let list = "a.node-restriction.kubernetes.io/z, node-role.kubernetes.io/master";
        assert_eq!(
            told(None, forbidden.clone()),
            format!("node \"n1\" is not allowed to set the following labels: {list}")
        );
        assert_eq!(told(Some(&plain), forbidden), format!("is not allowed to modify labels: {list}"));
        let mut tainted = plain.clone();
        tainted["spec"]["taints"] = json!([{"key": "t"}]);
        let why = own_node("n1", Some(&tainted), &plain).unwrap_err();
        assert_eq!(why, "node \"n1\" is not allowed to modify taints");
        let why = own_node("n2", None, &plain).unwrap_err();
        assert_eq!(why, "node \"n2\" is not allowed to modify node \"n1\"");
    }

    #[test]
    fn a_node_writes_status_and_annotations_of_its_pods() {
        let old = json!({"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"nodeName": "n1"}});
        let mut new = old.clone();
        new["metadata"]["annotations"] = json!({"k8s.mesosphere.io/taskId": "t"});
        assert!(pod("n1", Some(&old), &new).is_ok());
        assert!(pod("n2", Some(&old), &new).is_err(), "another's pod");
        assert!(pod("n1", None, &new).is_err(), "a mirror pod");
        assert!(pod_status("n1", Some(&old), &new).is_ok());
        new["metadata"]["labels"] = json!({"a": "c"});
        assert!(pod("n1", Some(&old), &new).is_err());
        let why = pod_status("n1", Some(&old), &new).unwrap_err();
        assert_eq!(why, "node \"n1\" cannot update labels through pod status");
        assert!(pod_status("n2", Some(&old), &old).is_err());
    }

    #[test]
    fn a_nodes_tokens_end_with_its_pods() {
        let here = json!({"spec": {"nodeName": "n1"}});
        let reference = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
        assert_eq!(token("n1", &reference, Some(&here)), Ok(()));
        assert!(token("n2", &reference, Some(&here)).unwrap_err().contains("different node"));
        assert_eq!(token("n1", &Value::Null, None).unwrap_err(), "node requested token not bound to a pod");
        let without = json!({"apiVersion": "v1", "kind": "Pod", "name": "p"});
        assert!(token("n1", &without, Some(&here)).unwrap_err().contains("without a uid"));
    }

    #[test]
    fn a_node_has_one_lease() {
        let lease = |namespace: &str, name: &str| {
            super::lease("n1", &json!({"metadata": {"name": name, "namespace": namespace}}))
        };
        assert!(lease(LEASES, "n1").is_ok());
        assert!(lease(LEASES, "n2").is_err() && lease("default", "n1").is_err());
    }
}
