//! An API server as small as the executor needs: objects in memory, merge patches, bindings, deletion, and watches.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The server, and the way for tests to look into it.
#[derive(Clone)]
pub(crate) struct Api {
    store: Arc<Mutex<Store>>,
    changed: watch::Sender<u64>,
    /// Whether every request is refused.
    away: Arc<AtomicBool>,
    pub(crate) port: u16,
}

#[derive(Default)]
struct Store {
    objects: BTreeMap<Key, Value>,
    history: Vec<(Key, &'static str, Value)>,
}

/// Plural, namespace (empty: none), name.
type Key = (String, String, String);

impl Api {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let api = Self { store: Arc::default(), changed: watch::Sender::new(0), away: Arc::default(), port };
        let router = Router::new().fallback(handle).with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        api
    }

    /// Refuses every request from now on, or answers again.
    pub(crate) fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.store.lock().unwrap().objects.get(&key(plural, namespace, name)).cloned()
    }

    pub(crate) fn all(&self, plural: &str) -> Vec<Value> {
        let store = self.store.lock().unwrap();
        store.objects.iter().filter(|((kind, ..), _)| kind == plural).map(|(_, object)| object.clone()).collect()
    }

    /// Puts an object there as it is, or merges it into what is.
    pub(crate) fn put(&self, plural: &str, namespace: &str, name: &str, change: Value) -> Value {
        self.replace(plural, namespace, name, |mut object| {
            merge(&mut object, change);
            object
        })
    }

    /// Puts an object there, made from what is there now.
    fn replace(&self, plural: &str, namespace: &str, name: &str, make: impl FnOnce(Value) -> Value) -> Value {
        let key = key(plural, namespace, name);
        let mut store = self.store.lock().unwrap();
        let (object, type_) = match store.objects.get(&key) {
            Some(object) => (object.clone(), "MODIFIED"),
            None => (json!({"metadata": {"name": name, "namespace": namespace}}), "ADDED"),
        };
        let mut object = make(object);
        let version = store.history.len() as u64 + 1;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        store.objects.insert(key.clone(), object.clone());
        store.history.push((key, type_, object.clone()));
        drop(store);
        self.changed.send_replace(version);
        object
    }

    /// Takes an object away.
    pub(crate) fn remove(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = key(plural, namespace, name);
        let mut store = self.store.lock().unwrap();
        let mut object = store.objects.remove(&key)?;
        let version = store.history.len() as u64 + 1;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        store.history.push((key, "DELETED", object.clone()));
        drop(store);
        self.changed.send_replace(version);
        Some(object)
    }

    /// Waits until `test` holds for the object (`Value::Null` where there is none); no longer than a minute.
    pub(crate) async fn until(
        &self,
        plural: &str,
        namespace: &str,
        name: &str,
        test: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut changed = self.changed.subscribe();
        let reached = async {
            loop {
                changed.borrow_and_update();
                let object = self.get(plural, namespace, name).unwrap_or(Value::Null);
                if test(&object) {
                    return object;
                }
                changed.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(60), reached).await;
        waited.unwrap_or_else(|_| {
            panic!("{plural} {name} is {:#}", self.get(plural, namespace, name).unwrap_or_default())
        })
    }

    /// Waits until an object of that kind passes `test`; no longer than a minute.
    pub(crate) async fn find(&self, plural: &str, test: impl Fn(&Value) -> bool) -> Value {
        let mut changed = self.changed.subscribe();
        let reached = async {
            loop {
                changed.borrow_and_update();
                if let Some(object) = self.all(plural).into_iter().find(&test) {
                    return object;
                }
                changed.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(60), reached).await;
        waited.unwrap_or_else(|_| panic!("none of {plural} is it: {:#?}", self.all(plural)))
    }

    fn list(&self, plural: &str, namespace: &str, query: &HashMap<String, String>) -> Value {
        let store = self.store.lock().unwrap();
        let items = store.objects.iter().filter(|(key, object)| selected(key, object, plural, namespace, query));
        let items: Vec<_> = items.map(|(_, object)| object.clone()).collect();
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": store.history.len().to_string()}, "items": items})
    }

    fn watch(&self, plural: String, namespace: String, query: HashMap<String, String>) -> Response {
        let from = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0_usize);
        let api = self.clone();
        let state = (api, self.changed.subscribe(), from);
        let lines = futures::stream::unfold(state, move |(api, mut changed, mut at)| {
            let (plural, namespace, query) = (plural.clone(), namespace.clone(), query.clone());
            async move {
                loop {
                    changed.borrow_and_update();
                    let next = api.store.lock().unwrap().history.get(at).cloned();
                    let Some((key, type_, object)) = next else {
                        changed.changed().await.ok()?;
                        continue;
                    };
                    at += 1;
                    if selected(&key, &object, &plural, &namespace, &query) {
                        let line = format!("{}\n", json!({"type": type_, "object": object}));
                        return Some((Ok::<_, std::io::Error>(Bytes::from(line)), (api, changed, at)));
                    }
                }
            }
        });
        Body::from_stream(lines).into_response()
    }
}

