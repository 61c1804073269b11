//! Which slices a service has, so that nobody looks through those of all others.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::discovery::v1::EndpointSlice;
use parking_lot::RwLock;

use super::SERVICE_NAME;
use crate::store::{Key, key};

/// Keys of slices by the key of their service.
#[derive(Default)]
pub(super) struct Index(RwLock<HashMap<Key, BTreeSet<Key>>>);

impl Index {
    /// Takes in a change of a slice; returns the services that it concerns.
    pub(super) fn changed(&self, old: Option<&EndpointSlice>, new: Option<&EndpointSlice>) -> BTreeSet<Key> {
        let (before, after) = (old.and_then(service_of), new.and_then(service_of));
        let mut services = self.0.write();
        if let (Some(service), Some(old)) = (before.as_ref().filter(|_| before != after), old)
            && let Some(slices) = services.get_mut(service)
        {
            slices.remove(&key(old));
            if slices.is_empty() {
                services.remove(service);
            }
        }
        if let (Some(service), Some(new)) = (&after, new) {
            services.entry(service.clone()).or_default().insert(key(new));
        }
        before.into_iter().chain(after).collect()
    }

    /// The keys of the service's slices, sorted.
    pub(super) fn of(&self, service: &str) -> BTreeSet<Key> {
        self.0.read().get(service).cloned().unwrap_or_default()
    }
}

/// The key of the service that the slice names.
fn service_of(slice: &EndpointSlice) -> Option<Key> {
    let name = slice.metadata.labels.as_ref()?.get(SERVICE_NAME)?;
    Some(format!("{}/{name}", slice.metadata.namespace.as_deref().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_slice_is_found_by_the_service_that_it_names_now() {
        let slice = |name: &str, service: &str| -> EndpointSlice {
            let metadata = json!({"name": name, "namespace": "ns", "labels": {SERVICE_NAME: service}});
            serde_json::from_value(json!({"metadata": metadata, "addressType": "IPv4", "endpoints": []})).unwrap()
        };
        let (index, first, second) = (Index::default(), slice("a-1", "a"), slice("a-2", "a"));
        index.changed(None, Some(&first));
        assert_eq!(index.changed(None, Some(&second)), ["ns/a".to_owned()].into());
        assert_eq!(index.of("ns/a"), ["ns/a-1".to_owned(), "ns/a-2".to_owned()].into());
        let moved = slice("a-2", "b");
        assert_eq!(index.changed(Some(&second), Some(&moved)), ["ns/a".to_owned(), "ns/b".to_owned()].into());
        index.changed(Some(&first), None);
        assert!(index.of("ns/a").is_empty());
        assert_eq!(index.of("ns/b").len(), 1);
    }
}
