//! Minimal objects of most kinds, and what came back.

use kube_api::decode::{self, FieldValidation, Format};
use kube_api::defaults;
use serde_json::{Value, json};

use crate::record;

/// Fields that the server gave (addresses, times, a first status, admission), not this room.
const GIVEN: &[&str] = &[
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/managedFields",
    "/metadata/namespace",
    "/metadata/finalizers",
    "/spec/tolerations",
    "/spec/priority",
    "/spec/preemptionPolicy",
    "/spec/taints",
    "/spec/clusterIP",
    "/spec/clusterIPs",
    "/spec/finalizers",
    "/status",
];

/// What Kubernetes 1.33 says and 1.20 did not.
const NEWER: &[&str] = &[
    "/metadata/generation",
    "/metadata/labels/kubernetes.io~1metadata.name",
    "/spec/internalTrafficPolicy",
    "/spec/ipFamilies",
    "/spec/ipFamilyPolicy",
    "/spec/allocateLoadBalancerNodePorts",
];

#[test]
fn objects_get_the_defaults_of_kubernetes() {
    let mut checked = 0;
    for exchange in record::read("1-defaults.jsonl") {
        let case = exchange["case"].as_str().expect("text");
        let Some((kind, rest)) = record::kind_at(exchange["request"]["path"].as_str().expect("text")) else { continue };
        if !rest.is_empty() || kind.verbs == ["create"] {
            continue;
        }
        let body = serde_json::to_vec(&exchange["request"]["body"]).expect("JSON");
        let mut ours = decode::object(kind, Format::Json, &body, FieldValidation::Strict).expect(case).object;
        defaults::apply(kind, &mut ours);
        let mut theirs = exchange["response"]["body"].clone();
        for object in [&mut ours, &mut theirs] {
            normalise(object);
        }
        if ours["metadata"]["labels"] == json!({}) {
            ours["metadata"].as_object_mut().expect("map").remove("labels");
        }
        assert_eq!(ours, theirs, "{case}");
        checked += 1;
    }
    assert!(checked > 25, "{checked} cases");
}

fn normalise(object: &mut Value) {
    for pointer in GIVEN.iter().chain(NEWER) {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(&key.replace("~1", "/"));
        }
    }
    for ports in [object.pointer_mut("/spec/ports")].into_iter().flatten() {
        for port in ports.as_array_mut().into_iter().flatten() {
            port.as_object_mut().expect("map").remove("nodePort");
        }
    }
    if object["metadata"]["generateName"].is_string() {
        object["metadata"].as_object_mut().expect("map").remove("name");
    }
    // 1.20 printed an empty creationTimestamp in templates.
    for pointer in ["/spec/template/metadata", "/template/metadata"] {
        if let Some(metadata) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            metadata.retain(|_, v| !v.is_null());
        }
    }
}
