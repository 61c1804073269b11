//! A task out of a pod: annotations, host ports, data (docs/architecture.md; reference/k8sm-behaviour.md, 2.10 to 2.12, 2.21).

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use mesos::discovery::{DiscoveryInfo, Visibility};
use mesos::{AgentID, ExecutorInfo, KillPolicy, OfferID, Resource, TaskID, TaskInfo};
use serde_json::json;

use crate::annotations as keys;
use crate::core::PortAsk;

/// Above this many bytes a task carries a reference to its pod instead of the pod.
const MOST_DATA: usize = 64 * 1024;
/// Name of the task that starts an executor before the first pod.
pub const NODE_TASK: &str = "k8sm-node";

/// Where a task goes.
pub struct Target<'a> {
    /// The agent.
    pub agent: &'a AgentID,
    /// The agent's hostname.
    pub host: &'a str,
    /// The first offer used.
    pub offer: &'a OfferID,
    /// The executor, as it runs or is to run there.
    pub executor: &'a ExecutorInfo,
}

/// A new ID for a pod's task.
#[must_use]
pub fn pod_task_id() -> TaskID {
    format!("pod.{}", uuid::Uuid::new_v4()).into()
}

/// A new ID for a node task.
#[must_use]
pub fn node_task_id() -> TaskID {
    format!("node.{}", uuid::Uuid::new_v4()).into()
}

/// The pod's task. `ports` holds the host port of each of `asks`.
#[must_use]
pub fn pod_task(
    pod: &Pod,
    id: &TaskID,
    target: &Target,
    resources: Vec<Resource>,
    asks: &[PortAsk],
    ports: &[u16],
    discovery: bool,
) -> TaskInfo {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let copy = annotated(pod, id, target, asks, ports);
    let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
    TaskInfo {
        name: format!("{name}.{namespace}.pod"),
        task_id: id.clone(),
        agent_id: target.agent.clone(),
        resources,
        executor: Some(target.executor.clone()),
        kill_policy: Some(kill_policy(grace)),
        data: Some(data(&copy).into()),
        discovery: discovery.then(|| self::discovery(pod, namespace)),
        ..TaskInfo::default()
    }
}

/// The task that starts an executor where no pod has yet.
#[must_use]
pub fn node_task(id: &TaskID, target: &Target, resources: Vec<Resource>) -> TaskInfo {
    TaskInfo {
        name: NODE_TASK.to_owned(),
        task_id: id.clone(),
        agent_id: target.agent.clone(),
        resources,
        executor: Some(target.executor.clone()),
        data: Some(json!({"kind": "NodeTask"}).to_string().into_bytes().into()),
        ..TaskInfo::default()
    }
}

/// Kill with this many seconds of grace.
#[must_use]
pub fn kill_policy(seconds: i64) -> KillPolicy {
    KillPolicy { grace_period: Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).into()) }
}

/// The pod as it is launched: with the annotations that tell where, and host ports filled in.
fn annotated(pod: &Pod, id: &TaskID, target: &Target, asks: &[PortAsk], ports: &[u16]) -> Pod {
    let mut pod = pod.clone();
    let mut annotations: BTreeMap<String, String> = pod.metadata.annotations.take().unwrap_or_default();
    let mut set = |key: &str, value: &str| annotations.insert(key.to_owned(), value.to_owned());
    set(keys::BINDING_HOST, target.host);
    set(keys::TASK_ID, id.as_str());
    set(keys::SLAVE_ID, target.agent.as_str());
    set(keys::OFFER_ID, target.offer.as_str());
    set(keys::EXECUTOR_ID, target.executor.executor_id.as_str());
    for (ask, port) in asks.iter().zip(ports) {
        set(&keys::port(&ask.protocol, ask.container_port), &port.to_string());
        if let Some(name) = &ask.name {
            set(&keys::port_name(&ask.protocol, name), &port.to_string());
        }
        let container = pod.spec.as_mut().and_then(|spec| {
            let init = spec.init_containers.iter_mut().flatten();
            spec.containers.iter_mut().chain(init).nth(ask.container)
        });
        if let Some(spec) = container.and_then(|container| container.ports.as_mut()?.get_mut(ask.index)) {
            spec.host_port = Some(i32::from(*port));
        }
    }
    pod.metadata.annotations = Some(annotations);
    pod
}

fn data(pod: &Pod) -> Vec<u8> {
    let whole = serde_json::to_vec(pod).expect("a pod that was read as JSON can be written as JSON");
    if whole.len() <= MOST_DATA {
        return whole;
    }
    let meta = &pod.metadata;
    let ours = meta.annotations.iter().flatten().filter(|(key, _)| key.starts_with("k8s.mesosphere.io/"));
    let reference = json!({"kind": "PodReference", "metadata": {
        "namespace": meta.namespace, "name": meta.name, "uid": meta.uid, "resourceVersion": meta.resource_version,
        "annotations": ours.collect::<BTreeMap<_, _>>(),
    }});
    reference.to_string().into_bytes()
}

