//! Ports of the nodes that lead to a service, and the one on which nodes tell whether they have endpoints of it.

use std::collections::HashMap;

use kube_api::validate::FieldError;
use kube_api::{Kind, Status, meta};
use serde_json::Value;

use super::free;
use super::retype::Needs;
use crate::api::Api;

/// An update that is silent about node ports keeps those there are: a port is known by its name, whatever else of it changes.
pub(super) fn carry_over(new: &mut Value, old: &Value) {
    let (before, after) = (Needs::of(old), Needs::of(new));
    if before.node_ports && after.node_ports {
        // what both have is somebody's already
        let kept: Vec<i64> = of_ports(old).filter(|port| of_ports(new).any(|other| other == *port)).collect();
        let known: HashMap<&str, i64> = old["spec"]["ports"].as_array().into_iter().flatten().map(named).collect();
        for port in ports_mut(new).filter(|port| number(port) == 0) {
            let before = known.get(named(port).0).copied().unwrap_or(0);
            if before != 0 && !kept.contains(&before) {
                port["nodePort"] = before.into();
            }
        }
    }
    if before.health && after.health && health(new) == 0 && health(old) != 0 {
        new["spec"]["healthCheckNodePort"] = health(old).into();
    }
}

/// Checks the ports that a service names, and chooses those that it needs and does not name.
pub(super) fn complete(api: &Api, kind: &Kind, service: &mut Value) -> Result<(), Status> {
    if !is_reached(service) {
        for port in ports_mut(service).filter_map(Value::as_object_mut) {
            port.remove("nodePort");
        }
        return Ok(());
    }
    let range @ (first, last) = api.options.service_node_port_range;
    if let Some(port) = held(service).find(|port| !(i64::from(first)..=i64::from(last)).contains(port)) {
        let why = format!("provided port is not in the valid range. The range of valid ports is {first}-{last}");
        return Err(refused(kind, service, port, &why));
    }
    let mut used: Option<Vec<i64>> = None;
    let own: Vec<i64> = held(service).collect();
    choose(service, |chosen| {
        let used = used.get_or_insert_with(|| used_by_others(api));
        free::port(range, |port| [used.as_slice(), &own, chosen].iter().any(|taken| taken.contains(&port.into())))
    })
}

/// Gives every port a node port, where the service wants them, and the service its port for health, where it needs one.
/// `free` gives a port that is none of those chosen before.
fn choose(service: &mut Value, mut free: impl FnMut(&[i64]) -> Option<u16>) -> Result<(), Status> {
    let needs = Needs::of(service);
    let mut chosen = Vec::new();
    let mut next = |what: &str| {
        let full = || Status::internal(&format!("failed to allocate a {what}: range is full"));
        let port = free(&chosen).ok_or_else(full)?.into();
        chosen.push(port);
        Ok::<i64, Status>(port)
    };
    for port in ports_mut(service).filter(|port| needs.node_ports && number(port) == 0) {
        port["nodePort"] = next("nodePort")?.into();
    }
    if needs.health && health(service) == 0 {
        service["spec"]["healthCheckNodePort"] = next("HealthCheck NodePort")?.into();
    }
    Ok(())
}

fn used_by_others(api: &Api) -> Vec<i64> {
    let mut all = Vec::new();
    if let Some(shelf) = api.store.shelf("services") {
        shelf.any(|_, entry| {
            if matches!(entry.field("spec.type"), Some("NodePort" | "LoadBalancer")) {
                all.extend(held(&entry.value()));
            }
            false
        });
    }
    all
}

/// What the client is told when a port that it names cannot be the service's.
pub(super) fn refused(kind: &Kind, service: &Value, port: i64, why: &str) -> Status {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let Some(index) = ports.map(number).position(|other| other == port) else {
        return Status::internal(&format!("failed to allocate requested HealthCheck NodePort {port}: {why}"));
    };
    let field = format!("spec.ports[{index}].nodePort");
    let message = format!("Invalid value: {port}: {why}");
    Status::invalid(kind, meta::name(service), &[FieldError { reason: "FieldValueInvalid", field, message }])
}

/// The ports that a service holds.
pub(super) fn held(service: &Value) -> impl Iterator<Item = i64> {
    let reached = is_reached(service);
    let health = Some(health(service)).filter(|&port| port != 0 && Needs::of(service).health);
    of_ports(service).filter(move |_| reached).chain(health)
}

