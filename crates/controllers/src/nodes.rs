//! Node lifecycle: a node that is silent becomes Unknown and tainted, and its pods unready; `taints` evicts them in the end.

mod health;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, Patch, PatchParams};
use kube::{Error, ResourceExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::context::Context;
use crate::pod;
use crate::queue::{Next, Queue};
use health::Verdict;
pub use health::{NOT_READY, UNREACHABLE};

const NAME: &str = "node-controller";

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A node may be silent for this long (`--node-monitor-grace-period`).
    pub grace: Duration,
    /// A new node may take this long for its first word (`--node-startup-grace-period`).
    pub startup: Duration,
}

/// When each node was last heard of, by this clock: nodes' own clocks may differ.
type Heard = Arc<Mutex<HashMap<String, Heartbeat>>>;

#[derive(Clone, Debug)]
struct Heartbeat {
    word: String,
    at: Instant,
}

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context, patience: Patience) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new(NAME, &context.queues));
    let heard = Heard::default();
    let (own, times) = (Arc::clone(&queue), Arc::clone(&heard));
    context.nodes.listen(move |change| match (change.old, change.new) {
        (_, Some(node)) => {
            let same = change.old.is_some_and(|old| health::matters(old) == health::matters(node));
            if hear(&times, &node.name_any(), health::status_heartbeat(node)) || !same {
                own.add(node.name_any());
            }
        }
        (Some(node), None) => drop(times.lock().remove(&node.name_any())),
        (None, None) => {}
    });
    let (own, times) = (Arc::clone(&queue), Arc::clone(&heard));
    context.leases.listen(move |change| {
        let Some(lease) = change.new else { return };
        let silent = |name: &str| times.lock().get(name).is_none_or(|known| known.at.elapsed() >= patience.grace);
        let was_silent = silent(&lease.name_any());
        if hear(&times, &lease.name_any(), renewal(lease)) && was_silent {
            own.add(lease.name_any());
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(1, shutdown, move |name| {
        let (context, heard) = (context.clone(), Arc::clone(&heard));
        async move { reconcile(&context, &heard, patience, &name).await }
    })
}

fn renewal(lease: &Lease) -> String {
    let time = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref());
    format!("lease {}", time.map_or_else(String::new, |time| time.0.to_string()))
}

/// Notes a sign of life; whether it is a new one.
fn hear(heard: &Heard, name: &str, word: String) -> bool {
    let mut heard = heard.lock();
    let new = heard.get(name).is_none_or(|known| known.word != word);
    // two kinds of words alternate; only the lease's counts as a change once there is one
    if new && (word.starts_with("lease") || heard.get(name).is_none_or(|known| !known.word.starts_with("lease"))) {
        heard.insert(name.to_owned(), Heartbeat { word, at: Instant::now() });
        return true;
    }
    false
}

async fn reconcile(context: &Context, heard: &Heard, patience: Patience, name: &str) -> anyhow::Result<Next> {
    let Some(node) = context.nodes.get(name) else { return Ok(Next::Wait) };
    let silence = heard.lock().get(name).map_or(Duration::ZERO, |heartbeat| heartbeat.at.elapsed());
    let verdict = health::judge(&node, silence, patience);
    if let Verdict::Silent { never } = verdict {
        mark_unknown(context, &node, never).await.with_context(|| format!("cannot mark node {name} Unknown"))?;
    }
    let ready = health::effective_ready(&node, verdict);
    taint(context, &node, ready).await.with_context(|| format!("cannot taint node {name}"))?;
    if ready == health::Ready::Unknown {
        mark_pods_unready(context, name)
            .await
            .with_context(|| format!("cannot mark the pods of node {name} unready"))?;
    }
    match verdict {
        Verdict::Heard { left } => Ok(Next::After(left)),
        Verdict::Silent { .. } | Verdict::NoExecutor => Ok(Next::Wait),
    }
}

async fn mark_unknown(context: &Context, node: &Node, never: bool) -> anyhow::Result<()> {
    let Some(conditions) = health::unknown_conditions(node, never, Timestamp::now()) else { return Ok(()) };
    context.events.record(
        node,
        NAME,
        false,
        "NodeNotReady",
        format!("Node {} status is now: NodeNotReady", node.name_any()),
    );
    let patch = json!({"metadata": {"uid": node.uid()}, "status": {"conditions": conditions}});
    let api: Api<Node> = Api::all(context.client.clone());
    let written = api.patch_status(&node.name_any(), &PatchParams::default(), &Patch::Strategic(&patch)).await;
    accept(written.map(|node| context.nodes.wrote(node)))?;
    Ok(())
}

async fn taint(context: &Context, node: &Node, ready: health::Ready) -> anyhow::Result<()> {
    let Some(taints) = health::taints(node, ready, Timestamp::now()) else { return Ok(()) };
    let taints = if taints.is_empty() { Value::Null } else { json!(taints) };
    // taints are replaced as a whole: only over what this was computed from
    let version = node.resource_version();
    let fresh = context.nodes.get(&node.name_any()).filter(|fresh| fresh.uid() == node.uid());
    let version = fresh.and_then(|fresh| fresh.resource_version()).or(version);
    let patch = json!({"metadata": {"uid": node.uid(), "resourceVersion": version}, "spec": {"taints": taints}});
    let api: Api<Node> = Api::all(context.client.clone());
    match api.patch(&node.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(node) => context.nodes.wrote(node),
        Err(Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn pods_of(context: &Context, node: &str) -> Vec<Arc<Pod>> {
    context.pods.select(|pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node))
}

/// Pods of a silent node serve nobody as far as anybody knows.
async fn mark_pods_unready(context: &Context, node: &str) -> anyhow::Result<()> {
    for pod in pods_of(context, node).into_iter().filter(|pod| pod::is_ready(pod)) {
        let condition = json!({"type": "Ready", "status": "False", "reason": "NodeNotReady",
            "lastTransitionTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
        let patch = json!({"metadata": {"uid": pod.uid()}, "status": {"conditions": [condition]}});
        let api: Api<Pod> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
        let written = api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(&patch)).await;
        accept(written.map(|pod| context.pods.wrote(pod)))?;
    }
    Ok(())
}

fn accept(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        other => other,
    }
}
