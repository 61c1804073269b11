//! Eviction: deleting a pod as one who asks, not as one who may. Nothing here forbids it: disruption budgets are not served.

use http::StatusCode;
use kube_api::Status;
use serde_json::json;

use crate::admission;
use crate::api::{Api, Call};
use crate::http::Incoming;
use crate::http::reply::{self, Answer};
use crate::verbs::create::decode_other;
use crate::verbs::delete::{Options, delete};

/// Evicts the pod.
pub(crate) async fn evict(api: &Api, call: &Call, body: Incoming) -> Answer {
    let eviction = decode_other(call, "policy/v1.Eviction", body).await?;
    admission::check_namespace(api, call.kind(), &call.target.namespace, &call.target.name).await?;
    if kube_api::meta::name(&eviction) != call.target.name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut options = Options { dry: call.query.dry_run()?, ..Options::default() };
    if eviction["deleteOptions"].is_object() {
        options.merge(&eviction["deleteOptions"])?;
    }
    delete(api, call.kind(), &call.key(), &call.target.name, &options).await?;
    let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(reply::value(StatusCode::CREATED, &done, call.accept))
}
