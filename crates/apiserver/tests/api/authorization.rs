//! Roles and bindings against a running server.

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server, TOKEN, wait_for};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// The user `ann`, who is in no group.
fn ann(server: &Server) -> Api {
    server.with_headers(None, &[("authorization", &format!("Bearer {TOKEN}"))])
}

fn role(name: &str, labels: Value, rules: Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "rules": rules})
}

fn bind(name: &str, kind: &str, role: &str) -> Value {
    json!({"metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}]})
}

/// Waits until the rules of `view` have come to those who may view: into the role and the roles above it.
async fn aggregated(admin: &Api) {
    wait_for("the default roles to be aggregated", || async {
        let (_, role) = admin.get(&format!("{RBAC}/clusterroles/admin")).await;
        role["rules"].to_string().contains("endpointslices")
    })
    .await;
}

#[tokio::test]
async fn a_viewer_views_where_it_is_bound() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, ann) = (server.admin(), ann(&server));
    aggregated(&admin).await;
    let (code, refusal) = ann.get(PODS).await;
    let message =
        r#"pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default""#;
    assert_eq!((code, refusal["message"].as_str().unwrap()), (403, message));
    let (_, refusal) = ann.get("/api/v1/nodes/n").await;
    let message =
        r#"nodes "n" is forbidden: User "ann" cannot get resource "nodes" in API group "" at the cluster scope"#;
    assert_eq!(refusal["message"], message);
    let (_, refusal) = ann.get("/metrics").await;
    assert_eq!(refusal["message"], r#"forbidden: User "ann" cannot get path "/metrics""#);
    assert_eq!(refusal["details"], json!({}));
    assert_eq!(ann.get("/apis").await.0, 200, "everybody may discover");

    admin.make(&format!("{RBAC}/namespaces/default/rolebindings"), &bind("v", "ClusterRole", "view")).await;
    assert_eq!(ann.get(PODS).await.0, 200, "at once after the binding");
    assert_eq!(ann.get("/api/v1/namespaces/default").await.0, 200);
    assert_eq!(ann.get("/api/v1/namespaces/kube-system/pods").await.0, 403);
    assert_eq!(ann.get("/api/v1/pods").await.0, 403);
    assert_eq!(ann.get("/api/v1/namespaces/default/secrets").await.0, 403);
    assert_eq!(ann.post(PODS, &json!({"metadata": {"name": "p"}})).await.0, 403);

    let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = |verb: &str| json!({"spec": {"resourceAttributes": {"verb": verb, "resource": "pods", "namespace": "default"}}});
    let answer = ann.make(review, &ask("list")).await;
    let reason = r#"RBAC: allowed by RoleBinding "v/default" of ClusterRole "view" to User "ann""#;
    assert_eq!(answer["status"], json!({"allowed": true, "reason": reason}));
    assert_eq!(ann.make(review, &ask("create")).await["status"], json!({"allowed": false}));
    let mut narrow = ask("list");
    narrow["spec"]["resourceAttributes"]["fieldSelector"] = json!({"rawSelector": "nonsense"});
    let ignored = "spec.resourceAttributes.fieldSelector ignored due to parse error";
    let told = json!({"allowed": true, "reason": reason, "evaluationError": ignored});
    assert_eq!(ann.make(review, &narrow).await["status"], told);
    let rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = ann.make(rules, &json!({"spec": {"namespace": "default"}})).await;
    assert!(answer["status"]["resourceRules"].to_string().contains("pods/log"), "{answer}");

    assert_eq!(admin.delete(&format!("{RBAC}/namespaces/default/rolebindings/v")).await.0, 200);
    wait_for("the right to be gone", || async { ann.get(PODS).await.0 == 403 }).await;
}

#[tokio::test]
async fn a_service_account_has_nothing() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let admin = server.admin();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    admin.make(accounts, &json!({"metadata": {"name": "sa"}})).await;
    let token = admin.make(&format!("{accounts}/sa/token"), &json!({"spec": {"audiences": []}})).await;
    let bearer = format!("Bearer {}", token["status"]["token"].as_str().unwrap());
    let account = server.with_headers(None, &[("authorization", &bearer)]);
    for path in [PODS, "/api/v1/namespaces/default/secrets", "/api/v1/nodes", &format!("{RBAC}/clusterroles"), accounts]
    {
        assert_eq!(account.get(path).await.0, 403, "{path}");
    }
    let subject = json!([{"kind": "ServiceAccount", "name": "sa", "namespace": "default"}]);
    let mut binding = bind("sa", "ClusterRole", "cluster-admin");
    binding["subjects"] = subject;
    admin.make(&format!("{RBAC}/clusterrolebindings"), &binding).await;
    assert_eq!(account.get("/api/v1/nodes").await.0, 200);
}

