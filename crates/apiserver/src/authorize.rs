//! What a known user may do: a node's executor what it needs, everybody else everything (`AlwaysAllow`).

pub(crate) mod node;

use kube_api::{Status, kinds};
use serde_json::{Value, json};

use crate::api::{Api, Call, Verb};
use crate::auth::{MASTERS, User};
use crate::selection::Selection;
use crate::storage::Store;

/// What is to be done, as authorizers see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The node whose pods alone are selected.
    pub(crate) node: Option<String>,
}

impl Attributes {
    /// Of a call.
    pub(crate) fn of(call: &Call) -> Self {
        let selection = matches!(call.verb, Verb::List | Verb::Watch)
            .then(|| Selection::parse(call.kind(), &call.query, &call.target.name).ok())
            .flatten();
        Self {
            verb: call.verb.name().to_owned(),
            group: call.kind().group.to_owned(),
            resource: call.kind().plural.to_owned(),
            subresource: call.target.subresource.map_or("", |sub| sub.name).to_owned(),
            namespace: call.target.namespace.clone(),
            name: call.target.name.clone(),
            node: selection.and_then(|selection| selection.node().map(str::to_owned)),
        }
    }
}

/// Refuses what the user may not do with a resource.
pub(crate) async fn resource(api: &Api, user: &User, asked: &Attributes) -> Result<(), Status> {
    let Some(node) = user.node().filter(|_| !user.in_group(MASTERS)) else { return Ok(()) };
    let facts = Pods(&api.store);
    if node::allows(node, asked, &facts) {
        return Ok(());
    }
    // memory may be a moment behind a binding that the executor has been told of already
    let fresh = api.store.loaded() && api.store.consistent().await.is_ok();
    if fresh && node::allows(node, asked, &facts) { Ok(()) } else { Err(refusal(user, asked)) }
}

fn refusal(user: &User, asked: &Attributes) -> Status {
    let slash = if asked.subresource.is_empty() { "" } else { "/" };
    let scope = if asked.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", asked.namespace)
    };
    let why = format!(
        "User {:?} cannot {} resource \"{}{slash}{}\" in API group {:?} {scope}: a node may do so for itself and its pods alone",
        user.name, asked.verb, asked.resource, asked.subresource, asked.group
    );
    match kinds::all().iter().find(|kind| kind.group == asked.group && kind.plural == asked.resource) {
        Some(kind) => Status::forbidden(kind, &asked.name, &why),
        None => Status::new(403, "Forbidden", why),
    }
}

/// Refuses paths that the user may not ask for: every known user may discover what is served.
pub(crate) fn path(user: &User, verb: &str, path: &str) -> Result<(), Status> {
    let told = ["/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz"];
    let discovers = path == "/" || told.iter().any(|root| path == *root || path.starts_with(&format!("{root}/")));
    if discovers || user.node().is_none() || user.in_group(MASTERS) {
        return Ok(());
    }
    Err(Status::new(403, "Forbidden", format!("forbidden: User {:?} cannot {verb} path {path:?}", user.name)))
}

/// What the user may do in a namespace, as a `SelfSubjectRulesReview` tells it. A node's rules hang on its pods, and are not
/// listed.
pub(crate) fn rules(user: &User) -> Value {
    if user.node().is_some() {
        return json!({"resourceRules": [], "nonResourceRules": [], "incomplete": true});
    }
    json!({"resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": false})
}

/// The pods in memory.
struct Pods<'s>(&'s Store);

impl node::Facts for Pods<'_> {
    fn node_of(&self, namespace: &str, pod: &str) -> Option<String> {
        let entry = self.0.shelf("pods")?.get(&crate::api::key(namespace, pod))?;
        Some(entry.fields()["spec"]["nodeName"].as_str().unwrap_or_default().to_owned())
    }

    fn any_pod(&self, node: &str, namespace: &str, condition: &dyn Fn(&Value) -> bool) -> bool {
        let prefix = format!("{namespace}/");
        self.0.shelf("pods").is_some_and(|shelf| {
            shelf.any(|key, entry| {
                key.starts_with(&prefix) && entry.fields()["spec"]["nodeName"] == node && condition(&entry.value())
            })
        })
    }
}
