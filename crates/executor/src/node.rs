//! This node in the API server: its status (at start, at change, where another wrote over it, every five minutes) and its lease
//! (every ten seconds).

pub mod files;
mod own;
pub mod pressure;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::ListImagesOptions;
use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    ContainerImage, DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeStatus, NodeSystemInfo,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference, Time};
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
/// Where leases of nodes are.
const LEASES: &str = "kube-node-lease";
/// How long a lease holds, and how often it is renewed: Kubernetes' own.
const LEASE_SECONDS: i32 = 40;
const RENEW: Duration = Duration::from_secs(10);
/// How often the status is written where nothing changed.
const STATUS: Duration = Duration::from_secs(300);
/// The wait after the API server did not take it.
const RETRY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the node is looked at for what it is short of, and how often images are removed while the disk is full.
const MEASURE: Duration = Duration::from_secs(10);
const COLLECT: Duration = Duration::from_secs(60);
/// The conditions that a node says of itself; others are others' to write.
const OWN: [&str; 4] = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"];
/// Images that a status lists at most, the largest.
const MAX_IMAGES: usize = 50;

/// Keeps the node's status and lease, for ever. `registered` turns true when the status was written first; `agent` is the
/// Mesos agent, which may change with its restart.
pub async fn keep(context: Arc<Context>, agent: watch::Receiver<Agent>, registered: watch::Sender<bool>) {
    context.events.record_node(&context.node, Type::Normal, "Starting", "Starting kubelet.");
    let (pressing, pressure) = watch::channel(measured(&context));
    let (seeing, seen) = watch::channel(Word::default());
    tokio::join!(
        keep_status(&context, agent, pressure.clone(), seen, registered),
        own::follow(&context, seeing),
        keep_lease(&context),
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
    mut pressure: watch::Receiver<Pressure>,
    mut seen: watch::Receiver<Word>,
    registered: watch::Sender<bool>,
) {
    let mut ours = None;
    loop {
        let (current, pressing) = (agent.borrow_and_update().clone(), *pressure.borrow_and_update());
        let wait = match tokio::time::timeout(TIMEOUT, write_status(context, &current, pressing)).await {
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
            // not at once: two who do not agree are not to write without a pause
            () = tokio::time::sleep(RETRY).then(|()| own::contradicted(&mut seen, ours.as_ref(), &OWN)) => {}
        }
    }
}

/// Writes the status; what the API server has then.
async fn write_status(context: &Context, agent: &Agent, pressure: Pressure) -> anyhow::Result<Word> {
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
    let (info, images) = engine(context).await?;
    let previous = node.status.and_then(|status| status.conditions).unwrap_or_default();
    let conditions = conditions(&previous, pressure);
    let status = status(context, agent, conditions.clone(), info, images);
    let written = api.patch_status(&context.node, &PatchParams::default(), &Patch::Strategic(body(&status))).await?;
    for reason in news(&previous, &conditions) {
        let what = format!("Node {} status is now: {reason}", context.node);
        context.events.record_node(&context.node, Type::Normal, reason, what);
    }
    Ok(Word::of(&written))
}

/// The patch that makes the node's status this one. Conditions merge by their type, since some are others' to write; addresses
/// would merge by theirs, and are all ours.
fn body(status: &NodeStatus) -> serde_json::Value {
    let mut body = serde_json::json!({"status": status});
    if let Some(addresses) = body["status"]["addresses"].as_array_mut() {
        addresses.insert(0, serde_json::json!({"$patch": "replace"}));
    }
    body
}

/// The reasons of events of conditions that are other than before.
fn news(previous: &[NodeCondition], conditions: &[NodeCondition]) -> Vec<&'static str> {
    let is_new = |now: &&NodeCondition| {
        let before = previous.iter().find(|before| before.type_ == now.type_);
        before.is_none_or(|before| before.status != now.status)
    };
    let reason = |now: &NodeCondition| match (now.type_.as_str(), now.status == "True") {
        ("MemoryPressure", true) => Some("NodeHasInsufficientMemory"),
        ("MemoryPressure", false) => Some("NodeHasSufficientMemory"),
        ("DiskPressure", true) => Some("NodeHasDiskPressure"),
        ("DiskPressure", false) => Some("NodeHasNoDiskPressure"),
        ("PIDPressure", true) => Some("NodeHasInsufficientPID"),
        ("PIDPressure", false) => Some("NodeHasSufficientPID"),
        ("Ready", true) => Some("NodeReady"),
        _ => None,
    };
    conditions.iter().filter(is_new).filter_map(reason).collect()
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
    [("kubernetes.io/os", "linux"), ("kubernetes.io/arch", architecture())]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn status(
    context: &Context,
    agent: &Agent,
    conditions: Vec<NodeCondition>,
    node_info: NodeSystemInfo,
    images: Vec<ContainerImage>,
) -> NodeStatus {
    let amounts = |cpus: f64, mem: f64| {
        BTreeMap::from([
            ("cpu".to_owned(), Quantity(cpu(cpus))),
            ("memory".to_owned(), Quantity(format!("{}Ki", (mem.max(0.0) * 1024.0) as u64))),
            ("ephemeral-storage".to_owned(), Quantity(format!("{}Mi", agent.disk.max(0.0) as u64))),
            ("pods".to_owned(), Quantity(context.flags.max_pods.to_string())),
        ])
    };
    let address = |type_: &str, address: String| NodeAddress { type_: type_.to_owned(), address };
    NodeStatus {
        addresses: Some(vec![
            address("InternalIP", context.placement.address.to_string()),
            address("Hostname", context.node.clone()),
        ]),
        capacity: Some(amounts(agent.cpus, agent.mem)),
        allocatable: Some(amounts(agent.cpus - agent.executor_cpus, agent.mem - agent.executor_mem)),
        conditions: Some(conditions),
        daemon_endpoints: Some(NodeDaemonEndpoints {
            kubelet_endpoint: Some(DaemonEndpoint { port: i32::from(context.flags.port) }),
        }),
        node_info: Some(node_info),
        images: Some(images),
        ..NodeStatus::default()
    }
}

/// The kubelet's conditions in its own words.
fn conditions(previous: &[NodeCondition], pressure: Pressure) -> Vec<NodeCondition> {
    let now = now();
    let ready = ("Ready", true, "KubeletReady", "kubelet is posting ready status");
    let all = pressure.conditions().into_iter().chain([ready]);
    all.map(|(type_, status, reason, message)| {
        let status = if status { "True" } else { "False" };
        let before = previous.iter().find(|condition| condition.type_ == type_ && condition.status == status);
        NodeCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(Time(now)),
            last_transition_time: before.and_then(|c| c.last_transition_time.clone()).or(Some(Time(now))),
        }
    })
    .collect()
}

