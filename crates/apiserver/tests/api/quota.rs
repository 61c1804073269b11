//! Quotas: what is charged with an object, and what is refused. Their use is counted by the controllers, which these tests
//! stand in for.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server, wait_for};

const QUOTAS: &str = "/api/v1/namespaces/default/resourcequotas";
const PODS: &str = "/api/v1/namespaces/default/pods";
const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const SERVICES: &str = "/api/v1/namespaces/default/services";

/// A quota of which nothing is used yet, as the controller leaves it.
async fn quota(api: &Api, name: &str, spec: Value) {
    api.make(QUOTAS, &json!({"metadata": {"name": name}, "spec": spec})).await;
    let hard = spec["hard"].clone();
    let used: Value = hard.as_object().unwrap().keys().map(|name| (name.clone(), json!("0"))).collect();
    let status = json!({"status": {"hard": hard, "used": used}});
    assert_eq!(api.patch(&format!("{QUOTAS}/{name}/status"), "merge", &status).await.0, 200);
    // admission goes by what the server has in memory, which a consistent read waits for
    api.get(&format!("{QUOTAS}/{name}")).await;
}

async fn used(api: &Api, name: &str) -> Value {
    api.get(&format!("{QUOTAS}/{name}")).await.1["status"]["used"].clone()
}

fn pod(name: &str, requests: Value) -> Value {
    json!({"metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": requests}}]}})
}

#[tokio::test]
async fn what_is_made_is_charged_and_what_exceeds_refused() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    quota(&api, "q", json!({"hard": {"pods": "2", "requests.cpu": "1", "count/secrets": "1"}})).await;
    let (code, refusal) = api.post(PODS, &pod("p", json!({}))).await;
    let message = "pods \"p\" is forbidden: failed quota: q: must specify requests.cpu for: c";
    assert_eq!((code, refusal["message"].as_str().unwrap()), (403, message));
    let dry = format!("{PODS}?dryRun=All");
    assert_eq!(api.post(&dry, &pod("p", json!({"cpu": "600m"}))).await.0, 201);
    assert_eq!(used(&api, "q").await["pods"], "0", "a dry run costs nothing");
    api.make(PODS, &pod("p", json!({"cpu": "600m"}))).await;
    assert_eq!(used(&api, "q").await, json!({"pods": "1", "requests.cpu": "600m", "count/secrets": "0"}));
    let (code, refusal) = api.post(PODS, &pod("r", json!({"cpu": "500m"}))).await;
    let message = "pods \"r\" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, \
                   limited: requests.cpu=1";
    assert_eq!((code, refusal["message"].as_str().unwrap()), (403, message));
    assert_eq!(refusal["reason"], "Forbidden");
    assert_eq!(api.post(&dry, &pod("r", json!({"cpu": "500m"}))).await.0, 403, "a dry run is held too");
    assert_eq!(api.post(PODS, &pod("p", json!({"cpu": "1m"}))).await.0, 409);
    assert_eq!(used(&api, "q").await["pods"], "1", "what was not made was not charged");
    api.make(SECRETS, &json!({"metadata": {"name": "s"}})).await;
    assert_eq!(api.post(SECRETS, &json!({"metadata": {"name": "t"}})).await.0, 403);
    api.make("/api/v1/namespaces/kube-public/secrets", &json!({"metadata": {"name": "t"}})).await;
}

#[tokio::test]
async fn services_are_charged_for_what_they_become() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    quota(&api, "q", json!({"hard": {"services.nodeports": "1"}})).await;
    let service = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}});
    api.make(SERVICES, &service).await;
    let open = json!({"spec": {"type": "NodePort"}});
    assert_eq!(api.patch(&format!("{SERVICES}/s"), "merge", &open).await.0, 200);
    assert_eq!(used(&api, "q").await["services.nodeports"], "1");
    let two = json!({"spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}});
    let (code, refusal) = api.patch(&format!("{SERVICES}/s"), "merge", &two).await;
    assert_eq!(code, 403, "{refusal}");
    assert!(refusal["message"].as_str().unwrap().contains("exceeded quota: q, requested: services.nodeports=1"));
}

#[tokio::test]
async fn scopes_choose_the_pods_that_are_charged() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    quota(&api, "idle", json!({"hard": {"pods": "0"}, "scopes": ["BestEffort"]})).await;
    let class = json!([{"scopeName": "PriorityClass", "operator": "In", "values": ["system-cluster-critical"]}]);
    quota(&api, "vital", json!({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": class}})).await;
    let (code, refusal) = api.post(PODS, &pod("p", json!({}))).await;
    assert_eq!(code, 403, "{refusal}");
    assert!(refusal["message"].as_str().unwrap().contains("exceeded quota: idle"), "{refusal}");
    api.make(PODS, &pod("p", json!({"cpu": "1m"}))).await;
    assert_eq!(used(&api, "vital").await["pods"], "0");
    let mut vital = pod("vital", json!({"cpu": "1m"}));
    vital["spec"]["priorityClassName"] = "system-cluster-critical".into();
    api.make(PODS, &vital).await;
    assert_eq!(used(&api, "vital").await["pods"], "1");
    vital["metadata"]["name"] = "more".into();
    assert_eq!(api.post(PODS, &vital).await.0, 403);
}

#[tokio::test]
async fn a_quota_that_nobody_counted_refuses() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    quota(&api, "q", json!({"hard": {"secrets": "5"}})).await;
    let status = json!({"status": {"hard": {"secrets": "5", "count/secrets": "5"}}});
    assert_eq!(api.patch(&format!("{QUOTAS}/q/status"), "merge", &status).await.0, 200);
    wait_for("the refusal", || async {
        let (_, refusal) = api.post(&format!("{SECRETS}?dryRun=All"), &json!({"metadata": {"name": "s"}})).await;
        let message = "secrets \"s\" is forbidden: status unknown for quota: q, resources: count/secrets,secrets";
        refusal["message"] == message
    })
    .await;
}

/// Two servers, many writers, one quota: as many are made as fit, and exactly these are charged.
#[tokio::test(flavor = "multi_thread")]
async fn writers_that_race_do_not_exceed_a_quota() {
    const FIT: usize = 10;
    const WRITERS: usize = 12;
    let etcd = Etcd::start();
    let (first, second) = (Server::start(&etcd).await, Server::start(&etcd).await);
    let api = first.admin();
    quota(&api, "q", json!({"hard": {"secrets": FIT.to_string()}})).await;
    let servers = [first.admin(), second.admin()];
    let write = |writer: usize| {
        let server = servers[writer % 2].clone();
        async move {
            let mut made = 0;
            for turn in 0..3 {
                let secret = json!({"metadata": {"name": format!("s-{writer}-{turn}")}});
                match server.post(SECRETS, &secret).await {
                    (201, _) => made += 1,
                    (403 | 409, _) => {}
                    (code, answer) => panic!("{code}: {answer}"),
                }
            }
            made
        }
    };
    let made: usize = join_all((0..WRITERS).map(write)).await.into_iter().sum();
    let (_, list) = api.get(SECRETS).await;
    assert_eq!(list["items"].as_array().unwrap().len(), made);
    assert_eq!(used(&api, "q").await["secrets"], made.to_string());
    assert!(made <= FIT, "{made} of {FIT}");
    // what lost a race may be tried again until the quota is full
    for number in 0..FIT - made {
        api.make(SECRETS, &json!({"metadata": {"name": format!("rest-{number}")}})).await;
    }
    assert_eq!(api.post(SECRETS, &json!({"metadata": {"name": "one-more"}})).await.0, 403);
}
