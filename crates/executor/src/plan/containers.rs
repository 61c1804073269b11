//! A pod's containers in its sandbox: which start, start again, make room for another, or wait.

use k8s_openapi::api::core::v1::Container as Spec;

use super::outcome::newest;
use super::{Action, Input, Intent, Plan, Start, stop};
use crate::backoff;
use crate::health::Fatal;
use crate::observed::{Container, Exit, Observed, State};
use crate::pod::{self, RestartPolicy};

impl Plan {
    /// Init containers one after the other, then the containers, in the sandbox `sandbox` (empty: the one
    /// that is about to be made, in which nothing has run).
    pub(super) fn containers(&mut self, input: Input<'_>, sandbox: &str) {
        let pod = input.pod;
        // whoever looks into a pod may do so before anything of it has started, and once
        for spec in pod::ephemeral_containers(pod) {
            self.container(input, &spec, sandbox, RestartPolicy::Never);
        }
        let begun = pod::containers(pod)
            .iter()
            .any(|spec| input.observed.named(&spec.name).any(|c| c.sandbox == sandbox && c.state != State::Created));
        for spec in pod::init_containers(pod) {
            let policy = match (pod::is_sidecar(spec), pod::restart_policy(pod)) {
                (true, _) => RestartPolicy::Always,
                (false, RestartPolicy::Always) => RestartPolicy::OnFailure,
                (false, policy) => policy,
            };
            if !pod::is_sidecar(spec) && (begun || done(input.observed, &spec.name, sandbox)) {
                continue;
            }
            self.container(input, spec, sandbox, policy);
            let newest = input.observed.named(&spec.name).next().filter(|c| c.running() && c.sandbox == sandbox);
            let beside = pod::is_sidecar(spec) && newest.is_some_and(|c| input.health.of(&c.id).started);
            if !(begun || beside) {
                return;
            }
        }
        self.main_containers(input, sandbox);
    }

    /// The containers all at once, but for those that come after one with a postStart hook: they start when it is done.
    fn main_containers(&mut self, input: Input<'_>, sandbox: &str) {
        let mut held = false;
        for spec in pod::containers(input.pod) {
            let others = self.actions.len();
            self.container(input, spec, sandbox, pod::restart_policy(input.pod));
            let starts = self.actions[others..].iter().any(|action| matches!(action, Action::Start(_)));
            if held && starts {
                self.actions.truncate(others);
            }
            let hook = spec.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.as_ref());
            let begins = |container: &Container| {
                let health = input.health.of(&container.id);
                container.running() && container.sandbox == sandbox && health.begins && health.fatal.is_none()
            };
            held |= hook.is_some() && (starts || newest(input.observed, spec).is_some_and(begins));
        }
    }

    /// One container: started, started again, left alone, or waiting.
    fn container(&mut self, input: Input<'_>, spec: &Spec, sandbox: &str, policy: RestartPolicy) {
        let newest = input.observed.named(&spec.name).find(|container| container.state != State::Created);
        match newest.map(|container| (container, &container.state)) {
            None | Some((_, State::Created)) if stays_ended(input, spec, policy) => return,
            None | Some((_, State::Created)) => {}
            Some((container, State::Running(_))) => {
                if container.sandbox == sandbox && input.intent == Intent::Run {
                    self.actions.extend(replaced(input, container, spec, policy));
                }
                return;
            }
            Some((container, State::Exited(exit))) => {
                // an init container that ended well runs again in a new sandbox
                let anew = container.sandbox != sandbox && pod::init_containers(input.pod).contains(spec);
                let again = match policy {
                    RestartPolicy::Always => true,
                    RestartPolicy::OnFailure => exit.code != 0 || anew,
                    RestartPolicy::Never => false,
                };
                if !again || self.crash_loops(input, spec, exit) {
                    return;
                }
            }
        }
        if !self.failed(input, spec) && input.intent == Intent::Run {
            let (name, attempt) = (spec.name.clone(), next_attempt(input, spec, newest));
            let ended = newest.and_then(Container::exit).map(|exit| exit.finished);
            self.actions.push(Action::Start(Start { name, attempt, ended }));
        }
    }

    /// Whether a container that ended has to wait before it is started again.
    fn crash_loops(&mut self, input: Input<'_>, spec: &Spec, exit: &Exit) -> bool {
        let Some((until, wait)) = input.restarts.until(&spec.name, exit.finished, input.now) else { return false };
        let (pod, namespace, uid) = (pod::name(input.pod), pod::namespace(input.pod), pod::uid(input.pod));
        let wait = backoff::words(wait);
        let message = format!("back-off {wait} restarting failed container={} pod={pod}_{namespace}({uid})", spec.name);
        self.wait(&spec.name, "CrashLoopBackOff", message, until);
        true
    }

    /// Whether a container that could not be started has to wait: it shows why for half of that time, and then that it
    /// is waited for.
    fn failed(&mut self, input: Input<'_>, spec: &Spec) -> bool {
        let failure = input.failures.get(&spec.name).filter(|failure| input.now < failure.retry);
        let Some(failure) = failure else { return false };
        let half = failure.at + (failure.retry.duration_since(failure.at) / 2);
        match input.now < half {
            true => self.wait(&spec.name, failure.reason, failure.message.clone(), half),
            false => self.wait(&spec.name, failure.waiting, failure.waiting_message.clone(), failure.retry),
        }
        true
    }
}

/// The stop of a running container that is to make room for another: its definition changed, or it does not do well.
fn replaced(input: Input<'_>, container: &Container, spec: &Spec, policy: RestartPolicy) -> Option<Action> {
    let (id, name) = (container.id.clone(), container.name.clone());
    if container.hash != pod::hash(spec) {
        return Some(stop(container, format!("Container {name} definition changed, will be restarted")));
    }
    let (why, grace) = match input.health.of(&container.id).fatal.as_ref()? {
        Fatal::PostStart => ("FailedPostStartHook".to_owned(), None),
        Fatal::Probe(kind, grace) => {
            let then = if policy == RestartPolicy::Never { "" } else { ", will be restarted" };
            (format!("Container {name} failed {kind} probe{then}"), *grace)
        }
    };
    Some(Action::Stop { id, name, why, grace, waits: false })
}

/// Whether the container has ended for good, by all that is told of it, and the engine has lost it. An init container is run once
/// more: who comes after it may need what it did.
fn stays_ended(input: Input<'_>, spec: &Spec, policy: RestartPolicy) -> bool {
    let ended = pod::told_code(input.known, &spec.name).filter(|_| !pod::init_containers(input.pod).contains(spec));
    match policy {
        RestartPolicy::Always => false,
        RestartPolicy::OnFailure => ended == Some(0),
        RestartPolicy::Never => ended.is_some(),
    }
}

/// The attempt after all that were: after the `newest` that the engine has, and after what the status counts of those that it has
/// lost (`docker container prune`).
fn next_attempt(input: Input<'_>, spec: &Spec, newest: Option<&Container>) -> u32 {
    let told = pod::status_of(input.known, &spec.name).filter(|status| pod::has_been(status));
    let told = told.map_or(0, |status| u32::try_from(status.restart_count).unwrap_or_default() + 1);
    newest.map_or(0, |container| container.attempt + 1).max(told)
}

/// Whether the init container `name` ended well in `sandbox`.
fn done(observed: &Observed, name: &str, sandbox: &str) -> bool {
    let newest = observed.named(name).next().filter(|container| container.sandbox == sandbox);
    newest.and_then(Container::exit).is_some_and(|exit| exit.code == 0)
}
