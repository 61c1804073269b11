//! What controllers want to know of services and of the pods behind them; `endpoints` and `slices` tell it in their own forms.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ObjectReference, Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use crate::context::Context;
use crate::pod;
use crate::queue::Queue;
use crate::store::{Change, Key, key};

/// The label by which Kubernetes marks what belongs to a headless service.
pub const HEADLESS: &str = "service.kubernetes.io/headless";

/// A port of a service as one pod has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The service port's name.
    pub name: Option<String>,
    /// Where the pod listens.
    pub number: i32,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The service port's `appProtocol`.
    pub app_protocol: Option<String>,
}

/// Has `queue` told of the services that a change of a service or of a pod concerns.
pub fn listen(context: &Context, queue: &Arc<Queue<Key>>) {
    let own = Arc::clone(queue);
    context.services.listen(move |change| {
        if let Some(service) = change.any() {
            own.add(key(&**service));
        }
    });
    let (own, services) = (Arc::clone(queue), Arc::clone(&context.services));
    context.pods.listen(move |change: &Change<Pod>| {
        if matches!((change.old, change.new), (Some(old), Some(new)) if same_endpoint(old, new)) {
            return;
        }
        for pod in change.old.into_iter().chain(change.new) {
            for service in services.select(|service| selects(service, pod)) {
                own.add(key(&*service));
            }
        }
    });
}

/// Whether the service is a name for something outside.
#[must_use]
pub fn is_external(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("ExternalName")
}

/// Whether the service's endpoints are its pods; those of other services are somebody else's affair.
#[must_use]
pub fn has_selector(service: &Service) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    !is_external(service) && selector.is_some_and(|selector| !selector.is_empty())
}

/// Whether the service selects the pod.
#[must_use]
pub fn selects(service: &Service, pod: &Pod) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    has_selector(service)
        && service.metadata.namespace == pod.metadata.namespace
        && selector.is_some_and(|selector| selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value)))
}

/// Whether the service has no address of its own.
#[must_use]
pub fn is_headless(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None")
}

/// Whether pods serve before they are ready and while they end.
#[must_use]
pub fn wants_unready(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses).unwrap_or(false)
}

/// The pod's address, where it is one that a service may send to: a pod that has ended is none.
#[must_use]
pub fn address(pod: &Pod) -> Option<&str> {
    let address = pod.status.as_ref()?.pod_ip.as_deref().filter(|ip| !ip.is_empty())?;
    (!pod::is_finished(pod)).then_some(address)
}

/// The service's ports as the pod has them, in the service's order; none where it has none of those that the service names.
#[must_use]
pub fn ports(service: &Service, pod: &Pod) -> Vec<Port> {
    wanted(service).iter().filter_map(|port| resolve(port, pod)).collect()
}

/// Whether the service wants no ports of its pods. Only what has no address of its own can do without: its pods are found by
/// name.
#[must_use]
pub fn is_portless(service: &Service) -> bool {
    wanted(service).is_empty() && is_headless(service)
}

fn wanted(service: &Service) -> &[ServicePort] {
    service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default()
}

/// The port of the pod that a service port means; `None` where the pod has no port of that name.
fn resolve(port: &ServicePort, pod: &Pod) -> Option<Port> {
    let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    let number = match &port.target_port {
        None | Some(IntOrString::Int(0)) => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut named = containers.flat_map(|container| container.ports.iter().flatten()).filter(|known| {
                known.name.as_ref() == Some(name) && known.protocol.as_deref().unwrap_or("TCP") == protocol
            });
            named.next()?.container_port
        }
    };
    Some(Port { name: port.name.clone(), number, protocol, app_protocol: port.app_protocol.clone() })
}

/// The pod's name within the service's domain, where it has one.
#[must_use]
pub fn hostname(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let named = spec.subdomain.is_some() && spec.subdomain == service.metadata.name;
    spec.hostname.clone().filter(|name| named && !name.is_empty())
}

/// The pod as endpoints name it.
#[must_use]
pub fn target(pod: &Pod) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        namespace: pod.namespace(),
        name: pod.metadata.name.clone(),
        uid: pod.uid(),
        ..ObjectReference::default()
    }
}

/// Whether a change of the pod changes no endpoint.
fn same_endpoint(old: &Pod, new: &Pod) -> bool {
    let place = |pod: &Pod| {
        pod.spec.as_ref().map(|spec| (spec.node_name.clone(), spec.hostname.clone(), spec.subdomain.clone()))
    };
    let state = |pod: &Pod| (pod::is_ready(pod), pod.metadata.deletion_timestamp.is_some());
    old.metadata.uid == new.metadata.uid
        && address(old) == address(new)
        && state(old) == state(new)
        && old.labels() == new.labels()
        && place(old) == place(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(spec: serde_json::Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap()
    }

    #[test]
    fn services_without_selector_select_nothing() {
        assert!(!has_selector(&service(json!({"ports": [{"port": 80}]}))));
        assert!(!has_selector(&service(json!({"selector": {}}))));
        assert!(!has_selector(&service(json!({"type": "ExternalName", "selector": {"a": "b"}}))));
    }

    #[test]
    fn only_what_endpoints_show_of_a_pod_matters() {
        let pod = |change: serde_json::Value| -> Pod {
            let mut pod = json!({
                "metadata": {"name": "a", "uid": "1", "labels": {"app": "web"}}, "spec": {"containers": []},
                "status": {"podIP": "10.0.0.1", "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            });
            for (path, value) in change.as_object().unwrap() {
                *pod.pointer_mut(path).unwrap() = value.clone();
            }
            serde_json::from_value(pod).unwrap()
        };
        let before = pod(json!({}));
        assert!(same_endpoint(
            &before,
            &pod(json!({"/status": {"podIP": "10.0.0.1", "phase": "Running", "message": "m",
            "conditions": [{"type": "Ready", "status": "True"}]}}))
        ));
        for (path, value) in [
            ("/status/podIP", json!("10.0.0.2")),
            ("/status/conditions/0/status", json!("False")),
            ("/status/phase", json!("Failed")),
            ("/metadata/labels/app", json!("other")),
            (
                "/metadata",
                json!({"name": "a", "uid": "1", "labels": {"app": "web"}, "deletionTimestamp": "2026-01-01T00:00:00Z"}),
            ),
            ("/spec", json!({"containers": [], "nodeName": "n1"})),
        ] {
            assert!(!same_endpoint(&before, &pod(json!({path: value}))), "{path}");
        }
    }
}
