//! Objects made, read, changed and deleted.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

fn map(name: &str) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": {"a": "1"}})
}

fn pod(name: &str) -> Value {
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]}})
}

async fn bind(api: &Api, name: &str) {
    let binding = json!({"kind": "Binding", "apiVersion": "v1", "metadata": {"name": name, "annotations": {"k": "v"}},
        "target": {"kind": "Node", "name": "n1"}});
    let (code, answer) = api.post(&format!("{PODS}/{name}/binding"), &binding).await;
    assert_eq!(code, 201, "{answer}");
}

#[tokio::test]
async fn an_object_lives() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let made = api.make(MAPS, &map("a")).await;
    assert!(made["metadata"]["uid"].is_string() && made["metadata"]["creationTimestamp"].is_string(), "{made}");
    let (code, read) = api.get(&format!("{MAPS}/a")).await;
    assert_eq!((code, &read), (200, &made));
    let (code, again) = api.post(MAPS, &map("a")).await;
    assert_eq!((code, again["reason"].as_str()), (409, Some("AlreadyExists")));

    let mut changed = made.clone();
    changed["data"]["a"] = "2".into();
    let (code, second) = api.put(&format!("{MAPS}/a"), &changed).await;
    assert_eq!((code, second["data"]["a"].as_str()), (200, Some("2")));
    assert_eq!(second["metadata"]["uid"], made["metadata"]["uid"]);
    assert_ne!(second["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let (code, stale) = api.put(&format!("{MAPS}/a"), &changed).await;
    assert_eq!((code, stale["reason"].as_str()), (409, Some("Conflict")), "{stale}");
    let (code, same) = api.put(&format!("{MAPS}/a"), &second).await;
    assert_eq!((code, &same), (200, &second), "what changes nothing is not written");

    let (code, gone) = api.delete(&format!("{MAPS}/a")).await;
    assert_eq!((code, gone["status"].as_str(), gone["details"]["name"].as_str()), (200, Some("Success"), Some("a")));
    let (code, missing) = api.get(&format!("{MAPS}/a")).await;
    assert_eq!((code, missing["message"].as_str()), (404, Some("configmaps \"a\" not found")));
}

#[tokio::test]
async fn patches_meet_and_none_is_lost() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(MAPS, &map("a")).await;
    let writers = (0..20).map(|n| {
        let api = api.clone();
        async move {
            let key = format!("k{n}");
            let (code, answer) = api.patch(&format!("{MAPS}/a"), "merge", &json!({"data": {key: "v"}})).await;
            assert!(code == 200 || code == 409, "{answer}");
            code == 200
        }
    });
    let done = futures::future::join_all(writers).await.into_iter().filter(|&done| done).count();
    let (_, read) = api.get(&format!("{MAPS}/a")).await;
    assert_eq!(read["data"].as_object().unwrap().len(), done + 1, "each acknowledged patch is there");
    let (code, patched) = api.patch(&format!("{MAPS}/a"), "json", &json!([{"op": "remove", "path": "/data"}])).await;
    assert_eq!((code, patched.get("data")), (200, None));
    let (code, _) =
        api.patch(&format!("{MAPS}/a"), "strategic-merge", &json!({"metadata": {"labels": {"l": "m"}}})).await;
    assert_eq!(code, 200);
    let (code, refused) =
        api.ask(reqwest::Method::PATCH, &format!("{MAPS}/a"), "application/apply-patch+yaml", "{}").await;
    assert_eq!((code, refused["reason"].as_str()), (415, Some("UnsupportedMediaType")));
}

#[tokio::test]
async fn names_are_made_and_dry_runs_leave_nothing() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let generated = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"generateName": "x-"}});
    let (first, second) = (api.make(MAPS, &generated).await, api.make(MAPS, &generated).await);
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);
    assert!(first["metadata"]["name"].as_str().unwrap().starts_with("x-"));
    let (code, _) = api.post(&format!("{MAPS}?dryRun=All"), &map("dry")).await;
    assert_eq!(code, 201);
    assert_eq!(api.get(&format!("{MAPS}/dry")).await.0, 404);
    api.make(MAPS, &map("wet")).await;
    assert_eq!(api.delete(&format!("{MAPS}/wet?dryRun=All")).await.0, 200);
    assert_eq!(api.get(&format!("{MAPS}/wet")).await.0, 200);
}

