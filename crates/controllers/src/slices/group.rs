//! The endpoints that a service is to have, by family and ports: pure functions of what it is made from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointSubset, Endpoints, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort};

use crate::pod;
use crate::service::{self, Port};

/// The family of pods' addresses.
const IPV4: &str = "IPv4";
/// Addresses of one subset that are mirrored (Kubernetes' `--mirroring-max-endpoints-per-subset`).
const MOST_MIRRORED: usize = 1000;

/// Endpoints that lie in slices together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// `addressType` of the slices.
    pub(super) family: &'static str,
    /// Ports of all these endpoints.
    pub(super) ports: Vec<EndpointPort>,
    /// The endpoints, in no order that means anything; none keeps one slice that says so.
    pub(super) endpoints: Vec<Endpoint>,
}

/// Endpoints of the service's pods. A pod that has none of the ports is one too, without ports: by name it is found all the same.
/// There is always a group, so that readers can tell a service without endpoints from one that has not been looked at.
pub(super) fn of_pods(service: &Service, pods: &[Arc<Pod>]) -> Vec<Group> {
    let mut by_ports: BTreeMap<Vec<Port>, Vec<Endpoint>> = BTreeMap::new();
    for pod in pods {
        let Some(endpoint) = of_pod(service, pod) else { continue };
        by_ports.entry(service::ports(service, pod)).or_default().push(endpoint);
    }
    if by_ports.is_empty() {
        return vec![Group { family: IPV4, ports: Vec::new(), endpoints: Vec::new() }];
    }
    let group = |(ports, endpoints): (Vec<Port>, Vec<Endpoint>)| {
        let ports = ports.into_iter().map(|port| EndpointPort {
            name: Some(port.name.unwrap_or_default()),
            port: Some(port.number),
            protocol: Some(port.protocol),
            app_protocol: port.app_protocol,
        });
        Group { family: IPV4, ports: ports.collect(), endpoints }
    };
    by_ports.into_iter().map(group).collect()
}

