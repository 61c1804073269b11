//! All objects in memory: a shelf a resource, and the revision up to which they are told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::compaction::TURN;
use super::entry::Entry;
use super::error::StorageError;
use super::etcd::Stored;
use super::shelf::{Shelf, Update};

/// Every key that k8sm writes begins so.
pub(crate) const PREFIX: &str = "/registry/";

/// The shelves, and how far they are filled.
pub(crate) struct Cache {
    shelves: HashMap<&'static str, Arc<Shelf>>,
    /// All changes up to this revision are in the shelves; 0 before the first load.
    revision: watch::Sender<u64>,
    /// What was before this revision is forgotten, as whoever compacts etcd says.
    compacted: AtomicU64,
}

/// What etcd says of a key: its value, or that it is gone.
pub(crate) struct Told<'m> {
    pub(crate) key: &'m str,
    pub(crate) revision: u64,
    pub(crate) value: Option<&'m [u8]>,
}

/// Objects by resource and key.
pub(crate) type Objects = HashMap<&'static str, BTreeMap<Arc<str>, Arc<Entry>>>;

/// An object that was read, its resource, and its key within it.
pub(crate) type Placed = (&'static str, Arc<str>, Arc<Entry>);

impl Cache {
    /// An empty cache with a shelf for each of the resources.
    pub(crate) fn new(resources: impl IntoIterator<Item = &'static str>) -> Self {
        let shelves = resources.into_iter().map(|resource| (resource, Arc::new(Shelf::new()))).collect();
        Self { shelves, revision: watch::Sender::new(0), compacted: AtomicU64::new(0) }
    }

    /// The shelf of a resource.
    pub(crate) fn shelf(&self, resource: &str) -> Option<&Arc<Shelf>> {
        self.shelves.get(resource)
    }

    /// All shelves with their resources.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = (&'static str, &Arc<Shelf>)> {
        self.shelves.iter().map(|(resource, shelf)| (*resource, shelf))
    }

    /// The revision up to which everything is told; 0 before the first load.
    pub(crate) fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// The revision before which everything is forgotten; 0 where nothing is.
    pub(crate) fn compacted(&self) -> u64 {
        self.compacted.load(Ordering::Relaxed)
    }

    /// Notes a key that is no object's, if it says what was compacted.
    fn note(&self, key: &str, value: &[u8]) {
        if key == TURN {
            let revision = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            self.compacted.fetch_max(revision, Ordering::Relaxed);
        }
    }

    /// Waits until everything up to `revision` is told.
    pub(crate) async fn reached(&self, revision: u64, limit: Duration) -> Result<(), StorageError> {
        let mut told = self.revision.subscribe();
        let waiting = told.wait_for(|&now| now >= revision);
        match tokio::time::timeout(limit, waiting).await {
            Ok(_) => Ok(()),
            Err(_) => Err(StorageError::Future(revision, self.revision())),
        }
    }

    /// Takes what etcd holds under a key, to be checked later; what is seen to be no object is left out.
    pub(crate) fn read(&self, Stored { key, value, revision }: &Stored) -> Option<Placed> {
        let Some((resource, name)) = self.place(key) else {
            self.note(key, value);
            return None;
        };
        let entry = Entry::unread(key, value, *revision).inspect_err(|error| tracing::error!(%error, "left out"));
        Some((resource, name.into(), Arc::new(entry.ok()?)))
    }

    /// Puts everything anew, as etcd held it at `revision`.
    pub(crate) fn reset(&self, mut objects: Objects, revision: u64) {
        for (resource, shelf) in &self.shelves {
            shelf.reset(objects.remove(resource).unwrap_or_default(), revision);
        }
        self.revision.send_replace(revision);
    }

    /// Reads whatever was not read yet, and leaves out what is no object.
    pub(crate) fn check(&self) {
        for (resource, shelf) in &self.shelves {
            for (key, entry) in shelf.all() {
                if let Err(error) = entry.check() {
                    tracing::error!(%error, "{PREFIX}{resource}/{key} holds no object: left out");
                    shelf.leave_out(&key, &entry);
                }
            }
        }
    }

    /// Takes in what etcd told in one message, which holds whole revisions, and everything up to `revision` is told.
    pub(crate) fn apply(&self, told: Vec<Told<'_>>, revision: u64) {
        let mut updates: HashMap<&'static str, Vec<Update>> = HashMap::new();
        for Told { key, revision, value } in told {
            let Some((resource, name)) = self.place(key) else {
                self.note(key, value.unwrap_or_default());
                continue;
            };
            let entry = match value.map(|value| Entry::new(key, value, revision)).transpose() {
                Ok(entry) => entry,
                Err(error) => {
                    // what cannot be decoded is not there for clients; the old state is stale
                    tracing::error!(%error, "left out");
                    None
                }
            };
            updates.entry(resource).or_default().push(Update { key: name.into(), revision, entry });
        }
        for (resource, updates) in updates {
            if let Some(shelf) = self.shelves.get(resource) {
                shelf.apply(updates);
            }
        }
        self.revision.send_if_modified(|now| {
            let later = revision > *now;
            *now = revision.max(*now);
            later
        });
    }

    /// The shelf's resource and the key within it.
    pub(crate) fn place<'k>(&self, key: &'k str) -> Option<(&'static str, &'k str)> {
        let (resource, name) = key.strip_prefix(PREFIX)?.split_once('/')?;
        let (resource, _) = self.shelves.get_key_value(resource)?;
        Some((resource, name))
    }
}
