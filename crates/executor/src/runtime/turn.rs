//! Turns of new pods between their sandbox and their containers: a crowd of them is made a few at a time.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Runtime;

/// How many new pods are between their sandbox and their containers at once: a few more than start, so that one is made while
/// others start, and no more, so that the first pods run while the last are not begun.
const CONCURRENT_PODS: usize = 6;

/// The turns there are.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CONCURRENT_PODS)))
    }
}

/// A new pod's turn; it ends with this, or before.
#[derive(Debug, Default)]
pub struct Turn(Mutex<Option<OwnedSemaphorePermit>>);

impl Turn {
    /// Ends the turn early: the pod waits for something that keeps the engine from nothing.
    pub fn end(&self) {
        let Some(permit) = self.0.lock().take() else { return };
        let turns = Arc::clone(permit.semaphore());
        drop(permit);
        if turns.available_permits() == CONCURRENT_PODS {
            // no pod is being made any more: what making them took, the others need not keep
            tokio::task::spawn_blocking(serve::memory::give_back);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end();
    }
}

impl Runtime {
    /// Waits until it is a new pod's turn to be made.
    pub async fn turn(&self) -> Turn {
        let permit = Arc::clone(&self.turns.0).acquire_owned().await.expect("the semaphore is never closed");
        Turn(Mutex::new(Some(permit)))
    }
}
