//! Watches of the configmaps and secrets that pods use: one for each object, however many use it, and none when nobody does.
//! A node may watch the single objects that its pods name, and no others.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A configmap.
    ConfigMap,
    /// A secret.
    Secret,
}

/// An object that pods use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The watches of a node.
pub struct Watches {
    client: kube::Client,
    live: Mutex<HashMap<Object, Weak<Watch>>>,
}

/// What is known of an object: nothing yet, or its version, empty where it does not exist.
type Version = Option<String>;

/// The watch of one object, for as long as somebody holds it.
struct Watch {
    version: watch::Receiver<Version>,
    _task: AbortOnDropHandle<()>,
}

/// What somebody has to know about objects.
#[derive(Clone)]
pub struct Subscription {
    watch: Arc<Watch>,
    version: watch::Receiver<Version>,
}

impl Watches {
    /// No watch yet; they will be `client`'s.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self { client, live: Mutex::default() }
    }

    /// Takes part in the watch of an object: what becomes of it from now on is told.
    #[must_use]
    pub fn subscribe(&self, object: Object) -> Subscription {
        let mut live = self.live.lock();
        let watch = live.get(&object).and_then(Weak::upgrade).unwrap_or_else(|| {
            live.retain(|_, watch| watch.strong_count() > 0);
            let (sender, version) = watch::channel(None);
            let task = tokio::spawn(follow(self.client.clone(), object.clone(), sender));
            let watch = Arc::new(Watch { version, _task: AbortOnDropHandle::new(task) });
            live.insert(object, Arc::downgrade(&watch));
            watch
        });
        let mut version = watch.version.clone();
        version.mark_unchanged();
        Subscription { watch, version }
    }

    /// How many objects are watched.
    #[must_use]
    pub fn count(&self) -> usize {
        self.live.lock().values().filter(|watch| watch.strong_count() > 0).count()
    }
}

impl Subscription {
    /// Returns when the object is another than when this was asked last, or may be.
    pub async fn changed(&mut self) {
        if self.version.changed().await.is_err() {
            // the task ends with us alone
            std::future::pending::<()>().await;
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("version", &*self.watch.version.borrow()).finish()
    }
}

/// Returns when one of the objects changes; never, where there is none.
pub async fn any_changed(of: &mut [Subscription]) {
    if of.is_empty() {
        return std::future::pending().await;
    }
    let all = of.iter_mut().map(|subscription| Box::pin(subscription.changed()));
    futures::future::select_all(all).await;
}

async fn follow(client: kube::Client, object: Object, version: watch::Sender<Version>) {
    match object.kind {
        Kind::ConfigMap => watch::<ConfigMap>(client, object, version).await,
        Kind::Secret => watch::<Secret>(client, object, version).await,
    }
}

/// Only the version is asked for: who wants the object gets it.
async fn watch<K>(client: kube::Client, object: Object, version: watch::Sender<Version>)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + 'static,
    K::DynamicType: Default + Clone,
{
    let api: Api<PartialObjectMeta<K>> = Api::namespaced(client, &object.namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={}", object.name));
    let mut events = Box::pin(kube::runtime::watcher(api, config).default_backoff());
    let mut listed = String::new();
    while let Some(event) = events.next().await {
        let now = match event {
            Ok(Event::Init) => {
                listed.clear();
                continue;
            }
            Ok(Event::InitApply(found)) => {
                listed = found.metadata.resource_version.unwrap_or_default();
                continue;
            }
            Ok(Event::InitDone) => std::mem::take(&mut listed),
            Ok(Event::Apply(found)) => found.metadata.resource_version.unwrap_or_default(),
            Ok(Event::Delete(_)) => String::new(),
            Err(error) => {
                tracing::debug!(%error, ?object, "watching an object");
                continue;
            }
        };
        version.send_if_modified(|known| known.replace(now.clone()) != Some(now));
    }
}
