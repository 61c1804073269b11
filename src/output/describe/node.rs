//! A node: conditions, addresses, capacity, system.

use serde_json::Value;

use super::page::Page;
use super::{head, items, labels_and_annotations, text};

pub(super) fn write(page: &mut Page, node: &Value) {
    let (spec, status) = (&node["spec"], &node["status"]);
    head(page, node);
    labels_and_annotations(page, node);
    page.field("Created", text(&node["metadata"]["creationTimestamp"]));
    let taints = items(&spec["taints"]).iter();
    let taints: Vec<String> =
        taints.map(|t| format!("{}={}:{}", text(&t["key"]), text(&t["value"]), text(&t["effect"]))).collect();
    page.field("Taints", if taints.is_empty() { "<none>".to_owned() } else { taints.join(", ") });
    page.field("Unschedulable", if spec["unschedulable"] == true { "true" } else { "false" });
    page.section("Conditions", |_| {});
    let conditions = items(&status["conditions"]).iter().map(|condition| {
        ["type", "status", "lastHeartbeatTime", "lastTransitionTime", "reason", "message"]
            .map(|key| text(&condition[key]))
            .to_vec()
    });
    let conditions = conditions.collect();
    page.table(&["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"], conditions);
    page.section("Addresses", |page| {
        for address in items(&status["addresses"]) {
            page.field(&text(&address["type"]), text(&address["address"]));
        }
    });
    for (heading, amounts) in [("Capacity", &status["capacity"]), ("Allocatable", &status["allocatable"])] {
        page.tree(heading, amounts);
    }
    page.tree("System Info", &status["nodeInfo"]);
    if let Some(range) = spec["podCIDR"].as_str() {
        page.field("PodCIDR", range);
    }
}
