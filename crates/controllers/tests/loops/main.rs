//! The controllers on a real API server over a real etcd. There are no nodes: tests say what an executor would.

mod harness;
mod leaving;

use harness::{Cluster, wait_for};
use k8s_openapi::api::core::v1::{
    ConfigMap, Endpoints, Namespace, Node, Pod, ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

fn controller(replicas: u32) -> Value {
    json!({"metadata": {"name": "web"}, "spec": {"replicas": replicas, "selector": {"app": "web"}, "template": {
        "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "none"}]}}}})
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": "web"}}, "spec": {"containers": [
        {"name": "c", "image": "none", "ports": [{"name": "http", "containerPort": 8080}]}]}})
}

async fn pods(cluster: &Cluster, namespace: &str) -> Vec<Pod> {
    cluster.api::<Pod>(namespace).list(&ListParams::default()).await.unwrap().items
}

async fn say(cluster: &Cluster, pod: &str, status: Value) {
    let patch = Patch::Merge(json!({ "status": status }));
    cluster.api::<Pod>("default").patch_status(pod, &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_has_its_pods_and_takes_them_along() {
    let mut cluster = Cluster::start(&[]).await;
    cluster.create::<Pod>("default", pod("orphan")).await;
    cluster.create::<ReplicationController>("default", controller(3)).await;
    wait_for("three pods", async || pods(&cluster, "default").await.len() == 3).await;
    let orphan = cluster.api::<Pod>("default").get("orphan").await.unwrap();
    assert_eq!(orphan.owner_references()[0].name, "web", "adopted, not replaced");

    cluster.kill_controllers().await;
    cluster.api::<Pod>("default").delete("orphan", &DeleteParams::default().grace_period(0)).await.unwrap();
    cluster.start_controllers();
    wait_for("another in its place", async || pods(&cluster, "default").await.len() == 3).await;

    let scale = Patch::Merge(json!({"spec": {"replicas": 1}}));
    cluster.api::<ReplicationController>("default").patch("web", &PatchParams::default(), &scale).await.unwrap();
    wait_for("one pod", async || pods(&cluster, "default").await.len() == 1).await;
    let left = pods(&cluster, "default").await[0].name_any();
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
    say(&cluster, &left, ready).await;
    wait_for("the status", async || {
        let status = cluster.api::<ReplicationController>("default").get("web").await.unwrap().status.unwrap();
        (status.replicas, status.ready_replicas, status.available_replicas) == (1, Some(1), Some(1))
    })
    .await;

    cluster.api::<ReplicationController>("default").delete("web", &DeleteParams::background()).await.unwrap();
    wait_for("nothing to be left", async || pods(&cluster, "default").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dependents_stay_or_go_first_as_asked() {
    let cluster = Cluster::start(&[]).await;
    let controllers = cluster.api::<ReplicationController>("default");
    cluster.create::<ReplicationController>("default", controller(2)).await;
    wait_for("two pods", async || pods(&cluster, "default").await.len() == 2).await;
    controllers.delete("web", &DeleteParams::orphan()).await.unwrap();
    wait_for("the controller to be gone", async || controllers.get_opt("web").await.unwrap().is_none()).await;
    let left = pods(&cluster, "default").await;
    assert_eq!((left.len(), left.iter().all(|pod| pod.owner_references().is_empty())), (2, true));

    cluster.create::<ReplicationController>("default", controller(2)).await;
    let owned = async || pods(&cluster, "default").await.iter().all(|pod| !pod.owner_references().is_empty());
    wait_for("their adoption", owned).await;
    controllers.delete("web", &DeleteParams::foreground()).await.unwrap();
    wait_for("the controller to be gone", async || controllers.get_opt("web").await.unwrap().is_none()).await;
    assert!(pods(&cluster, "default").await.is_empty(), "its pods went before it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_furnished_and_emptied() {
    let cluster = Cluster::start(&[]).await;
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "team"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    wait_for("its service account and certificate authority", async || {
        let account = cluster.api::<ServiceAccount>("team").get_opt("default").await.unwrap();
        let map = cluster.api::<ConfigMap>("team").get_opt("kube-root-ca.crt").await.unwrap();
        account.is_some() && map.is_some_and(|map| map.data.unwrap()["ca.crt"] == "a certificate")
    })
    .await;
    cluster.create::<ReplicationController>("team", controller(2)).await;
    wait_for("two pods", async || pods(&cluster, "team").await.len() == 2).await;
    namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    wait_for("it to be gone", async || namespaces.get_opt("team").await.unwrap().is_none()).await;
    assert!(pods(&cluster, "team").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_follow_the_pods_of_a_service() {
    let cluster = Cluster::start(&[]).await;
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": "http"}]}});
    cluster.create::<Service>("default", service).await;
    cluster.create::<Pod>("default", pod("a")).await;
    let running = |ready: &str| json!({"phase": "Running", "podIP": "10.1.2.3", "conditions": [{"type": "Ready", "status": ready}]});
    let subset =
        async || cluster.api::<Endpoints>("default").get_opt("web").await.unwrap()?.subsets?.into_iter().next();
    say(&cluster, "a", running("False")).await;
    wait_for("an address that is not ready", async || subset().await.is_some_and(|s| s.not_ready_addresses.is_some()))
        .await;
    say(&cluster, "a", running("True")).await;
    wait_for("an address", async || {
        subset()
            .await
            .is_some_and(|s| s.addresses.is_some_and(|a| a[0].ip == "10.1.2.3") && s.ports.unwrap()[0].port == 8080)
    })
    .await;
    cluster.api::<Pod>("default").delete("a", &DeleteParams::default().grace_period(0)).await.unwrap();
    wait_for("no address", async || subset().await.is_none()).await;
    cluster.api::<Service>("default").delete("web", &DeleteParams::default()).await.unwrap();
    let endpoints = cluster.api::<Endpoints>("default");
    wait_for("no endpoints", async || endpoints.get_opt("web").await.unwrap().is_none()).await;

    for name in ["own", "alone"] {
        let own = json!({"metadata": {"name": name}, "subsets": [
            {"addresses": [{"ip": "10.9.8.7"}], "ports": [{"port": 5432}]}]});
        cluster.create::<Endpoints>("default", own).await;
    }
    cluster
        .create::<Service>("default", json!({"metadata": {"name": "own"}, "spec": {"ports": [{"port": 5432}]}}))
        .await;
    cluster.api::<Service>("default").delete("own", &DeleteParams::default()).await.unwrap();
    wait_for("what somebody made for the service to be gone", async || {
        endpoints.get_opt("own").await.unwrap().is_none()
    })
    .await;
    assert!(endpoints.get_opt("alone").await.unwrap().is_some(), "it never had a service");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_is_unknown_and_loses_its_pods() {
    let cluster = Cluster::start(&["--node-monitor-grace-period=1s", "--pod-eviction-timeout=0s"]).await;
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let node = serde_json::from_value(json!({"metadata": {"name": "n1"}})).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
        "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
    nodes.patch_status("n1", &PatchParams::default(), &Patch::Merge(&ready)).await.unwrap();
    let mut bound = pod("a");
    bound["spec"]["nodeName"] = json!("n1");
    bound["spec"]["tolerations"] = json!([{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0},
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}]);
    cluster.create::<Pod>("default", bound).await;
    let node = async || nodes.get("n1").await.unwrap();
    let tainted = async |effect: &str| {
        let taints = node().await.spec.and_then(|spec| spec.taints).unwrap_or_default();
        taints.iter().any(|taint| taint.key == "node.kubernetes.io/unreachable" && taint.effect == effect)
    };
    wait_for("the node to be Unknown and tainted", async || {
        let conditions = node().await.status.and_then(|status| status.conditions).unwrap_or_default();
        conditions.iter().any(|c| c.type_ == "Ready" && c.status == "Unknown") && tainted("NoSchedule").await
    })
    .await;
    assert!(!tainted("NoExecute").await, "there is no other node");

    // one that nobody speaks for is ready on Mesos' word
    let other = serde_json::from_value(json!({"metadata": {"name": "n2"}})).unwrap();
    nodes.create(&PostParams::default(), &other).await.unwrap();
    let vouched = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "SlaveReady"}]}});
    nodes.patch_status("n2", &PatchParams::default(), &Patch::Merge(&vouched)).await.unwrap();
    wait_for("the node to be tainted for its pods too", async || tainted("NoExecute").await).await;
    wait_for("its pod to be deleted", async || {
        let pod = cluster.api::<Pod>("default").get_opt("a").await.unwrap();
        pod.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some())
    })
    .await;
    nodes.delete("n2", &DeleteParams::default()).await.unwrap();
    wait_for("the taint to be taken off again", async || !tainted("NoExecute").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_follow_pods_and_mirror_the_endpoints_of_others() {
    let cluster = Cluster::start(&[]).await;
    let slices = async |service: &str| {
        let params = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
        cluster.api::<EndpointSlice>("default").list(&params).await.unwrap().items
    };
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": "http"}]}});
    cluster.create::<Service>("default", service).await;
    wait_for("an empty slice", async || slices("web").await.iter().any(|slice| slice.endpoints.is_empty())).await;
    cluster.create::<Pod>("default", pod("a")).await;
    say(
        &cluster,
        "a",
        json!({"phase": "Running", "podIP": "10.1.2.3", "conditions": [{"type": "Ready", "status": "True"}]}),
    )
    .await;
    wait_for("a ready endpoint", async || {
        let slices = slices("web").await;
        let endpoint = slices[0].endpoints.first();
        slices.len() == 1
            && slices[0].ports.as_ref().is_some_and(|ports| ports.len() == 1 && ports[0].port == Some(8080))
            && endpoint
                .is_some_and(|e| e.addresses == ["10.1.2.3"] && e.conditions.as_ref().unwrap().ready == Some(true))
    })
    .await;
    cluster.api::<Pod>("default").delete("a", &DeleteParams::default().grace_period(0)).await.unwrap();
    wait_for("no endpoint", async || slices("web").await[0].endpoints.is_empty()).await;
    cluster.api::<Service>("default").delete("web", &DeleteParams::default()).await.unwrap();
    wait_for("no slice", async || slices("web").await.is_empty()).await;

    cluster
        .create::<Service>("default", json!({"metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]}}))
        .await;
    let endpoints = json!({"metadata": {"name": "db"}, "subsets": [
        {"addresses": [{"ip": "10.9.8.7"}], "ports": [{"port": 5432}]}]});
    cluster.create::<Endpoints>("default", endpoints).await;
    wait_for("a mirrored slice", async || {
        let slices = slices("db").await;
        slices.len() == 1
            && slices[0].labels()["endpointslice.kubernetes.io/managed-by"]
                == "endpointslicemirroring-controller.k8s.io"
            && slices[0].endpoints[0].addresses == ["10.9.8.7"]
    })
    .await;
    cluster.api::<Endpoints>("default").delete("db", &DeleteParams::default()).await.unwrap();
    wait_for("no mirrored slice", async || slices("db").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_counted_when_something_is_given_back() {
    let cluster = Cluster::start(&[]).await;
    for name in ["a", "b"] {
        cluster.create::<Pod>("default", pod(name)).await;
    }
    let hard = json!({"pods": "3", "count/pods": "9", "secrets": "1", "services.nodeports": "5"});
    cluster.create::<ResourceQuota>("default", json!({"metadata": {"name": "q"}, "spec": {"hard": hard}})).await;
    let used = async |wanted: Value| {
        wait_for(&format!("the quota to count {wanted}"), async || {
            let quota = cluster.api::<ResourceQuota>("default").get("q").await.unwrap();
            quota.status.is_some_and(|status| serde_json::to_value(status.used).unwrap() == wanted)
        })
        .await;
    };
    let of = |pods: &str, all: &str, secrets: &str, ports: &str| json!({"pods": pods, "count/pods": all, "secrets": secrets, "services.nodeports": ports});
    used(of("2", "2", "0", "0")).await;
    cluster.create::<Secret>("default", json!({"metadata": {"name": "s"}})).await;
    let service = json!({"metadata": {"name": "open"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    cluster.create::<Service>("default", service).await;
    used(of("2", "2", "1", "1")).await;
    let again = serde_json::from_value(json!({"metadata": {"name": "t"}})).unwrap();
    let refusal = cluster.api::<Secret>("default").create(&PostParams::default(), &again).await.unwrap_err();
    assert!(refusal.to_string().contains("exceeded quota: q"), "{refusal}");

    say(&cluster, "a", json!({"phase": "Succeeded"})).await;
    used(of("1", "2", "1", "1")).await;
    cluster.api::<Secret>("default").delete("s", &DeleteParams::default()).await.unwrap();
    cluster.api::<Service>("default").delete("open", &DeleteParams::default()).await.unwrap();
    cluster.api::<Pod>("default").delete("b", &DeleteParams::default().grace_period(0)).await.unwrap();
    used(of("0", "1", "0", "0")).await;
    cluster.create::<Secret>("default", json!({"metadata": {"name": "t"}})).await;

    let limits = Patch::Merge(json!({"spec": {"hard": {"services.nodeports": null, "secrets": null}}}));
    cluster.api::<ResourceQuota>("default").patch("q", &PatchParams::default(), &limits).await.unwrap();
    used(json!({"pods": "0", "count/pods": "1"})).await;
}
