//! What Kubernetes takes and advises against: the warnings that come with an answer.

use serde_json::Value;

use super::tree::Node;
use super::{names, pod_warnings, resources};
use crate::kinds::Kind;

/// What is said to the client about an object that is stored: a new one, or one that took the place of `old`.
#[must_use]
pub fn warnings(kind: &Kind, new: &Value, old: Option<&Value>) -> Vec<String> {
    let (root, mut told) = (Node::root(new), Vec::new());
    // people change templates; what changes is counted in the generation
    let counted = old.is_none_or(|old| old["metadata"]["generation"] != new["metadata"]["generation"]);
    match (kind.group, kind.kind) {
        // running pods are changed by machines
        ("", "Pod") if old.is_none() => {
            label_advised(&root, "the Pod's hostname", &mut told);
            pod_warnings::pod(&root, &mut told);
        }
        ("", "ReplicationController") if counted => {
            if old.is_none() {
                label_advised(&root, "Pod names and hostnames", &mut told);
            }
            pod_warnings::pod(&root.at("spec").at("template"), &mut told);
        }
        ("", "PodTemplate") if counted => pod_warnings::pod(&root.at("template"), &mut told),
        ("", "Service") => service(&root, &mut told),
        ("", "PersistentVolume") => volume(&root, &mut told),
        ("", "PersistentVolumeClaim") => {
            annotation(&root, &mut told);
            claim_spec(&root.at("spec"), &mut told);
        }
        ("node.k8s.io", "RuntimeClass") => {
            let scheduling = root.at("scheduling");
            let selector = scheduling.at("nodeSelector");
            told.extend(selector.entries().filter_map(|(label, _)| Some(format!("{selector}: {}", outdated(label)?))));
        }
        _ => {}
    }
    // each is said once
    let mut said: Vec<String> = Vec::new();
    told.retain(|warning| {
        let new = !said.contains(warning);
        said.push(warning.clone());
        new
    });
    told
}

fn label_advised(root: &Node, what: &str, told: &mut Vec<String>) {
    let metadata = root.at("metadata");
    let wrong = names::dns1123_label(metadata.at("name").text());
    if !wrong.is_empty() {
        let why = "which can result in surprising behavior; a DNS label is recommended";
        told.push(format!("metadata.name: this is used in {what}, {why}: [{}]", wrong.join(" ")));
    }
}

fn service(root: &Node, told: &mut Vec<String>) {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let (metadata, spec) = (root.at("metadata"), root.at("spec"));
    if metadata.at("annotations").key(HINTS).is_present() {
        let instead = "service.kubernetes.io/topology-mode";
        told.push(format!("annotation {HINTS} is deprecated, please use {instead} instead"));
    }
    if spec.at("type").text() == "ClusterIP" && spec.at("clusterIP").text() == "None" {
        let sticks = !matches!(spec.at("sessionAffinity").text(), "" | "None");
        for (set, field) in [
            (!spec.at("loadBalancerIP").is_empty(), "loadBalancerIP"),
            (!spec.at("externalIPs").is_empty(), "externalIPs"),
            (sticks, "SessionAffinity"),
        ] {
            if set {
                told.push(format!("spec.{field} is ignored for headless services"));
            }
        }
    }
    let named = spec.at("type").text() == "ExternalName";
    if named && !spec.at("externalIPs").is_empty() {
        told.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !named && !spec.at("externalName").is_empty() {
        told.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
}

fn volume(root: &Node, told: &mut Vec<String>) {
    annotation(root, told);
    let spec = root.at("spec");
    let policy = spec.at("persistentVolumeReclaimPolicy");
    if policy.text() == "Recycle" {
        let why = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
        told.push(format!("{policy}: {why}"));
    }
    let affinity = spec.at("nodeAffinity");
    node_selector(&affinity.at("required").at("nodeSelectorTerms"), told);
    sources(&spec, told);
    fraction(&spec.at("capacity").key("storage"), told);
}

/// The class of a volume or claim in its old place.
fn annotation(root: &Node, told: &mut Vec<String>) {
    let metadata = root.at("metadata");
    let annotations = metadata.at("annotations");
    let class = annotations.key("volume.beta.kubernetes.io/storage-class");
    if class.is_present() {
        told.push(format!("{class}: deprecated since v1.8; use \"storageClassName\" attribute instead"));
    }
}

/// The spec of a claim, or of one that a pod's volume makes.
pub(super) fn claim_spec(spec: &Node, told: &mut Vec<String>) {
    let resources = spec.at("resources");
    for field in ["requests", "limits"] {
        fraction(&resources.at(field).key("storage"), told);
    }
}

/// Bytes are whole.
pub(super) fn fraction(amount: &Node, told: &mut Vec<String>) {
    if resources::amount(amount).is_some_and(|bytes| !bytes.is_whole()) {
        let shown = crate::status::quote(amount.text());
        told.push(format!("{amount}: fractional byte value {shown} is invalid, must be an integer"));
    }
}

/// Sources of volumes that Kubernetes has given up.
const GIVEN_UP: &[(&str, &str)] = &[
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("gitRepo", "deprecated in v1.11"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
];

/// What is to be said of the source of a volume.
pub(super) fn sources(volume: &Node, told: &mut Vec<String>) {
    for (field, why) in GIVEN_UP {
        // Kubernetes writes it so here
        let shown = if *field == "storageos" { "storageOS" } else { field };
        if volume.at(field).is_present() {
            told.push(format!("{}: {why}", volume.at(shown)));
        }
    }
}

/// What is to be said of a label of nodes that is not used any more.
pub(super) fn outdated(label: &str) -> Option<&'static str> {
    Some(match label {
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/instance-type" => {
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"
        }
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
        }
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => "deprecated since v1.22; use Taints and Tolerations instead",
        _ => return None,
    })
}