/// The conditions are those of Kubernetes: what terminates is not ready, but may still serve.
fn of_pod(service: &Service, pod: &Pod) -> Option<Endpoint> {
    let address = service::address(pod).filter(|address| family(address) == Some(IPV4))?;
    let (serving, terminating) = (pod::is_ready(pod), pod.metadata.deletion_timestamp.is_some());
    Some(Endpoint {
        addresses: vec![address.to_owned()],
        conditions: Some(EndpointConditions {
            ready: Some(service::wants_unready(service) || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: service::hostname(service, pod),
        node_name: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        target_ref: Some(service::target(pod)),
        ..Endpoint::default()
    })
}

/// The same as the Endpoints say; those without any address have no group.
pub(super) fn of_endpoints(endpoints: &Endpoints) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for subset in endpoints.subsets.iter().flatten() {
        let ports = mirrored_ports(subset);
        let ready = subset.addresses.iter().flatten().map(|address| (address, true));
        let unready = subset.not_ready_addresses.iter().flatten().map(|address| (address, false));
        for (address, ready) in ready.chain(unready).take(MOST_MIRRORED) {
            let Some(family) = family(&address.ip) else { continue };
            let at =
                groups.iter().position(|group| group.family == family && group.ports == ports).unwrap_or_else(|| {
                    groups.push(Group { family, ports: ports.clone(), endpoints: Vec::new() });
                    groups.len() - 1
                });
            groups[at].endpoints.push(mirrored(address, ready));
        }
    }
    groups
}

fn mirrored_ports(subset: &EndpointSubset) -> Vec<EndpointPort> {
    let ports = subset.ports.iter().flatten().map(|port| EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: Some(port.port),
        protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
        app_protocol: port.app_protocol.clone(),
    });
    ports.collect()
}

/// Nothing is known of whoever is behind the address but whether it is ready.
fn mirrored(address: &EndpointAddress, ready: bool) -> Endpoint {
    Endpoint {
        addresses: vec![address.ip.clone()],
        conditions: Some(EndpointConditions { ready: Some(ready), ..EndpointConditions::default() }),
        hostname: address.hostname.clone().filter(|name| !name.is_empty()),
        node_name: address.node_name.clone(),
        target_ref: address.target_ref.clone(),
        ..Endpoint::default()
    }
}

fn family(address: &str) -> Option<&'static str> {
    match address.parse() {
        Ok(IpAddr::V4(_)) => Some(IPV4),
        Ok(IpAddr::V6(_)) => Some("IPv6"),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn service(spec: Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "ns"}, "spec": spec})).unwrap()
    }

    fn pod(name: &str, change: Value) -> Arc<Pod> {
        let mut pod = json!({
            "metadata": {"name": name, "namespace": "ns", "uid": name, "labels": {"app": "web"}},
            "spec": {"nodeName": "n1", "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"podIP": format!("10.0.0.{}", name.len()), "phase": "Running",
                       "conditions": [{"type": "Ready", "status": "True"}]}
        });
        for (path, value) in change.as_object().unwrap() {
            let (parent, field) = path.rsplit_once('/').unwrap();
            pod.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    fn conditions(groups: &[Group]) -> Value {
        let all = groups.iter().flat_map(|group| &group.endpoints).map(|endpoint| &endpoint.conditions);
        serde_json::to_value(all.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn an_endpoint_is_the_pod_as_kubernetes_shows_it() {
        let service =
            service(json!({"selector": {"app": "web"}, "ports": [{"name": "web", "port": 80, "targetPort": "http"}]}));
        let named = pod("a", json!({"/spec/hostname": "first", "/spec/subdomain": "web"}));
        let groups = of_pods(&service, &[named]);
        assert_eq!(groups.len(), 1);
        assert_eq!(
            serde_json::to_value((&groups[0].ports, &groups[0].endpoints)).unwrap(),
            json!([[{"name": "web", "port": 8080, "protocol": "TCP"}],
                [{"addresses": ["10.0.0.1"], "conditions": {"ready": true, "serving": true, "terminating": false},
                  "hostname": "first", "nodeName": "n1",
                  "targetRef": {"kind": "Pod", "namespace": "ns", "name": "a", "uid": "a"}}]])
        );
    }

    #[test]
    fn what_terminates_serves_but_is_not_ready_unless_all_are() {
        let spec = json!({"selector": {"app": "web"}, "ports": [{"port": 80}]});
        let going = || pod("a", json!({"/metadata/deletionTimestamp": "2026-01-01T00:00:00Z"}));
        let unready = || pod("bb", json!({"/status/conditions": []}));
        assert_eq!(
            conditions(&of_pods(&service(spec.clone()), &[going(), unready()])),
            json!([{"ready": false, "serving": true, "terminating": true},
                   {"ready": false, "serving": false, "terminating": false}])
        );
        let mut published = spec;
        published["publishNotReadyAddresses"] = json!(true);
        assert_eq!(
            conditions(&of_pods(&service(published), &[going(), unready()])),
            json!([{"ready": true, "serving": true, "terminating": true},
                   {"ready": true, "serving": false, "terminating": false}])
        );
    }

    #[test]
    fn a_service_without_endpoints_has_an_empty_group() {
        let service = service(json!({"selector": {"app": "web"}, "ports": [{"port": 80}]}));
        let pods = [pod("a", json!({"/status/podIP": ""})), pod("bb", json!({"/status/phase": "Failed"}))];
        assert_eq!(of_pods(&service, &pods), [Group { family: IPV4, ports: Vec::new(), endpoints: Vec::new() }]);
    }

    #[test]
    fn a_pod_without_the_services_port_is_an_endpoint_without_ports() {
        let service =
            service(json!({"selector": {"app": "web"}, "ports": [{"name": "web", "port": 80, "targetPort": "http"}]}));
        let without = pod("bb", json!({"/spec/containers": [{"name": "c"}]}));
        let groups = of_pods(&service, &[pod("a", json!({})), without]);
        let seen: Vec<_> = groups
            .iter()
            .map(|group| {
                (group.ports.iter().map(|port| port.port).collect::<Vec<_>>(), &group.endpoints[0].addresses[0])
            })
            .collect();
        assert_eq!(seen, [(vec![], &"10.0.0.2".to_owned()), (vec![Some(8080)], &"10.0.0.1".to_owned())]);
    }

    #[test]
    fn mirrored_endpoints_are_grouped_by_family_and_ports() {
        let endpoints: Endpoints = serde_json::from_value(json!({"metadata": {"name": "db"}, "subsets": [
            {"addresses": [{"ip": "10.1.0.1", "nodeName": "n1"}, {"ip": "fd00::1"}], "ports": [{"port": 5432}]},
            {"notReadyAddresses": [{"ip": "10.1.0.2", "hostname": "b"}], "ports": [{"port": 5432, "protocol": "TCP"}]},
            {"addresses": [{"ip": "not an address"}], "ports": [{"port": 1}]}
        ]}))
        .unwrap();
        let groups = of_endpoints(&endpoints);
        let seen: Vec<_> = groups.iter().map(|group| (group.family, group.endpoints.len())).collect();
        assert_eq!(seen, [("IPv4", 2), ("IPv6", 1)]);
        assert_eq!(
            serde_json::to_value(&groups[0].endpoints).unwrap(),
            json!([{"addresses": ["10.1.0.1"], "conditions": {"ready": true}, "nodeName": "n1"},
                   {"addresses": ["10.1.0.2"], "conditions": {"ready": false}, "hostname": "b"}])
        );
    }
}
