//! What a pod may take of its node's disk, and whether it takes more, by Kubernetes' rules and in its words. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};
use kube_api::quantity::Quantity;

use crate::pod;

/// The resource.
const RESOURCE: &str = "ephemeral-storage";

/// A pod's limits.
#[derive(Debug)]
pub(super) struct Limits {
    /// Of its emptyDirs, by name, those that have one.
    volumes: Vec<(String, Quantity)>,
    /// Of its containers, by name, those that have one.
    containers: Vec<(String, Quantity)>,
    /// Of all that it takes.
    pod: Option<Quantity>,
}

/// What a pod takes, in bytes.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Each of its emptyDirs on disk.
    pub(super) volumes: BTreeMap<String, u64>,
    /// Each of its running containers.
    pub(super) containers: BTreeMap<String, u64>,
}

impl Limits {
    /// What the pod says.
    pub(super) fn of(pod: &Pod) -> Self {
        let volumes = pod::spec(pod).volumes.iter().flatten().filter_map(|volume| {
            let limit = volume.empty_dir.as_ref()?.size_limit.as_ref()?.0.parse().ok()?;
            Some((volume.name.clone(), limit)).filter(|(_, limit)| is_limit(*limit))
        });
        let containers = pod::containers(pod)
            .iter()
            .filter_map(|container| Some((container.name.clone(), of_container(container)?)));
        Self { volumes: volumes.collect(), containers: containers.collect(), pod: of_pod(pod) }
    }

    /// Whether there is nothing that could be exceeded.
    pub(super) fn is_empty(&self) -> bool {
        self.volumes.is_empty() && self.pod.is_none()
    }

    /// Whether it matters how large the emptyDir of that name is.
    pub(super) fn concern(&self, volume: &str) -> bool {
        self.pod.is_some() || self.volumes.iter().any(|(name, _)| name == volume)
    }

    /// The bytes above which a container exceeds every limit; `None` where no container has one.
    pub(super) fn most(&self) -> Option<u64> {
        self.pod.map(|limit| u64::try_from(limit.units()).unwrap_or_default())
    }

    /// What is exceeded: a volume's limit, the pod's, or a container's, looked at in this order.
    pub(super) fn exceeded(&self, usage: &Usage) -> Option<String> {
        let above = |used: Option<&u64>, limit: Quantity| used.is_some_and(|used| bytes(*used) > limit);
        let volume = self.volumes.iter().find(|(name, limit)| above(usage.volumes.get(name), *limit));
        if let Some((name, limit)) = volume {
            return Some(format!("Usage of EmptyDir volume \"{name}\" exceeds the limit \"{limit}\". "));
        }
        let all = usage.volumes.values().chain(usage.containers.values()).sum();
        if let Some(limit) = self.pod.filter(|limit| above(Some(&all), *limit)) {
            return Some(format!("Pod ephemeral local storage usage exceeds the total limit of containers {limit}. "));
        }
        let container = self.containers.iter().find(|(name, limit)| above(usage.containers.get(name), *limit));
        container
            .map(|(name, limit)| format!("Container {name} exceeded its local ephemeral storage limit \"{limit}\". "))
    }
}

/// What all of the pod may take: what its containers and sidecars may together, or, where that is more, what an init container
/// may beside the sidecars that started before it. A container without a limit adds nothing; `None` where no container has one.
fn of_pod(pod: &Pod) -> Option<Quantity> {
    let (mut sidecars, mut most) = (Quantity::ZERO, Quantity::ZERO);
    for container in pod::init_containers(pod) {
        let own = of_container(container).unwrap_or(Quantity::ZERO);
        if pod::is_sidecar(container) {
            sidecars += own;
            most = most.max(sidecars);
        } else {
            most = most.max(own + sidecars);
        }
    }
    let main: Quantity = pod::containers(pod).iter().filter_map(of_container).sum();
    Some(most.max(main + sidecars)).filter(|limit| is_limit(*limit))
}

/// What the container may take; `None` where nobody says.
fn of_container(container: &Container) -> Option<Quantity> {
    let limit: Quantity = container.resources.as_ref()?.limits.as_ref()?.get(RESOURCE)?.0.parse().ok()?;
    Some(limit).filter(|limit| is_limit(*limit))
}

