//! Watches of the kinds that quotas count and no other controller follows: opened when a quota first counts one, and holding
//! nothing.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::Api;
use kube::api::DynamicObject;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube_api::{Kind, kinds, quota};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::count::resource;
use super::{limits, recount_kind};
use crate::context::Context;
use crate::queue::Queue;
use crate::store::Change;

/// Kinds that are followed anyway.
const FOLLOWED: &[&str] = &["pods", "services"];

/// Opens watches as quotas ask for them.
pub(super) struct Watches {
    covered: Mutex<HashSet<String>>,
    wanted: mpsc::Sender<&'static Kind>,
}

impl Watches {
    /// With the future that follows what is covered.
    pub(super) fn new(context: Context, queue: Arc<Queue<String>>) -> (Self, impl Future<Output = ()>) {
        // there is room for every kind, and each is wanted once
        let (wanted, mut kinds) = mpsc::channel(kinds::all().len());
        let followed = async move {
            let mut watches = JoinSet::new();
            loop {
                tokio::select! {
                    kind = kinds.recv() => match kind {
                        Some(kind) => drop(watches.spawn(follow(context.clone(), Arc::clone(&queue), kind))),
                        None => return,
                    },
                    // they do not end; the panic of one is the controller's
                    Some(Err(error)) = watches.join_next() => std::panic::resume_unwind(error.into_panic()),
                }
            }
        };
        (Self { covered: Mutex::default(), wanted }, followed)
    }

    /// Has the kinds followed that the quota counts.
    pub(super) fn cover(&self, change: &Change<'_, ResourceQuota>) {
        let Some(quota) = change.new else { return };
        let counted = |kind: &&Kind| limits(quota).any(|name| quota::counts(kind, name));
        for kind in kinds::all().iter().filter(|kind| kind.namespaced && kind.allows("watch")).filter(counted) {
            let followed = kind.group.is_empty() && FOLLOWED.contains(&kind.plural);
            if !followed && self.covered.lock().insert(kind.qualified()) {
                // it fails only where the controllers end
                let _ = self.wanted.try_send(kind);
            }
        }
    }
}

async fn follow(context: Context, queue: Arc<Queue<String>>, kind: &'static Kind) {
    let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(context.client.clone(), &resource(kind));
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Delete(object)) => {
                recount_kind(&context, &queue, kind, object.metadata.namespace.as_deref());
            }
            Ok(watcher::Event::Apply(object)) if quota::changes(kind) => {
                recount_kind(&context, &queue, kind, object.metadata.namespace.as_deref());
            }
            // what ended while nobody looked is missing in the list
            Ok(watcher::Event::InitDone) => recount_kind(&context, &queue, kind, None),
            Ok(_) => {}
            Err(error) => {
                let kind = kind.plural;
                tracing::warn!(kind, error = error.to_string(), "the quotas' watch is broken; it is opened again");
            }
        }
    }
}
