//! One client's way along a shelf's changes.

use std::sync::Arc;

use tokio::sync::watch;

use super::cache::Cache;
use super::shelf::{Behind, Keyed, Shelf};

/// A cursor: tells the changes behind a revision, then those to come. Dropping it ends it.
pub(crate) struct Watcher {
    cache: Arc<Cache>,
    shelf: Arc<Shelf>,
    news: watch::Receiver<u64>,
    /// Everything up to here is told.
    told: u64,
    /// History that did not fit into the ring, and the revision up to which it goes.
    backlog: Option<(Vec<Keyed>, u64)>,
}

impl Watcher {
    pub(crate) fn new(cache: Arc<Cache>, shelf: Arc<Shelf>, after: u64, backlog: Option<(Vec<Keyed>, u64)>) -> Self {
        let news = shelf.subscribe();
        Self { cache, shelf, news, told: after, backlog }
    }

    /// The next changes, at least one, in order. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Vec<Keyed>, Behind> {
        loop {
            let changes = self.take()?;
            if !changes.is_empty() {
                return Ok(changes);
            }
            if self.news.changed().await.is_err() {
                return Err(Behind);
            }
        }
    }

    /// The changes there are, and a revision up to which they are all: where a bookmark may stand.
    pub(crate) fn mark(&mut self) -> Result<(Vec<Keyed>, u64), Behind> {
        // first the revision: what it covers is in the ring already
        let revision = self.cache.revision();
        let changes = self.take()?;
        self.told = self.told.max(revision);
        Ok((changes, self.told))
    }

    fn take(&mut self) -> Result<Vec<Keyed>, Behind> {
        if let Some((changes, until)) = self.backlog.take() {
            self.told = until;
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
        self.news.mark_unchanged();
        let revision = self.cache.revision();
        let changes = self.shelf.changes(self.told)?;
        match changes.last() {
            Some(last) => self.told = last.change.revision(),
            // an idle shelf's ring may be reset by others' history; what is quiet stays current
            None => self.told = self.told.max(revision),
        }
        Ok(changes)
    }
}
