//! Addresses and ports of services: chosen here, and claimed in the transaction that stores the service.
//!
//! A claim is a key of its own under `/registry/k8sm/claims/`, which can be put only where it is missing. So no two services
//! hold one address, however many API servers there are.

mod families;
mod free;
mod node_ports;
mod retype;

use std::net::Ipv4Addr;

use kube_api::validate::FieldError;
use kube_api::{Kind, Status, meta};
use serde_json::{Value, json};

use crate::api::Api;
use crate::options::Options;
use crate::storage::{Claims, PREFIX};

/// The place in the range of the address that is kept for the cluster's DNS.
const DNS_OFFSET: u32 = 10;
/// Who may have it: namespaces and names of the DNS service, as the addon and its earlier templates have them.
const DNS_SERVICES: &[(&str, &str)] = &[("kube-system", "kube-dns"), ("default", "kube-dns"), ("default", "skydns")];

/// Whether objects of the kind claim anything.
pub(crate) fn claims(kind: &Kind) -> bool {
    kind.kind == "Service"
}

/// Chooses and claims what a new service needs. Other kinds claim nothing.
pub(crate) fn claim_new(api: &Api, kind: &Kind, object: &mut Value) -> Result<Claims, Status> {
    if !claims(kind) {
        return Ok(Claims::default());
    }
    complete(api, kind, object)?;
    Ok(Claims { take: held(kind, object), ..Claims::default() })
}

/// Chooses and claims what a service needs now and did not before, and gives back what it needs no more.
pub(crate) fn claim_changed(api: &Api, kind: &Kind, new: &mut Value, old: &Value) -> Result<Claims, Status> {
    if !claims(kind) {
        return Ok(Claims::default());
    }
    complete(api, kind, new)?;
    let (now, before) = (held(kind, new), held(kind, old));
    let take = now.iter().filter(|claim| !before.contains(claim)).cloned().collect();
    let release = before.into_iter().filter(|claim| !now.contains(claim)).collect();
    Ok(Claims { take, release, ..Claims::default() })
}

/// An update that is silent about addresses and ports keeps those there are.
pub(crate) fn carry_over(kind: &Kind, new: &mut Value, old: &Value) {
    if kind.kind != "Service" || !new["spec"].is_object() {
        return;
    }
    retype::drop_unused(new, old);
    if new["spec"]["type"] == "ExternalName" {
        return;
    }
    // who changes the one address without the list means the list as well
    if new["spec"]["clusterIP"].as_str().is_some_and(|ip| !ip.is_empty() && old["spec"]["clusterIP"] != ip)
        && new["spec"].get("clusterIPs") == old["spec"].get("clusterIPs")
    {
        new["spec"]["clusterIPs"] = json!([new["spec"]["clusterIP"]]);
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        let silent = new["spec"].get(field).is_none_or(|value| value == "" || *value == json!([]));
        if silent && let Some(value) = old["spec"].get(field) {
            new["spec"][field] = value.clone();
        }
    }
    node_ports::carry_over(new, old);
}

