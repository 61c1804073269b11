//! Services.

use std::collections::HashSet;

use serde_json::json;

use super::error::Errors;
use super::tree::Node;
use super::{endpoints, names};

/// A service.
pub(super) fn service(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    let (kind, address) = (spec.at("type"), spec.at("clusterIP"));
    let headless = address.text() == "None";
    let external = kind.text() == "ExternalName";
    if spec.at("ports").is_empty() && !headless && !external {
        errors.required(&spec.at("ports"), "");
    }
    if headless && matches!(kind.text(), "LoadBalancer" | "NodePort") {
        let addresses = spec.at("clusterIPs");
        errors.invalid_value(
            &addresses.index(0),
            &"None".into(),
            &format!("may not be set to 'None' for {} services", kind.text()),
        );
    }
    ports(&spec, errors);
    errors.labels(&spec.at("selector"));
    affinity(&spec, errors);
    if kind.is_empty() {
        errors.required(&kind, "");
    } else {
        errors.one_of(&kind, &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    addresses(&spec, external, errors);
    for ip in spec.at("externalIPs").items() {
        endpoints::non_special_ip(&ip, errors);
    }
    if external {
        external_name(&spec.at("externalName"), errors);
    }
    traffic(&spec, &kind, errors);
    balancer(&spec, errors);
}

fn ports(spec: &Node, errors: &mut Errors) {
    let ports = spec.at("ports");
    let several = ports.len() > 1;
    let mut named: HashSet<&str> = HashSet::new();
    for port in ports.items() {
        let name = port.at("name");
        if name.is_empty() && several {
            errors.required(&name, "");
        } else if !name.is_empty() {
            errors.named(&name, names::dns1123_label(name.text()));
            if !named.insert(name.text()) {
                errors.duplicate(&name);
            }
        }
        let number = port.at("port");
        if number.is_present() {
            errors.port(&number);
        } else {
            errors.invalid_value(&number, &0.into(), "must be between 1 and 65535, inclusive");
        }
        let protocol = port.at("protocol");
        if protocol.is_empty() {
            errors.required(&protocol, "");
        } else {
            errors.one_of(&protocol, &["SCTP", "TCP", "UDP"]);
        }
        errors.port_or_name(&port.at("targetPort"));
        let application = port.at("appProtocol");
        if application.is_present() {
            errors.named(&application, names::qualified_name(application.text()));
        }
    }
    node_ports(spec, errors);
    let mut seen: HashSet<(String, Option<i64>)> = HashSet::new();
    for port in ports.items() {
        let (protocol, number) = (port.at("protocol").text().to_owned(), port.at("port").int());
        if !seen.insert((protocol.clone(), number)) {
            let shown = format!(
                "core.ServicePort{{Name:\"\", Protocol:\"{protocol}\", AppProtocol:(*string)(nil), Port:{}, \
                 TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, NodePort:0}}",
                number.unwrap_or(0)
            );
            errors.duplicate_value(&port, &shown);
        }
    }
}

fn node_ports(spec: &Node, errors: &mut Errors) {
    let kind = spec.at("type");
    let reached = matches!(kind.text(), "NodePort" | "LoadBalancer");
    let mut seen: HashSet<(String, i64)> = HashSet::new();
    for port in spec.at("ports").items() {
        let node_port = port.at("nodePort");
        let Some(number) = node_port.int().filter(|&n| n != 0) else { continue };
        if !reached {
            errors.forbidden(&node_port, &format!("may not be used when `type` is '{}'", kind.text()));
        }
        if !seen.insert((port.at("protocol").text().to_owned(), number)) {
            errors.duplicate(&node_port);
        }
    }
}

fn affinity(spec: &Node, errors: &mut Errors) {
    let affinity = spec.at("sessionAffinity");
    if affinity.is_empty() {
        errors.required(&affinity, "");
        return;
    }
    errors.one_of(&affinity, &["ClientIP", "None"]);
    let config = spec.at("sessionAffinityConfig");
    if affinity.text() == "ClientIP" {
        let client = config.at("clientIP");
        let seconds = client.at("timeoutSeconds");
        match seconds.int() {
            None => errors.required(&seconds, ""),
            Some(n) if !(1..=86_400).contains(&n) => {
                errors.invalid(&seconds, "must be greater than 0 and less than 86400")
            }
            Some(_) => {}
        }
    } else if config.is_present() {
        errors.forbidden(&config, "must not be set when session affinity is None");
    }
}

fn addresses(spec: &Node, external: bool, errors: &mut Errors) {
    let (address, list) = (spec.at("clusterIP"), spec.at("clusterIPs"));
    if external {
        for node in [address, list] {
            if !node.is_empty() && node.text() != "None" {
                errors.forbidden(&node, "may not be set for ExternalName services");
            }
        }
        for node in [spec.at("ipFamilies"), spec.at("ipFamilyPolicy")] {
            if !node.is_empty() {
                errors.forbidden(&node, "may not be set for ExternalName services");
            }
        }
        return;
    }
    if list.len() > 2 {
        errors.invalid(&list, "may only hold up to 2 values");
    }
    for ip in list.items() {
        if ip.text() != "None" {
            errors.ip(&ip);
        }
    }
    let first = list.index(0);
    if first.is_present() && address.text() != first.text() {
        errors.invalid(&list, "first value must match `clusterIP`");
    }
    for family in spec.at("ipFamilies").items() {
        errors.one_of(&family, &["IPv4", "IPv6"]);
    }
    errors.none_or_one_of(&spec.at("ipFamilyPolicy"), &["PreferDualStack", "RequireDualStack", "SingleStack"]);
}

fn external_name(name: &Node, errors: &mut Errors) {
    let text = name.text().strip_suffix('.').unwrap_or(name.text());
    if text.is_empty() {
        errors.required(name, "");
    } else {
        errors.named(name, names::dns1123_subdomain(text));
    }
}

fn traffic(spec: &Node, kind: &Node, errors: &mut Errors) {
    let (outside, inside) = (spec.at("externalTrafficPolicy"), spec.at("internalTrafficPolicy"));
    let reached = matches!(kind.text(), "NodePort" | "LoadBalancer") || !spec.at("externalIPs").is_empty();
    if !outside.is_empty() && !reached {
        errors.invalid(&outside, "may only be set for externally-accessible services");
    } else {
        errors.none_or_one_of(&outside, &["Cluster", "Local"]);
    }
    errors.none_or_one_of(&inside, &["Cluster", "Local"]);
    errors.none_or_one_of(&spec.at("trafficDistribution"), &["PreferClose"]);
    let health = spec.at("healthCheckNodePort");
    if health.int().is_some_and(|n| n != 0) && !needs_health_check(spec) {
        errors.invalid(&health, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    } else {
        errors.within(&health, 0, 65_535);
    }
}

/// Whether nodes tell on a port of their own whether they have endpoints of the service.
fn needs_health_check(spec: &Node) -> bool {
    spec.at("type").text() == "LoadBalancer" && spec.at("externalTrafficPolicy").text() == "Local"
}

/// What only a load balancer has.
fn balancer(spec: &Node, errors: &mut Errors) {
    let elsewhere = spec.at("type").text() != "LoadBalancer";
    let ranges = spec.at("loadBalancerSourceRanges");
    for field in [&ranges, &spec.at("allocateLoadBalancerNodePorts"), &spec.at("loadBalancerClass")] {
        if elsewhere && !field.is_empty() {
            errors.forbidden(field, "may only be used when `type` is 'LoadBalancer'");
        }
    }
    for range in ranges.items() {
        if range.text().trim().parse::<ipnet::IpNet>().is_err() {
            errors.invalid(&range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
        }
    }
    let class = spec.at("loadBalancerClass");
    if class.is_present() && !elsewhere {
        errors.named(&class, names::qualified_name(class.text()));
    }
}

/// An address that was given stays, unless the service becomes a name.
pub(super) fn changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (spec, before) = (root.at("spec"), old.at("spec"));
    let external = |spec: &Node| spec.at("type").text() == "ExternalName";
    if external(&spec) || external(&before) {
        return;
    }
    let (new, was) = (spec.at("clusterIPs"), before.at("clusterIPs"));
    let first = was.index(0);
    if !first.is_empty() && new.index(0).value() != first.value() {
        errors.invalid_value(&new.index(0), &json!(new.value()), "may not change once set");
    }
    let (class, was) = (spec.at("loadBalancerClass"), before.at("loadBalancerClass"));
    let balanced = [&spec, &before].iter().all(|spec| spec.at("type").text() == "LoadBalancer");
    if balanced && class.value() != was.value() {
        errors.invalid(&class, "may not change once set");
    }
    let (health, was) = (spec.at("healthCheckNodePort"), before.at("healthCheckNodePort"));
    let kept = !was.is_present() || health.value() == was.value();
    if !kept && needs_health_check(&spec) && needs_health_check(&before) {
        errors.forbidden(&health, "field is immutable");
    }
}
