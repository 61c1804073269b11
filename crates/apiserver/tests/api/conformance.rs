//! What Kubernetes' conformance tests of the API do, call by call, where nothing else here holds it.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server, wait_for};

const NAMESPACE: &str = "/api/v1/namespaces/default";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

async fn server() -> (Etcd, Server, Api) {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(&format!("{NAMESPACE}/serviceaccounts"), &json!({"metadata": {"name": "default"}})).await;
    (etcd, server, api)
}

/// One kind's life: where, what is made, and a change.
struct Life {
    path: &'static str,
    body: Value,
    change: Value,
}

fn life(path: &'static str, body: Value, change: Value) -> Life {
    Life { path, body, change }
}

fn lives() -> Vec<Life> {
    let container = json!({"containers": [{"name": "c", "image": "i"}]});
    let event = json!({"namespace": "default"});
    vec![
        life("/api/v1/namespaces/default/configmaps", json!({"data": {"a": "1"}}), json!({"data": {"a": "2"}})),
        life("/api/v1/namespaces/default/secrets", json!({"data": {"a": "MQ=="}}), json!({"data": {"a": "Mg=="}})),
        life(
            "/api/v1/namespaces/default/podtemplates",
            json!({"template": {"spec": container}}),
            json!({"template": {"metadata": {"labels": {"a": "b"}}}}),
        ),
        life(
            "/api/v1/namespaces/default/serviceaccounts",
            json!({"automountServiceAccountToken": false}),
            json!({"automountServiceAccountToken": true}),
        ),
        life(
            "/api/v1/namespaces/default/limitranges",
            json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "500m"}}]}}),
            json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "400m"}}]}}),
        ),
        life(
            "/api/v1/namespaces/default/resourcequotas",
            json!({"spec": {"hard": {"pods": "5", "count/replicasets.apps": "5", "requests.example.com/dongle": "3"}}}),
            json!({"spec": {"hard": {"pods": "6"}}}),
        ),
        life(
            "/api/v1/namespaces/default/replicationcontrollers",
            json!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": container}}}),
            json!({"spec": {"replicas": 2}}),
        ),
        life(
            "/api/v1/namespaces/default/endpoints",
            json!({"subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80}]}]}),
            json!({"subsets": [{"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http", "port": 8080}]}]}),
        ),
        life(
            "/api/v1/namespaces/default/services",
            json!({"spec": {"ports": [{"port": 80}]}}),
            json!({"spec": {"sessionAffinity": "ClientIP"}}),
        ),
        life(
            "/api/v1/namespaces/default/persistentvolumeclaims",
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
            json!({"metadata": {"annotations": {"a": "b"}}}),
        ),
        life(
            "/api/v1/persistentvolumes",
            json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                "csi": {"driver": "inline.storage.kubernetes.io", "volumeHandle": "e2e"}}}),
            json!({"metadata": {"annotations": {"a": "b"}}}),
        ),
        life(
            "/api/v1/namespaces/default/events",
            json!({"involvedObject": event, "reason": "Test", "message": "m", "type": "Normal", "count": 1}),
            json!({"series": {"count": 100, "lastObservedTime": "2014-09-19T13:49:16.000001Z"}}),
        ),
        life(
            "/apis/events.k8s.io/v1/namespaces/default/events",
            json!({"regarding": event, "reason": "Test", "note": "n", "type": "Normal", "action": "Do", "reportingController": "c",
                "reportingInstance": "i", "eventTime": "2017-09-19T13:49:16.000000Z"}),
            json!({"series": {"count": 2, "lastObservedTime": "2014-09-19T13:49:16.000001Z"}}),
        ),
        life(
            "/apis/coordination.k8s.io/v1/namespaces/default/leases",
            json!({"spec": {"holderIdentity": "a", "renewTime": "2014-09-19T13:49:16.000001Z"}}),
            json!({"spec": {"holderIdentity": "b"}}),
        ),
        life(
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            json!({"addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4"]}], "ports": []}),
            json!({"endpoints": [{"addresses": ["1.2.3.5"]}]}),
        ),
        life(
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            json!({"value": 1000, "description": "d"}),
            json!({"description": "e"}),
        ),
        life(
            "/apis/node.k8s.io/v1/runtimeclasses",
            json!({"handler": "e2e"}),
            json!({"scheduling": {"nodeSelector": {"a": "b"}}}),
        ),
        life("/api/v1/nodes", json!({}), json!({"spec": {"unschedulable": true}})),
        life(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
            json!({"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}),
            json!({"rules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]}),
        ),
    ]
}

/// Whether the patch's values are in the object.
fn holds(object: &Value, patch: &Value) -> bool {
    match patch {
        Value::Object(map) => map.iter().all(|(key, value)| holds(&object[key], value)),
        Value::Array(list) => list.iter().enumerate().all(|(at, value)| holds(&object[at], value)),
        other => object == other,
    }
}

#[tokio::test]
async fn every_kind_lives_as_the_conformance_tests_have_it() {
    let (_etcd, _server, api) = server().await;
    for Life { path, mut body, change } in lives() {
        body["metadata"] = json!({"name": "e2e", "labels": {"e2e": "yes"}});
        let selected = format!("{path}?labelSelector=e2e%3Dyes");
        let mut watch = api.watch(&format!("{selected}&watch=true")).await;
        api.make(path, &body).await;
        let one = format!("{path}/e2e");
        let (code, patched) = api.patch(&one, "merge", &change).await;
        assert!(code == 200 && holds(&patched, &change), "{path}: {patched}");
        let mut whole = api.get(&one).await.1;
        assert!(holds(&whole, &change), "{path}: {whole}");
        whole["metadata"]["annotations"]["updated"] = "true".into();
        let (code, replaced) = api.put(&one, &whole).await;
        assert!(code == 200 && replaced["metadata"]["annotations"]["updated"] == "true", "{path}: {replaced}");
        let everywhere = path.replace("/namespaces/default", "");
        let (_, all) = api.get(&format!("{everywhere}?labelSelector=e2e%3Dyes")).await;
        assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "{path}");
        // nobody runs here who would let go of what is orphaned
        let policy = "propagationPolicy=Background";
        assert_eq!(api.delete(&format!("{one}?{policy}")).await.0, 200, "{path}");
        assert_eq!(api.get(&one).await.0, 404, "{path}");
        api.make(path, &body).await;
        assert_eq!(api.delete(&format!("{selected}&{policy}")).await.0, 200, "{path}");
        let (_, none) = api.get(&selected).await;
        assert_eq!(none["items"], json!([]), "{path}");
        for event in ["ADDED", "MODIFIED", "MODIFIED", "DELETED", "ADDED", "DELETED"] {
            assert_eq!(watch.told().await, format!("{event} e2e"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_status_is_read_patched_and_replaced_by_itself() {
    let (_etcd, _server, api) = server().await;
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "E2E", "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    let body = |spec: Value| json!({"metadata": {"name": "e2e"}, "spec": spec});
    let pod = json!({"containers": [{"name": "c", "image": "i"}]});
    for (path, spec) in [
        ("/api/v1/namespaces", json!({})),
        ("/api/v1/nodes", json!({})),
        ("/api/v1/namespaces/default/pods", pod.clone()),
        ("/api/v1/namespaces/default/services", json!({"type": "LoadBalancer", "ports": [{"port": 80}]})),
        (
            "/api/v1/namespaces/default/replicationcontrollers",
            json!({"template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}),
        ),
        (
            "/api/v1/namespaces/default/persistentvolumeclaims",
            json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}),
        ),
    ] {
        let made = api.make(path, &body(spec)).await;
        let status = format!("{path}/e2e/status");
        assert_eq!(api.get(&status).await.1["metadata"]["uid"], made["metadata"]["uid"], "{path}");
        let patch =
            json!({"metadata": {"annotations": {"patched": "yes"}}, "status": {"conditions": [condition("Patched")]}});
        let (code, patched) = api.patch(&status, "merge", &patch).await;
        assert!(code == 200 && patched["metadata"]["annotations"]["patched"] == "yes", "{path}: {patched}");
        let mut whole = patched;
        assert_eq!(whole["status"]["conditions"][0]["type"], "Patched", "{path}");
        whole["status"]["conditions"].as_array_mut().unwrap().push(condition("Updated"));
        let spec = whole["spec"].clone();
        whole["spec"] = json!({});
        let (code, replaced) = api.put(&status, &whole).await;
        assert_eq!(
            (code, replaced["status"]["conditions"][1]["type"].as_str()),
            (200, Some("Updated")),
            "{path}: {replaced}"
        );
        assert_eq!(replaced["spec"], spec, "{path}: a status says nothing of the rest");
    }
}

#[tokio::test]
async fn a_service_changes_its_type() {
    let (_etcd, _server, api) = server().await;
    let path = format!("{NAMESPACE}/services");
    let ports = json!([{"name": "http", "port": 80, "protocol": "TCP"}]);
    let body = json!({"metadata": {"name": "s"}, "spec": {"type": "ExternalName", "externalName": "foo.example.com"}});
    let mut service = api.make(&path, &body).await;
    for (kind, address, node_port) in [
        ("ClusterIP", true, false),
        ("NodePort", true, true),
        ("ExternalName", false, false),
        ("NodePort", true, true),
        ("ClusterIP", true, false),
        ("LoadBalancer", true, true),
        ("ExternalName", false, false),
    ] {
        // as clients do it: what they read, with another type
        service["spec"]["type"] = kind.into();
        service["spec"]["externalName"] = if kind == "ExternalName" { "foo.example.com".into() } else { Value::Null };
        if service["spec"].get("ports").is_none() {
            service["spec"]["ports"] = ports.clone();
        }
        let (code, changed) = api.put(&format!("{path}/s"), &service).await;
        assert_eq!(code, 200, "{kind}: {changed}");
        let spec = &changed["spec"];
        assert_eq!(
            (spec["clusterIP"].is_string(), spec["ports"][0]["nodePort"].is_u64()),
            (address, node_port),
            "{kind}: {spec}"
        );
        assert_eq!(spec["externalTrafficPolicy"].is_string(), node_port, "{kind}: {spec}");
        service = changed;
    }
}

#[tokio::test]
async fn a_pod_counts_its_changes_and_is_seen_leaving() {
    let (_etcd, _server, api) = server().await;
    let path = format!("{NAMESPACE}/pods");
    let body =
        json!({"metadata": {"name": "p", "generation": 100}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let mut watch = api.watch(&format!("{path}?watch=true")).await;
    let generation = |pod: &Value| pod["metadata"]["generation"].as_u64();
    assert_eq!(generation(&api.make(&path, &body).await), Some(1), "the server counts");
    let one = format!("{path}/p");
    let (_, labelled) = api.patch(&one, "merge", &json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(generation(&labelled), Some(1));
    let (_, changed) = api.patch(&one, "merge", &json!({"spec": {"activeDeadlineSeconds": 5}})).await;
    assert_eq!(generation(&changed), Some(2));
    let debugger = json!({"spec": {"ephemeralContainers": [{"name": "d", "image": "i"}]}});
    let (_, debugged) = api.patch(&format!("{one}/ephemeralcontainers"), "strategic-merge", &debugger).await;
    assert_eq!(generation(&debugged), Some(3), "{debugged}");
    for gone in [json!(null), json!([])] {
        let gone = json!({"spec": {"ephemeralContainers": gone}});
        let (code, refused) = api.patch(&format!("{one}/ephemeralcontainers"), "merge", &gone).await;
        let message = refused["message"].as_str().unwrap_or_default();
        assert!(
            code == 422 && message.contains(r#"existing ephemeral containers "d" may not be removed"#),
            "{refused}"
        );
    }
    let version = debugged["metadata"]["resourceVersion"].clone();
    let only = json!({"preconditions": {"resourceVersion": version}, "gracePeriodSeconds": 0});
    let (code, gone) = api.delete_with(&one, &only).await;
    assert_eq!((code, generation(&gone)), (200, Some(4)), "{gone}");
    for _ in 0..4 {
        watch.next().await;
    }
    for told in ["MODIFIED", "DELETED"] {
        let event = watch.next().await.unwrap();
        let meta = &event["object"]["metadata"];
        assert_eq!((event["type"].as_str(), &meta["deletionGracePeriodSeconds"]), (Some(told), &json!(0)), "{event}");
        assert!(meta["deletionTimestamp"].is_string(), "{event}");
    }
}

/// A list that is told in parts ends as it began, or says how it can go on when it is too old for that.
#[tokio::test]
async fn an_old_list_goes_on_with_what_there_is() {
    let etcd = Etcd::start();
    let server = Server::with_flags(&etcd, &["--etcd-compaction-interval=1s"]).await;
    let api = server.admin();
    let path = format!("{NAMESPACE}/configmaps");
    for n in 0..9 {
        api.make(&path, &json!({"metadata": {"name": format!("m{n}")}})).await;
    }
    let (_, first) = api.get(&format!("{path}?limit=3")).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    assert_eq!(first["metadata"]["remainingItemCount"], 6);
    let (code, refusal) = api.get(&format!("{path}?limit=3&continue={token}&resourceVersion=1")).await;
    assert_eq!((code, refusal["reason"].as_str()), (400, Some("BadRequest")));
    let expired = tokio::sync::Mutex::new(Value::Null);
    wait_for("the list to be too old", || async {
        // every compaction forgets what was before the one before it, whether it was changed or not
        let (code, answer) = api.get(&format!("{path}?limit=3&continue={token}")).await;
        *expired.lock().await = answer;
        code == 410
    })
    .await;
    let expired = expired.into_inner();
    assert_eq!((expired["reason"].as_str(), expired["code"].as_u64()), (Some("Expired"), Some(410)));
    let token = expired["metadata"]["continue"].as_str().expect("a token for the rest");
    api.delete(&format!("{path}/m4")).await;
    let (code, rest) = api.get(&format!("{path}?limit=3&continue={token}")).await;
    let names: Vec<_> = (0..3).map(|at| rest["items"][at]["metadata"]["name"].as_str().unwrap_or_default()).collect();
    assert_eq!((code, names), (200, vec!["m3", "m5", "m6"]), "{rest}");
    assert_ne!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn what_has_no_rows_is_no_table() {
    let (_etcd, _server, api) = server().await;
    let review = json!({"spec": {"nonResourceAttributes": {"verb": "get", "path": "/"}}});
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = |method: reqwest::Method, path: &str, body: &Value| {
        let request = api.client.request(method, format!("{}{path}", api.url)).header("accept", TABLE);
        let request = request.header("content-type", "application/json").body(body.to_string());
        async { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let refusal = ask(reqwest::Method::POST, reviews, &review).await;
    assert_eq!((refusal["code"].as_u64(), refusal["reason"].as_str()), (Some(406), Some("NotAcceptable")), "{refusal}");
    let made = json!({"metadata": {"name": "m"}});
    let table = ask(reqwest::Method::POST, &format!("{NAMESPACE}/configmaps"), &made).await;
    assert_eq!(table["kind"], "Table", "{table}");
    let gone = ask(reqwest::Method::DELETE, &format!("{NAMESPACE}/configmaps/m"), &json!({})).await;
    assert_eq!(gone["kind"], "Status", "{gone}");
}

/// Others verify tokens of service accounts by what this server publishes.
#[tokio::test]
async fn tokens_can_be_verified_by_others() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let (_etcd, server, api) = server().await;
    let (code, document) = api.get("/.well-known/openid-configuration").await;
    assert_eq!((code, document["id_token_signing_alg_values_supported"].clone()), (200, json!(["ES256"])));
    let issuer = document["issuer"].as_str().unwrap();
    assert_eq!(document["jwks_uri"].as_str().unwrap(), format!("{issuer}/openid/v1/jwks"));
    let answer = api.client.get(format!("{}/openid/v1/jwks", api.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/jwk-set+json");
    let keys: Value = answer.json().await.unwrap();
    let key = &keys["keys"][0];
    let request = json!({"spec": {"audiences": ["them"]}});
    let token = api.make(&format!("{NAMESPACE}/serviceaccounts/default/token"), &request).await;
    let token = token["status"]["token"].as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let read = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value = serde_json::from_slice(&read(parts[0])).unwrap();
    assert_eq!((&header["kid"], &header["alg"]), (&key["kid"], &key["alg"]));
    let claims: Value = serde_json::from_slice(&read(parts[1])).unwrap();
    assert_eq!((claims["iss"].as_str().unwrap(), &claims["aud"]), (issuer, &json!(["them"])));
    let point = [vec![4], read(key["x"].as_str().unwrap()), read(key["y"].as_str().unwrap())].concat();
    let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
    public
        .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &read(parts[2]))
        .expect("signed with the published key");
    // every service account may read them, and nobody who is unknown
    let bearer = format!("Bearer {token}");
    let nobody = server.with_headers(None, &[]);
    assert_eq!(nobody.get("/openid/v1/jwks").await.0, 401);
    let foreign = server.with_headers(None, &[("authorization", &bearer)]);
    assert_eq!(foreign.get("/openid/v1/jwks").await.0, 401, "a token for others is none for this server");
    let own = api.make(&format!("{NAMESPACE}/serviceaccounts/default/token"), &json!({"spec": {}})).await;
    let bearer = format!("Bearer {}", own["status"]["token"].as_str().unwrap());
    let account = server.with_headers(None, &[("authorization", &bearer)]);
    assert_eq!(account.get("/openid/v1/jwks").await.0, 200);
}

/// The keys of kubeadm and of `openssl genrsa` are RSA, of which the private one may be in its older form.
#[tokio::test]
async fn tokens_are_signed_with_rsa_where_the_key_is() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let key = |name: &str| format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    let etcd = Etcd::start();
    let flags = [
        format!("--service-account-signing-key-file={}", key("rsa.pkcs1.pem")),
        format!("--service-account-key-file={}", key("rsa.pub.pem")),
    ];
    let server = Server::with_flags(&etcd, &flags.each_ref().map(String::as_str)).await;
    let api = server.admin();
    let (_, document) = api.get("/.well-known/openid-configuration").await;
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
    let keys = api.get("/openid/v1/jwks").await.1["keys"].take();
    let account = "/api/v1/namespaces/default/serviceaccounts";
    api.make(account, &json!({"metadata": {"name": "sa"}})).await;
    let token = api.make(&format!("{account}/sa/token"), &json!({"spec": {}})).await;
    let token = token["status"]["token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let read = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value = serde_json::from_slice(&read(signed.split_once('.').unwrap().0)).unwrap();
    assert_eq!(header, json!({"alg": "RS256", "kid": keys[0]["kid"]}));
    let (n, e) = (read(keys[0]["n"].as_str().unwrap()), read(keys[0]["e"].as_str().unwrap()));
    let public = ring::signature::RsaPublicKeyComponents { n, e };
    let by = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
    public.verify(by, signed.as_bytes(), &read(signature)).expect("signed with the published key");
    let bearer = format!("Bearer {token}");
    let own = server.with_headers(None, &[("authorization", &bearer)]);
    assert_eq!(own.get("/openid/v1/jwks").await.0, 200);
    let review = json!({"spec": {"token": token}});
    let review = api.make("/apis/authentication.k8s.io/v1/tokenreviews", &review).await;
    assert_eq!(review["status"]["user"]["username"], "system:serviceaccount:default:sa", "{review}");
}

#[tokio::test]
async fn a_namespace_is_labelled_with_its_name_whoever_made_it() {
    let (_etcd, _server, api) = server().await;
    for metadata in [json!({"name": "given"}), json!({"generateName": "made-"})] {
        let made = api.make("/api/v1/namespaces", &json!({"metadata": metadata})).await;
        assert_eq!(made["metadata"]["labels"]["kubernetes.io/metadata.name"], made["metadata"]["name"], "{made}");
    }
    // who was told that a namespace ends makes nothing in it any more
    for n in 0..5 {
        let name = format!("brief-{n}");
        api.make("/api/v1/namespaces", &json!({"metadata": {"name": name}})).await;
        assert_eq!(api.delete(&format!("/api/v1/namespaces/{name}")).await.0, 200);
        let (code, refusal) =
            api.post(&format!("/api/v1/namespaces/{name}/configmaps"), &json!({"metadata": {"name": "m"}})).await;
        assert_eq!((code, refusal["details"]["causes"][0]["reason"].as_str()), (403, Some("NamespaceTerminating")));
    }
}

/// Clients keep the OpenAPI documents, which are large, as long as they are the same.
#[tokio::test]
async fn openapi_documents_are_kept_by_their_tags_and_hashes() {
    let (_etcd, _server, api) = server().await;
    let ask = |path: &str, tag: &str| api.client.get(format!("{}{path}", api.url)).header("if-none-match", tag).send();
    for path in ["/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1", "/openapi/v3/version"] {
        let answer = ask(path, "").await.unwrap();
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!((answer.status().as_u16(), ask(path, &tag).await.unwrap().status().as_u16()), (200, 304), "{path}");
    }
    let (_, index) = api.get("/openapi/v3").await;
    let url = index["paths"]["api/v1"]["serverRelativeURL"].as_str().unwrap();
    let answer = ask(url, "").await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (200, &"public, immutable".parse().unwrap())
    );
    assert!(answer.headers().contains_key("expires"));
    // another version's is the one of now
    let answer = ask("/openapi/v3/api/v1?hash=OLD", "").await.unwrap();
    assert!(answer.status().as_u16() == 200 && answer.url().as_str().ends_with(url), "{}", answer.url());
}

/// kubectl shows all of a version, and Kubernetes' suite looks at its parts.
#[tokio::test]
async fn the_version_has_all_that_clients_look_for() {
    let (_etcd, _server, api) = server().await;
    let (_, version) = api.get("/version").await;
    let part = |name: &str| version[name].as_str().unwrap().to_owned();
    assert_eq!((part("major"), part("minor")), ("1".to_owned(), "33".to_owned()));
    assert!(part("gitVersion").starts_with("v1.33."), "{version}");
    let commit = part("gitCommit");
    assert!(!commit.is_empty() && commit.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
}
