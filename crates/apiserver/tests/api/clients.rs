//! kube-rs, as controllers use it: typed objects, a watcher with its store, and a controller's loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};

use crate::harness::{Etcd, Server, wait_for};

async fn client(server: &Server) -> Client {
    serve::tls::install_provider();
    let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let demo: Namespace = serde_json::from_value(json!({"metadata": {"name": "demo"}})).unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &demo).await.unwrap();
    client
}

fn map(name: &str, data: Value) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"app": "a"}}, "data": data})).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_is_made_watched_patched_and_deleted() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&server).await);
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let made = maps.create(&PostParams::default(), &map("m", json!({"k": "v"}))).await.unwrap();
    let patch = json!({"data": {"k": "w"}});
    let merged = maps.patch("m", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_ne!(merged.resource_version(), made.resource_version());
    let patch = json!({"data": {"k": null, "l": "x"}});
    let strategic = maps.patch("m", &PatchParams::default(), &Patch::Strategic(&patch)).await.unwrap();
    assert_eq!(strategic.data, Some(BTreeMap::from([("l".to_owned(), "x".to_owned())])));
    let stale = maps.replace("m", &PostParams::default(), &made).await.unwrap_err();
    assert!(matches!(&stale, kube::Error::Api(status) if status.is_conflict()), "{stale}");
    maps.delete("m", &DeleteParams::default()).await.unwrap();
    assert!(maps.get_opt("m").await.unwrap().is_none());
    let mut told = Vec::new();
    let mut events = maps.watch(&WatchParams::default().labels("app=a"), &version).await.unwrap().boxed();
    while told.len() < 4 {
        told.push(match events.try_next().await.unwrap().expect("an event") {
            WatchEvent::Added(map) => format!("added {}", map.name_any()),
            WatchEvent::Modified(map) => format!("modified {}", map.name_any()),
            WatchEvent::Deleted(map) => format!("deleted {}", map.name_any()),
            _ => continue,
        });
    }
    assert_eq!(told, ["added m", "modified m", "modified m", "deleted m"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reflector_holds_what_there_is() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&server).await);
    maps.create(&PostParams::default(), &map("before", json!({}))).await.unwrap();
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let (reader, writer) = reflector::store();
        let stream = reflector(writer, watcher(maps.clone(), config.labels("app=a"))).default_backoff();
        let running = tokio::spawn(stream.for_each(|_| async {}));
        reader.wait_until_ready().await.unwrap();
        assert!(reader.state().iter().any(|map| map.name_any() == "before"));
        maps.create(&PostParams::default(), &map("after", json!({}))).await.unwrap();
        wait_for("the new object", || async { reader.state().len() == 2 }).await;
        maps.delete("after", &DeleteParams::default()).await.unwrap();
        wait_for("its end", || async { reader.state().len() == 1 }).await;
        running.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_reconciles() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&server).await);
    let reconcile = |map: Arc<ConfigMap>, maps: Arc<Api<ConfigMap>>| async move {
        let length = map.data.as_ref().map_or(0, BTreeMap::len).to_string();
        if map.annotations().get("length") != Some(&length) {
            let patch = json!({"metadata": {"annotations": {"length": length}}});
            maps.patch(&map.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await?;
        }
        Ok::<_, kube::Error>(Action::await_change())
    };
    let failed =
        |_: Arc<ConfigMap>, _: &kube::Error, _: Arc<Api<ConfigMap>>| Action::requeue(Duration::from_millis(100));
    let controller = Controller::new(maps.clone(), watcher::Config::default());
    let running = tokio::spawn(controller.run(reconcile, failed, Arc::new(maps.clone())).for_each(|_| async {}));
    maps.create(&PostParams::default(), &map("m", json!({"a": "1"}))).await.unwrap();
    let counted = |length: &'static str| {
        let maps = maps.clone();
        move || {
            let maps = maps.clone();
            async move { maps.get("m").await.unwrap().annotations().get("length").is_some_and(|told| told == length) }
        }
    };
    wait_for("the first count", counted("1")).await;
    let patch = json!({"data": {"b": "2"}});
    maps.patch("m", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    wait_for("the second count", counted("2")).await;
    running.abort();
}
