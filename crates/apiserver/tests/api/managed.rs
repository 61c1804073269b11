//! `metadata.managedFields`: who wrote what, kept for every write that is no server-side apply.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// Every entry as `manager operation subresource`, with its fields.
fn told(object: &Value) -> Vec<(String, Value)> {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("-").to_owned();
    let entries = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            assert_eq!((&entry["apiVersion"], &entry["fieldsType"]), (&json!("v1"), &json!("FieldsV1")), "{entry}");
            assert_eq!(entry["time"].as_str().map(str::len), Some("2026-01-01T00:00:00Z".len()), "{entry}");
            let who = [text(entry, "manager"), text(entry, "operation"), text(entry, "subresource")].join(" ");
            (who, entry["fieldsV1"].clone())
        })
        .collect()
}

/// The fields of a ConfigMap's `data`.
fn data(keys: &[&str], itself: bool) -> Value {
    let mut fields: serde_json::Map<String, Value> = keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
    if itself {
        fields.insert(".".to_owned(), json!({}));
    }
    json!({"f:data": fields})
}

async fn merge(api: &Api, path: &str, manager: &str, patch: &Value) -> Value {
    let (code, answer) = api.patch(&format!("{path}?fieldManager={manager}"), "merge", patch).await;
    assert_eq!(code, 200, "{answer}");
    answer
}

#[tokio::test]
async fn fields_belong_to_whom_changed_them_last() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let map = json!({"metadata": {"name": "m"}, "data": {"a": "1", "b": "1"}});
    let made = api.make(&format!("{MAPS}?fieldManager=maker"), &map).await;
    assert_eq!(told(&made), [("maker Update -".to_owned(), data(&["a", "b"], true))]);
    let path = format!("{MAPS}/m");
    let changed = merge(&api, &path, "other", &json!({"data": {"b": "2", "c": "2"}})).await;
    let expected =
        [("maker Update -".to_owned(), data(&["a"], true)), ("other Update -".to_owned(), data(&["b", "c"], false))];
    assert_eq!(told(&changed), expected);
    let same = merge(&api, &path, "third", &json!({"data": {"b": "2"}})).await;
    assert_eq!(same, changed, "who changes nothing owns nothing, and nothing is written");
    let fewer = merge(&api, &path, "third", &json!({"data": {"b": null, "c": null}})).await;
    assert_eq!(told(&fewer), [("maker Update -".to_owned(), data(&["a"], true))], "who owns nothing any more is gone");

    // a replacement that does not send them keeps them
    let whole = json!({"metadata": {"name": "m"}, "data": {"a": "1", "d": "1"}});
    let (code, replaced) = api.put(&format!("{path}?fieldManager=putter"), &whole).await;
    assert_eq!(code, 200);
    let expected =
        [("maker Update -".to_owned(), data(&["a"], true)), ("putter Update -".to_owned(), data(&["d"], false))];
    assert_eq!(told(&replaced), expected);
    let (_, dry) =
        api.patch(&format!("{path}?fieldManager=dry&dryRun=All"), "merge", &json!({"data": {"a": "9"}})).await;
    assert!(told(&dry).iter().any(|(who, _)| who == "dry Update -"));
    assert_eq!(told(&api.get(&path).await.1), expected);
}

