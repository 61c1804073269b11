//! What a pod that waits behind scheduling gates may gain: narrower ideas of where it wants to be.

use serde_json::{Value, json};

use super::error::Errors;
use super::tree::Node;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// Checks that labels and expressions of nodes were added, and none taken away.
pub(super) fn changes(spec: &Node, before: &Node, errors: &mut Errors) {
    let (labels, were) = (spec.at("nodeSelector"), before.at("nodeSelector"));
    if !were.entries().all(|(key, value)| labels.key(key).value() == value.value()) {
        errors.invalid(&labels, "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
    }
    let (affinity, was) = (spec.at("affinity"), before.at("affinity"));
    let (affinity, was) = (affinity.at("nodeAffinity"), was.at("nodeAffinity"));
    if affinity.value() != was.value() {
        terms(&affinity.at(REQUIRED), &was.at(REQUIRED), errors);
    }
}

/// Each term that a node had to match stays, with more expressions maybe: a term more would let other nodes in.
fn terms(required: &Node, were: &Node, errors: &mut Errors) {
    let (terms, were) = (required.at("nodeSelectorTerms"), were.at("nodeSelectorTerms"));
    if !were.is_empty() && terms.len() != were.len() {
        errors.invalid(&terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
        return;
    }
    for (term, was) in terms.items().zip(were.items()) {
        if !narrows(term.value(), was.value()) {
            errors.invalid(&term, "only additions are allowed (no mutations or deletions)");
        }
    }
}

/// Whether a term begins with what it was. One without expressions matches nothing, and more would open it.
fn narrows(term: &Value, was: &Value) -> bool {
    let list = |term: &Value, field: &str| term[field].as_array().cloned().unwrap_or_default();
    let fields = ["matchExpressions", "matchFields"];
    if fields.iter().all(|field| list(was, field).is_empty()) {
        return fields.iter().all(|field| list(term, field).is_empty());
    }
    fields.iter().all(|field| list(term, field).starts_with(&list(was, field)))
}

/// Puts back what was checked here.
pub(super) fn put_back(spec: &mut Value, old: &Value) {
    restore(spec, "nodeSelector", old);
    if !spec["affinity"].is_object() {
        spec["affinity"] = json!({});
    }
    restore(&mut spec["affinity"], "nodeAffinity", &old["affinity"]);
    if spec["affinity"] == json!({}) {
        restore(spec, "affinity", if old["affinity"] == json!({}) { old } else { &Value::Null });
    }
}

fn restore(new: &mut Value, field: &str, old: &Value) {
    let Some(fields) = new.as_object_mut() else { return };
    match old.get(field) {
        Some(value) => drop(fields.insert(field.to_owned(), value.clone())),
        None => drop(fields.remove(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::update;
    use crate::{defaults, kinds};
    use serde_json::{Value, json};

    fn pod(gates: Value, labels: Value, terms: Option<Value>) -> Value {
        let container = json!({"name": "c", "image": "i"});
        let mut spec = json!({"containers": [container], "schedulingGates": gates, "nodeSelector": labels});
        if let Some(terms) = terms {
            spec["affinity"] = json!({"nodeAffinity": {super::REQUIRED: {"nodeSelectorTerms": terms}}});
        }
        let mut pod = json!({"metadata": {"name": "p"}, "spec": spec});
        defaults::apply(kinds::find("", "v1", "pods").expect("served"), &mut pod);
        pod
    }

    fn wrong(new: &Value, old: &Value) -> Vec<String> {
        let pods = kinds::find("", "v1", "pods").expect("served");
        update(pods, new, old).iter().map(|error| error.field.clone()).collect()
    }

    #[test]
    fn a_gated_pod_gains_places_and_loses_none() {
        let gates = json!([{"name": "a/b"}]);
        let one = json!({"key": "zone", "operator": "Exists"});
        let two = json!({"key": "disk", "operator": "Exists"});
        let term = |expressions: Value| Some(json!([{"matchExpressions": expressions}]));
        let old = pod(gates.clone(), json!({"a": "b"}), None);
        assert!(wrong(&pod(gates.clone(), json!({"a": "b", "c": "d"}), term(json!([one]))), &old).is_empty());
        assert_eq!(wrong(&pod(gates.clone(), json!({"c": "d"}), None), &old), ["spec.nodeSelector"]);
        let old = pod(gates.clone(), json!({}), term(json!([one])));
        assert!(wrong(&pod(gates.clone(), json!({}), term(json!([one, two]))), &old).is_empty());
        let terms = format!("spec.affinity.nodeAffinity.{}.nodeSelectorTerms", super::REQUIRED);
        assert_eq!(wrong(&pod(gates.clone(), json!({}), term(json!([two]))), &old), [format!("{terms}[0]")]);
        assert_eq!(wrong(&pod(gates, json!({}), None), &old), [terms]);
        let free = pod(json!([]), json!({}), None);
        assert_eq!(wrong(&pod(json!([]), json!({"a": "b"}), None), &free), ["spec"]);
    }
}
