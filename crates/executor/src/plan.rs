//! What to do next with a pod: a pure function from the pod, what Docker has of it, and what failed before.
//!
//! It is asked again after every step, so it only ever names the steps that can be taken at once, and it does not matter
//! who took the steps before: an executor that finds containers running has nothing to do, which is how it adopts them.

mod containers;
mod outcome;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodStatus};

use crate::backoff::{self, Backoffs};
use crate::health::Healths;
use crate::observed::{Container, Observed, State};
use crate::pod;
pub use outcome::{Outcome, outcome};

/// The longest wait for what a container is made of.
const MAX_SOURCE_WAIT: SignedDuration = SignedDuration::from_secs(20);

/// What is wanted of the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It is to run.
    Run,
    /// It has no task here (yet): what runs goes on, nothing is started.
    Keep,
    /// It is to end.
    End,
}

/// All that a plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// What Docker has of it.
    pub observed: &'a Observed,
    /// How its containers do.
    pub health: &'a Healths,
    /// The status that was written last: when the pod began, and what it counts stands though the engine may forget it.
    pub known: &'a PodStatus,
    /// Why the node ends the pod, if it does.
    pub evicted: Option<&'a Cause>,
    /// What is wanted.
    pub intent: Intent,
    /// Waits of containers that ended.
    pub restarts: &'a Backoffs,
    /// Containers that could not be started, by name.
    pub failures: &'a HashMap<String, Failure>,
    /// The time.
    pub now: Timestamp,
}

/// Why a container could not be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Kubernetes' reason: `ErrImagePull`, `CreateContainerConfigError`, …
    pub reason: &'static str,
    /// The reason shown while waiting for the next try: `ImagePullBackOff`; else as `reason`.
    pub waiting: &'static str,
    /// The message beside `reason`.
    pub message: String,
    /// The message beside `waiting`.
    pub waiting_message: String,
    /// When it failed.
    pub at: Timestamp,
    /// When it is tried again.
    pub retry: Timestamp,
    /// Whether what is missing may come at any time, and is told when it does.
    pub soon: bool,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make and start the sandbox.
    Sandbox {
        /// Its attempt.
        attempt: u32,
    },
    /// Remove a sandbox, running or not.
    RemoveSandbox {
        /// Docker's ID.
        id: String,
    },
    /// Make and start a container.
    Start(Start),
    /// Stop a container in its grace period.
    Stop {
        /// Docker's ID.
        id: String,
        /// The container's name.
        name: String,
        /// Why, for the event.
        why: String,
        /// Seconds it gets to end, where it is not the pod's to say.
        grace: Option<i64>,
        /// Whether others are to end before it: its hook runs at once, its signal waits for its turn.
        waits: bool,
    },
    /// Remove a container that does not run.
    Remove {
        /// Docker's ID.
        id: String,
    },
}

/// The start of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The container's name.
    pub name: String,
    /// Its attempt, which is its restart count.
    pub attempt: u32,
    /// When the one of that name before it ended, if there was one: the next to end waits longer.
    pub ended: Option<Timestamp>,
}

/// Why a container waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Kubernetes' reason.
    pub reason: String,
    /// The message beside it.
    pub message: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The steps that can be taken at once, all of them together.
    pub actions: Vec<Action>,
    /// Why containers that do not run do not.
    pub waiting: BTreeMap<String, Waiting>,
    /// When to look again, if nothing happens before.
    pub wake: Option<Timestamp>,
    /// How the pod ended, if it did and nothing of it runs any more.
    pub outcome: Option<Outcome>,
    /// Why the pod was ended, where its containers did not end by themselves.
    pub cause: Option<Cause>,
}

/// Why a pod is ended before its containers end by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Kubernetes' reason.
    pub reason: &'static str,
    /// The message beside it.
    pub message: String,
}

/// The next steps.
#[must_use]
pub fn next(input: Input<'_>) -> Plan {
    let mut plan = Plan::default();
    let cause = if pod::has_ended(input.pod) { None } else { input.evicted.cloned().or_else(|| plan.overdue(input)) };
    let outcome = cause.as_ref().map(|_| Outcome::Failed).or_else(|| outcome(input.pod, input.observed, input.known));
    let outcome = outcome
        .or_else(|| (input.intent == Intent::End).then(|| outcome::last(input.pod, input.observed, input.known)));
    let is_over = pod::has_ended(input.pod) || !input.observed.any_running();
    plan.outcome = outcome.filter(|_| is_over);
    plan.cause = cause;
    if input.intent == Intent::End {
        plan.end(input);
    } else if outcome.is_some() {
        plan.settle(input);
    } else {
        plan.tidy(input);
        match input.observed.live_sandbox() {
            None => plan.sandbox(input),
            Some(sandbox) => plan.containers(input, &sandbox.id),
        }
    }
    plan
}

