//! Endpoints and endpoint slices: the addresses behind a service.

use serde_json::Value;

use super::{AGE, NAME, Printer, abridged, age, column, items, name, or, text};

pub(super) static ENDPOINTS: Printer = Printer {
    columns: &[NAME, column("Endpoints", "Addresses and ports behind the service of that name."), AGE],
    cells: |object, now| vec![name(object), endpoints(object).into(), age(object, now)],
};

pub(super) static ENDPOINT_SLICES: Printer = Printer {
    columns: &[
        NAME,
        column("AddressType", "What kind of addresses the slice holds."),
        column("Ports", "The ports of each endpoint."),
        column("Endpoints", "The addresses."),
        AGE,
    ],
    cells: |slice, now| {
        let ports = items(&slice["ports"]).map(|port| match port["port"].as_i64() {
            Some(number) => number.to_string(),
            None => or(&port["name"], "*").to_owned(),
        });
        let addresses = items(&slice["endpoints"]).flat_map(|e| items(&e["addresses"])).map(|a| text(a).to_owned());
        vec![
            name(slice),
            text(&slice["addressType"]).into(),
            or_unset(&ports.collect::<Vec<_>>()).into(),
            or_unset(&addresses.collect::<Vec<_>>()).into(),
            age(slice, now),
        ]
    },
};

fn or_unset(texts: &[String]) -> String {
    if texts.is_empty() { "<unset>".to_owned() } else { abridged(texts) }
}

fn endpoints(object: &Value) -> String {
    if items(&object["subsets"]).next().is_none() {
        return "<none>".to_owned();
    }
    let mut all = Vec::new();
    for subset in items(&object["subsets"]) {
        let addresses = || items(&subset["addresses"]).map(|a| text(&a["ip"]));
        if items(&subset["ports"]).next().is_none() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in items(&subset["ports"]) {
            let joined = |ip: &str| {
                if ip.contains(':') { format!("[{ip}]:{}", port["port"]) } else { format!("{ip}:{}", port["port"]) }
            };
            all.extend(addresses().map(joined));
        }
    }
    abridged(&all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_port_of_each_address_is_an_endpoint() {
        let subset = json!({"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd::1"}], "ports": [{"port": 80}, {"port": 81}]});
        assert_eq!(endpoints(&json!({"subsets": [subset]})), "10.0.0.1:80,[fd::1]:80,10.0.0.1:81 + 1 more...");
        assert_eq!(endpoints(&json!({})), "<none>");
        assert_eq!(endpoints(&json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]})), "10.0.0.1");
    }
}
