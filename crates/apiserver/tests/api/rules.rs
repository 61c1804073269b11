//! What Kubernetes lets clients do and what it does not, where that is easily got wrong.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const DEFAULT: &str = "/api/v1/namespaces/default";

/// The text of an answer's warning, empty where there is none.
async fn warning(api: &Api, method: reqwest::Method, path: &str, kind: &str, body: &Value) -> String {
    let request = api.client.request(method, format!("{}{path}", api.url)).header("content-type", kind);
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.headers().get("warning").map_or_else(String::new, |text| text.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_put_creates_and_replaces_as_its_kind_lets_it() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "3"}}});
    assert_eq!(api.put(&format!("{DEFAULT}/resourcequotas/q"), &quota).await.0, 404);
    let path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
    let mut lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}});
    assert_eq!(api.put(path, &lease).await.0, 201);
    let (code, refused) = api.put(path, &lease).await;
    assert_eq!((code, refused["details"]["causes"][0]["field"].as_str()), (422, Some("metadata.resourceVersion")));
    let (code, patched) = api.patch(path, "merge", &json!({"spec": {"holderIdentity": "you"}})).await;
    assert_eq!((code, patched["spec"]["holderIdentity"].as_str()), (200, Some("you")));
    lease["metadata"]["resourceVersion"] = patched["metadata"]["resourceVersion"].clone();
    assert_eq!(api.put(path, &lease).await.0, 200);
}

#[tokio::test]
async fn an_owner_is_named_once() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let (maps, json) = (format!("{DEFAULT}/configmaps"), "application/json");
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"});
    let map = json!({"metadata": {"name": "m", "ownerReferences": [owner, owner]}});
    let told = warning(&api, reqwest::Method::POST, &maps, json, &map).await;
    assert!(told.contains("duplicate UID(s) observed: u"), "{told}");
    let path = format!("{maps}/m");
    let told = warning(&api, reqwest::Method::PUT, &path, json, &map).await;
    assert!(told.contains("duplicate UID(s) observed: u"), "{told}");
    let patch = json!([{"op": "add", "path": "/metadata/ownerReferences/-", "value": owner}]);
    let told = warning(&api, reqwest::Method::PATCH, &path, "application/json-patch+json", &patch).await;
    assert!(told.contains("duplicate UID(s) observed: u"), "{told}");
    let (_, stored) = api.get(&path).await;
    assert_eq!(stored["metadata"]["ownerReferences"], json!([owner]));
}

#[tokio::test]
async fn nothing_is_made_below_an_object_of_an_ending_namespace() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let space = "/api/v1/namespaces/brief";
    api.make("/api/v1/namespaces", &json!({"metadata": {"name": "brief"}})).await;
    api.make(&format!("{space}/serviceaccounts"), &json!({"metadata": {"name": "default"}})).await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    api.make(&format!("{space}/pods"), &pod).await;
    let binding = json!({"metadata": {"name": "p"}, "target": {"name": "n"}});
    let eviction = json!({"metadata": {"name": "p"}});
    assert_eq!(api.delete(space).await.0, 200);
    for (path, body) in [
        ("pods/p/binding", &binding),
        ("bindings", &binding),
        ("pods/p/eviction", &eviction),
        ("serviceaccounts/default/token", &json!({"spec": {}})),
    ] {
        let (code, refused) = api.post(&format!("{space}/{path}"), body).await;
        let cause = refused["details"]["causes"][0]["reason"].as_str();
        assert_eq!((code, cause), (403, Some("NamespaceTerminating")), "{path}: {refused}");
    }
    assert_eq!(api.delete(&format!("{space}/pods/p")).await.0, 200, "what is there may go");
}

#[tokio::test]
async fn a_controller_leaves_its_pods_where_nobody_says_otherwise() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let path = format!("{DEFAULT}/replicationcontrollers");
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let controller = |name: &str| json!({"metadata": {"name": name}, "spec": {"replicas": 1, "template": template}});
    api.make(&path, &controller("kept")).await;
    api.make(&path, &controller("gone")).await;
    assert_eq!(api.delete(&format!("{path}/kept")).await.0, 200);
    let (_, kept) = api.get(&format!("{path}/kept")).await;
    assert_eq!(kept["metadata"]["finalizers"], json!(["orphan"]), "it waits for the pods to be let go: {kept}");
    assert_eq!(api.delete(&format!("{path}/gone?propagationPolicy=Background")).await.0, 200);
    assert_eq!(api.get(&format!("{path}/gone")).await.0, 404);
}

#[tokio::test]
async fn balancers_get_the_ports_that_they_want() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let path = format!("{DEFAULT}/services");
    let service = |name: &str, port: Value, local: bool, allocate: bool| {
        let policy = if local { "Local" } else { "Cluster" };
        json!({"metadata": {"name": name}, "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy,
            "allocateLoadBalancerNodePorts": allocate, "ports": [port]}})
    };
    let none = api.make(&path, &service("none", json!({"port": 80}), true, false)).await;
    assert_eq!(none["spec"]["ports"][0].get("nodePort"), None, "{none}");
    let health = none["spec"]["healthCheckNodePort"].as_i64().unwrap();
    assert!((30_000..=32_767).contains(&health), "{health}");
    let two = json!({"metadata": {"name": "two"}, "spec": {"type": "NodePort", "ports": [
        {"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": health}]}});
    let (code, refused) = api.post(&path, &two).await;
    assert_eq!((code, refused["details"]["causes"][0]["field"].as_str()), (422, Some("spec.ports[1].nodePort")));

    let (code, silent) = api.put(&format!("{path}/none"), &service("none", json!({"port": 81}), true, false)).await;
    assert_eq!((code, &silent["spec"]["healthCheckNodePort"]), (200, &json!(health)), "{silent}");
    let (code, asked) = api.put(&format!("{path}/none"), &service("none", json!({"port": 81}), false, true)).await;
    let port = asked["spec"]["ports"][0]["nodePort"].clone();
    assert_eq!((code, port.is_i64(), asked["spec"].get("healthCheckNodePort")), (200, true, None), "{asked}");
    let (_, moved) = api.put(&format!("{path}/none"), &service("none", json!({"port": 82}), false, true)).await;
    assert_eq!(moved["spec"]["ports"][0]["nodePort"], port, "the port has another number and the same name");
    assert_eq!(api.post(&path, &two).await.0, 201, "the port for health is free again");
}

#[tokio::test]
async fn a_cluster_of_one_family_gives_no_other() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let path = format!("{DEFAULT}/services");
    for (asked, field) in [
        (json!({"ipFamilyPolicy": "RequireDualStack"}), "spec.ipFamilyPolicy"),
        (json!({"ipFamilies": ["IPv6"]}), "spec.ipFamilies[0]"),
        (json!({"clusterIP": "fd00::1"}), "spec.clusterIPs[0]"),
    ] {
        let mut spec = asked.clone();
        spec["ports"] = json!([{"port": 80}]);
        let (code, refused) = api.post(&path, &json!({"metadata": {"name": "s"}, "spec": spec})).await;
        assert_eq!((code, refused["details"]["causes"][0]["field"].as_str()), (422, Some(field)), "{asked}: {refused}");
    }
    let headless = json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "None", "ipFamilies": ["IPv4", "IPv6"]}});
    assert_eq!(api.make(&path, &headless).await["spec"]["ipFamilyPolicy"], "RequireDualStack");
}
