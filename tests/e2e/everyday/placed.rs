//! Where pods go that ask for a port of their node or for pods of other namespaces, and how those run that have a class.

use serde_json::{Value, json};

use super::{SLEEP, container, create, described};
use crate::harness::{Cluster, http, wait_for};

/// A number that Mesos gives out on no agent.
const PORT: u16 = 54321;

/// A port of the node has one pod for each protocol and address, whether Mesos knows of it or not.
pub(super) fn at_ports(cluster: &Cluster) {
    let path = "jsonpath={.status.addresses[?(@.type==\"InternalIP\")].address}";
    let node = cluster.kubectl(&["get", "node", "mesosslave1", "-o", path]).ok();
    let at = |name: &str, address: &str| {
        let script = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www";
        let ports = json!({"ports": [{"containerPort": 8080, "hostPort": PORT, "hostIP": address}]});
        let spec = json!({"nodeSelector": {"kubernetes.io/hostname": "mesosslave1"},
            "containers": [container("c", script, ports)]});
        create(cluster, name, spec);
    };
    at("at-loopback", "127.0.0.1");
    at("at-node", &node);
    cluster.running("at-loopback");
    cluster.running("at-node");
    wait_for("the pod at the port of its node", || match http::get(&format!("{node}:{PORT}"), "/")? {
        (200, body) if body.trim() == "at-node" => Ok(()),
        (code, body) => Err(format!("{code}: {body}")),
    });
    at("at-all", "0.0.0.0");
    described(cluster, "at-all", &["didn't have free ports for the requested pod ports"]);
    cluster.kubectl(&["delete", "pod", "at-loopback", "at-node", "--timeout=60s"]).ok();
    cluster.running("at-all");
    cluster.kubectl(&["delete", "pod", "at-all", "--timeout=60s"]).ok();
}

/// Pods of other namespaces are named by the labels of those.
pub(super) fn near_others(cluster: &Cluster) {
    let there = json!([
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "neighbours", "labels": {"team": "red"}}},
        {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "there", "namespace": "neighbours", "labels": {"app": "db"}},
            "spec": {"nodeSelector": {"kubernetes.io/hostname": "mesosslave2"}, "terminationGracePeriodSeconds": 1,
                "containers": [container("c", SLEEP, json!({}))]}}
    ]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": there});
    cluster.kubectl_with(&["create", "-f", "-"], &list.to_string()).ok();
    let near = |name: &str, team: &str| {
        let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}},
            "namespaceSelector": {"matchLabels": {"team": team}}});
        let affinity = json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
        create(cluster, name, json!({"affinity": affinity, "containers": [container("c", SLEEP, json!({}))]}));
    };
    near("near-red", "red");
    let pod: Value = cluster.running("near-red");
    assert_eq!(pod["spec"]["nodeName"], "mesosslave2");
    near("near-blue", "blue");
    described(cluster, "near-blue", &["didn't match pod affinity rules"]);
    cluster.kubectl(&["delete", "pod", "near-red", "near-blue", "--timeout=60s"]).ok();
    cluster.kubectl(&["delete", "namespace", "neighbours", "--timeout=60s"]).ok();
}

/// A class of pods names a runtime of the engine.
pub(super) fn by_classes(cluster: &Cluster) {
    for (name, handler) in [("plain", "runc"), ("strange", "none-such")] {
        let class = json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name},
            "handler": handler, "overhead": {"podFixed": {"cpu": "10m"}}});
        cluster.kubectl_with(&["create", "-f", "-"], &class.to_string()).ok();
        let spec = json!({"runtimeClassName": name, "containers": [container("c", SLEEP, json!({}))]});
        create(cluster, &format!("by-{name}"), spec);
    }
    let pod = cluster.running("by-plain");
    assert_eq!(pod["spec"]["overhead"], json!({"cpu": "10m"}));
    described(cluster, "by-strange", &["FailedCreatePodSandBox", "none-such"]);
    cluster.kubectl(&["delete", "pod", "by-plain", "by-strange", "--timeout=60s"]).ok();
    cluster.kubectl(&["delete", "runtimeclass", "plain", "strange"]).ok();
}