/// CPUs as a quantity: whole ones as such, others in thousandths.
fn cpu(cpus: f64) -> String {
    let millis = (cpus.max(0.0) * 1000.0).round() as u64;
    if millis.is_multiple_of(1000) { (millis / 1000).to_string() } else { format!("{millis}m") }
}

/// What the engine says of itself and of its images.
async fn engine(context: &Context) -> anyhow::Result<(NodeSystemInfo, Vec<ContainerImage>)> {
    let docker = context.runtime.docker();
    let (version, info) = tokio::try_join!(docker.version(), docker.info())?;
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
    let machine_id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
    let machine_id = if machine_id.is_empty() { info.id.unwrap_or_default() } else { machine_id };
    let system = NodeSystemInfo {
        architecture: architecture().to_owned(),
        boot_id,
        container_runtime_version: format!("docker://{}", version.version.unwrap_or_default()),
        kernel_version: version.kernel_version.unwrap_or_default(),
        kube_proxy_version: KUBELET_VERSION.to_owned(),
        kubelet_version: KUBELET_VERSION.to_owned(),
        system_uuid: machine_id.clone(),
        machine_id,
        operating_system: "linux".to_owned(),
        os_image: info.operating_system.unwrap_or_default(),
        ..NodeSystemInfo::default()
    };
    let mut images = docker.list_images(None::<ListImagesOptions>).await?;
    images.sort_by_key(|image| std::cmp::Reverse(image.size));
    let named = |tag: &String| !tag.starts_with("<none>");
    let images = images.into_iter().filter_map(|image| {
        let names: Vec<_> = image.repo_digests.into_iter().chain(image.repo_tags).filter(named).collect();
        (!names.is_empty()).then_some(ContainerImage { names: Some(names), size_bytes: Some(image.size) })
    });
    Ok((system, images.take(MAX_IMAGES).collect()))
}

/// The Kubernetes that this executor speaks.
const KUBELET_VERSION: &str = concat!("v1.33.1-k8sm.", env!("CARGO_PKG_VERSION"));

/// This machine's architecture as Kubernetes calls it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

