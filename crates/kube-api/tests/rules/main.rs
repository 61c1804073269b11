//! The rules of each kind, one by one: a good object, what is changed in it, and the error that this must give.

mod immutable;
mod new;

use kube_api::decode::{self, FieldValidation};
use kube_api::{Kind, defaults, kinds};
use serde_json::{Value, json};

/// The kind of that name: `group/plural`, or `plural` for core.
fn kind(name: &str) -> &'static Kind {
    let (group, plural) = name.split_once('/').unwrap_or(("", name));
    kinds::find(group, "v1", plural).unwrap_or_else(|| panic!("{name} is not served"))
}

/// An object of the kind that breaks nothing.
fn good(name: &str) -> Value {
    let container = json!({"name": "c", "image": "i"});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}});
    let rest = match name {
        "pods" => json!({"spec": {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}]}}),
        "replicationcontrollers" => json!({"spec": {"selector": {"a": "b"}, "template": template}}),
        "podtemplates" => json!({"template": template}),
        "services" => json!({"spec": {"ports": [{"port": 80}], "clusterIP": "10.10.10.5"}}),
        "endpoints" => json!({"subsets": [{"addresses": [{"ip": "10.1.1.1"}], "ports": [{"port": 80}]}]}),
        "persistentvolumes" => {
            json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}})
        }
        "persistentvolumeclaims" => {
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
        }
        "limitranges" => json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}}),
        "resourcequotas" => json!({"spec": {"hard": {"pods": "3"}}}),
        "configmaps" => json!({"data": {"a": "b"}}),
        "secrets" => json!({"data": {"a": "Yg=="}}),
        "discovery.k8s.io/endpointslices" => {
            json!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.1.1"]}], "ports": [{"port": 80}]})
        }
        "coordination.k8s.io/leases" => json!({"spec": {"holderIdentity": "me", "leaseDurationSeconds": 40}}),
        "node.k8s.io/runtimeclasses" => json!({"handler": "runc"}),
        "scheduling.k8s.io/priorityclasses" => json!({"value": 5}),
        "rbac.authorization.k8s.io/roles" | "rbac.authorization.k8s.io/clusterroles" => {
            json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]})
        }
        "rbac.authorization.k8s.io/rolebindings" => {
            json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}]})
        }
        "rbac.authorization.k8s.io/clusterrolebindings" => {
            json!({"roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "n"}]})
        }
        "authorization.k8s.io/subjectaccessreviews" => {
            json!({"spec": {"user": "u", "resourceAttributes": {"verb": "get"}}})
        }
        _ => json!({}),
    };
    let mut object = rest;
    // a review is asked, and has no name
    if !name.starts_with("authorization.k8s.io/") {
        object["metadata"]["name"] = "good".into();
    }
    if kind(name).namespaced {
        object["metadata"]["namespace"] = "demo".into();
    }
    object
}

/// The object with a JSON pointer set to a value; null removes.
fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let mut target = &mut object;
    for part in pointer.trim_start_matches('/').split('/') {
        let part = part.replace("~1", "/");
        target = match target {
            Value::Array(list) => {
                let index: usize = part.parse().expect("an index");
                if index == list.len() {
                    list.push(Value::Null);
                }
                &mut list[index]
            }
            other => &mut other[&part],
        };
    }
    *target = value;
    object
}

/// The object as the API server would have it before validation.
fn ready(kind: &Kind, object: Value) -> Value {
    let decoded = decode::value_of(kind, object, FieldValidation::Strict).expect("fits the schema");
    let mut object = decoded.object;
    defaults::apply(kind, &mut object);
    defaults::stored(kind, &mut object);
    object
}
