//! Garbage collection by ownerReferences: dependents of what is gone are deleted (background), dependents go first
//! (foreground), or are left without their owner (orphan).

mod graph;
mod roll;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, Preconditions,
    PropagationPolicy,
};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Error, Resource, ResourceExt};
use kube_api::{Kind, kinds};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::store::{Object, Store};
use futures::StreamExt;
use graph::{Graph, Item, Leaving, Step};
use roll::Roll;

/// Kubernetes' finalizer of an owner that goes after its dependents.
const FOREGROUND: &str = "foregroundDeletion";
/// Kubernetes' finalizer of an owner whose dependents stay.
const ORPHAN: &str = "orphan";
const WORKERS: usize = 4;
/// How long an owner that waits for its dependents is left alone when nothing changes.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// An object's UID, as a key of the queue.
type Uid = String;

/// The graph and the way to look at a part of it.
#[derive(Clone)]
struct Collector {
    graph: Arc<Mutex<Graph>>,
    queue: Arc<Queue<Uid>>,
}

/// Starts the controller's listeners and watches; the future does its work until shutdown.
pub fn start(context: Context, tasks: &mut JoinSet<()>) -> impl Future<Output = ()> + use<> {
    let queue = Arc::new(Queue::new("garbage-collector", &context.queues));
    let collector = Collector { graph: Arc::default(), queue };
    let stored = [
        collector.listen(&context.pods),
        collector.listen(&context.controllers),
        collector.listen(&context.services),
        collector.listen(&context.endpoints),
        collector.listen(&context.slices),
        collector.listen(&context.accounts),
        collector.listen(&context.nodes),
        collector.listen(&context.namespaces),
        collector.listen(&context.quotas),
    ];
    for kind in kinds::all().iter().filter(|kind| is_collected(kind) && !stored.contains(&kind.kind)) {
        collector.follow(kind, &context, tasks);
    }
    let (queue, shutdown) = (Arc::clone(&collector.queue), context.shutdown.clone());
    queue.work(WORKERS, shutdown, move |uid| {
        let (client, collector) = (context.client.clone(), collector.clone());
        async move { collector.reconcile(&client, &uid).await }
    })
}

impl Collector {
    /// Follows a kind that a controller stores; gives its name.
    fn listen<K: Object + k8s_openapi::Resource>(&self, store: &Arc<Store<K>>) -> &'static str {
        let collector = self.clone();
        store.listen(move |change| {
            // a list may show another object of the name, without a word of the end of the one before
            if let Some(old) = change.old.filter(|old| change.new.is_none_or(|new| new.uid() != old.uid())) {
                collector.gone(&old.uid().unwrap_or_default());
            }
            if let Some(object) = change.new {
                collector.seen(item(object.meta(), K::API_VERSION, K::KIND));
            }
        });
        K::KIND
    }

    /// Follows a kind that no controller stores, by its metadata alone.
    fn follow(&self, kind: &'static Kind, context: &Context, tasks: &mut JoinSet<()>) {
        let (collector, shutdown) = (self.clone(), context.shutdown.clone());
        let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(context.client.clone(), &resource(kind));
        let of = |object: &PartialObjectMeta<DynamicObject>| item(object.meta(), &kind.api_version(), kind.kind);
        tasks.spawn(async move {
            let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
            let mut roll = Roll::default();
            while let Some(Some(event)) = shutdown.run_until_cancelled(events.next()).await {
                let event = match event {
                    Ok(event) => event,
                    Err(error) => {
                        tracing::warn!(kind = kind.kind, error = error.to_string(), "the watch is broken");
                        continue;
                    }
                };
                if let watcher::Event::Apply(object) | watcher::Event::InitApply(object) = &event {
                    collector.seen(of(object));
                }
                for uid in roll.gone(&event) {
                    collector.gone(&uid);
                }
            }
        });
    }

    fn seen(&self, item: Item) {
        for uid in self.graph.lock().seen(item) {
            self.queue.add(uid);
        }
    }

    fn gone(&self, uid: &str) {
        for uid in self.graph.lock().gone(uid) {
            self.queue.add(uid);
        }
    }

    async fn reconcile(&self, client: &Client, uid: &str) -> anyhow::Result<Next> {
        let step = self.graph.lock().step(uid);
        match step {
            Step::Nothing => Ok(Next::Wait),
            Step::AskOwners(item, unknown) => {
                self.ask_owners(client, &item, &unknown).await?;
                Ok(Next::Wait)
            }
            Step::DeleteDependents(owner, dependents) => {
                for dependent in &dependents {
                    self.leave(client, &owner, dependent).await?;
                }
                if dependents.is_empty() {
                    remove_finalizer(client, &owner, FOREGROUND).await?;
                    return Ok(Next::Wait);
                }
                Ok(Next::After(LOOK_AGAIN))
            }
            Step::Orphan(owner, dependents) => {
                for dependent in &dependents {
                    disown(client, dependent, &owner.uid).await?;
                }
                remove_finalizer(client, &owner, ORPHAN).await?;
                Ok(Next::Wait)
            }
        }
    }

    /// Has a dependent leave an owner that waits for it: it is deleted too, or loses its owner where it has another one that
    /// stays.
    async fn leave(&self, client: &Client, owner: &Item, dependent: &Leaving) -> anyhow::Result<()> {
        let item = &dependent.item;
        let mut stays = dependent.has_other;
        for other in &dependent.unknown {
            stays = stays || exists(client, &item.namespace, other).await?;
        }
        if stays {
            return disown(client, item, &owner.uid).await;
        }
        if dependent.in_circle {
            // owners that wait for one another would wait for ever
            unblock(client, item).await?;
        }
        delete(client, item, PropagationPolicy::Foreground).await
    }

    /// Looks for owners that no watch shows, and deletes the item when none of its owners is left.
    async fn ask_owners(&self, client: &Client, item: &Item, unknown: &[OwnerReference]) -> anyhow::Result<()> {
        let mut dead = Vec::new();
        for owner in unknown {
            if !exists(client, &item.namespace, owner).await? {
                dead.push(owner.uid.clone());
            }
        }
        let alive = item.owners.iter().any(|owner| !dead.contains(&owner.uid));
        if !alive {
            tracing::info!(
                kind = item.kind,
                namespace = item.namespace,
                name = item.name,
                "its owners are gone: deleted"
            );
            // an owner that went by orphaning has left before; what still names it goes in the background
            return delete(client, item, PropagationPolicy::Background).await;
        }
        for uid in dead {
            disown(client, item, &uid).await?;
        }
        Ok(())
    }
}

