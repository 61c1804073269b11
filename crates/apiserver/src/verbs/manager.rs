//! Who writes, and what it comes to own: `metadata.managedFields` of what is stored.

use kube_api::managed::{self, After, Comparison, Writer};
use kube_api::status::quote;
use kube_api::{Kind, Status, kinds, schema};
use serde_json::Value;

use crate::api::Call;
use crate::auth::User;
use crate::convert;
use crate::http::query;
use crate::strategy;
use crate::verbs::create::now;

/// A user, and the program by which it writes.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) user: &'a User,
    pub(crate) manager: &'a Manager,
}

/// A program that writes.
pub(crate) struct Manager {
    name: String,
    /// The part of the object that it writes, or nothing.
    subresource: &'static str,
}

impl Manager {
    /// Of a request: the name that the client gives, else that of its program.
    ///
    /// # Errors
    /// Where the name is too long or cannot be printed.
    pub(crate) fn of(call: &Call) -> Result<Self, Status> {
        let subresource = call.target.subresource.map_or("", |subresource| subresource.name);
        let name = match call.query.get("fieldManager") {
            Some(name) => check(name, call.query.options).map(|()| name.to_owned())?,
            None => {
                let agent = call.headers.get(http::header::USER_AGENT).map_or(&b""[..], http::HeaderValue::as_bytes);
                managed::name_of_agent(&String::from_utf8_lossy(agent))
            }
        };
        Ok(Self { name, subresource })
    }

    /// This server itself.
    pub(crate) fn server() -> Self {
        Self { name: "kube-apiserver".to_owned(), subresource: "" }
    }

    /// What is kept of who made the object, in its stored form: the `managedFields` that it gets in place of those that the client
    /// sent. What the server adds after this belongs to nobody.
    pub(crate) fn created(&self, kind: &'static Kind, object: &mut Value) -> After<'static> {
        let given = take(object);
        // a status that is not written here is not the client's
        let skipped: &[&str] = if strategy::owns_status(kind) { &["status"] } else { &[] };
        let compared = |version: &str| {
            let kind = served_as(kind, version)?;
            let ty = schema::of(kind);
            Some(compare(kind, |new| managed::compare(ty, managed::zero(ty), new, skipped), object))
        };
        self.after(kind, &Value::Null, &given, true, compared)
    }

    /// Notes who changed the object, both in their stored form. `given` is the `managedFields` that the client sent.
    pub(crate) fn updated(&self, kind: &'static Kind, given: &Value, old: &Value, new: &mut Value) {
        let compared = |version: &str| {
            let kind = served_as(kind, version)?;
            let ty = schema::of(kind);
            if convert::needed(kind) {
                let old = convert::to_client(kind, old.clone());
                return Some(compare(kind, |new| managed::compare(ty, &old, new, &[]), new));
            }
            Some(managed::compare(ty, old, new, &[]))
        };
        put(new, self.after(kind, managed::of(old), given, false, compared));
    }

    fn after<'v>(
        &self,
        kind: &Kind,
        stored: &'v Value,
        given: &Value,
        new: bool,
        compared: impl FnMut(&str) -> Option<Comparison>,
    ) -> After<'v> {
        let (api_version, time) = (kind.api_version(), now());
        let writer =
            Writer { manager: &self.name, api_version: &api_version, subresource: self.subresource, time: &time };
        managed::after(&writer, stored, given, new, compared)
    }
}

/// The kind as which the objects are served in a version, if they are.
fn served_as(kind: &'static Kind, version: &str) -> Option<&'static Kind> {
    let other = kinds::of(version, kind.kind)?;
    std::ptr::eq(convert::stored_kind(other), convert::stored_kind(kind)).then_some(other)
}

/// Does the comparison with the object as clients of the kind see it.
fn compare(kind: &Kind, with: impl FnOnce(&Value) -> Comparison, object: &Value) -> Comparison {
    if convert::needed(kind) { with(&convert::to_client(kind, object.clone())) } else { with(object) }
}

/// Takes the `managedFields` out of an object.
pub(crate) fn take(object: &mut Value) -> Value {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    metadata.and_then(|metadata| metadata.remove("managedFields")).unwrap_or(Value::Null)
}

/// Puts the `managedFields` into an object.
pub(crate) fn put(object: &mut Value, fields: After<'_>) {
    match fields.into_value() {
        Value::Null => drop(take(object)),
        fields => object["metadata"]["managedFields"] = fields,
    }
}

fn check(name: &str, options: &str) -> Result<(), Status> {
    let (reason, message) = if name.len() > managed::LONGEST_NAME {
        ("FieldValueTooLong", format!("Too long: may not be more than {} bytes", managed::LONGEST_NAME))
    } else if let Some((at, odd)) = name.char_indices().find(|(_, character)| !managed::printable(*character)) {
        let why = format!("invalid character U+{:04X} (at position {at})", u32::from(odd));
        ("FieldValueInvalid", format!("Invalid value: {}: {why}", quote(name)))
    } else {
        return Ok(());
    };
    Err(query::invalid(options, "fieldManager", reason, message))
}
