//! What an object must look like before it is stored, whatever its author wrote: a new one starts with a fresh status,
//! an update cannot touch what is not its to write, and `generation` counts the changes of a spec.
//!
//! Names, UIDs, times and resource versions are the API server's to give.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::meta;
use crate::qos;

/// Prepares a new, defaulted object.
pub fn create(kind: &Kind, object: &mut Value) {
    if !object.is_object() {
        return;
    }
    match (kind.group, kind.kind) {
        ("", "Pod") => {
            object["status"] = json!({"phase": "Pending", "qosClass": qos::class(object)});
        }
        ("", "ReplicationController") => object["status"] = json!({"replicas": 0}),
        ("", "Service") => object["status"] = json!({"loadBalancer": {}}),
        ("", "Namespace") => {
            object["status"] = json!({"phase": "Active"});
            if !meta::strings(object, &["spec", "finalizers"]).any(|f| f == "kubernetes") {
                push(&mut object["spec"]["finalizers"], "kubernetes");
            }
        }
        ("", "PersistentVolume" | "PersistentVolumeClaim") => object["status"] = json!({"phase": "Pending"}),
        ("", "ResourceQuota") => object["status"] = json!({}),
        ("", "Node") => {
            object["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
                .as_i64()
                .is_none()
                .then(|| object["status"]["daemonEndpoints"] = json!({"kubeletEndpoint": {"Port": 0}}));
            node_info(object);
        }
        _ => {}
    }
    if counts_generations(kind) {
        object["metadata"]["generation"] = 1.into();
    } else if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("generation");
    }
}

/// Prepares a defaulted object that takes the place of `old`: the status stays, and so does what identifies it.
pub fn update(kind: &Kind, object: &mut Value, old: &Value) {
    if !object.is_object() {
        return;
    }
    keep_identity(object, old);
    if kind.subresource("status").is_some() {
        copy(object, old, "status");
    }
    if (kind.group, kind.kind) == ("", "Namespace") {
        copy(object, old, "spec");
    }
    if (kind.group, kind.kind) == ("", "Service") {
        keep_addresses(object, old);
    }
    let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
    if counts_generations(kind) {
        let changed = spec_of(object) != spec_of(old);
        object["metadata"]["generation"] = (generation.max(1) + i64::from(changed)).into();
    } else {
        copy_metadata(object, old, "generation");
    }
}

/// Prepares an object written to `/status`: nothing but the status and some metadata comes from it.
pub fn update_status(kind: &Kind, object: &mut Value, old: &Value) {
    if !object.is_object() {
        return;
    }
    keep_identity(object, old);
    for key in ["spec", "data", "template"] {
        copy(object, old, key);
    }
    if (kind.group, kind.kind) == ("", "Pod") {
        object["status"]["qosClass"] = qos::class(object).into();
        copy_metadata(object, old, "deletionTimestamp");
        copy_metadata(object, old, "ownerReferences");
    }
    copy_metadata(object, old, "generation");
}

/// What no update changes, and clients may leave out.
fn keep_identity(object: &mut Value, old: &Value) {
    for key in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        copy_metadata(object, old, key);
    }
    for key in ["uid", "generateName"] {
        if meta::text(object, &["metadata", key]).is_none_or(str::is_empty) {
            copy_metadata(object, old, key);
        }
    }
}

fn counts_generations(kind: &Kind) -> bool {
    matches!(
        (kind.group, kind.kind),
        ("", "Pod" | "ReplicationController")
            | ("scheduling.k8s.io", "PriorityClass")
            | ("discovery.k8s.io", "EndpointSlice")
    )
}