async fn keep_lease(context: &Context) {
    let api: Api<Lease> = Api::namespaced(context.client.clone(), LEASES);
    loop {
        match tokio::time::timeout(TIMEOUT, renew(context, &api)).await {
            Ok(Ok(())) => tokio::time::sleep(RENEW).await,
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot renew the node's lease");
                tokio::time::sleep(RETRY).await;
            }
            Err(_) => tracing::warn!("cannot renew the node's lease: the API server takes too long"),
        }
    }
}

async fn renew(context: &Context, api: &Api<Lease>) -> kube::Result<()> {
    let now = MicroTime(Timestamp::now());
    let patch = Patch::Merge(serde_json::json!({"spec": {"holderIdentity": context.node, "renewTime": now,
        "leaseDurationSeconds": LEASE_SECONDS}}));
    match api.patch(&context.node, &PatchParams::default(), &patch).await {
        Err(error) if is_status(&error, 404) => {
            let nodes: Api<Node> = Api::all(context.client.clone());
            let node = nodes.get_opt(&context.node).await?;
            let owner = node.and_then(|node| node.metadata.uid).map(|uid| {
                let (kind, name) = ("Node".to_owned(), context.node.clone());
                vec![OwnerReference { api_version: "v1".to_owned(), kind, name, uid, ..OwnerReference::default() }]
            });
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(context.node.clone()),
                    namespace: Some(LEASES.to_owned()),
                    owner_references: owner,
                    ..ObjectMeta::default()
                },
                spec: Some(LeaseSpec {
                    holder_identity: Some(context.node.clone()),
                    lease_duration_seconds: Some(LEASE_SECONDS),
                    renew_time: Some(now),
                    ..LeaseSpec::default()
                }),
            };
            api.create(&PostParams::default(), &lease).await.map(|_| ())
        }
        outcome => outcome.map(|_| ()),
    }
}

fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_whole_or_thousandths() {
        assert_eq!([cpu(4.0), cpu(3.75), cpu(0.1 + 0.2), cpu(-1.0)], ["4", "3750m", "300m", "0"]);
    }

    #[test]
    fn a_condition_that_stays_keeps_its_time() {
        let past = Time(Timestamp::from_second(1_700_000_000).unwrap());
        let mut before = conditions(&[], Pressure::default());
        before.iter_mut().for_each(|condition| condition.last_transition_time = Some(past.clone()));
        before[3].status = "False".into();
        let after = conditions(&before, Pressure { disk: true, ..Pressure::default() });
        assert_eq!(after[0].last_transition_time, Some(past.clone()));
        assert_ne!(after[3].last_transition_time, Some(past.clone()));
        assert_eq!((after[1].status.as_str(), after[1].reason.as_deref()), ("True", Some("KubeletHasDiskPressure")));
        assert_ne!(after[1].last_transition_time, Some(past));
        assert_eq!(news(&before, &after), ["NodeHasDiskPressure", "NodeReady"]);
        assert_eq!(news(&after, &after), [""; 0]);
        assert_eq!(news(&[], &after).len(), 4);
        assert!(after.iter().map(|condition| condition.type_.as_str()).eq(OWN));
    }

    #[test]
    fn conditions_of_others_stay_and_addresses_of_before_go() {
        let node = serde_json::json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}, "status": {
            "addresses": [{"type": "ExternalIP", "address": "10.0.0.1"}],
            "conditions": [{"type": "KernelDeadlock", "status": "False"}, {"type": "Ready", "status": "Unknown"}]}});
        let address = NodeAddress { type_: "InternalIP".into(), address: "10.0.0.2".into() };
        let conditions = Some(conditions(&[], Pressure::default()));
        let status = NodeStatus { addresses: Some(vec![address]), conditions, ..NodeStatus::default() };
        let (kind, type_) = (kube_api::kinds::lookup("nodes").unwrap(), kube_api::patch::PatchType::Strategic);
        let patched = kube_api::patch::apply_value(kind, type_, &node, body(&status)).unwrap();
        let all = |list: &str, field: &str| -> Vec<String> {
            let all = patched["status"][list].as_array().unwrap().iter();
            all.map(|item| item[field].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(all("addresses", "address"), ["10.0.0.2"]);
        let mut types = all("conditions", "type");
        types.sort();
        assert_eq!(types, ["DiskPressure", "KernelDeadlock", "MemoryPressure", "PIDPressure", "Ready"]);
    }
}
