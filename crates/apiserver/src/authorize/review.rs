//! Questions about access: may I, may somebody, and what may I.

use kube_api::{Kind, Status, meta, validate};
use serde_json::{Map, Value, json};

use super::{Attributes, Verdict, judge, judge_path, selectors};
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
    let resource = &spec["resourceAttributes"];
    let verdict = if spec["nonResourceAttributes"].is_object() {
        let text = |field: &str| spec["nonResourceAttributes"][field].as_str().unwrap_or_default();
        judge_path(api, &user, text("verb"), text("path"))
    } else {
        judge(api, &user, &attributes(resource)).await
    };
    let (allowed, why) = match verdict {
        Verdict::Allowed(why) => (true, why),
        Verdict::Refused(why) => (false, why),
    };
    let mut status = json!({"allowed": allowed});
    for (field, text) in [("reason", why), ("evaluationError", selectors::ignored(resource))] {
        if !text.is_empty() {
            status[field] = text.into();
        }
    }
    Ok(status)
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
        node: selectors::required(asked, "spec.nodeName"),
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
