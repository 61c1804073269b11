//! Pods, and what is the same in templates of pods.

use std::collections::HashSet;

use serde_json::Value;

use super::error::Errors;
use super::tree::Node;
use super::{containers, names, security, volume};

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

/// Rules for new pods alone.
pub(super) fn create(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
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
    affinity(&spec.at("affinity"), errors);
    for toleration in spec.at("tolerations").items() {
        self::toleration(&toleration, errors);
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
    spreading(&spec.at("topologySpreadConstraints"), errors);
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

/// A toleration, of a pod or of a default.
pub(super) fn toleration(toleration: &Node, errors: &mut Errors) {
    let (key, operator, effect) = (toleration.at("key"), toleration.at("operator"), toleration.at("effect"));
    if !key.is_empty() {
        errors.named(&key, names::qualified_name(key.text()));
    } else if operator.text() != "Exists" {
        errors.invalid_value(
            &operator,
            &operator.text().into(),
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
        );
    }
    if toleration.at("tolerationSeconds").is_present() && effect.text() != "NoExecute" {
        errors.invalid_value(
            &effect,
            &effect.text().into(),
            "effect must be 'NoExecute' when `tolerationSeconds` is set",
        );
    }
    let value = toleration.at("value");
    match operator.text() {
        "Equal" | "" => {
            if let Some(why) = names::label_value(value.text()).into_iter().next() {
                errors.invalid(&operator, &why);
            }
        }
        "Exists" if !value.is_empty() => {
            errors.invalid(&operator, "value must be empty when `operator` is 'Exists'");
        }
        "Exists" => {}
        _ => errors.one_of(&operator, &["Equal", "Exists"]),
    }
    errors.none_or_one_of(&effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
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

fn affinity(affinity: &Node, errors: &mut Errors) {
    let node = affinity.at("nodeAffinity");
    let required = node.at("requiredDuringSchedulingIgnoredDuringExecution");
    if required.is_present() {
        let terms = required.at("nodeSelectorTerms");
        if terms.is_empty() {
            errors.required(&terms, "must have at least one node selector term");
        }
        for term in terms.items() {
            node_term(&term, errors);
        }
    }
    for preferred in node.at("preferredDuringSchedulingIgnoredDuringExecution").items() {
        errors.within(&preferred.at("weight"), 1, 100);
        node_term(&preferred.at("preference"), errors);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = affinity.at(kind);
        for term in affinity.at("requiredDuringSchedulingIgnoredDuringExecution").items() {
            pod_term(&term, errors);
        }
        for preferred in affinity.at("preferredDuringSchedulingIgnoredDuringExecution").items() {
            errors.within(&preferred.at("weight"), 1, 100);
            pod_term(&preferred.at("podAffinityTerm"), errors);
        }
    }
}

/// A term of a node selector.
pub(super) fn node_term(term: &Node, errors: &mut Errors) {
    for expression in term.at("matchExpressions").items() {
        let (key, operator, values) = (expression.at("key"), expression.at("operator"), expression.at("values"));
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                errors.required(&values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => errors.invalid_value(&operator, &operator.text().into(), "not a valid selector operator"),
        }
        errors.named(&key, names::qualified_name(key.text()));
    }
    for expression in term.at("matchFields").items() {
        let (key, operator, values) = (expression.at("key"), expression.at("operator"), expression.at("values"));
        if !matches!(operator.text(), "In" | "NotIn") {
            errors.invalid(&operator, "not a valid selector operator");
        } else if values.len() != 1 {
            errors
                .required(&values, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
        }
        if key.text() != "metadata.name" {
            errors.invalid(&key, "not a valid field selector key");
        }
    }
}

fn pod_term(term: &Node, errors: &mut Errors) {
    selector(&term.at("labelSelector"), errors);
    selector(&term.at("namespaceSelector"), errors);
    for namespace in term.at("namespaces").items() {
        errors.named(&namespace, names::dns1123_label(namespace.text()));
    }
    let key = term.at("topologyKey");
    if key.is_empty() {
        errors.required(&key, "can not be empty");
    } else {
        errors.named(&key, names::qualified_name(key.text()));
    }
}

/// A `LabelSelector`.
pub(super) fn selector(selector: &Node, errors: &mut Errors) {
    errors.labels(&selector.at("matchLabels"));
    for expression in selector.at("matchExpressions").items() {
        let (key, operator, values) = (expression.at("key"), expression.at("operator"), expression.at("values"));
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.invalid_value(&operator, &operator.text().into(), "not a valid selector operator"),
        }
        errors.named(&key, names::qualified_name(key.text()));
        for value in values.items() {
            errors.named(&value, names::label_value(value.text()));
        }
    }
}

fn spreading(constraints: &Node, errors: &mut Errors) {
    let mut seen: HashSet<(&str, &str)> = HashSet::new();
    for constraint in constraints.items() {
        let (skew, key, when) =
            (constraint.at("maxSkew"), constraint.at("topologyKey"), constraint.at("whenUnsatisfiable"));
        if skew.int().unwrap_or(0) <= 0 {
            errors.invalid_value(&skew, &skew.int().unwrap_or(0).into(), "must be greater than zero");
        }
        if key.is_empty() {
            errors.required(&key, "can not be empty");
        } else {
            errors.named(&key, names::qualified_name(key.text()));
        }
        errors.one_of(&when, &["DoNotSchedule", "ScheduleAnyway"]);
        if !seen.insert((key.text(), when.text())) {
            let shown = format!("{{{}, {}}}", key.text(), when.text());
            errors.duplicate_value(&constraint, &shown);
        }
        selector(&constraint.at("labelSelector"), errors);
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
