//! What a pod's worker is told: the latest of everything, so that nobody waits for a worker and nothing piles up.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::channel::Task;
use crate::pod;

/// What has happened to a pod and its worker has not seen yet.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) task: Option<(Task, Arc<Pod>)>,
    pub(super) pod: Option<Arc<Pod>>,
    pub(super) end: Option<End>,
    pub(super) missing: bool,
}

/// What a mailbox holds.
#[derive(Debug, Default)]
struct Inbox {
    news: News,
    /// The task that came last, read or not.
    latest: Option<String>,
    /// Whether somebody reads this.
    employed: bool,
}

/// Why a pod is to end, and what is to be done afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// How long its containers get; the pod's own grace period where nobody says.
    pub grace: Option<i64>,
    /// The message of its TASK_KILLED.
    pub message: &'static str,
    /// Whether the pod is to be deleted from the API server then.
    pub delete: bool,
}

/// The way to a worker.
#[derive(Debug, Default)]
pub struct Mailbox {
    inbox: Mutex<Inbox>,
    pub(super) arrived: Notify,
    /// Cancelled when the pod is to end: no image is waited for any longer.
    pub(super) ending: CancellationToken,
}

impl Mailbox {
    /// A task to run the pod; `pod` as the task has it.
    pub fn task(&self, task: Task, pod: Arc<Pod>) {
        let mut inbox = self.inbox.lock();
        inbox.latest = Some(task.id.clone());
        inbox.news.task = Some((task, pod));
        drop(inbox);
        self.arrived.notify_one();
    }

    /// The pod as the API server has it.
    pub fn pod(&self, pod: Arc<Pod>) {
        if pod::is_deleted(&pod) {
            let grace = End::grace(pod.metadata.deletion_grace_period_seconds);
            self.end(End { grace, message: "pod-deleted", delete: true });
        }
        self.inbox.lock().news.pod = Some(pod);
        self.arrived.notify_one();
    }

    /// The pod is to end. Of several words the one with less grace counts, and a pod that is gone is not deleted.
    pub fn end(&self, end: End) {
        let mut inbox = self.inbox.lock();
        inbox.news.end = Some(match inbox.news.end.take() {
            None => end,
            Some(before) => before.merge(end),
        });
        drop(inbox);
        self.ending.cancel();
        self.arrived.notify_one();
    }

    /// The API server's list does not have the pod: the worker is to find out.
    pub fn missing(&self) {
        self.inbox.lock().news.missing = true;
        self.arrived.notify_one();
    }

    /// Something happened in Docker.
    pub fn look(&self) {
        self.arrived.notify_one();
    }

    /// Takes all that came.
    pub(super) fn read(&self) -> News {
        std::mem::take(&mut self.inbox.lock().news)
    }

    /// The task that came last.
    #[must_use]
    pub fn latest_task(&self) -> Option<String> {
        self.inbox.lock().latest.clone()
    }

    /// The task that no worker took, once there is none any more.
    #[must_use]
    pub fn take_task(&self) -> Option<(Task, Arc<Pod>)> {
        self.inbox.lock().news.task.take()
    }

    /// True once: for whoever makes the worker that reads this mailbox.
    #[must_use]
    pub fn employ(&self) -> bool {
        !std::mem::replace(&mut self.inbox.lock().employed, true)
    }
}

impl End {
    /// Two words as one: the shorter grace period counts, and a pod that is gone is not deleted.
    #[must_use]
    pub(super) fn merge(self, other: Self) -> Self {
        let grace = self.grace.into_iter().chain(other.grace).min();
        Self { grace, message: self.message, delete: self.delete && other.delete }
    }

    /// The pod is gone from the API server.
    #[must_use]
    pub fn gone() -> Self {
        Self { grace: None, message: "pod-deleted", delete: false }
    }

    /// Its task was killed.
    #[must_use]
    pub fn killed(grace: Option<i64>) -> Self {
        Self { grace: Self::grace(grace), message: "task-killed", delete: true }
    }

    /// The seconds that somebody gives a pod's containers. None at all says that the pod's object is not to wait for them; they
    /// have the pod's own time then, as where the object is gone.
    fn grace(told: Option<i64>) -> Option<i64> {
        told.filter(|seconds| *seconds != 0)
    }

    /// The executor was told to shut down.
    #[must_use]
    pub fn shutdown(grace: i64) -> Self {
        Self { grace: Some(grace), message: "executor-shutdown", delete: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_by_force_leaves_containers_their_time() {
        let deleted = |grace: i64| -> Option<End> {
            let pod = serde_json::json!({"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z",
                "deletionGracePeriodSeconds": grace}, "spec": {"containers": []}});
            let mailbox = Mailbox::default();
            mailbox.pod(Arc::new(serde_json::from_value(pod).unwrap()));
            mailbox.end(End::killed(Some(grace)));
            mailbox.read().end
        };
        assert_eq!(deleted(0), Some(End { grace: None, message: "pod-deleted", delete: true }));
        assert_eq!(deleted(5).unwrap().grace, Some(5));
    }
}
