//! Roles, role bindings, reviews, and priority classes.

use super::error::{Errors, go_struct};
use super::tree::Node;
use super::{names, placement};
use crate::kinds::Kind;
use crate::status::quote;

const RBAC: &str = "rbac.authorization.k8s.io";

/// The rules of a role: each has verbs, and resources or (of cluster roles) paths.
pub(super) fn rules(rules: &Node, namespaced: bool, errors: &mut Errors) {
    for rule in rules.items() {
        let (verbs, groups, resources, paths) =
            (rule.at("verbs"), rule.at("apiGroups"), rule.at("resources"), rule.at("nonResourceURLs"));
        if verbs.is_empty() {
            errors.required(&verbs, "verbs must contain at least one value");
        }
        if !paths.is_empty() {
            if namespaced {
                errors.invalid(&paths, "namespaced rules cannot apply to non-resource URLs");
            }
            if !groups.is_empty() || !resources.is_empty() || !rule.at("resourceNames").is_empty() {
                errors.invalid(&paths, "rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if groups.is_empty() {
            errors.required(&groups, "resource rules must supply at least one api group");
        }
        if resources.is_empty() {
            errors.required(&resources, "resource rules must supply at least one resource");
        }
    }
}

/// A role binding: what it gives, and to whom.
pub(super) fn binding(root: &Node, namespaced: bool, errors: &mut Errors) {
    let role = root.at("roleRef");
    let (group, kind, name) = (role.at("apiGroup"), role.at("kind"), role.at("name"));
    errors.one_of(&group, &[RBAC]);
    errors.one_of(&kind, if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] });
    if errors.need(&name) {
        errors.named(&name, names::path_segment(name.text()));
    }
    for subject in root.at("subjects").items() {
        let (group, kind, name) = (subject.at("apiGroup"), subject.at("kind"), subject.at("name"));
        errors.need(&name);
        match kind.text() {
            "ServiceAccount" => {
                if !name.is_empty() {
                    errors.named(&name, names::dns1123_subdomain(name.text()));
                }
                if !group.is_empty() {
                    errors.one_of(&group, &[""]);
                }
                if !namespaced && subject.at("namespace").is_empty() {
                    errors.required(&subject.at("namespace"), "");
                }
            }
            "User" | "Group" => errors.one_of(&group, &[RBAC]),
            _ => errors.one_of(&kind, &["ServiceAccount", "User", "Group"]),
        }
    }
}

/// What a binding gives stays.
pub(super) fn role_changed(new: &Node, old: &Node, errors: &mut Errors) {
    if new.value() != old.value() {
        let members = [("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")];
        let members = members.map(|(member, field)| (member, quote(new.at(field).text())));
        errors.invalid_shown(new, &go_struct("rbac.RoleRef", &members), "cannot change roleRef");
    }
}

/// The highest priority that is not the system's.
const HIGHEST: i64 = 1_000_000_000;

/// A priority class.
pub(super) fn priority_class(root: &Node, errors: &mut Errors) {
    let metadata = root.at("metadata");
    let (name, value) = (metadata.at("name"), root.at("value"));
    let system = matches!(name.text(), "system-cluster-critical" | "system-node-critical");
    if name.text().starts_with("system-") && !system {
        let why = "priority class names with 'system-' prefix are reserved for system use only. error:";
        errors.forbidden(&name, &format!("{why} {} is not a known system priority class", name.text()));
    } else if value.int().unwrap_or(0) > HIGHEST && !system {
        errors.forbidden(&value, &format!("maximum allowed value of a user defined priority is {HIGHEST}"));
    }
    errors.none_or_one_of(&root.at("preemptionPolicy"), &["Never", "PreemptLowerPriority"]);
}

/// A class's value stays.
pub(super) fn priority_class_changed(root: &Node, old: &Node, errors: &mut Errors) {
    if root.at("value").int() != old.at("value").int() {
        errors.forbidden(&root.at("value"), "may not be changed in an update.");
    }
    errors.immutable(&root.at("preemptionPolicy"), &old.at("preemptionPolicy"));
}

/// A question about access: of a resource or of a path, by somebody.
pub(super) fn review(kind: &Kind, root: &Node, errors: &mut Errors) {
    if kind.kind == "SelfSubjectRulesReview" {
        return;
    }
    let spec = root.at("spec");
    let (resource, path) = (spec.at("resourceAttributes"), spec.at("nonResourceAttributes"));
    if resource.is_present() && path.is_present() {
        let why = "cannot be specified in combination with resourceAttributes";
        errors.invalid_value(&path, path.value(), why);
    }
    if !resource.is_present() && !path.is_present() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        errors.invalid_value(&resource, resource.value(), why);
    }
    let asks_for_others = matches!(kind.kind, "SubjectAccessReview" | "LocalSubjectAccessReview");
    if asks_for_others && spec.at("user").is_empty() && spec.at("groups").is_empty() {
        errors.invalid_value(&spec.at("user"), &"".into(), "at least one of user or group must be specified");
    }
    asked_selector(&resource.at("fieldSelector"), errors, |requirement, errors| {
        if requirement.at("key").is_empty() {
            errors.required(&requirement.at("key"), "must be specified");
        }
    });
    asked_selector(&resource.at("labelSelector"), errors, placement::label_and_values);
    let metadata = root.at("metadata");
    let (asked, own) = (resource.at("namespace"), metadata.at("namespace"));
    let local = kind.kind == "LocalSubjectAccessReview";
    // who sends a review names nothing by it: the server alone adds who owns its fields
    let bare = metadata
        .entries()
        .all(|(field, at)| field == "managedFields" || (local && field == "namespace") || at.is_empty());
    if !bare {
        let why = if local { "must be empty except for namespace" } else { "must be empty" };
        errors.invalid_shown(&metadata, &named(&metadata), why);
    }
    if kind.kind == "LocalSubjectAccessReview" && resource.is_present() && asked.text() != own.text() {
        errors.invalid_value(&asked, &asked.text().into(), "must match metadata.namespace");
    }
    if kind.kind == "LocalSubjectAccessReview" && path.is_present() {
        let why = "disallowed on this kind of request";
        errors.invalid_value(&path, path.value(), why);
    }
}

/// What a question says of fields or labels is one text, or requirements. An operator that is not known comes from a newer client,
/// and is told in the status.
fn asked_selector(selector: &Node, errors: &mut Errors, key_and_values: fn(&Node, &mut Errors)) {
    if !selector.is_present() {
        return;
    }
    let (raw, requirements) = (selector.at("rawSelector"), selector.at("requirements"));
    match (raw.is_empty(), requirements.is_empty()) {
        (false, false) => errors.invalid(&raw, "may not specified at the same time as requirements"),
        (true, true) => {
            let why = format!("when {selector} is specified, requirements or rawSelector is required");
            errors.required(&requirements, &why);
        }
        _ => {}
    }
    for requirement in requirements.items() {
        placement::values_fit(&requirement, errors);
        key_and_values(&requirement, errors);
    }
}

/// An object's metadata in short: Go prints every field there is.
fn named(metadata: &Node) -> String {
    let members = [("Name", "name"), ("GenerateName", "generateName"), ("Namespace", "namespace")];
    go_struct("v1.ObjectMeta", &members.map(|(member, field)| (member, quote(metadata.at(field).text()))))
}
