//! Defaults of services.

use serde_json::{Value, json};

use super::{Object, each, fill, map, text};

/// How long a client stays with its endpoint: three hours.
const AFFINITY_SECONDS: i32 = 10_800;

/// Fills in a service. Its addresses and node ports are the API server's to give.
pub(super) fn service(service: &mut Object) {
    let spec = map(service, "spec");
    fill(spec, "sessionAffinity", "None");
    if text(spec, "sessionAffinity") == "ClientIP" {
        let client = map(map(spec, "sessionAffinityConfig"), "clientIP");
        fill(client, "timeoutSeconds", AFFINITY_SECONDS);
    } else {
        spec.remove("sessionAffinityConfig");
    }
    fill(spec, "type", "ClusterIP");
    each(spec, "ports", port);
    let kind = text(spec, "type").to_owned();
    if is_reached_from_outside(spec, &kind) {
        fill(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        fill(spec, "internalTrafficPolicy", "Cluster");
    }
    let balancer = map(map(service, "status"), "loadBalancer");
    if kind == "LoadBalancer" {
        each(balancer, "ingress", |ingress| {
            if !text(ingress, "ip").is_empty() {
                fill(ingress, "ipMode", "VIP");
            }
        });
    }
}

fn port(port: &mut Object) {
    fill(port, "protocol", "TCP");
    let target = port.get("targetPort");
    if target.is_none_or(|t| t.is_null() || *t == 0 || *t == "")
        && let Some(number) = port.get("port").cloned()
    {
        port.insert("targetPort".to_owned(), number);
    }
    if port.get("nodePort") == Some(&json!(0)) {
        port.remove("nodePort");
    }
}

fn is_reached_from_outside(spec: &Object, kind: &str) -> bool {
    let external = spec.get("externalIPs").and_then(Value::as_array).is_some_and(|ips| !ips.is_empty());
    matches!(kind, "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && external)
}

/// Of a service with an address, `clusterIP` and the first of `clusterIPs` are the same; the cluster has one family of addresses.
pub(super) fn addresses(service: &mut Object) {
    let spec = map(service, "spec");
    if text(spec, "type") == "ExternalName" {
        return;
    }
    let listed = spec.get("clusterIPs").and_then(|ips| ips.get(0)).and_then(Value::as_str).map(str::to_owned);
    match (text(spec, "clusterIP").to_owned(), listed) {
        (ip, Some(first)) if ip.is_empty() => fill(spec, "clusterIP", first),
        (ip, None) if !ip.is_empty() => {
            spec.insert("clusterIPs".to_owned(), json!([ip]));
        }
        _ => {}
    }
    let selects = spec.get("selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    if text(spec, "clusterIP") == "None" && !selects {
        fill(spec, "ipFamilyPolicy", "RequireDualStack");
        let single = text(spec, "ipFamilyPolicy") == "SingleStack";
        fill(spec, "ipFamilies", if single { json!(["IPv4"]) } else { json!(["IPv4", "IPv6"]) });
    } else {
        fill(spec, "ipFamilyPolicy", "SingleStack");
        fill(spec, "ipFamilies", json!(["IPv4"]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headless_service_without_a_selector_has_the_families_of_its_policy() {
        for (policy, families) in [(Value::Null, json!(["IPv4", "IPv6"])), ("SingleStack".into(), json!(["IPv4"]))] {
            let mut service = Object::new();
            service.insert("spec".to_owned(), json!({"clusterIP": "None", "ipFamilyPolicy": policy}));
            addresses(&mut service);
            assert_eq!(service["spec"]["ipFamilies"], families);
        }
    }
}
