//! Where pods may go: affinities, tolerations and spreading.

use std::collections::HashMap;

use super::error::Errors;
use super::names;
use super::tree::Node;
use crate::status::quote;

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

/// Which nodes and pods a pod wants to be with, or away from.
pub(super) fn affinity(affinity: &Node, errors: &mut Errors) {
    let node = affinity.at("nodeAffinity");
    let required = node.at("requiredDuringSchedulingIgnoredDuringExecution");
    if required.is_present() {
        node_selector(&required, errors);
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

/// Which nodes are meant: those of any of the terms.
pub(super) fn node_selector(selector: &Node, errors: &mut Errors) {
    let terms = selector.at("nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(&terms, "must have at least one node selector term");
    }
    for term in terms.items() {
        node_term(&term, errors);
    }
}

fn node_term(term: &Node, errors: &mut Errors) {
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
        if !values_fit(&expression, errors) {
            let operator = expression.at("operator");
            errors.invalid_value(&operator, &operator.text().into(), "not a valid selector operator");
        }
        label_and_values(&expression, errors);
    }
}

/// Whether the operator of a requirement is known; if so, there must be values for it or none.
pub(super) fn values_fit(requirement: &Node, errors: &mut Errors) -> bool {
    let values = requirement.at("values");
    match requirement.at("operator").text() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => return false,
    }
    true
}

/// The key and the values of a requirement of a label.
pub(super) fn label_and_values(requirement: &Node, errors: &mut Errors) {
    let key = requirement.at("key");
    errors.named(&key, names::qualified_name(key.text()));
    for value in requirement.at("values").items() {
        errors.named(&value, names::label_value(value.text()));
    }
}

/// How like pods spread over nodes and zones.
pub(super) fn spreading(constraints: &Node, errors: &mut Errors) {
    let mut left: HashMap<(&str, &str), usize> = HashMap::new();
    for constraint in constraints.items() {
        *left.entry((constraint.at("topologyKey").text(), constraint.at("whenUnsatisfiable").text())).or_default() += 1;
    }
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
        let later = left.entry((key.text(), when.text())).or_default();
        *later = later.saturating_sub(1);
        if *later > 0 {
            let shown = quote(&format!("{{{}, {}}}", key.text(), when.text()));
            errors.duplicate_value(&constraint.at("{topologyKey, whenUnsatisfiable}"), &shown);
        }
        let domains = constraint.at("minDomains");
        if domains.int().is_some_and(|least| least <= 0) {
            errors.invalid(&domains, "must be greater than zero");
        }
        if domains.is_present() && when.text() != "DoNotSchedule" {
            let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}", when.text());
            errors.invalid(&domains, &why);
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            errors.none_or_one_of(&constraint.at(policy), &["Honor", "Ignore"]);
        }
        match_keys(&constraint, errors);
        selector(&constraint.at("labelSelector"), errors);
    }
}

/// The labels that a constraint takes from the pod itself.
fn match_keys(constraint: &Node, errors: &mut Errors) {
    let (keys, selector) = (constraint.at("matchLabelKeys"), constraint.at("labelSelector"));
    if !keys.is_empty() && !selector.is_present() {
        errors.forbidden(&keys, "must not be specified when labelSelector is not set");
    }
    let (labels, expressions) = (selector.at("matchLabels"), selector.at("matchExpressions"));
    for key in keys.items() {
        errors.named(&key, names::qualified_name(key.text()));
        let selected = expressions.items().any(|expression| expression.at("key").text() == key.text());
        if selected || labels.key(key.text()).is_present() {
            errors.invalid(&key, "exists in both matchLabelKeys and labelSelector");
        }
    }
}
