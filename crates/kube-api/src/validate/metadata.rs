//! What every object's metadata must be like.

use serde_json::Value;

use super::error::Errors;
use super::names;
use super::tree::Node;
use crate::kinds::Kind;

/// All annotations together may be that long.
const ANNOTATIONS_BYTES: usize = 256 * 1024;

/// Finalizers that need no domain.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Of a new object.
pub(super) fn create(kind: &Kind, root: &Node, errors: &mut Errors) {
    if kind.group.starts_with("auth") {
        return;
    }
    let metadata = root.at("metadata");
    let prefix = metadata.at("generateName");
    if !prefix.is_empty() {
        // A prefix may end with a hyphen: what is appended makes it a name.
        let shown = prefix.text().strip_suffix('-').map_or_else(|| prefix.text().to_owned(), |p| format!("{p}a"));
        errors.named(&prefix, name_rule(kind)(&shown));
    }
    let name = metadata.at("name");
    if name.is_empty() {
        errors.required(&name, "name or generateName is required");
    } else {
        errors.named(&name, name_rule(kind)(name.text()));
    }
    let namespace = metadata.at("namespace");
    if kind.namespaced {
        if !namespace.is_empty() {
            errors.named(&namespace, names::dns1123_label(namespace.text()));
        }
    } else if !namespace.is_empty() {
        errors.forbidden(&namespace, "not allowed on this type");
    }
    common(&metadata, errors);
}

/// Of an object that takes the place of another.
pub(super) fn update(kind: &Kind, root: &Node, old: &Node, errors: &mut Errors) {
    let (metadata, old) = (root.at("metadata"), old.at("metadata"));
    common(&metadata, errors);
    if old.at("deletionTimestamp").is_present() {
        let before = old.at("finalizers");
        let before: Vec<&Value> = before.items().map(|f| f.value()).collect();
        let finalizers = metadata.at("finalizers");
        let added: Vec<String> = finalizers
            .items()
            .filter(|f| !before.contains(&f.value()))
            .map(|f| crate::status::quote(f.text()))
            .collect();
        if !added.is_empty() {
            let why = "no new finalizers can be added if the object is being deleted, found new finalizers";
            errors.forbidden(&finalizers, &format!("{why} []string{{{}}}", added.join(", ")));
        }
    }
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        if kind.namespaced || field != "namespace" {
            errors.immutable(&metadata.at(field), &old.at(field));
        }
    }
}

/// The rule for names of a kind.
fn name_rule(kind: &Kind) -> fn(&str) -> Vec<String> {
    match (kind.group, kind.kind) {
        ("", "Namespace") => names::dns1123_label,
        ("", "Service") => names::dns1035_label,
        ("", "Event") | ("rbac.authorization.k8s.io", _) => names::path_segment,
        _ => names::dns1123_subdomain,
    }
}

fn common(metadata: &Node, errors: &mut Errors) {
    errors.not_negative(&metadata.at("generation"));
    errors.labels(&metadata.at("labels"));
    annotations(&metadata.at("annotations"), errors);
    owners(&metadata.at("ownerReferences"), errors);
    for finalizer in metadata.at("finalizers").items() {
        errors.named(&finalizer, names::qualified_name(finalizer.text()));
        if !finalizer.text().contains('/') && !STANDARD_FINALIZERS.contains(&finalizer.text()) {
            errors.invalid(&finalizer, "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
}

/// Annotations of an object or a template.
pub(super) fn annotations(node: &Node, errors: &mut Errors) {
    let mut bytes = 0;
    for (key, value) in node.entries() {
        errors.named_value(node, key, names::qualified_name(&key.to_lowercase()));
        bytes += key.len() + value.text().len();
    }
    if bytes > ANNOTATIONS_BYTES {
        errors.too_long(node, ANNOTATIONS_BYTES);
    }
}

fn owners(node: &Node, errors: &mut Errors) {
    let mut controller: Option<&str> = None;
    for owner in node.items() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            let part = owner.at(field);
            if part.is_empty() {
                let what = if field == "apiVersion" { "version" } else { field };
                errors.invalid_value(&part, &"".into(), &format!("{what} must not be empty"));
            }
        }
        if owner.at("apiVersion").text() == "v1" && owner.at("kind").text() == "Event" {
            errors.invalid(&owner, "/v1, Kind=Event is disallowed from being an owner");
        }
        if owner.at("controller").is_true() {
            let name = owner.value()["name"].as_str().unwrap_or_default();
            if let Some(first) = controller {
                let why = "Only one reference can have Controller set to true. Found \"true\" in references for";
                errors.invalid(node, &format!("{why} {first} and {name}"));
            }
            controller = Some(name);
        }
    }
}
