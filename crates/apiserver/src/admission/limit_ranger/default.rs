//! The defaults of a limit range: requests and limits of containers that say none.

use serde_json::{Map, Value, json};

use super::limits;

/// Where a pod tells what was set.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Sets what the containers lack, and notes it.
pub(super) fn apply(range: &Value, pod: &mut Value) {
    let (mut requests, mut most) = (Map::new(), Map::new());
    for limit in limits(range, "Container") {
        requests.extend(limit["defaultRequest"].as_object().cloned().unwrap_or_default());
        most.extend(limit["default"].as_object().cloned().unwrap_or_default());
    }
    let mut notes = Vec::new();
    for (list, called) in [("containers", "container"), ("initContainers", "init container")] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            for (part, defaults, what) in [("requests", &requests, "request"), ("limits", &most, "limit")] {
                let set = complete(container, part, defaults);
                if !set.is_empty() {
                    notes.push(format!("{} {what} for {called} {name}", set.join(", ")));
                }
            }
        }
    }
    if notes.is_empty() {
        return;
    }
    if !pod["metadata"]["annotations"].is_object() {
        pod["metadata"]["annotations"] = json!({});
    }
    pod["metadata"]["annotations"][ANNOTATION] = format!("LimitRanger plugin set: {}", notes.join("; ")).into();
}

/// Sets what is missing in `resources.requests` or `resources.limits`; the names of what was.
fn complete(container: &mut Value, part: &str, defaults: &Map<String, Value>) -> Vec<String> {
    let missing = defaults.iter().filter(|(name, _)| container["resources"][part].get(name.as_str()).is_none());
    let missing: Vec<(String, Value)> = missing.map(|(name, amount)| (name.clone(), amount.clone())).collect();
    for (name, amount) in &missing {
        container["resources"][part][name.as_str()] = amount.clone();
    }
    missing.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_get_what_they_lack_and_the_pod_says_so() {
        let range = json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"},
            "defaultRequest": {"memory": "64Mi", "cpu": "100m"}}, {"type": "Pod", "default": {"cpu": "9"}}]}});
        let own =
            json!({"name": "b", "resources": {"requests": {"cpu": "2", "memory": "2Gi"}, "limits": {"memory": "3Gi"}}});
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, own]}});
        apply(&range, &mut pod);
        let of = |at: usize| pod["spec"]["containers"][at]["resources"].clone();
        let all = json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}});
        assert_eq!(of(0), all);
        assert_eq!(of(1)["limits"], json!({"memory": "3Gi", "cpu": "1"}));
        assert_eq!(of(1)["requests"], json!({"cpu": "2", "memory": "2Gi"}));
        let note = "LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; \
                    cpu limit for container b";
        assert_eq!(pod["metadata"]["annotations"][ANNOTATION], note);
    }

    #[test]
    fn where_nothing_is_set_nothing_is_noted() {
        let mut pod = json!({"metadata": {}, "spec": {"containers": [{"name": "a"}]}});
        let before = pod.clone();
        apply(&json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}), &mut pod);
        assert_eq!(pod, before);
    }
}
