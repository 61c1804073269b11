//! What a known user may do: an executor what its node needs, everybody what roles give (or everything, `AlwaysAllow`).

pub(crate) mod aggregate;
pub(crate) mod escalation;
pub(crate) mod node;
pub(crate) mod policy;
pub(crate) mod rbac;
pub(crate) mod review;
mod rule;
mod selectors;

use kube_api::status::{Details, quote};
use kube_api::{Status, kinds};
use serde_json::{Value, json};

use crate::api::{Api, Call, Verb};
use crate::auth::{MASTERS, User};
use crate::selection::Selection;
use crate::storage::Store;

/// Who decides (`--authorization-mode`); one that allows is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// An executor may do what its node and its pods need.
    #[value(name = "Node")]
    Node,
    /// Roles and bindings.
    #[value(name = "RBAC")]
    Rbac,
    /// Everybody may do everything, but for executors, which are held to what `Node` allows.
    #[value(name = "AlwaysAllow")]
    AlwaysAllow,
}

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
        let selection = matches!(call.verb, Verb::List | Verb::Watch | Verb::DeleteCollection)
            .then(|| Selection::parse(call.kind(), &call.query, &call.target.name).ok())
            .flatten();
        let required =
            |field: &str| selection.as_ref().and_then(|selection| selection.required(field)).map(str::to_owned);
        let target = &call.target;
        let name =
            if target.name.is_empty() { required("metadata.name").unwrap_or_default() } else { target.name.clone() };
        // Kubernetes counts a namespace as something in itself
        let itself = call.kind().group.is_empty() && call.kind().plural == "namespaces";
        Self {
            verb: call.verb.name().to_owned(),
            group: call.kind().group.to_owned(),
            resource: call.kind().plural.to_owned(),
            subresource: target.subresource.map_or("", |sub| sub.name).to_owned(),
            namespace: if itself { target.name.clone() } else { target.namespace.clone() },
            node: required("spec.nodeName"),
            name,
        }
    }
}

/// Whether something is allowed, and why.
pub(crate) enum Verdict {
    /// It is; the reason, where there is more to say than that the user may do everything.
    Allowed(String),
    /// It is not; what else is to be said about it.
    Refused(String),
}

/// Refuses what the user may not do with a resource.
pub(crate) async fn resource(api: &Api, user: &User, asked: &Attributes) -> Result<(), Status> {
    match judge(api, user, asked).await {
        Verdict::Allowed(_) => Ok(()),
        Verdict::Refused(_) if !api.bootstrapped() => Err(loading()),
        Verdict::Refused(why) => {
            let refusal = refusal(user, asked, &why);
            tracing::debug!(refused = refusal.message, "forbidden");
            Err(refusal)
        }
    }
}

/// Whether the user may do that with a resource.
pub(crate) async fn judge(api: &Api, user: &User, asked: &Attributes) -> Verdict {
    let verdict = decide(api, user, asked);
    // memory may be a moment behind a binding that the client has been told of already
    let stale = matches!(verdict, Verdict::Refused(_)) && api.store.loaded();
    if stale && api.store.consistent().await.is_ok() { decide(api, user, asked) } else { verdict }
}

fn decide(api: &Api, user: &User, asked: &Attributes) -> Verdict {
    let modes = &api.options.authorization_mode;
    let always = modes.contains(&Mode::AlwaysAllow);
    if user.in_group(MASTERS) || (always && user.node().is_none()) {
        return Verdict::Allowed(String::new());
    }
    let mut refused = Vec::new();
    if let Some(node) = user.node().filter(|_| always || modes.contains(&Mode::Node)) {
        if node::allows(node, asked, &Pods(&api.store)) {
            return Verdict::Allowed(String::new());
        }
        refused.push("a node may do so for itself and its pods alone".to_owned());
    }
    if modes.contains(&Mode::Rbac) {
        match api.rbac.index(&api.store).allows(user, asked) {
            Ok(reason) => return Verdict::Allowed(reason),
            Err(why) => refused.extend(Some(why).filter(|why| !why.is_empty())),
        }
    }
    Verdict::Refused(refused.join("\n"))
}

