//! What may change of a pod once it is there: very little.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::error::Errors;
use super::tree::Node;
use super::{FieldError, containers, gated, placement, pod, pod_annotations, resources};
use crate::status::quote;

const ALLOWED: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Of a pod written as a whole. All of it is checked, as if it were new, and then what changed. A spec that did not change was
/// checked when it was made.
pub(super) fn update(root: &Node, old: &Node, errors: &mut Errors) {
    pod_annotations::changed(root, old, errors);
    let (spec, before) = (root.at("spec"), old.at("spec"));
    if spec.value() == before.value() {
        return;
    }
    pod::pod(root, errors);
    for list in ["containers", "initContainers"] {
        if !images(&spec.at(list), &before.at(list), errors) {
            return;
        }
    }
    if !deadline(&spec.at("activeDeadlineSeconds"), &before.at("activeDeadlineSeconds"), errors) {
        return;
    }
    tolerations(&spec.at("tolerations"), &before.at("tolerations"), errors);
    gates(&spec.at("schedulingGates"), &before.at("schedulingGates"), errors);
    let waits = !before.at("schedulingGates").is_empty();
    if waits {
        gated::changes(&spec, &before, errors);
    }
    // With everything copied back that may change, the specs must be the same.
    let (mut munged, old_spec) = (spec.value().clone(), before.value());
    put_back(&mut munged, old_spec);
    if waits {
        gated::put_back(&mut munged, old_spec);
    }
    if munged != *old_spec {
        errors.forbidden(&spec, &format!("{ALLOWED}\n{}", difference(&munged, old_spec)));
    }
}

/// Whether there are as many containers as there were: else nothing more can be compared. Kubernetes looks at their images twice,
/// and says twice what is wrong with them.
fn images(new: &Node, old: &Node, errors: &mut Errors) -> bool {
    if new.len() != old.len() {
        errors.forbidden(new, "pod updates may not add or remove containers");
        return false;
    }
    for container in new.items() {
        errors.need(&container.at("image"));
        containers::untrimmed_image(&container, errors);
    }
    true
}

/// Whether the deadline is one, and no later than it was: else nothing more is looked at.
fn deadline(new: &Node, old: &Node, errors: &mut Errors) -> bool {
    const MOST: i64 = i32::MAX as i64;
    match (new.int(), old.int()) {
        (Some(seconds), _) if !(0..=MOST).contains(&seconds) => errors.within(new, 0, MOST),
        (Some(seconds), Some(before)) if seconds > before => {
            errors.invalid(new, "must be less than or equal to previous value");
        }
        (None, Some(_)) => {
            errors.invalid_value(new, &"null".into(), "must not update from a positive integer to nil value");
            return true;
        }
        _ => return true,
    }
    false
}

/// Tolerations may be added, and a toleration's time may change.
fn tolerations(new: &Node, old: &Node, errors: &mut Errors) {
    let timeless = |value: &Value| {
        let mut map = value.as_object().cloned().unwrap_or_default();
        map.remove("tolerationSeconds");
        map
    };
    let kept: HashSet<Map<String, Value>> = new.items().map(|t| timeless(t.value())).collect();
    if !old.items().all(|t| kept.contains(&timeless(t.value()))) {
        errors.forbidden(new, "existing toleration can not be modified except its tolerationSeconds");
        return;
    }
    for toleration in new.items() {
        placement::toleration(&toleration, errors);
    }
}

/// Scheduling gates go away, and do not come.
fn gates(new: &Node, old: &Node, errors: &mut Errors) {
    let before: HashSet<&Value> = old.items().map(|gate| gate.value()).collect();
    for gate in new.items() {
        if !before.contains(gate.value()) {
            let why = "only deletion is allowed, but found new scheduling gate";
            errors.forbidden(&gate, &format!("{why} '{}'", gate.at("name").text()));
        }
    }
}

fn put_back(spec: &mut Value, old: &Value) {
    for list in ["containers", "initContainers"] {
        let olds = old[list].as_array().into_iter().flatten();
        for (container, old) in spec[list].as_array_mut().into_iter().flatten().zip(olds) {
            container["image"] = old["image"].clone();
            for amounts in ["requests", "limits"] {
                if let Some(new) = container.get_mut("resources").and_then(|all| all.get_mut(amounts)) {
                    resources::written_alike(new, &old["resources"][amounts]);
                }
            }
        }
    }
    if let Some(overhead) = spec.get_mut("overhead") {
        resources::written_alike(overhead, &old["overhead"]);
    }
    let shrunk = old["terminationGracePeriodSeconds"].as_i64().is_some_and(|n| n < 0)
        && spec["terminationGracePeriodSeconds"] == 1;
    let mut fields = vec!["activeDeadlineSeconds", "tolerations", "schedulingGates"];
    if shrunk {
        fields.push("terminationGracePeriodSeconds");
    }
    let Some(map) = spec.as_object_mut() else { return };
    for field in fields {
        match old.get(field) {
            Some(value) => map.insert(field.to_owned(), value.clone()),
            None => map.remove(field),
        };
    }
    for list in ["containers", "initContainers"] {
        if map.get(list).is_some_and(Value::is_null) {
            map.remove(list);
        }
    }
}

