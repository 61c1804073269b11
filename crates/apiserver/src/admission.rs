//! What is checked and filled in before an object is stored, beyond its own kind's rules.

pub(crate) mod service_account;

use kube_api::{Kind, Status, kinds, meta};
use serde_json::Value;

use crate::api::{Api, refuse};
use crate::auth::User;
use crate::authorize::escalation;
use crate::storage::StorageError;

/// Namespaces that are not to be deleted, because the cluster itself lives in them.
pub(crate) const IMMORTAL: &[&str] = &["default", "kube-system", "kube-public"];

/// NamespaceLifecycle: nothing is made in a namespace that is missing or ending.
pub(crate) async fn namespace_open(api: &Api, kind: &Kind, namespace: &str, name: &str) -> Result<(), Status> {
    if !kind.namespaced {
        return Ok(());
    }
    let namespaces = kinds::find("", "v1", "namespaces").expect("the table of kinds has namespaces");
    let entry = match api.store.shelf("namespaces").and_then(|shelf| shelf.get(namespace)) {
        Some(entry) => entry,
        // it may have been made a moment ago, by way of another server
        None => match api.store.get("namespaces", namespace).await {
            Ok(entry) => entry,
            Err(StorageError::NotFound) => return Err(Status::not_found(namespaces, namespace)),
            Err(error) => return Err(refuse(namespaces, namespace, error)),
        },
    };
    if entry.fields()["status"]["phase"] == "Terminating" {
        return Err(Status::namespace_terminating(kind, name, namespace));
    }
    Ok(())
}

/// Checks a new object against who makes it.
pub(crate) fn on_create(api: &Api, kind: &Kind, user: &User, object: &Value) -> Result<(), Status> {
    escalation::check(api, user, kind, object, None)?;
    // NodeRestriction: an executor makes its own node and its own lease
    match user.node() {
        Some(own) if matches!(kind.kind, "Node" | "Lease") && meta::name(object) != own => {
            let why = format!("node {own:?} is not allowed to make {:?}", meta::name(object));
            Err(Status::forbidden(kind, meta::name(object), &why))
        }
        _ => Ok(()),
    }
}

/// Checks an object's new state against who changes it.
pub(crate) fn on_update(api: &Api, kind: &Kind, user: &User, new: &Value, old: &Value) -> Result<(), Status> {
    escalation::check(api, user, kind, new, Some(old))
}

/// Refuses the end of what the cluster lives in.
pub(crate) fn on_delete(kind: &Kind, name: &str) -> Result<(), Status> {
    if kind.kind == "Namespace" && IMMORTAL.contains(&name) {
        return Err(Status::forbidden(kind, name, "this namespace may not be deleted"));
    }
    Ok(())
}
