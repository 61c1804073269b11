//! Killed servers and lost etcds: nothing that was acknowledged is lost, no event is missed or told twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{Api, Etcd, Server, wait_for};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Follows the collection as clients do: resumes from the last resourceVersion whenever the watch ends. What it is told goes
/// into the list that it returns once it has seen the object `last`.
async fn follow(api: Api, from: String) -> Vec<(String, u64)> {
    let (mut version, mut told) = (from, Vec::new());
    loop {
        let url = format!("{}{MAPS}?watch=true&resourceVersion={version}", api.url);
        // a server that is still loading refuses
        let answer = api.client.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let Ok(mut answer) = answer else {
            tokio::task::yield_now().await;
            continue;
        };
        let mut buffer = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let event: serde_json::Value = serde_json::from_slice(&line).unwrap();
                assert_ne!(event["type"], "ERROR", "{event}");
                let metadata = &event["object"]["metadata"];
                version = metadata["resourceVersion"].as_str().unwrap().to_owned();
                let name = metadata["name"].as_str().unwrap();
                told.push((format!("{} {name}", event["type"].as_str().unwrap()), version.parse().unwrap()));
                if name == "last" {
                    return told;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_survive_a_kill() {
    let etcd = Etcd::start();
    let mut server = Server::start(&etcd).await;
    let second = Server::start(&etcd).await;
    let (api, writer) = (server.admin(), second.admin());
    let (_, list) = api.get(MAPS).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let followers: Vec<_> = (0..3).map(|_| tokio::spawn(follow(api.clone(), version.clone()))).collect();
    let (stop, written) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let writing = tokio::spawn({
        let (stop, written) = (stop.clone(), Arc::clone(&written));
        async move {
            let mut expected = Vec::new();
            for n in 0.. {
                if stop.is_cancelled() {
                    break;
                }
                let name = format!("m{n}");
                writer.make(MAPS, &json!({"metadata": {"name": name}})).await;
                expected.push(format!("ADDED {name}"));
                if n % 3 == 0 {
                    assert_eq!(writer.delete(&format!("{MAPS}/{name}")).await.0, 200);
                    expected.push(format!("DELETED {name}"));
                }
                written.fetch_add(1, Ordering::Relaxed);
            }
            writer.make(MAPS, &json!({"metadata": {"name": "last"}})).await;
            expected.push("ADDED last".to_owned());
            expected
        }
    });
    for round in 1..=3 {
        let goal = written.load(Ordering::Relaxed) + 20;
        wait_for("more writes", || async { written.load(Ordering::Relaxed) >= goal }).await;
        server.kill().await;
        let goal = written.load(Ordering::Relaxed) + 20;
        wait_for("writes while the server is away", || async { written.load(Ordering::Relaxed) >= goal }).await;
        server.restart().await;
        assert_eq!(api.get(MAPS).await.0, 200, "round {round}");
    }
    stop.cancel();
    let expected = writing.await.unwrap();
    for follower in followers {
        let told = follower.await.unwrap();
        assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].1), "in the order of their versions");
        let told: Vec<String> = told.into_iter().map(|(event, _)| event).collect();
        assert_eq!(told, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_outlives_its_etcd() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(MAPS, &json!({"metadata": {"name": "a"}})).await;
    etcd.pause();
    let (code, cached) = api.get(&format!("{MAPS}/a?resourceVersion=0")).await;
    assert_eq!((code, cached["metadata"]["name"].as_str()), (200, Some("a")), "memory still answers");
    let (code, refused) = api.get(&format!("{MAPS}/a")).await;
    assert!(code == 503 || code == 504, "{code} {refused}");
    etcd.resume();
    wait_for("the server to answer again", || async { api.get(&format!("{MAPS}/a")).await.0 == 200 }).await;
    api.make(MAPS, &json!({"metadata": {"name": "b"}})).await;
    assert_eq!(api.get(&format!("{MAPS}/b")).await.0, 200);
}

/// More than one part of a load, in our form and in another's, and what is no object of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_in_etcd_is_loaded_but_what_is_no_object() {
    let etcd = Etcd::start();
    let mut server = Server::start(&etcd).await;
    server.kill().await;
    let mut client = etcd_client::Client::connect([&etcd.url], None).await.unwrap();
    let key = |name: &str| format!("/registry/configmaps/default/{name}");
    for n in 0..700 {
        let (name, labels) = (format!("m{n:03}"), json!({"hundred": (n / 100).to_string()}));
        let (metadata, data) =
            (json!({"name": name, "namespace": "default", "labels": labels}), json!({"n": "x".repeat(n)}));
        let stored = match n % 2 {
            0 => format!(r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{metadata},"data":{data}}}"#),
            _ => json!({"data": data, "metadata": metadata, "apiVersion": "v1", "kind": "ConfigMap"}).to_string(),
        };
        client.put(key(&name), stored, None).await.unwrap();
    }
    let cut = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"cut","namespace":"default"},"data":{"#;
    client.put(key("cut"), cut, None).await.unwrap();
    client.put(key("nothing"), "nothing", None).await.unwrap();
    server.restart().await;
    let api = server.admin();
    wait_for("what is no object to be left out", || async {
        api.get(&format!("{MAPS}/cut?resourceVersion=0")).await.0 == 404
    })
    .await;
    let (_, list) = api.get(&format!("{MAPS}?resourceVersion=0")).await;
    let lengths = list["items"].as_array().unwrap().iter().map(|map| map["data"]["n"].as_str().map_or(0, str::len));
    assert_eq!(lengths.filter(|length| *length > 0).sum::<usize>(), (0..700).sum::<usize>());
    let (_, some) = api.get(&format!("{MAPS}?labelSelector=hundred%3D3")).await;
    assert_eq!(some["items"].as_array().map(Vec::len), Some(100));
}