fn item(meta: &ObjectMeta, api_version: &str, kind: &str) -> Item {
    let has = |finalizer: &str| meta.finalizers.iter().flatten().any(|known| known == finalizer);
    Item {
        uid: meta.uid.clone().unwrap_or_default(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
        owners: meta.owner_references.clone().unwrap_or_default(),
        deleting: meta.deletion_timestamp.is_some(),
        foreground: has(FOREGROUND),
        orphan: has(ORPHAN),
    }
}

/// Whether objects of the kind own and are owned. Events are not, as in Kubernetes: they are many, and end by themselves.
fn is_collected(kind: &Kind) -> bool {
    kind.kind != "Event" && kind.allows("watch") && kind.allows("delete")
}

fn resource(kind: &Kind) -> ApiResource {
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

/// Whether the owner exists, in the dependent's namespace or outside all. Of a kind that is not served nothing is known: it
/// counts as if it did, for a wrong answer would cost dependents their life.
async fn exists(client: &Client, namespace: &str, owner: &OwnerReference) -> anyhow::Result<bool> {
    let Some(api) = api(client, &owner.api_version, &owner.kind, namespace) else { return Ok(true) };
    let found = api.get_metadata_opt(&owner.name).await;
    let found = found.with_context(|| format!("cannot look for owner {} {}", owner.kind, owner.name))?;
    Ok(found.is_some_and(|object| object.uid().as_deref() == Some(&owner.uid)))
}

async fn delete(client: &Client, item: &Item, policy: PropagationPolicy) -> anyhow::Result<()> {
    let preconditions = Some(Preconditions { uid: Some(item.uid.clone()), resource_version: None });
    // only an owner of blocking dependents needs the finalizer; the API server drops it at once where there is none
    let params = DeleteParams { preconditions, propagation_policy: Some(policy), ..DeleteParams::default() };
    let deleted = api_of(client, item)?.delete(&item.name, &params).await;
    accept(deleted.map(drop)).with_context(|| format!("cannot delete {} {}/{}", item.kind, item.namespace, item.name))
}

async fn disown(client: &Client, item: &Item, owner: &str) -> anyhow::Result<()> {
    let left: Vec<&OwnerReference> = item.owners.iter().filter(|reference| reference.uid != owner).collect();
    let owners = if left.is_empty() { Value::Null } else { json!(left) };
    let patch = json!({"metadata": {"uid": item.uid, "ownerReferences": owners}});
    patch_item(client, item, &patch).await
}

/// No owner waits for the item any more.
async fn unblock(client: &Client, item: &Item) -> anyhow::Result<()> {
    let mut owners = item.owners.clone();
    owners.iter_mut().for_each(|owner| owner.block_owner_deletion = Some(false));
    patch_item(client, item, &json!({"metadata": {"uid": item.uid, "ownerReferences": owners}})).await
}

async fn remove_finalizer(client: &Client, item: &Item, finalizer: &str) -> anyhow::Result<()> {
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
    fn every_kind_that_can_be_owned_is_followed() {
        let is = |api_version: &str, kind: &str| is_collected(kinds::of(api_version, kind).unwrap());
        assert!(
            is("v1", "PersistentVolumeClaim") && is("rbac.authorization.k8s.io/v1", "Role") && is("v1", "LimitRange")
        );
        assert!(!is("v1", "Event") && !is("events.k8s.io/v1", "Event") && !is("v1", "ComponentStatus"));
    }
}
