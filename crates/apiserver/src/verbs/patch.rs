//! Changing a part of an object.

use http_body::Body;
use kube_api::patch::{self, PatchType};
use kube_api::status::Cause;
use kube_api::{Kind, Status, decode, meta};
use serde_json::Value;

use super::manager::{Author, Manager};
use super::modify::{Place, modify};
use super::{create, update};
use crate::api::{Api, Call};
use crate::convert;
use crate::http::accept;
use crate::http::body::{self, BoxError};
use crate::http::query;
use crate::http::reply::{self, Answer};

/// The patches that are taken.
pub(crate) const TAKEN: &[&str] =
    &["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

/// Answers a patch.
pub(crate) async fn answer<B>(api: &Api, call: &Call, body: B) -> Answer
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let patch = Patch::read(call, body).await?;
    let (kind, key) = (call.kind(), call.key());
    let mut warnings = Vec::new();
    let manager = Manager::of(call)?;
    let author = Author { user: &call.user, manager: &manager };
    let place = Place { kind, key: &key, name: &call.target.name };
    let outcome = modify(api, place, call.query.dry_run()?, |old| {
        let new = patch.apply(kind, old, &mut warnings)?;
        let decision = update::decide(api, kind, author, new, old)?;
        warnings.extend(update::advice(kind, &decision, old));
        Ok(decision)
    })
    .await?;
    let mut response = update::show(call, outcome)?;
    reply::warn(&mut response, &warnings);
    Ok(response)
}

/// A patch that came in.
pub(crate) struct Patch {
    patch_type: PatchType,
    body: bytes::Bytes,
    validation: decode::FieldValidation,
}

impl Patch {
    /// Reads a patch.
    pub(crate) async fn read<B>(call: &Call, body: B) -> Result<Self, Status>
    where
        B: Body<Data = bytes::Bytes>,
        B::Error: Into<BoxError>,
    {
        let content_type = accept::content_type(&call.headers).unwrap_or_default();
        if content_type.starts_with("application/apply-patch+") {
            return Err(Status::new(
                415,
                "UnsupportedMediaType",
                "server-side apply (application/apply-patch+yaml) is not served by k8sm yet; use kubectl apply without --server-side",
            ));
        }
        let patch_type = PatchType::from_content_type(&content_type).ok_or_else(|| Status::no_such_patch(TAKEN))?;
        if call.query.given("force").is_some() {
            let message = "Forbidden: may not be specified for non-apply patch".to_owned();
            return Err(query::invalid("PatchOptions", "force", "FieldValueForbidden", message));
        }
        Ok(Self { patch_type, validation: call.query.field_validation()?, body: body::read(body).await? })
    }

    /// The object with the patch applied and checked against its schema.
    pub(crate) fn apply(&self, kind: &'static Kind, old: &Value, warnings: &mut Vec<String>) -> Result<Value, Status> {
        let shown = convert::to_client(kind, old.clone());
        let patched = patch::apply(kind, self.patch_type, &shown, &self.body)?;
        let mut decoded =
            decode::value_of(kind, patched, self.validation).map_err(|status| self.unfit(kind, &shown, &status))?;
        create::name_owners_once(&mut decoded);
        *warnings = decoded.warnings;
        let object = convert::to_storage(kind, decoded.object);
        update::about(kind, meta::name(old), meta::namespace(old), object)
    }

    /// What the patch makes of `object` is none of its kind: the patch is wrong, not the request.
    fn unfit(&self, kind: &Kind, object: &Value, status: &Status) -> Status {
        if status.message.contains("strict decoding error") {
            return status.clone();
        }
        // made anew, for what fits is not kept in two
        let patched = patch::apply(kind, self.patch_type, object, &self.body).unwrap_or_default();
        let restored =
            (self.patch_type == PatchType::Strategic).then(|| decode::unrestorable(kind, &patched)).flatten();
        let why = status.message.split_once(" cannot be handled as a ").and_then(|(_, rest)| rest.split_once(": "));
        let why = why.map_or(status.message.as_str(), |(_, why)| why);
        let why = restored.as_deref().unwrap_or(why);
        let patched = patch::shown(self.patch_type, &self.body, &patched);
        let message = format!("Invalid value: {}: {why}", kube_api::status::quote(&patched));
        let text = format!(" \"\" is invalid: patch: {message}");
        let cause = Cause { reason: "FieldValueInvalid", message, field: "patch".to_owned() };
        Status::new(422, "Invalid", text).with_causes(vec![cause])
    }
}
