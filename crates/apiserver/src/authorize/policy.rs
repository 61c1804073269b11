//! The roles and bindings that a cluster has from the beginning: Kubernetes' own, and what our components need.
//!
//! They stand in `policy.txt`, whose notation its head explains. At each start what is missing is added again to those that
//! nobody has taken `autoupdate` from; what was added to them stays.

use serde_json::{Value, json};

use super::rbac::GROUP;
use super::rule::{self, Rule};

const TEXT: &str = include_str!("policy.txt");
/// Whether a default is to be completed at each start.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// A default with the resource it is of.
pub(crate) struct Default {
    pub(crate) plural: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) object: Value,
}

/// All defaults, roles before what binds them.
///
/// # Errors
/// A line of the policy that cannot be read, which a test excludes.
pub(crate) fn defaults() -> anyhow::Result<Vec<Default>> {
    let mut defaults: Vec<Default> = Vec::new();
    for line in TEXT.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let words: Vec<&'static str> = line.split_whitespace().collect();
        match (line.starts_with(' '), words.as_slice()) {
            (false, ["role", name, labels @ ..]) => defaults.push(role(name, labels)),
            (false, ["bind", name, subjects @ ..]) => defaults.push(binding(name, subjects)),
            (true, ["aggregate", label]) => {
                let selector = json!({"clusterRoleSelectors": [{"matchLabels": {*label: "true"}}]});
                last(&mut defaults)?["aggregationRule"] = selector;
            }
            (true, _) => {
                let rule = json!(rule(line)?);
                let object = last(&mut defaults)?;
                object["rules"]
                    .as_array_mut()
                    .ok_or_else(|| anyhow::anyhow!("{line:?} stands behind a binding"))?
                    .push(rule);
            }
            _ => anyhow::bail!("cannot read the line {line:?} of the default policy"),
        }
    }
    Ok(defaults)
}

fn last(defaults: &mut [Default]) -> anyhow::Result<&mut Value> {
    Ok(&mut defaults.last_mut().ok_or_else(|| anyhow::anyhow!("a rule without a role"))?.object)
}

/// A rule from `verbs groups resources [names]` or `verbs url paths`.
pub(crate) fn rule(line: &str) -> anyhow::Result<Rule> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let many = |words: &str| words.split(',').map(|word| if word == "core" { "" } else { word }.to_owned()).collect();
    match words.as_slice() {
        [verbs, "url", paths] => Ok(Rule { verbs: many(verbs), non_resource_urls: many(paths), ..Rule::default() }),
        [verbs, groups, resources, names @ ..] if names.len() < 2 => Ok(Rule {
            verbs: many(verbs),
            api_groups: many(groups),
            resources: many(resources),
            resource_names: names.first().map(|names| many(names)).unwrap_or_default(),
            ..Rule::default()
        }),
        _ => anyhow::bail!("{line:?} is no rule"),
    }
}

fn metadata(name: &str) -> Value {
    json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}, "annotations": {AUTOUPDATE: "true"}})
}

fn role(name: &'static str, labels: &[&str]) -> Default {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let (kind, plural) = if namespace.is_empty() { ("ClusterRole", "clusterroles") } else { ("Role", "roles") };
    let mut object =
        json!({"kind": kind, "apiVersion": format!("{GROUP}/v1"), "metadata": metadata(name), "rules": []});
    for label in labels {
        object["metadata"]["labels"][*label] = "true".into();
    }
    Default { plural, namespace, object }
}

fn binding(name: &'static str, subjects: &[&str]) -> Default {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let (kind, plural, role) = if namespace.is_empty() {
        ("ClusterRoleBinding", "clusterrolebindings", "ClusterRole")
    } else {
        ("RoleBinding", "rolebindings", "Role")
    };
    let bound = subjects.iter().find_map(|word| word.strip_prefix("role=")).unwrap_or(name);
    let subjects = subjects.iter().filter(|word| !word.starts_with("role="));
    let subjects: Vec<Value> = subjects.map(|subject| self::subject(subject)).collect();
    let mut object = json!({"kind": kind, "apiVersion": format!("{GROUP}/v1"), "metadata": metadata(name),
        "roleRef": {"apiGroup": GROUP, "kind": role, "name": bound}});
    if !subjects.is_empty() {
        object["subjects"] = subjects.into();
    }
    Default { plural, namespace, object }
}

