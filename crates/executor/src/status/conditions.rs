//! The conditions of a pod that are its node's to write.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Facts, whole_seconds};
use crate::pod;

/// The conditions that the kubelet owns, in Kubernetes' order. Those of others are theirs to write.
pub(super) fn of(
    pod: &Pod,
    facts: Facts<'_>,
    phase: &str,
    init: &[ContainerStatus],
    main: &[ContainerStatus],
) -> Vec<PodCondition> {
    let containers_ready = containers_ready(pod, phase, init, main);
    let ready = match gates(pod) {
        Some(why) if containers_ready.status == "True" => verdict(false, Some("ReadinessGatesNotReady"), Some(why)),
        _ => containers_ready.clone(),
    };
    let sandboxed = facts.observed.live_sandbox().is_some_and(|sandbox| sandbox.address.is_some());
    let ours = [
        ("PodReadyToStartContainers", verdict(sandboxed, None, None)),
        ("Initialized", initialized(phase, init, main)),
        ("Ready", ready),
        ("ContainersReady", containers_ready),
        ("PodScheduled", verdict(true, None, None)),
    ];
    let evicted = facts.plan.cause.as_ref().filter(|cause| cause.reason == "Evicted");
    let evicted = evicted.map(|cause| verdict(true, Some("TerminationByKubelet"), Some(cause.message.clone())));
    let all = ours.into_iter().chain(evicted.map(|verdict| ("DisruptionTarget", verdict)));
    all.map(|(type_, verdict)| timed(type_, verdict, facts)).collect()
}

/// The verdict as a condition of this type, with the time since which it holds.
fn timed(type_: &str, verdict: PodCondition, facts: Facts<'_>) -> PodCondition {
    let previous = facts.previous.conditions.as_deref().unwrap_or_default();
    let before = previous.iter().find(|condition| condition.type_ == type_ && condition.status == verdict.status);
    let since = before.and_then(|condition| condition.last_transition_time.clone());
    let since = since.or(Some(Time(whole_seconds(facts.now))));
    PodCondition { type_: type_.to_owned(), last_transition_time: since, ..verdict }
}

/// Whether all init containers are done: so they are once a container of the pod's own has begun.
fn initialized(phase: &str, init: &[ContainerStatus], main: &[ContainerStatus]) -> PodCondition {
    let begun = main.iter().any(|status| status.container_id.is_some());
    let incomplete: Vec<_> = init.iter().filter(|status| !status.ready && !begun).collect();
    match (phase, incomplete.is_empty()) {
        ("Succeeded", _) => verdict(true, Some("PodCompleted"), None),
        (_, true) => verdict(true, None, None),
        _ => {
            let message = format!("containers with incomplete status: [{}]", names(&incomplete));
            verdict(false, Some("ContainersNotInitialized"), Some(message))
        }
    }
}

/// Whether all containers that serve are ready, sidecars among them.
fn containers_ready(pod: &Pod, phase: &str, init: &[ContainerStatus], main: &[ContainerStatus]) -> PodCondition {
    let sidecars = init.iter().zip(pod::init_containers(pod)).filter(|(_, spec)| pod::is_sidecar(spec));
    let serving = sidecars.map(|(status, _)| status).chain(main);
    let unready: Vec<_> = serving.filter(|status| !status.ready).collect();
    match (phase, unready.is_empty()) {
        ("Succeeded", _) => verdict(false, Some("PodCompleted"), None),
        ("Failed", _) => verdict(false, Some("PodFailed"), None),
        (_, true) => verdict(true, None, None),
        _ => {
            let message = format!("containers with unready status: [{}]", names(&unready));
            verdict(false, Some("ContainersNotReady"), Some(message))
        }
    }
}

fn names(statuses: &[&ContainerStatus]) -> String {
    statuses.iter().map(|status| status.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Which readiness gates of the pod are shut: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate
fn gates(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let shut = pod::spec(pod).readiness_gates.iter().flatten().filter_map(|gate| {
        let type_ = &gate.condition_type;
        match conditions.iter().find(|condition| condition.type_ == *type_) {
            None => Some(format!("corresponding condition of pod readiness gate \"{type_}\" does not exist.")),
            Some(condition) if condition.status == "True" => None,
            Some(condition) => {
                let status = &condition.status;
                Some(format!("the status of pod readiness gate \"{type_}\" is not \"True\", but {status}"))
            }
        }
    });
    let shut: Vec<_> = shut.collect();
    (!shut.is_empty()).then(|| shut.join(", "))
}

fn verdict(status: bool, reason: Option<&str>, message: Option<String>) -> PodCondition {
    PodCondition {
        status: if status { "True" } else { "False" }.to_owned(),
        reason: reason.map(str::to_owned),
        message,
        ..PodCondition::default()
    }
}
