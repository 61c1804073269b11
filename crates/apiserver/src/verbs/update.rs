//! Replacing an object.

use http::StatusCode;
use http_body::Body;
use kube_api::decode::Decoded;
use kube_api::status::quote;
use kube_api::validate::FieldError;
use kube_api::{Kind, Status, meta, validate};
use serde_json::Value;

use super::manager::{self, Author, Manager};
use super::modify::{Decision, Outcome, Place, modify};
use super::{create, read};
use crate::admission::{self, Review, resource_quota};
use crate::api::{Api, Call, Verb};
use crate::authorize::{self, Attributes, escalation};
use crate::convert;
use crate::http::body::BoxError;
use crate::http::reply::{self, Answer};
use crate::service;
use crate::strategy;

/// Answers an update.
pub(crate) async fn answer<B>(api: &Api, call: &Call, body: B) -> Answer
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let kind = call.kind();
    let Decoded { object, mut warnings } = create::decode_body(call, body).await?;
    let object = named(call, convert::to_storage(kind, object))?;
    let (key, dry) = (call.key(), call.query.dry_run()?);
    let place = Place { kind, key: &key, name: &call.target.name };
    let manager = Manager::of(call)?;
    let author = Author { user: &call.user, manager: &manager };
    let mut advised = Vec::new();
    let outcome = modify(api, place, dry, |old| {
        let decision = decide(api, kind, author, object.clone(), old)?;
        advised = advice(kind, &decision, old);
        Ok(decision)
    })
    .await;
    let mut response = match outcome {
        Err(status) if status.code == 404 && creates(kind, &object) => {
            // whoever may replace objects may not for that make them
            let making = Attributes { verb: Verb::Create.name().to_owned(), ..Attributes::of(call) };
            authorize::resource(api, &call.user, &making).await?;
            let created = create::create(api, kind, &call.target.namespace, object, author, dry).await?;
            advised = created.advice;
            read::object(call, StatusCode::CREATED, &created.entry)?
        }
        outcome => show(call, outcome?)?,
    };
    warnings.append(&mut advised);
    reply::warn(&mut response, &warnings);
    Ok(response)
}

/// What an object is advised against that is to take the place of `old`.
pub(crate) fn advice(kind: &Kind, decision: &Decision, old: &Value) -> Vec<String> {
    match decision {
        Decision::Put(new, _) => validate::warnings(kind, new, Some(old)),
        Decision::Remove { .. } | Decision::Keep => Vec::new(),
    }
}

/// The object as an answer, also where the update was what its deletion waited for.
pub(crate) fn show(call: &Call, outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Stored(entry) => read::object(call, StatusCode::OK, &entry),
        Outcome::Removed(last) => read::value(call, StatusCode::OK, last),
    }
}

fn creates(kind: &Kind, object: &Value) -> bool {
    strategy::created_on_update(kind)
        && matches!(meta::resource_version(object), "" | "0")
        && meta::uid(object).is_empty()
}

/// Checks that the body is about the object that the path names.
pub(crate) fn named(call: &Call, object: Value) -> Result<Value, Status> {
    about(call.kind(), &call.target.name, &call.target.namespace, object)
}

/// Checks that an object is the one of that name and namespace, and puts it there where it does not say.
pub(crate) fn about(kind: &Kind, name: &str, namespace: &str, mut object: Value) -> Result<Value, Status> {
    if meta::name(&object).is_empty() {
        let why = "name must be provided";
        return Err(Status::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: {why}"
        )));
    }
    if meta::name(&object) != name {
        let message =
            format!("the name of the object ({}) does not match the name on the URL ({name})", meta::name(&object));
        return Err(Status::bad_request(message));
    }
    if kind.namespaced {
        let given = meta::namespace(&object);
        if !given.is_empty() && given != namespace {
            return Err(Status::bad_request(format!(
                "the namespace of the object ({given}) does not match the namespace on the request ({namespace})"
            )));
        }
        object["metadata"]["namespace"] = namespace.into();
    }
    Ok(object)
}

