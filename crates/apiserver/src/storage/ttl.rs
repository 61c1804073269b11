//! Leases under which events are stored, shared by those made at about the same time.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::StorageError;
use super::etcd::Etcd;

/// A lease is given to so many objects at most, because its end deletes them in one go.
const MAX_OBJECTS: u32 = 1000;
/// A lease is reused for this share of its time, and no longer than [`MAX_REUSE`].
const REUSE_SHARE: u32 = 20;
const MAX_REUSE: Duration = Duration::from_secs(60);

/// Gives out leases of one length.
pub(crate) struct Leases {
    etcd: Etcd,
    ttl: Duration,
    current: Mutex<Option<Lease>>,
}

struct Lease {
    id: i64,
    granted: Instant,
    objects: u32,
}

impl Leases {
    /// Leases under which an object lives for at least `ttl`.
    pub(crate) fn new(etcd: Etcd, ttl: Duration) -> Self {
        Self { etcd, ttl, current: Mutex::new(None) }
    }

    /// A lease for one more object.
    pub(crate) async fn get(&self) -> Result<i64, StorageError> {
        let reuse = (self.ttl / REUSE_SHARE).min(MAX_REUSE);
        let mut current = self.current.lock().await;
        if let Some(lease) = current.as_mut().filter(|l| l.objects < MAX_OBJECTS && l.granted.elapsed() < reuse) {
            lease.objects += 1;
            return Ok(lease.id);
        }
        let id = self.etcd.grant(self.ttl + reuse).await?;
        *current = Some(Lease { id, granted: Instant::now(), objects: 1 });
        Ok(id)
    }
}