#[tokio::test]
async fn nobody_gives_away_what_it_has_not() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, ann) = (server.admin(), ann(&server));
    let (roles, bindings) =
        (format!("{RBAC}/namespaces/default/roles"), format!("{RBAC}/namespaces/default/rolebindings"));
    let manage = json!([
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["create", "update", "patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    admin.make(&roles, &role("manager", json!({}), manage)).await;
    admin.make(&bindings, &bind("manager", "Role", "manager")).await;

    let rules = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]);
    assert_eq!(ann.post(&roles, &role("own", json!({}), rules(&["get"]))).await.0, 201);
    let (code, refusal) = ann.post(&roles, &role("more", json!({}), rules(&["get", "list"]))).await;
    let message = "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"ann\" (groups=[\"system:authenticated\"]) is \
        attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}";
    assert_eq!((code, refusal["message"].as_str().unwrap()), (403, message));
    let patch = json!({"rules": rules(&["*"])});
    assert_eq!(ann.patch(&format!("{roles}/own"), "merge", &patch).await.0, 403);
    assert_eq!(ann.patch(&format!("{roles}/own"), "merge", &json!({"metadata": {"labels": {"a": "b"}}})).await.0, 200);

    assert_eq!(ann.post(&bindings, &bind("mine", "Role", "own")).await.0, 201);
    assert_eq!(ann.post(&bindings, &bind("all", "ClusterRole", "cluster-admin")).await.0, 403);
    assert_eq!(ann.post(&bindings, &bind("later", "Role", "not-there-yet")).await.0, 403);
    let may_bind = json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"],
        "resourceNames": ["cluster-admin"]}]);
    admin.make(&roles, &role("binder", json!({}), may_bind)).await;
    admin.make(&bindings, &bind("binder", "Role", "binder")).await;
    assert_eq!(ann.get(PODS).await.0, 403);
    assert_eq!(ann.post(&bindings, &bind("all", "ClusterRole", "cluster-admin")).await.0, 201);
    assert_eq!(ann.get(PODS).await.0, 200);
}

