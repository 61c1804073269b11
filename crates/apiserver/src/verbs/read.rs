//! Reading one object, and lists.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use kube_api::decode::Format;
use kube_api::status::quote;
use kube_api::{Kind, Status, protobuf};
use serde_json::{Value, json};

use super::page::Continue;
use crate::api::{Api, Call, refuse};
use crate::convert;
use crate::http::accept::Form;
use crate::http::body::{Body, ListBody};
use crate::http::indent::Indentable;
use crate::http::query;
use crate::http::reply::{self, Answer};
use crate::present::{self, Include};
use crate::selection::Selection;
use crate::storage::{Entry, Listing, Range, StorageError};

/// One object.
pub(crate) async fn get(api: &Api, call: &Call) -> Answer {
    let entry = find(api, call).await?;
    object(call, StatusCode::OK, &entry)
}

/// The object that the call names, as fresh as it asks for.
pub(crate) async fn find(api: &Api, call: &Call) -> Result<Arc<Entry>, Status> {
    let (kind, name) = (call.kind(), call.target.name.as_str());
    match call.query.resource_version()? {
        None => drop(api.store.consistent().await.map_err(|error| refuse(kind, name, error))?),
        Some(revision) => api.store.reached(revision).await.map_err(|error| refuse(kind, name, error))?,
    }
    let shelf = api.store.shelf(kind.plural).ok_or_else(Status::no_such_path)?;
    shelf.get(&call.key()).ok_or_else(|| Status::not_found(kind, name))
}

/// An object as an answer, in the form and format agreed on. Plain JSON is the stored bytes themselves; an object's protobuf
/// message is made once.
pub(crate) fn object(call: &Call, code: StatusCode, entry: &Entry) -> Answer {
    let (kind, accept) = (call.kind(), call.accept);
    let plain = accept.form == Form::Object && !convert::needed(kind);
    match accept.format {
        Format::Json if plain => Ok(reply::json(code, entry.line().clone(), accept)),
        Format::Protobuf if plain => {
            let sealed = protobuf::seal(&kind.api_version(), kind.kind, entry.message(kind));
            Ok(reply::protobuf(code, sealed, accept))
        }
        _ => value(call, code, entry.value()),
    }
}

/// A stored object that is decoded already, as an answer.
pub(crate) fn value(call: &Call, code: StatusCode, object: Value) -> Answer {
    let include = Include::parse(call.query.get("includeObject"));
    let object = convert::to_client(call.kind(), object);
    Ok(reply::value(code, &present::object(call.kind(), call.accept.form, include, object), call.accept))
}

/// A list.
pub(crate) async fn list(api: &Api, call: &Call) -> Answer {
    let (kind, selection) = (call.kind(), Selection::parse(call.kind(), &call.query, "")?);
    let limit = call.query.limit()?;
    let listing = select(api, call, &selection, limit).await.map_err(|error| match error {
        Refusal::Status(status) => status,
        Refusal::Storage(StorageError::Compacted) if call.query.get("continue").is_some() => expired_continue(call),
        Refusal::Storage(error) => refuse(kind, "", error),
    })?;
    let mut meta = json!({"resourceVersion": listing.revision.to_string()});
    if let Some((last, _)) = listing.objects.last().filter(|_| listing.remaining > 0) {
        meta["continue"] = Continue { revision: listing.revision, after: last.to_string() }.encode().into();
        if selection.is_everything() {
            meta["remainingItemCount"] = listing.remaining.into();
        }
    }
    let entries = listing.objects.into_iter().map(|(_, entry)| entry).collect();
    Ok(answer(call, &meta, entries))
}

