//! The zone as two sides share it: one follows records, the other answers from them.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};

use super::Zone;

/// A zone that is not there until all records are known, and then changes.
#[derive(Debug, Default)]
pub struct Shared {
    zone: RwLock<Option<Zone>>,
    generation: AtomicU64,
}

impl Shared {
    /// A zone that is complete.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { zone: RwLock::new(Some(zone)), generation: AtomicU64::new(0) }
    }

    /// Puts another zone in the place of what there was.
    pub fn set(&self, fresh: Zone) {
        *self.zone.write() = Some(fresh);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Changes the zone; with the first change it is complete.
    pub fn change(&self, change: impl FnOnce(&mut Zone)) {
        change(self.zone.write().get_or_insert_default());
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The zone as it is now; none before it is complete.
    pub fn read(&self) -> RwLockReadGuard<'_, Option<Zone>> {
        self.zone.read()
    }

    /// A number that is another one after each change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}
