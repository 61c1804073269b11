//! Rules for what may change.

use kube_api::validate;
use serde_json::{Value, json};

use crate::{good, kind, ready, with};

#[test]
fn what_must_stay_stays() {
    let cases: Vec<(&str, &str, Value, &str)> = vec![
        ("pods", "/metadata/name", json!("other"), "metadata.name: Invalid value: \"other\": field is immutable"),
        (
            "services",
            "/spec/clusterIP",
            json!("10.10.10.6"),
            "spec.clusterIPs[0]: Invalid value: []string{\"10.10.10.6\"}: may not change once set",
        ),
        (
            "services",
            "/spec",
            json!({"type": "ExternalName", "externalName": "a.b", "loadBalancerClass": "a/b"}),
            "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        ("secrets", "/type", json!("x/y"), "type: Invalid value: \"x/y\": field is immutable"),
        (
            "persistentvolumes",
            "/spec/hostPath/path",
            json!("/y"),
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
        ),
        (
            "persistentvolumeclaims",
            "/spec/accessModes",
            json!(["ReadOnlyMany"]),
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ),
        ("persistentvolumeclaims", "/spec/resources/requests/storage", json!("2Gi"), ""),
        (
            "persistentvolumeclaims",
            "/spec/resources/requests/storage",
            json!("1Mi"),
            "spec.resources.requests[storage]: Forbidden: field can not be less than status.capacity",
        ),
        ("discovery.k8s.io/endpointslices", "/addressType", json!("FQDN"), "…"),
        ("node.k8s.io/runtimeclasses", "/handler", json!("other"), "…"),
        ("scheduling.k8s.io/priorityclasses", "/value", json!(6), "value: Forbidden: may not be changed in an update."),
        ("rbac.authorization.k8s.io/rolebindings", "/roleRef/name", json!("z"), "…"),
        ("configmaps", "/data", json!({"c": "d"}), ""),
        ("replicationcontrollers", "/spec/replicas", json!(7), ""),
        (
            "replicationcontrollers",
            "/spec/selector",
            json!({"z": "z"}),
            "spec.template.metadata.labels: Invalid value: map[string]string{\"a\":\"b\"}: `selector` does not match template `labels`",
        ),
    ];
    for (name, pointer, value, expected) in cases {
        let kind = kind(name);
        let old = ready(kind, good(name));
        let new = ready(kind, with(good(name), pointer, value));
        let errors: Vec<String> = validate::update(kind, &new, &old).iter().map(ToString::to_string).collect();
        match expected {
            "…" => assert!(!errors.is_empty(), "{name} {pointer}"),
            _ => assert_eq!(errors.join("; "), expected, "{name} {pointer}"),
        }
    }
}

#[test]
fn the_health_port_of_a_balancer_stays() {
    let services = kind("services");
    let with_port = |port: Value| {
        let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}],
            "clusterIP": "10.10.10.5", "healthCheckNodePort": port});
        ready(services, with(good("services"), "/spec", spec))
    };
    let errors = validate::update(services, &with_port(json!(30001)), &with_port(json!(30000)));
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["spec.healthCheckNodePort: Forbidden: field is immutable"]);
    assert_eq!(validate::update(services, &with_port(json!(30001)), &with_port(Value::Null)), []);
}

#[test]
fn an_object_that_is_going_gets_no_new_finalizers() {
    let kind = kind("configmaps");
    let old = with(good("configmaps"), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let new = with(old.clone(), "/metadata/finalizers", json!(["a/b"]));
    let errors = validate::update(kind, &ready(kind, new), &ready(kind, old));
    assert_eq!(errors[0].reason, "FieldValueForbidden");
    assert!(errors[0].message.ends_with("found new finalizers []string{\"a/b\"}"));
}

#[test]
fn a_status_says_nothing_impossible() {
    let rc = kind("replicationcontrollers");
    let old = ready(rc, good("replicationcontrollers"));
    let new = with(old.clone(), "/status", json!({"replicas": 1, "readyReplicas": 2}));
    let errors = validate::update_status(rc, &new, &old);
    assert_eq!(errors[0].to_string(), "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas");
    let pods = kind("pods");
    let old = with(ready(pods, good("pods")), "/spec/restartPolicy", json!("Never"));
    let ended = with(
        old.clone(),
        "/status",
        json!({"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 1}}}]}),
    );
    let running = with(old, "/status", json!({"containerStatuses": [{"name": "c", "state": {"running": {}}}]}));
    assert_eq!(validate::update_status(pods, &running, &ended)[0].reason, "FieldValueForbidden");
    assert_eq!(validate::update_status(pods, &ended, &running), []);
}
