//! What a node says of itself: resources, conditions, addresses, its engine and images; and how that is written beside what
//! others say of it.

use std::collections::BTreeMap;

use bollard::query_parameters::ListImagesOptions;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerImage, DaemonEndpoint, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeStatus, NodeSystemInfo,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serve::version::{KUBERNETES, architecture};

use super::pressure::Pressure;
use crate::channel::Agent;
use crate::context::Context;

/// The conditions that a node says of itself; others are others' to write.
pub(super) const OWN: [&str; 4] = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"];
/// The resources of which a node says how much it has; how much of others there is, others say.
const RESOURCES: [&str; 4] = ["cpu", "ephemeral-storage", "memory", "pods"];
/// Images that a status lists at most, the largest.
const MAX_IMAGES: usize = 50;

/// The whole status.
pub(super) fn of(
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

/// Gives pods all of what others said in the status `before` that the node has (`example.com/device`).
pub(super) fn grant(status: &mut NodeStatus, before: &NodeStatus) {
    let others = others(before.capacity.as_ref()).map(|(name, amount)| (name.clone(), amount.clone()));
    status.allocatable.get_or_insert_default().extend(others);
}

/// Whether pods have all of what others say that the node has.
pub(super) fn is_granted(status: &NodeStatus) -> bool {
    others(status.capacity.as_ref()).eq(others(status.allocatable.as_ref()))
}

/// Resources that the node itself knows nothing of.
fn others(amounts: Option<&BTreeMap<String, Quantity>>) -> impl Iterator<Item = (&String, &Quantity)> {
    amounts.into_iter().flatten().filter(|(name, _)| !RESOURCES.contains(&name.as_str()))
}

/// The kubelet's conditions in its own words; `can_run`: whether the engine answers.
pub(super) fn conditions(previous: &[NodeCondition], pressure: Pressure, can_run: bool) -> Vec<NodeCondition> {
    let now = now();
    let ready = match can_run {
        true => ("Ready", true, "KubeletReady", "kubelet is posting ready status"),
        false => ("Ready", false, "KubeletNotReady", "container runtime is down"),
    };
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
pub(super) async fn engine(context: &Context) -> anyhow::Result<(NodeSystemInfo, Vec<ContainerImage>)> {
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
        kube_proxy_version: KUBERNETES.to_owned(),
        kubelet_version: KUBERNETES.to_owned(),
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

/// The patch that makes the node's status this one. Conditions merge by their type and capacity by its resources, since some are
/// others' to write; addresses would merge by theirs, and are all ours, as is what pods are given of the resources.
pub(super) fn body(status: &NodeStatus) -> serde_json::Value {
    let mut body = serde_json::json!({"status": status});
    if let Some(addresses) = body["status"]["addresses"].as_array_mut() {
        addresses.insert(0, serde_json::json!({"$patch": "replace"}));
    }
    if let Some(allocatable) = body["status"]["allocatable"].as_object_mut() {
        allocatable.insert("$patch".to_owned(), "replace".into());
    }
    body
}

/// The reasons of events of conditions that are other than before.
pub(super) fn news(previous: &[NodeCondition], conditions: &[NodeCondition]) -> Vec<&'static str> {
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
        ("Ready", false) => Some("NodeNotReady"),
        _ => None,
    };
    conditions.iter().filter(is_new).filter_map(reason).collect()
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
        let mut before = conditions(&[], Pressure::default(), true);
        before.iter_mut().for_each(|condition| condition.last_transition_time = Some(past.clone()));
        before[3].status = "False".into();
        let after = conditions(&before, Pressure { disk: true, ..Pressure::default() }, true);
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
    fn a_node_whose_engine_is_down_is_not_ready() {
        let before = conditions(&[], Pressure::default(), true);
        let after = conditions(&before, Pressure::default(), false);
        assert_eq!(
            (after[3].status.as_str(), after[3].message.as_deref()),
            ("False", Some("container runtime is down"))
        );
        assert_eq!(news(&before, &after), ["NodeNotReady"]);
    }

    #[test]
    fn what_others_say_that_a_node_has_is_given_to_pods_as_long_as_they_say_so() {
        let amounts = |of: serde_json::Value| serde_json::from_value::<BTreeMap<String, Quantity>>(of).unwrap();
        let node = serde_json::json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}, "status": {
            "capacity": {"cpu": "4", "example.com/dongle": "3"},
            "allocatable": {"cpu": "2", "example.com/dongle": "5", "example.com/gone": "1"}}});
        let before: NodeStatus = serde_json::from_value(node["status"].clone()).unwrap();
        assert!(!is_granted(&before));
        let mut status = NodeStatus {
            capacity: Some(amounts(serde_json::json!({"cpu": "8"}))),
            allocatable: Some(amounts(serde_json::json!({"cpu": "7"}))),
            ..NodeStatus::default()
        };
        grant(&mut status, &before);
        let (kind, type_) = (kube_api::kinds::lookup("nodes").unwrap(), kube_api::patch::PatchType::Strategic);
        let patched = kube_api::patch::apply_value(kind, type_, &node, body(&status)).unwrap();
        let after: NodeStatus = serde_json::from_value(patched["status"].clone()).unwrap();
        assert_eq!(after.capacity, Some(amounts(serde_json::json!({"cpu": "8", "example.com/dongle": "3"}))));
        assert_eq!(after.allocatable, Some(amounts(serde_json::json!({"cpu": "7", "example.com/dongle": "3"}))));
        assert!(is_granted(&after));
    }

    #[test]
    fn conditions_of_others_stay_and_addresses_of_before_go() {
        let node = serde_json::json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}, "status": {
            "addresses": [{"type": "ExternalIP", "address": "10.0.0.1"}],
            "conditions": [{"type": "KernelDeadlock", "status": "False"}, {"type": "Ready", "status": "Unknown"}]}});
        let address = NodeAddress { type_: "InternalIP".into(), address: "10.0.0.2".into() };
        let conditions = Some(conditions(&[], Pressure::default(), true));
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
