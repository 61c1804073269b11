//! The end of a pod: its containers stop in their grace period, and what is left of it goes.

use std::time::Duration;

use bollard::errors::Error as DockerError;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Preconditions};

use tokio::sync::watch;
use tokio::time::Instant;

use super::{End, MAX_PAUSE, PAUSE, Worker};
use crate::binding;
use crate::channel::TaskState;
use crate::events::Type;
use crate::handler::Target;
use crate::observed::Observed;
use crate::plan::Action;
use crate::pod;
use crate::runtime::words;

/// What a container gets at least between its stop signal and its death, where it gets anything: as in Kubernetes.
const MIN_GRACE: Duration = Duration::from_secs(2);
/// Deadlines that differ by less are one.
const SAME: Duration = Duration::from_millis(500);

/// A container that is being stopped.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// When it has ended at the latest.
    until: Instant,
    /// What of the pod's time that was made for: the container may get more than was left.
    deadline: Instant,
    /// Tells it that its turn has come to get its signal.
    turn: watch::Sender<bool>,
    /// When it is tried again, where the engine refused, and the wait after it refuses next.
    retry: Option<Instant>,
    wait: Duration,
}

impl Stop {
    /// It begins now, in the pod's time until `deadline` where the pod ends, in a time of its own elsewhere.
    fn begun(now: Instant, grace: Duration, deadline: Option<Instant>, before: Option<Self>) -> Self {
        let until = now + grace;
        let (turn, wait) =
            before.map_or_else(|| (watch::Sender::default(), PAUSE), |before| (before.turn, before.wait));
        Self { until, deadline: deadline.unwrap_or(until), turn, retry: None, wait }
    }

    /// Whether to stop it again at `now`: later where the engine refused, else where the pod's `deadline` is sooner than before.
    fn is_due(&self, now: Instant, deadline: Option<Instant>) -> bool {
        let sooner = deadline.is_some_and(|deadline| deadline + SAME < self.deadline);
        // what is overdue cannot come sooner
        self.retry.map_or(sooner && self.until > now + SAME, |retry| retry <= now)
    }

    /// The engine refused.
    fn refuse(&mut self, now: Instant) {
        self.retry = Some(now + self.wait);
        self.wait = MAX_PAUSE.min(self.wait * 2);
    }
}

impl Worker {
    /// The pod is to end. The first word sets the clock; a later one can only bring the end nearer.
    pub(super) fn ends(&mut self, end: End) {
        let grace = end.grace.unwrap_or_else(|| pod::grace(&self.pod)).max(0);
        let deadline = Instant::now() + Duration::from_secs(grace.unsigned_abs());
        self.deadline = Some(self.deadline.map_or(deadline, |before| before.min(deadline)));
        self.end = Some(match self.end.take() {
            None => end,
            Some(before) => before.merge(end),
        });
    }

    /// Whether a step is to be taken now: a container that is being stopped is stopped again only where that is sooner.
    pub(super) fn is_new(&self, action: &Action) -> bool {
        match action {
            Action::Stop { id, .. } => {
                self.stopping.get(id).is_none_or(|stop| stop.is_due(Instant::now(), self.deadline))
            }
            _ => true,
        }
    }

    /// Tells containers that are being stopped, and waited for others, that those have ended.
    pub(super) fn give_turns(&self, actions: &[Action]) {
        for action in actions {
            if let Action::Stop { id, waits: false, .. } = action
                && let Some(stop) = self.stopping.get(id)
            {
                stop.turn.send_replace(true);
            }
        }
    }

    /// Begins to stop containers. They are waited for with the news, so that a shorter grace period can still come.
    pub(super) fn begin_stops(&mut self, observed: &Observed, actions: &[Action]) {
        let runs = |id: &str| observed.containers.iter().any(|container| container.id == id && container.running());
        self.stopping.retain(|id, _| runs(id));
        self.replaced.retain(|id| observed.containers.iter().any(|container| container.id == *id));
        for action in actions {
            let Action::Stop { id, name, why, grace, .. } = action else { continue };
            let (grace, now, before) = (self.grace(*grace), Instant::now(), self.stopping.get(id).cloned());
            let again = before.is_some();
            // where the engine refused, this is the same end still
            if before.as_ref().is_none_or(|before| before.retry.is_none()) {
                self.context.events.record(&self.pod, name, Type::Normal, "Killing", why);
            }
            if self.end.is_none() {
                self.replaced.insert(id.clone());
            }
            let begun = Stop::begun(now, grace, self.deadline, before);
            let turn = begun.turn.subscribe();
            self.stopping.insert(id.clone(), begun);
            let Some(container) = pod::container(&self.pod, name) else { continue };
            let target = Target {
                context: self.context.clone(),
                pod: self.pod.clone(),
                container: container.into_owned(),
                id: id.clone(),
                address: observed.live_sandbox().and_then(|sandbox| sandbox.address),
            };
            self.stops.spawn(async move {
                let outcome = stop(&target, grace, turn, !again).await;
                (target.id, outcome)
            });
        }
        self.give_turns(actions);
    }

    /// Notes what came of a stop.
    pub(super) fn stopped(&mut self, id: &str, outcome: Result<(), DockerError>) {
        let Err(error) = outcome else {
            self.stopping.remove(id);
            return;
        };
        tracing::warn!(container = id, error = words(&error), "cannot stop the container");
        if let Some(stop) = self.stopping.get_mut(id) {
            stop.refuse(Instant::now());
        }
    }

