//! Services, and the endpoints behind them.

use serde_json::Value;

use super::page::Page;
use super::{head, items, labels_and_annotations, or_none, text};
use crate::output::table;

pub(super) fn write(page: &mut Page, service: &Value) {
    let spec = &service["spec"];
    head(page, service);
    labels_and_annotations(page, service);
    page.field("Selector", table::labels(&spec["selector"]));
    page.field("Type", text(&spec["type"]));
    page.field("IP", or_none(&spec["clusterIP"]));
    for port in items(&spec["ports"]) {
        let name = port["name"].as_str().unwrap_or("<unset>");
        let protocol = text(&port["protocol"]);
        page.field("Port", format!("{name}  {}/{protocol}", text(&port["port"])));
        page.field("TargetPort", format!("{}/{protocol}", text(&port["targetPort"])));
        if let Some(node_port) = port["nodePort"].as_u64() {
            page.field("NodePort", format!("{name}  {node_port}/{protocol}"));
        }
    }
    page.field("Session Affinity", or_none(&spec["sessionAffinity"]));
}

pub(super) fn write_endpoints(page: &mut Page, endpoints: &Value) {
    head(page, endpoints);
    labels_and_annotations(page, endpoints);
    page.section("Subsets", |page| {
        for subset in items(&endpoints["subsets"]) {
            page.field("Addresses", addresses(&subset["addresses"]));
            page.field("NotReadyAddresses", addresses(&subset["notReadyAddresses"]));
            page.section("Ports", |_| {});
            let ports = items(&subset["ports"]).iter();
            let rows = ports.map(|p| {
                vec![p["name"].as_str().unwrap_or("<unset>").to_owned(), text(&p["port"]), text(&p["protocol"])]
            });
            page.table(&["Name", "Port", "Protocol"], rows.collect());
        }
    });
}

fn addresses(list: &Value) -> String {
    let ips: Vec<String> = items(list).iter().map(|address| text(&address["ip"])).collect();
    if ips.is_empty() { "<none>".to_owned() } else { ips.join(",") }
}
