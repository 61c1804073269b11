//! Keeps the cache true: one load, then one etcd watch over everything under `/registry/`.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{EventType, WatchResponse};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::cache::{Cache, Objects, PREFIX, Told};
use super::error::StorageError;
use super::etcd::{Etcd, Page};

/// How many keys the first page of the load holds.
const FIRST_PAGE: usize = 200;
/// How large a page of the load is to be about, and how many keys it holds at least and at most. Larger ones cost etcd less,
/// which looks at all keys behind a page for each, and the kernel more, for memory that no page before has used.
const PAGE_BYTES: usize = 1 << 20;
const PAGE_KEYS: (usize, usize) = (16, 4000);
/// How many objects of a page one task reads.
const SHARE: usize = 80;
/// Pauses between attempts while etcd is away: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Where the feed stands.
enum State {
    /// Nothing is known, or what is known is too old to go on from.
    Load,
    /// The cache is at its revision; the changes behind it are to come.
    Follow,
}

/// Feeds the cache until `shutdown`. When etcd goes away the cache stays as it is, and the feed goes on from its revision
/// once etcd is back; only when etcd has compacted that revision meanwhile does it load anew.
pub(crate) async fn run(etcd: Etcd, cache: Arc<Cache>, shutdown: CancellationToken) {
    let (mut state, mut pause) = (State::Load, PAUSES.0);
    loop {
        let (before, started) = (cache.revision(), tokio::time::Instant::now());
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = step(&etcd, &cache, &state) => outcome,
        };
        let error = match (outcome, &state) {
            (Ok(()), State::Load) => {
                (state, pause) = (State::Follow, PAUSES.0);
                tracing::info!(revision = cache.revision(), "everything is loaded from etcd");
                continue;
            }
            (Ok(()), State::Follow) => StorageError::Unavailable("the watch ended".to_owned()),
            (Err(StorageError::Compacted), State::Follow) => {
                tracing::warn!(revision = cache.revision(), "etcd has forgotten our revision: loading anew");
                state = State::Load;
                continue;
            }
            (Err(error), _) => error,
        };
        if cache.revision() > before || started.elapsed() > PAUSES.1 {
            pause = PAUSES.0;
        }
        tracing::warn!(%error, "etcd does not tell changes; trying again in {pause:?}");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSES.1),
        }
    }
}

async fn step(etcd: &Etcd, cache: &Arc<Cache>, state: &State) -> Result<(), StorageError> {
    match state {
        State::Load => load(etcd, cache).await,
        State::Follow => follow(etcd, cache).await,
    }
}

/// Reads everything at the revision of the first page. While a page is on its way, tasks read the objects of the one before:
/// no more than two pages are held beside the objects.
async fn load(etcd: &Etcd, cache: &Arc<Cache>) -> Result<(), StorageError> {
    let (mut objects, mut page) = (Objects::new(), etcd.page(PREFIX, None, FIRST_PAGE, 0).await?);
    let revision = page.revision;
    loop {
        let next = next_page(etcd, &page, revision);
        let mut readers = JoinSet::new();
        let stored = Arc::new(page.stored);
        for start in (0..stored.len()).step_by(SHARE) {
            let (cache, stored) = (Arc::clone(cache), Arc::clone(&stored));
            readers.spawn(async move { cache.read(&stored[start..stored.len().min(start + SHARE)]) });
        }
        while let Some(placed) = readers.join_next().await {
            for (resource, key, entry) in placed.map_err(ended)? {
                objects.entry(resource).or_default().insert(key, entry);
            }
        }
        match next {
            Some(next) => page = next.await.map_err(ended)??,
            None => break,
        }
    }
    cache.reset(objects, revision);
    Ok(())
}

/// A task of the load did not come to its end.
fn ended(error: JoinError) -> StorageError {
    StorageError::Unavailable(error.to_string())
}

/// Asks for the page behind this one, as many keys as are about [`PAGE_BYTES`] if they are like these.
fn next_page(etcd: &Etcd, page: &Page, revision: u64) -> Option<JoinHandle<Result<Page, StorageError>>> {
    let last = page.stored.last().filter(|_| page.remaining > 0)?.key.clone();
    let bytes: usize = page.stored.iter().map(|stored| stored.key.len() + stored.value.len()).sum();
    let keys = (PAGE_BYTES / (bytes / page.stored.len()).max(1)).clamp(PAGE_KEYS.0, PAGE_KEYS.1);
    let etcd = etcd.clone();
    Some(tokio::spawn(async move { etcd.page(PREFIX, Some(&last), keys, revision).await }))
}

/// Follows the changes behind the cache's revision until the watch breaks.
async fn follow(etcd: &Etcd, cache: &Cache) -> Result<(), StorageError> {
    let mut stream = etcd.watch(PREFIX, cache.revision(), false).await?;
    while let Some(message) = stream.message().await? {
        if message.compact_revision() > 0 {
            return Err(StorageError::Compacted);
        }
        if message.canceled() {
            return Err(StorageError::Unavailable(message.cancel_reason().to_owned()));
        }
        let told = told(&message);
        if let Some(revision) = told.last().map(|told| told.revision) {
            cache.apply(told, revision);
        }
    }
    Ok(())
}

/// The changes of one message, in order.
fn told(message: &WatchResponse) -> Vec<Told<'_>> {
    let events = message.events().iter().filter_map(|event| Some((event.event_type(), event.kv()?)));
    events
        .filter_map(|(event, kv)| {
            let revision = u64::try_from(kv.mod_revision()).unwrap_or(0);
            // a key that is no text is none of ours
            let key = std::str::from_utf8(kv.key()).ok()?;
            Some(Told { key, revision, value: (event == EventType::Put).then(|| kv.value()) })
        })
        .collect()
}
