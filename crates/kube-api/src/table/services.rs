//! Services: where they are reached.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column, items, join, labels, name, or, text, wide};

pub(super) static SERVICES: Printer = Printer {
    columns: &[
        NAME,
        column("Type", "How the service is reached."),
        column("Cluster-IP", "The service's address within the cluster."),
        column("External-IP", "The service's addresses from outside."),
        column("Port(s)", "The service's ports, with their node ports."),
        AGE,
        wide("Selector", "The labels of the pods behind the service."),
    ],
    cells: |service, now| {
        let spec = &service["spec"];
        let address = or(&spec["clusterIPs"][0], or(&spec["clusterIP"], "<none>"));
        vec![
            name(service),
            text(&spec["type"]).into(),
            address.into(),
            external(service).into(),
            ports(spec).into(),
            age(service, now),
            labels(&spec["selector"]).into(),
        ]
    },
};

fn external(service: &Value) -> String {
    let spec = &service["spec"];
    let addresses = items(&spec["externalIPs"]).map(text);
    match text(&spec["type"]) {
        "ExternalName" => text(&spec["externalName"]).to_owned(),
        "LoadBalancer" => {
            let ingress = items(&service["status"]["loadBalancer"]["ingress"]);
            let mut given: Vec<&str> = ingress.map(|i| or(&i["ip"], text(&i["hostname"]))).collect();
            given.sort_unstable();
            given.dedup();
            given.extend(addresses);
            if given.is_empty() { "<pending>".to_owned() } else { given.join(",") }
        }
        _ => match join(addresses, ",") {
            none if none.is_empty() => "<none>".to_owned(),
            some => some,
        },
    }
}

fn ports(spec: &Value) -> String {
    let ports: Vec<String> = items(&spec["ports"])
        .map(|port| match port["nodePort"].as_i64() {
            Some(node) if node > 0 => format!("{}:{node}/{}", port["port"], text(&port["protocol"])),
            _ => format!("{}/{}", port["port"], text(&port["protocol"])),
        })
        .collect();
    if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") }
}
