//! One watch a kind, shared by all controllers: what the API server holds, as last seen, and who wants to know of changes.
//!
//! A controller that writes puts the answer into the store itself ([`Store::wrote`], [`Store::removed`]), so that it never acts
//! twice on what it has done but not yet seen: this takes the place of Kubernetes' expectations.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Resource, ResourceExt};
use parking_lot::RwLock;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// `namespace/name`, or `name` of what has no namespace.
pub type Key = String;

/// What a store can hold.
pub trait Object: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static {
    /// Drops what no controller reads, to keep stores small.
    fn trim(&mut self) {
        self.meta_mut().managed_fields = None;
    }
}

/// A change of one object: what it was and what it is.
pub struct Change<'a, K> {
    /// Before; `None` is new.
    pub old: Option<&'a Arc<K>>,
    /// After; `None` is gone.
    pub new: Option<&'a Arc<K>>,
}

impl<K> Change<'_, K> {
    /// The object, as it is or was last.
    pub fn any(&self) -> Option<&Arc<K>> {
        self.new.or(self.old)
    }
}

type Listener<K> = Box<dyn Fn(&Change<K>) + Send + Sync>;

/// All objects of a kind.
pub struct Store<K> {
    state: RwLock<State<K>>,
    listeners: RwLock<Vec<Listener<K>>>,
    ready: watch::Sender<bool>,
}

struct State<K> {
    objects: HashMap<Key, Arc<K>>,
    /// UIDs that were deleted here and whose end was not seen yet.
    buried: HashSet<String>,
}

/// The key of an object.
pub fn key<K: Resource>(object: &K) -> Key {
    match object.meta().namespace.as_deref() {
        Some(namespace) if !namespace.is_empty() => format!("{namespace}/{}", object.name_any()),
        _ => object.name_any(),
    }
}

/// Namespace and name of a key.
#[must_use]
pub fn split(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

impl<K: Object> Default for Store<K> {
    fn default() -> Self {
        let state = State { objects: HashMap::new(), buried: HashSet::new() };
        Self { state: RwLock::new(state), listeners: RwLock::default(), ready: watch::Sender::new(false) }
    }
}

impl<K: Object> Store<K> {
    /// Has `listener` called for every change from now on. It must not wait.
    pub fn listen(&self, listener: impl Fn(&Change<K>) + Send + Sync + 'static) {
        self.listeners.write().push(Box::new(listener));
    }

    /// The object of this key.
    pub fn get(&self, key: &str) -> Option<Arc<K>> {
        self.state.read().objects.get(key).cloned()
    }

    /// All objects for which `wanted` holds.
    pub fn select(&self, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        self.state.read().objects.values().filter(|object| wanted(object)).cloned().collect()
    }

    /// Waits until everything was seen once.
    pub async fn ready(&self) {
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// Takes in what the API server answered to a write of ours, unless something newer was seen.
    pub fn wrote(&self, object: K) {
        self.apply(object);
    }

    /// Takes in that a deletion of ours ended the object.
    pub fn removed(&self, object: &K) {
        if let Some(uid) = object.uid() {
            self.state.write().buried.insert(uid);
        }
        self.delete(object);
    }

    /// Follows the API server until `shutdown`; a watch that breaks is opened again with backoff.
    pub async fn follow(&self, api: Api<K>, config: watcher::Config, shutdown: CancellationToken) {
        let mut events = watcher(api, config).default_backoff().boxed();
        let mut listed: Option<HashSet<Key>> = None;
        while let Some(Some(event)) = shutdown.run_until_cancelled(events.next()).await {
            match event {
                Ok(watcher::Event::Init) => listed = Some(HashSet::new()),
                Ok(watcher::Event::InitApply(object)) => {
                    listed.get_or_insert_default().insert(key(&object));
                    self.apply(object);
                }
                Ok(watcher::Event::InitDone) => {
                    self.keep_only(&listed.take().unwrap_or_default());
                    self.ready.send_replace(true);
                }
                Ok(watcher::Event::Apply(object)) => self.apply(object),
                Ok(watcher::Event::Delete(object)) => {
                    self.delete(&object);
                    if let Some(uid) = object.uid() {
                        self.state.write().buried.remove(&uid);
                    }
                }
                Err(error) => {
                    let kind = K::kind(&());
                    tracing::warn!(%kind, error = error.to_string(), "the watch is broken; it is opened again");
                }
            }
        }
    }

    fn apply(&self, mut object: K) {
        object.trim();
        let (key, object) = (key(&object), Arc::new(object));
        let old = {
            let mut state = self.state.write();
            let buried = object.uid().is_some_and(|uid| state.buried.contains(&uid));
            let stale = state.objects.get(&key).is_some_and(|known| revision(&**known) > revision(&*object));
            if buried || stale {
                return;
            }
            state.objects.insert(key, Arc::clone(&object))
        };
        self.tell(&Change { old: old.as_ref(), new: Some(&object) });
    }

    fn delete(&self, object: &K) {
        let gone = {
            let mut state = self.state.write();
            let key = key(object);
            let same = state.objects.get(&key).is_some_and(|known| known.uid() == object.uid());
            if same { state.objects.remove(&key) } else { None }
        };
        if gone.is_some() {
            self.tell(&Change { old: gone.as_ref(), new: None });
        }
    }

    fn keep_only(&self, listed: &HashSet<Key>) {
        let gone: Vec<Arc<K>> = {
            let mut state = self.state.write();
            state.buried.clear();
            state.objects.extract_if(|key, _| !listed.contains(key)).map(|(_, object)| object).collect()
        };
        for object in &gone {
            self.tell(&Change { old: Some(object), new: None });
        }
    }

    fn tell(&self, change: &Change<K>) {
        for listener in self.listeners.read().iter() {
            listener(change);
        }
    }
}

/// Resource versions are etcd revisions here and can be compared; an unreadable one counts as new.
fn revision<K: Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Namespace;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn namespace(name: &str, uid: &str, version: &str) -> Namespace {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.into());
        namespace.metadata.uid = Some(uid.into());
        namespace.metadata.resource_version = Some(version.into());
        namespace
    }

    #[test]
    fn what_is_older_than_our_own_write_is_not_taken_in() {
        let (store, told) = (Store::<Namespace>::default(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&told);
        store.listen(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        store.wrote(namespace("a", "1", "10"));
        store.apply(namespace("a", "1", "9"));
        assert_eq!(store.get("a").unwrap().resource_version().as_deref(), Some("10"));
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_we_deleted_does_not_come_back_by_a_late_event() {
        let store = Store::<Namespace>::default();
        let object = namespace("a", "1", "10");
        store.apply(object.clone());
        store.removed(&object);
        store.apply(namespace("a", "1", "11"));
        assert!(store.get("a").is_none());
        store.apply(namespace("a", "2", "12"));
        assert!(store.get("a").is_some(), "the next of that name is another object");
    }

    #[test]
    fn a_deletion_of_a_former_object_spares_the_next_of_its_name() {
        let store = Store::<Namespace>::default();
        store.apply(namespace("a", "2", "12"));
        store.delete(&namespace("a", "1", "11"));
        assert!(store.get("a").is_some());
    }

    #[test]
    fn a_relist_drops_what_is_gone() {
        let store = Store::<Namespace>::default();
        store.apply(namespace("a", "1", "1"));
        store.apply(namespace("b", "2", "2"));
        store.keep_only(&HashSet::from(["b".to_owned()]));
        assert!(store.get("a").is_none() && store.get("b").is_some());
    }
}
