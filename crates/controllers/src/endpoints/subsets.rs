//! Subsets of a service's endpoints, as Kubernetes packs them: pure functions of the service and its pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service, ServicePort,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use crate::pod;

/// Whether endpoints are made for the service at all.
pub(super) fn has_selector(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    let external = spec.and_then(|spec| spec.type_.as_deref()) == Some("ExternalName");
    !external && spec.and_then(|spec| spec.selector.as_ref()).is_some_and(|selector| !selector.is_empty())
}

/// Whether the service selects the pod.
pub(super) fn selects(service: &Service, pod: &Pod) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    has_selector(service)
        && service.namespace() == pod.namespace()
        && selector.is_some_and(|selector| selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value)))
}

/// Whether a change of the pod changes no endpoint.
pub(super) fn same_endpoint(old: &Pod, new: &Pod) -> bool {
    let of = |pod: &Pod| {
        let status = pod.status.as_ref();
        let spec = pod.spec.as_ref();
        (
            pod.uid(),
            status.and_then(|status| status.pod_ip.clone()),
            pod::is_ready(pod),
            pod::is_active(pod),
            pod.labels().clone(),
            spec.map(|spec| (spec.node_name.clone(), spec.hostname.clone(), spec.subdomain.clone())),
        )
    };
    of(old) == of(new)
}

/// A port of a subset, in an order that does not depend on pods.
type Ports = Vec<(Option<String>, i32, String)>;

/// The service's subsets: addresses that have the same ports together, in a canonical order.
pub(super) fn subsets(service: &Service, pods: &[Arc<Pod>]) -> Vec<EndpointSubset> {
    let spec = service.spec.clone().unwrap_or_default();
    let unready_too = spec.publish_not_ready_addresses.unwrap_or(false);
    let headless = spec.cluster_ip.as_deref() == Some("None");
    let mut by_ports: BTreeMap<Ports, (Vec<EndpointAddress>, Vec<EndpointAddress>)> = BTreeMap::new();
    for pod in pods {
        let Some(address) = address(service, pod) else { continue };
        let going = pod.metadata.deletion_timestamp.is_some() && !unready_too;
        if going || pod::is_finished(pod) {
            continue;
        }
        let ports: Ports = spec.ports.iter().flatten().filter_map(|port| resolve(port, pod)).collect();
        // a service with ports of which this pod has none does not reach it
        if ports.is_empty() && !(headless && spec.ports.as_ref().is_none_or(Vec::is_empty)) {
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
                .map(|(name, port, protocol)| EndpointPort { name, port, protocol: Some(protocol), app_protocol: None })
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
    let ip = pod.status.as_ref()?.pod_ip.clone().filter(|ip| !ip.is_empty())?;
    let spec = pod.spec.as_ref()?;
    let named = spec.subdomain.as_deref() == service.metadata.name.as_deref() && service.namespace() == pod.namespace();
    Some(EndpointAddress {
        ip,
        hostname: spec.hostname.clone().filter(|name| named && !name.is_empty()),
        node_name: spec.node_name.clone(),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.namespace(),
            name: pod.metadata.name.clone(),
            uid: pod.uid(),
            ..ObjectReference::default()
        }),
    })
}

/// The port of the pod that a service port means; `None` where the pod has no port of that name.
fn resolve(port: &ServicePort, pod: &Pod) -> Option<(Option<String>, i32, String)> {
    let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    let number = match &port.target_port {
        None | Some(IntOrString::Int(0)) => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let ports = pod
                .spec
                .iter()
                .flat_map(|spec| &spec.containers)
                .flat_map(|container| container.ports.iter().flatten());
            let mut named = ports.filter(|known| {
                known.name.as_ref() == Some(name) && known.protocol.as_deref().unwrap_or("TCP") == protocol
            });
            named.next()?.container_port
        }
    };
    Some((port.name.clone(), number, protocol))
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

    #[test]
    fn services_without_selector_have_none() {
        assert!(!has_selector(&service(json!({"ports": [{"port": 80}]}))));
        assert!(!has_selector(&service(json!({"type": "ExternalName", "selector": {"a": "b"}}))));
    }
}
