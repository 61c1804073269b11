//! Watches: what is told, from when on, and to whom.

use serde_json::json;

use crate::harness::{Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn objects_come_and_go_through_a_selector() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let (_, list) = api.get(MAPS).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let mut watch = api.watch(&format!("{MAPS}?watch=true&labelSelector=seen&resourceVersion={version}")).await;
    let path = format!("{MAPS}/a");
    api.make(MAPS, &json!({"metadata": {"name": "a"}})).await;
    api.patch(&path, "merge", &json!({"metadata": {"labels": {"seen": "yes"}}})).await;
    api.patch(&path, "merge", &json!({"data": {"k": "v"}})).await;
    api.patch(&path, "merge", &json!({"metadata": {"labels": {"seen": null}}})).await;
    api.patch(&path, "merge", &json!({"data": {"k": "w"}})).await;
    api.make(MAPS, &json!({"metadata": {"name": "b", "labels": {"seen": "too"}}})).await;
    api.delete(&format!("{MAPS}/b")).await;
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(watch.told().await);
    }
    assert_eq!(told, ["ADDED a", "MODIFIED a", "DELETED a", "ADDED b", "DELETED b"]);
}

#[tokio::test]
async fn a_watch_begins_with_what_there_is_where_asked() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    for name in ["a", "b"] {
        api.make(MAPS, &json!({"metadata": {"name": name}})).await;
    }
    let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = api.watch(&format!("{MAPS}?{query}")).await;
    assert_eq!((watch.told().await, watch.told().await), ("ADDED a".to_owned(), "ADDED b".to_owned()));
    let bookmark = watch.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    api.make(MAPS, &json!({"metadata": {"name": "c"}})).await;
    assert_eq!(watch.told().await, "ADDED c");
    let mut plain = api.watch("/api/v1/watch/namespaces/default/configmaps/b?resourceVersion=0").await;
    assert_eq!(plain.told().await, "ADDED b");
    let mut brief = api.watch(&format!("{MAPS}?watch=true&timeoutSeconds=1&resourceVersion=0")).await;
    while brief.next().await.is_some() {}
    for (query, field) in [
        ("watch=1&sendInitialEvents=true", "resourceVersionMatch"),
        ("watch=1&resourceVersionMatch=NotOlderThan", "resourceVersionMatch"),
        ("sendInitialEvents=true", "sendInitialEvents"),
    ] {
        let (code, refusal) = api.get(&format!("{MAPS}?{query}")).await;
        let details = &refusal["details"];
        assert_eq!((code, &details["group"], &details["kind"]), (422, &json!("meta.k8s.io"), &json!("ListOptions")));
        assert_eq!(
            (&details["causes"][0]["field"], &details["causes"][0]["reason"]),
            (&json!(field), &json!("FieldValueForbidden"))
        );
    }
}

#[tokio::test]
async fn a_version_that_is_forgotten_is_gone() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    for n in 0..3 {
        api.make(MAPS, &json!({"metadata": {"name": format!("m{n}")}})).await;
    }
    let (_, list) = api.get(MAPS).await;
    let version: i64 = list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    let mut client = etcd_client::Client::connect([&etcd.url], None).await.unwrap();
    client.compact(version, None).await.unwrap();
    // this server remembers the revisions itself; one that starts now does not
    let other = Server::start(&etcd).await;
    let mut watch = other.admin().watch(&format!("{MAPS}?watch=true&resourceVersion=2")).await;
    let event = watch.next().await.unwrap();
    assert_eq!((event["type"].as_str(), event["object"]["code"].as_u64()), (Some("ERROR"), Some(410)));
    assert_eq!(event["object"]["reason"], "Expired");
    assert!(watch.next().await.is_none(), "and the watch ends");
    let (code, gone) = other.admin().get(&format!("{MAPS}?resourceVersion=2&resourceVersionMatch=Exact")).await;
    assert_eq!((code, gone["reason"].as_str()), (410, Some("Expired")));
}

#[tokio::test]
async fn tables_are_watched_row_by_row() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(MAPS, &json!({"metadata": {"name": "a"}})).await;
    api.make(MAPS, &json!({"metadata": {"name": "b"}})).await;
    let request = api.client.get(format!("{}{MAPS}?watch=true&resourceVersion=0", api.url));
    let mut answer = request.header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io").send().await.unwrap();
    let mut text = String::new();
    while text.lines().count() < 2 {
        text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows[0]["object"]["columnDefinitions"].is_array() && rows[1]["object"]["columnDefinitions"].is_null());
    assert_eq!(rows[1]["object"]["rows"][0]["cells"][0], "b");
}

/// The paths of old that watch (`/api/v1/watch/…`) do nothing else, whatever the method.
#[tokio::test]
async fn nothing_is_changed_where_only_watches_are() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let made = api.make(MAPS, &json!({"metadata": {"name": "a"}})).await;
    let all = MAPS.replace("/v1/", "/v1/watch/");
    let one = format!("{all}/a");
    let codes = [
        api.delete(&all).await.0,
        api.delete(&one).await.0,
        api.put(&one, &made).await.0,
        api.patch(&one, "merge", &json!({"data": {"k": "v"}})).await.0,
        api.post(&all, &json!({"metadata": {"name": "b"}})).await.0,
    ];
    assert_eq!(codes, [405; 5]);
    assert_eq!(api.get(&format!("{one}/status")).await.0, 404);
    let (_, all) = api.get(MAPS).await;
    assert_eq!((all["items"].as_array().map(Vec::len), &all["items"][0]["metadata"]), (Some(1), &made["metadata"]));
}
