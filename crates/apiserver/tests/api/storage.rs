//! What happens when etcd is slow, gone or back, and what is cleared up behind the servers.

use std::time::{Duration, Instant};

use etcd_client::{Client, GetOptions};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Api, Etcd, PATIENCE, Server, wait_for};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// What says who compacts.
const TURN: &str = "/registry/k8sm/compaction";

/// What needs etcd is refused with a hint to come again; what does not is answered.
async fn without_etcd(api: &Api) {
    let map = json!({"metadata": {"name": "never"}}).to_string();
    let patch = json!({"data": {"never": "this"}}).to_string();
    let (one, other) = (format!("{MAPS}/a"), format!("{MAPS}/other"));
    let json = "application/json";
    let refused = tokio::join!(
        api.ask(Method::POST, MAPS, json, map),
        api.ask(Method::GET, &one, json, ""),
        api.ask(Method::GET, MAPS, json, ""),
        api.ask(Method::PATCH, &other, "application/merge-patch+json", patch),
        api.ask(Method::DELETE, &other, json, ""),
    );
    for (code, answer) in [refused.0, refused.1, refused.2, refused.3, refused.4] {
        let reason = answer["reason"].as_str().unwrap_or_default().to_owned();
        assert!(matches!((code, reason.as_str()), (503, "ServiceUnavailable") | (504, "Timeout")), "{answer}");
    }
    let (code, map) = api.get(&format!("{one}?resourceVersion=0")).await;
    assert_eq!((code, map["metadata"]["name"].as_str()), (200, Some("a")), "memory still answers");
    assert_eq!(api.get("/livez").await.0, 200, "a restart would not help");
    for (path, code) in [("", 500), ("/etcd", 500), ("/ping", 200), ("?exclude=etcd", 200)] {
        assert_eq!(api.get(&format!("/readyz{path}")).await.0, code, "{path}");
    }
    let slis = api.client.get(format!("{}/metrics/slis", api.url)).send().await.unwrap().text().await.unwrap();
    assert!(slis.contains(r#"kubernetes_healthcheck{name="etcd",type="readyz"} 0"#), "{slis}");
}

/// Everything is answered again, without anybody's help.
async fn with_etcd(api: &Api, name: &str) {
    wait_for("the server to answer again", || async { api.get(&format!("{MAPS}/a")).await.0 == 200 }).await;
    api.make(MAPS, &json!({"metadata": {"name": name}})).await;
    assert_eq!(api.get(&format!("{MAPS}/{name}")).await.0, 200);
    wait_for("the server to be ready", || async { api.get("/readyz").await.0 == 200 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_etcd_and_a_lost_one_are_told_and_outlived() {
    let mut etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(MAPS, &json!({"metadata": {"name": "other"}})).await;
    let made = api.make(MAPS, &json!({"metadata": {"name": "a"}})).await;
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = api.watch(&format!("{MAPS}?watch=true&resourceVersion={version}")).await;

    etcd.kill();
    without_etcd(&api).await;
    etcd.restart();
    with_etcd(&api, "b").await;
    assert_eq!(watch.told().await, "ADDED b", "the watch goes on");

    etcd.pause();
    without_etcd(&api).await;
    let (code, refusal) = api.get(&format!("{MAPS}/a?timeout=10ms")).await;
    let why = refusal["message"].as_str().unwrap_or_default();
    assert!(code == 504 && why.contains("within the allotted timeout"), "its client waits no longer: {refusal}");
    etcd.resume();
    with_etcd(&api, "c").await;
    // what was refused for its time may have been done all the same
    loop {
        let told = watch.told().await;
        if told == "ADDED c" {
            break;
        }
        assert!(matches!(told.as_str(), "ADDED never" | "MODIFIED other" | "DELETED other"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_servers_compacts_etcd() {
    let interval = Duration::from_secs(1);
    let etcd = Etcd::start();
    let began = Instant::now();
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Server::with_flags(&etcd, &["--etcd-compaction-interval=1s"]).await);
    }
    let apis: Vec<Api> = servers.iter().map(Server::admin).collect();
    let made = apis[0].make(MAPS, &json!({"metadata": {"name": "a"}})).await;
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = apis[1].watch(&format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    let client = Client::connect([&etcd.url], None).await.unwrap();
    let forgotten = || async {
        let mut client = client.clone();
        let early = client.get("/registry/", Some(GetOptions::new().with_prefix().with_revision(2))).await;
        early.is_err_and(|error| error.to_string().contains("compacted"))
    };
    let (mut writes, mut turns) = (0, 0);
    // so many turns that servers which each took their own would have been seen
    while turns < 4 || !forgotten().await {
        let change = json!({"data": {"writes": writes.to_string()}});
        assert_eq!(apis[writes % 3].patch(&format!("{MAPS}/a"), "merge", &change).await.0, 200);
        writes += 1;
        assert!(began.elapsed() < PATIENCE * 3, "{turns} turns, and nothing forgotten");
        tokio::time::sleep(interval / 10).await;
        let answer = client.clone().get(TURN, None).await.unwrap();
        turns = answer.kvs().first().map_or(0, |turn| turn.version());
        let most = began.elapsed().as_secs_f64() / interval.as_secs_f64() + 1.0;
        assert!(turns as f64 <= most, "{turns} turns where one server takes {most}");
    }
    for n in 0..writes {
        let event = watch.next().await.expect("the watch goes on");
        assert_eq!(event["object"]["data"]["writes"], n.to_string(), "nothing that watches need is forgotten: {event}");
    }
}
