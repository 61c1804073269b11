//! Changing a stored object: read, decide, and write under the condition that nobody else wrote meanwhile.

use std::sync::Arc;

use kube_api::{Kind, Status};
use serde_json::Value;

use crate::api::{Api, refuse};
use crate::storage::{Claims, Entry, StorageError, encode};

/// How often a decision is made anew because somebody else was faster.
const ATTEMPTS: usize = 8;

/// What is to become of an object.
pub(crate) enum Decision {
    /// It becomes this.
    Put(Value, Claims),
    /// It goes, and gives these claims back; `last` is its last state.
    Remove { last: Value, release: Vec<String> },
    /// It stays as it is.
    Keep,
}

/// What became of it.
pub(crate) enum Outcome {
    /// It is this now.
    Stored(Arc<Entry>),
    /// It is gone; its last state.
    Removed(Value),
}

/// Where the object lies.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) kind: &'static Kind,
    pub(crate) key: &'p str,
    pub(crate) name: &'p str,
}

/// Decides over the object until the decision is written. The first look is at memory, which may be a moment behind: what
/// is refused after it is looked at again in etcd before it is refused for good.
///
/// With `dry` nothing is written, and the outcome is what would be.
pub(crate) async fn modify<F>(api: &Api, place: Place<'_>, dry: bool, mut decide: F) -> Result<Outcome, Status>
where
    F: FnMut(&Value) -> Result<Decision, Status>,
{
    let Place { kind, key, name } = place;
    let shelf = api.store.shelf(kind.plural).ok_or_else(Status::no_such_path)?;
    let mut remembered = shelf.get(key);
    for _ in 0..ATTEMPTS {
        let fresh = remembered.is_none();
        let current = match remembered.take() {
            Some(entry) => entry,
            None => api.store.get(kind.plural, key).await.map_err(|error| refuse(kind, name, error))?,
        };
        let before = current.value();
        let written = match decide(&before) {
            Err(status) if fresh => return Err(status),
            Ok(Decision::Keep) if fresh => return Ok(Outcome::Stored(current)),
            Err(_) | Ok(Decision::Keep) => continue,
            Ok(decision) if dry => return imagine(key, &current, decision),
            Ok(Decision::Put(after, claims)) if after == before && claims.take.is_empty() => {
                if fresh {
                    return Ok(Outcome::Stored(current));
                }
                continue;
            }
            Ok(decision) => write(api, place, &current, decision).await,
        };
        match written {
            Ok(outcome) => return Ok(outcome),
            Err(StorageError::Conflict) => {}
            Err(StorageError::NotFound) if !fresh => {}
            Err(StorageError::Claimed(_)) => {}
            // memory is behind: what is decided by it would be refused again
            Err(StorageError::Beside) => {
                api.store.consistent().await.map_err(|error| refuse(kind, name, error))?;
            }
            Err(error) => return Err(refuse(kind, name, error)),
        }
    }
    Err(Status::modified(kind, name))
}

async fn write(
    api: &Api,
    Place { kind, key, .. }: Place<'_>,
    current: &Arc<Entry>,
    decision: Decision,
) -> Result<Outcome, StorageError> {
    match decision {
        Decision::Keep => Ok(Outcome::Stored(Arc::clone(current))),
        Decision::Put(object, claims) => {
            let expires = expires(kind);
            let entry = api.store.update(kind.plural, key, current.revision, encode(&object), expires, claims).await?;
            Ok(Outcome::Stored(entry))
        }
        Decision::Remove { mut last, release } => {
            let revision = api.store.delete(kind.plural, key, current.revision, release).await?;
            last["metadata"]["resourceVersion"] = revision.to_string().into();
            Ok(Outcome::Removed(last))
        }
    }
}

/// What would become of the object.
fn imagine(key: &str, current: &Arc<Entry>, decision: Decision) -> Result<Outcome, Status> {
    match decision {
        Decision::Keep => Ok(Outcome::Stored(Arc::clone(current))),
        Decision::Remove { last, .. } => Ok(Outcome::Removed(last)),
        Decision::Put(object, _) => {
            let stored = encode(&object);
            let entry = Entry::new(key, &stored, current.revision);
            Ok(Outcome::Stored(Arc::new(entry.map_err(|error| Status::internal(&error.to_string()))?)))
        }
    }
}

/// Whether objects of the kind end by themselves.
pub(crate) fn expires(kind: &Kind) -> bool {
    kind.plural == "events"
}
