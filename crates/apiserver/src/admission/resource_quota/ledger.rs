//! One write at a time of those that a namespace's quotas count, by way of this server: each then begins where the one before
//! it ended, and etcd refuses only what another server was faster with.

use std::collections::HashMap;
use std::sync::Arc;

use kube_api::Status;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use super::super::Review;
use super::bill::Quota;
use super::{Charge, charge, in_memory};
use crate::api::refuse;

/// Namespaces that are remembered without need.
const IDLE: usize = 256;

/// The quotas as this server wrote them last, which memory may not know yet.
type Latest = HashMap<String, Quota>;

/// The accounts of namespaces.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<HashMap<String, Arc<Turn<Latest>>>>);

/// The turn to charge a namespace's quotas.
pub(crate) struct Account(OwnedMutexGuard<Latest>);

impl Ledger {
    /// Waits for the turn; `None` where the namespace has no quota.
    pub(crate) async fn open(&self, review: &Review<'_>) -> Option<Account> {
        if in_memory(review).is_empty() {
            return None;
        }
        let turn = {
            let mut accounts = self.0.lock();
            if accounts.len() > IDLE {
                accounts.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            Arc::clone(accounts.entry(review.namespace.to_owned()).or_default())
        };
        Some(Account(turn.lock_owned().await))
    }
}

impl Account {
    /// The charge of a new object. What memory refuses is looked at again in a memory that is not behind.
    pub(crate) async fn charge(&self, review: &Review<'_>, object: &Value) -> Result<Charge, Status> {
        match charge(review, &self.quotas(review), object) {
            Ok(charge) => Ok(charge),
            Err(_) => {
                let refused = |error| refuse(review.kind, "", error);
                review.api.store.consistent().await.map_err(refused)?;
                charge(review, &self.quotas(review), object)
            }
        }
    }

    /// Remembers what was charged in the transaction of that revision.
    pub(crate) fn book(&mut self, charge: Charge, revision: u64) {
        for charged in charge.0 {
            self.0.insert(charged.key.clone(), Quota { key: charged.key, revision, object: charged.quota });
        }
    }

    fn quotas(&self, review: &Review<'_>) -> Vec<Quota> {
        let latest = |known: Quota| match self.0.get(&known.key) {
            Some(own) if own.revision > known.revision => own.clone(),
            _ => known,
        };
        in_memory(review).into_iter().map(latest).collect()
    }
}
