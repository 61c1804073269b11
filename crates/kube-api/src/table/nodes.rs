//! Nodes: whether they are ready, what they are for, and what runs on them.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column, items, name, or, text, wide};

pub(super) static NODES: Printer = Printer {
    columns: &[
        NAME,
        column("Status", "Whether the node is ready, and takes pods."),
        column("Roles", "The node's roles, by its labels."),
        AGE,
        column("Version", "The kubelet's version."),
        wide("Internal-IP", "The node's address within the cluster."),
        wide("External-IP", "The node's address from outside."),
        wide("OS-Image", "The node's operating system."),
        wide("Kernel-Version", "The node's kernel."),
        wide("Container-Runtime", "What runs containers on the node."),
    ],
    cells: |node, now| {
        let info = &node["status"]["nodeInfo"];
        vec![
            name(node),
            status(node).into(),
            roles(node).into(),
            age(node, now),
            text(&info["kubeletVersion"]).into(),
            address(node, "InternalIP").into(),
            address(node, "ExternalIP").into(),
            or(&info["osImage"], "<unknown>").into(),
            or(&info["kernelVersion"], "<unknown>").into(),
            or(&info["containerRuntimeVersion"], "<unknown>").into(),
        ]
    },
};

fn status(node: &Value) -> String {
    let ready = items(&node["status"]["conditions"]).find(|c| c["type"] == "Ready");
    let mut status = match ready {
        Some(condition) if condition["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object();
    let mut roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let role = key.strip_prefix("node-role.kubernetes.io/");
            role.or_else(|| (key == "kubernetes.io/role").then(|| text(value))).filter(|r| !r.is_empty())
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    items(&node["status"]["addresses"]).find(|a| a["type"] == kind).map_or("<none>", |a| text(&a["address"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nodes_are_ready_or_not_and_may_be_cordoned() {
        let node = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status}]}});
        assert_eq!(status(&node("True")), "Ready");
        assert_eq!(status(&node("Unknown")), "NotReady");
        assert_eq!(status(&json!({"spec": {"unschedulable": true}})), "Unknown,SchedulingDisabled");
    }

    #[test]
    fn roles_come_from_labels() {
        let labels = json!({"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "agent", "other": "x"});
        assert_eq!(roles(&json!({"metadata": {"labels": labels}})), "agent,worker");
    }
}