/// Those of its ports alone, whether its type uses them or not.
pub(super) fn of_ports(service: &Value) -> impl Iterator<Item = i64> {
    service["spec"]["ports"].as_array().into_iter().flatten().map(number).filter(|&port| port != 0)
}

/// A service's ports, to be changed.
pub(super) fn ports_mut(service: &mut Value) -> impl Iterator<Item = &mut Value> {
    service.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten()
}

fn is_reached(service: &Value) -> bool {
    matches!(service["spec"]["type"].as_str(), Some("NodePort" | "LoadBalancer"))
}

/// A port's name, empty where it has none, and its node port, 0 where it has none.
fn named(port: &Value) -> (&str, i64) {
    (port["name"].as_str().unwrap_or_default(), number(port))
}

fn number(port: &Value) -> i64 {
    port["nodePort"].as_i64().unwrap_or(0)
}

fn health(service: &Value) -> i64 {
    service["spec"]["healthCheckNodePort"].as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    fn balancer(ports: Value, rest: &Value) -> Value {
        let mut spec = json!({"type": "LoadBalancer", "ports": ports});
        for (field, value) in rest.as_object().unwrap() {
            spec[field] = value.clone();
        }
        json!({"metadata": {"name": "s"}, "spec": spec})
    }

    #[test]
    fn a_port_keeps_its_node_port_by_its_name() {
        let none = json!({});
        let old = balancer(
            json!([{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30081}]),
            &none,
        );
        let mut new = balancer(
            json!([{"name": "a", "port": 8080}, {"name": "c", "port": 81}, {"name": "b", "port": 82, "nodePort": 30080}]),
            &none,
        );
        carry_over(&mut new, &old);
        let ports: Vec<i64> = new["spec"]["ports"].as_array().unwrap().iter().map(number).collect();
        assert_eq!(ports, [0, 0, 30080], "the port of `a` is given to `b`, and `c` is new");
        let mut single = json!({"spec": {"type": "NodePort", "ports": [{"port": 8080, "protocol": "UDP"}]}});
        carry_over(&mut single, &json!({"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}}));
        assert_eq!(single["spec"]["ports"][0]["nodePort"], 30080);
    }

    #[test]
    fn a_balancer_has_node_ports_where_it_wants_them_and_one_for_health_where_it_needs_it() {
        let mut numbers = 30000..;
        let plain = json!({"allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster"});
        let mut service = balancer(json!([{"port": 80}, {"port": 81, "nodePort": 31000}]), &plain);
        choose(&mut service, |_| numbers.next()).unwrap();
        assert_eq!(held(&service).collect::<Vec<_>>(), [30000, 31000]);
        let local = json!({"allocateLoadBalancerNodePorts": false, "externalTrafficPolicy": "Local"});
        let mut service = balancer(json!([{"port": 80}, {"port": 81, "nodePort": 31000}]), &local);
        choose(&mut service, |_| numbers.next()).unwrap();
        assert_eq!(held(&service).collect::<Vec<_>>(), [31000, 30001], "what is asked for is given");
        assert_eq!(service["spec"]["healthCheckNodePort"], 30001);
        let mut silent = balancer(json!([{"port": 80}]), &local);
        carry_over(&mut silent, &service);
        assert_eq!(silent["spec"]["healthCheckNodePort"], 30001);
        assert_eq!(choose(&mut balancer(json!([]), &local), |_| None).unwrap_err().code, 500);
    }

    #[test]
    fn a_refusal_names_the_port_that_is_refused() {
        let kind = kinds::find("", "v1", "services").unwrap();
        let rest = json!({"externalTrafficPolicy": "Local", "healthCheckNodePort": 30001});
        let service = balancer(json!([{"port": 80}, {"port": 81, "nodePort": 31000}]), &rest);
        let refusal = refused(kind, &service, 31000, "provided port is already allocated");
        assert!(
            refusal.message.contains("spec.ports[1].nodePort: Invalid value: 31000: provided"),
            "{}",
            refusal.message
        );
        let refusal = refused(kind, &service, 30001, "provided port is already allocated");
        assert_eq!(refusal.code, 500);
    }
}
