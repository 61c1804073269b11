//! The values that Kubernetes 1.33 fills in where an object is silent.
//!
//! Nothing here depends on what is stored: addresses, priorities and the like are the API server's to give.

mod container;
mod pod;
mod service;
mod volume;

use serde_json::{Map, Value};

use crate::kinds::Kind;

/// Fills in the defaults of the object's kind; doing it twice changes nothing.
pub fn apply(kind: &Kind, object: &mut Value) {
    let Some(object) = object.as_object_mut() else { return };
    match (kind.group, kind.kind) {
        ("", "Pod") => pod::pod(object),
        ("", "PodTemplate") => pod::template(map(object, "template")),
        ("", "ReplicationController") => replication_controller(object),
        ("", "Service") => service::service(object),
        ("", "Endpoints") => endpoints(object),
        ("", "Event") => event(object),
        ("", "Namespace") => namespace(object),
        ("", "Node") => node(object),
        ("", "Secret") => secret(object),
        ("", "LimitRange") => each_in(object, &["spec", "limits"], limit_range_item),
        ("", "PersistentVolume") => persistent_volume(object),
        ("", "PersistentVolumeClaim") => {
            fill(map(object, "spec"), "volumeMode", "Filesystem");
            fill(map(object, "status"), "phase", "Pending");
        }
        ("discovery.k8s.io", "EndpointSlice") => each_in(object, &["ports"], |port| {
            fill(port, "name", "");
            fill(port, "protocol", "TCP");
        }),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding" | "RoleBinding") => role_binding(object),
        ("rbac.authorization.k8s.io", "ClusterRole" | "Role") => {
            object.entry("rules").or_insert(Value::Null);
        }
        ("scheduling.k8s.io", "PriorityClass") => fill(object, "preemptionPolicy", "PreemptLowerPriority"),
        _ => {}
    }
}

/// Fills in what Kubernetes fills in only when it stores an object: the families of a service's addresses.
pub fn stored(kind: &Kind, object: &mut Value) {
    if let (Some(object), "", "Service") = (object.as_object_mut(), kind.group, kind.kind) {
        service::addresses(object);
    }
}

/// Fills in the defaults of a `TokenRequest`, which is no resource of its own.
pub fn token_request(object: &mut Value) {
    if let Some(object) = object.as_object_mut() {
        fill(map(object, "spec"), "expirationSeconds", 3600);
    }
}

type Object = Map<String, Value>;

/// Sets a field that is absent, null, or an empty string.
fn fill(object: &mut Object, key: &str, value: impl Into<Value>) {
    let silent = match object.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    if silent {
        object.insert(key.to_owned(), value.into());
    }
}

/// The object at the key, made if there is none.
fn map<'a>(object: &'a mut Object, key: &str) -> &'a mut Object {
    let value = object.entry(key).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made an object")
}

/// The object at the key, if there is one.
fn have<'a>(object: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    object.get_mut(key)?.as_object_mut()
}

/// Does something to each object of the list at the key.
fn each(object: &mut Object, key: &str, f: impl FnMut(&mut Object)) {
    let list = object.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut).for_each(f);
}

/// The same for a list further in; what is not there is not made.
fn each_in(object: &mut Object, path: &[&str], f: impl FnMut(&mut Object)) {
    match path {
        [] => {}
        [key] => each(object, key, f),
        [key, rest @ ..] => {
            if let Some(inner) = have(object, key) {
                each_in(inner, rest, f);
            }
        }
    }
}

fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn replication_controller(object: &mut Object) {
    let spec = map(object, "spec");
    fill(spec, "replicas", 1);
    let Some(template) = have(spec, "template") else { return };
    pod::template(template);
    let labels = template.get("metadata").map(|m| m["labels"].clone());
    let Some(labels @ Value::Object(_)) = labels else { return };
    let is_empty = |v: Option<&Value>| v.and_then(Value::as_object).is_none_or(Map::is_empty);
    if is_empty(spec.get("selector")) {
        spec.insert("selector".to_owned(), labels.clone());
    }
    let metadata = map(object, "metadata");
    if is_empty(metadata.get("labels")) {
        metadata.insert("labels".to_owned(), labels);
    }
}

