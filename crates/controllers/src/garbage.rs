//! Garbage collection by ownerReferences: dependents of what is gone are deleted (background), dependents go first
//! (foreground), or are left without their owner (orphan).

mod act;
mod graph;
mod roll;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, DynamicObject, PropagationPolicy};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Resource, ResourceExt};
use kube_api::{Kind, kinds};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::store::{Object, Store};
use act::{delete, disown, exists, remove_finalizer, resource, unblock};
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
