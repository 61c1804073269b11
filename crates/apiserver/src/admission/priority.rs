//! Priority: a pod has the priority of its class, or of the cluster's default class; of these there is one.

use kube_api::{Status, meta};
use serde_json::{Value, json};

use super::Review;
use crate::api::refuse;
use crate::storage::{Entry, Range, StorageError};

const PREEMPT: &str = "PreemptLowerPriority";

/// Gives a new pod its priority.
pub(super) async fn admit(review: &Review<'_>, pod: &mut Value) -> Result<(), Status> {
    if !review.is_pod() {
        return Ok(());
    }
    let named = meta::text(pod, &["spec", "priorityClassName"]).filter(|name| !name.is_empty());
    let class = match named {
        Some(name) => Some(class(review, pod, name).await?),
        None => default_class(review),
    };
    apply(class.as_ref(), pod).map_err(|why| review.forbidden(pod, &why))
}

async fn class(review: &Review<'_>, pod: &Value, name: &str) -> Result<Value, Status> {
    const RESOURCE: &str = "priorityclasses";
    let store = &review.api.store;
    if let Some(entry) = store.shelf(RESOURCE).and_then(|shelf| shelf.get(name)) {
        return Ok(entry.value());
    }
    match store.get(RESOURCE, name).await {
        Ok(entry) => Ok(entry.value()),
        Err(StorageError::NotFound) => {
            Err(review.forbidden(pod, &format!("no PriorityClass with name {name} was found")))
        }
        Err(error) => Err(refuse(review.kind, meta::name(pod), error)),
    }
}

/// Sets what follows from the class; the error is why the pod cannot have what it says itself.
fn apply(class: Option<&Value>, pod: &mut Value) -> Result<(), String> {
    const HOW: &str = "must not be provided in pod spec; priority admission controller computed";
    let priority = class.and_then(|class| class["value"].as_i64()).unwrap_or(0);
    let policy = class.and_then(|class| class["preemptionPolicy"].as_str()).unwrap_or(PREEMPT);
    let spec = &mut pod["spec"];
    if let Some(given) = spec["priority"].as_i64().filter(|given| *given != priority) {
        return Err(format!(
            "the integer value of priority ({given}) {HOW} {priority} from the given PriorityClass name"
        ));
    }
    if let Some(given) = spec["preemptionPolicy"].as_str().filter(|given| *given != policy) {
        return Err(format!(
            "the string value of PreemptionPolicy ({given}) {HOW} {policy} from the given PriorityClass name"
        ));
    }
    if let Some(class) = class {
        spec["priorityClassName"] = class["metadata"]["name"].clone();
    }
    spec["priority"] = priority.into();
    spec["preemptionPolicy"] = json!(policy);
    Ok(())
}

/// The class of pods that name none. Where there are several, as two servers may have let pass, that with the least value.
fn default_class(review: &Review<'_>) -> Option<Value> {
    let shelf = review.api.store.shelf("priorityclasses")?;
    let default = |entry: &Entry| entry.field("globalDefault").is_some();
    let classes = shelf.list(&Range { meant: &default, ..Range::all("") }).objects;
    classes.into_iter().map(|(_, entry)| entry.value()).min_by_key(|class| class["value"].as_i64())
}

/// Keeps the priority of a pod in an update that leaves it out.
pub(super) fn amend(review: &Review<'_>, old: &Value, new: &mut Value) {
    if !review.is_pod() {
        return;
    }
    for field in ["priority", "preemptionPolicy"] {
        if let Some(value) = old["spec"].get(field).filter(|_| new["spec"][field].is_null()) {
            new["spec"][field] = value.clone();
        }
    }
}

/// Refuses a second default class.
pub(super) fn validate(review: &Review<'_>, class: &Value) -> Result<(), Status> {
    if review.kind.kind != "PriorityClass" || class["globalDefault"] != true {
        return Ok(());
    }
    match default_class(review) {
        Some(other) if review.old.is_none() || meta::name(&other) != meta::name(class) => {
            let why = format!(
                "PriorityClass {} is already marked as default. Only one default can exist",
                meta::name(&other)
            );
            Err(review.forbidden(class, &why))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_the_priority_of_its_class() {
        let class = json!({"metadata": {"name": "high"}, "value": 7, "preemptionPolicy": "Never"});
        let mut pod = json!({"spec": {}});
        apply(Some(&class), &mut pod).unwrap();
        assert_eq!(pod["spec"], json!({"priorityClassName": "high", "priority": 7, "preemptionPolicy": "Never"}));
        let mut pod = json!({"spec": {}});
        apply(None, &mut pod).unwrap();
        assert_eq!(pod["spec"], json!({"priority": 0, "preemptionPolicy": PREEMPT}));
    }

    #[test]
    fn a_pod_cannot_choose_its_own() {
        let class = json!({"metadata": {"name": "high"}, "value": 7});
        let why = |spec: Value| apply(Some(&class), &mut json!({"spec": spec})).unwrap_err();
        assert!(why(json!({"priority": 8})).starts_with("the integer value of priority (8) must not"));
        assert!(why(json!({"preemptionPolicy": "Never"})).contains("computed PreemptLowerPriority"));
        assert!(apply(Some(&class), &mut json!({"spec": {"priority": 7}})).is_ok());
    }
}
