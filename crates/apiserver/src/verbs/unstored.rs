//! Kinds that are asked and not kept: reviews, component statuses, bindings.

use std::sync::Arc;

use http::StatusCode;
use http_body::Body;
use kube_api::{Status, meta};
use serde_json::{Value, json};

use super::create;
use super::manager::{self, Manager};
use crate::api::{Api, Call, Verb};
use crate::http::body::BoxError;
use crate::http::reply::{self, Answer};
use crate::present::{self, Include};
use crate::subresource::binding;
use crate::{auth, authorize};

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
    if call.kind().kind != "Binding" {
        let fields = Manager::of(&call)?.created(call.kind(), &mut review);
        manager::put(&mut review, fields);
    }
    let status = match call.kind().kind {
        "Binding" => return binding::bind(&api, &call, &review).await,
        "SelfSubjectReview" => json!({"userInfo": auth::review::info(&call.user)}),
        "TokenReview" => auth::review::token(&api, &review)?,
        "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            authorize::review::access(&api, &call, &mut review).await?
        }
        "SelfSubjectRulesReview" => authorize::review::rules(&api, &call.user, &review)?,
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
