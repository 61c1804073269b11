//! NamespaceLifecycle: nothing is made in a namespace that is missing or ending, and the cluster's own do not end.

use kube_api::{Kind, Status, kinds, meta};
use serde_json::Value;

use super::Review;
use crate::api::{Api, refuse};
use crate::storage::StorageError;

/// Namespaces that are not to be deleted, because the cluster itself lives in them.
const IMMORTAL: &[&str] = &["default", "kube-system", "kube-public"];

/// Refuses a new object where its namespace is missing or ending.
pub(super) async fn admit(review: &Review<'_>, object: &Value) -> Result<(), Status> {
    check_namespace(review.api, review.kind, review.namespace, meta::name(object)).await
}

/// Refuses what is made of an object of that name, or below it, where its namespace is missing or ending.
pub(crate) async fn check_namespace(api: &Api, kind: &Kind, namespace: &str, name: &str) -> Result<(), Status> {
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
    if entry.field("status.phase") == Some("Terminating") {
        return Err(Status::namespace_terminating(kind, name, namespace));
    }
    Ok(())
}

/// Refuses the end of what the cluster lives in.
pub(crate) fn on_delete(kind: &Kind, name: &str) -> Result<(), Status> {
    if kind.kind == "Namespace" && IMMORTAL.contains(&name) {
        return Err(Status::forbidden(kind, name, "this namespace may not be deleted"));
    }
    Ok(())
}