    /// How long it is until a stop that the engine refused is tried again.
    pub(super) fn next_stop(&self) -> Option<Duration> {
        let next = self.stopping.values().filter_map(|stop| stop.retry).min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// How long a container gets to end: what is left of the pod's own time, or `own` seconds where it alone ends.
    fn grace(&self, own: Option<i64>) -> Duration {
        if let Some(deadline) = self.deadline {
            let whole = self.end.as_ref().and_then(|end| end.grace).unwrap_or_else(|| pod::grace(&self.pod));
            let left = deadline.saturating_duration_since(Instant::now());
            return if whole <= 0 { Duration::ZERO } else { left.max(MIN_GRACE) };
        }
        Duration::from_secs(own.unwrap_or_else(|| pod::grace(&self.pod)).max(0).unsigned_abs())
    }

    /// Docker has nothing of the pod any more: its task is reported, the pod deleted, its files removed. False where some are left.
    pub(super) async fn finish(mut self) -> bool {
        let Some(end) = self.end.take() else { return true };
        let volumes = self.context.runtime.remove_volumes(pod::uid(&self.pod)).await;
        if let Err(error) = &volumes {
            tracing::warn!(pod = pod::name(&self.pod), error = words(error), "cannot remove the pod's volumes");
        }
        self.context.tokens.forget(pod::uid(&self.pod));
        self.tell(TaskState::Killed, end.message).await;
        if end.delete {
            self.delete().await;
        }
        let files = self.context.directory(pod::uid(&self.pod)).remove();
        if let Err(error) = &files {
            tracing::warn!(pod = pod::name(&self.pod), %error, "cannot remove the pod's files");
        }
        volumes.is_ok() && files.is_ok()
    }

    /// Deletes the pod from the API server at once, if it is still this one. Tried until the API server answers: nobody
    /// else will do it.
    async fn delete(&self) {
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), pod::namespace(&self.pod));
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: self.pod.metadata.uid.clone(), resource_version: None }),
            ..DeleteParams::default()
        };
        let mut pause = PAUSE;
        loop {
            match tokio::time::timeout(super::STATUS_TIMEOUT, api.delete(pod::name(&self.pod), &parameters)).await {
                Ok(Err(error)) if binding::is_transient(&error) => {
                    tracing::warn!(pod = pod::name(&self.pod), %error, "cannot delete the pod");
                }
                Ok(Err(error)) if !binding::is_status(&error, 404) && !binding::is_status(&error, 409) => {
                    return tracing::warn!(pod = pod::name(&self.pod), %error, "cannot delete the pod");
                }
                Ok(_) => return,
                Err(_) => {
                    tracing::warn!(pod = pod::name(&self.pod), "cannot delete the pod: the API server takes too long")
                }
            }
            tokio::time::sleep(pause).await;
            pause = MAX_PAUSE.min(pause * 2);
        }
    }
}

/// The preStop hook, the stop signal in the container's `turn`, and after `grace` in all SIGKILL.
async fn stop(
    target: &Target,
    grace: Duration,
    mut turn: watch::Receiver<bool>,
    with_hook: bool,
) -> Result<(), DockerError> {
    let begun = Instant::now();
    let hook = target.container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.pre_stop.as_ref());
    if let Some(hook) = hook.filter(|_| with_hook && !grace.is_zero()) {
        let done = tokio::time::timeout(grace, target.hook(hook, grace)).await;
        if let Err(why) = done.unwrap_or_else(|_| Err("it took longer than the grace period".to_owned())) {
            let Target { context, pod, container, .. } = target;
            let message = format!("PreStopHook failed: {why}");
            context.events.record(pod, &container.name, Type::Warning, "FailedPreStopHook", message);
        }
    }
    // when its time is over it waits for nobody; a worker that is gone gives no turns
    let _ = tokio::time::timeout(grace.saturating_sub(begun.elapsed()), turn.wait_for(|come| *come)).await;
    let left = grace.saturating_sub(begun.elapsed());
    let left = if grace.is_zero() { grace } else { left.max(MIN_GRACE.min(grace)) };
    target.context.runtime.stop(&target.id, left).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_repeated_where_it_is_sooner() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let stop = Stop::begun(now, 30 * second, Some(now + 30 * second), None);
        assert!(!stop.is_due(now, None) && !stop.is_due(now, Some(now + 30 * second)));
        assert!(stop.is_due(now, Some(now + second)));
        assert!(!stop.is_due(now + 30 * second, Some(now)), "it is overdue");
        let alone = Stop::begun(now, 30 * second, None, None);
        assert!(alone.is_due(now, Some(now + second)), "the pod ends sooner than its container was to");
    }

    #[test]
    fn a_stop_that_got_more_time_than_the_pod_had_is_not_repeated() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let deadline = Some(now + second);
        let stop = Stop::begun(now, MIN_GRACE, deadline, None);
        assert!(!stop.is_due(now, deadline) && !stop.is_due(now + second, deadline));
    }

    #[test]
    fn a_stop_that_is_refused_waits_ever_longer() {
        let now = Instant::now();
        let mut stop = Stop::begun(now, Duration::ZERO, None, None);
        for wait in [PAUSE, PAUSE * 2, PAUSE * 4] {
            stop.refuse(now);
            assert!(!stop.is_due(now + wait / 2, Some(now)) && stop.is_due(now + wait, None));
            stop = Stop::begun(now, Duration::ZERO, None, Some(stop));
        }
    }

    #[test]
    fn a_stop_that_is_repeated_keeps_its_turn() {
        let now = Instant::now();
        let stop = Stop::begun(now, PAUSE, None, None);
        let first = stop.turn.subscribe();
        let again = Stop::begun(now, PAUSE, None, Some(stop));
        again.turn.send_replace(true);
        assert!(*first.borrow());
    }
}
