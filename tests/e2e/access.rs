//! Who may do what, on one cluster: people by roles, pods by their tokens, components by theirs.

use serde_json::{Value, json};

use crate::harness::{Cluster, Ran, repository, wait_for};

/// What a pod's container finds of its account.
const MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[test]
fn everybody_does_what_roles_give() {
    let cluster = Cluster::up("access");
    components_are_refused_nothing(&cluster);
    the_administrator_may_do_everything(&cluster);
    a_viewer_views(&cluster);
    a_pod_may_do_nothing_but_what_is_bound(&cluster);
    a_quota_holds_a_controller(&cluster);
}

/// Pods, services, DNS and logs, and nothing that a component asked for was forbidden.
fn components_are_refused_nothing(cluster: &Cluster) {
    let example = repository("examples/v1/controller-nginx.json");
    cluster.k8sm(&["create", "-f", &example]).ok();
    cluster.running_pods("name=nginx", 2);
    cluster.kubectl(&["expose", "rc", "nginxcontroller", "--port=80"]).ok();
    cluster.k8sm(&["addons", "dns"]).ok();
    cluster.kubectl(&["delete", "service,rc", "nginxcontroller"]).ok();
    cluster.running_pods("name=nginx", 0);
    let metrics = cluster.kubectl(&["get", "--raw", "/metrics"]).ok();
    let answers: Vec<&str> = metrics.lines().filter(|line| line.starts_with("apiserver_request_total{")).collect();
    assert!(answers.iter().any(|line| line.contains("code=\"200\"")), "{metrics}");
    let forbidden: Vec<&&str> = answers.iter().filter(|line| line.contains("code=\"403\"")).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
}

fn the_administrator_may_do_everything(cluster: &Cluster) {
    assert_eq!(cluster.kubectl(&["auth", "can-i", "*", "*", "--all-namespaces"]).ok(), "yes\n");
    let who = cluster.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"]).ok();
    assert!(who.contains("system:masters"), "{who}");
}

/// `kubectl` as the user `ann`, who is in no group.
fn as_ann(cluster: &Cluster, words: &[&str]) -> Ran {
    cluster.kubectl(&[words, &["--as", "ann"]].concat())
}

fn a_viewer_views(cluster: &Cluster) {
    let refusal = as_ann(cluster, &["get", "pods"]).fails(1);
    assert!(refusal.contains("User \"ann\" cannot list resource \"pods\""), "{refusal}");
    cluster.kubectl(&["create", "rolebinding", "viewers", "--clusterrole=view", "--user=ann"]).ok();
    as_ann(cluster, &["get", "pods"]).ok();
    assert_eq!(as_ann(cluster, &["auth", "can-i", "list", "pods"]).ok(), "yes\n");
    assert_eq!(as_ann(cluster, &["auth", "can-i", "create", "pods"]).stdout, "no\n");
    let list = as_ann(cluster, &["auth", "can-i", "--list"]).ok();
    assert!(list.contains("pods/log"), "{list}");
    let refusal = as_ann(cluster, &["get", "secrets"]).fails(1);
    assert!(refusal.contains("cannot list resource \"secrets\""), "{refusal}");
}

fn a_pod_may_do_nothing_but_what_is_bound(cluster: &Cluster) {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asker"}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers": [{"name": "busybox", "image": "busybox",
            "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}]}});
    cluster.k8sm_with(&["create", "-f", "-"], &pod.to_string()).ok();
    cluster.running("asker");
    let token = cluster.k8sm(&["exec", "asker", "--", "cat", &format!("{MOUNT}/token")]).ok();
    let bare = cluster.directory().join("bare");
    write_bare_kubeconfig(cluster, &bare);
    let bare = format!("--kubeconfig={}", bare.display());
    let with = |words: &[&str]| cluster.kubectl(&[&[bare.as_str(), "--token", token.trim()], words].concat());
    let name = with(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).ok();
    assert_eq!(name, "system:serviceaccount:default:default");
    for resource in ["pods", "secrets", "nodes", "services", "clusterroles", "events"] {
        let refusal = with(&["get", resource]).fails(1);
        assert!(refusal.contains("is forbidden"), "{resource}: {refusal}");
    }
    cluster.kubectl(&["create", "role", "reader", "--verb=get", "--resource=configmaps"]).ok();
    cluster.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:default"]).ok();
    assert!(with(&["get", "configmap", "kube-root-ca.crt", "-o", "name"]).ok().contains("kube-root-ca.crt"));
    let refusal = with(&["get", "configmaps"]).fails(1);
    assert!(refusal.contains("cannot list resource \"configmaps\""), "{refusal}");
    cluster.k8sm(&["delete", "pod", "asker", "--grace-period=1"]).ok();
    wait_for("the token to end with its pod", || {
        let said = with(&["auth", "whoami"]);
        if said.stderr.contains("Unauthorized") || said.stderr.contains("must be logged in") {
            Ok(())
        } else {
            Err(said.to_string())
        }
    });
}

/// A kubeconfig that knows the server and nobody.
fn write_bare_kubeconfig(cluster: &Cluster, path: &std::path::Path) {
    let view = cluster.kubectl(&["config", "view", "--raw", "--minify", "-o", "json"]).ok();
    let mut config: Value = serde_json::from_str(&view).expect("a kubeconfig");
    config["users"][0]["user"] = json!({});
    std::fs::write(path, config.to_string()).expect("a file");
}

fn a_quota_holds_a_controller(cluster: &Cluster) {
    cluster.kubectl(&["create", "namespace", "small"]).ok();
    cluster.kubectl(&["-n", "small", "create", "quota", "few", "--hard=pods=1"]).ok();
    let hard = || cluster.kubectl(&["-n", "small", "get", "quota", "few", "-o", "jsonpath={.status}"]).ok();
    let used = |pods: &str| {
        wait_for(&format!("{pods} pods to be counted"), || {
            let status: Value = serde_json::from_str(&hard()).unwrap_or_default();
            if status["used"]["pods"] == pods { Ok(()) } else { Err(status.to_string()) }
        });
    };
    used("0");
    let template = json!({"metadata": {"labels": {"app": "few"}}, "spec": {"terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}]}});
    let controller = json!({"apiVersion": "v1", "kind": "ReplicationController",
        "metadata": {"name": "few", "namespace": "small"},
        "spec": {"replicas": 3, "selector": {"app": "few"}, "template": template}});
    cluster.kubectl_with(&["create", "-f", "-"], &controller.to_string()).ok();
    used("1");
    wait_for("the refusal to be told", || {
        let events = cluster.kubectl(&["-n", "small", "get", "events"]).ok();
        if events.contains("exceeded quota: few") { Ok(()) } else { Err(events) }
    });
    let pods = cluster.kubectl(&["-n", "small", "get", "pods", "-o", "name"]).ok();
    assert_eq!(pods.lines().count(), 1, "{pods}");
    cluster.kubectl(&["-n", "small", "delete", "rc", "few"]).ok();
    used("0");
}
