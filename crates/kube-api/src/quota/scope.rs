//! Which objects a quota means: those of a kind that it limits and, where it has scopes, pods of all of them.

use serde_json::{Value, json};

use super::counts;
use crate::kinds::Kind;

/// Whether the quota means the object: it limits (in `status.hard`) something that such objects use, and has no scope that
/// the object is outside of. Only pods are ever inside of a scope.
#[must_use]
pub fn means(quota: &Value, kind: &Kind, object: &Value) -> bool {
    let limits = quota["status"]["hard"].as_object().into_iter().flatten().any(|(name, _)| counts(kind, name));
    limits && scopes(&quota["spec"]).all(|scope| is_in(&scope, kind, object))
}

/// `spec.scopes` and the expressions of `spec.scopeSelector`, in the form of the latter.
fn scopes(spec: &Value) -> impl Iterator<Item = Value> {
    let plain = spec["scopes"].as_array().into_iter().flatten();
    let plain = plain.map(|scope| json!({"scopeName": scope, "operator": "Exists"}));
    let selected = spec["scopeSelector"]["matchExpressions"].as_array().into_iter().flatten();
    plain.chain(selected.cloned())
}

fn is_in(scope: &Value, kind: &Kind, pod: &Value) -> bool {
    if kind.kind != "Pod" {
        return false;
    }
    let terminating = || pod["spec"]["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0);
    let best_effort = || pod["status"]["qosClass"] == "BestEffort";
    match scope["scopeName"].as_str() {
        Some("Terminating") => terminating(),
        Some("NotTerminating") => !terminating(),
        Some("BestEffort") => best_effort(),
        Some("NotBestEffort") => !best_effort(),
        Some("PriorityClass") => has_class(scope, pod["spec"]["priorityClassName"].as_str().unwrap_or_default()),
        Some("CrossNamespacePodAffinity") => looks_beyond(pod),
        _ => false,
    }
}

/// Whether a pod of that priority class (empty: of none) is selected.
fn has_class(scope: &Value, class: &str) -> bool {
    let named = || scope["values"].as_array().is_some_and(|values| values.iter().any(|value| value == class));
    match scope["operator"].as_str() {
        Some("In") => !class.is_empty() && named(),
        Some("NotIn") => class.is_empty() || !named(),
        Some("Exists") => !class.is_empty(),
        Some("DoesNotExist") => class.is_empty(),
        _ => false,
    }
}

/// Whether a pod's affinity looks at pods of other namespaces.
fn looks_beyond(pod: &Value) -> bool {
    let affinity = &pod["spec"]["affinity"];
    let parts = [&affinity["podAffinity"], &affinity["podAntiAffinity"]];
    let items = |list: &'_ Value| list.as_array().cloned().unwrap_or_default();
    parts.iter().any(|part| {
        let required = items(&part["requiredDuringSchedulingIgnoredDuringExecution"]);
        let preferred = items(&part["preferredDuringSchedulingIgnoredDuringExecution"]);
        let preferred = preferred.iter().map(|term| term["podAffinityTerm"].clone());
        required
            .into_iter()
            .chain(preferred)
            .any(|term| !items(&term["namespaces"]).is_empty() || term["namespaceSelector"].is_object())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn quota(spec: Value) -> Value {
        json!({"spec": spec, "status": {"hard": {"pods": "1"}}})
    }

    fn is_meant(spec: Value, pod: Value) -> bool {
        means(&quota(spec), kinds::find("", "v1", "pods").expect("served"), &pod)
    }

    #[test]
    fn scopes_choose_pods() {
        let short = json!({"spec": {"activeDeadlineSeconds": 10}, "status": {"qosClass": "BestEffort"}});
        let long = json!({"spec": {}, "status": {"qosClass": "Burstable"}});
        assert!(is_meant(json!({}), long.clone()), "without scopes all are meant");
        for (scopes, first) in [(["Terminating", "BestEffort"], true), (["NotTerminating", "NotBestEffort"], false)] {
            assert_eq!(is_meant(json!({"scopes": scopes}), short.clone()), first);
            assert_eq!(is_meant(json!({"scopes": scopes}), long.clone()), !first);
        }
        assert!(!is_meant(json!({"scopes": ["Terminating", "NotBestEffort"]}), short));
    }

    #[test]
    fn classes_are_selected_by_name() {
        let select = |operator: &str, class: Value| {
            let expression = json!({"scopeName": "PriorityClass", "operator": operator, "values": ["high"]});
            is_meant(
                json!({"scopeSelector": {"matchExpressions": [expression]}}),
                json!({"spec": {"priorityClassName": class}}),
            )
        };
        assert!(select("In", "high".into()) && !select("In", "low".into()) && !select("In", Value::Null));
        assert!(!select("NotIn", "high".into()) && select("NotIn", Value::Null));
        assert!(select("Exists", "low".into()) && !select("Exists", Value::Null));
        assert!(select("DoesNotExist", Value::Null));
    }

    #[test]
    fn a_quota_means_what_it_limits() {
        let secrets = kinds::find("", "v1", "secrets").expect("served");
        assert!(!means(&quota(json!({})), secrets, &json!({})));
        let mut secret_quota = quota(json!({}));
        secret_quota["status"]["hard"] = json!({"count/secrets": "1"});
        assert!(means(&secret_quota, secrets, &json!({})));
        secret_quota["spec"]["scopes"] = json!(["BestEffort"]);
        assert!(!means(&secret_quota, secrets, &json!({})), "a secret is in no scope");
    }

    #[test]
    fn affinity_may_look_beyond_the_namespace() {
        let scopes = json!({"scopes": ["CrossNamespacePodAffinity"]});
        let pod = |term: Value| json!({"spec": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}});
        assert!(is_meant(scopes.clone(), pod(json!({"namespaces": ["b"]}))));
        assert!(!is_meant(scopes, pod(json!({"topologyKey": "x"}))));
    }
}
