//! What has to leave: with its owners, with its namespace, or a node that is tainted; and what may not come.

use k8s_openapi::api::authentication::v1::TokenReview;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, Node, Pod, ReplicationController, ResourceQuota, Secret, ServiceAccount,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::{Cluster, wait_for};
use crate::{controller, pod};

/// A ConfigMap that is owned by others, which may not go before it.
async fn owned(cluster: &Cluster, name: &str, owners: &[&ConfigMap]) -> ConfigMap {
    let metadata = json!({"name": name, "ownerReferences": references(owners)});
    cluster.create("default", json!({ "metadata": metadata })).await
}

fn references(owners: &[&ConfigMap]) -> Vec<Value> {
    let reference = |owner: &&ConfigMap| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner.name_any(), "uid": owner.uid(),
               "blockOwnerDeletion": true})
    };
    owners.iter().map(reference).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_in_a_circle_all_go_and_another_owner_keeps_its_own() {
    let cluster = Cluster::start(&[]).await;
    let maps = cluster.api::<ConfigMap>("default");
    let gone = async |name: &str| maps.get_opt(name).await.unwrap().is_none();
    let a = owned(&cluster, "a", &[]).await;
    let b = owned(&cluster, "b", &[&a]).await;
    let c = owned(&cluster, "c", &[&b]).await;
    let patch = Patch::Merge(json!({"metadata": {"ownerReferences": references(&[&c])}}));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    maps.delete("a", &DeleteParams::foreground()).await.unwrap();
    wait_for("the circle to be gone", async || gone("a").await && gone("b").await && gone("c").await).await;

    let (first, second) = (owned(&cluster, "first", &[]).await, owned(&cluster, "second", &[]).await);
    owned(&cluster, "both", &[&first, &second]).await;
    owned(&cluster, "own", &[&first]).await;
    maps.delete("first", &DeleteParams::foreground()).await.unwrap();
    wait_for("the first owner to be gone", async || gone("first").await).await;
    assert!(gone("own").await, "what it owned alone went before it");
    let both = maps.get("both").await.unwrap();
    let owners: Vec<&str> = both.owner_references().iter().map(|owner| owner.name.as_str()).collect();
    assert_eq!(owners, ["second"]);
    assert!(both.metadata.deletion_timestamp.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_ends_unassigned_goes_though_its_server_ended_first() {
    let cluster = Cluster::start(&[]).await;
    let pods = cluster.api::<Pod>("default");
    let mut left: Pod = cluster
        .create(
            "default",
            json!({"metadata": {"name": "left"},
        "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        )
        .await;
    left.metadata.deletion_timestamp = left.metadata.creation_timestamp.clone();
    left.metadata.deletion_grace_period_seconds = Some(0);
    cluster.leave_in_etcd("pods/default/left", &serde_json::to_value(&left).unwrap());
    wait_for("the pod to be marked", async || {
        pods.get_opt("left").await.unwrap().is_none_or(|pod| pod.metadata.deletion_timestamp.is_some())
    })
    .await;
    wait_for("the pod to be gone", async || pods.get_opt("left").await.unwrap().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_for_an_owner_of_whose_kind_nothing_is_known() {
    let cluster = Cluster::start(&[]).await;
    let maps = cluster.api::<ConfigMap>("default");
    let strange = json!([{"apiVersion": "example.com/v1", "kind": "Strange", "name": "s", "uid": "s"}]);
    let lost = json!([{"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "s"}]);
    let _: ConfigMap =
        cluster.create("default", json!({"metadata": {"name": "kept", "ownerReferences": strange}})).await;
    let roles: Api<ClusterRole> = Api::all(cluster.client.clone());
    let role = json!({"metadata": {"name": "kept", "ownerReferences": lost}, "rules": []});
    roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    let _: ConfigMap = cluster.create("default", json!({"metadata": {"name": "lost", "ownerReferences": lost}})).await;
    wait_for("what a missing Secret owned to be gone", async || maps.get_opt("lost").await.unwrap().is_none()).await;
    assert!(maps.get_opt("kept").await.unwrap().is_some());
    // of kinds that no controller reads too
    let metadata = json!({"name": "lost", "ownerReferences": lost});
    let _: Role = cluster.create("default", json!({"metadata": metadata, "rules": []})).await;
    let _: Lease = cluster.create("default", json!({ "metadata": metadata })).await;
    let limits = json!({"limits": [{"type": "Container", "max": {"cpu": "1"}}]});
    let _: LimitRange = cluster.create("default", json!({"metadata": metadata, "spec": limits})).await;
    wait_for("what it owned of other kinds to be gone", async || {
        cluster.api::<Role>("default").get_opt("lost").await.unwrap().is_none()
            && cluster.api::<Lease>("default").get_opt("lost").await.unwrap().is_none()
            && cluster.api::<LimitRange>("default").get_opt("lost").await.unwrap().is_none()
    })
    .await;
    assert!(
        roles.get_opt("kept").await.unwrap().is_some(),
        "it is in no namespace, and the secret it names is in some"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_end_on_a_node_out_of_service_are_not_waited_for() {
    let cluster = Cluster::start(&[]).await;
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let node = serde_json::from_value(json!({"metadata": {"name": "n1"}})).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
    let away = json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}});
    nodes.patch_status("n1", &PatchParams::default(), &Patch::Merge(&away)).await.unwrap();
    for name in ["ends", "stays"] {
        let mut pod = pod(name);
        pod["spec"]["nodeName"] = json!("n1");
        pod["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
        cluster.create::<Pod>("default", pod).await;
    }
    let pods = cluster.api::<Pod>("default");
    pods.delete("ends", &DeleteParams::default()).await.unwrap();
    assert!(pods.get("ends").await.unwrap().metadata.deletion_timestamp.is_some(), "it waits for its node");
    let taint = json!({"spec": {"taints": [
        {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}]}});
    nodes.patch("n1", &PatchParams::default(), &Patch::Merge(&taint)).await.unwrap();
    wait_for("it to be gone", async || pods.get_opt("ends").await.unwrap().is_none()).await;
    assert!(pods.get("stays").await.unwrap().metadata.deletion_timestamp.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tainted_node_loses_the_pods_that_do_not_tolerate_it() {
    let cluster = Cluster::start(&[]).await;
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let node = serde_json::from_value(json!({"metadata": {"name": "n1"}})).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}});
    nodes.patch_status("n1", &PatchParams::default(), &Patch::Merge(&ready)).await.unwrap();
    for (name, tolerations) in [
        ("meek", json!([])),
        ("bold", json!([{"key": "k", "operator": "Exists", "effect": "NoExecute"}])),
        ("slow", json!([{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}])),
    ] {
        let mut pod = pod(name);
        pod["spec"]["nodeName"] = json!("n1");
        pod["spec"]["tolerations"] = tolerations;
        cluster.create::<Pod>("default", pod).await;
    }
    let taint = json!({"spec": {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]}});
    nodes.patch("n1", &PatchParams::default(), &Patch::Merge(&taint)).await.unwrap();
    let pods = cluster.api::<Pod>("default");
    for name in ["meek", "slow"] {
        let leaves = async || {
            let pod = pods.get(name).await.unwrap();
            let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
            let told = |c: &k8s_openapi::api::core::v1::PodCondition| {
                c.type_ == "DisruptionTarget" && c.reason.as_deref() == Some("DeletionByTaintManager")
            };
            pod.metadata.deletion_timestamp.is_some() && conditions.iter().any(told)
        };
        wait_for(&format!("pod {name} to leave"), leaves).await;
    }
    assert!(pods.get("bold").await.unwrap().metadata.deletion_timestamp.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_says_what_is_left_in_it_and_pods_go_first() {
    let cluster = Cluster::start(&[]).await;
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "team"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let mut held = pod("held");
    held["metadata"]["finalizers"] = json!(["example.com/wait"]);
    cluster.create::<Pod>("team", held).await;
    let _: ConfigMap = cluster.create("team", json!({"metadata": {"name": "later"}})).await;
    namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    let condition = async |type_: &str| {
        let conditions = namespaces.get("team").await.unwrap().status?.conditions?;
        conditions.into_iter().find(|condition| condition.type_ == type_ && condition.status == "True")?.message
    };
    wait_for("the namespace to say what is left", async || condition("NamespaceFinalizersRemaining").await.is_some())
        .await;
    assert_eq!(
        condition("NamespaceContentRemaining").await.as_deref(),
        Some("Some resources are remaining: pods. has 1 resource instances")
    );
    let later = cluster.api::<ConfigMap>("team").get("later").await.unwrap();
    assert!(later.metadata.deletion_timestamp.is_none(), "pods go first");
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    cluster.api::<Pod>("team").patch("held", &PatchParams::default(), &free).await.unwrap();
    wait_for("it to be gone", async || namespaces.get_opt("team").await.unwrap().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_tells_that_it_may_not_create_its_pods() {
    let cluster = Cluster::start(&[]).await;
    cluster
        .create::<ResourceQuota>("default", json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}}))
        .await;
    wait_for("the quota to be counted", async || {
        let quota = cluster.api::<ResourceQuota>("default").get("q").await.unwrap();
        quota.status.is_some_and(|status| status.hard.is_some())
    })
    .await;
    cluster.create::<ReplicationController>("default", controller(3)).await;
    let controllers = cluster.api::<ReplicationController>("default");
    let failure = async || {
        let conditions = controllers.get("web").await.unwrap().status?.conditions?;
        conditions.into_iter().find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
    };
    wait_for("the failure", async || failure().await.is_some()).await;
    let told = failure().await.unwrap();
    assert_eq!(told.reason.as_deref(), Some("FailedCreate"));
    let text = told.message.as_deref().unwrap_or_default();
    assert!(text.starts_with("pods \"web-") && text.contains("\" is forbidden: exceeded quota: q"), "{told:?}");
    let fewer = Patch::Merge(json!({"spec": {"replicas": 2}}));
    controllers.patch("web", &PatchParams::default(), &fewer).await.unwrap();
    wait_for("no failure any more", async || failure().await.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_for_a_token_gets_one_and_goes_with_its_account() {
    let cluster = Cluster::start(&[]).await;
    let (secrets, accounts) = (cluster.api::<Secret>("default"), cluster.api::<ServiceAccount>("default"));
    let secret = |name: &str, account: &str| {
        json!({"metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}},
            "type": "kubernetes.io/service-account-token"})
    };
    let account: ServiceAccount = cluster.create("default", json!({"metadata": {"name": "robot"}})).await;
    for name in ["kept", "revoked"] {
        cluster.create::<Secret>("default", secret(name, "robot")).await;
    }
    cluster.create::<Secret>("default", secret("vain", "nobody")).await;
    let field = async |name: &str, field: &str| {
        let data = secrets.get(name).await.unwrap().data.unwrap_or_default();
        data.get(field).map(|value| String::from_utf8(value.0.clone()).unwrap())
    };
    wait_for("the tokens", async || {
        field("kept", "token").await.is_some() && field("revoked", "token").await.is_some()
    })
    .await;
    assert_eq!(field("kept", "ca.crt").await.as_deref(), Some("a certificate"));
    assert_eq!(field("kept", "namespace").await.as_deref(), Some("default"));
    let kept = secrets.get("kept").await.unwrap();
    assert_eq!(kept.annotations().get("kubernetes.io/service-account.uid"), account.uid().as_ref());
    wait_for("the secret of nobody to be gone", async || secrets.get_opt("vain").await.unwrap().is_none()).await;

    let reviews: Api<TokenReview> = Api::all(cluster.client.clone());
    let whose = async |token: &str| {
        let review = serde_json::from_value(json!({"spec": {"token": token}})).unwrap();
        let user = reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().user;
        user.and_then(|user| user.username)
    };
    let (kept, revoked) = (field("kept", "token").await.unwrap(), field("revoked", "token").await.unwrap());
    assert_eq!(whose(&kept).await.as_deref(), Some("system:serviceaccount:default:robot"));
    secrets.delete("revoked", &DeleteParams::default()).await.unwrap();
    wait_for("the token to end with its secret", async || whose(&revoked).await.is_none()).await;
    accounts.delete("robot", &DeleteParams::default()).await.unwrap();
    wait_for("the secret to go with its account", async || secrets.get_opt("kept").await.unwrap().is_none()).await;
    assert_eq!(whose(&kept).await, None);
}
