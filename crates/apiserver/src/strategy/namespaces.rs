//! Namespaces: a finalizer and a label of Kubernetes' own, and what changes by `/finalize` alone.

use serde_json::{Value, json};

use super::{keep_identity, set_or_remove};

/// Sets the status of a new namespace, and the finalizer that keeps it until it is empty.
pub(super) fn complete(object: &mut Value) {
    object["status"] = json!({"phase": "Active"});
    if !object["spec"].is_object() {
        object["spec"] = json!({});
    }
    let finalizers = object["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
    let ours = json!("kubernetes");
    let all = if finalizers.contains(&ours) { finalizers } else { [finalizers, vec![ours]].concat() };
    object["spec"]["finalizers"] = all.into();
}

/// Labels a namespace with its name.
pub(super) fn label(object: &mut Value, name: &Value) {
    if !object["metadata"]["labels"].is_object() {
        object["metadata"]["labels"] = json!({});
    }
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name.clone();
}

/// What a write to `/finalize` takes over: the finalizers, and metadata that clients own.
pub(crate) fn finalize_update(mut new: Value, old: &Value) -> Value {
    keep_identity(&mut new, old);
    set_or_remove(&mut new, "status", old.get("status"));
    label(&mut new, &old["metadata"]["name"]);
    if !new["spec"].is_object() {
        new["spec"] = json!({});
    }
    if new["spec"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
        set_or_remove(&mut new["spec"], "finalizers", None);
    }
    new
}
