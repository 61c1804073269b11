//! What a service lets go of when its type changes, where the client sends it back as it was: Kubernetes' rules.

use serde_json::Value;

/// Fields of the cluster address.
const ADDRESS: &[&str] = &["clusterIP", "clusterIPs"];
const FAMILIES: &[&str] = &["ipFamilies", "ipFamilyPolicy"];

/// Takes out of `new` what its type has no use for and `old`'s had, unless the client changed it: then it is refused later.
pub(super) fn drop_unused(new: &mut Value, old: &Value) {
    let (before, after) = (Needs::of(old), Needs::of(new));
    let same = |new: &Value, field: &str| new["spec"].get(field) == old["spec"].get(field);
    let mut unused: Vec<&str> = Vec::new();
    if before.address && !after.address {
        for fields in [ADDRESS, FAMILIES] {
            if fields.iter().all(|field| same(new, field) || is_silent(&new["spec"][*field])) {
                unused.extend(fields);
            }
        }
    }
    for (field, before, after) in [
        ("healthCheckNodePort", before.health, after.health),
        ("allocateLoadBalancerNodePorts", before.balancer, after.balancer),
        ("loadBalancerClass", before.balancer, after.balancer),
        ("externalTrafficPolicy", before.outside, after.outside),
    ] {
        if before && !after && same(new, field) {
            unused.push(field);
        }
    }
    if before.node_ports && !after.node_ports && node_ports(new) == node_ports(old) {
        for port in super::node_ports::ports_mut(new).filter_map(Value::as_object_mut) {
            port.remove("nodePort");
        }
    }
    if let Some(spec) = new["spec"].as_object_mut() {
        unused.iter().for_each(|field| drop(spec.remove(*field)));
    }
}

fn is_silent(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
}

fn node_ports(service: &Value) -> Vec<i64> {
    let mut ports: Vec<i64> = super::node_ports::of_ports(service).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// What a service of a type has.
#[derive(Clone, Copy)]
pub(super) struct Needs {
    address: bool,
    /// A port of the nodes for each of its own.
    pub(super) node_ports: bool,
    balancer: bool,
    /// A port on which nodes tell whether they have endpoints.
    pub(super) health: bool,
    /// A policy for traffic from outside.
    outside: bool,
}

impl Needs {
    pub(super) fn of(service: &Value) -> Self {
        let spec = &service["spec"];
        let kind = spec["type"].as_str().filter(|kind| !kind.is_empty()).unwrap_or("ClusterIP");
        let balancer = kind == "LoadBalancer";
        let external = spec["externalIPs"].as_array().is_some_and(|addresses| !addresses.is_empty());
        Self {
            address: kind != "ExternalName",
            node_ports: kind == "NodePort" || (balancer && spec["allocateLoadBalancerNodePorts"] != false),
            balancer,
            health: balancer && spec["externalTrafficPolicy"] == "Local",
            outside: balancer || kind == "NodePort" || (kind == "ClusterIP" && external),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node_port() -> Value {
        json!({"spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "externalTrafficPolicy": "Cluster", "ports": [{"port": 80, "nodePort": 30080}]}})
    }

    #[test]
    fn what_came_back_unchanged_goes() {
        let mut named = node_port();
        named["spec"]["type"] = "ExternalName".into();
        drop_unused(&mut named, &node_port());
        assert_eq!(named["spec"], json!({"type": "ExternalName", "ports": [{"port": 80}]}));
        let mut inner = node_port();
        inner["spec"]["type"] = "ClusterIP".into();
        drop_unused(&mut inner, &node_port());
        assert_eq!(inner["spec"]["clusterIP"], "10.0.0.1");
        assert_eq!(
            (inner["spec"].get("externalTrafficPolicy"), inner["spec"]["ports"][0].get("nodePort")),
            (None, None)
        );
    }

    #[test]
    fn what_the_client_changed_stays_to_be_refused() {
        let mut named = node_port();
        named["spec"]["type"] = "ExternalName".into();
        named["spec"]["clusterIP"] = "10.0.0.9".into();
        named["spec"]["ports"][0]["nodePort"] = 30081.into();
        drop_unused(&mut named, &node_port());
        assert_eq!(
            (&named["spec"]["clusterIP"], &named["spec"]["ports"][0]["nodePort"]),
            (&json!("10.0.0.9"), &json!(30081))
        );
        let mut same = node_port();
        drop_unused(&mut same, &node_port());
        assert_eq!(same, node_port());
    }
}
