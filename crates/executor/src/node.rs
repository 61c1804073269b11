//! This node in the API server: its status (at start, at change, where another wrote over it, every five minutes) and its lease
//! (every ten seconds).

mod engine;
pub mod files;
mod lease;
mod own;
pub mod pressure;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use tokio::sync::watch;

use crate::binding::is_status;
use crate::channel::Agent;
use crate::context::Context;
use crate::events::Type;
use own::Word;
use pressure::Pressure;

/// The annotation by which a node says which ports Mesos gives out there.
const PORTS: &str = "k8s.mesosphere.io/ports";
/// How often the status is written where nothing changed.
const STATUS: Duration = Duration::from_secs(300);
/// The wait after the API server did not take it.
const RETRY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the node is looked at for what it is short of, and how often images are removed while the disk is full.
const MEASURE: Duration = Duration::from_secs(10);
const COLLECT: Duration = Duration::from_secs(60);
/// Keeps the node's status and lease, for ever. `registered` turns true when the status was written first; `agent` is the
/// Mesos agent, which may change with its restart.
pub async fn keep(context: Arc<Context>, agent: watch::Receiver<Agent>, registered: watch::Sender<bool>) {
    context.events.record_node(&context.node, Type::Normal, "Starting", "Starting kubelet.");
    let (pressing, pressure) = watch::channel(measured(&context));
    let (seeing, seen) = watch::channel(Word::default());
    let (answering, engine) = watch::channel(true);
    tokio::join!(
        keep_status(&context, agent, (pressure.clone(), engine), seen, registered),
        own::follow(&context, seeing),
        engine::follow(&context, answering),
        lease::keep(&context),
        measure(&context, pressing),
        collect(&context, pressure),
    );
}

/// Tells what the node is short of when that changes.
async fn measure(context: &Context, pressing: watch::Sender<Pressure>) {
    loop {
        tokio::time::sleep(MEASURE).await;
        let now = measured(context);
        pressing.send_if_modified(|known| std::mem::replace(known, now) != now);
    }
}

fn measured(context: &Context) -> Pressure {
    Pressure::measure(&context.flags.root_dir, context.flags.eviction_hard)
}

/// Removes images that only this node wanted, while the disk is full.
async fn collect(context: &Context, mut pressure: watch::Receiver<Pressure>) {
    while pressure.wait_for(|pressure| pressure.disk).await.is_ok() {
        let what = "Attempting to reclaim ephemeral-storage";
        context.events.record_node(&context.node, Type::Warning, "EvictionThresholdMet", what);
        let removed = context.runtime.collect_images(&context.flags.root_dir).await;
        tracing::warn!(?removed, "the disk is full: images that this node pulled and no container has are removed");
        tokio::time::sleep(COLLECT).await;
    }
}

async fn keep_status(
    context: &Context,
    mut agent: watch::Receiver<Agent>,
    (mut pressure, mut engine): (watch::Receiver<Pressure>, watch::Receiver<bool>),
    mut seen: watch::Receiver<Word>,
    registered: watch::Sender<bool>,
) {
    let mut ours = None;
    loop {
        let (current, pressing) = (agent.borrow_and_update().clone(), *pressure.borrow_and_update());
        let can_run = *engine.borrow_and_update();
        let wait = match tokio::time::timeout(TIMEOUT, write_status(context, &current, pressing, can_run)).await {
            Ok(Ok(written)) => {
                ours = Some(written);
                registered.send_if_modified(|registered| !std::mem::replace(registered, true));
                STATUS
            }
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "cannot write the node's status");
                RETRY
            }
            Err(_) => {
                tracing::warn!("cannot write the node's status: it takes too long");
                RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(()) = agent.changed() => {}
            Ok(()) = pressure.changed() => {}
            Ok(()) = engine.changed() => {}
            // not at once: two who do not agree are not to write without a pause
            () = tokio::time::sleep(RETRY).then(|()| own::contradicted(&mut seen, ours.as_ref(), &status::OWN)) => {}
        }
    }
}

/// Writes the status; what the API server has then. An engine that is down (`can_run`) is not asked what it has: that stands.
async fn write_status(context: &Context, agent: &Agent, pressure: Pressure, can_run: bool) -> anyhow::Result<Word> {
    let api: Api<Node> = Api::all(context.client.clone());
    let node = match api.get_opt(&context.node).await? {
        Some(node) => node,
        None => match api.create(&PostParams::default(), &new_node(&context.node, agent)).await {
            Err(error) if is_status(&error, 409) => api.get(&context.node).await?,
            outcome => outcome?,
        },
    };
    let (labels, annotations) = (own_labels(), own_annotations(agent));
    let lacks = |own: &BTreeMap<String, String>, there: &BTreeMap<String, String>| {
        own.iter().any(|(key, value)| there.get(key) != Some(value))
    };
    if lacks(&labels, node.labels()) || lacks(&annotations, node.annotations()) {
        let patch = Patch::Merge(serde_json::json!({"metadata": {"labels": labels, "annotations": annotations}}));
        api.patch(&context.node, &PatchParams::default(), &patch).await?;
    }
    let before = node.status.unwrap_or_default();
    let (info, images) = match can_run {
        true => status::engine(context).await?,
        false => (before.node_info.clone().unwrap_or_default(), before.images.clone().unwrap_or_default()),
    };
    let previous = before.conditions.clone().unwrap_or_default();
    let conditions = status::conditions(&previous, pressure, can_run);
    let mut status = status::of(context, agent, conditions.clone(), info, images);
    status::grant(&mut status, &before);
    let written =
        api.patch_status(&context.node, &PatchParams::default(), &Patch::Strategic(status::body(&status))).await?;
    for reason in status::news(&previous, &conditions) {
        let what = format!("Node {} status is now: {reason}", context.node);
        context.events.record_node(&context.node, Type::Normal, reason, what);
    }
    Ok(Word::of(&written))
}

/// The node, where the scheduler has not made it yet.
fn new_node(name: &str, agent: &Agent) -> Node {
    let mut labels = own_labels();
    labels.insert("kubernetes.io/hostname".to_owned(), name.to_owned());
    labels.extend(
        agent
            .attributes
            .iter()
            .map(|(attribute, value)| (format!("k8s.mesosphere.io/attribute-{attribute}"), value.clone())),
    );
    let (labels, annotations) = (Some(labels), Some(own_annotations(agent)));
    let metadata = ObjectMeta { name: Some(name.to_owned()), labels, annotations, ..ObjectMeta::default() };
    Node { metadata, ..Node::default() }
}

/// What the scheduler has to know and offers do not say: the ports that Mesos gives out, in use or not.
fn own_annotations(agent: &Agent) -> BTreeMap<String, String> {
    let ranges: Vec<String> = agent.ports.iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
    BTreeMap::from([(PORTS.to_owned(), ranges.join(","))])
}

/// The labels by which manifests choose machines; only the node itself knows them.
fn own_labels() -> BTreeMap<String, String> {
    [("kubernetes.io/os", "linux"), ("kubernetes.io/arch", serve::version::architecture())]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
