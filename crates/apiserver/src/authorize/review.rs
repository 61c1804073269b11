//! Questions about access: may I, may somebody, and what may I.

use kube_api::selector::FieldSelector;
use kube_api::{Kind, Status, kinds, meta, validate};
use serde_json::{Map, Value, json};

use super::{Attributes, Verdict, judge, judge_path};
use crate::api::{Api, Call};
use crate::auth::User;

/// The status of an access review.
pub(crate) async fn access(api: &Api, call: &Call, review: &mut Value) -> Result<Value, Status> {
    let kind = call.kind();
    let asker = User::clone(&call.user);
    let user = match kind.kind {
        "SelfSubjectAccessReview" => asker,
        _ => subject(review),
    };
    check(kind, &call.target.namespace, review)?;
    let spec = &review["spec"];
    let verdict = if spec["nonResourceAttributes"].is_object() {
        let text = |field: &str| spec["nonResourceAttributes"][field].as_str().unwrap_or_default();
        judge_path(api, &user, text("verb"), text("path"))
    } else {
        judge(api, &user, &attributes(&spec["resourceAttributes"])).await
    };
    Ok(match verdict {
        Verdict::Allowed(why) if why.is_empty() => json!({"allowed": true}),
        Verdict::Allowed(why) => json!({"allowed": true, "reason": why}),
        Verdict::Refused(why) if why.is_empty() => json!({"allowed": false}),
        Verdict::Refused(why) => json!({"allowed": false, "reason": why}),
    })
}

/// The status of a SelfSubjectRulesReview.
pub(crate) fn rules(api: &Api, user: &User, review: &Value) -> Result<Value, Status> {
    match meta::text(review, &["spec", "namespace"]).filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => Ok(super::rules(api, user, namespace)),
        None => Err(Status::bad_request("no namespace on request")),
    }
}

/// Refuses a question that is none. One of a namespace is asked about that alone.
fn check(kind: &Kind, namespace: &str, review: &mut Value) -> Result<(), Status> {
    if kind.namespaced {
        let given = meta::namespace(review).to_owned();
        if !given.is_empty() && given != namespace {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Status::bad_request(message));
        }
        if !review["metadata"].is_object() {
            review["metadata"] = json!({});
        }
        review["metadata"]["namespace"] = namespace.into();
    }
    let errors = validate::review(kind, review);
    // Kubernetes names the group alone here
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(&Kind { kind: "", ..*kind }, "", &errors)) }
}

fn attributes(asked: &Value) -> Attributes {
    let text = |field: &str| asked[field].as_str().unwrap_or_default().to_owned();
    Attributes {
        verb: text("verb"),
        group: text("group"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
        node: required(asked, "spec.nodeName"),
    }
}

/// The one value that a field must have by the question's field selector, in whichever form it comes.
fn required(asked: &Value, field: &str) -> Option<String> {
    if let Some(raw) = asked["fieldSelector"]["rawSelector"].as_str().filter(|raw| !raw.is_empty()) {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let kind = kinds::all().iter().find(|kind| (kind.group, kind.plural) == (text("group"), text("resource")))?;
        return FieldSelector::parse(kind, raw).ok()?.required(field).map(str::to_owned);
    }
    let requirements = asked["fieldSelector"]["requirements"].as_array()?;
    let of_field = requirements.iter().find(|one| one["key"] == field && one["operator"] == "In")?;
    match of_field["values"].as_array().map(Vec::as_slice) {
        Some([one]) => one.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The user that a question is about.
fn subject(review: &Value) -> User {
    let spec = &review["spec"];
    let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    User {
        name: spec["user"].as_str().unwrap_or_default().to_owned(),
        uid: spec["uid"].as_str().unwrap_or_default().to_owned(),
        groups,
        extra: Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_selector_has_two_forms() {
        let asked = |selector: Value| json!({"resource": "pods", "verb": "list", "fieldSelector": selector});
        let node = |selector: Value| attributes(&asked(selector)).node;
        let requirement = json!({"key": "spec.nodeName", "operator": "In", "values": ["n1"]});
        assert_eq!(node(json!({"requirements": [requirement]})).as_deref(), Some("n1"));
        assert_eq!(node(json!({"rawSelector": "spec.nodeName=n1,status.phase!=Failed"})).as_deref(), Some("n1"));
        assert_eq!(node(json!({"rawSelector": "spec.nodeName!=n1"})), None);
        assert_eq!(node(json!({"rawSelector": "nonsense"})), None);
    }
}
