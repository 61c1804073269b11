//! A pod as the scheduler keeps it, and where it stands: it waits, has a task, or has ended.

use std::sync::Arc;
use std::time::Instant;

use k8s_openapi::api::core::v1::Pod;
use mesos::{AgentID, TaskID};

use crate::backoff::Backoff;
use crate::core::Ask;
use crate::effect::PodName;

/// A pod and where it stands.
#[derive(Debug)]
pub struct Record {
    /// The object as it was last seen.
    pub pod: Arc<Pod>,
    /// What it asks for.
    pub ask: Arc<Ask>,
    /// Where it stands.
    pub stage: Stage,
    /// Tasks it had before; their annotations on the pod are of yesterday.
    pub(super) former: Vec<TaskID>,
    pub(super) backoff: Backoff,
    /// The node on which others had to go for it, until the object says so too.
    pub(super) nominated: Option<String>,
    /// It has to go for another pod; the object may not say so yet.
    pub(super) preempted: bool,
    /// The object is gone from the API; only the task is left.
    pub(super) gone: bool,
}

/// Where a pod stands.
#[derive(Debug)]
pub enum Stage {
    /// Waits for an offer: since its launch failed, not before a time.
    Waiting(Waiting),
    /// Has a task.
    Tasked(Task),
    /// Nothing is left to do but to be deleted.
    Ended,
}

/// A pod that waits.
#[derive(Debug)]
pub struct Waiting {
    /// Its place in the queue.
    pub seq: u64,
    /// Not before this; `None` is at once.
    pub not_before: Option<Instant>,
    /// What its owner was told last, and when to repeat it.
    pub told: Option<(String, Instant)>,
    /// Since when it waits.
    pub since: Instant,
    /// Since when nothing but an offer of a node that might take it is missing.
    pub hoping: Option<Instant>,
}

/// A pod's task.
#[derive(Debug)]
pub struct Task {
    /// `pod.<uuid>`.
    pub id: TaskID,
    /// The agent.
    pub agent: AgentID,
    /// The agent's hostname.
    pub host: String,
    /// The offer that was used.
    pub offer: String,
    /// How far it came.
    pub progress: Progress,
    /// When it was launched, or found again.
    pub since: Instant,
}

/// How far a task came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Accepted; nothing was heard yet.
    Launched,
    /// The executor bound the pod.
    Bound,
    /// The pod runs.
    Running,
    /// Out of reach, with its agent.
    Unreachable,
}

impl Record {
    /// The pod by name and UID.
    #[must_use]
    pub fn name(&self) -> PodName {
        PodName { namespace: self.ask.namespace.clone(), name: self.ask.name.clone(), uid: self.ask.uid.clone() }
    }

    /// What the pod asks for, with what was decided of it and the object may not say yet.
    pub(super) fn take_ask(&mut self, mut ask: Ask) {
        ask.deleting |= self.preempted;
        if ask.nominated.is_none() {
            ask.nominated.clone_from(&self.nominated);
        }
        self.ask = Arc::new(ask);
    }

    pub(super) fn deleting(&self) -> bool {
        self.gone || self.pod.metadata.deletion_timestamp.is_some()
    }

    pub(super) fn finished(&self) -> bool {
        let phase = self.pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    }
}
