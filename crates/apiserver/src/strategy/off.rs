//! Fields of features that Kubernetes 1.33 knows and leaves off: they are taken out of what clients write, without a word. An object
//! that has them keeps them, for it may come from a server where they are on.

use kube_api::Kind;
use serde_json::{Map, Value};

use super::set_or_remove;

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const STATUSES: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

/// Takes them out of an object that is new, or takes the place of `old`: all but those of its status.
pub(crate) fn leave_out(kind: &Kind, new: &mut Value, old: Option<&Value>) {
    let (path, fields): (_, &[&str]) = match kind.kind {
        "Pod" => return pod_at("/spec", new, old),
        "PodTemplate" => return pod_at("/template/spec", new, old),
        "ReplicationController" => return pod_at("/spec/template/spec", new, old),
        "EndpointSlice" => return node_hints(new, old),
        "Lease" => ("spec", &["strategy", "preferredHolder"]),
        "Node" => ("spec", &["configSource"]),
        "PersistentVolume" | "PersistentVolumeClaim" => ("spec", &["volumeAttributesClassName"]),
        _ => return,
    };
    unless_used(new, old, path, fields);
    if kind.kind == "Node" && old.is_none() {
        unless_used(new, None, "status", &["config"]);
    }
}

/// Takes them out of a status that takes the place of that of `old`.
pub(super) fn leave_out_of_status(kind: &Kind, new: &mut Value, old: &Value) {
    match kind.kind {
        "Pod" => pod_status(new, old),
        "Node" => unless_used(new, Some(old), "status", &["config"]),
        "PersistentVolumeClaim" => {
            unless_used(new, Some(old), "status", &["currentVolumeAttributesClassName", "modifyVolumeStatus"]);
        }
        _ => {}
    }
}

/// Each field goes that `old` does not have.
fn unless_used(new: &mut Value, old: Option<&Value>, part: &str, fields: &[&str]) {
    let Some(new) = new.get_mut(part) else { return };
    for field in fields {
        if !old.is_some_and(|old| has(&old[part], field)) {
            set_or_remove(new, field, None);
        }
    }
}

fn has(object: &Value, field: &str) -> bool {
    object.get(field).is_some_and(|value| !value.is_null())
}

fn pod_at(path: &str, new: &mut Value, old: Option<&Value>) {
    let Some(new) = new.pointer_mut(path).and_then(Value::as_object_mut) else { return };
    let old = old.and_then(|old| old.pointer(path)).unwrap_or(&Value::Null);
    pod(new, old);
}

fn pod(spec: &mut Map<String, Value>, old: &Value) {
    let amounts = |field: &str| old["resources"][field].as_object().is_some_and(|amounts| !amounts.is_empty());
    if !amounts("requests") && !amounts("limits") {
        spec.remove("resources");
    }
    if !claims(old) {
        spec.remove("resourceClaims");
        for container in containers(spec) {
            if let Some(resources) = container.get_mut("resources") {
                set_or_remove(resources, "claims", None);
            }
        }
    }
    if !LISTS.iter().flat_map(|list| items(old, list)).any(|container| has(&container["lifecycle"], "stopSignal")) {
        containers(spec).for_each(stop_signal);
    }
    if !items(old, "volumes").flat_map(sources).any(|source| has(source, "clusterTrustBundle")) {
        trust_bundles(spec);
    }
    if !items(old, "volumes").any(|volume| has(volume, "image")) {
        images(spec);
    }
}

fn claims(spec: &Value) -> bool {
    items(spec, "resourceClaims").next().is_some()
}

fn items<'v>(object: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    object[list].as_array().into_iter().flatten()
}

fn containers(spec: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let lists = spec.iter_mut().filter(|(field, _)| LISTS.contains(&field.as_str()));
    lists.filter_map(|(_, list)| list.as_array_mut()).flatten().filter_map(Value::as_object_mut)
}

fn sources(volume: &Value) -> impl Iterator<Item = &Value> {
    items(&volume["projected"], "sources")
}

fn stop_signal(container: &mut Map<String, Value>) {
    let Some(lifecycle) = container.get_mut("lifecycle").and_then(Value::as_object_mut) else { return };
    if lifecycle.remove("stopSignal").is_some() && lifecycle.is_empty() {
        container.remove("lifecycle");
    }
}

fn trust_bundles(spec: &mut Map<String, Value>) {
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten();
    for volume in volumes {
        let Some(sources) = volume.pointer_mut("/projected/sources").and_then(Value::as_array_mut) else { continue };
        for source in sources {
            set_or_remove(source, "clusterTrustBundle", None);
        }
    }
}

/// A volume that is an image goes as a whole, and with it what would mount it.
fn images(spec: &mut Map<String, Value>) {
    let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) else { return };
    let gone: Vec<Value> =
        volumes.extract_if(.., |volume| has(volume, "image")).map(|volume| volume["name"].clone()).collect();
    if gone.is_empty() {
        return;
    }
    if volumes.is_empty() {
        spec.remove("volumes");
    }
    for container in containers(spec) {
        let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) else { continue };
        mounts.retain(|mount| !gone.contains(&mount["name"]));
        if mounts.is_empty() {
            container.remove("volumeMounts");
        }
    }
}

fn node_hints(new: &mut Value, old: Option<&Value>) {
    if old.is_some_and(|old| items(old, "endpoints").any(|endpoint| has(&endpoint["hints"], "forNodes"))) {
        return;
    }
    for endpoint in new["endpoints"].as_array_mut().into_iter().flatten() {
        if let Some(hints) = endpoint.get_mut("hints") {
            set_or_remove(hints, "forNodes", None);
        }
    }
}