#[tokio::test]
async fn who_may_escalate_or_bind_gives_away_more() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, ann) = (server.admin(), ann(&server));
    let (clusters, bindings) = (format!("{RBAC}/clusterroles"), format!("{RBAC}/clusterrolebindings"));
    let group = "rbac.authorization.k8s.io";
    let manage = json!([{"apiGroups": [group], "resources": ["clusterroles", "clusterrolebindings", "roles", "rolebindings"],
        "verbs": ["create", "update", "patch", "get"]}]);
    admin.make(&clusters, &role("manage", json!({}), manage)).await;
    admin.make(&bindings, &bind("manage", "ClusterRole", "manage")).await;

    let nodes = json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]);
    let metrics = json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]);
    let whole = json!({"metadata": {"name": "whole"}, "rules": [],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part": "yes"}}]}});
    for (what, refused) in [
        ("a resource", role("n", json!({}), nodes.clone())),
        ("a path", role("m", json!({}), metrics)),
        ("all that will be aggregated", whole.clone()),
    ] {
        assert_eq!(ann.post(&clusters, &refused).await.0, 403, "{what}");
    }
    admin.make(&clusters, &role("n", json!({}), nodes.clone())).await;
    assert_eq!(ann.post(&bindings, &bind("n", "ClusterRole", "n")).await.0, 403);

    // the verb on one role is for that role alone, and says nothing of binding it
    let one = json!([{"apiGroups": [group], "resources": ["clusterroles"], "verbs": ["escalate"], "resourceNames": ["grown"]}]);
    admin.make(&clusters, &role("escalator", json!({}), one)).await;
    admin.make(&bindings, &bind("escalator", "ClusterRole", "escalator")).await;
    assert_eq!(ann.post(&clusters, &role("other", json!({}), nodes.clone())).await.0, 403);
    assert_eq!(ann.post(&clusters, &role("grown", json!({}), nodes.clone())).await.0, 201);
    let more = json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    assert_eq!(ann.patch(&format!("{clusters}/grown"), "merge", &more).await.0, 200);
    assert_eq!(ann.post(&bindings, &bind("grown", "ClusterRole", "grown")).await.0, 403);

    // a binding that does not change what it gives, and to whom, is nobody's concern; a new subject is
    let mut theirs = bind("n", "ClusterRole", "n");
    theirs["subjects"][0]["name"] = "bob".into();
    admin.make(&bindings, &theirs).await;
    let path = format!("{bindings}/n");
    assert_eq!(ann.patch(&path, "merge", &json!({"metadata": {"labels": {"a": "b"}}})).await.0, 200);
    let (code, refusal) =
        ann.patch(&path, "merge", &json!({"subjects": bind("n", "ClusterRole", "n")["subjects"]})).await;
    let message = refusal["message"].as_str().unwrap();
    assert!(code == 403 && message.ends_with(r#"{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}"#), "{message}");

    // in a namespace, what is held there is enough, and there alone
    let (roles, local) =
        (format!("{RBAC}/namespaces/default/roles"), format!("{RBAC}/namespaces/default/rolebindings"));
    admin.make(&local, &bind("v", "ClusterRole", "view")).await;
    let pods = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]);
    assert_eq!(ann.post(&roles, &role("p", json!({}), pods.clone())).await.0, 201);
    assert_eq!(ann.post(&local, &bind("p", "Role", "p")).await.0, 201);
    assert_eq!(ann.post(&format!("{RBAC}/namespaces/kube-system/roles"), &role("p", json!({}), pods)).await.0, 403);

    let any = json!([{"apiGroups": [group], "resources": ["*"], "verbs": ["bind", "escalate"]}]);
    admin.make(&clusters, &role("both", json!({}), any)).await;
    admin.make(&bindings, &bind("both", "ClusterRole", "both")).await;
    assert_eq!(ann.post(&clusters, &whole).await.0, 201);
    assert_eq!(ann.post(&bindings, &bind("later", "ClusterRole", "not-there-yet")).await.0, 201);
}

#[tokio::test]
async fn aggregation_follows_labels() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, ann) = (server.admin(), ann(&server));
    let roles = format!("{RBAC}/clusterroles");
    let whole = json!({"metadata": {"name": "whole"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part": "yes"}}]}, "rules": []});
    admin.make(&roles, &whole).await;
    admin.make(&format!("{RBAC}/clusterrolebindings"), &bind("whole", "ClusterRole", "whole")).await;
    let rules = json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]);
    admin.make(&roles, &role("part", json!({"part": "no"}), rules)).await;
    assert_eq!(ann.get("/api/v1/nodes").await.0, 403);
    for (label, code) in [("yes", 200), ("no", 403), ("yes", 200)] {
        let patch = json!({"metadata": {"labels": {"part": label}}});
        assert_eq!(admin.patch(&format!("{roles}/part"), "merge", &patch).await.0, 200);
        wait_for("the rules to follow", || async { ann.get("/api/v1/nodes").await.0 == code }).await;
    }
    assert_eq!(admin.delete(&format!("{roles}/part")).await.0, 200);
    wait_for("the rules to go", || async { ann.get("/api/v1/nodes").await.0 == 403 }).await;
}

