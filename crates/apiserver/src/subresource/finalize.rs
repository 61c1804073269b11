//! A namespace's finalizers: when the last is gone, a namespace that is being deleted is.

use hyper::body::Incoming;
use kube_api::Status;
use serde_json::Value;

use crate::api::{Api, Call};
use crate::http::reply::Answer;
use crate::verbs::create::{decode_body, no_claims};
use crate::verbs::manager::Manager;
use crate::verbs::modify::{Place, modify};
use crate::verbs::update::{finish, named, same_object, show};

/// Takes over `spec.finalizers` alone.
pub(crate) async fn finalize(api: &Api, call: &Call, body: Incoming) -> Answer {
    let object = named(call, decode_body(call, body).await?.object)?;
    let (kind, key) = (call.kind(), call.key());
    let manager = Manager::of(call)?;
    let place = Place { kind, key: &key, name: &call.target.name };
    let outcome = modify(api, place, call.query.dry_run()?, |old| {
        same_object(kind, &object, old)?;
        let mut new = old.clone();
        let finalizers = object["spec"].get("finalizers").cloned().unwrap_or_else(|| serde_json::json!([]));
        if !finalizers.is_array() {
            return Err(Status::bad_request("spec.finalizers must be a list"));
        }
        if finalizers.as_array().is_some_and(Vec::is_empty) {
            if let Some(spec) = new["spec"].as_object_mut() {
                spec.remove("finalizers");
            }
        } else {
            new["spec"]["finalizers"] = finalizers;
        }
        manager.updated(kind, &Value::Null, old, &mut new);
        Ok(finish(kind, new, no_claims()))
    })
    .await?;
    show(call, outcome)
}
