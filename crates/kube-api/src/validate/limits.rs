//! Limit ranges and quotas.

use std::collections::HashSet;

use super::error::Errors;
use super::tree::Node;
use super::{names, resources};
use crate::status::quote;

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

/// A quota: known resources, whole counts, and scopes that go together and have these resources.
pub(super) fn quota(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    let resources = spec.at("hard");
    hard(&resources, errors);
    let scopes = spec.at("scopes");
    let all: Vec<&str> = scopes.items().map(|scope| scope.text()).collect();
    let shown = shown(&all);
    for scope in &all {
        if !SCOPES.contains(scope) {
            errors.invalid_shown(&scopes, &shown, "unsupported scope");
        }
        for _ in resources.entries().filter(|(name, _)| is_beside(scope, name)) {
            errors.invalid_shown(&scopes, &shown, "unsupported scope applied to resource");
        }
    }
    conflicts(&all, &scopes, &shown, errors);
    scope_selector(&spec, &shown, errors);
}

/// The scopes that a quota can have.
const SCOPES: &[&str] =
    &["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"];

/// Scopes as Go prints them.
fn shown(scopes: &[&str]) -> String {
    let scopes: Vec<String> = scopes.iter().map(|scope| quote(scope)).collect();
    format!("[]core.ResourceQuotaScope{{{}}}", scopes.join(", "))
}

/// Whether a resource of Kubernetes' own is none that pods within the scope use.
fn is_beside(scope: &str, resource: &str) -> bool {
    const OF_PODS: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
    let huge = resource.strip_prefix("requests.").unwrap_or(resource).starts_with("hugepages-");
    if !huge && !resources::STANDARD.contains(&resource) {
        return false;
    }
    match scope {
        "BestEffort" => resource != "pods",
        scope if SCOPES.contains(&scope) => resource != "pods" && !OF_PODS.contains(&resource),
        _ => false,
    }
}

fn conflicts(scopes: &[&str], place: &Node, shown: &str, errors: &mut Errors) {
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            errors.invalid_shown(place, shown, "conflicting scopes");
        }
    }
}

/// Scopes with values.
fn scope_selector(spec: &Node, shown: &str, errors: &mut Errors) {
    const BARE: &str = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
        ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or \
        ResourceQuotaScopeCrossNamespacePodAffinity";
    let selector = spec.at("scopeSelector");
    // Kubernetes does not say which of the expressions it means
    let place = selector.at("matchExpressions");
    let (at_scope, at_operator, at_values) = (place.at("scopeName"), place.at("operator"), place.at("values"));
    for expression in place.items() {
        let (scope, operator, values) =
            (expression.at("scopeName"), expression.at("operator"), expression.at("values"));
        if !SCOPES.contains(&scope.text()) {
            errors.invalid_value(&at_scope, &scope.text().into(), "unsupported scope");
        } else if scope.text() != "PriorityClass" && operator.text() != "Exists" {
            errors.invalid_value(&at_operator, &operator.text().into(), BARE);
        }
        for _ in spec.at("hard").entries().filter(|(name, _)| is_beside(scope.text(), name)) {
            errors.invalid_value(&place, selector.value(), "unsupported scope applied to resource");
        }
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.required(&at_values, why);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.invalid_value(&at_values, values.value(), why);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.invalid_value(&at_operator, &operator.text().into(), "not a valid selector operator"),
        }
    }
    let scopes: Vec<&str> = place.items().map(|expression| expression.at("scopeName").text()).collect();
    conflicts(&scopes, &place, shown, errors);
}

/// A quota's scopes stay, in whatever order.
pub(super) fn quota_changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (spec, before) = (root.at("spec"), old.at("spec"));
    let (scopes, were) = (spec.at("scopes"), before.at("scopes"));
    let set = |scopes: &Node| scopes.items().map(|scope| scope.text().to_owned()).collect::<HashSet<_>>();
    if set(&scopes) != set(&were) {
        let shown = shown(&scopes.items().map(|scope| scope.text()).collect::<Vec<_>>());
        errors.invalid_shown(&scopes, &shown, "field is immutable");
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
