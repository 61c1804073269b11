//! LimitRanger: containers get the namespace's default requests and limits, and nothing is smaller or larger than it allows.

mod bounds;
mod default;

use kube_api::{Status, meta};
use serde_json::Value;

use super::Review;
use crate::storage::Range;

/// Gives a new pod's containers the defaults that they lack.
pub(super) fn admit(review: &Review<'_>, pod: &mut Value) -> Result<(), Status> {
    if review.is_pod() {
        for range in ranges(review) {
            default::apply(&range, pod);
        }
    }
    Ok(())
}

/// Refuses a pod or claim that is outside of a limit range. Pods are looked at when they are made: their resources do not
/// change afterwards.
pub(super) fn validate(review: &Review<'_>, object: &Value) -> Result<(), Status> {
    let whole = review.subresource.is_empty();
    let broken: fn(&Value, &Value) -> Vec<String> = match review.kind.kind {
        "Pod" if whole && review.old.is_none() => bounds::of_pod,
        "PersistentVolumeClaim" if whole && review.old.is_none_or(|old| !meta::deleting(old)) => bounds::of_claim,
        _ => return Ok(()),
    };
    for range in ranges(review) {
        let mut why = Vec::new();
        for one in broken(&range, object) {
            if !why.contains(&one) {
                why.push(one);
            }
        }
        match why.as_slice() {
            [] => {}
            [one] => return Err(review.forbidden(object, one)),
            many => return Err(review.forbidden(object, &format!("[{}]", many.join(", ")))),
        }
    }
    Ok(())
}

/// The limit ranges of the namespace.
fn ranges(review: &Review<'_>) -> Vec<Value> {
    let Some(shelf) = review.api.store.shelf("limitranges") else { return Vec::new() };
    shelf
        .list(&Range::all(&format!("{}/", review.namespace)))
        .objects
        .into_iter()
        .map(|(_, entry)| entry.value())
        .collect()
}

/// The limits of one type in a limit range.
fn limits<'r>(range: &'r Value, of: &'static str) -> impl Iterator<Item = &'r Value> {
    range["spec"]["limits"].as_array().into_iter().flatten().filter(move |limit| limit["type"] == of)
}
