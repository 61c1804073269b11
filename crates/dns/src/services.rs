//! The records of a cluster's services: a pure function of a Service and its EndpointSlices
//! (reference/k8sm-behaviour.md, section 6.2).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use crate::record::{Record, path};

/// Records by their paths.
pub type Records = BTreeMap<Vec<String>, Record>;

/// The records of one service below `domain`.
#[must_use]
pub fn records(domain: &str, service: &Service, slices: &[&EndpointSlice]) -> Records {
    let (Some(name), Some(namespace)) = (&service.metadata.name, &service.metadata.namespace) else {
        return Records::new();
    };
    let Some(spec) = &service.spec else { return Records::new() };
    let base = format!("{name}.{namespace}.svc.{}", domain.trim_end_matches('.'));
    let mut records = Records::new();
    if spec.type_.as_deref() == Some("ExternalName") {
        if let Some(external) = spec.external_name.as_deref().filter(|name| !name.is_empty()) {
            put(&mut records, &base, None, Record::new(external.trim_end_matches('.'), 0));
        }
        return records;
    }
    let addresses: BTreeSet<&str> = spec
        .cluster_ips
        .iter()
        .flatten()
        .chain(&spec.cluster_ip)
        .map(String::as_str)
        .filter(|ip| !ip.is_empty())
        .collect();
    if addresses.contains("None") {
        headless(&mut records, &base, service, slices);
        return records;
    }
    for address in addresses.into_iter().filter_map(|ip| ip.parse::<IpAddr>().ok()) {
        let target = put(&mut records, &base, None, Record::new(address.to_string(), 0));
        for port in spec.ports.iter().flatten() {
            srv(&mut records, &base, &target, port.name.as_deref(), port.protocol.as_deref(), port.port);
        }
        let reverse = path(&reverse(address));
        records.insert(reverse, Record::new(base.clone(), 0));
    }
    records
}

/// Every ready endpoint under a name of its own: its hostname, or a hash.
fn headless(records: &mut Records, base: &str, service: &Service, slices: &[&EndpointSlice]) {
    let spec = service.spec.as_ref();
    let unready_too = spec.and_then(|spec| spec.publish_not_ready_addresses).unwrap_or(false);
    let named: Vec<&ServicePort> = spec.iter().flat_map(|spec| spec.ports.iter().flatten()).collect();
    for slice in slices {
        for endpoint in slice.endpoints.iter().filter(|endpoint| unready_too || is_ready(endpoint)) {
            for address in endpoint.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()) {
                let host = endpoint.hostname.as_deref().filter(|name| !name.is_empty());
                let target = endpoint_name(records, base, host, Record::new(address.to_string(), 0));
                for port in slice.ports.iter().flatten() {
                    let known = named.is_empty() || named.iter().any(|p| p.name.as_deref() == port.name.as_deref());
                    if let Some(number) = port.port.filter(|_| known) {
                        srv(records, base, &target, port.name.as_deref(), port.protocol.as_deref(), number);
                    }
                }
                reversed(records, address, host.is_some(), target);
            }
        }
    }
}

/// Puts an endpoint's record under its hostname, or else its hash; gives that name. Pods of one controller have their hostname in
/// common: the first one's record lies at the name, and those of the others below it, for which the name stands too.
fn endpoint_name(records: &mut Records, base: &str, host: Option<&str>, record: Record) -> String {
    let Some(host) = host else { return put(records, base, None, record) };
    let name = format!("{host}.{base}");
    let is_taken = records.get(&path(&name)).is_some_and(|first| *first != record);
    if is_taken {
        put(records, &name, None, record);
        return name;
    }
    put(records, base, Some(host), record)
}

/// Every endpoint's address leads back to its name (section 2.4.3 of Kubernetes' DNS specification); asked of others, it would
/// be answered with whatever the machine below calls the container. Of the names that a pod has in several services, the one
/// that it was given comes first: a name stands for its own record and then for those below it.
fn reversed(records: &mut Records, address: IpAddr, given: bool, target: String) {
    let (at, record) = (reverse(address), Record::new(target, 0));
    if given {
        records.insert(path(&at), record);
    } else {
        put(records, &at, None, record);
    }
}

