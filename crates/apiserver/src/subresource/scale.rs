//! `scale` of a replication controller: its replicas, in the form that all scalable kinds share.

use http::StatusCode;
use hyper::body::Incoming;
use kube_api::patch::{self, PatchType};
use kube_api::validate::FieldError;
use kube_api::{Kind, Status, meta};
use serde_json::{Value, json};

use crate::api::{Api, Call, Verb};
use crate::http::accept;
use crate::http::body;
use crate::http::reply::{self, Answer};
use crate::verbs::modify::{Decision, Outcome, Place, modify};
use crate::verbs::{read, update};
use kube_api::decode::Format;

/// Answers a request for a scale.
pub(crate) async fn answer(api: &Api, call: &Call, body: Incoming) -> Answer {
    if call.verb == Verb::Get {
        let entry = read::find(api, call).await?;
        return Ok(reply::value(StatusCode::OK, &scale(&entry.value()), call.accept));
    }
    let patch_type = accept::content_type(&call.headers).and_then(|text| PatchType::from_content_type(&text));
    let format = if call.verb == Verb::Patch { Format::Json } else { accept::body_format(&call.headers)? };
    let bytes = body::read(body).await?;
    let wanted = |old: &Value| -> Result<Value, Status> {
        match (call.verb, patch_type) {
            (Verb::Patch, Some(patch_type)) => patch::apply(call.kind(), plain(patch_type), &scale(old), &bytes),
            (Verb::Patch, None) => Err(Status::unsupported_media_type(&["application/merge-patch+json"])),
            _ => parse(format, &bytes),
        }
    };
    let (kind, key) = (call.kind(), call.key());
    let place = Place { kind, key: &key, name: &call.target.name };
    let outcome = modify(api, place, call.query.dry_run()?, |old| set(api, kind, &wanted(old)?, old)).await?;
    match outcome {
        Outcome::Stored(entry) => Ok(reply::value(StatusCode::OK, &scale(&entry.value()), call.accept)),
        Outcome::Removed(_) => Err(Status::not_found(kind, &call.target.name)),
    }
}

/// A scale has no lists: a strategic patch is a merge patch.
fn plain(patch_type: PatchType) -> PatchType {
    if patch_type == PatchType::Strategic { PatchType::Merge } else { patch_type }
}

fn parse(format: Format, bytes: &[u8]) -> Result<Value, Status> {
    let bad = |why: String| Status::bad_request(format!("the body is no Scale: {why}"));
    let value: Value = match format {
        Format::Json => serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?,
        Format::Yaml => serde_yaml::from_slice(bytes).map_err(|error| bad(error.to_string()))?,
    };
    if value.is_object() { Ok(value) } else { Err(bad("it is no object".to_owned())) }
}

/// The controller's scale.
fn scale(rc: &Value) -> Value {
    let mut metadata = json!({"name": rc["metadata"]["name"], "namespace": rc["metadata"]["namespace"],
        "uid": rc["metadata"]["uid"], "resourceVersion": rc["metadata"]["resourceVersion"],
        "creationTimestamp": rc["metadata"]["creationTimestamp"]});
    if let Some(fields) = metadata.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let selector: Vec<String> = rc["spec"]["selector"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {"replicas": rc["spec"]["replicas"].as_u64().unwrap_or(0)},
        "status": {"replicas": rc["status"]["replicas"].as_u64().unwrap_or(0), "selector": selector.join(",")}})
}

fn set(api: &Api, kind: &'static Kind, scale: &Value, old: &Value) -> Result<Decision, Status> {
    update::same_object(kind, scale, old)?;
    let replicas = match &scale["spec"]["replicas"] {
        Value::Null => 0,
        value => value.as_i64().ok_or_else(|| Status::bad_request("spec.replicas must be a number"))?,
    };
    if replicas < 0 {
        let message = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        let error = FieldError { reason: "FieldValueInvalid", field: "spec.replicas".to_owned(), message };
        return Err(Status::invalid(kind, meta::name(old), &[error]));
    }
    let mut new = old.clone();
    new["spec"]["replicas"] = replicas.into();
    update::decide(api, kind, new, old)
}