fn key(plural: &str, namespace: &str, name: &str) -> Key {
    (plural.to_owned(), namespace.to_owned(), name.to_owned())
}

fn selected(key: &Key, object: &Value, plural: &str, namespace: &str, query: &HashMap<String, String>) -> bool {
    let selector = |field: &str| query.get("fieldSelector").and_then(|selector| selector.strip_prefix(field));
    let (node, name) = (selector("spec.nodeName="), selector("metadata.name="));
    key.0 == plural
        && name.is_none_or(|name| key.2 == name)
        && (namespace.is_empty() || key.1 == namespace)
        && node.is_none_or(|node| object["spec"]["nodeName"] == node)
}

/// RFC 7386.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else { return *target = patch };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(&key);
            }
            value => merge(target.entry(key).or_insert(Value::Null), value),
        }
    }
}

async fn handle(
    State(api): State<Api>,
    method: Method,
    uri: Uri,
    headers: http::HeaderMap,
    Query(query): Query<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    if api.away.load(Ordering::SeqCst) {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "away");
    }
    let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let rest = if parts[0] == "api" { &parts[2..] } else { &parts[3..] };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        rest => ("", rest),
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match (method, rest) {
        (Method::GET, [plural]) if query.contains_key("watch") => api.watch((*plural).into(), namespace.into(), query),
        (Method::GET, [plural]) => axum::Json(api.list(plural, namespace, &query)).into_response(),
        (Method::GET, [plural, name]) => found(api.get(plural, namespace, name), plural, name),
        (Method::POST, [plural]) => {
            let name = body["metadata"]["name"].as_str().unwrap().to_owned();
            let mut body = body;
            body["metadata"]["uid"] = json!(format!("{plural}-{name}"));
            axum::Json(api.put(plural, namespace, &name, body)).into_response()
        }
        (Method::POST, ["pods", name, "binding"]) => {
            let Some(pod) = api.get("pods", namespace, name) else { return found(None, "pods", name) };
            if pod["spec"]["nodeName"].is_string() {
                return refuse(StatusCode::CONFLICT, "Conflict", "pod is already assigned to a node");
            }
            let change = json!({"metadata": {"annotations": body["metadata"]["annotations"]},
                                "spec": {"nodeName": body["target"]["name"]}});
            api.put("pods", namespace, name, change);
            (StatusCode::CREATED, axum::Json(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})))
                .into_response()
        }
        (Method::PATCH, [plural, name] | [plural, name, "status"]) => {
            let Some(object) = api.get(plural, namespace, name) else { return found(None, plural, name) };
            let uid = &body["metadata"]["uid"];
            if uid.is_string() && *uid != object["metadata"]["uid"] {
                return refuse(StatusCode::CONFLICT, "Conflict", "the UID in the precondition does not match");
            }
            let kind = kube_api::kinds::lookup(plural).unwrap();
            let type_ = headers[http::header::CONTENT_TYPE].to_str().unwrap();
            let type_ = kube_api::patch::PatchType::from_content_type(type_).unwrap();
            let patched = kube_api::patch::apply_value(kind, type_, &object, body).unwrap();
            axum::Json(api.replace(plural, namespace, name, |_| patched)).into_response()
        }
        (Method::DELETE, [plural, name]) => found(api.remove(plural, namespace, name), plural, name),
        (method, _) => panic!("the executor asks for {method} {uri}"),
    }
}

fn found(object: Option<Value>, plural: &str, name: &str) -> Response {
    match object {
        Some(object) => axum::Json(object).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "NotFound", &format!("{plural} \"{name}\" not found")),
    }
}

fn refuse(status: StatusCode, reason: &str, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message,
                      "code": status.as_u16()});
    (status, axum::Json(body)).into_response()
}
