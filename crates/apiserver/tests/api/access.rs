//! Who reaches the API, and by what.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server, TOKEN};

const WHOAMI: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

async fn whoami(client: &reqwest::Client, url: &str, authorization: Option<&str>) -> (u16, String) {
    let mut request = client.post(format!("{url}{WHOAMI}")).header("content-type", "application/json").body("{}");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let answer = request.send().await.unwrap();
    let code = answer.status().as_u16();
    let review: Value = answer.json().await.unwrap();
    (code, review["status"]["userInfo"]["username"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn nobody_without_credentials_reaches_the_api() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (stranger, plain) = (server.client(None), server.plain_url());
    for url in [&server.url, &plain] {
        for path in
            ["/api/v1/pods", "/api", "/apis", "/openapi/v2", "/metrics", "/", "/nothing", "/api/v1/nodes/n/proxy/x"]
        {
            let answer = stranger.get(format!("{url}{path}")).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{url}{path}");
            assert_eq!(answer.json::<Value>().await.unwrap()["reason"], "Unauthorized");
        }
        for path in ["/healthz", "/livez", "/readyz", "/readyz/etcd", "/version"] {
            assert_eq!(stranger.get(format!("{url}{path}")).send().await.unwrap().status(), 200, "{url}{path}");
        }
        assert_eq!(whoami(&stranger, url, Some(&format!("Bearer {TOKEN}"))).await, (201, "ann".to_owned()));
        assert_eq!(whoami(&stranger, url, Some("Bearer wrong")).await.0, 401);
        let admin = format!("Basic {}", STANDARD.encode("admin:admin"));
        assert_eq!(whoami(&stranger, url, Some(&admin)).await, (201, "admin".to_owned()));
        let wrong = format!("Basic {}", STANDARD.encode("admin:x"));
        assert_eq!(whoami(&stranger, url, Some(&wrong)).await.0, 401);
    }
    assert_eq!(whoami(&server.client(Some("node")), &server.url, None).await, (201, "system:node:n1".to_owned()));
}

/// A token of the account `sa` that is bound to an object.
async fn token(api: &Api, audiences: Value, bound: Value) -> String {
    let request = json!({"spec": {"audiences": audiences, "expirationSeconds": 3600, "boundObjectRef": bound}});
    let answer = api.make("/api/v1/namespaces/default/serviceaccounts/sa/token", &request).await;
    answer["status"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_service_accounts_token_lives_with_its_pod() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make("/api/v1/namespaces/default/serviceaccounts", &json!({"metadata": {"name": "sa"}})).await;
    let spec = json!({"serviceAccountName": "sa", "containers": [{"name": "c", "image": "i"}]});
    let pod = api.make("/api/v1/namespaces/default/pods", &json!({"metadata": {"name": "p"}, "spec": spec})).await;
    let bound = json!({"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": pod["metadata"]["uid"]});
    let bearer = format!("Bearer {}", token(&api, json!([]), bound).await);
    let stranger = server.client(None);
    let known = (201, "system:serviceaccount:default:sa".to_owned());
    assert_eq!(whoami(&stranger, &server.url, Some(&bearer)).await, known);
    assert_eq!(whoami(&stranger, &server.url, Some(&bearer[..bearer.len() - 2])).await.0, 401);
    api.delete("/api/v1/namespaces/default/pods/p").await;
    crate::harness::wait_for("the token to be nothing", || async {
        whoami(&stranger, &server.url, Some(&bearer)).await.0 == 401
    })
    .await;
    let short = json!({"spec": {"audiences": [], "expirationSeconds": 5}});
    assert_eq!(api.post("/api/v1/namespaces/default/serviceaccounts/sa/token", &short).await.0, 422);
}

#[tokio::test]
async fn a_token_bound_to_a_node_ends_with_it_and_a_pods_token_names_its_node() {
    const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    api.make(accounts, &json!({"metadata": {"name": "sa"}})).await;
    let node = api.make("/api/v1/nodes", &json!({"metadata": {"name": "n7"}})).await;
    let spec = json!({"serviceAccountName": "sa", "nodeName": "n7", "containers": [{"name": "c", "image": "i"}]});
    api.make("/api/v1/namespaces/default/pods", &json!({"metadata": {"name": "p"}, "spec": spec})).await;
    let mut tokens = Vec::new();
    for (kind, name) in [("Node", "n7"), ("Pod", "p")] {
        let bound = json!({"kind": kind, "apiVersion": "v1", "name": name});
        tokens.push(json!({"spec": {"token": token(&api, json!([]), bound).await}}));
    }
    for token in &tokens {
        let user = api.make(REVIEWS, token).await["status"]["user"].take();
        assert_eq!(user["extra"]["authentication.kubernetes.io/node-name"], json!(["n7"]), "{user}");
        assert_eq!(user["extra"]["authentication.kubernetes.io/node-uid"], json!([node["metadata"]["uid"]]));
    }
    api.delete("/api/v1/nodes/n7").await;
    crate::harness::wait_for("the token to end with its node", || async {
        api.make(REVIEWS, &tokens[0]).await["status"]["authenticated"].is_null()
    })
    .await;
    let of_pod = api.make(REVIEWS, &tokens[1]).await;
    assert_eq!(of_pod["status"]["authenticated"], true, "its pod is there: {of_pod}");
}

#[tokio::test]
async fn an_executor_serves_its_own_node_alone() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, node) = (server.admin(), server.admin().acting_as(server.client(Some("node"))));
    let pods = "/api/v1/namespaces/default/pods";
    for name in ["mine", "theirs"] {
        let spec = json!({"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": name}}]}]});
        admin.make(pods, &json!({"metadata": {"name": name}, "spec": spec})).await;
        admin.make("/api/v1/namespaces/default/secrets", &json!({"metadata": {"name": name}})).await;
    }
    let bind = |name: &str, to: &str| json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": to}});
    assert_eq!(node.post(&format!("{pods}/theirs/binding"), &bind("theirs", "n2")).await.0, 403);
    assert_eq!(admin.post(&format!("{pods}/theirs/binding"), &bind("theirs", "n2")).await.0, 201);
    assert_eq!(node.get("/api/v1/namespaces/default/secrets/mine").await.0, 403, "not bound yet");
    assert_eq!(node.post(&format!("{pods}/mine/binding"), &bind("mine", "n1")).await.0, 201);
    assert_eq!(node.get("/api/v1/namespaces/default/secrets/mine").await.0, 200, "at once after the binding");
    assert_eq!(node.get("/api/v1/namespaces/default/secrets/theirs").await.0, 403);
    assert_eq!(node.get("/api/v1/namespaces/default/secrets").await.0, 403);
    assert_eq!(node.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1").await.0, 200);
    assert_eq!(node.get("/api/v1/pods").await.0, 403);
    let status = json!({"status": {"phase": "Running"}});
    assert_eq!(node.patch(&format!("{pods}/mine/status"), "merge", &status).await.0, 200);
    assert_eq!(node.patch(&format!("{pods}/theirs/status"), "merge", &status).await.0, 403);
    assert_eq!(node.post("/api/v1/nodes", &json!({"metadata": {"name": "n2"}})).await.0, 403);
    assert_eq!(node.post("/api/v1/nodes", &json!({"metadata": {"name": "n1"}})).await.0, 201);
    let lease = json!({"metadata": {"name": "n1"}, "spec": {"holderIdentity": "n1"}});
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    assert_eq!(node.post(leases, &lease).await.0, 201);
    assert_eq!(
        node.patch(&format!("{leases}/n1"), "merge", &json!({"spec": {"leaseDurationSeconds": 40}})).await.0,
        200
    );
}

