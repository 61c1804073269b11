//! Nobody gives away rights that they have not: what is checked when roles and bindings are written.

use kube_api::status::quote;
use kube_api::{Kind, Status, meta};
use serde_json::Value;

use super::rbac::{self, GROUP, Index};
use super::rule::{self, Rule};
use super::{Attributes, Mode};
use crate::api::Api;
use crate::auth::{MASTERS, User};

/// Refuses a role with more rights than its writer has, and a binding of one. `old` is what it was before, if anything.
///
/// As Kubernetes, the verb `escalate` on the role and the verb `bind` on the role that is bound allow it nevertheless.
pub(crate) fn check(api: &Api, user: &User, kind: &Kind, new: &Value, old: Option<&Value>) -> Result<(), Status> {
    if kind.group != GROUP || user.in_group(MASTERS) || !api.options.authorization_mode.contains(&Mode::Rbac) {
        return Ok(());
    }
    let index = api.rbac.index(&api.store);
    let given = if matches!(kind.kind, "Role" | "ClusterRole") {
        role(&index, user, kind, new, old)
    } else {
        binding(&index, user, new, old)
    };
    let Some(given) = given else { return Ok(()) };
    let missing = rule::missing(&given, &index.rules(user, meta::namespace(new)));
    if missing.is_empty() { Ok(()) } else { Err(refusal(user, kind, new, missing)) }
}

/// The same for a new role or binding. Memory may be behind what its writer has just been given, or has just made: a refusal
/// is looked at again where it is not.
pub(crate) async fn check_new(api: &Api, kind: &Kind, user: &User, new: &Value) -> Result<(), Status> {
    match check(api, user, kind, new, None) {
        Err(_) if api.store.consistent().await.is_ok() => check(api, user, kind, new, None),
        outcome => outcome,
    }
}

/// The rights that a role comes to give; `None` where that is nobody's concern.
fn role(index: &Index, user: &User, kind: &Kind, new: &Value, old: Option<&Value>) -> Option<Vec<Rule>> {
    let unchanged = |field: &str| old.is_some_and(|old| old.get(field) == new.get(field));
    if unchanged("rules") && unchanged("aggregationRule") {
        return None;
    }
    if may(index, user, "escalate", kind.plural, meta::namespace(new), meta::name(new)) {
        return None;
    }
    let mut given = rbac::rules(new);
    if new["aggregationRule"].is_object() && !unchanged("aggregationRule") {
        // any role may come to be aggregated later
        given.extend(everything());
    }
    Some(given)
}

/// The rights that a binding comes to give.
fn binding(index: &Index, user: &User, new: &Value, old: Option<&Value>) -> Option<Vec<Rule>> {
    let unchanged = |field: &str| old.is_some_and(|old| old.get(field) == new.get(field));
    if unchanged("roleRef") && unchanged("subjects") {
        return None;
    }
    let text = |field: &str| new["roleRef"][field].as_str().unwrap_or_default();
    let (kind, name, namespace) = (text("kind"), text("name"), meta::namespace(new));
    let plural = if kind == "Role" { "roles" } else { "clusterroles" };
    if may(index, user, "bind", plural, namespace, name) {
        return None;
    }
    // a role that is not there yet may come to be anything
    Some(index.role(kind, namespace, name).map_or_else(everything, |rules| rules.to_vec()))
}

fn may(index: &Index, user: &User, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
    let asked = Attributes {
        verb: verb.to_owned(),
        group: GROUP.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Attributes::default()
    };
    index.allows(user, &asked).is_ok()
}

/// The rights to everything.
pub(crate) fn everything() -> Vec<Rule> {
    let all = || vec!["*".to_owned()];
    vec![
        Rule { verbs: all(), api_groups: all(), resources: all(), ..Rule::default() },
        Rule { verbs: all(), non_resource_urls: all(), ..Rule::default() },
    ]
}

fn refusal(user: &User, kind: &Kind, object: &Value, mut missing: Vec<Rule>) -> Status {
    missing.sort();
    let missing: Vec<String> = missing.iter().map(rule::shown).collect();
    let why = format!(
        "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        quote(&user.name),
        rule::list(&user.groups),
        missing.join("\n")
    );
    Status::forbidden(kind, meta::name(object), &why)
}
