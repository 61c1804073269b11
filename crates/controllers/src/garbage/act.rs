//! What is asked of the API server about owners and dependents, and done to them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, Preconditions,
    PropagationPolicy,
};
use kube::{Client, Error, ResourceExt};
use kube_api::{Kind, kinds};
use serde_json::{Value, json};

use super::graph::Item;

/// The kind as kube's dynamic client names it.
pub(super) fn resource(kind: &Kind) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(kind.group, kind.version, kind.kind), kind.plural)
}

/// Any kind that is served, by the names in a reference; `None` where it is not.
fn api(client: &Client, api_version: &str, kind: &str, namespace: &str) -> Option<Api<DynamicObject>> {
    let served = kinds::of(api_version, kind)?;
    Some(match namespace {
        namespace if served.namespaced => Api::namespaced_with(client.clone(), namespace, &resource(served)),
        _ => Api::all_with(client.clone(), &resource(served)),
    })
}

/// The objects of an item's kind.
fn api_of(client: &Client, item: &Item) -> anyhow::Result<Api<DynamicObject>> {
    let api = api(client, &item.api_version, &item.kind, &item.namespace);
    api.with_context(|| format!("{} of {} is not served", item.kind, item.api_version))
}

/// Whether the owner can be looked for at all. Nothing is known of one of a kind that is not served; and what lies in no namespace
/// cannot say in which one its owner is, so that none of that name would be the one it means.
fn is_known(served: Option<&Kind>, namespace: &str) -> bool {
    served.is_some_and(|kind| !kind.namespaced || !namespace.is_empty())
}

/// Whether the owner exists, in the dependent's namespace or outside all. One of which nothing is known counts as if it did, for
/// a wrong answer would cost dependents their life.
pub(super) async fn exists(client: &Client, namespace: &str, owner: &OwnerReference) -> anyhow::Result<bool> {
    if !is_known(kinds::of(&owner.api_version, &owner.kind), namespace) {
        return Ok(true);
    }
    let Some(api) = api(client, &owner.api_version, &owner.kind, namespace) else { return Ok(true) };
    let found = api.get_metadata_opt(&owner.name).await;
    let found = found.with_context(|| format!("cannot look for owner {} {}", owner.kind, owner.name))?;
    Ok(found.is_some_and(|object| object.uid().as_deref() == Some(&owner.uid)))
}

/// Deletes the very object that was looked at.
pub(super) async fn delete(client: &Client, item: &Item, policy: PropagationPolicy) -> anyhow::Result<()> {
    let preconditions = Some(Preconditions { uid: Some(item.uid.clone()), resource_version: None });
    // only an owner of blocking dependents needs the finalizer; the API server drops it at once where there is none
    let params = DeleteParams { preconditions, propagation_policy: Some(policy), ..DeleteParams::default() };
    let deleted = api_of(client, item)?.delete(&item.name, &params).await;
    accept(deleted.map(drop)).with_context(|| format!("cannot delete {} {}/{}", item.kind, item.namespace, item.name))
}

/// Leaves a dependent without that owner.
pub(super) async fn disown(client: &Client, item: &Item, owner: &str) -> anyhow::Result<()> {
    let left: Vec<&OwnerReference> = item.owners.iter().filter(|reference| reference.uid != owner).collect();
    let owners = if left.is_empty() { Value::Null } else { json!(left) };
    let patch = json!({"metadata": {"uid": item.uid, "ownerReferences": owners}});
    patch_item(client, item, &patch).await
}

/// No owner waits for the item any more.
pub(super) async fn unblock(client: &Client, item: &Item) -> anyhow::Result<()> {
    let mut owners = item.owners.clone();
    owners.iter_mut().for_each(|owner| owner.block_owner_deletion = Some(false));
    patch_item(client, item, &json!({"metadata": {"uid": item.uid, "ownerReferences": owners}})).await
}

/// Takes a finalizer of ours off the very object that was looked at.
pub(super) async fn remove_finalizer(client: &Client, item: &Item, finalizer: &str) -> anyhow::Result<()> {
    let api = api_of(client, item)?;
    let Some(current) = api.get_metadata_opt(&item.name).await? else { return Ok(()) };
    if current.uid().as_deref() != Some(&item.uid) {
        return Ok(());
    }
    let left: Vec<&String> = current.finalizers().iter().filter(|known| *known != finalizer).collect();
    let meta: BTreeMap<&str, Value> =
        [("uid", json!(item.uid)), ("resourceVersion", json!(current.resource_version())), ("finalizers", json!(left))]
            .into();
    let patched = api.patch(&item.name, &PatchParams::default(), &Patch::Merge(&json!({ "metadata": meta }))).await;
    match patched {
        Err(Error::Api(status)) if status.code == 404 => Ok(()),
        other => other
            .map(drop)
            .with_context(|| format!("cannot remove finalizer {finalizer} of {} {}", item.kind, item.name)),
    }
}

async fn patch_item(client: &Client, item: &Item, patch: &Value) -> anyhow::Result<()> {
    let api = api_of(client, item)?;
    let patched = api.patch(&item.name, &PatchParams::default(), &Patch::Merge(patch)).await;
    accept(patched.map(drop)).with_context(|| format!("cannot patch {} {}/{}", item.kind, item.namespace, item.name))
}

/// Gone, or another object of that name.
fn accept(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_no_namespace_knows_no_owner_in_one() {
        let known = |kind: &str, namespace: &str| is_known(kinds::of("v1", kind), namespace);
        assert!(known("ConfigMap", "default") && known("Node", "default") && known("Node", ""));
        assert!(!known("ConfigMap", "") && !known("Strange", "default"));
    }
}