fn refusal(user: &User, asked: &Attributes, why: &str) -> Status {
    let (slash, colon) = (if asked.subresource.is_empty() { "" } else { "/" }, if why.is_empty() { "" } else { ": " });
    let scope = if asked.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {}", quote(&asked.namespace))
    };
    let why = format!(
        "User {} cannot {} resource {} in API group {} {scope}{colon}{why}",
        quote(&user.name),
        asked.verb,
        quote(&format!("{}{slash}{}", asked.resource, asked.subresource)),
        quote(&asked.group)
    );
    match kinds::all().iter().find(|kind| kind.group == asked.group && kind.plural == asked.resource) {
        Some(kind) => Status::forbidden(kind, &asked.name, &why),
        None => {
            let dot = if asked.group.is_empty() { "" } else { "." };
            let name = if asked.name.is_empty() { String::new() } else { format!(" {}", quote(&asked.name)) };
            let message = format!("{}{dot}{}{name} is forbidden: {why}", asked.resource, asked.group);
            let (name, group, kind) = (asked.name.clone(), asked.group.clone(), asked.resource.clone());
            let details = Details { name, group, kind, ..Details::default() };
            Status::new(403, "Forbidden", message).with_details(details)
        }
    }
}

fn loading() -> Status {
    Status::unavailable("the server is still loading the objects from etcd, or etcd does not answer")
}

/// Refuses paths that the user may not ask for.
pub(crate) fn path(api: &Api, user: &User, verb: &str, path: &str) -> Result<(), Status> {
    match judge_path(api, user, verb, path) {
        Verdict::Allowed(_) => Ok(()),
        Verdict::Refused(_) if !api.bootstrapped() => Err(loading()),
        Verdict::Refused(why) => {
            let colon = if why.is_empty() { "" } else { ": " };
            let message =
                format!("forbidden: User {} cannot {verb} path {}{colon}{why}", quote(&user.name), quote(path));
            tracing::debug!(refused = message, "forbidden");
            Err(Status::new(403, "Forbidden", message).with_details(Details::default()))
        }
    }
}

/// Whether the user may ask for a path.
pub(crate) fn judge_path(api: &Api, user: &User, verb: &str, path: &str) -> Verdict {
    let modes = &api.options.authorization_mode;
    let told = ["/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz"];
    let discovers = || path == "/" || told.iter().any(|root| path == *root || path.starts_with(&format!("{root}/")));
    if user.in_group(MASTERS) || (modes.contains(&Mode::AlwaysAllow) && (user.node().is_none() || discovers())) {
        return Verdict::Allowed(String::new());
    }
    if !modes.contains(&Mode::Rbac) {
        return Verdict::Refused(String::new());
    }
    match api.rbac.index(&api.store).allows_path(user, verb, path) {
        Ok(reason) => Verdict::Allowed(reason),
        Err(why) => Verdict::Refused(why),
    }
}

/// What the user may do in a namespace, as a `SelfSubjectRulesReview` tells it. A node's rules hang on its pods, and are not
/// listed.
pub(crate) fn rules(api: &Api, user: &User, namespace: &str) -> Value {
    let modes = &api.options.authorization_mode;
    let mut rules = Vec::new();
    if modes.contains(&Mode::Rbac) {
        rules = api.rbac.index(&api.store).rules(user, namespace);
    }
    if modes.contains(&Mode::AlwaysAllow) && user.node().is_none() {
        rules.extend(escalation::everything());
    }
    let (paths, resources): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| !rule.non_resource_urls.is_empty());
    let mut status =
        json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": user.node().is_some()});
    if user.node().is_some() {
        status["evaluationError"] = "node authorizer does not support user rule resolution".into();
    }
    status
}

/// The pods in memory.
struct Pods<'s>(&'s Store);

impl node::Facts for Pods<'_> {
    fn node_of(&self, namespace: &str, pod: &str) -> Option<String> {
        let entry = self.0.shelf("pods")?.get(&crate::api::key(namespace, pod))?;
        Some(entry.field("spec.nodeName").unwrap_or_default().to_owned())
    }

    fn any_pod(&self, node: &str, namespace: &str, condition: &dyn Fn(&Value) -> bool) -> bool {
        let prefix = format!("{namespace}/");
        self.0.shelf("pods").is_some_and(|shelf| {
            shelf.any(|key, entry| {
                key.starts_with(&prefix) && entry.field("spec.nodeName") == Some(node) && condition(&entry.value())
            })
        })
    }
}
