//! Objects in etcd, and in memory in front of it.
//!
//! Writes are transactions on etcd. Reads come from memory, which one etcd watch keeps true: a read that must not be stale
//! asks etcd for its revision (one question for all that wait) and waits for memory to reach it. A resourceVersion is an
//! etcd revision.

mod cache;
mod compaction;
mod entry;
mod error;
mod etcd;
mod feed;
mod fresh;
mod history;
mod range;
mod seen;
mod shelf;
mod ttl;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use cache::Cache;
pub(crate) use cache::PREFIX;
pub(crate) use entry::{Entry, encode, encode_with};
pub(crate) use error::StorageError;
pub(crate) use etcd::Beside;
use etcd::{Etcd, Write};
use fresh::Fresh;
use history::History;
pub(crate) use shelf::{Behind, Change, Keyed, Range, Shelf};
use ttl::Leases;
pub(crate) use watcher::Watcher;

/// How long a read waits for memory to reach a revision, as Kubernetes does.
const WAIT: Duration = Duration::from_secs(3);
/// A revision that is late by this much was perhaps made by somebody else's key, of which memory is not told.
const LATE: Duration = Duration::from_millis(200);
/// How many keys are read at a time of a list that etcd alone knows.
const PAGE: usize = 1000;
/// Tells a future version what it finds.
const FORMAT: (&str, &str) = ("/registry/k8sm/format", "1");

/// A part of a list.
pub(crate) struct Listing {
    /// The objects with their keys, in order.
    pub(crate) objects: Vec<(Arc<str>, Arc<Entry>)>,
    /// The revision at which the list is true.
    pub(crate) revision: u64,
    /// How many objects follow behind this part.
    pub(crate) remaining: u64,
}

/// How a write is conditioned and what it claims beside its object.
#[derive(Default)]
pub(crate) struct Claims {
    /// Keys that this object alone may hold from now on.
    pub(crate) take: Vec<String>,
    /// Keys that it gives back.
    pub(crate) release: Vec<String>,
    /// Other objects that are written with it.
    pub(crate) beside: Vec<Beside>,
}

/// Objects in etcd. Clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    etcd: Etcd,
    cache: Arc<Cache>,
    fresh: Fresh,
    history: Arc<History>,
    leases: Arc<Leases>,
}

impl Store {
    /// Connects to etcd, and starts to load `resources`; all tasks end with `shutdown`. `event_ttl` is how long objects
    /// that are put to live for a time do so, `compaction` how often etcd is compacted.
    pub(crate) async fn start(
        endpoints: &[String],
        resources: impl IntoIterator<Item = &'static str>,
        event_ttl: Duration,
        compaction: Duration,
        shutdown: &CancellationToken,
    ) -> Result<Self, StorageError> {
        let etcd = Etcd::connect(endpoints).await?;
        let cache = Arc::new(Cache::new(resources));
        tokio::spawn(feed::run(etcd.clone(), Arc::clone(&cache), shutdown.clone()));
        tokio::spawn(compaction::run(etcd.clone(), compaction, shutdown.clone()));
        Ok(Self {
            fresh: Fresh::start(etcd.clone(), shutdown.clone()),
            history: Arc::new(History::new(etcd.clone())),
            leases: Arc::new(Leases::new(etcd.clone(), event_ttl)),
            cache,
            etcd,
        })
    }

    /// Checks that what etcd holds is ours, and marks it when it is new.
    pub(crate) async fn check_format(&self) -> anyhow::Result<()> {
        let (key, ours) = FORMAT;
        match self.etcd.get(key).await? {
            None => drop(self.etcd.put(key, ours).await?),
            Some(found) if found.value == ours.as_bytes() => {}
            Some(found) => anyhow::bail!(
                "etcd holds data of format {:?} under {PREFIX}, this version reads format {ours}",
                String::from_utf8_lossy(&found.value)
            ),
        }
        Ok(())
    }

    /// Whether the first load is done.
    pub(crate) fn loaded(&self) -> bool {
        self.cache.revision() > 0
    }

    /// The revision that memory has reached.
    pub(crate) fn revision(&self) -> u64 {
        self.cache.revision()
    }

    /// Waits for the first load.
    pub(crate) async fn wait_loaded(&self) {
        while self.cache.reached(1, Duration::from_secs(60)).await.is_err() {}
    }

    /// Whether etcd answers.
    pub(crate) async fn ping(&self) -> Result<(), StorageError> {
        self.fresh.revision().await.map(drop)
    }

    /// Waits until memory holds everything that was written before this call, and tells its revision.
    pub(crate) async fn consistent(&self) -> Result<u64, StorageError> {
        let revision = self.fresh.revision().await?;
        if self.cache.reached(revision, LATE).await.is_err() {
            // a key outside /registry/ may have made that revision: a write of ours comes behind it
            self.etcd.put(history::TICK, "").await?;
            self.cache.reached(revision, WAIT).await.map_err(|_| StorageError::Timeout)?;
        }
        Ok(self.cache.revision())
    }

    /// Waits until memory has reached `revision`.
    pub(crate) async fn reached(&self, revision: u64) -> Result<(), StorageError> {
        if !self.loaded() {
            return Err(StorageError::Unavailable("the objects are not loaded yet".to_owned()));
        }
        self.cache.reached(revision, WAIT).await
    }

    /// The resource's objects in memory.
    pub(crate) fn shelf(&self, resource: &str) -> Option<&Arc<Shelf>> {
        self.cache.shelf(resource)
    }