fn discovery(pod: &Pod, namespace: &str) -> DiscoveryInfo {
    let annotations = pod.metadata.annotations.as_ref();
    let annotation = |field: &str| annotations.and_then(|map| map.get(&format!("{}{field}", keys::DISCOVERY)));
    let label = |field: &str| pod.metadata.labels.as_ref().and_then(|map| map.get(field));
    let field = |field: &str| annotation(field).or_else(|| label(field)).cloned();
    let visibility = match annotation("visibility").map(String::as_str) {
        Some("framework") => Visibility::Framework,
        Some("external") => Visibility::External,
        _ => Visibility::Cluster,
    };
    DiscoveryInfo {
        visibility,
        name: field("name").map(|name| format!("{name}.{namespace}.pod")),
        environment: field("environment"),
        location: field("location"),
        version: field("version"),
        ..DiscoveryInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn pod(extra: &str) -> Pod {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "nginx", "namespace": "default", "uid": "u1", "resourceVersion": "7",
                         "labels": {"name": "web"}, "annotations": {"user": extra}},
            "spec": {"terminationGracePeriodSeconds": 5, "containers": [{"name": "c", "ports": [
                {"containerPort": 80, "name": "http", "protocol": "TCP"}]}]}
        }))
        .unwrap()
    }

    fn task(pod: &Pod) -> TaskInfo {
        let executor = ExecutorInfo { executor_id: "e".into(), ..ExecutorInfo::default() };
        let (agent, offer) = ("S0".into(), "O1".into());
        let target = Target { agent: &agent, host: "mesosslave1", offer: &offer, executor: &executor };
        let ask = PortAsk {
            container: 0,
            index: 0,
            name: Some("http".into()),
            protocol: "TCP".into(),
            container_port: 80,
            host_port: None,
            host_ip: String::new(),
        };
        pod_task(pod, &"pod.1".into(), &target, Vec::new(), &[ask], &[31000], true)
    }

    #[test]
    fn a_task_carries_its_pod_with_annotations_and_ports() {
        let task = task(&pod("x"));
        assert_eq!(task.name, "nginx.default.pod");
        let data: Value = serde_json::from_slice(&task.data.unwrap().0).unwrap();
        let annotation = |key: &str| data["metadata"]["annotations"][key].as_str().unwrap().to_owned();
        assert_eq!(annotation(keys::BINDING_HOST), "mesosslave1");
        assert_eq!((annotation(keys::TASK_ID), annotation(keys::SLAVE_ID)), ("pod.1".into(), "S0".into()));
        assert_eq!((annotation(keys::OFFER_ID), annotation(keys::EXECUTOR_ID)), ("O1".into(), "e".into()));
        assert_eq!(annotation("k8s.mesosphere.io/port_TCP_80"), "31000");
        assert_eq!(annotation("k8s.mesosphere.io/portName_TCP_http"), "31000");
        assert_eq!(annotation("user"), "x");
        assert_eq!(data["spec"]["containers"][0]["ports"][0]["hostPort"], 31000);
        assert_eq!(data["kind"], "Pod");
        assert_eq!(task.kill_policy.unwrap().grace_period.unwrap().duration(), Duration::from_secs(5));
        assert_eq!(task.discovery.unwrap().name.as_deref(), Some("web.default.pod"));
    }

    #[test]
    fn a_sidecars_port_is_filled_in_too() {
        let mut pod = pod("x");
        let sidecar = json!({"name": "s", "restartPolicy": "Always", "ports": [{"containerPort": 81}]});
        pod.spec.as_mut().unwrap().init_containers = Some(vec![serde_json::from_value(sidecar).unwrap()]);
        let executor = ExecutorInfo { executor_id: "e".into(), ..ExecutorInfo::default() };
        let (agent, offer) = ("S0".into(), "O1".into());
        let target = Target { agent: &agent, host: "mesosslave1", offer: &offer, executor: &executor };
        let ask = PortAsk {
            container: 1,
            index: 0,
            name: None,
            protocol: "TCP".into(),
            container_port: 81,
            host_port: None,
            host_ip: String::new(),
        };
        let copy = annotated(&pod, &"pod.1".into(), &target, &[ask], &[31001]);
        let sidecar = &copy.spec.unwrap().init_containers.unwrap()[0];
        assert_eq!(sidecar.ports.as_ref().unwrap()[0].host_port, Some(31001));
    }

    #[test]
    fn a_big_pod_is_a_reference() {
        let data: Value = serde_json::from_slice(&task(&pod(&"x".repeat(MOST_DATA))).data.unwrap().0).unwrap();
        assert_eq!((&data["kind"], &data["metadata"]["uid"]), (&json!("PodReference"), &json!("u1")));
        assert_eq!(data["metadata"]["resourceVersion"], "7");
        assert_eq!(data["metadata"]["annotations"][keys::TASK_ID], "pod.1");
        assert!(data["metadata"]["annotations"].get("user").is_none());
    }
}
