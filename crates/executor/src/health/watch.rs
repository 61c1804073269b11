//! Asks containers how they do: one task for each that has a hook or a probe, until it ends or its pod has no worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container as Spec, ContainerStatus, Pod, PodStatus, Probe};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::probe::{Kind, Schedule, State};
use super::{Fatal, Health, Healths};
use crate::context::Context;
use crate::events::Type;
use crate::handler::{Answer, Target};
use crate::observed::{Container, Observed};
use crate::pod;
use crate::pod_worker::Mailbox;

/// A hook may take as long as it likes: its container is stopped with the pod, and the hook with it.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// What watches a pod's containers.
#[derive(Debug, Default)]
pub struct Watcher {
    containers: HashMap<String, Watched>,
}

/// One container, by its Docker ID.
#[derive(Debug)]
struct Watched {
    standing: Arc<Mutex<Standing>>,
    _task: AbortOnDropHandle<()>,
}

/// A container's postStart hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hook {
    Runs,
    /// Or there is none.
    Done,
    Failed,
}

/// How one container stands; probes that it does not have are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    hook: Hook,
    startup: Option<State>,
    liveness: Option<State>,
    readiness: Option<State>,
    /// Seconds to end that the startup and the liveness probe give.
    graces: (Option<i64>, Option<i64>),
    /// Whether the pod ends.
    ends: bool,
}

/// A pod with what is known of it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The node.
    pub context: &'a Arc<Context>,
    /// Told when something changes.
    pub mailbox: &'a Arc<Mailbox>,
    /// The pod.
    pub pod: &'a Arc<Pod>,
    /// What Docker has of it.
    pub observed: &'a Observed,
    /// The status that was written last: what it says of a container that is still the same holds at first.
    pub previous: &'a PodStatus,
    /// Whether the pod ends: whether it lives is no question any more, whether it is ready is.
    pub ends: bool,
}

impl Watcher {
    /// Watches the containers that run now, and no others. `is_new` says of a container that it was started just now, by
    /// us: its postStart hook is run. One that was here before had it already.
    pub fn follow(&mut self, scene: Scene<'_>, is_new: impl Fn(&Container) -> bool) {
        let running = || scene.observed.containers.iter().filter(|container| container.running());
        self.containers.retain(|id, _| running().any(|container| container.id == *id));
        if scene.ends {
            self.containers.values().for_each(|watched| watched.standing.lock().ends = true);
        }
        for container in running().filter(|container| !self.containers.contains_key(&container.id)).collect::<Vec<_>>()
        {
            let Some(spec) = pod::container(scene.pod, &container.name) else { continue };
            let standing = Standing::at_first(&spec, known(scene.previous, &container.id), is_new(container));
            if standing.is_plain() {
                continue;
            }
            let watched = watch(scene, container, &spec, standing);
            self.containers.insert(container.id.clone(), watched);
        }
    }

    /// How the containers do.
    #[must_use]
    pub fn healths(&self) -> Healths {
        let mut healths = Healths::default();
        for (id, watched) in &self.containers {
            healths.insert(id.clone(), watched.standing.lock().health());
        }
        healths
    }
}

/// What a status says of the container `id`.
fn known<'a>(status: &'a PodStatus, id: &str) -> Option<&'a ContainerStatus> {
    let all = status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten());
    all.into_iter()
        .find(|status| status.container_id.as_deref().and_then(|own| own.strip_prefix("docker://")) == Some(id))
}

fn watch(scene: Scene<'_>, container: &Container, spec: &Spec, standing: Standing) -> Watched {
    let standing = Arc::new(Mutex::new(standing));
    let since = match container.state {
        crate::observed::State::Running(since) => since,
        _ => Timestamp::now(),
    };
    let target = Target {
        context: scene.context.clone(),
        pod: scene.pod.clone(),
        container: spec.clone(),
        id: container.id.clone(),
        address: scene.observed.live_sandbox().and_then(|sandbox| sandbox.address),
    };
    let attendant = Attendant { target, standing: standing.clone(), mailbox: scene.mailbox.clone(), since };
    Watched { standing, _task: AbortOnDropHandle::new(tokio::spawn(attendant.run())) }
}