#[tokio::test]
async fn who_may_acts_as_somebody_else() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let admin_as_ann = server.with_headers(Some("admin"), &[("impersonate-user", "ann")]);
    assert_eq!(admin_as_ann.get(PODS).await.0, 403);
    let answer = admin_as_ann.make("/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await;
    assert_eq!(answer["status"]["userInfo"], json!({"username": "ann", "groups": ["system:authenticated"]}));
    let bearer = format!("Bearer {TOKEN}");
    let ann_as_admin = server.with_headers(
        None,
        &[("authorization", &bearer), ("impersonate-user", "admin"), ("impersonate-group", "system:masters")],
    );
    let (code, refusal) = ann_as_admin.get(PODS).await;
    let message = r#"users "admin" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope"#;
    assert_eq!((code, refusal["message"].as_str().unwrap()), (403, message));
    assert_eq!(refusal["details"], json!({"name": "admin", "kind": "users"}));
}

#[tokio::test]
async fn a_flag_allows_everything_to_all_but_executors() {
    let etcd = Etcd::start();
    let server = Server::with_flags(&etcd, &["--authorization-mode=AlwaysAllow"]).await;
    let ann = ann(&server);
    assert_eq!(ann.get(PODS).await.0, 200);
    assert_eq!(
        ann.post(&format!("{RBAC}/clusterrolebindings"), &bind("all", "ClusterRole", "cluster-admin")).await.0,
        201
    );
    let node = server.admin().acting_as(server.client(Some("node")));
    assert_eq!(node.get("/api/v1/secrets").await.0, 403);
}

/// A PUT of what is not there yet makes it, for those who may make it.
#[tokio::test]
async fn who_may_update_may_not_create() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, ann) = (server.admin(), ann(&server));
    let rules = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["endpoints"], "verbs": verbs}]);
    let roles = format!("{RBAC}/namespaces/default/roles");
    admin.make(&roles, &role("writer", json!({}), rules(&["update"]))).await;
    admin.make(&format!("{RBAC}/namespaces/default/rolebindings"), &bind("writer", "Role", "writer")).await;
    let path = "/api/v1/namespaces/default/endpoints/e";
    let body = json!({"metadata": {"name": "e"}});
    let (code, refusal) = ann.put(path, &body).await;
    let why = r#"endpoints "e" is forbidden: User "ann" cannot create resource "endpoints" in API group "" in the namespace "default""#;
    assert_eq!((code, refusal["message"].as_str()), (403, Some(why)));
    assert_eq!(admin.get(path).await.0, 404);
    let more = json!({"rules": rules(&["create", "update"])});
    assert_eq!(admin.patch(&format!("{roles}/writer"), "merge", &more).await.0, 200);
    assert_eq!(ann.put(path, &body).await.0, 201);
    assert_eq!(ann.put(path, &body).await.0, 200);
}

#[tokio::test]
async fn there_are_no_custom_resources_for_who_may_know() {
    const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (admin, ann) = (server.admin(), ann(&server));
    let (code, refusal) = ann.get(CRDS).await;
    let message = r#"customresourcedefinitions.apiextensions.k8s.io is forbidden: User "ann" cannot list resource "customresourcedefinitions" in API group "apiextensions.k8s.io" at the cluster scope"#;
    assert_eq!((code, refusal["message"].as_str()), (403, Some(message)));
    let (code, none) = admin.get(CRDS).await;
    assert_eq!((code, &none["kind"], &none["items"]), (200, &json!("CustomResourceDefinitionList"), &json!([])));
    assert!(none["metadata"]["resourceVersion"].is_string());
    for path in [format!("{CRDS}?watch=true"), format!("{CRDS}/a.b.c"), "/apis/apiextensions.k8s.io".to_owned()] {
        assert_eq!(admin.get(&path).await.0, 404, "{path}");
    }
    assert_eq!(admin.post(CRDS, &json!({})).await.0, 404);
    let (_, groups) = admin.get("/apis").await;
    assert!(!groups.to_string().contains("apiextensions"), "it is not to be discovered");
}
