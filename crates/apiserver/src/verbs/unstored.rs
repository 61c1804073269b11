//! Kinds that are asked and not kept: reviews, component statuses, bindings.

use std::sync::Arc;

use http::StatusCode;
use http_body::Body;
use kube_api::{Status, meta};
use serde_json::{Value, json};

use super::create;
use crate::api::{Api, Call, Verb};
use crate::auth::User;
use crate::authorize::{self, Attributes, Verdict};
use crate::http::body::BoxError;
use crate::http::reply::{self, Answer};
use crate::present::{self, Include};
use crate::subresource::binding;

/// Answers a request for one of them.
pub(crate) async fn answer<B>(api: Arc<Api>, call: Call, body: B) -> Answer
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    if call.kind().kind == "ComponentStatus" {
        return component_statuses(&api, &call).await;
    }
    if call.verb != Verb::Create {
        return Err(Status::method_not_allowed());
    }
    let mut review = create::decode_body(&call, body).await?.object;
    let status = match call.kind().kind {
        "Binding" => return binding::bind(&api, &call, &review).await,
        "SelfSubjectReview" => json!({"userInfo": info(&call.user)}),
        "TokenReview" => token_review(&api, &review),
        "SelfSubjectAccessReview" => decision(&api, &call.user, &review).await,
        "SubjectAccessReview" | "LocalSubjectAccessReview" => decision(&api, &subject(&review), &review).await,
        "SelfSubjectRulesReview" => {
            let namespace = review["spec"]["namespace"].as_str().unwrap_or_default();
            authorize::rules(&api, &call.user, namespace)
        }
        _ => return Err(Status::method_not_allowed()),
    };
    review["status"] = status;
    review["kind"] = call.kind().kind.into();
    review["apiVersion"] = call.kind().api_version().into();
    if !review["metadata"].is_object() {
        review["metadata"] = json!({});
    }
    review["metadata"]["creationTimestamp"] = Value::Null;
    Ok(reply::value(StatusCode::CREATED, &review, call.accept))
}

/// A user as reviews tell it.
pub(crate) fn info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.as_str().into();
    }
    if !user.extra.is_empty() {
        info["extra"] = user.extra.clone().into();
    }
    info
}

fn token_review(api: &Api, review: &Value) -> Value {
    let token = review["spec"]["token"].as_str().unwrap_or_default();
    let user = api.authenticator.tokens.get(token).map(|user| User::clone(user)).or_else(|| api.service_account(token));
    match user {
        Some(user) => {
            json!({"authenticated": true, "user": info(&user), "audiences": [api.options.service_account_issuer]})
        }
        None => json!({"user": {}, "error": "the token is not known"}),
    }
}

/// The user that an access review asks about.
fn subject(review: &Value) -> User {
    let spec = &review["spec"];
    let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    User {
        name: spec["user"].as_str().unwrap_or_default().to_owned(),
        uid: spec["uid"].as_str().unwrap_or_default().to_owned(),
        groups,
        extra: serde_json::Map::new(),
    }
}

async fn decision(api: &Api, user: &User, review: &Value) -> Value {
    let spec = &review["spec"];
    let verdict = if spec["nonResourceAttributes"].is_object() {
        let text = |field: &str| spec["nonResourceAttributes"][field].as_str().unwrap_or_default();
        authorize::judge_path(api, user, text("verb"), text("path"))
    } else {
        let text = |field: &str| spec["resourceAttributes"][field].as_str().unwrap_or_default().to_owned();
        let attributes = Attributes {
            verb: text("verb"),
            group: text("group"),
            resource: text("resource"),
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name"),
            node: None,
        };
        authorize::judge(api, user, &attributes).await
    };
    match verdict {
        Verdict::Allowed(why) if why.is_empty() => json!({"allowed": true}),
        Verdict::Allowed(why) => json!({"allowed": true, "reason": why}),
        Verdict::Refused(why) if why.is_empty() => json!({"allowed": false}),
        Verdict::Refused(why) => json!({"allowed": false, "reason": why}),
    }
}

/// The health of etcd, in the old form of component statuses.
async fn component_statuses(api: &Api, call: &Call) -> Answer {
    let (message, healthy) = match api.store.ping().await {
        Ok(()) => ("ok".to_owned(), "True"),
        Err(error) => (error.to_string(), "False"),
    };
    let etcd = json!({"kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": "etcd-0", "creationTimestamp": null},
        "conditions": [{"type": "Healthy", "status": healthy, "message": message}]});
    let (kind, form, include) = (call.kind(), call.accept.form, Include::parse(call.query.get("includeObject")));
    let shown = match call.verb {
        Verb::Get if call.target.name == meta::name(&etcd) => present::object(kind, form, include, etcd),
        Verb::Get => return Err(Status::not_found(kind, &call.target.name)),
        _ => present::list(kind, form, include, json!({}), std::iter::once(etcd)),
    };
    Ok(reply::value(StatusCode::OK, &shown, call.accept))
}
