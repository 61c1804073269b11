//! Defaults of pods and of templates of pods.

use serde_json::Value;

use super::{Object, container, each, fill, have, map, volume};

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Fills in a pod.
pub(super) fn pod(pod: &mut Object) {
    let spec = map(pod, "spec");
    self::spec(spec);
    for list in ["initContainers", "containers"] {
        each(spec, list, container::requests_from_limits);
    }
    if let Some(resources) = have(spec, "resources") {
        pod_requests(resources);
    }
    fill(spec, "enableServiceLinks", true);
    if spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64).is_some_and(|seconds| seconds < 0) {
        spec.insert("terminationGracePeriodSeconds".to_owned(), 1.into());
    }
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        for list in ["initContainers", "containers"] {
            each(spec, list, container::host_ports);
        }
    }
}

/// Fills in a template, which gets less than a pod does: the rest comes when a pod is made of it.
pub(super) fn template(template: &mut Object) {
    spec(map(template, "spec"));
}

fn spec(spec: &mut Object) {
    for list in LISTS {
        each(spec, list, container::container);
    }
    each(spec, "volumes", volume::volume);
    fill(spec, "restartPolicy", "Always");
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "terminationGracePeriodSeconds", 30);
    map(spec, "securityContext");
    fill(spec, "schedulerName", "default-scheduler");
    // The old name of the service account is kept equal to the new one.
    let name = |key: &str| spec.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
    if let Some(account) = name("serviceAccountName").or_else(|| name("serviceAccount")).map(str::to_owned) {
        spec.insert("serviceAccountName".to_owned(), account.clone().into());
        spec.insert("serviceAccount".to_owned(), account.into());
    }
}

/// Limits of a whole pod are its requests too, where nothing else is said.
fn pod_requests(resources: &mut Object) {
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else { return };
    let requests = map(resources, "requests");
    for (name, amount) in limits {
        requests.entry(name).or_insert(amount);
    }
}