/// An unknown condition is to be read as ready.
fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}

/// Puts a record below `base` under `label` or its own hash; gives the name it has then.
fn put(records: &mut Records, base: &str, label: Option<&str>, record: Record) -> String {
    let label = label.map_or_else(|| record.hash(), str::to_owned);
    let name = format!("{label}.{base}");
    records.insert(path(&name), record);
    name
}

/// Named ports alone have SRV records.
fn srv(records: &mut Records, base: &str, target: &str, name: Option<&str>, protocol: Option<&str>, port: i32) {
    let (Some(name), Ok(port)) = (name.filter(|name| !name.is_empty()), u16::try_from(port)) else { return };
    let protocol = protocol.unwrap_or("TCP").to_ascii_lowercase();
    put(records, &format!("_{name}._{protocol}.{base}"), None, Record::new(target, port));
}

/// The name under which an address is looked up in reverse (RFC 1035 section 3.5, RFC 3596 section 2.5).
#[must_use]
pub fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|byte| [byte & 0xf, byte >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{key, name};

    fn service(spec: &str) -> Service {
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"web","namespace":"default"}},"spec":{spec}}}"#))
            .unwrap()
    }

    fn names(records: &Records) -> Vec<(String, String, u16)> {
        records.iter().map(|(path, record)| (name(path), record.host.clone(), record.port)).collect()
    }

    #[test]
    fn a_service_has_an_address_an_srv_record_and_a_reverse_one() {
        let service =
            service(r#"{"clusterIP":"10.10.10.5","ports":[{"name":"http","protocol":"TCP","port":80},{"port":81}]}"#);
        let records = records("cluster.local.", &service, &[]);
        let hash = Record::new("10.10.10.5", 0).hash();
        let found = names(&records);
        assert_eq!(found.len(), 3);
        assert!(found.contains(&("5.10.10.10.in-addr.arpa".into(), "web.default.svc.cluster.local".into(), 0)));
        assert!(found.contains(&(format!("{hash}.web.default.svc.cluster.local"), "10.10.10.5".into(), 0)));
        let srv = found.iter().find(|(name, ..)| name.contains("._http._tcp.web.default")).unwrap();
        assert_eq!((srv.1.as_str(), srv.2), (format!("{hash}.web.default.svc.cluster.local").as_str(), 80));
        assert!(records.keys().any(|path| key(path).starts_with("/skydns/local/cluster/svc/default/web/")));
    }

    #[test]
    fn a_headless_service_has_its_ready_endpoints() {
        let slice: EndpointSlice = serde_json::from_str(
            r#"{"metadata":{},"addressType":"IPv4","ports":[{"name":"http","port":8080}],"endpoints":[
                {"addresses":["10.1.0.2"],"hostname":"one"},{"addresses":["10.1.0.3"],"conditions":{"ready":false}}]}"#,
        )
        .unwrap();
        let service = service(r#"{"clusterIP":"None","ports":[{"name":"http","port":80}]}"#);
        let found = names(&records("cluster.local", &service, &[&slice]));
        assert!(found.contains(&("one.web.default.svc.cluster.local".into(), "10.1.0.2".into(), 0)));
        assert!(found.iter().any(|(name, host, port)| {
            name.contains("_http._tcp") && host == "one.web.default.svc.cluster.local" && *port == 8080
        }));
        assert!(!found.iter().any(|(_, host, _)| host == "10.1.0.3"));
    }

    #[test]
    fn endpoints_that_have_a_hostname_in_common_are_all_found_by_it() {
        let slice: EndpointSlice = serde_json::from_str(
            r#"{"metadata":{},"addressType":"IPv4","ports":[{"name":"http","port":80}],"endpoints":[
                {"addresses":["10.1.0.2"],"hostname":"one"},{"addresses":["10.1.0.3"],"hostname":"one"},
                {"addresses":["10.1.0.4"],"hostname":"one"}]}"#,
        )
        .unwrap();
        let service = service(r#"{"clusterIP":"None","ports":[{"name":"http","port":80}]}"#);
        let mut zone = crate::zone::Zone::default();
        let all = records("cluster.local", &service, &[&slice]);
        all.into_iter().for_each(|(path, record)| zone.insert(&path, record));
        let hosts = |name: &str| -> BTreeSet<String> {
            let found = zone.find(&path(name)).unwrap_or_default();
            found.into_iter().map(|(_, record)| record.host.clone()).collect()
        };
        let all = ["10.1.0.2", "10.1.0.3", "10.1.0.4"].map(str::to_owned).into();
        assert_eq!(hosts("one.web.default.svc.cluster.local"), all);
        assert_eq!(hosts("web.default.svc.cluster.local"), all, "and by the service's own name");
        let target = ["one.web.default.svc.cluster.local".to_owned()].into();
        assert_eq!(hosts("_http._tcp.web.default.svc.cluster.local"), target);
    }

    #[test]
    fn addresses_of_a_headless_service_lead_back_to_all_names_and_first_to_those_given() {
        let slice = |endpoints: &str| -> EndpointSlice {
            serde_json::from_str(&format!(r#"{{"metadata":{{}},"addressType":"IPv4","endpoints":[{endpoints}]}}"#))
                .unwrap()
        };
        let unnamed = slice(
            r#"{"addresses":["10.1.0.2"]},{"addresses":["10.1.0.3"]},{"addresses":["10.1.0.4"],"conditions":{"ready":false}}"#,
        );
        let (web, mut other) = (service(r#"{"clusterIP":"None"}"#), service(r#"{"clusterIP":"None"}"#));
        other.metadata.name = Some("other".into());
        let mut zone = crate::zone::Zone::default();
        let all = [
            records("cluster.local", &web, &[&slice(r#"{"addresses":["10.1.0.2"],"hostname":"one"}"#)]),
            records("cluster.local", &other, &[&unnamed]),
        ];
        all.into_iter().flatten().for_each(|(path, record)| zone.insert(&path, record));
        let names = |address: &str| -> Vec<String> {
            let found = zone.find(&path(&reverse(address.parse().unwrap()))).into_iter().flatten();
            found.map(|(_, record)| record.host.clone()).collect()
        };
        let hashed = |address: &str| format!("{}.other.default.svc.cluster.local", Record::new(address, 0).hash());
        assert_eq!(names("10.1.0.2"), ["one.web.default.svc.cluster.local".to_owned(), hashed("10.1.0.2")]);
        assert_eq!(names("10.1.0.3"), [hashed("10.1.0.3")]);
        assert_eq!(zone.find(&path(&hashed("10.1.0.3"))).unwrap()[0].1.host, "10.1.0.3", "and that name is there");
        assert!(names("10.1.0.4").is_empty());
    }

    #[test]
    fn endpoints_without_ports_have_addresses_and_no_srv_records() {
        let slice = serde_json::from_str(
            r#"{"metadata":{},"addressType":"IPv4","ports":[],"endpoints":[{"addresses":["10.1.0.2"],"hostname":"one"}]}"#,
        );
        let service = service(r#"{"clusterIP":"None","ports":[{"name":"http","port":80,"targetPort":"missing"}]}"#);
        let found = names(&records("cluster.local", &service, &[&slice.unwrap()]));
        assert!(found.contains(&("one.web.default.svc.cluster.local".into(), "10.1.0.2".into(), 0)));
        assert!(!found.iter().any(|(name, ..)| name.contains("_http")));
    }

    #[test]
    fn an_external_name_is_another_name() {
        let found =
            names(&records("cluster.local", &service(r#"{"type":"ExternalName","externalName":"example.org."}"#), &[]));
        assert_eq!((found.len(), found[0].1.as_str()), (1, "example.org"));
    }

    #[test]
    fn addresses_in_reverse() {
        assert_eq!(reverse("10.10.10.1".parse().unwrap()), "1.10.10.10.in-addr.arpa");
        assert!(reverse("::1".parse().unwrap()).starts_with("1.0.0.0."));
    }
}
