//! Kubernetes' protobuf, as kubectl sends it and as client-go asks for it.

use std::process::Command;

use kube_api::{protobuf, schema};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Api, Etcd, PATIENCE, Server};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// What a request in protobuf is answered with, in protobuf.
async fn ask(api: &Api, method: Method, path: &str, body: Vec<u8>) -> Response {
    let request = api.client.request(method, format!("{}{path}", api.url)).header("content-type", PROTOBUF);
    request.header("accept", PROTOBUF).body(body).send().await.unwrap()
}

/// The object of an answer that must be in protobuf, and of this type.
async fn object(answer: Response, ty: &str) -> Value {
    assert_eq!(answer.headers()["content-type"], PROTOBUF);
    protobuf::decode(schema::find(ty).unwrap(), &answer.bytes().await.unwrap()).unwrap()
}

fn map(name: &str) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": {"k": "v"}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_go_in_and_out() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let made = ask(&api, Method::POST, MAPS, protobuf::object(&map("a")).unwrap()).await;
    assert_eq!(made.status(), 201);
    let mut made = object(made, "core/v1.ConfigMap").await;
    let (_, plain) = api.get(&format!("{MAPS}/a")).await;
    assert_eq!(made, plain, "both formats tell the same");

    made["data"]["k"] = "w".into();
    let put = ask(&api, Method::PUT, &format!("{MAPS}/a"), protobuf::object(&made).unwrap()).await;
    assert_eq!(object(put, "core/v1.ConfigMap").await["data"]["k"], "w");
    assert_eq!(
        object(ask(&api, Method::GET, &format!("{MAPS}/a"), vec![]).await, "core/v1.ConfigMap").await["data"]["k"],
        "w"
    );

    let taken = ask(&api, Method::POST, MAPS, protobuf::object(&map("a")).unwrap()).await;
    assert_eq!(taken.status(), 409);
    assert_eq!(object(taken, "meta/v1.Status").await["reason"], "AlreadyExists");

    let bad = ask(&api, Method::POST, MAPS, b"k8s\0\x12\xff".to_vec()).await;
    assert_eq!(bad.status(), 400);
    let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}});
    let path = format!("{MAPS}/a");
    let kept = ask(&api, Method::DELETE, &path, protobuf::object(&options).unwrap()).await;
    assert_eq!(kept.status(), 409, "the options are understood");
    let gone = ask(&api, Method::DELETE, &path, vec![]).await;
    assert_eq!(object(gone, "meta/v1.Status").await["status"], "Success");

    let review = json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let reviewed = ask(&api, Method::POST, path, protobuf::object(&review).unwrap()).await;
    assert_eq!(object(reviewed, "authorization/v1.SelfSubjectAccessReview").await["status"]["allowed"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_watches_are_told_in_protobuf() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    for name in ["a", "b"] {
        api.make(MAPS, &map(name)).await;
    }
    let listed = ask(&api, Method::GET, MAPS, vec![]).await.bytes().await.unwrap();
    let envelope = protobuf::Envelope::open(&listed).unwrap();
    assert_eq!((envelope.api_version, envelope.kind), ("v1", "ConfigMapList"));
    let (_, plain) = api.get(MAPS).await;
    assert_eq!(listed, protobuf::object(&plain).unwrap(), "a list is its objects' messages");

    let partial = format!("{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    let request = api.client.get(format!("{}{MAPS}", api.url)).header("accept", partial);
    let bytes = request.send().await.unwrap().bytes().await.unwrap();
    let envelope = protobuf::Envelope::open(&bytes).unwrap();
    assert_eq!((envelope.api_version, envelope.kind), ("meta.k8s.io/v1", "PartialObjectMetadataList"));

    let version = plain["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = ask(&api, Method::GET, &format!("{MAPS}?watch=1&resourceVersion={version}"), vec![]).await;
    assert_eq!(watch.headers()["content-type"], format!("{PROTOBUF};stream=watch"));
    let made = api.make(MAPS, &map("c")).await;
    let expected = protobuf::event("ADDED", &protobuf::object(&made).unwrap());
    let mut told = Vec::new();
    while told.len() < expected.len() {
        let chunk = tokio::time::timeout(PATIENCE, watch.chunk()).await.expect("an event in time").unwrap();
        told.extend_from_slice(&chunk.expect("the watch goes on"));
    }
    assert_eq!(told, expected);
}

/// kubectl sends what these make as protobuf, in bytes that client-go wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generators_of_kubectl_are_understood() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (api, config) = (server.admin(), server.kubeconfig());
    let core = "/api/v1/namespaces/default";
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    for (args, path, expected) in [
        (
            "role r --verb=get,list --resource=pods --resource-name=p",
            format!("{rbac}/namespaces/default/roles/r"),
            json!({"rules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["p"]}]}),
        ),
        (
            "clusterrole c --verb=get --non-resource-url=/healthz",
            format!("{rbac}/clusterroles/c"),
            json!({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]}),
        ),
        (
            "rolebinding b --role=r --user=ann --serviceaccount=default:sa",
            format!("{rbac}/namespaces/default/rolebindings/b"),
            json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
                "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ann"},
                    {"kind": "ServiceAccount", "name": "sa", "namespace": "default"}]}),
        ),
        (
            "clusterrolebinding b --clusterrole=c --group=g",
            format!("{rbac}/clusterrolebindings/b"),
            json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "c"},
                "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "g"}]}),
        ),
        (
            "quota q --hard=cpu=1500m,pods=7 --scopes=NotTerminating",
            format!("{core}/resourcequotas/q"),
            json!({"spec": {"hard": {"cpu": "1500m", "pods": "7"}, "scopes": ["NotTerminating"]}}),
        ),
        (
            "priorityclass p --value=-7 --description=low",
            "/apis/scheduling.k8s.io/v1/priorityclasses/p".to_owned(),
            json!({"value": -7, "description": "low", "preemptionPolicy": "PreemptLowerPriority"}),
        ),
        ("configmap m --from-literal=k=v", format!("{core}/configmaps/m"), json!({"data": {"k": "v"}})),
        (
            "secret generic s --from-literal=k=v",
            format!("{core}/secrets/s"),
            json!({"data": {"k": "dg=="}, "type": "Opaque"}),
        ),
        ("serviceaccount sa", format!("{core}/serviceaccounts/sa"), json!({"kind": "ServiceAccount"})),
        ("namespace n", "/api/v1/namespaces/n".to_owned(), json!({"status": {"phase": "Active"}})),
        (
            "service nodeport web --tcp=80:http",
            format!("{core}/services/web"),
            json!({"spec": {"type": "NodePort", "selector": {"app": "web"}}}),
        ),
        (
            "service externalname away --external-name=example.org",
            format!("{core}/services/away"),
            json!({"spec": {"type": "ExternalName", "externalName": "example.org"}}),
        ),
    ] {
        let output = Command::new("kubectl")
            .args(["--namespace=default", "create"])
            .args(args.split(' '))
            .env("KUBECONFIG", &config)
            .env("HOME", config.parent().unwrap())
            .output()
            .expect("these tests need kubectl: apt-get install kubernetes-client");
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
        let (code, stored) = api.get(&path).await;
        assert_eq!(code, 200, "{path}");
        holds(&stored, &expected, args);
    }
    let (_, service) = api.get(&format!("{core}/services/web")).await;
    let port = &service["spec"]["ports"][0];
    assert_eq!((&port["port"], &port["targetPort"], &port["name"]), (&json!(80), &json!("http"), &json!("80-http")));
}

/// Whether a value is there, with whatever else objects have.
fn holds(value: &Value, expected: &Value, at: &str) {
    match expected {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| holds(&value[name], field, &format!("{at}.{name}")))
        }
        _ => assert_eq!(value, expected, "{at}"),
    }
}