impl Standing {
    /// Before anything is asked; what `before` knows of the container holds at first.
    fn at_first(spec: &Spec, before: Option<&ContainerStatus>, is_new: bool) -> Self {
        let before = before.filter(|_| !is_new);
        let has_hook = spec.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.post_start.is_some());
        let state = |kind: Kind, good: bool| {
            let schedule = Schedule::new(kind, kind.of(spec)?);
            Some(if good { State::known(&schedule, true) } else { State::Fresh })
        };
        let started = before.is_some_and(|before| before.started == Some(true));
        let grace = |kind: Kind| kind.of(spec).and_then(|probe| probe.termination_grace_period_seconds);
        Self {
            hook: if has_hook && is_new { Hook::Runs } else { Hook::Done },
            startup: state(Kind::Startup, started),
            liveness: state(Kind::Liveness, false),
            readiness: state(Kind::Readiness, before.is_some_and(|before| before.ready)),
            graces: (grace(Kind::Startup), grace(Kind::Liveness)),
            ends: false,
        }
    }

    /// Whether there is nothing to ask.
    fn is_plain(&self) -> bool {
        let Self { hook, startup, liveness, readiness, .. } = self;
        *hook == Hook::Done && startup.is_none() && liveness.is_none() && readiness.is_none()
    }

    fn health(&self) -> Health {
        let word = |state: Option<State>| state.and_then(State::verdict);
        let started = self.hook == Hook::Done && (self.startup.is_none() || word(self.startup) == Some(true));
        let fatal = match self {
            Self { hook: Hook::Failed, .. } => Some(Fatal::PostStart),
            _ if word(self.startup) == Some(false) => Some(Fatal::Probe(Kind::Startup, self.graces.0)),
            _ if word(self.liveness) == Some(false) => Some(Fatal::Probe(Kind::Liveness, self.graces.1)),
            _ => None,
        };
        Health {
            begins: self.hook != Hook::Done,
            started,
            ready: started && (self.readiness.is_none() || word(self.readiness) == Some(true)),
            fatal,
        }
    }

    /// Whether a probe is not asked any more: it has said all, or the pod ends and does not need to live.
    fn is_answered(&mut self, kind: Kind) -> bool {
        (self.ends && kind != Kind::Readiness) || self.of(kind).is_none_or(State::is_settled)
    }

    fn of(&mut self, kind: Kind) -> &mut Option<State> {
        match kind {
            Kind::Startup => &mut self.startup,
            Kind::Liveness => &mut self.liveness,
            Kind::Readiness => &mut self.readiness,
        }
    }
}

impl Kind {
    /// The container's probe of this kind.
    fn of(self, spec: &Spec) -> Option<&Probe> {
        match self {
            Self::Startup => spec.startup_probe.as_ref(),
            Self::Liveness => spec.liveness_probe.as_ref(),
            Self::Readiness => spec.readiness_probe.as_ref(),
        }
    }
}

/// Who asks one container.
struct Attendant {
    target: Target,
    standing: Arc<Mutex<Standing>>,
    mailbox: Arc<Mailbox>,
    /// When the container was started.
    since: Timestamp,
}

impl Attendant {
    /// The hook, then the startup probe, then the others beside each other.
    async fn run(self) {
        if !self.begin().await {
            return;
        }
        self.ask(Kind::Startup).await;
        if self.standing.lock().health().started {
            tokio::join!(self.ask(Kind::Liveness), self.ask(Kind::Readiness));
        }
    }