/// The terms of a node selector.
pub(super) fn node_selector(terms: &Node, told: &mut Vec<String>) {
    for term in terms.items() {
        node_term(&term, told);
    }
}

/// A term of a node selector.
pub(super) fn node_term(term: &Node, told: &mut Vec<String>) {
    for expression in term.at("matchExpressions").items() {
        let key = expression.at("key");
        if let Some(why) = outdated(key.text()) {
            told.push(format!("{key}: {} is {why}", key.text()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use serde_json::json;

    fn told(plural: &str, object: &Value, old: Option<&Value>) -> Vec<String> {
        warnings(kinds::find("", "v1", plural).expect("served"), object, old)
    }

    #[test]
    fn names_are_advised_where_they_are_made() {
        let pod = json!({"metadata": {"name": "a.b"}, "spec": {}});
        let said = told("pods", &pod, None);
        let beginning = "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS \
            label is recommended: [a lowercase RFC 1123 label must";
        assert!(said.len() == 1 && said[0].starts_with(beginning) && said[0].ends_with(']'), "{said:?}");
        assert!(told("pods", &pod, Some(&pod)).is_empty());
        assert!(told("replicationcontrollers", &pod, None)[0].contains("used in Pod names and hostnames,"));
    }

    #[test]
    fn services_are_told_what_is_ignored() {
        let spec = json!({"type": "ClusterIP", "clusterIP": "None", "sessionAffinity": "ClientIP", "loadBalancerIP": "1.2.3.4",
            "externalName": "a.b"});
        assert_eq!(
            told("services", &json!({"metadata": {}, "spec": spec}), None),
            [
                "spec.loadBalancerIP is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
                "spec.externalName is ignored when spec.type is not \"ExternalName\"",
            ]
        );
    }

    #[test]
    fn volumes_are_told_what_is_given_up() {
        let volume = json!({"metadata": {}, "spec": {"rbd": {}, "capacity": {"storage": "1500m"}}});
        assert_eq!(
            told("persistentvolumes", &volume, None),
            [
                "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
                "spec.capacity[storage]: fractional byte value \"1500m\" is invalid, must be an integer",
            ]
        );
    }

    #[test]
    fn templates_are_told_when_they_change() {
        let template = json!({"spec": {"terminationGracePeriodSeconds": -1}});
        let rc = json!({"metadata": {"name": "a", "generation": 2}, "spec": {"template": template}});
        let why = "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be \
            treated as 1";
        assert_eq!(told("replicationcontrollers", &rc, None), [why]);
        assert!(told("replicationcontrollers", &rc, Some(&rc)).is_empty());
    }
}
