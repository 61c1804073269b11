//! What the server sets in objects of each kind, whatever the client says: Kubernetes' strategies.

pub(crate) mod namespaces;
mod nodes;
pub(crate) mod off;
mod qos;
pub(crate) mod volumes;

use kube_api::Kind;
use serde_json::{Value, json};

/// Kinds that count changes in `metadata.generation`.
const GENERATIONS: &[&str] = &["EndpointSlice", "Pod", "PodTemplate", "PriorityClass", "ReplicationController"];
/// Kinds whose status only `/status` writes.
const OWN_STATUS: &[&str] = &[
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicationController",
    "ResourceQuota",
    "Service",
];
/// Kinds that a PUT creates where they are missing.
const CREATED_ON_UPDATE: &[&str] = &[
    "Endpoints",
    "Event",
    "LimitRange",
    "Lease",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "Service",
];
/// Kinds that are replaced by those alone who say which version they replace.
const VERSION_NEEDED: &[&str] = &["Lease", "RuntimeClass"];
/// Kinds whose dependents stay where a deletion does not say what becomes of them.
const ORPHANED: &[&str] = &["ReplicationController"];
/// Kinds of which a deletion answers with the object itself.
const DELETED_SHOWN: &[&str] =
    &["PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate", "ResourceQuota", "Service", "ServiceAccount"];

/// Whether the status of the kind's objects is written by `/status` alone.
pub(crate) fn owns_status(kind: &Kind) -> bool {
    OWN_STATUS.contains(&kind.kind)
}

/// Whether a PUT creates objects of the kind.
pub(crate) fn created_on_update(kind: &Kind) -> bool {
    CREATED_ON_UPDATE.contains(&kind.kind)
}

/// Whether an update of the kind's objects must name the version that it was made from.
pub(crate) fn version_needed(kind: &Kind) -> bool {
    VERSION_NEEDED.contains(&kind.kind)
}

/// Whether dependents of the kind's objects stay when nobody says otherwise.
pub(crate) fn orphaned(kind: &Kind) -> bool {
    ORPHANED.contains(&kind.kind)
}

/// Whether a deletion answers with the object.
pub(crate) fn deleted_shown(kind: &Kind) -> bool {
    DELETED_SHOWN.contains(&kind.kind)
}

/// Sets the status of a new object, after its defaults.
pub(crate) fn before_create(kind: &Kind, object: &mut Value) {
    off::leave_out(kind, object, None);
    if GENERATIONS.contains(&kind.kind) {
        object["metadata"]["generation"] = 1.into();
    }
    match kind.kind {
        "Pod" => {
            object["status"] = json!({"phase": "Pending"});
            if object["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
                object["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False",
                    "lastProbeTime": null, "lastTransitionTime": null, "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates"}]);
            }
        }
        "ReplicationController" => object["status"] = json!({"replicas": 0}),
        "Service" => object["status"] = json!({"loadBalancer": {}}),
        "ResourceQuota" => object["status"] = json!({}),
        "Node" => {
            nodes::complete_status(&mut object["status"]);
            nodes::complete_ranges(&mut object["spec"]);
        }
        "PersistentVolume" => {
            object["status"] = json!({"phase": "Pending",
                "lastPhaseTransitionTime": object["metadata"]["creationTimestamp"]});
        }
        "PersistentVolumeClaim" => {
            object["status"] = json!({"phase": "Pending"});
            volumes::mirror_data_source(&mut object["spec"], false);
        }
        "EndpointSlice" => drop_topology(object),
        "Namespace" => namespaces::complete(object),
        _ => {}
    }
}

/// Sets what follows from a name that the server made.
pub(crate) fn after_naming(kind: &Kind, object: &mut Value) {
    if kind.kind == "Namespace" {
        let name = object["metadata"]["name"].clone();
        namespaces::label(object, &name);
    }
}

/// Sets what follows from the defaults.
pub(crate) fn after_defaults(kind: &Kind, object: &mut Value) {
    if kind.kind == "Pod" {
        object["status"]["qosClass"] = qos::of(object).into();
    }
}

/// What a new state keeps of the one before: identity, deletion, and a status that is not written here.
pub(crate) fn before_update(kind: &Kind, new: &mut Value, old: &Value) {
    keep_identity(new, old);
    if OWN_STATUS.contains(&kind.kind) {
        set_or_remove(new, "status", old.get("status"));
    }
    off::leave_out(kind, new, Some(old));
    match kind.kind {
        "Namespace" => {
            // finalizers of a namespace go by /finalize alone
            set_or_remove(new, "spec", old.get("spec"));
            namespaces::label(new, &old["metadata"]["name"]);
        }
        "Node" => nodes::complete_ranges(&mut new["spec"]),
        "PersistentVolumeClaim" => {
            let in_use = ["dataSource", "dataSourceRef"].iter().any(|field| old["spec"][*field].is_object());
            volumes::mirror_data_source(&mut new["spec"], in_use);
        }
        "EndpointSlice" => drop_topology(new),
        "Pod" if new["status"].is_object() => new["status"]["qosClass"] = old["status"]["qosClass"].clone(),
        _ => {}
    }
}

/// Counts a change, once its defaults are in it: of the spec, or of what the kind has in its place.
pub(crate) fn count_change(kind: &Kind, new: &mut Value, old: &Value) {
    if GENERATIONS.contains(&kind.kind) {
        let generation = old["metadata"]["generation"].as_u64().unwrap_or(1);
        let differs = |fields: &[&str]| fields.iter().any(|field| new.get(field) != old.get(field));
        let changed = match kind.kind {
            "EndpointSlice" => {
                let labels = |slice: &Value| slice["metadata"].get("labels").cloned();
                differs(&["addressType", "endpoints", "ports"]) || labels(new) != labels(old)
            }
            "PodTemplate" => differs(&["template"]),
            // a priority class has no spec, and its generation does not change
            _ => differs(&["spec"]),
        };
        new["metadata"]["generation"] = (generation + u64::from(changed)).into();
    }
}

