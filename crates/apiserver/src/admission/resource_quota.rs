//! ResourceQuota: a namespace's objects together use no more than its quotas allow.
//!
//! What an object uses is added to the `status.used` of each quota that means it, in the transaction that stores the object: it
//! is charged if and only if it is made, and of two that fit only alone, by way of whichever servers, one is. What is given
//! back is the quota controller's to notice.

mod bill;
mod ledger;

use jiff::Timestamp;
use kube_api::{Status, kinds, quota};
use serde_json::Value;

use super::Review;
use crate::storage::{Beside, Entry, PREFIX, Range, encode};
use bill::Quota;
pub(crate) use ledger::Ledger;

const RESOURCE: &str = "resourcequotas";

/// What is to be written of quotas together with an object.
#[derive(Default)]
pub(crate) struct Charge(Vec<Charged>);

struct Charged {
    /// `namespace/name`.
    key: String,
    /// The revision of the quota that was charged.
    revision: u64,
    /// The quota after it.
    quota: Value,
}

impl Charge {
    /// The writes, for the object's transaction.
    pub(crate) fn writes(&self) -> Vec<Beside> {
        let write = |charged: &Charged| Beside {
            key: format!("{PREFIX}{RESOURCE}/{}", charged.key),
            expected: charged.revision,
            value: encode(&charged.quota),
        };
        self.0.iter().map(write).collect()
    }
}

/// The charge of a change of an object, by the quotas in memory.
pub(crate) fn change(review: &Review<'_>, new: &Value) -> Result<Charge, Status> {
    if !quota::changes(review.kind) || !review.subresource.is_empty() {
        return Ok(Charge::default());
    }
    charge(review, &in_memory(review), new)
}

/// The quotas of the namespace in memory.
fn in_memory(review: &Review<'_>) -> Vec<Quota> {
    let Some(shelf) = review.api.store.shelf(RESOURCE) else { return Vec::new() };
    let quotas = shelf.list(&Range::all(&format!("{}/", review.namespace))).objects;
    quotas.into_iter().map(|(key, entry)| Quota::of(key.to_string(), &entry)).collect()
}

fn charge(review: &Review<'_>, quotas: &[Quota], object: &Value) -> Result<Charge, Status> {
    let bill = bill::of(quotas, review.kind, object, review.old, Timestamp::now());
    let charged = bill.map_err(|why| review.forbidden(object, &why))?.into_iter().map(|(at, quota)| Charged {
        key: quotas[at].key.clone(),
        revision: quotas[at].revision,
        quota,
    });
    Ok(Charge(charged.collect()))
}

/// The refusal of a write that came too late for the quotas' state again and again.
pub(crate) fn contended(charge: &Charge) -> Status {
    let kind = kinds::find("", "v1", RESOURCE).expect("the table of kinds has resource quotas");
    let name = charge.0.first().and_then(|charged| charged.key.rsplit('/').next()).unwrap_or_default();
    Status::modified(kind, name)
}

impl Quota {
    fn of(key: String, entry: &Entry) -> Self {
        Self { key, revision: entry.revision, object: entry.value() }
    }
}
