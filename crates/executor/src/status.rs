//! A pod's status in Kubernetes' shape: a pure function from the pod, what Docker has of it, and why containers wait.

mod conditions;
mod lost;
mod messages;
mod replaced;

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container as Spec, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, Pod, PodIP, PodStatus, ResourceRequirements, VolumeMountStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::admission;
use crate::health::Healths;
use crate::observed::{Container, Exit, Observed, State};
use crate::plan::{Outcome, Plan, Waiting};
use crate::pod;

/// The conditions that are this node's to write.
pub const OWN: [&str; 5] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/// What a status is made of beside the pod.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What Docker has of the pod.
    pub observed: &'a Observed,
    /// How its containers do.
    pub health: &'a Healths,
    /// What ended containers wrote to their termination message file, by Docker's ID.
    pub messages: &'a BTreeMap<String, String>,
    /// Containers that the node stopped to start others in their place, by Docker's ID.
    pub replaced: &'a HashSet<String>,
    /// What will be done next.
    pub plan: &'a Plan,
    /// The status that was written last; times of transitions that did not happen again are taken from it.
    pub previous: &'a PodStatus,
    /// The node's address.
    pub host: IpAddr,
    /// Names of images by their ID, as `docker-pullable://…` or the ID itself.
    pub image_ids: &'a BTreeMap<String, String>,
    /// The time.
    pub now: Timestamp,
}

/// The status of `pod`.
#[must_use]
pub fn of(pod: &Pod, facts: Facts<'_>) -> PodStatus {
    let mut init: Vec<_> = pod::init_containers(pod).iter().map(|spec| container(pod, spec, facts, true)).collect();
    let mut main: Vec<_> = pod::containers(pod).iter().map(|spec| container(pod, spec, facts, false)).collect();
    lost::init(pod, facts, &mut init);
    lost::main(pod, facts, &mut main);
    lost::carry_on(facts, &mut init);
    lost::carry_on(facts, &mut main);
    let added = pod::ephemeral_containers(pod);
    let mut added: Vec<_> = added.iter().map(|spec| ephemeral(container(pod, spec, facts, false))).collect();
    lost::ephemeral(facts, &mut added);
    lost::carry_on(facts, &mut added);
    messages::shorten([&mut init, &mut main, &mut added]);
    let phase = phase(pod, facts, &init, &main);
    let sandbox = facts.observed.live_sandbox();
    let address = sandbox.and_then(|sandbox| sandbox.address).map(|address| address.to_string());
    // an ended pod has given its address back and yet keeps it in its status, as in Kubernetes
    let address = address.or_else(|| facts.previous.pod_ip.clone().filter(|_| matches!(phase, "Succeeded" | "Failed")));
    let cause = facts.plan.cause.as_ref().filter(|_| phase == "Failed");
    let message = cause.map(|cause| cause.message.clone()).or_else(|| facts.previous.message.clone());
    // a pod that the node did not take has no containers to speak of
    let rejected = message.as_deref().is_some_and(|message| message.starts_with(admission::REJECTED));
    PodStatus {
        conditions: Some(conditions::of(pod, facts, phase, &init, &main)),
        container_statuses: Some(main).filter(|statuses| !statuses.is_empty() && !rejected),
        init_container_statuses: Some(init).filter(|statuses| !statuses.is_empty() && !rejected),
        ephemeral_container_statuses: Some(added).filter(|statuses| !statuses.is_empty()),
        host_ip: Some(facts.host.to_string()),
        host_ips: Some(vec![HostIP { ip: facts.host.to_string() }]),
        pod_ips: address.clone().map(|ip| vec![PodIP { ip }]),
        pod_ip: address,
        phase: Some(phase.to_owned()),
        qos_class: facts.previous.qos_class.clone().or_else(|| Some(pod::qos_class(pod).to_owned())),
        start_time: facts.previous.start_time.clone().or(Some(Time(whole_seconds(facts.now)))),
        message,
        reason: cause.map(|cause| cause.reason.to_owned()).or_else(|| facts.previous.reason.clone()),
        ..PodStatus::default()
    }
}