fn pod_status(new: &mut Value, old: &Value) {
    let Some(status) = new.get_mut("status").and_then(Value::as_object_mut) else { return };
    if !claims(&old["spec"]) {
        status.remove("resourceClaimStatuses");
    }
    let observed = |object: &Value| has(object, "observedGeneration");
    let before = &old["status"];
    if !observed(before) && !items(before, "conditions").any(observed) {
        status.remove("observedGeneration");
        for condition in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
            set_or_remove(condition, "observedGeneration", None);
        }
    }
    for list in STATUSES {
        for container in status.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            set_or_remove(container, "allocatedResourcesStatus", None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{before_create, before_update, status_update};
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    fn kind(group: &str, plural: &str) -> &'static Kind {
        kinds::find(group, "v1", plural).unwrap()
    }

    /// A pod's spec with all of them, and what is kept of it.
    fn full() -> (Value, Value) {
        let container = json!({"name": "c", "lifecycle": {"stopSignal": "SIGINT"}, "resources": {"claims": [{"name": "r"}]},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}]});
        let spec = json!({"containers": [container], "resources": {"limits": {"cpu": "1"}}, "resourceClaims": [{"name": "r"}],
            "volumes": [{"name": "v", "image": {"reference": "i"}},
                {"name": "w", "projected": {"sources": [{"clusterTrustBundle": {"path": "p"}}, {"secret": {"name": "s"}}]}}]});
        let kept = json!({"containers": [{"name": "c", "resources": {}}],
            "volumes": [{"name": "w", "projected": {"sources": [{}, {"secret": {"name": "s"}}]}}]});
        (spec, kept)
    }

    #[test]
    fn a_pod_loses_what_is_off_and_keeps_what_it_had() {
        let (spec, kept) = full();
        let pods = kind("", "pods");
        let mut new = json!({"metadata": {}, "spec": spec});
        before_create(pods, &mut new);
        assert_eq!(new["spec"], kept);
        let mut changed = json!({"metadata": {}, "spec": spec});
        before_update(pods, &mut changed, &new);
        assert_eq!(changed["spec"], kept);
        before_update(pods, &mut changed, &json!({"metadata": {}, "spec": kept}));
        let old = json!({"metadata": {}, "spec": spec});
        let mut same = old.clone();
        before_update(pods, &mut same, &old);
        assert_eq!(same["spec"], spec);
    }

    #[test]
    fn templates_lose_the_same() {
        let (spec, kept) = full();
        let mut template = json!({"metadata": {}, "template": {"spec": spec}});
        before_create(kind("", "podtemplates"), &mut template);
        assert_eq!(template["template"]["spec"], kept);
        let mut controller = json!({"metadata": {}, "spec": {"template": {"spec": spec}}});
        before_create(kind("", "replicationcontrollers"), &mut controller);
        assert_eq!(controller["spec"]["template"]["spec"], kept);
    }

    #[test]
    fn leases_claims_volumes_nodes_and_slices_lose_theirs() {
        for (kind, field) in [
            (kind("coordination.k8s.io", "leases"), "strategy"),
            (kind("coordination.k8s.io", "leases"), "preferredHolder"),
            (kind("", "persistentvolumes"), "volumeAttributesClassName"),
            (kind("", "persistentvolumeclaims"), "volumeAttributesClassName"),
            (kind("", "nodes"), "configSource"),
        ] {
            let had = json!({"metadata": {}, "spec": {(field): "x"}});
            let mut new = had.clone();
            before_create(kind, &mut new);
            assert!(!has(&new["spec"], field), "{field}: {new}");
            let mut changed = had.clone();
            before_update(kind, &mut changed, &new);
            assert!(!has(&changed["spec"], field), "{field}: {changed}");
            let mut kept = had.clone();
            before_update(kind, &mut kept, &had);
            assert_eq!(kept["spec"][field], "x", "{field}: {kept}");
        }
        let hints = json!({"forNodes": [{"name": "n"}], "forZones": [{"name": "z"}]});
        let had = json!({"metadata": {}, "endpoints": [{"hints": hints}]});
        let mut slice = had.clone();
        before_create(kind("discovery.k8s.io", "endpointslices"), &mut slice);
        assert_eq!(slice["endpoints"], json!([{"hints": {"forZones": [{"name": "z"}]}}]));
        let mut kept = had.clone();
        before_update(kind("discovery.k8s.io", "endpointslices"), &mut kept, &had);
        assert_eq!(kept["endpoints"], had["endpoints"]);
    }

    #[test]
    fn a_status_loses_the_same() {
        let pod = json!({"metadata": {}, "spec": {}, "status": {"phase": "Running"}});
        let status = json!({"phase": "Running", "observedGeneration": 1, "resourceClaimStatuses": [{"name": "r"}],
            "conditions": [{"type": "Ready", "observedGeneration": 1}],
            "containerStatuses": [{"name": "c", "allocatedResourcesStatus": [{"name": "d"}]}]});
        let merged = status_update(kind("", "pods"), json!({"metadata": {}, "status": status}), &pod);
        let kept = json!({"phase": "Running", "conditions": [{"type": "Ready"}], "containerStatuses": [{"name": "c"}], "qosClass": null});
        assert_eq!(merged["status"], kept);
        let had = json!({"metadata": {}, "status": {"observedGeneration": 1}});
        let kept = status_update(kind("", "pods"), json!({"metadata": {}, "status": {"observedGeneration": 2}}), &had);
        assert_eq!(kept["status"]["observedGeneration"], 2);
        let claim = json!({"metadata": {}, "status": {}});
        let asked = json!({"metadata": {}, "status": {"currentVolumeAttributesClassName": "c", "phase": "Bound"}});
        assert_eq!(
            status_update(kind("", "persistentvolumeclaims"), asked, &claim)["status"],
            json!({"phase": "Bound"})
        );
    }
}