/// What becomes of `old` when a client wants it to be `new`.
pub(crate) fn decide(
    api: &Api,
    kind: &'static Kind,
    Author { user, manager }: Author<'_>,
    mut new: Value,
    old: &Value,
) -> Result<Decision, Status> {
    let name = meta::name(old).to_owned();
    same_object(kind, &new, old)?;
    let given = manager::take(&mut new);
    let namespace = meta::namespace(old).to_owned();
    let review = Review { api, kind, user, namespace: &namespace, old: Some(old), subresource: "" };
    service::carry_over(kind, &mut new, old);
    strategy::before_update(kind, &mut new, old);
    admission::amend(&review, old, &mut new);
    kube_api::defaults::apply(convert::stored_kind(kind), &mut new);
    kube_api::defaults::stored(kind, &mut new);
    strategy::count_change(kind, &mut new, old);
    manager.updated(kind, &given, old, &mut new);
    escalation::check(api, user, kind, &new, Some(old))?;
    let errors = validate::update(kind, &new, old);
    if !errors.is_empty() {
        return Err(Status::invalid(kind, &name, &errors));
    }
    admission::validate(&review, &new)?;
    let mut claims = service::claim_changed(api, kind, &mut new, old)?;
    claims.beside = resource_quota::change(&review, &new)?.writes();
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
    Ok(finish(kind, new, claims))
}

/// Refuses an update that was made from another version of the object, or for another object.
pub(crate) fn same_object(kind: &Kind, new: &Value, old: &Value) -> Result<(), Status> {
    let (version, uid, name) = (meta::resource_version(new), meta::uid(new), meta::name(old));
    if !uid.is_empty() && uid != meta::uid(old) {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", meta::uid(old));
        return Err(Status::conflict(kind, name, &why));
    }
    let unsaid = matches!(version, "" | "0");
    if unsaid && strategy::version_needed(kind) {
        return Err(no_version(kind, name));
    }
    if !unsaid && version != meta::resource_version(old) {
        if version.parse::<u64>().is_err() {
            return Err(Status::bad_request(format!("invalid resourceVersion {}", quote(version))));
        }
        return Err(Status::modified(kind, name));
    }
    Ok(())
}

/// The update must say what it was made from. Kubernetes names the resource here where it names the kind elsewhere.
fn no_version(kind: &Kind, name: &str) -> Status {
    let error = FieldError {
        reason: "FieldValueInvalid",
        field: "metadata.resourceVersion".to_owned(),
        message: "Invalid value: 0x0: must be specified for an update".to_owned(),
    };
    Status::invalid(&Kind { kind: kind.plural, ..*kind }, name, &[error])
}

/// An object that is being deleted and waits for nothing any more goes, instead of being stored once more.
pub(crate) fn finish(kind: &Kind, new: Value, claims: crate::storage::Claims) -> Decision {
    let waits = meta::finalizers(&new).next().is_some()
        || new["metadata"]["deletionGracePeriodSeconds"].as_u64().is_some_and(|seconds| seconds > 0)
        || (kind.kind == "Namespace" && new["spec"]["finalizers"].as_array().is_some_and(|all| !all.is_empty()));
    if meta::deleting(&new) && !waits {
        let release = [claims.release, service::held(kind, &new)].concat();
        return Decision::Remove { last: new, release };
    }
    Decision::Put(new, claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    #[test]
    fn a_lease_is_replaced_in_a_version_that_is_named() {
        let of = |version: &str| json!({"metadata": {"name": "l", "resourceVersion": version}});
        let leases = kinds::find("coordination.k8s.io", "v1", "leases").unwrap();
        for version in ["", "0"] {
            let refusal = same_object(leases, &of(version), &of("5")).unwrap_err();
            let why = "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be \
                       specified for an update";
            assert_eq!((refusal.code, refusal.message.as_str()), (422, why));
        }
        assert!(same_object(leases, &of("5"), &of("5")).is_ok());
        let maps = kinds::find("", "v1", "configmaps").unwrap();
        assert!(same_object(maps, &of(""), &of("5")).is_ok());
        assert_eq!(same_object(maps, &of("4"), &of("5")).unwrap_err().reason, "Conflict");
    }
}