/// The phase, by Kubernetes' rules: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
fn phase(pod: &Pod, facts: Facts<'_>, init: &[ContainerStatus], main: &[ContainerStatus]) -> &'static str {
    match facts.plan.outcome {
        Some(Outcome::Succeeded) => return "Succeeded",
        Some(Outcome::Failed) => return "Failed",
        None => {}
    }
    let begun = |status: &ContainerStatus| {
        let state = |state: &Option<ContainerState>| {
            state.as_ref().is_some_and(|state| state.running.is_some() || state.terminated.is_some())
        };
        state(&status.state) || state(&status.last_state)
    };
    let sidecars = pod::init_containers(pod).iter().map(pod::is_sidecar);
    let initialized =
        init.iter().zip(sidecars).all(|(status, sidecar)| is_initialized(status, sidecar)) || main.iter().any(begun);
    if initialized && !main.is_empty() && main.iter().all(begun) { "Running" } else { "Pending" }
}

fn is_initialized(status: &ContainerStatus, sidecar: bool) -> bool {
    let state = status.state.as_ref();
    match sidecar {
        true => status.started == Some(true),
        false => state.and_then(|state| state.terminated.as_ref()).is_some_and(|ended| ended.exit_code == 0),
    }
}

/// One container's status.
fn container(pod: &Pod, spec: &Spec, facts: Facts<'_>, init: bool) -> ContainerStatus {
    let mut named = facts.observed.named(&spec.name).filter(|container| container.state != State::Created);
    let (newest, before) = (named.next(), named.next());
    if let Some(kept) = newest.and_then(|container| replaced::status(container, facts)) {
        return kept;
    }
    let waiting = facts.plan.waiting.get(&spec.name);
    let health = newest.filter(|container| container.running()).map(|container| facts.health.of(&container.id));
    let running = health.is_some();
    let begins = health.is_some_and(|health| health.begins);
    // a container that waits to be started again shows why, and how it ended as its last state
    let waits = !running && waiting.is_some();
    let state = match newest {
        Some(container) if !waits && !begins => state(container, facts.messages),
        _ => ContainerState { waiting: Some(why(pod, facts, waiting)), ..ContainerState::default() },
    };
    let last = if waits { newest } else { before };
    let last = last.filter(|container| container.exit().is_some());
    let sidecar = init && pod::is_sidecar(spec);
    let done = newest.and_then(Container::exit).is_some_and(|exit| exit.code == 0);
    ContainerStatus {
        name: spec.name.clone(),
        image: pod::image_with_tag(spec.image.as_deref().unwrap_or_default()),
        image_id: newest
            .map(|container| facts.image_ids.get(&container.image_id).unwrap_or(&container.image_id).clone())
            .unwrap_or_default(),
        container_id: newest.map(|container| format!("docker://{}", container.id)),
        ready: if init && !sidecar { done } else { health.is_some_and(|health| health.ready) },
        started: Some(health.is_some_and(|health| health.started)),
        restart_count: newest.map_or(0, |container| i32::try_from(container.attempt).unwrap_or(i32::MAX)),
        state: Some(state),
        last_state: Some(last.map(|container| self::state(container, facts.messages)).unwrap_or_default()),
        allocated_resources: spec.resources.as_ref().and_then(|resources| resources.requests.clone()),
        resources: spec.resources.clone().filter(|resources| *resources != ResourceRequirements::default()),
        volume_mounts: mounts(spec),
        ..ContainerStatus::default()
    }
}

/// An ephemeral container's status: nobody waits for it to be ready.
fn ephemeral(of: ContainerStatus) -> ContainerStatus {
    ContainerStatus { ready: false, started: None, ..of }
}

/// What of its volumes the container has where.
fn mounts(spec: &Spec) -> Option<Vec<VolumeMountStatus>> {
    let all = spec.volume_mounts.iter().flatten().map(|mount| {
        let read_only = mount.read_only.filter(|read_only| *read_only);
        VolumeMountStatus {
            name: mount.name.clone(),
            mount_path: mount.mount_path.clone(),
            read_only,
            // mounts below a mount stay as they are: the engine does not bind them otherwise
            recursive_read_only: read_only.map(|_| "Disabled".to_owned()),
        }
    });
    Some(all.collect::<Vec<_>>()).filter(|mounts| !mounts.is_empty())
}

/// Why a container that was never started does not run.
fn why(pod: &Pod, facts: Facts<'_>, waiting: Option<&Waiting>) -> ContainerStateWaiting {
    match waiting {
        Some(waiting) => {
            ContainerStateWaiting { reason: Some(waiting.reason.clone()), message: waiting.message.clone() }
        }
        None => {
            let initialized = pod::init_containers(pod).iter().all(|spec| {
                facts.observed.named(&spec.name).next().is_some_and(|container| match pod::is_sidecar(spec) {
                    true => container.running() && facts.health.of(&container.id).started,
                    false => container.exit().is_some_and(|exit| exit.code == 0),
                })
            });
            let reason = if initialized { "ContainerCreating" } else { "PodInitializing" };
            ContainerStateWaiting { reason: Some(reason.to_owned()), message: None }
        }
    }
}

fn state(container: &Container, messages: &BTreeMap<String, String>) -> ContainerState {
    match &container.state {
        State::Created => ContainerState::default(),
        State::Running(since) => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(Time(whole_seconds(*since))) }),
            ..ContainerState::default()
        },
        State::Exited(exit) => ContainerState {
            terminated: Some(ContainerStateTerminated {
                container_id: Some(format!("docker://{}", container.id)),
                exit_code: exit.code,
                reason: Some(reason(exit).to_owned()),
                message: [Some(&exit.error), messages.get(&container.id)]
                    .into_iter()
                    .flatten()
                    .find(|text| !text.is_empty())
                    .cloned(),
                started_at: Some(Time(whole_seconds(exit.started))),
                finished_at: Some(Time(whole_seconds(exit.finished))),
                signal: None,
            }),
            ..ContainerState::default()
        },
    }
}

/// Docker says OOMKilled also where only a child was killed: the reason is taken with code 137 alone.
fn reason(exit: &Exit) -> &'static str {
    match exit {
        Exit { error, .. } if !error.is_empty() => "ContainerCannotRun",
        Exit { oom_killed: true, code: 137, .. } => "OOMKilled",
        Exit { code: 0, .. } => "Completed",
        _ => "Error",
    }
}

/// Times in the API are whole seconds: what is read back equals what was written.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
