//! What is filled in and refused when objects are made, beyond their own kinds' rules.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server, wait_for};

const PODS: &str = "/api/v1/namespaces/default/pods";
const RANGES: &str = "/api/v1/namespaces/default/limitranges";
const CLASSES: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";

fn pod(name: &str, spec: Value) -> Value {
    let mut pod = json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    for (field, value) in spec.as_object().unwrap() {
        pod["spec"][field] = value.clone();
    }
    pod
}

fn with(resources: Value) -> Value {
    json!({"containers": [{"name": "c", "image": "i", "resources": resources}]})
}

/// The message of a refusal of that code.
async fn refused(api: &Api, path: &str, body: &Value, code: u16) -> String {
    let (answered, status) = api.post(path, body).await;
    assert_eq!(answered, code, "{status}");
    status["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn limit_ranges_fill_in_and_hold() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let limits = json!([{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}},
        {"type": "Pod", "max": {"cpu": "3"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]);
    api.make(RANGES, &json!({"metadata": {"name": "lr"}, "spec": {"limits": limits}})).await;
    wait_for("the defaults to be filled in", || async {
        let (_, made) = api.post(&format!("{PODS}?dryRun=All"), &pod("p", json!({}))).await;
        made["metadata"]["annotations"].is_object()
    })
    .await;
    let made = api.make(PODS, &pod("p", json!({}))).await;
    assert_eq!(
        made["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    );
    let resources = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "100m"}});
    assert_eq!(made["spec"]["containers"][0]["resources"], resources);
    assert_eq!(made["status"]["qosClass"], "Burstable", "as the defaults make it");

    let large = pod("large", with(json!({"limits": {"cpu": "5"}})));
    assert_eq!(
        refused(&api, PODS, &large, 403).await,
        "pods \"large\" is forbidden: [maximum cpu usage per Container is 2, but limit is 5, \
         maximum cpu usage per Pod is 3, but limit is 5]"
    );
    let mut unnamed = pod("x", with(json!({"limits": {"cpu": "2500m"}})));
    unnamed["metadata"] = json!({"generateName": "gen-"});
    let message = refused(&api, PODS, &unnamed, 403).await;
    assert!(message.starts_with("pods \"gen-"), "{message}");
    let claim = json!({"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}}}});
    assert_eq!(
        refused(&api, "/api/v1/namespaces/default/persistentvolumeclaims", &claim, 403).await,
        "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"
    );
}

#[tokio::test]
async fn pods_have_priorities_and_tolerations() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let made = api.make(PODS, &pod("plain", json!({}))).await;
    assert_eq!(made["spec"]["priority"], 0);
    assert_eq!(made["spec"]["preemptionPolicy"], "PreemptLowerPriority");
    let tolerations: Vec<&str> =
        made["spec"]["tolerations"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(tolerations, ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);

    let unknown = pod("x", json!({"priorityClassName": "nope"}));
    let message = "pods \"x\" is forbidden: no PriorityClass with name nope was found";
    assert_eq!(refused(&api, PODS, &unknown, 403).await, message);
    let critical = api.make(PODS, &pod("critical", json!({"priorityClassName": "system-node-critical"}))).await;
    assert_eq!(critical["spec"]["priority"], 2_000_001_000);
    let own = pod("x", json!({"priority": 7}));
    let message = refused(&api, PODS, &own, 403).await;
    assert!(message.contains("the integer value of priority (7) must not be provided in pod spec"), "{message}");

    let class = |name: &str, value: i64| json!({"metadata": {"name": name}, "value": value, "globalDefault": true});
    api.make(CLASSES, &class("usual", 5)).await;
    let message = "priorityclasses.scheduling.k8s.io \"other\" is forbidden: PriorityClass usual is already marked as \
                   default. Only one default can exist";
    assert_eq!(refused(&api, CLASSES, &class("other", 6), 403).await, message);
    wait_for("the default to be given", || async {
        let (_, made) = api.post(&format!("{PODS}?dryRun=All"), &pod("d", json!({}))).await;
        (&made["spec"]["priorityClassName"], &made["spec"]["priority"]) == (&json!("usual"), &json!(5))
    })
    .await;
    let reserved = json!({"metadata": {"name": "system-mine"}, "value": 1});
    assert!(refused(&api, CLASSES, &reserved, 422).await.contains("reserved for system use only"));

    // an update that leaves out what was filled in keeps it
    let mut whole = made.clone();
    for field in ["priority", "preemptionPolicy"] {
        whole["spec"].as_object_mut().unwrap().remove(field);
    }
    whole["metadata"]["labels"] = json!({"a": "b"});
    let (code, updated) = api.put(&format!("{PODS}/plain"), &whole).await;
    assert_eq!((code, &updated["spec"]["priority"]), (200, &json!(0)), "{updated}");
}

#[tokio::test]
async fn a_node_draws_nothing_to_itself() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, node) = (server.admin(), server.admin().acting_as(server.client(Some("node"))));
    let own = |labels: Value| json!({"metadata": {"name": "n1", "labels": labels}});
    let message = refused(&node, "/api/v1/nodes", &own(json!({"node-role.kubernetes.io/x": ""})), 403).await;
    let told =
        "nodes \"n1\" is forbidden: node \"n1\" is not allowed to set the following labels: node-role.kubernetes.io/x";
    assert_eq!(message, told);
    node.make("/api/v1/nodes", &own(json!({"kubernetes.io/os": "linux"}))).await;
    let patch = |path: &'static str, body: Value| {
        let node = node.clone();
        async move {
            let (code, status) = node.patch(path, "merge", &body).await;
            (code, status["message"].as_str().unwrap_or_default().to_owned())
        }
    };
    let restricted = json!({"metadata": {"labels": {"node-restriction.kubernetes.io/zone": "a"}}});
    let (code, message) = patch("/api/v1/nodes/n1", restricted.clone()).await;
    let told = "nodes \"n1\" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/zone";
    assert_eq!((code, message.as_str()), (403, told));
    assert_eq!(patch("/api/v1/nodes/n1/status", restricted).await.0, 403);
    assert_eq!(
        patch("/api/v1/nodes/n1", json!({"spec": {"taints": [{"key": "t", "effect": "NoSchedule"}]}})).await.0,
        403
    );
    assert_eq!(patch("/api/v1/nodes/n1", json!({"metadata": {"labels": {"example.com/a": "b"}}})).await.0, 200);

    admin.make(PODS, &pod("mine", json!({"nodeName": "n1"}))).await;
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    let (code, message) = patch("/api/v1/namespaces/default/pods/mine/status", labels.clone()).await;
    let told = "pods \"mine\" is forbidden: node \"n1\" cannot update labels through pod status";
    assert_eq!((code, message.as_str()), (403, told));
    assert_eq!(patch("/api/v1/namespaces/default/pods/mine", labels).await.0, 403);
    let annotations = json!({"metadata": {"annotations": {"k8s.mesosphere.io/taskId": "t"}}});
    assert_eq!(patch("/api/v1/namespaces/default/pods/mine", annotations).await.0, 200);
    let mirror = json!({"metadata": {"name": "m", "annotations": {"kubernetes.io/config.mirror": "x"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(node.post(PODS, &mirror).await.0, 403, "there are no mirror pods");
}

#[tokio::test]
async fn a_nodes_tokens_are_for_its_pods() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, node) = (server.admin(), server.admin().acting_as(server.client(Some("node"))));
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    admin.make(accounts, &json!({"metadata": {"name": "sa"}})).await;
    for (name, on) in [("mine", "n1"), ("theirs", "n2")] {
        admin.make(PODS, &pod(name, json!({"serviceAccountName": "sa", "nodeName": on}))).await;
    }
    let (_, mine) = admin.get(&format!("{PODS}/mine")).await;
    let (_, theirs) = admin.get(&format!("{PODS}/theirs")).await;
    let request = |bound: Value| json!({"spec": {"audiences": [], "boundObjectRef": bound}});
    let to = |pod: &Value| json!({"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]});
    let path = format!("{accounts}/sa/token");
    let unbound = refused(&node, &path, &json!({"spec": {"audiences": []}}), 403).await;
    assert!(unbound.ends_with("node requested token not bound to a pod"), "{unbound}");
    let other = refused(&node, &path, &request(to(&theirs)), 403).await;
    assert!(other.ends_with("node requested token bound to a pod scheduled on a different node"), "{other}");
    node.make(&path, &request(to(&mine))).await;
}

#[tokio::test]
async fn a_node_follows_what_its_pods_name() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, node) = (server.admin(), server.admin().acting_as(server.client(Some("node"))));
    let maps = "/api/v1/namespaces/default/configmaps";
    for name in ["mine", "other"] {
        admin.make(maps, &json!({"metadata": {"name": name}})).await;
    }
    let volume = json!([{"name": "v", "configMap": {"name": "mine"}}]);
    admin.make(PODS, &pod("p", json!({"nodeName": "n1", "volumes": volume}))).await;
    assert_eq!(node.get(&format!("{maps}?fieldSelector=metadata.name%3Dmine")).await.0, 200);
    for forbidden in [
        maps.to_owned(),
        format!("{maps}?fieldSelector=metadata.name%3Dother"),
        format!("{maps}?fieldSelector=metadata.name%21%3Dother"),
        "/api/v1/configmaps?fieldSelector=metadata.name%3Dmine".to_owned(),
        format!("{maps}?watch=1"),
    ] {
        assert_eq!(node.get(&forbidden).await.0, 403, "{forbidden}");
    }
    let mut watch = node.watch(&format!("{maps}?watch=1&fieldSelector=metadata.name%3Dmine")).await;
    assert_eq!(watch.told().await, "ADDED mine");
    admin.patch(&format!("{maps}/other"), "merge", &json!({"data": {"a": "b"}})).await;
    admin.patch(&format!("{maps}/mine"), "merge", &json!({"data": {"a": "b"}})).await;
    assert_eq!(watch.told().await, "MODIFIED mine", "and nothing of the other");
}

#[tokio::test]
async fn a_pod_has_what_its_runtime_class_says() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let missing = refused(&api, PODS, &pod("p", json!({"runtimeClassName": "none"})), 403).await;
    assert_eq!(missing, "pods \"p\" is forbidden: pod rejected: RuntimeClass \"none\" not found");
    let class = json!({"metadata": {"name": "heavy"}, "handler": "runc", "overhead": {"podFixed": {"cpu": "10m", "memory": "1Mi"}}});
    api.make("/apis/node.k8s.io/v1/runtimeclasses", &class).await;
    let made = api.make(PODS, &pod("p", json!({"runtimeClassName": "heavy"}))).await;
    assert_eq!(made["spec"]["overhead"], json!({"cpu": "10m", "memory": "1Mi"}));
    assert_eq!(api.delete("/apis/node.k8s.io/v1/runtimeclasses/heavy").await.0, 200);
    refused(&api, PODS, &pod("q", json!({"runtimeClassName": "heavy"})), 403).await;
}
