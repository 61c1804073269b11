//! Pods as the API server shows them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use k8s_openapi::api::core::v1::Pod;
use mesos::TaskID;

use super::{BACKOFF, Machine, Progress, Record, Stage, Task};
use crate::annotations as keys;
use crate::backoff::Backoff;
use crate::core::Ask;
use crate::effect::Effect;

/// Names under which a pod asks for this scheduler.
const OURS: &[&str] = &["", "default-scheduler", "k8sm-scheduler"];
/// How many earlier tasks of a pod are remembered.
const FORMER: usize = 8;

impl Machine {
    /// All pods, after a (re)list: what is not among them is gone.
    pub fn pods_listed(&mut self, pods: Vec<Pod>, now: Instant) {
        let here: HashSet<String> = pods.iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
        let gone: Vec<String> = self.pods.keys().filter(|uid| !here.contains(*uid)).cloned().collect();
        self.pods_known = true;
        for pod in pods {
            self.pod(pod, now);
        }
        for uid in gone {
            self.forget(&uid, now);
        }
        self.look_soon(now);
    }

    /// A pod was made or changed.
    pub fn pod(&mut self, mut pod: Pod, now: Instant) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        if !concerns(&pod) {
            return self.forget(&uid, now);
        }
        pod.metadata.managed_fields = None;
        let ask = Ask::of(&pod, &self.settings.charges);
        let recorded = self.recorded_task(&pod, now);
        match self.pods.get_mut(&uid) {
            Some(record) => {
                record.pod = Arc::new(pod);
                record.take_ask(ask);
            }
            None => {
                let record = Record {
                    pod: Arc::new(pod),
                    ask: Arc::new(ask),
                    stage: Stage::Ended,
                    former: Vec::new(),
                    backoff: Backoff::new(BACKOFF.0, BACKOFF.1),
                    nominated: None,
                    preempted: false,
                    gone: false,
                };
                let finished = record.finished();
                self.pods.insert(uid.clone(), record);
                if recorded.is_none() && !finished {
                    self.enqueue(&uid, None, now);
                }
            }
        }
        if let Some(task) = recorded {
            self.adopt(&uid, task, now);
        }
        self.settle(&uid, now);
    }

    /// A pod is gone from the API.
    pub fn pod_deleted(&mut self, pod: &Pod, now: Instant) {
        if let Some(uid) = &pod.metadata.uid {
            self.forget(uid, now);
        }
    }

    /// The task that the pod's annotations name, once its executor has bound it.
    fn recorded_task(&self, pod: &Pod, now: Instant) -> Option<Task> {
        pod.spec.as_ref()?.node_name.as_ref()?;
        let annotations = pod.metadata.annotations.as_ref()?;
        let value = |key: &str| annotations.get(key).filter(|value| !value.is_empty()).cloned();
        Some(Task {
            id: value(keys::TASK_ID)?.into(),
            agent: value(keys::SLAVE_ID)?.into(),
            host: value(keys::BINDING_HOST)?,
            offer: value(keys::OFFER_ID).unwrap_or_default(),
            progress: Progress::Launched,
            since: now,
        })
    }

    /// The annotations name a task that this scheduler does not know for the pod: it was launched by an earlier one.
    fn adopt(&mut self, uid: &str, mut task: Task, now: Instant) {
        let Some(record) = self.pods.get_mut(uid) else { return };
        if record.former.contains(&task.id) || record.finished() {
            return;
        }
        let before = match &record.stage {
            Stage::Tasked(current) if current.id == task.id => return,
            Stage::Tasked(current) => Some((current.id.clone(), current.agent.clone())),
            Stage::Waiting(waiting) => {
                self.waiting.remove(&waiting.seq);
                None
            }
            Stage::Ended => None,
        };
        if self.strays.remove(&task.id).is_some() {
            task.progress = Progress::Bound;
        }
        tracing::info!(pod = record.ask.key(), task = %task.id, "the pod has this task already");
        self.tasks.insert(task.id.clone(), uid.to_owned());
        if self.connected {
            self.reconciler.add(task.id.clone(), task.agent.clone(), now);
        }
        record.stage = Stage::Tasked(task);
        if let Some((other, agent)) = before {
            record.remember(other.clone());
            self.tasks.remove(&other);
            self.kill(&other, &agent, 0, now);
        }
    }

    /// Does what the pod's deletion asks for, at the stage it is in.
    pub(super) fn settle(&mut self, uid: &str, now: Instant) {
        let Some(record) = self.pods.get(uid) else { return };
        let (deleting, finished, name) = (record.deleting(), record.finished(), record.name());
        match &record.stage {
            Stage::Waiting(waiting) if deleting || finished => {
                self.waiting.remove(&waiting.seq);
                self.pods.get_mut(uid).expect("the pod was found just now").stage = Stage::Ended;
                if deleting {
                    self.effects.push(Effect::DeletePod(name));
                }
            }
            Stage::Waiting(_) => self.look_soon(now),
            Stage::Tasked(task) if deleting => {
                let (task, agent) = (task.id.clone(), task.agent.clone());
                let grace = record.pod.metadata.deletion_grace_period_seconds.unwrap_or(30);
                self.kill(&task, &agent, grace, now);
            }
            Stage::Tasked(_) => {}
            Stage::Ended if deleting && finished => self.effects.push(Effect::DeletePod(name)),
            Stage::Ended => {}
        }
    }

    /// The pod is no longer there; a task it left behind is ended at once.
    fn forget(&mut self, uid: &str, now: Instant) {
        let Some(record) = self.pods.get_mut(uid) else { return };
        match &record.stage {
            Stage::Tasked(task) => {
                record.gone = true;
                let (task, agent) = (task.id.clone(), task.agent.clone());
                // the executor deletes a pod just before it reports the end: a kill that was sent is not repeated here
                if !self.kills.contains_key(&task) {
                    self.kill(&task, &agent, 0, now);
                }
                return;
            }
            Stage::Waiting(waiting) => drop(self.waiting.remove(&waiting.seq)),
            Stage::Ended => {}
        }
        self.pods.remove(uid);
    }
}

impl Record {
    /// Remembers a task that the pod no longer has.
    pub(super) fn remember(&mut self, task: TaskID) {
        self.former.push(task);
        if self.former.len() > FORMER {
            self.former.remove(0);
        }
    }
}

/// Whether the pod is this scheduler's: no mirror of a static pod, no other scheduler's, not held by a gate.
fn concerns(pod: &Pod) -> bool {
    let mirror = pod.metadata.annotations.as_ref().is_some_and(|map| map.contains_key(keys::MIRROR));
    let spec = pod.spec.as_ref();
    let scheduler = spec.and_then(|spec| spec.scheduler_name.as_deref()).unwrap_or_default();
    let gated = spec.and_then(|spec| spec.scheduling_gates.as_ref()).is_some_and(|gates| !gates.is_empty());
    !mirror && !gated && OURS.contains(&scheduler)
}
