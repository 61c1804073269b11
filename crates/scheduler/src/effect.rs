//! What the machine wants done in the world; carried out in order by `cluster` (Kubernetes) and `framework` (Mesos).

use std::collections::BTreeMap;

use mesos::scheduler::Action;

/// One thing to do.
#[allow(clippy::large_enum_variant, reason = "made and moved once, mostly calls to Mesos")]
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A call to the Mesos master.
    Mesos(Action),
    /// Delete the pod with grace period 0, if it still has this UID.
    DeletePod(PodName),
    /// Set the condition PodScheduled=False with reason Unschedulable and this message.
    Unschedulable(PodName, String),
    /// Write down the node on which others go for the pod.
    Nominate(PodName, String),
    /// End the pod with its grace period, for another one; says so in its condition DisruptionTarget and in this event's text.
    Preempt(PodName, String),
    /// Record an event about the pod.
    Event(PodName, EventKind, String),
    /// Make or relabel the node of an agent.
    EnsureNode {
        /// The node's name: the agent's hostname.
        name: String,
        /// Attribute labels; those of the node that are not here are removed.
        labels: BTreeMap<String, String>,
    },
    /// Write which executor runs on the node and with which resources.
    AnnotateNode {
        /// The node's name.
        name: String,
        /// Annotations to merge.
        annotations: BTreeMap<String, String>,
    },
}

/// A pod by name and UID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

/// Events of Kubernetes' scheduler, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Normal.
    Scheduled,
    /// Warning.
    FailedScheduling,
    /// Normal.
    Preempted,
}