#[tokio::test]
async fn clients_clear_them_and_cannot_spoil_them() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let (path, count) = (format!("{MAPS}/m"), |object: &Value| told(object).len());
    api.make(MAPS, &json!({"metadata": {"name": "m"}, "data": {"a": "1"}})).await;
    let patch = |fields: Value| json!({"metadata": {"managedFields": fields}});
    for (what, fields) in [
        ("an empty list", json!([])),
        (
            "another operation",
            json!([{"manager": "x", "operation": "Eat", "apiVersion": "v1", "fieldsType": "FieldsV1"}]),
        ),
        (
            "another type",
            json!([{"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV2"}]),
        ),
        ("no version", json!([{"manager": "x", "operation": "Update", "fieldsType": "FieldsV1"}])),
        (
            "no fields",
            json!([{"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"data": 1}}]),
        ),
    ] {
        let (code, answer) = api.patch(&path, "merge", &patch(fields)).await;
        assert_eq!((code, count(&answer)), (200, 1), "{what}");
        assert_eq!(told(&answer)[0].0, "unknown Update -", "{what}");
    }
    let given = json!([{"manager": "given", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "time": "2020-01-01T00:00:00Z", "fieldsV1": {"f:data": {"f:a": {}}}}]);
    let (_, answer) = api.patch(&path, "merge", &patch(given)).await;
    assert_eq!(told(&answer), [("given Update -".to_owned(), data(&["a"], false))]);
    let (_, answer) = api.patch(&path, "merge", &patch(json!([{}]))).await;
    assert_eq!(count(&answer), 0, "{answer}");
    assert!(answer["metadata"].get("managedFields").is_none());
    let (_, answer) = api.patch(&path, "merge", &json!({"data": {"a": "2"}})).await;
    assert_eq!(count(&answer), 0, "what is not kept stays so");
    for (name, code) in [("x".repeat(128), 200), ("x".repeat(129), 422), ("a%07b".to_owned(), 422)] {
        let (found, answer) = api.patch(&format!("{path}?fieldManager={name}"), "merge", &json!({})).await;
        assert_eq!(found, code, "{answer}");
        if code == 422 {
            assert_eq!(answer["details"]["causes"][0]["field"], "fieldManager", "{answer}");
            assert_eq!(answer["details"]["kind"], "PatchOptions");
        }
    }
}

#[tokio::test]
async fn parts_have_entries_of_their_own() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.with_headers(Some("admin"), &[("user-agent", "kubelet-like/v1.33.1 (linux/amd64) x")]);
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}, "status": {"phase": "Failed"}});
    let account = json!({"metadata": {"name": "default"}});
    api.make("/api/v1/namespaces/default/serviceaccounts", &account).await;
    let made = api.make(PODS, &pod).await;
    let entries = told(&made);
    assert_eq!((entries.len(), entries[0].0.as_str()), (1, "kubelet-like Update -"));
    // neither what admission adds nor a status that is not written here
    let spec = &entries[0].1["f:spec"];
    assert!(spec["f:tolerations"].is_null() && spec["f:serviceAccountName"].is_null(), "{spec}");
    assert_eq!(spec["f:containers"][r#"k:{"name":"c"}"#]["f:image"], json!({}));
    assert!(entries[0].1["f:status"].is_null());
    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let (code, changed) = api.patch(&format!("{PODS}/p/status"), "strategic-merge", &status).await;
    assert_eq!(code, 200, "{changed}");
    let entry = told(&changed).into_iter().find(|(who, _)| who == "kubelet-like Update status").unwrap();
    let condition = json!({".": {}, "f:status": {}, "f:type": {}});
    assert_eq!(entry.1["f:status"]["f:conditions"], json!({".": {}, r#"k:{"type":"Ready"}"#: condition}));
    let none = json!({"metadata": {"managedFields": [{}]}});
    let (_, kept) = api.patch(&format!("{PODS}/p/status"), "merge", &none).await;
    assert_eq!(told(&kept).len(), 2, "a part of an object clears nothing");

    let rcs = "/api/v1/namespaces/default/replicationcontrollers";
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    api.make(rcs, &json!({"metadata": {"name": "r"}, "spec": {"replicas": 1, "template": template}})).await;
    let (code, _) =
        api.patch(&format!("{rcs}/r/scale?fieldManager=scaler"), "merge", &json!({"spec": {"replicas": 3}})).await;
    assert_eq!(code, 200);
    let scaled = told(&api.get(&format!("{rcs}/r")).await.1);
    let (_, fields) = scaled.iter().find(|(who, _)| who == "scaler Update scale").expect("an entry");
    assert_eq!(*fields, json!({"f:spec": {"f:replicas": {}}}));
    let (_, fields) = scaled.iter().find(|(who, _)| who == "kubelet-like Update -").expect("an entry");
    assert!(fields["f:spec"]["f:replicas"].is_null() && fields["f:spec"]["f:template"].is_object());
}

#[tokio::test]
async fn the_oldest_of_many_updaters_are_one() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(&format!("{MAPS}?fieldManager=m0"), &json!({"metadata": {"name": "m"}, "data": {"k0": ""}})).await;
    let mut last = Value::Null;
    for n in 1..=12 {
        last = merge(&api, &format!("{MAPS}/m"), &format!("m{n}"), &json!({"data": {format!("k{n}"): "v"}})).await;
    }
    let entries = told(&last);
    assert_eq!(entries.len(), 10);
    let (_, ancient) =
        entries.iter().find(|(who, _)| who == "ancient-changes Update -").expect("an entry of the oldest");
    assert_eq!(ancient["f:data"].as_object().unwrap().len(), 5, "four keys and the map itself: {ancient}");
    let all: usize = entries.iter().map(|(_, fields)| fields["f:data"].as_object().unwrap().len()).sum();
    assert_eq!(all, 14, "nothing is lost");
}

/// Events have two faces, and what one writes is told to the other in its words.
#[tokio::test]
async fn an_event_is_owned_in_the_version_of_its_writer() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let event = json!({"metadata": {"name": "e", "namespace": "default"}, "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "R", "note": "n", "type": "Normal", "action": "A", "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "c", "reportingInstance": "i"});
    let made = api.make("/apis/events.k8s.io/v1/namespaces/default/events?fieldManager=new", &event).await;
    let entry = &made["metadata"]["managedFields"][0];
    assert_eq!(entry["apiVersion"], "events.k8s.io/v1");
    assert!(entry["fieldsV1"]["f:note"].is_object() && entry["fieldsV1"]["f:regarding"].is_object(), "{entry}");
    let (code, _) = api
        .patch("/api/v1/namespaces/default/events/e?fieldManager=old", "merge", &json!({"message": "m", "count": 2}))
        .await;
    assert_eq!(code, 200);
    let (_, changed) = api.get("/apis/events.k8s.io/v1/namespaces/default/events/e").await;
    let entries = changed["metadata"]["managedFields"].as_array().unwrap();
    let of =
        |manager: &str| entries.iter().find(|entry| entry["manager"] == manager).expect("an entry")["fieldsV1"].clone();
    assert_eq!(of("old"), json!({"f:count": {}, "f:message": {}}));
    assert!(of("new")["f:note"].is_null() && of("new")["f:reason"].is_object(), "{changed}");
}

#[tokio::test]
async fn lists_watches_and_protobuf_carry_them() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let made =
        api.make(&format!("{MAPS}?fieldManager=maker"), &json!({"metadata": {"name": "m"}, "data": {"a": "1"}})).await;
    let fields = &made["metadata"]["managedFields"];
    let (_, list) = api.get(MAPS).await;
    assert_eq!(list["items"][0]["metadata"]["managedFields"], *fields);
    let mut watch = api.watch(&format!("{MAPS}?watch=1&resourceVersion=0")).await;
    assert_eq!(watch.next().await.unwrap()["object"]["metadata"]["managedFields"], *fields);
    let request =
        api.client.get(format!("{}{MAPS}/m", api.url)).header("accept", "application/vnd.kubernetes.protobuf");
    let bytes = request.send().await.unwrap().bytes().await.unwrap();
    let ty = kube_api::schema::find("core/v1.ConfigMap").unwrap();
    let decoded = kube_api::protobuf::decode(ty, &bytes).unwrap();
    assert_eq!(decoded["metadata"]["managedFields"], *fields);
    let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let request = api.client.request(Method::GET, format!("{}{MAPS}/m", api.url)).header("accept", metadata);
    let partial: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(partial["metadata"]["managedFields"], *fields);
}
