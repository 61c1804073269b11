//! Changes from before the ring, read back from etcd's revisions.
//!
//! After a restart the rings are empty while clients resume from revisions they saw before. The first of them causes one
//! read of etcd's history, which goes before the rings; the others find it there. So a killed API server costs no client
//! an event.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::EventType;
use tokio::sync::Mutex;

use super::cache::{Cache, PREFIX};
use super::entry::Entry;
use super::error::StorageError;
use super::etcd::Etcd;
use super::shelf::{Change, Keyed, Shelf};

/// History longer than this is not told: the client lists anew, which is cheaper for it too.
const MAX_CHANGES: usize = 50_000;
const MAX_BYTES: usize = 64 << 20;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Written to have a revision behind all that is asked for; its value means nothing.
pub(crate) const TICK: &str = "/registry/k8sm/tick";

/// Reads history, one read at a time.
pub(crate) struct History {
    etcd: Etcd,
    reading: Mutex<()>,
}

impl History {
    pub(crate) fn new(etcd: Etcd) -> Self {
        Self { etcd, reading: Mutex::new(()) }
    }

    /// Makes the changes of `shelf` behind `after` known. They are in its ring then, or, where the ring has no room, come
    /// back: all changes behind `after` up to the revision told with them, from where the ring goes on.
    ///
    /// # Errors
    /// `Compacted` when etcd has forgotten that revision or history is too long.
    pub(crate) async fn reach(
        &self,
        cache: &Cache,
        resource: &str,
        shelf: &Shelf,
        after: u64,
    ) -> Result<Option<(Vec<Keyed>, u64)>, StorageError> {
        let _one = self.reading.lock().await;
        if shelf.floor() <= after {
            return Ok(None);
        }
        let until = cache.shelves().map(|(_, shelf)| shelf.floor()).max().unwrap_or(0);
        let reading = self.read(cache, after, until);
        let mut found = tokio::time::timeout(TIMEOUT, reading).await.map_err(|_| StorageError::Timeout)??;
        let mut own = None;
        for (name, shelf) in cache.shelves() {
            let changes = found.remove(name).unwrap_or_default();
            if !shelf.prepend(&changes, after) && name == resource {
                let floor = shelf.floor();
                let changes = changes.into_iter().filter(|keyed| keyed.change.revision() <= floor).collect();
                own = Some((changes, floor));
            }
        }
        Ok(own)
    }

    /// All changes behind `after` up to `until`, by resource.
    async fn read(
        &self,
        cache: &Cache,
        after: u64,
        until: u64,
    ) -> Result<std::collections::HashMap<&'static str, Vec<Keyed>>, StorageError> {
        // the stream's end is known by a revision that surely comes
        let end = self.etcd.put(TICK, "").await?;
        let mut stream = self.etcd.watch(PREFIX, after, true).await?;
        let mut found = std::collections::HashMap::<_, Vec<_>>::new();
        let (mut count, mut bytes) = (0, 0);
        while let Some(message) = stream.message().await? {
            if message.compact_revision() > 0 || message.canceled() {
                return Err(StorageError::Compacted);
            }
            for event in message.events() {
                let Some(kv) = event.kv() else { continue };
                let revision = u64::try_from(kv.mod_revision()).unwrap_or(0);
                if revision > until || revision >= end {
                    return Ok(found);
                }
                (count, bytes) = (count + 1, bytes + kv.value().len());
                if count > MAX_CHANGES || bytes > MAX_BYTES {
                    return Err(StorageError::Compacted);
                }
                if let Some((resource, keyed)) = keyed(cache, event) {
                    found.entry(resource).or_default().push(keyed);
                }
            }
        }
        Err(StorageError::Unavailable("the watch of history ended".to_owned()))
    }
}

/// One event of etcd as a change. `None` for keys that are no objects.
fn keyed(cache: &Cache, event: &etcd_client::Event) -> Option<(&'static str, Keyed)> {
    let kv = event.kv()?;
    let (key, revision) = (String::from_utf8_lossy(kv.key()), u64::try_from(kv.mod_revision()).unwrap_or(0));
    let (resource, name) = cache.place(&key)?;
    let old = event.prev_kv().and_then(|old| {
        Entry::new(&key, old.value(), u64::try_from(old.mod_revision()).unwrap_or(0)).ok().map(Arc::new)
    });
    let change = match event.event_type() {
        EventType::Delete => Change::Deleted(Arc::new(old?.at(revision))),
        EventType::Put => {
            let new = Arc::new(Entry::new(&key, kv.value(), revision).ok()?);
            if kv.version() == 1 { Change::Added(new) } else { Change::Modified { new, old } }
        }
    };
    Some((resource, Keyed { key: name.into(), change: Arc::new(change) }))
}
