//! Follows Services and EndpointSlices at the API server, and says which records each change adds and takes away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;

use futures::{FutureExt, Stream, StreamExt};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, Result, watcher};
use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::record::Record;
use crate::services::{Records, records};

/// Label of an EndpointSlice that names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

type Name = (String, String);

/// Records that come (or change) and paths that go.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Records to put.
    pub put: BTreeMap<Vec<String>, Record>,
    /// Paths to remove.
    pub removed: BTreeSet<Vec<String>>,
}

impl Change {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty()
    }
}

/// Calls `apply` with each change until `stop` is cancelled. The first call comes when both lists are complete, with all records;
/// `apply` is also called with an empty change then, so that a server knows that it may say it is ready.
pub async fn follow(client: kube::Client, domain: &str, stop: CancellationToken, mut apply: impl AsyncFnMut(Change)) {
    let mut services = pin!(retried(watcher(kube::Api::<Service>::all(client.clone()), Config::default()), "services"));
    let mut slices =
        pin!(retried(watcher(kube::Api::<EndpointSlice>::all(client), Config::default()), "endpointslices"));
    let mut state = State::default();
    let mut served = Records::new();
    let mut first = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(event) = services.next() => state.services.take(event),
            Some(event) = slices.next() => state.slices.take(event),
            else => return,
        }
        // what has already arrived is taken before anything is worked out
        while let Some(Some(event)) = services.next().now_or_never() {
            state.services.take(event);
        }
        while let Some(Some(event)) = slices.next().now_or_never() {
            state.slices.take(event);
        }
        if !state.services.complete || !state.slices.complete {
            continue;
        }
        let wanted = state.records(domain);
        let change = difference(&served, &wanted);
        if !change.is_empty() || std::mem::take(&mut first) {
            apply(change).await;
            served = wanted;
        }
    }
}

/// What leads from `old` to `new`.
#[must_use]
pub fn difference(old: &Records, new: &Records) -> Change {
    Change {
        put: new
            .iter()
            .filter(|(path, record)| old.get(*path) != Some(record))
            .map(|(p, r)| (p.clone(), r.clone()))
            .collect(),
        removed: old.keys().filter(|path| !new.contains_key(*path)).cloned().collect(),
    }
}

fn retried<K: Resource + Clone + Send + 'static>(
    events: impl Stream<Item = Result<Event<K>>> + Send,
    what: &'static str,
) -> impl Stream<Item = Event<K>> + Send {
    events.default_backoff().filter_map(move |event| async move {
        event.inspect_err(|error| tracing::warn!("watching {what}: {error}; trying again")).ok()
    })
}

#[derive(Default)]
struct State {
    services: Listed<Service>,
    slices: Listed<EndpointSlice>,
}

impl State {
    fn records(&self, domain: &str) -> Records {
        let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> = HashMap::new();
        for slice in self.slices.objects.values() {
            let service = slice.labels().get(SERVICE_NAME).map_or("", String::as_str);
            slices.entry((slice.metadata.namespace.as_deref().unwrap_or_default(), service)).or_default().push(slice);
        }
        let of = |service: &Service| {
            let name = (service.metadata.namespace.as_deref()?, service.metadata.name.as_deref()?);
            Some(records(domain, service, slices.get(&name).map_or(&[][..], Vec::as_slice)))
        };
        self.services.objects.values().filter_map(of).flatten().collect()
    }
}

/// All objects of a kind as last heard of.
struct Listed<K> {
    objects: BTreeMap<Name, K>,
    seen: BTreeSet<Name>,
    complete: bool,
}

impl<K> Default for Listed<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), seen: BTreeSet::new(), complete: false }
    }
}

impl<K: Resource> Listed<K> {
    fn take(&mut self, event: Event<K>) {
        let name = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
        match event {
            Event::Init => self.seen.clear(),
            Event::InitApply(object) => {
                self.seen.insert(name(&object));
                self.objects.insert(name(&object), object);
            }
            Event::InitDone => {
                let seen = std::mem::take(&mut self.seen);
                self.objects.retain(|name, _| seen.contains(name));
                self.complete = true;
            }
            Event::Apply(object) => {
                self.objects.insert(name(&object), object);
            }
            Event::Delete(object) => {
                self.objects.remove(&name(&object));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_comes_and_what_goes() {
        let path = |label: &str| vec![label.to_owned()];
        let old = Records::from([(path("a"), Record::new("1", 0)), (path("b"), Record::new("2", 0))]);
        let new = Records::from([(path("a"), Record::new("1", 0)), (path("c"), Record::new("3", 0))]);
        let change = difference(&old, &new);
        assert_eq!(change.put.keys().collect::<Vec<_>>(), [&path("c")]);
        assert_eq!(change.removed, BTreeSet::from([path("b")]));
        assert!(difference(&new, &new).is_empty());
    }
}