impl Plan {
    /// Everything goes: containers first, in their grace period, then the sandbox.
    fn end(&mut self, input: Input<'_>) {
        let observed = input.observed;
        if self.stop_all(input) {
            return;
        }
        self.actions.extend(observed.containers.iter().map(|c| Action::Remove { id: c.id.clone() }));
        self.actions.extend(observed.sandboxes.iter().map(|s| Action::RemoveSandbox { id: s.id.clone() }));
    }

    /// A pod that ended keeps its containers, for their logs, and gives its address back.
    fn settle(&mut self, input: Input<'_>) {
        if !self.stop_all(input) {
            self.actions.extend(input.observed.sandboxes.iter().map(|s| Action::RemoveSandbox { id: s.id.clone() }));
        }
    }

    /// Stops what runs: all containers at once, and the sidecars after them, the last one first; false where nothing runs.
    fn stop_all(&mut self, input: Input<'_>) -> bool {
        let running: Vec<_> = input.observed.containers.iter().filter(|container| container.running()).collect();
        let sidecar = |container: &Container| {
            let mut all = pod::init_containers(input.pod).iter();
            all.position(|spec| pod::is_sidecar(spec) && spec.name == container.name)
        };
        let turn = running.iter().map(|container| sidecar(container)).max_by_key(|place| (place.is_none(), *place));
        self.actions.extend(running.iter().map(|container| Action::Stop {
            id: container.id.clone(),
            name: container.name.clone(),
            why: format!("Stopping container {}", container.name),
            grace: None,
            waits: Some(sidecar(container)) != turn,
        }));
        !running.is_empty()
    }

    /// Whether the pod has been active for longer than it may; else the plan looks again when it has.
    fn overdue(&mut self, input: Input<'_>) -> Option<Cause> {
        let seconds = pod::spec(input.pod).active_deadline_seconds?;
        let due = input.known.start_time.as_ref()?.0 + SignedDuration::from_secs(seconds);
        if input.now < due {
            self.wake = Some(due);
            return None;
        }
        let message = "Pod was active on the node longer than the specified deadline".to_owned();
        Some(Cause { reason: "DeadlineExceeded", message })
    }

    /// What no longer serves: sandboxes beside the live one, containers older than the last two of their name, containers
    /// that were made and never started, and running ones that a newer one replaced or whose sandbox died.
    fn tidy(&mut self, input: Input<'_>) {
        let live = input.observed.live_sandbox().map(|sandbox| sandbox.id.as_str());
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for container in &input.observed.containers {
            let nth = seen.entry(&container.name).and_modify(|n| *n += 1).or_insert(0);
            match &container.state {
                State::Running(_) if live != Some(container.sandbox.as_str()) => {
                    self.actions.push(stop(container, format!("Stopping container {}", container.name)));
                }
                State::Running(_) if *nth > 0 => {
                    self.actions
                        .push(stop(container, format!("Container {} was replaced by a newer one", container.name)));
                }
                State::Running(_) => {}
                State::Created => self.actions.push(Action::Remove { id: container.id.clone() }),
                State::Exited(_) if *nth > 1 => self.actions.push(Action::Remove { id: container.id.clone() }),
                State::Exited(_) => {}
            }
        }
        let dead = input.observed.sandboxes.iter().filter(|sandbox| Some(sandbox.id.as_str()) != live);
        if live.is_some() {
            self.actions.extend(dead.map(|sandbox| Action::RemoveSandbox { id: sandbox.id.clone() }));
        }
    }

    /// There is no live sandbox: one is made, once nothing runs in a dead one any more.
    fn sandbox(&mut self, input: Input<'_>) {
        if input.intent != Intent::Run || !self.actions.is_empty() {
            return;
        }
        if let Some(failure) = input.failures.get("")
            && input.now < failure.retry
        {
            self.wake_at(failure.retry);
            return;
        }
        let attempt = input.observed.sandboxes.first().map_or(0, |sandbox| sandbox.attempt + 1);
        self.actions.push(Action::Sandbox { attempt });
        self.containers(input, "");
    }

    fn wait(&mut self, name: &str, reason: &str, message: String, until: Timestamp) {
        let waiting = Waiting { reason: reason.to_owned(), message: Some(message) };
        self.waiting.insert(name.to_owned(), waiting);
        self.wake_at(until);
    }

    fn wake_at(&mut self, time: Timestamp) {
        self.wake = self.wake.into_iter().chain([time]).min();
    }
}

fn stop(container: &Container, why: String) -> Action {
    Action::Stop { id: container.id.clone(), name: container.name.clone(), why, grace: None, waits: false }
}

/// The wait after `failures` failures in a row for something that may come at any time, as a volume's source.
#[must_use]
pub fn source_wait(failures: u32) -> SignedDuration {
    MAX_SOURCE_WAIT.min(SignedDuration::from_secs(1 << failures.min(5)))
}

/// The wait after `failures` failures in a row of something that is tried again with back-off.
#[must_use]
pub fn retry_wait(failures: u32) -> SignedDuration {
    backoff::MAX.min(backoff::INITIAL * (1 << failures.min(5)))
}

#[cfg(test)]
mod tests;