/// What a generation counts the changes of: all but metadata and status.
fn spec_of(object: &Value) -> Map<String, Value> {
    let mut spec = object.as_object().cloned().unwrap_or_default();
    spec.retain(|key, _| !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind"));
    spec
}

/// A service that is written back without its addresses and node ports keeps them, as long as its type needs them.
fn keep_addresses(object: &mut Value, old: &Value) {
    let external = |o: &Value| o["spec"]["type"] == "ExternalName";
    if external(object) || external(old) {
        return;
    }
    let silent = |v: &Value| v.is_null() || v == "" || v.as_array().is_some_and(Vec::is_empty);
    if silent(&object["spec"]["clusterIP"]) && silent(&object["spec"]["clusterIPs"]) {
        for key in ["clusterIP", "clusterIPs"] {
            if !silent(&old["spec"][key]) {
                object["spec"][key] = old["spec"][key].clone();
            }
        }
    }
    if !matches!(object["spec"]["type"].as_str(), Some("NodePort" | "LoadBalancer")) {
        return;
    }
    let olds = old["spec"]["ports"].as_array().cloned().unwrap_or_default();
    let same = |a: &Value, b: &Value| a["port"] == b["port"] && a["protocol"] == b["protocol"];
    let taken: Vec<Value> = list(&object["spec"]["ports"]).map(|p| p["nodePort"].clone()).collect();
    for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
        let before = olds.iter().find(|o| same(o, port)).map(|o| &o["nodePort"]);
        if port["nodePort"].as_i64().unwrap_or(0) == 0
            && let Some(before) = before.filter(|b| b.is_i64() && !taken.contains(b))
        {
            port["nodePort"] = before.clone();
        }
        if let Some(port) = port.as_object_mut() {
            port.retain(|_, v| !v.is_null());
        }
    }
}

/// Nodes print all fields of `nodeInfo`, known or not.
fn node_info(object: &mut Value) {
    for key in [
        "machineID",
        "systemUUID",
        "bootID",
        "kernelVersion",
        "osImage",
        "containerRuntimeVersion",
        "kubeletVersion",
        "kubeProxyVersion",
        "operatingSystem",
        "architecture",
    ] {
        let field = &mut object["status"]["nodeInfo"][key];
        if field.is_null() {
            *field = "".into();
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn push(list: &mut Value, item: &str) {
    match list {
        Value::Array(items) => items.push(item.into()),
        other => *other = json!([item]),
    }
}

fn copy(object: &mut Value, old: &Value, key: &str) {
    let Some(map) = object.as_object_mut() else { return };
    match old.get(key) {
        Some(value) => map.insert(key.to_owned(), value.clone()),
        None => map.remove(key),
    };
}

fn copy_metadata(object: &mut Value, old: &Value, key: &str) {
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    match old["metadata"].get(key) {
        Some(value) => metadata.insert(key.to_owned(), value.clone()),
        None => metadata.remove(key),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn kind(plural: &str) -> &'static Kind {
        kinds::find("", "v1", plural).expect("served")
    }

    #[test]
    fn a_new_pod_is_pending_whatever_it_says() {
        let mut pod =
            json!({"metadata": {"generation": 7}, "spec": {"containers": []}, "status": {"phase": "Running"}});
        create(kind("pods"), &mut pod);
        assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
        assert_eq!(pod["metadata"]["generation"], 1);
    }

    #[test]
    fn a_namespace_has_its_finalizer_once() {
        let mut namespace = json!({"metadata": {"name": "a"}});
        create(kind("namespaces"), &mut namespace);
        create(kind("namespaces"), &mut namespace);
        assert_eq!(namespace["spec"]["finalizers"], json!(["kubernetes"]));
    }

    #[test]
    fn updates_leave_the_status_and_count_generations() {
        let old = json!({"metadata": {"uid": "u", "generation": 1, "creationTimestamp": "t"}, "spec": {"replicas": 1}, "status": {"replicas": 1}});
        let mut new = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 2}, "status": {"replicas": 9}});
        update(kind("replicationcontrollers"), &mut new, &old);
        assert_eq!(new["status"], old["status"]);
        assert_eq!((&new["metadata"]["generation"], &new["metadata"]["uid"]), (&json!(2), &json!("u")));
        let mut status = json!({"metadata": {}, "spec": {"replicas": 5}, "status": {"replicas": 3}});
        update_status(kind("replicationcontrollers"), &mut status, &old);
        assert_eq!((&status["spec"], &status["status"]), (&old["spec"], &json!({"replicas": 3})));
    }

    #[test]
    fn a_service_keeps_its_addresses() {
        let old = json!({"metadata": {}, "spec": {"type": "NodePort", "clusterIP": "10.10.10.7", "clusterIPs": ["10.10.10.7"],
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30001}]}});
        let mut new = json!({"metadata": {}, "spec": {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]}});
        update(kind("services"), &mut new, &old);
        assert_eq!(new["spec"]["clusterIP"], "10.10.10.7");
        assert_eq!(
            new["spec"]["ports"],
            json!([{"port": 80, "protocol": "TCP", "nodePort": 30001}, {"port": 81, "protocol": "TCP"}])
        );
    }
}
