//! Carries out what the machine wants of the Kubernetes API.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, Error};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;

use crate::annotations::ATTRIBUTE;
use crate::effect::{Effect, EventKind, PodName};
use crate::node;

/// Effects that wait; events beyond are dropped, everything else is waited for.
const QUEUE: usize = 1024;
/// Requests under way at one time.
const CONCURRENT: usize = 8;
/// How long an effect other than an event is tried.
const PATIENCE: Duration = Duration::from_secs(300);
/// Events that are remembered, to count repetitions.
const REMEMBERED: usize = 1024;
/// Kubernetes' name for its scheduler in events.
const COMPONENT: &str = "default-scheduler";

/// The way in for effects.
#[derive(Clone)]
pub struct Cluster {
    queue: mpsc::Sender<Effect>,
}

impl Cluster {
    /// Starts a task that carries out effects; it ends when the last clone is dropped and all is done. `prelaunch` says that an executor
    /// starts on every node by itself, so that a new node is not ready until its executor says so.
    #[must_use]
    pub fn start(client: Client, prelaunch: bool, tasks: &mut JoinSet<()>) -> Self {
        let (queue, effects) = mpsc::channel(QUEUE);
        let worker = Worker { client, prelaunch, events: Mutex::default(), serial: AtomicU64::new(0) };
        tasks.spawn(async move {
            ReceiverStream::new(effects).for_each_concurrent(CONCURRENT, |effect| worker.carry_out(effect)).await;
        });
        Self { queue }
    }

    /// Has an effect carried out.
    pub async fn apply(&self, effect: Effect) {
        if matches!(effect, Effect::Event(..)) {
            let _ = self.queue.try_send(effect);
        } else {
            let _ = self.queue.send(effect).await;
        }
    }
}

/// An event that was recorded, to be counted up.
struct Recorded {
    name: String,
    count: i32,
}

struct Worker {
    client: Client,
    prelaunch: bool,
    events: Mutex<HashMap<(PodName, EventKind, String), Recorded>>,
    serial: AtomicU64,
}

