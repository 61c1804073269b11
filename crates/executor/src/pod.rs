//! What a pod says of itself, asked the way the executor needs it.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, EphemeralContainer, Pod, PodSpec, PodStatus};
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

/// The containers that were added to it while it ran (`kubectl debug`), each as a container like others.
#[must_use]
pub fn ephemeral_containers(pod: &Pod) -> Vec<Container> {
    spec(pod).ephemeral_containers.iter().flatten().map(plain).collect()
}

/// The container whose processes an ephemeral container is to see, if it names one.
#[must_use]
pub fn target_of<'a>(pod: &'a Pod, ephemeral: &str) -> Option<&'a str> {
    let mut all = spec(pod).ephemeral_containers.iter().flatten();
    let target = all.find(|container| container.name == ephemeral)?.target_container_name.as_deref();
    target.filter(|target| !target.is_empty())
}

fn plain(of: &EphemeralContainer) -> Container {
    let of = of.clone();
    Container {
        args: of.args,
        command: of.command,
        env: of.env,
        env_from: of.env_from,
        image: of.image,
        image_pull_policy: of.image_pull_policy,
        name: of.name,
        security_context: of.security_context,
        stdin: of.stdin,
        stdin_once: of.stdin_once,
        termination_message_path: of.termination_message_path,
        termination_message_policy: of.termination_message_policy,
        tty: of.tty,
        volume_mounts: of.volume_mounts,
        working_dir: of.working_dir,
        // the API server lets it have no others: no ports, probes, hooks, resources
        ..Container::default()
    }
}

/// All its containers, init containers first, ephemeral ones not.
pub fn all_containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    init_containers(pod).iter().chain(containers(pod))
}

/// The container of that name, init and ephemeral containers included.
#[must_use]
pub fn container<'a>(pod: &'a Pod, name: &str) -> Option<Cow<'a, Container>> {
    let own = all_containers(pod).find(|container| container.name == name).map(Cow::Borrowed);
    own.or_else(|| {
        let mut added = spec(pod).ephemeral_containers.iter().flatten();
        added.find(|container| container.name == name).map(|container| Cow::Owned(plain(container)))
    })
}

/// The pod's name in the cluster's DNS, which it has with a subdomain; `domain` is the cluster's.
#[must_use]
pub fn full_name(pod: &Pod, hostname: &str, domain: &str) -> Option<String> {
    let subdomain = spec(pod).subdomain.as_deref().filter(|subdomain| !subdomain.is_empty())?;
    Some(format!("{hostname}.{subdomain}.{}.svc.{domain}", namespace(pod)))
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

/// What a status says of the container `name`.
#[must_use]
pub fn status_of<'a>(status: &'a PodStatus, name: &str) -> Option<&'a ContainerStatus> {
    let lists = [&status.container_statuses, &status.init_container_statuses, &status.ephemeral_container_statuses];
    lists.into_iter().flatten().flatten().find(|status| status.name == name)
}

/// The code that the container `name` has ended with for all that a status says.
#[must_use]
pub fn told_code(status: &PodStatus, name: &str) -> Option<i32> {
    status_of(status, name)?.state.as_ref()?.terminated.as_ref().map(|ended| ended.exit_code)
}

/// Whether there has been a container that the status tells of, though there may be none any more.
#[must_use]
pub fn has_been(status: &ContainerStatus) -> bool {
    let ended = status.last_state.as_ref().is_some_and(|state| state.terminated.is_some());
    status.container_id.is_some() || ended || status.restart_count > 0
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

/// The names of containers that are others in `new` than they were in `old`.
pub fn redefined<'a>(old: &Pod, new: &'a Pod) -> impl Iterator<Item = &'a str> {
    let before: Vec<_> = all_containers(old).map(|container| (container.name.clone(), hash(container))).collect();
    let changed = all_containers(new).filter(move |container| {
        before.iter().any(|(name, before)| *name == container.name && *before != hash(container))
    });
    changed.map(|container| container.name.as_str())
}

/// Guaranteed, Burstable or BestEffort, as the API server found it to be when the pod was made.
#[must_use]
pub fn qos_class(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.qos_class.as_deref()).unwrap_or("BestEffort")
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
    fn a_debugger_is_a_container_of_the_pod() {
        let debugged = serde_json::json!({"containers": [{"name": "c"}], "ephemeralContainers": [
            {"name": "debugger", "image": "busybox", "stdin": true, "targetContainerName": "c"}]});
        let debugged = pod(debugged);
        let found = container(&debugged, "debugger").unwrap();
        assert_eq!((found.image.as_deref(), found.stdin), (Some("busybox"), Some(true)));
        assert_eq!((target_of(&debugged, "debugger"), target_of(&debugged, "c")), (Some("c"), None));
        assert!(container(&debugged, "other").is_none());
    }

    #[test]
    fn the_hash_is_of_name_and_image() {
        let one = pod(serde_json::json!({"containers": [{"name": "c", "image": "a"}]}));
        let same = pod(serde_json::json!({"containers": [{"name": "c", "image": "a", "tty": true}]}));
        let other = pod(serde_json::json!({"containers": [{"name": "c", "image": "b"}]}));
        assert_eq!(hash(&containers(&one)[0]), hash(&containers(&same)[0]));
        assert_ne!(hash(&containers(&one)[0]), hash(&containers(&other)[0]));
        assert_eq!((redefined(&one, &same).count(), redefined(&one, &other).collect::<Vec<_>>()), (0, vec!["c"]));
    }
}