#[tokio::test]
async fn a_pod_is_bound_runs_and_ends_in_its_grace() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let made = api.make(PODS, &pod("p")).await;
    assert_eq!(
        (made["status"]["phase"].as_str(), made["status"]["qosClass"].as_str()),
        (Some("Pending"), Some("BestEffort"))
    );
    bind(&api, "p").await;
    let (_, bound) = api.get(&format!("{PODS}/p")).await;
    assert_eq!(
        (bound["spec"]["nodeName"].as_str(), bound["metadata"]["annotations"]["k"].as_str()),
        (Some("n1"), Some("v"))
    );
    assert_eq!(bound["status"]["conditions"][0]["type"], "PodScheduled");
    let twice = json!({"metadata": {"name": "p"}, "target": {"name": "n2"}});
    let (code, refused) = api.post("/api/v1/namespaces/default/bindings", &twice).await;
    assert_eq!((code, refused["reason"].as_str()), (409, Some("Conflict")), "{refused}");

    let status = json!({"status": {"phase": "Running", "podIP": "10.0.0.1"}});
    let (code, running) = api.patch(&format!("{PODS}/p/status"), "strategic-merge", &status).await;
    assert_eq!((code, running["status"]["phase"].as_str()), (200, Some("Running")), "{running}");
    let (_, untouched) = api.patch(&format!("{PODS}/p"), "merge", &json!({"status": {"phase": "Failed"}})).await;
    assert_eq!(untouched["status"]["phase"], "Running", "only /status writes the status");

    let (code, ending) = api.delete(&format!("{PODS}/p")).await;
    assert_eq!((code, ending["metadata"]["deletionGracePeriodSeconds"].as_u64()), (200, Some(30)), "{ending}");
    let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": "another"}});
    let (code, _) =
        api.ask(reqwest::Method::DELETE, &format!("{PODS}/p"), "application/json", options.to_string()).await;
    assert_eq!(code, 409, "the UID is another");
    assert_eq!(api.get(&format!("{PODS}/p")).await.0, 200);
    let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": made["metadata"]["uid"]}});
    let (code, _) =
        api.ask(reqwest::Method::DELETE, &format!("{PODS}/p"), "application/json", options.to_string()).await;
    assert_eq!(code, 200);
    assert_eq!(api.get(&format!("{PODS}/p")).await.0, 404);

    api.make(PODS, &pod("never-scheduled")).await;
    assert_eq!(api.delete(&format!("{PODS}/never-scheduled")).await.0, 200);
    assert_eq!(api.get(&format!("{PODS}/never-scheduled")).await.0, 404, "nothing runs that needs a grace");
}

#[tokio::test]
async fn finalizers_hold_an_object_and_its_namespace() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let mut held = map("held");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    api.make(MAPS, &held).await;
    let (code, _) = api.delete(&format!("{MAPS}/held")).await;
    assert_eq!(code, 200);
    let (_, ending) = api.get(&format!("{MAPS}/held")).await;
    assert!(ending["metadata"]["deletionTimestamp"].is_string(), "{ending}");
    let (code, _) = api.patch(&format!("{MAPS}/held"), "merge", &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(code, 200);
    assert_eq!(api.get(&format!("{MAPS}/held")).await.0, 404);

    let (code, missing) = api.post("/api/v1/namespaces/nowhere/configmaps", &map("a")).await;
    assert_eq!((code, missing["message"].as_str()), (404, Some("namespaces \"nowhere\" not found")));
    api.make("/api/v1/namespaces", &json!({"metadata": {"name": "brief"}})).await;
    assert_eq!(api.delete("/api/v1/namespaces/brief").await.1["status"]["phase"], "Terminating");
    let (code, refused) = api.post("/api/v1/namespaces/brief/configmaps", &map("a")).await;
    assert_eq!((code, refused["details"]["causes"][0]["reason"].as_str()), (403, Some("NamespaceTerminating")));
    let (_, mut brief) = api.get("/api/v1/namespaces/brief").await;
    brief["spec"]["finalizers"] = json!([]);
    assert_eq!(api.put("/api/v1/namespaces/brief/finalize", &brief).await.0, 200);
    assert_eq!(api.get("/api/v1/namespaces/brief").await.0, 404);
    assert_eq!(api.delete("/api/v1/namespaces/kube-system").await.0, 403);
}

