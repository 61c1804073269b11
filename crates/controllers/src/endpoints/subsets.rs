//! Subsets of a service's endpoints, as Kubernetes packs them: pure functions of the service and its pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service};
use kube::ResourceExt;

use crate::pod;
use crate::service::{self, Port};

/// The service's subsets: addresses that have the same ports together, in a canonical order.
pub(super) fn subsets(service: &Service, pods: &[Arc<Pod>]) -> Vec<EndpointSubset> {
    let unready_too = service::wants_unready(service);
    let mut by_ports: BTreeMap<Vec<Port>, (Vec<EndpointAddress>, Vec<EndpointAddress>)> = BTreeMap::new();
    for pod in pods {
        let (Some(address), ports) = (address(service, pod), service::ports(service, pod)) else { continue };
        let going = pod.metadata.deletion_timestamp.is_some() && !unready_too;
        // a subset without ports would say that all are served; slices keep such a pod
        if going || (ports.is_empty() && !service::is_portless(service)) {
            continue;
        }
        let entry = by_ports.entry(ports).or_default();
        if unready_too || pod::is_ready(pod) { entry.0.push(address) } else { entry.1.push(address) }
    }
    let sorted = |mut addresses: Vec<EndpointAddress>| {
        addresses.sort_by(|a, b| {
            (&a.ip, a.target_ref.as_ref().map(|r| &r.uid)).cmp(&(&b.ip, b.target_ref.as_ref().map(|r| &r.uid)))
        });
        Some(addresses).filter(|addresses| !addresses.is_empty())
    };
    by_ports
        .into_iter()
        .map(|(ports, (ready, unready))| {
            let ports = ports
                .into_iter()
                .map(|port| EndpointPort {
                    name: port.name,
                    port: port.number,
                    protocol: Some(port.protocol),
                    app_protocol: port.app_protocol,
                })
                .collect::<Vec<_>>();
            EndpointSubset {
                addresses: sorted(ready),
                not_ready_addresses: sorted(unready),
                ports: Some(ports).filter(|ports| !ports.is_empty()),
            }
        })
        .collect()
}

fn address(service: &Service, pod: &Pod) -> Option<EndpointAddress> {
    Some(EndpointAddress {
        ip: service::address(pod)?.to_owned(),
        hostname: service::hostname(service, pod),
        node_name: pod.spec.as_ref()?.node_name.clone(),
        target_ref: Some(service::target(pod)),
    })
}

/// Whether writing `wanted` over `known` would change nothing.
pub(super) fn equal(known: &Endpoints, wanted: &Endpoints) -> bool {
    known.labels() == wanted.labels()
        && known.subsets.as_deref().unwrap_or_default() == wanted.subsets.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn service(spec: Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "default"}, "spec": spec})).unwrap()
    }

    fn pod(name: &str, ip: &str, ready: bool, ports: Value) -> Arc<Pod> {
        let status = if ready { "True" } else { "False" };
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}},
                "spec": {"nodeName": "n1", "containers": [{"name": "c", "ports": ports}]},
                "status": {"podIP": ip, "phase": "Running", "conditions": [{"type": "Ready", "status": status}]}
            }))
            .unwrap(),
        )
    }

    fn ips(addresses: &Option<Vec<EndpointAddress>>) -> Vec<&str> {
        addresses.iter().flatten().map(|address| address.ip.as_str()).collect()
    }

    #[test]
    fn ready_and_unready_pods_are_told_apart_and_sorted() {
        let service = service(json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}));
        let pods = [
            pod("b", "10.0.0.2", true, json!([])),
            pod("a", "10.0.0.1", true, json!([])),
            pod("c", "10.0.0.3", false, json!([])),
        ];
        let subsets = subsets(&service, &pods);
        assert_eq!(subsets.len(), 1);
        assert_eq!(ips(&subsets[0].addresses), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(ips(&subsets[0].not_ready_addresses), ["10.0.0.3"]);
        assert_eq!(subsets[0].ports.as_ref().unwrap()[0].port, 8080);
    }

    #[test]
    fn a_named_port_is_each_pods_own() {
        let service =
            service(json!({"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}]}));
        let port = |number: i32| json!([{"name": "web", "containerPort": number}]);
        let pods = [
            pod("a", "10.0.0.1", true, port(80)),
            pod("b", "10.0.0.2", true, port(81)),
            pod("c", "10.0.0.3", true, json!([])),
        ];
        let subsets = subsets(&service, &pods);
        let seen: Vec<_> = subsets.iter().map(|s| (ips(&s.addresses), s.ports.as_ref().unwrap()[0].port)).collect();
        assert_eq!(seen, [(vec!["10.0.0.1"], 80), (vec!["10.0.0.2"], 81)]);
    }

    #[test]
    fn pods_without_an_address_or_on_their_way_out_are_no_endpoints() {
        let mut going = (*pod("a", "10.0.0.1", true, json!([]))).clone();
        going.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
        let mut done = (*pod("b", "10.0.0.2", false, json!([]))).clone();
        done.status.as_mut().unwrap().phase = Some("Succeeded".into());
        let pods = [Arc::new(going), Arc::new(done), pod("c", "", false, json!([]))];
        let of = |spec| subsets(&service(spec), &pods);
        assert!(of(json!({"selector": {"app": "web"}, "ports": [{"port": 80}]})).is_empty());
        let published =
            of(json!({"selector": {"app": "web"}, "ports": [{"port": 80}], "publishNotReadyAddresses": true}));
        assert_eq!(ips(&published[0].addresses), ["10.0.0.1"]);
    }

    #[test]
    fn a_headless_service_needs_no_ports() {
        let headless = service(json!({"selector": {"app": "web"}, "clusterIP": "None"}));
        let subsets = subsets(&headless, &[pod("a", "10.0.0.1", true, json!([]))]);
        assert_eq!((subsets.len(), subsets[0].ports.is_none()), (1, true));
    }
}