enum Refusal {
    Status(Status),
    Storage(StorageError),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// The objects that are asked for: the first `limit` of them, and how many remain at least.
async fn select(api: &Api, call: &Call, selection: &Selection, limit: Option<usize>) -> Result<Listing, Refusal> {
    let (store, resource, prefix) = (&api.store, call.kind().plural, call.prefix());
    let version = call.query.resource_version()?;
    let continued = call.query.get("continue").is_some();
    let exact = match call.query.get("resourceVersionMatch") {
        None => limit.is_some() && version.is_some_and(|version| version > 0),
        Some(_) if continued => return Err(match_forbidden("continue").into()),
        Some(_) if version.is_none() => return Err(match_forbidden("").into()),
        Some("NotOlderThan") => false,
        Some("Exact") if version == Some(0) => return Err(match_forbidden("exact 0").into()),
        Some("Exact") => true,
        Some(other) => return Err(match_forbidden(other).into()),
    };
    if call.query.get("sendInitialEvents").is_some() {
        let why = "Forbidden: sendInitialEvents is forbidden for list".to_owned();
        return Err(query::invalid("ListOptions", "sendInitialEvents", "FieldValueForbidden", why).into());
    }
    if continued && version.is_some_and(|version| version > 0) {
        let why = "specifying resource version is not allowed when using continue";
        return Err(Status::bad_request(why).into());
    }
    let token = call.query.get("continue").map(|token| Continue::decode(token, &prefix)).transpose()?;
    let after = token.as_ref().map(|token| token.after.as_str());
    let at = match &token {
        Some(token) => Some(token.revision).filter(|&revision| revision > 0),
        None => version.filter(|_| exact),
    };
    let meant = |entry: &Entry| selection.matches(entry);
    let range = Range { prefix: &prefix, after, limit, meant: &meant };
    if let Some(revision) = at {
        return Ok(store.list_at(resource, &range, revision).await?);
    }
    match version {
        None => drop(store.consistent().await?),
        Some(version) => store.reached(version).await?,
    }
    Ok(store.list(resource, &range).ok_or(StorageError::NotFound)?)
}

/// The list as an answer. Plain JSON is written from the stored bytes.
fn answer(call: &Call, meta: &Value, entries: Vec<Arc<Entry>>) -> Response<Body> {
    let (kind, accept) = (call.kind(), call.accept);
    let plain = accept.form == Form::Object && !convert::needed(kind);
    if accept.format == Format::Protobuf && plain {
        let items = entries.iter().map(|entry| entry.message(kind));
        let sealed = protobuf::list(&kind.api_version(), &kind.list_kind(), meta, items);
        return reply::protobuf(StatusCode::OK, sealed, accept);
    }
    if accept.format == Format::Json && plain {
        let body = ListBody::new(head(kind, meta), entries);
        if accept.gzip && http_body::Body::size_hint(&body).lower() >= (128 << 10) {
            return reply::compressed(body);
        }
        let mut response = Response::new(body.boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.extensions_mut().insert(Indentable);
        return response;
    }
    let include = Include::parse(call.query.get("includeObject"));
    let objects = entries.iter().map(|entry| convert::to_client(kind, entry.value()));
    reply::value(StatusCode::OK, &present::list(kind, accept.form, include, meta.clone(), objects), accept)
}

/// A list's beginning, up to its items.
fn head(kind: &Kind, meta: &Value) -> Bytes {
    let (list, version) = (kind.list_kind(), kind.api_version());
    format!(r#"{{"kind":"{list}","apiVersion":"{version}","metadata":{meta},"items":["#).into()
}

fn match_forbidden(what: &str) -> Status {
    let (reason, why) = match what {
        "continue" => {
            ("FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden when continue is provided".to_owned())
        }
        "" => (
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided".to_owned(),
        ),
        "exact 0" => (
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"".to_owned(),
        ),
        other => {
            let supported = "supported values: \"Exact\", \"NotOlderThan\", \"\"";
            ("FieldValueNotSupported", format!("Unsupported value: {}: {supported}", quote(other)))
        }
    };
    query::invalid("ListOptions", "resourceVersionMatch", reason, why)
}

/// The list as it was is not known any more; its rest, as it is now, can be had.
fn expired_continue(call: &Call) -> Status {
    let token = call.query.get("continue").and_then(|token| Continue::decode(token, &call.prefix()).ok());
    let now = token.map(|token| Continue { revision: 0, ..token }.encode());
    let expired = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the \
         continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing \
         with the provided token results in an inconsistent list - objects that were created, modified, or deleted between \
         the time the first chunk was returned and now may show up in the list.",
    );
    Status { continue_token: now.unwrap_or_default(), ..expired }
}
