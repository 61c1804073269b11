//! What the server sets in nodes.

use serde_json::{Value, json};

/// A node's status says at least what it does not know yet: clients read these fields unasked.
pub(super) fn complete_status(status: &mut Value) {
    if !status.is_object() {
        *status = json!({});
    }
    if !status["daemonEndpoints"].is_object() {
        status["daemonEndpoints"] = json!({"kubeletEndpoint": {"Port": 0}});
    }
    if !status["nodeInfo"].is_object() {
        let unknown = [
            "architecture",
            "bootID",
            "containerRuntimeVersion",
            "kernelVersion",
            "kubeProxyVersion",
            "kubeletVersion",
            "machineID",
            "operatingSystem",
            "osImage",
            "systemUUID",
        ];
        status["nodeInfo"] = unknown.iter().map(|&field| (field.to_owned(), Value::from(""))).collect();
    }
}

/// The list of a node's address ranges is made from the one range that older clients name.
pub(super) fn complete_ranges(spec: &mut Value) {
    if spec["podCIDR"].is_string() && spec.get("podCIDRs").is_none() {
        spec["podCIDRs"] = json!([spec["podCIDR"]]);
    }
}
