//! Quotas.

use std::collections::HashSet;

use super::error::Errors;
use super::resources;
use super::tree::Node;
use crate::status::quote;

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
