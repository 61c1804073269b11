//! Containers that the engine no longer has, as after `docker container prune`: how they ended stands, and of one whose end
//! nobody saw that is said. What is counted of them never goes back.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodStatus};

use super::Facts;
use crate::plan::Action;
use crate::pod;

/// A code that says failure where the real one is not known: Kubernetes' own.
const UNKNOWN: i32 = 137;

/// Sets the init containers' statuses right. One that ended is not looked for again; a sidecar is, while its pod runs.
pub(super) fn init(pod: &Pod, facts: Facts<'_>, statuses: &mut [ContainerStatus]) {
    let over = facts.plan.outcome.is_some();
    for (spec, status) in pod::init_containers(pod).iter().zip(statuses) {
        if !is_lost(facts, status) || (pod::is_sidecar(spec) && !over) {
            continue;
        }
        // one that never ran in a pod that is over waits for ever
        restore(facts.previous, status, over && ran(facts.previous, &status.name));
    }
}

/// Sets the statuses of the containers of a pod that is over right: in one that was initialized each has ended.
pub(super) fn main(pod: &Pod, facts: Facts<'_>, statuses: &mut [ContainerStatus]) {
    let over = facts.plan.outcome.is_some();
    let initialized = pod::init_containers(pod).is_empty() || is_initialized(facts.previous);
    for status in statuses.iter_mut().filter(|status| over && is_lost(facts, status)) {
        restore(facts.previous, status, initialized);
    }
}

/// Sets the statuses of a debugged pod's ephemeral containers right: what they said last stands.
pub(super) fn ephemeral(facts: Facts<'_>, statuses: &mut [ContainerStatus]) {
    for status in statuses.iter_mut().filter(|status| facts.plan.outcome.is_some() && is_lost(facts, status)) {
        restore(facts.previous, status, false);
    }
}

/// Sets the statuses right of containers of which the engine has lost those before, or all: what is known of them stands.
pub(super) fn carry_on(facts: Facts<'_>, statuses: &mut [ContainerStatus]) {
    for status in statuses {
        let before = pod::status_of(facts.previous, &status.name).filter(|before| pod::has_been(before));
        let Some(before) = before else { continue };
        match &status.container_id {
            None if is_ended(before) && is_left(facts, status) => *status = before.clone(),
            None => {
                status.restart_count = before.restart_count;
                status.last_state = Some(last(before, status));
            }
            Some(_) if status.restart_count > 0 && !has_last(status) => status.last_state = Some(last(before, status)),
            Some(_) => {}
        }
    }
}

/// How the container before that of `status` ended, for all that the status `before` says.
fn last(before: &ContainerStatus, status: &ContainerStatus) -> ContainerState {
    let state =
        before.state.clone().filter(|_| status.container_id.is_none() || status.container_id != before.container_id);
    let ended = state.and_then(|state| state.terminated.or_else(|| state.running.map(|_| unknown())));
    let told = || before.last_state.as_ref().and_then(|last| last.terminated.clone());
    ContainerState { terminated: ended.or_else(told), ..ContainerState::default() }
}

fn is_ended(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| state.terminated.is_some())
}

fn has_last(status: &ContainerStatus) -> bool {
    status.last_state.as_ref().is_some_and(|last| last.terminated.is_some())
}

/// Whether nobody makes the container again, now or later.
fn is_left(facts: Facts<'_>, status: &ContainerStatus) -> bool {
    let starts = |action: &Action| matches!(action, Action::Start(start) if start.name == status.name);
    is_lost(facts, status) && !facts.plan.actions.iter().any(starts)
}

/// Whether the engine has no container of that name, and none is waited for.
fn is_lost(facts: Facts<'_>, status: &ContainerStatus) -> bool {
    status.container_id.is_none() && !facts.plan.waiting.contains_key(&status.name)
}

/// The container's end as it was told before; where it was not and `ended` says that it has ended, an end without a cause.
fn restore(previous: &PodStatus, status: &mut ContainerStatus, ended: bool) {
    let before = pod::status_of(previous, &status.name);
    match before.filter(|before| before.state.as_ref().is_some_and(|state| state.terminated.is_some())) {
        Some(before) => *status = before.clone(),
        None if ended => {
            let state = ContainerState { terminated: Some(unknown()), ..ContainerState::default() };
            let named = status.clone();
            *status = ContainerStatus {
                state: Some(state),
                ready: false,
                started: Some(false),
                ..before.cloned().unwrap_or(named)
            };
        }
        None => {}
    }
}

fn unknown() -> ContainerStateTerminated {
    ContainerStateTerminated {
        exit_code: UNKNOWN,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container could not be located when the pod was terminated".to_owned()),
        ..ContainerStateTerminated::default()
    }
}

fn ran(previous: &PodStatus, name: &str) -> bool {
    pod::status_of(previous, name).is_some_and(|before| before.container_id.is_some())
}

fn is_initialized(previous: &PodStatus) -> bool {
    let mut conditions = previous.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == "Initialized" && condition.status == "True")
}