    /// The revisions of the last changes of these resources.
    pub(crate) fn changed(&self, resources: &[&str]) -> Vec<u64> {
        resources.iter().map(|resource| self.shelf(resource).map_or(0, |shelf| shelf.changed())).collect()
    }

    /// How many objects of each resource memory holds.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.cache.shelves().map(|(resource, shelf)| (resource, shelf.len()))
    }

    /// A list from memory.
    pub(crate) fn list(&self, resource: &str, range: &Range<'_>) -> Option<Listing> {
        let shelf = self.shelf(resource)?;
        // the revision first: everything that it covers is on the shelf when the shelf is read after
        let revision = self.cache.revision();
        let found = shelf.list(range);
        Some(Listing { objects: found.objects, revision: revision.max(found.changed), remaining: found.remaining })
    }

    /// A list as it was at `revision`: from memory where nothing changed since, else from etcd.
    ///
    /// # Errors
    /// `Compacted` when etcd has forgotten that revision.
    pub(crate) async fn list_at(
        &self,
        resource: &str,
        range: &Range<'_>,
        revision: u64,
    ) -> Result<Listing, StorageError> {
        self.reached(revision).await?;
        // memory would know an unchanged list for good; clients are told of old ones when etcd would be
        if revision < self.cache.compacted() {
            return Err(StorageError::Compacted);
        }
        if let Some(found) = self.shelf(resource).map(|shelf| shelf.list(range)).filter(|f| f.changed <= revision) {
            return Ok(Listing { objects: found.objects, revision, remaining: found.remaining });
        }
        let root = format!("{PREFIX}{resource}/");
        let prefix = format!("{root}{}", range.prefix);
        let mut after = range.after.map(|key| format!("{root}{key}"));
        let mut listing = Listing { objects: Vec::new(), revision, remaining: 0 };
        loop {
            let wanted = range.limit.map_or(PAGE, |limit| limit - listing.objects.len());
            let mut arriving = self.etcd.range(&prefix, after.as_deref(), wanted, revision).await?;
            let mut stored = Vec::new();
            while let Some(pairs) = arriving.next().await? {
                stored.extend(pairs);
            }
            listing.remaining = arriving.count().saturating_sub(stored.len() as u64);
            after = stored.last().map(|stored| stored.key.clone());
            for stored in stored {
                let entry = Entry::new(&stored.key, &stored.value, stored.revision)?;
                if (range.meant)(&entry) {
                    listing.objects.push((stored.key[root.len()..].into(), Arc::new(entry)));
                }
            }
            let full = range.limit.is_some_and(|limit| listing.objects.len() >= limit);
            if full || listing.remaining == 0 || after.is_none() {
                return Ok(listing);
            }
        }
    }

    /// Follows a resource's changes behind the revision `after`.
    ///
    /// # Errors
    /// `Compacted` when they cannot all be told any more; `Future` when the revision is not reached in time.
    pub(crate) async fn watch(&self, resource: &str, after: u64) -> Result<Watcher, StorageError> {
        let shelf = self.shelf(resource).ok_or(StorageError::NotFound)?;
        self.reached(after).await?;
        let backlog =
            if shelf.floor() > after { self.history.reach(&self.cache, resource, shelf, after).await? } else { None };
        Ok(Watcher::new(Arc::clone(&self.cache), Arc::clone(shelf), after, backlog))
    }

    /// An object as etcd holds it now.
    pub(crate) async fn get(&self, resource: &str, key: &str) -> Result<Arc<Entry>, StorageError> {
        let path = format!("{PREFIX}{resource}/{key}");
        let stored = self.etcd.get(&path).await?.ok_or(StorageError::NotFound)?;
        Entry::new(&path, &stored.value, stored.revision).map(Arc::new)
    }

    /// Stores a new object in the form of [`encode`]; `expires` puts it under a lease.
    pub(crate) async fn create(
        &self,
        resource: &str,
        key: &str,
        stored: Vec<u8>,
        expires: bool,
        claims: Claims,
    ) -> Result<Arc<Entry>, StorageError> {
        let lease = if expires { Some(self.leases.get().await?) } else { None };
        self.put(resource, key, 0, stored, lease, claims).await
    }

    /// Stores an object in the form of [`encode`] in the place of that at revision `expected`.
    pub(crate) async fn update(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
        stored: Vec<u8>,
        expires: bool,
        claims: Claims,
    ) -> Result<Arc<Entry>, StorageError> {
        let lease = if expires { Some(self.leases.get().await?) } else { None };
        self.put(resource, key, expected, stored, lease, claims).await
    }

    /// Removes the object at revision `expected`; tells the revision of its end.
    pub(crate) async fn delete(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
        release: Vec<String>,
    ) -> Result<u64, StorageError> {
        let key = format!("{PREFIX}{resource}/{key}");
        self.etcd.write(Write { key, expected, value: None, take: Vec::new(), release, beside: Vec::new() }).await
    }

    async fn put(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
        stored: Vec<u8>,
        lease: Option<i64>,
        claims: Claims,
    ) -> Result<Arc<Entry>, StorageError> {
        let key = format!("{PREFIX}{resource}/{key}");
        let value = Some((stored.clone(), lease));
        let Claims { take, release, beside } = claims;
        let write = Write { key: key.clone(), expected, value, take, release, beside };
        let revision = self.etcd.write(write).await?;
        match Entry::written(&stored, revision) {
            Some(entry) => Ok(Arc::new(entry)),
            None => Entry::new(&key, &stored, revision).map(Arc::new),
        }
    }
}