#[tokio::test]
async fn services_get_addresses_that_nobody_else_has() {
    let etcd = Etcd::start();
    let server = Server::with_flags(&etcd, &["--service-cluster-ip-range=10.10.10.0/28"]).await;
    let api = server.admin();
    let path = "/api/v1/namespaces/default/services";
    let service = |name: &str, spec: serde_json::Value| json!({"metadata": {"name": name}, "spec": spec});
    let ports = json!([{"port": 80}]);
    let (code, refused) = api.post(path, &service("dns", json!({"clusterIP": "10.10.10.10", "ports": ports}))).await;
    assert_eq!(code, 422, "{refused}");
    let dns = api.make(path, &service("kube-dns", json!({"clusterIP": "10.10.10.10", "ports": ports}))).await;
    assert_eq!(dns["spec"]["clusterIPs"], json!(["10.10.10.10"]));
    let (code, refused) =
        api.post(path, &service("thief", json!({"clusterIP": dns["spec"]["clusterIP"], "ports": ports}))).await;
    assert_eq!(code, 422, "{refused}");
    let (code, refused) = api.post(path, &service("far", json!({"clusterIP": "10.11.0.1", "ports": ports}))).await;
    assert_eq!(code, 422, "{refused}");
    // a /28 without network, broadcast, kubernetes and DNS
    let makers = (0..12).map(|n| {
        let (api, service) = (api.clone(), service(&format!("s{n}"), json!({"ports": ports})));
        async move { api.make(path, &service).await["spec"]["clusterIP"].as_str().unwrap().to_owned() }
    });
    let mut addresses = futures::future::join_all(makers).await;
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 12, "{addresses:?}");
    assert_eq!(api.post(path, &service("one-too-many", json!({"ports": ports}))).await.0, 500);
    assert_eq!(api.delete(&format!("{path}/s0")).await.0, 200);
    api.make(path, &service("again", json!({"ports": ports, "type": "NodePort"}))).await;
    let (_, again) = api.get(&format!("{path}/again")).await;
    let port = again["spec"]["ports"][0]["nodePort"].as_u64().unwrap();
    assert!((30000..=32767).contains(&port));
    let thief = json!({"clusterIP": "None", "type": "ClusterIP", "ports": ports});
    assert_eq!(api.make(path, &service("headless", thief)).await["spec"]["clusterIP"], "None");
}

