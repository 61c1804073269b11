//! Lists: selectors, parts, versions, shapes.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn make(api: &Api, count: usize) {
    for n in 0..count {
        let labels = json!({"parity": if n % 2 == 0 { "even" } else { "odd" }, "n": n.to_string()});
        api.make(MAPS, &json!({"metadata": {"name": format!("m{n:02}"), "labels": labels}})).await;
    }
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn selectors_select() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    make(&api, 6).await;
    for (query, expected) in [
        ("labelSelector=parity%3Deven", "m00 m02 m04"),
        ("labelSelector=parity!%3Deven,n+in+(1,5)", "m01 m05"),
        ("labelSelector=!parity", ""),
        ("fieldSelector=metadata.name%3Dm03", "m03"),
        ("fieldSelector=metadata.name!%3Dm03,metadata.namespace%3Ddefault&labelSelector=parity%3Dodd", "m01 m05"),
        ("labelSelector=parity%3Deven&limit=1&resourceVersion=0", "m00"),
    ] {
        let (code, list) = api.get(&format!("{MAPS}?{query}")).await;
        assert_eq!((code, names(&list).join(" ").as_str()), (200, expected), "{query}");
    }
    for bad in [
        "labelSelector=a+b",
        "fieldSelector=nothing%3D1",
        "limit=x",
        "resourceVersion=x",
        "continue=x",
        "resourceVersionMatch=Exact",
    ] {
        let (code, refused) = api.get(&format!("{MAPS}?{bad}")).await;
        assert!((400..500).contains(&code), "{bad}: {refused}");
    }
}

#[tokio::test]
async fn parts_of_a_list_are_of_one_time() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    make(&api, 7).await;
    let (_, first) = api.get(&format!("{MAPS}?limit=3")).await;
    assert_eq!(names(&first), ["m00", "m01", "m02"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 4);
    // what happens between the parts is not in them
    api.delete(&format!("{MAPS}/m05")).await;
    api.make(MAPS, &json!({"metadata": {"name": "m03a"}})).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, second) = api.get(&format!("{MAPS}?limit=3&continue={token}")).await;
    assert_eq!((code, names(&second)), (200, vec!["m03", "m04", "m05"]));
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let token = second["metadata"]["continue"].as_str().unwrap();
    let (_, third) = api.get(&format!("{MAPS}?limit=3&continue={token}")).await;
    assert_eq!((names(&third), third["metadata"].get("continue")), (vec!["m06"], None));

    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let (_, exact) = api.get(&format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")).await;
    assert_eq!(names(&exact), ["m00", "m01", "m02", "m03", "m04", "m05", "m06"]);
    let (_, now) = api.get(&format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=NotOlderThan")).await;
    assert_eq!(names(&now), ["m00", "m01", "m02", "m03", "m03a", "m04", "m06"]);
    let (code, late) = api.get(&format!("{MAPS}?resourceVersion=999999999")).await;
    assert_eq!((code, late["reason"].as_str()), (504, Some("Timeout")));
}

#[tokio::test]
async fn lists_come_in_the_shape_that_is_asked_for() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    make(&api, 2).await;
    let shaped = |accept: &'static str| {
        let request = api.client.get(format!("{}{MAPS}", api.url)).header("accept", accept);
        async move { request.send().await.unwrap() }
    };
    let table: Value =
        shaped("application/json;as=Table;v=v1;g=meta.k8s.io,application/json").await.json().await.unwrap();
    assert_eq!((table["kind"].as_str(), table["rows"][1]["cells"][0].as_str()), (Some("Table"), Some("m01")));
    let partial: Value =
        shaped("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").await.json().await.unwrap();
    assert_eq!(
        (partial["kind"].as_str(), partial["items"][0]["kind"].as_str()),
        (Some("PartialObjectMetadataList"), Some("PartialObjectMetadata"))
    );
    let yaml = shaped("application/yaml").await.text().await.unwrap();
    assert!(yaml.contains("kind: ConfigMapList"), "{yaml}");
    assert_eq!(shaped("text/html").await.status(), 406);
}

#[tokio::test]
async fn events_have_two_faces_and_collections_are_deleted() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "Tested", "message": "text", "type": "Normal", "source": {"component": "c"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z", "count": 1});
    api.make("/api/v1/namespaces/default/events", &event).await;
    let (_, seen) = api.get("/apis/events.k8s.io/v1/namespaces/default/events/e").await;
    assert_eq!((seen["note"].as_str(), seen["regarding"]["name"].as_str()), (Some("text"), Some("p")));
    let (_, list) = api.get("/api/v1/events?fieldSelector=involvedObject.name%3Dp").await;
    assert_eq!(names(&list), ["e"]);
    make(&api, 4).await;
    let (code, _) = api.delete(&format!("{MAPS}?labelSelector=parity%3Dodd")).await;
    assert_eq!(code, 200);
    let (_, left) = api.get(MAPS).await;
    assert_eq!(names(&left), ["m00", "m02"]);
}

#[tokio::test]
async fn a_large_list_may_be_compressed() {
    use std::io::Read;
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    for n in 0..3 {
        let data = json!({"x": "a".repeat(100_000)});
        api.make(MAPS, &json!({"metadata": {"name": format!("big{n}")}, "data": data})).await;
    }
    let plain = api.client.get(format!("{}{MAPS}", api.url)).send().await.unwrap().bytes().await.unwrap();
    let request = api.client.get(format!("{}{MAPS}", api.url)).header("accept-encoding", "gzip");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let packed = answer.bytes().await.unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert!(packed.len() < plain.len() / 10);
    let (plain, unpacked): (Value, Value) =
        (serde_json::from_slice(&plain).unwrap(), serde_json::from_slice(&unpacked).unwrap());
    assert_eq!(plain["items"], unpacked["items"]);
}