#[tokio::test]
async fn a_token_is_known_to_those_whom_it_is_for() {
    const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    api.make(accounts, &json!({"metadata": {"name": "sa"}})).await;
    api.make("/api/v1/namespaces/default/secrets", &json!({"metadata": {"name": "s"}})).await;
    let bound = json!({"kind": "Secret", "apiVersion": "v1", "name": "s"});
    let token = token(&api, json!(["vault"]), bound).await;
    let review = |audiences: Value, token: &str| json!({"spec": {"token": token, "audiences": audiences}});

    let known = api.make(REVIEWS, &review(json!(["vault", "other"]), &token)).await;
    assert_eq!(known["status"]["authenticated"], true, "{known}");
    assert_eq!(known["status"]["audiences"], json!(["vault"]));
    assert_eq!(known["status"]["user"]["username"], "system:serviceaccount:default:sa");
    let id = known["status"]["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].as_str().unwrap();
    assert!(id.starts_with("JTI="), "{id}");
    let unknown = api.make(REVIEWS, &review(json!([]), &token)).await;
    assert_eq!(unknown["status"], json!({"user": {}, "error": "invalid bearer token"}), "it is not for the API server");
    let stranger = server.client(None);
    assert_eq!(whoami(&stranger, &server.url, Some(&format!("Bearer {token}"))).await.0, 401);

    let ann = api.make(REVIEWS, &review(json!([]), TOKEN)).await;
    assert_eq!(ann["status"]["user"], json!({"username": "ann", "uid": "7", "groups": ["system:authenticated"]}));
    assert_eq!(api.post(REVIEWS, &review(json!([]), "")).await.0, 400);

    api.delete("/api/v1/namespaces/default/secrets/s").await;
    crate::harness::wait_for("the token to end with its secret", || async {
        let answer = api.make(REVIEWS, &review(json!(["vault"]), &token)).await;
        answer["status"]["authenticated"].is_null()
    })
    .await;
}

#[tokio::test]
async fn access_is_asked_for_others_and_in_a_namespace() {
    const GROUP: &str = "/apis/authorization.k8s.io/v1";
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let resource = json!({"verb": "list", "resource": "pods", "namespace": "default"});
    let of = |groups: Value| json!({"spec": {"user": "bob", "groups": groups, "resourceAttributes": resource}});
    let reviews = format!("{GROUP}/subjectaccessreviews");
    assert_eq!(api.make(&reviews, &of(json!([]))).await["status"], json!({"allowed": false}));
    assert_eq!(api.make(&reviews, &of(json!(["system:masters"]))).await["status"]["allowed"], true);
    let path = json!({"spec": {"user": "bob", "groups": ["system:authenticated"],
        "nonResourceAttributes": {"verb": "get", "path": "/apis"}}});
    assert_eq!(api.make(&reviews, &path).await["status"]["allowed"], true);
    let nobody = json!({"spec": {"resourceAttributes": resource}});
    let (code, refusal) = api.post(&reviews, &nobody).await;
    assert_eq!((code, &refusal["reason"]), (422, &json!("Invalid")), "{refusal}");
    assert_eq!(refusal["details"]["causes"][0]["field"], "spec.user");

    let local = format!("{GROUP}/namespaces/default/localsubjectaccessreviews");
    assert_eq!(api.make(&local, &of(json!(["system:masters"]))).await["status"]["allowed"], true);
    let elsewhere =
        json!({"spec": {"user": "bob", "resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "x"}}});
    let (code, refusal) = api.post(&local, &elsewhere).await;
    assert_eq!((code, &refusal["details"]["causes"][0]["field"]), (422, &json!("spec.resourceAttributes.namespace")));
    assert_eq!(api.post(&local, &path).await.0, 422, "paths are in no namespace");
    assert_eq!(api.post(&format!("{GROUP}/selfsubjectrulesreviews"), &json!({"spec": {}})).await.0, 400);
}