/// What a write to `/status` takes over: the status, and metadata that clients own.
pub(crate) fn status_update(kind: &Kind, new: Value, old: &Value) -> Value {
    let mut merged = old.clone();
    set_or_remove(&mut merged, "status", new.get("status"));
    off::leave_out_of_status(kind, &mut merged, old);
    if kind.kind == "Pod" && merged["status"].is_object() && merged["status"].get("qosClass").is_none() {
        merged["status"]["qosClass"] = old["status"]["qosClass"].clone();
    }
    let address = merged["status"]["podIP"].as_str().is_some_and(|address| !address.is_empty());
    if kind.kind == "Pod" && merged["status"].get("podIPs").is_none() && address {
        merged["status"]["podIPs"] = json!([{"ip": merged["status"]["podIP"]}]);
    }
    for owned in ["labels", "annotations", "finalizers", "resourceVersion"] {
        if let Some(metadata) = new.get("metadata") {
            set_or_remove(&mut merged["metadata"], owned, metadata.get(owned));
        }
    }
    keep_identity(&mut merged, old);
    merged
}

/// Version 1 of slices has fields of its own for what `deprecatedTopology` says.
fn drop_topology(slice: &mut Value) {
    for endpoint in slice["endpoints"].as_array_mut().into_iter().flatten() {
        set_or_remove(endpoint, "deprecatedTopology", None);
    }
}

fn keep_identity(new: &mut Value, old: &Value) {
    for kept in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "generateName",
        "namespace",
    ] {
        set_or_remove(&mut new["metadata"], kept, old["metadata"].get(kept));
    }
    for gone in ["selfLink", "managedFields"] {
        set_or_remove(&mut new["metadata"], gone, None);
    }
}

fn set_or_remove(object: &mut Value, name: &str, value: Option<&Value>) {
    let Some(fields) = object.as_object_mut() else { return };
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
        None => drop(fields.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    fn kind(plural: &str) -> &'static Kind {
        kinds::find("", "v1", plural).unwrap()
    }

    #[test]
    fn an_update_keeps_identity_and_status() {
        let old = json!({"metadata": {"name": "a", "uid": "u", "creationTimestamp": "t", "generation": 3},
            "spec": {"replicas": 1}, "status": {"replicas": 1}});
        let mut new = json!({"metadata": {"name": "a", "uid": "other", "deletionTimestamp": "x", "labels": {"l": "m"}},
            "spec": {"replicas": 2}, "status": {"replicas": 9}});
        before_update(kind("replicationcontrollers"), &mut new, &old);
        count_change(kind("replicationcontrollers"), &mut new, &old);
        assert_eq!(
            new,
            json!({"metadata": {"name": "a", "uid": "u", "creationTimestamp": "t", "generation": 4, "labels": {"l": "m"}},
                "spec": {"replicas": 2}, "status": {"replicas": 1}})
        );
    }

    #[test]
    fn a_put_creates_what_kubernetes_lets_it_create() {
        for plural in ["replicationcontrollers", "podtemplates", "resourcequotas", "pods"] {
            assert!(!created_on_update(kind(plural)), "{plural}");
        }
        assert!(created_on_update(kind("services")) && created_on_update(kind("endpoints")));
        let classes = kinds::find("node.k8s.io", "v1", "runtimeclasses").unwrap();
        assert!(created_on_update(classes) && version_needed(classes) && !version_needed(kind("pods")));
    }

    #[test]
    fn a_status_update_changes_the_status_alone() {
        let old = json!({"metadata": {"name": "a", "uid": "u"}, "spec": {"nodeName": "n"}, "status": {"phase": "Pending",
            "qosClass": "BestEffort"}});
        let new =
            json!({"metadata": {"name": "a", "annotations": {"k": "v"}}, "spec": {}, "status": {"phase": "Running"}});
        let merged = status_update(kind("pods"), new, &old);
        assert_eq!(merged["spec"]["nodeName"], "n");
        assert_eq!(merged["status"], json!({"phase": "Running", "qosClass": "BestEffort"}));
        assert_eq!(merged["metadata"]["annotations"]["k"], "v");
    }

    #[test]
    fn slices_and_templates_count_what_they_are_about() {
        let slices = kinds::find("discovery.k8s.io", "v1", "endpointslices").unwrap();
        let count = |kind: &Kind, new: &Value, old: &Value| {
            let mut new = new.clone();
            count_change(kind, &mut new, old);
            new["metadata"]["generation"].as_u64()
        };
        let topology = json!([{"addresses": ["10.1.1.1"], "deprecatedTopology": {"a": "b"}}]);
        let mut slice = json!({"metadata": {}, "addressType": "IPv4", "endpoints": topology});
        before_create(slices, &mut slice);
        assert_eq!(
            (&slice["metadata"]["generation"], slice["endpoints"][0].get("deprecatedTopology")),
            (&json!(1), None)
        );
        let mut changed = slice.clone();
        changed["metadata"]["annotations"] = json!({"a": "b"});
        assert_eq!(count(slices, &changed, &slice), Some(1));
        changed["metadata"]["labels"] = json!({"a": "b"});
        assert_eq!(count(slices, &changed, &slice), Some(2));
        let template = json!({"metadata": {"generation": 1}, "template": {"spec": {}}});
        let changed = json!({"metadata": {}, "template": {"spec": {"hostPID": true}}});
        assert_eq!(count(kind("podtemplates"), &changed, &template), Some(2));
        assert_eq!(count(kind("podtemplates"), &template, &template), Some(1));
    }
}
