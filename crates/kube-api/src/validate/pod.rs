//! Pods, and what is the same in templates of pods.

use std::collections::HashSet;

use serde_json::Value;

use super::error::Errors;
use super::tree::Node;
use super::{containers, names, placement, pod_annotations, security, volume};

/// What a pod's spec is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A pod.
    Pod,
    /// A template.
    Template,
    /// The template of a controller that keeps its pods running.
    AlwaysRunning,
}

/// A pod, new or changed: its spec, and what templates of pods are not asked for.
pub(super) fn pod(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    self::spec(&spec, Use::Pod, errors);
    if spec.at("serviceAccountName").is_empty() {
        for volume in spec.at("volumes").items() {
            for source in volume.at("projected").at("sources").items() {
                let token = source.at("serviceAccountToken");
                if token.is_present() {
                    errors.forbidden(&token, "must not be specified when serviceAccountName is not set");
                }
            }
        }
    }
    for list in ["containers", "initContainers"] {
        spec.at(list).items().for_each(|container| containers::untrimmed_image(&container, errors));
    }
}

/// Rules for new pods alone.
pub(super) fn create(root: &Node, errors: &mut Errors) {
    let (metadata, spec) = (root.at("metadata"), root.at("spec"));
    pod_annotations::new(&metadata.at("annotations"), &spec, errors);
    let ephemeral = spec.at("ephemeralContainers");
    if !ephemeral.is_empty() {
        errors.forbidden(&ephemeral, "cannot be set on create");
    }
    if !spec.at("schedulingGates").is_empty() && !spec.at("nodeName").is_empty() {
        errors.forbidden(&spec.at("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
}

/// A pod's spec.
pub(super) fn spec(spec: &Node, of: Use, errors: &mut Errors) {
    let volumes = spec.at("volumes");
    let known = volume::volumes(&volumes, errors);
    containers::all(spec, &known, errors);
    policies(spec, of, errors);
    let deadline = spec.at("activeDeadlineSeconds");
    if deadline.is_present() {
        errors.within(&deadline, 1, i64::from(i32::MAX));
    }
    errors.labels(&spec.at("nodeSelector"));
    security::pod(&spec.at("securityContext"), spec, errors);
    for secret in spec.at("imagePullSecrets").items() {
        errors.need(&secret.at("name"));
    }
    names_of(spec, errors);
    placement::affinity(&spec.at("affinity"), errors);
    for toleration in spec.at("tolerations").items() {
        placement::toleration(&toleration, errors);
    }
    dns(spec, errors);
    for alias in spec.at("hostAliases").items() {
        errors.ip(&alias.at("ip"));
        for host in alias.at("hostnames").items() {
            errors.named(&host, names::dns1123_subdomain(host.text()));
        }
    }
    for gate in spec.at("readinessGates").items() {
        let condition = gate.at("conditionType");
        errors.named(&condition, names::qualified_name(condition.text()));
    }
    placement::spreading(&spec.at("topologySpreadConstraints"), errors);
    gates(&spec.at("schedulingGates"), errors);
    errors.none_or_one_of(&spec.at("preemptionPolicy"), &["Never", "PreemptLowerPriority"]);
}

fn policies(spec: &Node, of: Use, errors: &mut Errors) {
    let restart = spec.at("restartPolicy");
    match of {
        Use::AlwaysRunning => errors.one_of(&restart, &["Always"]),
        Use::Pod | Use::Template if restart.is_empty() => errors.required(&restart, ""),
        Use::Pod | Use::Template => errors.one_of(&restart, &["Always", "OnFailure", "Never"]),
    }
    let policy = spec.at("dnsPolicy");
    errors.one_of(&policy, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
    if let Some(os) = Some(spec.at("os")).filter(Node::is_present) {
        let name = os.at("name");
        if name.is_empty() {
            errors.required(&name, "");
        } else {
            errors.one_of(&name, &["linux", "windows"]);
        }
    }
}

fn names_of(spec: &Node, errors: &mut Errors) {
    type Rule = fn(&str) -> Vec<String>;
    let rules: [(&str, Rule); 6] = [
        ("serviceAccountName", names::dns1123_subdomain),
        ("nodeName", names::dns1123_subdomain),
        ("hostname", names::dns1123_label),
        ("subdomain", names::dns1123_label),
        ("priorityClassName", names::dns1123_subdomain),
        ("runtimeClassName", names::dns1123_subdomain),
    ];
    for (field, rule) in rules {
        let node = spec.at(field);
        if !node.is_empty() {
            errors.named(&node, rule(node.text()));
        }
    }
}

fn dns(spec: &Node, errors: &mut Errors) {
    let config = spec.at("dnsConfig");
    let servers = config.at("nameservers");
    if spec.at("dnsPolicy").text() == "None" {
        if !config.is_present() {
            errors.required(&config, "must provide `dnsConfig` when `dnsPolicy` is None");
        } else if servers.is_empty() {
            errors.required(&servers, "must provide at least one DNS nameserver when `dnsPolicy` is None");
        }
    }
    if servers.len() > 3 {
        errors.invalid(&servers, "must not have more than 3 nameservers");
    }
    for server in servers.items() {
        errors.ip(&server);
    }
    let searches = config.at("searches");
    if searches.len() > 32 {
        errors.invalid(&searches, "must not have more than 32 search paths");
    }
    for search in searches.items() {
        let text = search.text().strip_suffix('.').unwrap_or(search.text());
        if search.text() != "." {
            errors.named(&search, names::dns1123_subdomain(text));
        }
    }
    for option in config.at("options").items() {
        let name = option.at("name");
        if name.is_empty() {
            errors.required(&name, "must not be empty");
        }
    }
}

fn gates(gates: &Node, errors: &mut Errors) {
    let mut seen: HashSet<&Value> = HashSet::new();
    for gate in gates.items() {
        let name = gate.at("name");
        errors.named(&name, names::qualified_name(name.text()));
        if !seen.insert(name.value()) {
            errors.duplicate(&name);
        }
    }
}