/// The fields that differ: what would be with `+`, what is with `-`.
fn difference(new: &Value, old: &Value) -> String {
    let mut lines = Vec::new();
    differ("", new, old, &mut lines);
    lines.join("\n")
}

fn differ(path: &str, new: &Value, old: &Value, lines: &mut Vec<String>) {
    let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (new, old) {
        (a, b) if a == b => {}
        (Value::Object(new), Value::Object(old)) => {
            let mut keys: Vec<&String> = new.keys().chain(old.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let get = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or(Value::Null);
            for key in keys {
                differ(&at(key), &get(new, key), &get(old, key), lines);
            }
        }
        (Value::Array(new), Value::Array(old)) if new.len() == old.len() => {
            for (index, (new, old)) in new.iter().zip(old).enumerate() {
                differ(&format!("{path}[{index}]"), new, old, lines);
            }
        }
        (new, old) => {
            lines.push(format!("- {path}: {old}"));
            lines.push(format!("+ {path}: {new}"));
        }
    }
}

/// What a write to `/ephemeralcontainers` breaks: containers may be added, and nothing else changes.
#[must_use]
pub fn ephemeral_containers(new: &Value, old: &Value) -> Vec<FieldError> {
    let (root, old, mut errors) = (Node::root(new), Node::root(old), Errors::default());
    let (spec, before) = (root.at("spec"), old.at("spec"));
    if spec.value() == before.value() {
        return Vec::new();
    }
    pod::pod(&root, &mut errors);
    let (list, olds) = (spec.at("ephemeralContainers"), before.at("ephemeralContainers"));
    let named: HashMap<&str, &Value> = list.items().map(|c| (c.at("name").text(), c.value())).collect();
    for was in olds.items() {
        let name = was.at("name").text();
        let what = match named.get(name) {
            None => "removed\n".to_owned(),
            Some(now) if *now != was.value() => format!("changed\n{}", difference(now, was.value())),
            Some(_) => continue,
        };
        errors.forbidden(&list, &format!("existing ephemeral containers {} may not be {what}", quote(name)));
    }
    errors.into_vec()
}

#[cfg(test)]
mod tests {
    use super::super::update;
    use crate::{defaults, kinds};
    use serde_json::{Value, json};

    /// A pod of that spec, with its defaults.
    fn pod(spec: Value) -> Value {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": spec});
        defaults::apply(kinds::find("", "v1", "pods").expect("served"), &mut pod);
        pod
    }

    #[test]
    fn images_deadlines_and_more_tolerations_are_all_that_changes() {
        let pods = kinds::find("", "v1", "pods").expect("served");
        let pod = |image: &str, command: &str, tolerations: Value| {
            let container = json!({"name": "c", "image": image, "command": [command]});
            pod(json!({"containers": [container], "tolerations": tolerations}))
        };
        let one = json!([{"key": "a", "operator": "Exists"}]);
        let old = pod("x", "run", one.clone());
        assert_eq!(update(pods, &pod("y", "run", one.clone()), &old), []);
        let more = json!([{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]);
        assert_eq!(update(pods, &pod("x", "run", more), &old), []);
        let fewer = update(pods, &pod("x", "run", json!([])), &old);
        assert_eq!(fewer[0].field, "spec.tolerations");
        let changed = update(pods, &pod("x", "other", one), &old);
        assert_eq!((changed[0].reason, changed[0].field.as_str()), ("FieldValueForbidden", "spec"));
        assert!(
            changed[0].message.ends_with("- containers[0].command[0]: \"run\"\n+ containers[0].command[0]: \"other\"")
        );
    }

    #[test]
    fn an_amount_written_otherwise_is_no_change() {
        let pods = kinds::find("", "v1", "pods").expect("served");
        let pod = |memory: &str| {
            let resources = json!({"limits": {"memory": memory}, "requests": {"memory": memory}});
            pod(json!({"containers": [{"name": "c", "image": "i", "resources": resources}]}))
        };
        assert_eq!(update(pods, &pod("1073741824"), &pod("1Gi")), []);
        assert_eq!(update(pods, &pod("1G"), &pod("1Gi")).len(), 1);
    }

    #[test]
    fn ephemeral_containers_are_added_and_stay() {
        let pod = |names: &[&str], image: &str| {
            let guests: Vec<Value> = names.iter().map(|name| json!({"name": name, "image": image})).collect();
            pod(json!({"containers": [{"name": "c", "image": "i"}], "ephemeralContainers": guests}))
        };
        let found = |new: &Value, old: &Value| {
            super::ephemeral_containers(new, old).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(found(&pod(&["b", "a"], "i"), &pod(&["a"], "i")), "");
        let removed = "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"a\" may not be removed\n";
        assert_eq!(found(&pod(&[], "i"), &pod(&["a"], "i")), removed);
        let changed = found(&pod(&["a"], "j"), &pod(&["a"], "i"));
        assert!(changed.ends_with("may not be changed\n- image: \"i\"\n+ image: \"j\""), "{changed}");
        let twice = found(&pod(&["c"], "i"), &pod(&[], "i"));
        assert_eq!(twice, "spec.ephemeralContainers[0].name: Duplicate value: \"c\"");
    }
}
