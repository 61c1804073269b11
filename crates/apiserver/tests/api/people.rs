//! JSON as people and their scripts read it: indented, on lines of its own, its fields in the order of Kubernetes.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn body(api: &Api, path: &str, agent: &str) -> String {
    let request = api.client.get(format!("{}{path}", api.url)).header("user-agent", agent);
    // who reads it indented reads it, whatever else it could take
    let coding = if agent.starts_with("curl") { "gzip" } else { "identity" };
    request.header("accept-encoding", coding).send().await.unwrap().text().await.unwrap()
}

fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[tokio::test]
async fn what_people_look_at_is_indented() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let data = json!({"empty": "", "quoted": "a \"{[,:]}\\ b", "large": "x".repeat(200_000)});
    api.make(MAPS, &json!({"metadata": {"name": "m"}, "data": data})).await;
    let none = format!("{MAPS}/none");
    for path in
        [MAPS, &format!("{MAPS}/m"), &none, "/api", "/apis/coordination.k8s.io", "/apis/rbac.authorization.k8s.io/v1"]
    {
        let compact = body(&api, path, "kubectl/v1.33.0").await;
        assert_eq!(compact.find('\n'), Some(compact.len() - 1), "{path} is one line");
        let pretty = body(&api, path, "curl/8.5.0").await;
        let value: Value = serde_json::from_str(&pretty).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(&compact).unwrap(), "{path}");
        assert!(pretty.starts_with("{\n  \"") && pretty.ends_with("\n}"), "{path}");
        assert_eq!(pretty.lines().count(), indented(&value).lines().count(), "{path}");
        let asked = body(&api, &format!("{path}?pretty=true"), "kubectl/v1.33.0").await;
        assert_eq!(asked, pretty, "{path}");
        assert_eq!(body(&api, &format!("{path}?pretty=false"), "Go-http-client/2.0").await, compact, "{path}");
    }
    for path in ["/version", "/", "/nothing"] {
        let text = body(&api, path, "kubectl/v1.33.0").await;
        assert_eq!(text, indented(&serde_json::from_str(&text).unwrap()), "{path} is so for everybody");
    }
}

#[tokio::test]
async fn a_watch_stays_lines_for_everybody() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(MAPS, &json!({"metadata": {"name": "m", "labels": {"a": "b"}}})).await;
    let events = body(&api, &format!("{MAPS}?watch=true&timeoutSeconds=1&labelSelector=a"), "curl/8.5.0").await;
    let event: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("ADDED"), &json!("m")));
}

#[tokio::test]
async fn a_refusal_has_its_fields_in_order() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let refusal = body(&server.admin(), &format!("{MAPS}/none"), "kubectl/v1.33.0").await;
    let expected = concat!(
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"configmaps \"none\" not found","#,
        r#""reason":"NotFound","details":{"name":"none","kind":"configmaps"},"code":404}"#,
        "\n",
    );
    assert_eq!(refusal, expected);
}