/// `user=NAME`, `group=NAME` or `account=NAMESPACE/NAME`.
fn subject(text: &str) -> Value {
    match text.split_once('=') {
        Some(("account", account)) => {
            let (namespace, name) = account.split_once('/').unwrap_or(("kube-system", account));
            json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
        }
        Some(("group", name)) => json!({"apiGroup": GROUP, "kind": "Group", "name": name}),
        Some((_, name)) => json!({"apiGroup": GROUP, "kind": "User", "name": name}),
        None => json!({"apiGroup": GROUP, "kind": "User", "name": text}),
    }
}

/// The object with what the default has and it lacks; `None` where it lacks nothing or is not to be touched.
pub(crate) fn complete(object: &Value, default: &Value) -> Option<Value> {
    if object["metadata"]["annotations"][AUTOUPDATE] != "true" {
        return None;
    }
    let mut completed = object.clone();
    for (label, value) in default["metadata"]["labels"].as_object().into_iter().flatten() {
        completed["metadata"]["labels"][label] = value.clone();
    }
    if default.get("roleRef").is_some() {
        let there = object["subjects"].as_array().cloned().unwrap_or_default();
        let missing = default["subjects"].as_array().into_iter().flatten().filter(|subject| !there.contains(subject));
        let all: Vec<Value> = there.iter().chain(missing).cloned().collect();
        if all.len() > there.len() {
            completed["subjects"] = all.into();
        }
    } else if let Some(aggregation) = default.get("aggregationRule") {
        completed["aggregationRule"] = aggregation.clone();
    } else {
        let there = super::rbac::rules(object);
        let missing = rule::missing(&super::rbac::rules(default), &there);
        let rules = object["rules"].as_array().into_iter().flatten().cloned();
        completed["rules"] = rules.chain(missing.iter().map(|rule| json!(rule))).collect();
    }
    (completed != *object).then_some(completed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_read_and_are_valid() {
        let defaults = defaults().unwrap();
        for Default { plural, object, namespace } in &defaults {
            let kind = kube_api::kinds::find(GROUP, "v1", plural).unwrap();
            let mut object = object.clone();
            assert_eq!(complete(&object, &object), None);
            if !namespace.is_empty() {
                object["metadata"]["namespace"] = (*namespace).into();
            }
            let errors = kube_api::validate::create(kind, &object);
            assert!(errors.is_empty(), "{object}: {errors:?}");
            if let Some(role) = object["roleRef"]["name"].as_str() {
                let there = defaults
                    .iter()
                    .any(|default| default.object["metadata"]["name"] == role && default.object.get("rules").is_some());
                assert!(there, "{role} is bound and not there");
            }
        }
        for name in ["cluster-admin", "admin", "edit", "view", "system:basic-user", "system:discovery", "system:node"] {
            assert!(defaults.iter().any(|default| default.object["metadata"]["name"] == name), "{name}");
        }
    }

    #[test]
    fn what_is_missing_is_added_and_what_was_added_stays() {
        let default = role("r", &["l"]).object;
        let with = |rules: &[&str]| {
            let mut object = default.clone();
            object["rules"] = rules.iter().map(|line| json!(rule(line).unwrap())).collect();
            object
        };
        let (mine, wanted) = (with(&["get core pods", "list core services"]), with(&["get,list core pods"]));
        let completed = complete(&mine, &wanted).unwrap();
        let rules = super::super::rbac::rules(&completed);
        assert_eq!(rules[2], rule("list core pods").unwrap());
        assert_eq!(complete(&completed, &wanted), None);
        let mut kept = mine;
        kept["metadata"]["annotations"][AUTOUPDATE] = "false".into();
        assert_eq!(complete(&kept, &wanted), None);
    }
}