/// A limit of 0 is none.
fn is_limit(limit: Quantity) -> bool {
    limit > Quantity::ZERO
}

fn bytes(bytes: u64) -> Quantity {
    Quantity::from_bytes(i64::try_from(bytes).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MI: u64 = 1 << 20;

    fn limits(spec: Value) -> Limits {
        Limits::of(&serde_json::from_value(json!({"spec": spec})).unwrap())
    }

    fn container(name: &str, limit: &str) -> Value {
        match limit {
            "" => json!({"name": name}),
            limit => json!({"name": name, "resources": {"limits": {RESOURCE: limit}}}),
        }
    }

    fn usage(volumes: &[(&str, u64)], containers: &[(&str, u64)]) -> Usage {
        let of = |list: &[(&str, u64)]| list.iter().map(|(name, used)| ((*name).to_owned(), *used)).collect();
        Usage { volumes: of(volumes), containers: of(containers) }
    }

    #[test]
    fn each_limit_is_held_and_told_in_kubernetes_words() {
        let limits = limits(json!({"containers": [container("a", "5Mi"), container("b", "3072Ki")],
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "2Mi"}}, {"name": "w", "emptyDir": {}}]}));
        let exceeded = |volumes: &[(&str, u64)], containers: &[(&str, u64)]| {
            limits.exceeded(&usage(volumes, containers)).unwrap_or_default()
        };
        assert_eq!(exceeded(&[("v", 2 * MI), ("w", MI)], &[("a", 4 * MI), ("b", MI)]), "", "as much as it may");
        let volume = "Usage of EmptyDir volume \"v\" exceeds the limit \"2Mi\". ";
        assert_eq!(exceeded(&[("v", 2 * MI + 1)], &[("a", 9 * MI)]), volume);
        let pod = "Pod ephemeral local storage usage exceeds the total limit of containers 8Mi. ";
        assert_eq!(exceeded(&[("w", 3 * MI)], &[("a", 4 * MI), ("b", MI + 1)]), pod);
        let of_b = "Container b exceeded its local ephemeral storage limit \"3Mi\". ";
        assert_eq!(exceeded(&[], &[("a", MI), ("b", 3 * MI + 1)]), of_b);
    }

    #[test]
    fn a_container_without_a_limit_counts_against_what_the_others_may() {
        let limits = limits(json!({"containers": [container("a", "5Mi"), container("b", "")]}));
        assert_eq!(limits.most(), Some(5 * MI));
        assert_eq!(limits.exceeded(&usage(&[], &[("b", 5 * MI)])), None);
        let pod = "Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. ";
        assert_eq!(limits.exceeded(&usage(&[], &[("b", 5 * MI + 1)])).as_deref(), Some(pod));
    }

    #[test]
    fn a_pods_limit_is_what_its_containers_may_at_any_time() {
        let mut sidecar = container("s", "1Mi");
        sidecar["restartPolicy"] = json!("Always");
        let of = |init: Value| limits(json!({"initContainers": init, "containers": [container("a", "3Mi")]})).most();
        assert_eq!(of(json!([])), Some(3 * MI));
        assert_eq!(of(json!([container("i", "2Mi")])), Some(3 * MI));
        assert_eq!(of(json!([container("i", "9Mi"), sidecar.clone()])), Some(9 * MI));
        assert_eq!(of(json!([sidecar.clone(), container("i", "9Mi")])), Some(10 * MI));
        assert_eq!(of(json!([sidecar])), Some(4 * MI));
    }

    #[test]
    fn a_pod_without_limits_is_not_measured() {
        let empty = limits(json!({"containers": [container("a", ""), container("b", "0")],
            "volumes": [{"name": "v", "emptyDir": {}}]}));
        assert!(empty.is_empty() && empty.most().is_none());
        let volume = limits(json!({"containers": [container("a", "")],
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]}));
        assert!(!volume.is_empty() && volume.most().is_none(), "its containers are not");
        assert!(volume.concern("v") && !volume.concern("w"), "nor are its other volumes");
    }
}