    /// Runs the postStart hook; false where it failed.
    async fn begin(&self) -> bool {
        let hook = self.target.container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.as_ref());
        let Some(hook) = hook.filter(|_| self.standing.lock().hook == Hook::Runs) else { return true };
        let outcome = self.target.hook(hook, FOR_EVER).await;
        if let Err(why) = &outcome {
            self.warn("FailedPostStartHook", format!("PostStartHook failed: {why}"));
        }
        self.change(|standing| standing.hook = if outcome.is_ok() { Hook::Done } else { Hook::Failed });
        outcome.is_ok()
    }

    /// Asks a probe for as long as it matters.
    async fn ask(&self, kind: Kind) {
        let Some(probe) = kind.of(&self.target.container) else { return };
        let schedule = Schedule::new(kind, probe);
        let age = Duration::try_from(Timestamp::now().duration_since(self.since)).unwrap_or_default();
        let (mut next, mut hung) = (Instant::now() + schedule.delay.saturating_sub(age), None);
        while !self.standing.lock().is_answered(kind) {
            tokio::time::sleep_until(next).await;
            if self.standing.lock().is_answered(kind) {
                return;
            }
            let answer = self.target.probe(probe, schedule.timeout, &mut hung).await;
            self.tell(kind, &answer);
            // what could not be asked says nothing of the container, as in Kubernetes
            if !matches!(answer, Answer::Error(_)) {
                self.change(|standing| {
                    let state = standing.of(kind);
                    *state = state.map(|state| state.step(&schedule, answer.is_good()));
                });
            }
            next = (next + schedule.period).max(Instant::now());
        }
    }

    /// Changes the standing, and tells the worker where that makes a difference.
    fn change(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = self.standing.lock();
        let before = standing.health();
        change(&mut standing);
        if standing.health() != before {
            drop(standing);
            self.mailbox.look();
        }
    }

    fn tell(&self, kind: Kind, answer: &Answer) {
        let kind = kind.capitalized();
        match answer {
            Answer::Good(None) => {}
            Answer::Good(Some(what)) => self.warn("ProbeWarning", format!("{kind} probe warning: {what}")),
            Answer::Bad(why) => self.warn("Unhealthy", format!("{kind} probe failed: {why}")),
            Answer::Error(why) => self.warn("Unhealthy", format!("{kind} probe errored: {why}")),
        }
    }

    fn warn(&self, reason: &'static str, message: String) {
        let Target { context, pod, container, .. } = &self.target;
        context.events.record(pod, &container.name, Type::Warning, reason, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> Spec {
        serde_json::from_value(json).unwrap()
    }

    fn probed() -> Spec {
        let probe = serde_json::json!({"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 7});
        spec(serde_json::json!({"name": "c", "startupProbe": probe, "livenessProbe": probe, "readinessProbe": probe,
            "lifecycle": {"postStart": {"sleep": {"seconds": 1}}}}))
    }

    #[test]
    fn a_container_without_hook_and_probes_is_not_asked() {
        assert!(Standing::at_first(&spec(serde_json::json!({"name": "c"})), None, true).is_plain());
        assert!(!Standing::at_first(&probed(), None, true).is_plain());
    }

    #[test]
    fn hook_startup_and_readiness_come_one_after_the_other() {
        let mut standing = Standing::at_first(&probed(), None, true);
        let health = |begins, started, ready| Health { begins, started, ready, fatal: None };
        assert_eq!(standing.health(), health(true, false, false));
        standing.hook = Hook::Done;
        assert_eq!(standing.health(), health(false, false, false));
        standing.startup = Some(State::Settled { good: true });
        assert_eq!(standing.health(), health(false, true, false));
        standing.readiness = Some(State::Counting { holds: Some(true), last: true, run: 1 });
        assert_eq!(standing.health(), Health::WELL);
        standing.liveness = Some(State::Settled { good: false });
        assert_eq!(standing.health().fatal, Some(Fatal::Probe(Kind::Liveness, Some(7))));
    }

    #[test]
    fn what_ends_is_asked_whether_it_is_ready_alone() {
        let mut standing = Standing::at_first(&probed(), None, true);
        let asked = |standing: &mut Standing| {
            [Kind::Startup, Kind::Liveness, Kind::Readiness].map(|kind| !standing.is_answered(kind))
        };
        assert_eq!(asked(&mut standing), [true; 3]);
        standing.ends = true;
        assert_eq!(asked(&mut standing), [false, false, true]);
    }

    #[test]
    fn an_adopted_container_is_what_its_status_says() {
        let before = ContainerStatus { started: Some(true), ready: true, ..ContainerStatus::default() };
        let standing = Standing::at_first(&probed(), Some(&before), false);
        assert_eq!(standing.health(), Health::WELL);
        assert!(standing.startup.unwrap().is_settled());
        let unready = ContainerStatus { ready: false, ..before };
        assert!(!Standing::at_first(&probed(), Some(&unready), false).health().ready);
    }
}
