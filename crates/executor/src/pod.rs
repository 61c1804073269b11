//! What a pod says of itself, asked the way the executor needs it.

use k8s_openapi::api::core::v1::{Container, ContainerPort, Pod, PodSpec};
use sha2::{Digest, Sha256};

/// Kubernetes' default grace period, seconds.
pub const DEFAULT_GRACE: i64 = 30;

/// When a pod's containers are started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Whenever they end.
    Always,
    /// When they end with a code other than 0.
    OnFailure,
    /// Not at all.
    Never,
}

/// The pod's UID, empty where it has none.
#[must_use]
pub fn uid(pod: &Pod) -> &str {
    pod.metadata.uid.as_deref().unwrap_or_default()
}

/// The pod's name.
#[must_use]
pub fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// The pod's namespace.
#[must_use]
pub fn namespace(pod: &Pod) -> &str {
    pod.metadata.namespace.as_deref().unwrap_or("default")
}

/// The value of an annotation.
#[must_use]
pub fn annotation<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// The pod's spec; a pod without one runs nothing.
#[must_use]
pub fn spec(pod: &Pod) -> &PodSpec {
    static NONE: std::sync::LazyLock<PodSpec> = std::sync::LazyLock::new(PodSpec::default);
    pod.spec.as_ref().unwrap_or(&NONE)
}

/// Its containers.
#[must_use]
pub fn containers(pod: &Pod) -> &[Container] {
    &spec(pod).containers
}

/// Its init containers.
#[must_use]
pub fn init_containers(pod: &Pod) -> &[Container] {
    spec(pod).init_containers.as_deref().unwrap_or_default()
}

/// All its containers, init containers first.
pub fn all_containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    init_containers(pod).iter().chain(containers(pod))
}

/// The container of that name, init containers included.
#[must_use]
pub fn container<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    all_containers(pod).find(|container| container.name == name)
}

/// An init container that stays beside the others.
#[must_use]
pub fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// When its containers are started again.
#[must_use]
pub fn restart_policy(pod: &Pod) -> RestartPolicy {
    match spec(pod).restart_policy.as_deref() {
        Some("Never") => RestartPolicy::Never,
        Some("OnFailure") => RestartPolicy::OnFailure,
        _ => RestartPolicy::Always,
    }
}

/// Whether the pod lives in its node's network namespace.
#[must_use]
pub fn host_network(pod: &Pod) -> bool {
    spec(pod).host_network == Some(true)
}

/// Seconds its containers get to end, where nobody says otherwise.
#[must_use]
pub fn grace(pod: &Pod) -> i64 {
    spec(pod).termination_grace_period_seconds.unwrap_or(DEFAULT_GRACE).max(0)
}

/// The pod's phase as the API server has it.
#[must_use]
pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// Whether the API server knows the pod as ended.
#[must_use]
pub fn has_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether somebody asked for its deletion.
#[must_use]
pub fn is_deleted(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// What tells a container made from this one from another: its name and image, which alone may change in a pod.
#[must_use]
pub fn hash(container: &Container) -> String {
    let mut hasher = Sha256::new();
    hasher.update(container.name.as_bytes());
    hasher.update([0]);
    hasher.update(container.image.as_deref().unwrap_or_default().as_bytes());
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Guaranteed, Burstable or BestEffort, as Kubernetes tells it from requests and limits of cpu and memory.
#[must_use]
pub fn qos_class(pod: &Pod) -> &'static str {
    let (mut any, mut guaranteed) = (false, true);
    for container in all_containers(pod) {
        let resources = container.resources.as_ref();
        for resource in ["cpu", "memory"] {
            let request = resources.and_then(|r| r.requests.as_ref()?.get(resource)).filter(|q| q.0 != "0");
            let limit = resources.and_then(|r| r.limits.as_ref()?.get(resource)).filter(|q| q.0 != "0");
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// What the pod asks for and this node leaves out, by container: told in events rather than passed over.
#[must_use]
pub fn left_out(pod: &Pod) -> Vec<(&str, &'static str)> {
    let mut all = Vec::new();
    for container in all_containers(pod).filter(|_| !host_network(pod)) {
        if container.ports.iter().flatten().any(is_other_host_port) {
            let what = "hostPort is served by this node for TCP alone: the container is reached at the pod's address";
            all.push((container.name.as_str(), what));
        }
    }
    if spec(pod).host_ipc == Some(true) {
        all.push(("", "hostIPC is not served by this node: the pod's containers share an IPC namespace of their own"));
    }
    all
}

/// A port of the node in a protocol that is not passed on.
fn is_other_host_port(port: &ContainerPort) -> bool {
    port.host_port.is_some_and(|port| port > 0) && port.protocol.as_deref().is_some_and(|protocol| protocol != "TCP")
}

/// The bytes of memory that the pod's containers may have together, where each of them has a limit.
#[must_use]
pub fn memory_limit(pod: &Pod) -> Option<f64> {
    let limit = |container: &Container| {
        let limit = container.resources.as_ref()?.limits.as_ref()?.get("memory")?;
        limit.0.parse().ok().map(kube_api::quantity::Quantity::as_f64)
    };
    containers(pod).iter().map(limit).sum()
}

/// An image's name with its default tag: `nginx` is `nginx:latest`.
#[must_use]
pub fn image_with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || image.contains('@') { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(spec: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({"metadata": {"name": "p"}, "spec": spec})).unwrap()
    }

    #[test]
    fn qos_follows_requests_and_limits() {
        let with = |resources| pod(serde_json::json!({"containers": [{"name": "c", "resources": resources}]}));
        let limits = serde_json::json!({"cpu": "1", "memory": "64Mi"});
        assert_eq!(qos_class(&with(serde_json::json!({}))), "BestEffort");
        assert_eq!(qos_class(&with(serde_json::json!({"limits": limits}))), "Guaranteed");
        assert_eq!(qos_class(&with(serde_json::json!({"limits": limits, "requests": {"cpu": "500m"}}))), "Burstable");
        assert_eq!(qos_class(&with(serde_json::json!({"requests": {"cpu": "500m"}}))), "Burstable");
    }

    #[test]
    fn images_get_their_tag() {
        for (image, tagged) in [
            ("nginx", "nginx:latest"),
            ("registry:5000/nginx", "registry:5000/nginx:latest"),
            ("nginx:1", "nginx:1"),
            ("a@sha256:00", "a@sha256:00"),
        ] {
            assert_eq!(image_with_tag(image), tagged);
        }
    }

    #[test]
    fn what_is_left_out_is_named() {
        let pod = pod(
            serde_json::json!({"hostIPC": true, "containers": [{"name": "a"}, {"name": "b", "ports": [{"containerPort": 80, "hostPort": 31000, "protocol": "UDP"}]}, {"name": "c"}]}),
        );
        let names: Vec<_> = left_out(&pod).into_iter().map(|(container, _)| container).collect();
        assert_eq!(names, ["b", ""]);
    }

    #[test]
    fn the_hash_is_of_name_and_image() {
        let one = pod(serde_json::json!({"containers": [{"name": "c", "image": "a"}]}));
        let same = pod(serde_json::json!({"containers": [{"name": "c", "image": "a", "tty": true}]}));
        let other = pod(serde_json::json!({"containers": [{"name": "c", "image": "b"}]}));
        assert_eq!(hash(&containers(&one)[0]), hash(&containers(&same)[0]));
        assert_ne!(hash(&containers(&one)[0]), hash(&containers(&other)[0]));
    }
}
