//! RuntimeClass: a pod costs what its class says, and goes where the class is.

use kube_api::{Status, meta};
use serde_json::{Map, Value};

use super::Review;
use crate::api::refuse;
use crate::storage::StorageError;

/// Fills in what the class of a new pod says.
pub(super) async fn admit(review: &Review<'_>, pod: &mut Value) -> Result<(), Status> {
    if !review.is_pod() {
        return Ok(());
    }
    let class = match pod["spec"]["runtimeClassName"].as_str() {
        Some(name) => Some(class(review, pod, name).await?),
        None => None,
    };
    apply(class.as_ref(), pod).map_err(|why| review.forbidden(pod, &why))
}

async fn class(review: &Review<'_>, pod: &Value, name: &str) -> Result<Value, Status> {
    match review.api.store.get("runtimeclasses", name).await {
        Ok(entry) => Ok(entry.value()),
        Err(StorageError::NotFound) => {
            Err(review.forbidden(pod, &format!("pod rejected: RuntimeClass {name:?} not found")))
        }
        Err(error) => Err(refuse(review.kind, meta::name(pod), error)),
    }
}

/// Sets what follows from the class; the error is why the pod cannot have what it says itself.
fn apply(class: Option<&Value>, pod: &mut Value) -> Result<(), String> {
    let spec = &mut pod["spec"];
    let (given, overhead) = (spec.get("overhead").cloned(), class.and_then(|class| class["overhead"].get("podFixed")));
    match (given, overhead) {
        (None, None) => {}
        (Some(_), None) => {
            return Err("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead".to_owned());
        }
        (Some(given), Some(own)) if given != *own => {
            return Err("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead".to_owned());
        }
        (_, Some(own)) => spec["overhead"] = own.clone(),
    }
    let Some(scheduling) = class.map(|class| &class["scheduling"]).filter(|scheduling| scheduling.is_object()) else {
        return Ok(());
    };
    select(&scheduling["nodeSelector"], spec)?;
    tolerate(&scheduling["tolerations"], spec);
    Ok(())
}

/// The pod goes where both it and its class want it.
fn select(wanted: &Value, spec: &mut Value) -> Result<(), String> {
    let mut labels = spec["nodeSelector"].as_object().cloned().unwrap_or_default();
    let none = Map::new();
    for (label, value) in wanted.as_object().unwrap_or(&none) {
        if let Some(own) = labels.get(label).filter(|own| *own != value) {
            let (value, own) = (value.as_str().unwrap_or_default(), own.as_str().unwrap_or_default());
            return Err(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{label}] = {value}; pod.spec.nodeSelector[{label}] = {own}"
            ));
        }
        labels.insert(label.clone(), value.clone());
    }
    if !labels.is_empty() {
        spec["nodeSelector"] = labels.into();
    }
    Ok(())
}

/// What the class tolerates its pods do.
fn tolerate(tolerations: &Value, spec: &mut Value) {
    let mut all = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for one in tolerations.as_array().into_iter().flatten() {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
    if !all.is_empty() {
        spec["tolerations"] = all.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(class: Option<Value>, spec: Value) -> Result<Value, String> {
        let mut pod = json!({ "spec": spec });
        apply(class.as_ref(), &mut pod).map(|()| pod["spec"].take())
    }

    #[test]
    fn a_pod_costs_what_its_class_says() {
        let class = json!({"overhead": {"podFixed": {"cpu": "10m"}}});
        let overhead = json!({"overhead": {"cpu": "10m"}});
        assert_eq!(applied(Some(class.clone()), json!({})), Ok(overhead.clone()));
        assert_eq!(applied(Some(class.clone()), overhead.clone()), Ok(overhead.clone()));
        assert!(applied(Some(class), json!({"overhead": {"cpu": "20m"}})).unwrap_err().contains("doesn't match"));
        assert!(applied(None, overhead).unwrap_err().contains("without corresponding RuntimeClass"));
        assert_eq!(applied(Some(json!({"handler": "h"})), json!({})), Ok(json!({})));
    }

    #[test]
    fn a_pod_goes_where_its_class_is() {
        let toleration = json!({"key": "sandbox", "operator": "Exists"});
        let class = json!({"scheduling": {"nodeSelector": {"runtime": "x"}, "tolerations": [toleration]}});
        let spec = applied(Some(class.clone()), json!({"nodeSelector": {"rack": "1"}, "tolerations": [toleration]}));
        assert_eq!(spec, Ok(json!({"nodeSelector": {"rack": "1", "runtime": "x"}, "tolerations": [toleration]})));
        let refused = applied(Some(class), json!({"nodeSelector": {"runtime": "y"}})).unwrap_err();
        assert_eq!(
            refused,
            "conflict: runtimeClass.scheduling.nodeSelector[runtime] = x; pod.spec.nodeSelector[runtime] = y"
        );
    }
}
