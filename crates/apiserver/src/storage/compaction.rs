//! Every few minutes (`--etcd-compaction-interval`) etcd forgets what is older than that, once for all API servers on it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::StorageError;
use super::etcd::Etcd;

/// Who changes this key compacts, up to the revision that is its value.
pub(crate) const TURN: &str = "/registry/k8sm/compaction";

/// Compacts every `interval`, if it is not zero, until `shutdown`.
pub(crate) async fn run(etcd: Etcd, interval: Duration, shutdown: CancellationToken) {
    if interval.is_zero() {
        return;
    }
    let mut seen = Turn { version: 0, revision: 0 };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        if let Err(error) = take(&etcd, &mut seen).await {
            tracing::warn!(%error, "cannot compact etcd; trying again in {interval:?}");
        }
    }
}

/// The turn as this server saw it last.
struct Turn {
    version: i64,
    revision: u64,
}

/// Takes the turn if no other server did since `seen`, and compacts to the revision that `seen` was at.
async fn take(etcd: &Etcd, seen: &mut Turn) -> Result<(), StorageError> {
    let before = seen.revision;
    let (ours, version, revision) = etcd.turn(TURN, seen.version, &before.to_string()).await?;
    *seen = Turn { version, revision };
    if ours && before > 0 {
        match etcd.compact(before).await {
            Ok(()) | Err(StorageError::Compacted) => tracing::debug!(revision = before, "etcd is compacted"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
