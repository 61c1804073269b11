//! The host ports that a pod wants (reference/k8sm-behaviour.md, section 2.10).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};

/// A port that the pod wants from the offer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PortAsk {
    /// Index of the container in the pod, counted over its containers and then its init containers.
    pub container: usize,
    /// Index of the port in the container.
    pub index: usize,
    /// The port's name, where it has one.
    pub name: Option<String>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The port inside the pod.
    pub container_port: u16,
    /// The host port demanded; `None` takes any of the offer.
    pub host_port: Option<u16>,
    /// The address of the host that is meant; empty is all of them.
    pub host_ip: String,
}

impl PortAsk {
    /// Whether the two cannot have one host port at one time: of the same protocol, and at an address in common.
    #[must_use]
    pub fn conflicts(&self, other: &Self) -> bool {
        let all = |ip: &str| ip.is_empty() || ip == "0.0.0.0";
        self.host_port.is_some()
            && self.host_port == other.host_port
            && self.protocol == other.protocol
            && (all(&self.host_ip) || all(&other.host_ip) || self.host_ip == other.host_ip)
    }
}

/// The host ports that the pod's containers and sidecars want; wildcard ones only where the strategy gives them.
pub(super) fn port_asks(pod: &Pod, wildcard_by_default: bool) -> Result<Vec<PortAsk>, String> {
    let empty = BTreeMap::new();
    let strategy = pod.metadata.labels.as_ref().and_then(|labels| labels.get(crate::annotations::PORT_MAPPING));
    let wildcard = match strategy.map(String::as_str) {
        Some("wildcard") => true,
        Some("fixed") => false,
        _ => wildcard_by_default,
    };
    let bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let annotations = pod.metadata.annotations.as_ref().filter(|_| bound).unwrap_or(&empty);
    let mut asks: Vec<PortAsk> = Vec::new();
    for (container, spec) in running(pod) {
        for (index, port) in spec.ports.iter().flatten().enumerate() {
            let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
            let container_port = u16::try_from(port.container_port).map_err(|_| no_port(port.container_port))?;
            // a pod that is launched again keeps the host ports its clients know
            let kept =
                annotations.get(&crate::annotations::port(&protocol, container_port)).and_then(|p| p.parse().ok());
            let host_port = match port.host_port.filter(|port| *port != 0) {
                Some(port) => Some(u16::try_from(port).map_err(|_| no_port(port))?),
                None => kept,
            };
            if host_port.is_none() && !wildcard {
                continue;
            }
            let (name, host_ip) = (port.name.clone(), port.host_ip.clone().unwrap_or_default());
            let ask = PortAsk { container, index, name, protocol, container_port, host_port, host_ip };
            if asks.iter().any(|other| ask.conflicts(other)) {
                return Err(format!("host port {} is asked for twice", host_port.unwrap_or_default()));
            }
            asks.push(ask);
        }
    }
    // demanded ports first, so that no wildcard takes one of them
    asks.sort_by_key(|ask| ask.host_port.is_none());
    Ok(asks)
}

/// The containers that run side by side, with their place.
fn running(pod: &Pod) -> impl Iterator<Item = (usize, &Container)> {
    pod.spec.iter().flat_map(|spec| {
        let all = spec.containers.iter().chain(spec.init_containers.iter().flatten()).enumerate();
        all.filter(|(at, container)| {
            *at < spec.containers.len() || container.restart_policy.as_deref() == Some("Always")
        })
    })
}

fn no_port(port: i32) -> String {
    format!("{port} is no port")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asks(pod: serde_json::Value) -> Result<Vec<PortAsk>, String> {
        port_asks(&serde_json::from_value(pod).unwrap(), false)
    }

    fn pod(containers: serde_json::Value) -> serde_json::Value {
        json!({"metadata": {"name": "p"}, "spec": {"containers": containers}})
    }

    #[test]
    fn fixed_ports_are_those_named_and_wildcards_take_the_rest() {
        let ports = json!([{"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 31000}]}]);
        let fixed = asks(pod(ports.clone())).unwrap();
        assert_eq!(fixed.iter().map(|ask| ask.host_port).collect::<Vec<_>>(), [Some(31000)]);
        let mut value = pod(ports);
        value["metadata"]["labels"] = json!({"k8s.mesosphere.io/portMapping": "wildcard"});
        let wildcard = asks(value.clone()).unwrap();
        assert_eq!(wildcard.iter().map(|ask| ask.host_port).collect::<Vec<_>>(), [Some(31000), None]);
        value["metadata"]["annotations"] = json!({"k8s.mesosphere.io/port_TCP_80": "8005"});
        value["spec"]["nodeName"] = json!("mesosslave1");
        let again = asks(value).unwrap();
        assert!(again.iter().any(|ask| ask.host_port == Some(8005)), "kept over a relaunch: {again:?}");
    }

    #[test]
    fn a_port_asked_for_twice_is_refused() {
        let twice = json!([{"name": "a", "ports": [
            {"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]}]);
        assert!(asks(pod(twice)).unwrap_err().contains("80"));
        let apart = json!([{"name": "a", "ports": [{"containerPort": 80, "hostPort": 80, "hostIP": "127.0.0.1"},
            {"containerPort": 81, "hostPort": 80, "hostIP": "10.0.0.1"}, {"containerPort": 82, "hostPort": 80, "protocol": "UDP"}]}]);
        assert_eq!(asks(pod(apart)).unwrap().len(), 3);
    }

    #[test]
    fn sidecars_have_host_ports_and_other_init_containers_none() {
        let ports = |port: u16| json!([{"containerPort": 80, "hostPort": port}]);
        let spec = json!({"containers": [{"name": "a", "ports": ports(8000)}], "initContainers": [
            {"name": "gone", "ports": ports(8001)}, {"name": "stays", "restartPolicy": "Always", "ports": ports(8002)}]});
        let asks = asks(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap();
        let seen: Vec<_> = asks.iter().map(|ask| (ask.container, ask.host_port)).collect();
        assert_eq!(seen, [(0, Some(8000)), (2, Some(8002))]);
    }
}
