//! `scale` of a replication controller: its replicas, in the form that all scalable kinds share.

use http::{Response, StatusCode};
use kube_api::patch::PatchType;
use kube_api::status::Details;
use kube_api::validate::FieldError;
use kube_api::{Kind, Status, meta};
use serde_json::{Value, json};

use crate::api::{Api, Call, Verb};
use crate::http::Incoming;
use crate::http::accept;
use crate::http::body::{self, Body};
use crate::http::reply::{self, Answer};
use crate::present::{self, Include};
use crate::verbs::create::decode_other;
use crate::verbs::manager::{Author, Manager};
use crate::verbs::modify::{Decision, Outcome, Place, modify};
use crate::verbs::{patch, read, update};

/// Answers a request for a scale.
pub(crate) async fn answer(api: &Api, call: &Call, body: Incoming) -> Answer {
    if call.verb == Verb::Get {
        let entry = read::find(api, call).await.map_err(|status| missing(call, status))?;
        return Ok(show(call, &entry.value()));
    }
    let wanted = Wanted::read(call, body).await?;
    let (kind, key) = (call.kind(), call.key());
    let manager = Manager::of(call)?;
    let author = Author { user: &call.user, manager: &manager };
    let place = Place { kind, key: &key, name: &call.target.name };
    let outcome =
        modify(api, place, call.query.dry_run()?, |old| set(api, call, author, &wanted.of(call, old)?, old)).await;
    let outcome = outcome.map_err(|status| missing(call, status))?;
    match outcome {
        Outcome::Stored(entry) => Ok(show(call, &entry.value())),
        Outcome::Removed(_) => Err(Status::not_found(kind, &call.target.name)),
    }
}

/// The controller's scale in the shape that the client asks for.
fn show(call: &Call, rc: &Value) -> Response<Body> {
    let include = Include::parse(call.query.get("includeObject"));
    let shown = present::object(&of_scales(call.kind()), call.accept.form, include, scale(rc));
    reply::value(StatusCode::OK, &shown, call.accept)
}

/// Kubernetes says of a scale that is not there, not of its controller.
fn missing(call: &Call, status: Status) -> Status {
    if status.code != 404 {
        return status;
    }
    let plural = format!("{}/scale", call.kind().plural);
    let (name, group) = (call.target.name.clone(), "autoscaling".to_owned());
    let message = format!("{plural}.{group} {} not found", kube_api::status::quote(&name));
    Status::new(404, "NotFound", message).with_details(Details { name, group, kind: plural, ..Details::default() })
}

/// What a client wants the scale to be.
enum Wanted {
    Whole(Value),
    Patched(PatchType, bytes::Bytes),
}

impl Wanted {
    async fn read(call: &Call, body: Incoming) -> Result<Self, Status> {
        if call.verb != Verb::Patch {
            return Ok(Self::Whole(decode_other(call, "autoscaling/v1.Scale", body).await?));
        }
        let content_type = accept::content_type(&call.headers);
        let patch_type = content_type.and_then(|text| PatchType::from_content_type(&text));
        let patch_type = patch_type.ok_or_else(|| Status::unsupported_media_type(patch::TAKEN))?;
        // a scale has no lists: a strategic patch is a merge patch
        let patch_type = if patch_type == PatchType::Strategic { PatchType::Merge } else { patch_type };
        Ok(Self::Patched(patch_type, body::read(body).await?))
    }

    fn of(&self, call: &Call, old: &Value) -> Result<Value, Status> {
        match self {
            Self::Whole(scale) => Ok(scale.clone()),
            Self::Patched(patch_type, patch) => kube_api::patch::apply(call.kind(), *patch_type, &scale(old), patch),
        }
    }
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

/// The kind that refusals of a scale name.
fn of_scales(kind: &Kind) -> Kind {
    Kind { group: "autoscaling", kind: "Scale", ..*kind }
}

fn set(api: &Api, call: &Call, author: Author<'_>, scale: &Value, old: &Value) -> Result<Decision, Status> {
    let kind = call.kind();
    update::same_object(kind, scale, old)?;
    let replicas = match &scale["spec"]["replicas"] {
        Value::Null => 0,
        value => value.as_i64().ok_or_else(|| Status::bad_request("spec.replicas must be a number"))?,
    };
    if replicas < 0 {
        let message = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        let error = FieldError { reason: "FieldValueInvalid", field: "spec.replicas".to_owned(), message };
        return Err(Status::invalid(&of_scales(kind), meta::name(old), &[error]));
    }
    let mut new = old.clone();
    new["spec"]["replicas"] = replicas.into();
    update::decide(api, kind, author, new, old)
}
