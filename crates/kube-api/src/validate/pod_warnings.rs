//! What is advised against in pods, and in templates of pods.

use std::collections::HashSet;

use super::tree::Node;
use super::warnings::{claim_spec, fraction, node_selector, node_term, outdated, sources};
use crate::status::quote;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// A pod, or a template of pods.
pub(super) fn pod(pod: &Node, told: &mut Vec<String>) {
    let spec = pod.at("spec");
    places(&spec, told);
    annotations(pod, told);
    for volume in spec.at("volumes").items() {
        sources(&volume, told);
        let ephemeral = volume.at("ephemeral");
        claim_spec(&ephemeral.at("volumeClaimTemplate").at("spec"), told);
    }
    twice(&spec.at("hostAliases"), "ip", told);
    twice(&spec.at("imagePullSecrets"), "name", told);
    for resource in ["memory", "ephemeral-storage"] {
        fraction(&spec.at("overhead").key(resource), told);
    }
    for list in LISTS {
        for container in spec.at(list).items() {
            self::container(pod, &container, told);
        }
    }
    ports(&spec, told);
    let grace = spec.at("terminationGracePeriodSeconds");
    if grace.int().is_some_and(|seconds| seconds < 0) {
        told.push(format!("{grace}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    null_selectors(&spec, told);
}

/// The lists of containers, in the order in which they are looked at.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Labels of nodes that are not used any more.
fn places(spec: &Node, told: &mut Vec<String>) {
    for (label, at) in spec.at("nodeSelector").entries() {
        told.extend(outdated(label).map(|why| format!("{at}: {why}")));
    }
    let affinity = spec.at("affinity");
    let affinity = affinity.at("nodeAffinity");
    node_selector(&affinity.at(REQUIRED).at("nodeSelectorTerms"), told);
    for preferred in affinity.at(PREFERRED).items() {
        node_term(&preferred.at("preference"), told);
    }
    for constraint in spec.at("topologySpreadConstraints").items() {
        let (key, selector) = (constraint.at("topologyKey"), constraint.at("labelSelector"));
        if let Some(why) = outdated(key.text()) {
            told.push(format!("{key}: {} is {why}", key.text()));
        }
        null_selector(&selector, told);
    }
}

fn null_selectors(spec: &Node, told: &mut Vec<String>) {
    let affinity = spec.at("affinity");
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = affinity.at(kind);
        for term in affinity.at(REQUIRED).items() {
            null_selector(&term.at("labelSelector"), told);
        }
        for preferred in affinity.at(PREFERRED).items() {
            null_selector(&preferred.at("podAffinityTerm").at("labelSelector"), told);
        }
    }
}

fn null_selector(selector: &Node, told: &mut Vec<String>) {
    if !selector.is_present() {
        told.push(format!("{selector}: a null labelSelector results in matching no pod"));
    }
}

/// Annotations that have become fields.
fn annotations(pod: &Node, told: &mut Vec<String>) {
    let (metadata, spec) = (pod.at("metadata"), pod.at("spec"));
    let annotations = metadata.at("annotations");
    for (annotation, since, field) in [
        ("scheduler.alpha.kubernetes.io/critical-pod", "v1.16+", "priorityClassName"),
        ("security.alpha.kubernetes.io/sysctls", "v1.11+", "sysctls"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "v1.11+", "sysctls"),
        ("seccomp.security.alpha.kubernetes.io/pod", "v1.27+", "seccompProfile"),
    ] {
        let replaced = field == "seccompProfile" && spec.at("securityContext").at(field).is_present();
        let at = annotations.key(annotation);
        if at.is_present() && !replaced {
            told.push(format!("{at}: non-functional in {since}; use the {} field instead", quote(field)));
        }
    }
}

/// Entries of a list that say the same again.
fn twice(list: &Node, field: &str, told: &mut Vec<String>) {
    let mut seen = HashSet::new();
    for entry in list.items() {
        let at = entry.at(field);
        if !seen.insert(at.text()) {
            told.push(format!("{at}: duplicate {field} {}", quote(at.text())));
        }
    }
}

fn container(pod: &Node, container: &Node, told: &mut Vec<String>) {
    let (metadata, resources) = (pod.at("metadata"), container.at("resources"));
    let name = format!("container.seccomp.security.alpha.kubernetes.io/{}", container.at("name").text());
    let annotations = metadata.at("annotations");
    let annotation = annotations.key(&name);
    if annotation.is_present() && !container.at("securityContext").at("seccompProfile").is_present() {
        told.push(format!("{annotation}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    for resource in ["memory", "ephemeral-storage"] {
        for field in ["limits", "requests"] {
            fraction(&resources.at(field).key(resource), told);
        }
    }
    let mut seen = HashSet::new();
    for variable in container.at("env").items() {
        let name = variable.at("name").text();
        let (value, before) = (variable.at("value").text(), format!("$({name})"));
        // one that goes on from its older value is meant
        let extends = value.contains(&before) && value != before && !variable.at("valueFrom").is_present();
        if !seen.insert(name) && !extends {
            let hides = format!("hides previous definition of {}", quote(name));
            told.push(format!("{variable}: {hides}, which may be dropped when using apply"));
        }
    }
}

/// A port that was seen: its place, number and protocol, and where it is on the host.
struct Port<'v> {
    place: String,
    number: (i64, &'v str),
    host: (&'v str, i64),
}

/// Ports that containers of a pod have in common.
fn ports(spec: &Node, told: &mut Vec<String>) {
    let mut seen: Vec<Port> = Vec::new();
    for list in LISTS {
        let list = spec.at(list);
        for container in list.items() {
            let ports = container.at("ports");
            for port in ports.items() {
                let int = |field: &str| port.at(field).int().unwrap_or(0);
                let number = (int("containerPort"), port.at("protocol").text());
                let port = Port { place: port.to_string(), number, host: (port.at("hostIP").text(), int("hostPort")) };
                for other in seen.iter().filter(|other| other.number == port.number) {
                    if let Some(how) = meet(port.host, other.host) {
                        told.push(format!("{}: {how} port definition with {}", port.place, other.place));
                    }
                }
                seen.push(port);
            }
        }
    }
}

/// How two definitions of a port meet on the host, if they do.
fn meet(one: (&str, i64), other: (&str, i64)) -> Option<&'static str> {
    match (one, other) {
        _ if one == other => Some("duplicate"),
        ((_, 0), _) | (_, (_, 0)) => Some("overlapping"),
        ((here, a), (there, b)) if a == b && here.is_empty() != there.is_empty() => Some("dangerously ambiguous"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(spec: Value) -> Vec<String> {
        let (object, mut told) = (json!({"metadata": {}, "spec": spec}), Vec::new());
        pod(&Node::root(&object), &mut told);
        told
    }

    #[test]
    fn what_is_said_twice_is_told() {
        let env = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}, {"name": "A", "value": "3"}]);
        let port = |host: i64| json!({"containerPort": 80, "protocol": "TCP", "hostPort": host});
        let containers =
            json!([{"name": "a", "env": env, "ports": [port(0)]}, {"name": "b", "ports": [port(0), port(8080)]}]);
        assert_eq!(
            told(json!({"containers": containers, "imagePullSecrets": [{"name": "s"}, {"name": "s"}]})),
            [
                "spec.imagePullSecrets[1].name: duplicate name \"s\"",
                "spec.containers[0].env[2]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.containers[1].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[1].ports[1]: overlapping port definition with spec.containers[1].ports[0]",
            ]
        );
    }

    #[test]
    fn old_labels_and_selectors_of_nothing_are_told() {
        let spread = json!([{"topologyKey": "failure-domain.beta.kubernetes.io/zone"}]);
        let key = "spec.topologySpreadConstraints[0]";
        assert_eq!(
            told(json!({"nodeSelector": {"beta.kubernetes.io/os": "linux"}, "topologySpreadConstraints": spread})),
            [
                "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead"
                    .to_owned(),
                format!(
                    "{key}.topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
                ),
                format!("{key}.labelSelector: a null labelSelector results in matching no pod"),
            ]
        );
    }
}