fn endpoints(object: &mut Object) {
    each(object, "subsets", |subset| each(subset, "ports", |port| fill(port, "protocol", "TCP")));
}

/// Events print some fields even where they are empty.
fn event(object: &mut Object) {
    map(object, "source");
    for key in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        object.entry(key).or_insert(Value::Null);
    }
    for key in ["reportingComponent", "reportingInstance"] {
        fill(object, key, "");
    }
}

fn namespace(object: &mut Object) {
    map(object, "spec");
    let metadata = map(object, "metadata");
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        fill(map(metadata, "labels"), "kubernetes.io/metadata.name", name);
    }
    fill(map(object, "status"), "phase", "Active");
}

fn node(object: &mut Object) {
    map(object, "spec");
    let Some(status) = have(object, "status") else { return };
    if let Some(capacity @ Value::Object(_)) = status.get("capacity").cloned() {
        fill(status, "allocatable", capacity);
    }
}

/// `stringData` is a way in only: it ends up in `data`.
fn secret(object: &mut Object) {
    use base64::Engine;
    if let Some(Value::Object(plain)) = object.remove("stringData") {
        let data = map(object, "data");
        for (key, value) in plain {
            let encoded = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or_default());
            data.insert(key, encoded.into());
        }
    }
    fill(object, "type", "Opaque");
}

/// A container without limits gets the maximum, one without requests its limits, or else the minimum.
fn limit_range_item(item: &mut Object) {
    if text(item, "type") != "Container" {
        return;
    }
    for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        let Some(Value::Object(values)) = item.get(from).cloned() else { continue };
        let target = map(item, to);
        for (key, value) in values {
            target.entry(key).or_insert(value);
        }
    }
}

fn persistent_volume(object: &mut Object) {
    let spec = map(object, "spec");
    fill(spec, "persistentVolumeReclaimPolicy", "Retain");
    fill(spec, "volumeMode", "Filesystem");
    volume::source(spec);
    fill(map(object, "status"), "phase", "Pending");
}

fn role_binding(object: &mut Object) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    fill(map(object, "roleRef"), "apiGroup", GROUP);
    each(object, "subjects", |subject| match text(subject, "kind") {
        "User" | "Group" => fill(subject, "apiGroup", GROUP),
        _ => {}
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use serde_json::json;

    fn defaulted(kind: &str, mut object: Value) -> Value {
        let kind = kinds::all().iter().find(|k| k.kind == kind).expect("served");
        apply(kind, &mut object);
        let once = object.clone();
        apply(kind, &mut object);
        assert_eq!(object, once, "defaults are applied once");
        object
    }

    #[test]
    fn a_controller_takes_its_labels_from_its_template() {
        let rc = defaulted(
            "ReplicationController",
            json!({"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"x": "y"}}, "spec": {}}}}),
        );
        assert_eq!(rc["spec"]["selector"], json!({"x": "y"}));
        assert_eq!(rc["metadata"]["labels"], json!({"x": "y"}));
        assert_eq!(rc["spec"]["replicas"], 1);
    }

    #[test]
    fn a_pod_that_is_given_less_than_no_time_to_end_gets_a_second() {
        let pod = defaulted("Pod", json!({"spec": {"terminationGracePeriodSeconds": -1}}));
        assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 1);
        let pod = defaulted("Pod", json!({"spec": {"terminationGracePeriodSeconds": 0}}));
        assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 0);
    }

    #[test]
    fn string_data_becomes_data() {
        let secret = defaulted("Secret", json!({"stringData": {"a": "b"}, "data": {"a": "eg==", "c": "eg=="}}));
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "Yg==", "c": "eg=="}}));
    }

    #[test]
    fn limits_of_a_range_follow_from_each_other() {
        let item = json!({"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1", "memory": "1Mi"}});
        let range = defaulted("LimitRange", json!({"spec": {"limits": [item]}}));
        assert_eq!(range["spec"]["limits"][0]["default"], json!({"cpu": "2"}));
        assert_eq!(range["spec"]["limits"][0]["defaultRequest"], json!({"cpu": "2", "memory": "1Mi"}));
    }
}
