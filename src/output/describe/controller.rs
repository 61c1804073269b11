//! A replication controller: how many pods it wants and has, and what they are made from.

use serde_json::Value;

use super::page::Page;
use super::{head, items, labels_and_annotations, text};
use crate::output::table;

pub(super) fn write(page: &mut Page, controller: &Value) {
    let (spec, status) = (&controller["spec"], &controller["status"]);
    head(page, controller);
    page.field("Selector", table::labels(&spec["selector"]));
    labels_and_annotations(page, controller);
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    page.field("Replicas", format!("{} current / {} desired", count(&status["replicas"]), count(&spec["replicas"])));
    page.field("Ready", count(&status["readyReplicas"]).to_string());
    page.section("Pod Template", |page| {
        let template = &spec["template"];
        page.field("Labels", table::labels(&template["metadata"]["labels"]));
        page.section("Containers", |page| {
            for container in items(&template["spec"]["containers"]) {
                page.section(&text(&container["name"]), |page| {
                    page.field("Image", text(&container["image"]));
                    let ports = items(&container["ports"]).iter();
                    let ports: Vec<String> =
                        ports.map(|p| format!("{}/{}", text(&p["containerPort"]), text(&p["protocol"]))).collect();
                    page.field("Ports", if ports.is_empty() { "<none>".to_owned() } else { ports.join(", ") });
                });
            }
        });
    });
}
