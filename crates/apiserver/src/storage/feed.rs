//! Keeps the cache true: one load, then one etcd watch over everything under `/registry/`.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{EventType, WatchResponse};
use tokio_util::sync::CancellationToken;

use super::cache::{Cache, Objects, PREFIX, Told};
use super::error::StorageError;
use super::etcd::Etcd;

/// How many keys the first part of the load holds, from which their size is known.
const FIRST_PART: usize = 200;
/// How large the other parts are to be about, and how many keys they hold at least: etcd makes all of a part before it sends
/// any of it, and looks at all keys behind it.
const PART_BYTES: usize = 8 << 20;
const PART_KEYS: usize = 200;
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

/// Reads everything at the revision of the first part. What is in our form is looked at only once all of it is there.
async fn load(etcd: &Etcd, cache: &Arc<Cache>) -> Result<(), StorageError> {
    let mut objects = Objects::new();
    let (mut after, mut keys, mut revision) = (None, FIRST_PART, 0);
    loop {
        let mut range = etcd.range(PREFIX, after.as_deref(), keys, revision).await?;
        let (mut read, mut bytes) = (0, 0);
        while let Some(pairs) = range.next().await? {
            read += pairs.len();
            bytes += pairs.iter().map(|stored| stored.key.len() + stored.value.len()).sum::<usize>();
            for (resource, key, entry) in pairs.iter().filter_map(|stored| cache.read(stored)) {
                objects.entry(resource).or_default().insert(key, entry);
            }
            after = pairs.into_iter().next_back().map(|stored| stored.key);
        }
        if revision == 0 {
            revision = range.revision();
        }
        if range.count() <= read as u64 || read == 0 {
            break;
        }
        keys = (PART_BYTES / (bytes / read).max(1)).max(PART_KEYS);
    }
    cache.reset(objects, revision);
    let cache = Arc::clone(cache);
    tokio::task::spawn_blocking(move || cache.check());
    Ok(())
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
