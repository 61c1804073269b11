//! Limit ranges and quotas.

use std::collections::HashSet;

use super::error::Errors;
use super::tree::Node;
use super::{names, resources};

/// A limit range: minimum, default request, default limit and maximum stand in this order.
pub(super) fn limit_range(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    let mut seen = HashSet::new();
    for item in spec.at("limits").items() {
        let kind = item.at("type");
        if !matches!(kind.text(), "Container" | "Pod" | "PersistentVolumeClaim") {
            errors.named(&kind, names::qualified_name(kind.text()));
        }
        if !seen.insert(kind.text().to_owned()) {
            errors.duplicate(&kind);
        }
        let defaults = ["default", "defaultRequest"].map(|f| item.at(f));
        if kind.text() == "Pod" {
            for node in &defaults {
                if !node.is_empty() {
                    errors.forbidden(node, "may not be specified when `type` is 'Pod'");
                }
            }
        }
        if kind.text() == "PersistentVolumeClaim" {
            let storage = |field: &str| item.at(field).key("storage").is_present();
            if !storage("min") && !storage("max") {
                errors.required(
                    &item.at("limits"),
                    "either minimum or maximum storage value is required, but neither was provided",
                );
            }
        }
        order(&item, errors);
    }
}

fn order(item: &Node, errors: &mut Errors) {
    const ORDER: [&str; 4] = ["min", "defaultRequest", "default", "max"];
    const SAID: [&str; 4] = ["min", "default request", "default", "max"];
    for field in ORDER {
        for (name, value) in item.at(field).entries() {
            resources::name(&value, name, errors);
            resources::quantity(&value, false, errors);
        }
    }
    for (low, low_field) in ORDER.iter().enumerate() {
        for high in low + 1..ORDER.len() {
            let lows = item.at(low_field);
            for (name, value) in lows.entries() {
                let highs = item.at(ORDER[high]);
                let limit = highs.key(name);
                if let (Some(less), Some(more)) = (resources::amount(&value), resources::amount(&limit))
                    && less > more
                {
                    let (a, b) = (SAID[low], SAID[high]);
                    errors.invalid(&value, &format!("{a} value {less} is greater than {b} value {more}"));
                }
            }
        }
    }
    for (name, ratio) in item.at("maxLimitRequestRatio").entries() {
        if resources::amount(&ratio).is_some_and(|r| r < crate::quantity::Quantity::from_units(1)) {
            errors.invalid(&ratio, &format!("ratio {} is less than 1", ratio.text()));
        }
        resources::name(&ratio, name, errors);
    }
}

/// A quota: known resources, whole counts, and scopes that go together.
pub(super) fn quota(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    hard(&spec.at("hard"), errors);
    let scopes = spec.at("scopes");
    let all: Vec<&str> = scopes.items().map(|s| s.value().as_str().unwrap_or_default()).collect();
    for scope in scopes.items() {
        if !matches!(
            scope.text(),
            "Terminating"
                | "NotTerminating"
                | "BestEffort"
                | "NotBestEffort"
                | "PriorityClass"
                | "CrossNamespacePodAffinity"
        ) {
            errors.invalid(&scopes, "unsupported scope");
        }
    }
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| all.contains(scope)) {
            errors.invalid(&scopes, "conflicting scopes");
        }
    }
}

/// What a quota's status says.
pub(super) fn quota_status(root: &Node, errors: &mut Errors) {
    let status = root.at("status");
    hard(&status.at("hard"), errors);
    hard(&status.at("used"), errors);
}

fn hard(list: &Node, errors: &mut Errors) {
    const COUNTS: &[&str] = &[
        "pods",
        "services",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ];
    for (name, value) in list.entries() {
        resources::name(&value, name, errors);
        resources::quantity(&value, COUNTS.contains(&name) || name.starts_with("count/"), errors);
    }
}