/// The claims that an object holds.
pub(crate) fn held(kind: &Kind, object: &Value) -> Vec<String> {
    if kind.kind != "Service" {
        return Vec::new();
    }
    let address = object["spec"]["clusterIP"].as_str().filter(|ip| !ip.is_empty() && *ip != "None");
    let mut claims: Vec<String> = address.map(address_claim).into_iter().collect();
    for claim in node_ports::held(object).map(port_claim) {
        // one service may use a port for several protocols
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    claims
}

/// What the client is told when a claim is held by another service.
pub(crate) fn claimed(kind: &Kind, service: &Value, claim: &str) -> Status {
    let value = claim.rsplit('/').next().unwrap_or(claim);
    if !claim.contains("/address/") {
        return node_ports::refused(kind, service, value.parse().unwrap_or(0), "provided port is already allocated");
    }
    let why = format!("[\"{value}\"]: failed to allocate IP {value}: provided IP is already allocated");
    let field = "spec.clusterIPs".to_owned();
    let error = FieldError { reason: "FieldValueInvalid", field, message: format!("Invalid value: {why}") };
    Status::invalid(kind, meta::name(service), &[error])
}

fn complete(api: &Api, kind: &Kind, service: &mut Value) -> Result<(), Status> {
    let external = service["spec"]["type"] == "ExternalName";
    if external {
        for field in ["clusterIP", "clusterIPs"] {
            if let Some(spec) = service["spec"].as_object_mut() {
                spec.remove(field);
            }
        }
    } else {
        address(api, kind, service)?;
    }
    node_ports::complete(api, kind, service)
}

/// Sets the cluster address of a service that names none.
fn address(api: &Api, kind: &Kind, service: &mut Value) -> Result<(), Status> {
    let errors = families::check(service);
    if !errors.is_empty() {
        return Err(Status::invalid(kind, meta::name(service), &errors));
    }
    let spec = &service["spec"];
    let given = spec["clusterIP"].as_str().filter(|ip| !ip.is_empty());
    let given = given.or_else(|| spec["clusterIPs"][0].as_str().filter(|ip| !ip.is_empty())).map(str::to_owned);
    let address = match given {
        Some(address) => {
            check_address(&api.options, kind, service, &address)?;
            address
        }
        None => free::address(api).ok_or_else(|| Status::internal("failed to allocate a serviceIP: range is full"))?,
    };
    service["spec"]["clusterIPs"] = json!([address]);
    service["spec"]["clusterIP"] = address.into();
    if service["spec"].get("ipFamilies").is_none() {
        service["spec"]["ipFamilies"] = json!(["IPv4"]);
    }
    if service["spec"].get("ipFamilyPolicy").is_none() {
        service["spec"]["ipFamilyPolicy"] = "SingleStack".into();
    }
    Ok(())
}

fn check_address(options: &Options, kind: &Kind, service: &Value, address: &str) -> Result<(), Status> {
    if address == "None" {
        return Ok(());
    }
    let Ok(ip) = address.parse::<Ipv4Addr>() else {
        // not ours to judge: validation says what is wrong with it
        return Ok(());
    };
    let range = options.service_cluster_ip_range;
    let why = if !range.contains(&ip) || ip == range.network() || ip == range.broadcast() {
        format!("the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}")
    } else if u32::from(ip) == u32::from(range.network()) + DNS_OFFSET && !is_dns(service) {
        "it is kept for the cluster's DNS, the service kube-system/kube-dns".to_owned()
    } else {
        return Ok(());
    };
    let message = format!("Invalid value: [\"{address}\"]: failed to allocate IP {address}: {why}");
    let error = FieldError { reason: "FieldValueInvalid", field: "spec.clusterIPs".to_owned(), message };
    Err(Status::invalid(kind, meta::name(service), &[error]))
}

fn is_dns(service: &Value) -> bool {
    DNS_SERVICES.contains(&(meta::namespace(service), meta::name(service)))
}

fn address_claim(address: &str) -> String {
    format!("{PREFIX}k8sm/claims/address/{address}")
}

fn port_claim(port: i64) -> String {
    format!("{PREFIX}k8sm/claims/nodeport/{port}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    #[test]
    fn a_service_holds_its_address_and_ports() {
        let kind = kinds::find("", "v1", "services").unwrap();
        let service = json!({"spec": {"type": "NodePort", "clusterIP": "10.10.10.7",
            "ports": [{"port": 53, "protocol": "UDP", "nodePort": 30053}, {"port": 53, "protocol": "TCP", "nodePort": 30053}]}});
        assert_eq!(
            held(kind, &service),
            ["/registry/k8sm/claims/address/10.10.10.7", "/registry/k8sm/claims/nodeport/30053"]
        );
        assert!(held(kind, &json!({"spec": {"clusterIP": "None"}})).is_empty());
    }

    #[test]
    fn the_address_of_the_dns_is_for_nobody_else() {
        let service = |namespace: &str, name: &str| json!({"metadata": {"namespace": namespace, "name": name}});
        assert!(is_dns(&service("kube-system", "kube-dns")));
        assert!(!is_dns(&service("default", "web")) && !is_dns(&service("other", "kube-dns")));
    }

    #[test]
    fn a_silent_update_keeps_what_was_chosen() {
        let kind = kinds::find("", "v1", "services").unwrap();
        let old = json!({"spec": {"type": "NodePort", "clusterIP": "10.10.10.7", "clusterIPs": ["10.10.10.7"],
            "ports": [{"port": 80, "nodePort": 30080}]}});
        let ports = json!([{"port": 80, "protocol": "TCP"}, {"name": "new", "port": 81}]);
        let mut new = json!({"spec": {"type": "NodePort", "ports": ports}});
        carry_over(kind, &mut new, &old);
        assert_eq!(new["spec"]["clusterIP"], "10.10.10.7");
        assert_eq!(
            (&new["spec"]["ports"][0]["nodePort"], new["spec"]["ports"][1].get("nodePort")),
            (&json!(30080), None)
        );
    }
}