#[tokio::test]
async fn a_controller_is_scaled() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let path = "/api/v1/namespaces/default/replicationcontrollers";
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let rc = json!({"metadata": {"name": "r"}, "spec": {"replicas": 1, "selector": {"a": "b"}, "template": template}});
    api.make(path, &rc).await;
    let (code, mut scale) = api.get(&format!("{path}/r/scale")).await;
    assert_eq!(
        (code, scale["spec"]["replicas"].as_u64(), scale["status"]["selector"].as_str()),
        (200, Some(1), Some("a=b"))
    );
    let rows = api.client.get(format!("{}{path}/r/scale", api.url));
    let rows = rows.header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io").send().await.unwrap();
    let rows: Value = rows.json().await.unwrap();
    let columns: Vec<_> = rows["columnDefinitions"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    assert_eq!(columns, ["Name", "Desired", "Available", "Age"]);
    assert_eq!(rows["rows"][0]["cells"].as_array().unwrap()[..3], [json!("r"), json!(1), json!(0)]);
    scale["spec"]["replicas"] = 4.into();
    assert_eq!(api.put(&format!("{path}/r/scale"), &scale).await.1["spec"]["replicas"], 4);
    let (_, scaled) = api.get(&format!("{path}/r")).await;
    assert_eq!((scaled["spec"]["replicas"].as_u64(), scaled["metadata"]["generation"].as_u64()), (Some(4), Some(2)));
    let (code, refusal) = api.patch(&format!("{path}/r/scale"), "merge", &json!({"spec": {"replicas": -1}})).await;
    assert_eq!(
        (code, &refusal["details"]["kind"], &refusal["details"]["group"]),
        (422, &json!("Scale"), &json!("autoscaling"))
    );
    assert!(refusal["message"].as_str().unwrap().starts_with("Scale.autoscaling \"r\" is invalid: spec.replicas: "));
}

#[tokio::test]
async fn what_is_advised_against_is_taken_and_said() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let path = format!("{}/api/v1/namespaces/default/services", api.url);
    let service = json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "None", "sessionAffinity": "ClientIP"}});
    let told = |request: reqwest::RequestBuilder, kind: &'static str, body: &Value| {
        let request = request.header("content-type", kind).body(body.to_string());
        async move {
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            answer
                .headers()
                .get_all("warning")
                .iter()
                .map(|value| value.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    let ignored = ["299 - \"spec.SessionAffinity is ignored for headless services\""];
    let one = format!("{path}/s");
    assert_eq!(told(api.client.post(&path), "application/json", &service).await, ignored);
    assert_eq!(told(api.client.put(&one), "application/json", &service).await, ignored);
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(told(api.client.patch(&one), "application/merge-patch+json", &labels).await, ignored);
}

#[tokio::test]
async fn what_a_status_leaves_out_is_filled_in() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let services = "/api/v1/namespaces/default/services";
    let spec = json!({"type": "LoadBalancer", "ports": [{"port": 80}]});
    api.make(services, &json!({"metadata": {"name": "s"}, "spec": spec})).await;
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}});
    let (code, service) = api.patch(&format!("{services}/s/status"), "merge", &status).await;
    assert_eq!((code, &service["status"]["loadBalancer"]["ingress"][0]["ipMode"]), (200, &json!("VIP")));
    let spec = json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}});
    let volume = api.make("/api/v1/persistentvolumes", &json!({"metadata": {"name": "v"}, "spec": spec})).await;
    assert_eq!(volume["status"]["lastPhaseTransitionTime"], volume["metadata"]["creationTimestamp"]);
    let status = json!({"status": {"phase": "Bound"}});
    let (code, bound) = api.patch("/api/v1/persistentvolumes/v/status", "merge", &status).await;
    assert_eq!((code, bound["status"]["lastPhaseTransitionTime"].is_string()), (200, true));
    api.make("/api/v1/nodes", &json!({"metadata": {"name": "n"}})).await;
    let status = json!({"status": {"capacity": {"cpu": "4"}}});
    let (code, node) = api.patch("/api/v1/nodes/n/status", "merge", &status).await;
    assert_eq!((code, &node["status"]["allocatable"]["cpu"]), (200, &json!("4")));
}

#[tokio::test]
async fn an_answer_is_for_nobody_between_and_in_its_time() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    for path in ["/version", "/api/v1/namespaces/default", "/api/v1/namespaces/none", "/nothing"] {
        let answer = api.client.get(format!("{}{path}", api.url)).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-cache, private", "{path}");
    }
    let (code, refusal) = api.get("/api/v1/namespaces/default?timeout=soon").await;
    let why = "invalid timeout specified in the request URL - time: invalid duration \"soon\"";
    assert_eq!((code, refusal["message"].as_str()), (400, Some(why)));
    assert_eq!(api.get("/api/v1/namespaces/default?timeout=32s").await.0, 200);
}