impl Worker {
    async fn carry_out(&self, effect: Effect) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut wait = Duration::from_millis(100);
        loop {
            let error = match self.attempt(&effect).await {
                Ok(()) => return,
                Err(error) => error,
            };
            let lasting = matches!(&error, Error::Api(status) if (400..500).contains(&status.code) && !matches!(status.code, 404 | 409 | 429));
            let event = matches!(effect, Effect::Event(..));
            if lasting || event || tokio::time::Instant::now() >= deadline {
                tracing::warn!(error = error.to_string(), ?effect, "given up");
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }

    async fn attempt(&self, effect: &Effect) -> Result<(), Error> {
        match effect {
            Effect::Mesos(_) => Ok(()),
            Effect::DeletePod(pod) => self.delete(pod).await,
            Effect::Unschedulable(pod, message) => self.unschedulable(pod, message).await,
            Effect::Nominate(pod, node) => self.nominate(pod, node).await,
            Effect::Preempt(pod, message) => self.preempt(pod, message).await,
            Effect::Event(pod, kind, message) => self.event(pod, *kind, message).await,
            Effect::EnsureNode { name, labels } => self.ensure_node(name, labels).await,
            Effect::AnnotateNode { name, annotations } => {
                let patch = json!({"metadata": {"annotations": annotations}});
                self.nodes().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.map(drop)
            }
        }
    }

    async fn delete(&self, pod: &PodName) -> Result<(), Error> {
        let preconditions = Some(Preconditions { uid: Some(pod.uid.clone()), resource_version: None });
        let params = DeleteParams { grace_period_seconds: Some(0), preconditions, ..DeleteParams::default() };
        ignore(&[404, 409], self.pods(pod).delete(&pod.name, &params).await.map(drop))
    }

    async fn unschedulable(&self, pod: &PodName, message: &str) -> Result<(), Error> {
        self.condition(
            pod,
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}),
        )
        .await
    }

    async fn nominate(&self, pod: &PodName, node: &str) -> Result<(), Error> {
        let patch = json!({"metadata": {"uid": pod.uid}, "status": {"nominatedNodeName": node}});
        self.patch_status(pod, &patch).await
    }

    async fn preempt(&self, pod: &PodName, message: &str) -> Result<(), Error> {
        let why = format!("{COMPONENT}: preempting to accommodate a higher priority pod");
        let condition =
            json!({"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": why});
        self.condition(pod, condition).await?;
        let preconditions = Some(Preconditions { uid: Some(pod.uid.clone()), resource_version: None });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        ignore(&[404, 409], self.pods(pod).delete(&pod.name, &params).await.map(drop))?;
        // best effort, as every event: the pod is gone already where this fails
        if let Err(error) = self.event(pod, EventKind::Preempted, message).await {
            tracing::debug!(%error, pod = pod.name, "an event was not recorded");
        }
        Ok(())
    }

    async fn condition(&self, pod: &PodName, mut condition: Value) -> Result<(), Error> {
        condition["lastTransitionTime"] = json!(now());
        self.patch_status(pod, &json!({"metadata": {"uid": pod.uid}, "status": {"conditions": [condition]}})).await
    }

    async fn patch_status(&self, pod: &PodName, patch: &Value) -> Result<(), Error> {
        let params = PatchParams::default();
        ignore(&[404, 409], self.pods(pod).patch_status(&pod.name, &params, &Patch::Strategic(patch)).await.map(drop))
    }

    async fn event(&self, pod: &PodName, kind: EventKind, message: &str) -> Result<(), Error> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &pod.namespace);
        let key = (pod.clone(), kind, message.to_owned());
        let known = self.events.lock().get_mut(&key).map(|recorded| {
            recorded.count += 1;
            (recorded.name.clone(), recorded.count)
        });
        if let Some((name, count)) = known {
            let patch = json!({"count": count, "lastTimestamp": now()});
            let patched = api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await;
            if !matches!(&patched, Err(Error::Api(status)) if status.code == 404) {
                return patched.map(drop);
            }
        }
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{:x}{serial:x}", pod.name, Timestamp::now().as_nanosecond());
        let body = event(&name, pod, kind, message);
        let event = serde_json::from_value(body).map_err(Error::SerdeError)?;
        api.create(&PostParams::default(), &event).await?;
        let mut events = self.events.lock();
        if events.len() >= REMEMBERED {
            events.clear();
        }
        events.insert(key, Recorded { name, count: 1 });
        Ok(())
    }

    async fn ensure_node(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), Error> {
        let api = self.nodes();
        let Some(known) = api.get_opt(name).await? else {
            let node = serde_json::from_value(new_node(name, labels)).map_err(Error::SerdeError)?;
            api.create(&PostParams::default(), &node).await?;
            let status = json!({"status": {"conditions": [first_condition(self.prelaunch)]}});
            return api.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.map(drop);
        };
        let stale = known
            .metadata
            .labels
            .iter()
            .flatten()
            .filter(|(key, _)| key.starts_with(ATTRIBUTE) && !labels.contains_key(*key));
        let mut wanted: BTreeMap<String, Value> = stale.map(|(key, _)| (key.clone(), Value::Null)).collect();
        wanted.extend(labels.iter().map(|(key, value)| (key.clone(), json!(value))));
        wanted.insert(node::HOSTNAME.to_owned(), json!(name));
        let patch = json!({"metadata": {"labels": wanted}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.map(drop)
    }

    fn pods(&self, pod: &PodName) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &pod.namespace)
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }
}

/// Answers that mean that there is nothing left to do.
fn ignore(codes: &[u16], result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Api(status)) if codes.contains(&status.code) => Ok(()),
        other => other,
    }
}

fn new_node(name: &str, labels: &BTreeMap<String, String>) -> Value {
    let mut labels = labels.clone();
    labels.insert(node::HOSTNAME.to_owned(), name.to_owned());
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
}

/// Without `prelaunch` an executor starts only with a pod, so that the node has to be ready without one, on Mesos' word.
fn first_condition(prelaunch: bool) -> Value {
    let (status, reason, message) = match prelaunch {
        true => ("False", "ExecutorStarting", "the executor of the node has not reported yet"),
        false => ("True", "SlaveReady", "mesos reports ready status"),
    };
    json!({"type": "Ready", "status": status, "reason": reason, "message": message,
           "lastHeartbeatTime": now(), "lastTransitionTime": now()})
}

fn event(name: &str, pod: &PodName, kind: EventKind, message: &str) -> Value {
    let (kind, reason) = match kind {
        EventKind::Scheduled => ("Normal", "Scheduled"),
        EventKind::FailedScheduling => ("Warning", "FailedScheduling"),
        EventKind::Preempted => ("Normal", "Preempted"),
    };
    json!({
        "metadata": {"name": name, "namespace": pod.namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid},
        "type": kind, "reason": reason, "message": message, "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT, "reportingInstance": "",
        "firstTimestamp": now(), "lastTimestamp": now(), "count": 1,
    })
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
