//! Memory that a crowd left: the C library keeps what is freed for whoever asks next, in pieces that lie everywhere.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many connections at one time are a crowd.
const CROWD: usize = 64;

/// The most connections there were since memory was last given back.
#[derive(Debug, Default)]
pub(crate) struct Tide {
    high: AtomicUsize,
}

impl Tide {
    /// Notes that `open` connections are there.
    pub(crate) fn rises(&self, open: usize) {
        self.high.fetch_max(open, Ordering::Relaxed);
    }

    /// Notes that only `open` are left. Gives whether most of a crowd has gone since memory was last given back.
    pub(crate) fn falls(&self, open: usize) -> bool {
        let high = self.high.load(Ordering::Relaxed);
        let gone = high >= CROWD && open <= high / 4;
        gone && self.high.compare_exchange(high, open, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Gives free pages back to the kernel. Takes some milliseconds, in which other threads may wait for memory.
pub fn give_back() {
    #[allow(unsafe_code)] // the allocator's own housekeeping has no form in std
    // SAFETY: malloc_trim(3) may be called by any thread at any time, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_a_crowd_has_gone() {
        let tide = Tide::default();
        (1..=100).for_each(|open| tide.rises(open));
        assert!((26..100).rev().all(|open| !tide.falls(open)));
        assert!(tide.falls(25));
        assert!((0..25).rev().all(|open| !tide.falls(open)), "once");
        (1..CROWD).for_each(|open| tide.rises(open));
        assert!(!tide.falls(0), "no crowd");
    }
}
