//! Kubernetes' protobuf, `application/vnd.kubernetes.protobuf`: to and from the JSON that this room works on.
//!
//! A body is the magic `k8s\0` and a `runtime.Unknown`: the object's apiVersion and kind, and its message as bytes. What
//! the fields of a message are the schema says ([`crate::schema::Number`]); this module knows the messages whose JSON is
//! no object of their fields: quantities, times, `IntOrString`, raw extensions, maps. A list's message has its metadata
//! as field 1 and the items as field 2, whatever the items are.

mod decode;
mod encode;
mod wire;

use serde_json::{Map, Value};

use crate::schema::{self, Type};
pub use wire::Malformed;
use wire::{Reader, Writer};

/// The media type, without parameters.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8; 4] = b"k8s\0";
/// The group of `PartialObjectMetadata` and its list, which are no types of the schema.
const META_GROUP: &str = "meta.k8s.io/";

/// A `runtime.Unknown`: which kind an object is of, and its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The object's `apiVersion`, or nothing.
    pub api_version: &'a str,
    /// The object's `kind`, or nothing.
    pub kind: &'a str,
    /// The object's message.
    raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads a body's envelope.
    ///
    /// # Errors
    /// A body without the magic, or that is no `runtime.Unknown`.
    pub fn open(body: &'a [u8]) -> Result<Self, Malformed> {
        let prefix =
            || Malformed::new("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
        if body.is_empty() {
            return Err(Malformed::new("empty data"));
        }
        let unknown = body.strip_prefix(MAGIC).ok_or_else(prefix)?;
        if unknown.is_empty() {
            return Err(Malformed::new("empty body"));
        }
        let mut envelope = Self { api_version: "", kind: "", raw: &[] };
        for field in Reader::new(unknown) {
            match field? {
                (1, wire) => {
                    for field in Reader::new(wire.bytes("TypeMeta")?) {
                        match field? {
                            (1, wire) => envelope.api_version = wire.text("APIVersion")?,
                            (2, wire) => envelope.kind = wire.text("Kind")?,
                            _ => {}
                        }
                    }
                }
                (2, wire) => envelope.raw = wire.bytes("Raw")?,
                (3, wire) if !wire.bytes("ContentEncoding")?.is_empty() => {
                    return Err(Malformed::new("the content is encoded"));
                }
                _ => {}
            }
        }
        Ok(envelope)
    }

    /// The object as JSON of that type, without `apiVersion` and `kind`. Fields that the type does not know are left out;
    /// the rest is as a client would have written it in JSON, not yet in the form that is stored.
    ///
    /// # Errors
    /// A message that is cut off, nested too deeply, or has a field of the wrong form.
    pub fn object(&self, ty: &Type) -> Result<Map<String, Value>, Malformed> {
        decode::message(ty, self.raw)
    }
}

/// An object of a type in an envelope of any kind, as JSON with the `apiVersion` and `kind` of the envelope.
///
/// # Errors
/// As [`Envelope::open`] and [`Envelope::object`].
pub fn decode(ty: &Type, body: &[u8]) -> Result<Value, Malformed> {
    let envelope = Envelope::open(body)?;
    let mut object = envelope.object(ty)?;
    for (name, value) in [("apiVersion", envelope.api_version), ("kind", envelope.kind)] {
        if !value.is_empty() {
            object.insert(name.to_owned(), value.into());
        }
    }
    Ok(Value::Object(object))
}

/// An object's message, without an envelope: what [`seal`] and [`list`] take. What does not fit the type is left out.
#[must_use]
pub fn message(ty: &Type, object: &Value) -> Vec<u8> {
    let mut out = Writer::default();
    if let Value::Object(object) = object {
        encode::fields(ty, object, &mut out);
    }
    out.into_bytes()
}

/// A message in its envelope: a whole body.
#[must_use]
pub fn seal(api_version: &str, kind: &str, message: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(message.len() + api_version.len() + kind.len() + 32);
    out.raw(MAGIC);
    out.nested(1, |meta| {
        meta.bytes(1, api_version.as_bytes());
        meta.bytes(2, kind.as_bytes());
    });
    out.bytes(2, message);
    out.bytes(3, b"");
    out.bytes(4, b"");
    out.into_bytes()
}

/// A list of messages in its envelope. `kind` is the list's, `metadata` its JSON.
#[must_use]
pub fn list<'a>(api_version: &str, kind: &str, metadata: &Value, items: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    seal(api_version, kind, &list_message(metadata, items))
}

fn list_message<'a>(metadata: &Value, items: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Writer::default();
    let ty = schema::find("meta/v1.ListMeta").expect("the schema has the metadata of lists");
    out.bytes(1, &message(ty, metadata));
    items.for_each(|item| out.bytes(2, item));
    out.into_bytes()
}

/// Any object that says what it is, in its envelope: of a kind of the schema, a list of such, or partial metadata; nothing
/// for what has no protobuf form (`Table`).
#[must_use]
pub fn object(object: &Value) -> Option<Vec<u8>> {
    let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    if let Some(ty) = schema::named(api_version, kind) {
        return Some(seal(api_version, kind, &message(ty, object)));
    }
    let item = |item: &Value| match schema::named(api_version, kind.strip_suffix("List")?) {
        Some(ty) => Some(message(ty, item)),
        None if api_version.starts_with(META_GROUP) => partial(item),
        None => None,
    };
    if let Some(items) = object["items"].as_array().filter(|_| kind.ends_with("List")) {
        let items: Vec<Vec<u8>> = items.iter().map(item).collect::<Option<_>>()?;
        return Some(list(api_version, kind, &object["metadata"], items.iter().map(Vec::as_slice)));
    }
    let partial =
        if api_version.starts_with(META_GROUP) && kind == "PartialObjectMetadata" { partial(object) } else { None };
    Some(seal(api_version, kind, &partial?))
}

/// The message of a `PartialObjectMetadata`.
fn partial(object: &Value) -> Option<Vec<u8>> {
    let ty = schema::find("meta/v1.ObjectMeta")?;
    let mut out = Writer::default();
    out.bytes(1, &message(ty, &object["metadata"]));
    Some(out.into_bytes())
}

/// One event of a watch (`application/vnd.kubernetes.protobuf;stream=watch`): its length as four bytes, the greatest
/// first, and a `WatchEvent`, which has no envelope of its own. `object` is the object in its envelope.
///
/// # Panics
/// For objects of 4 GiB, which no storage holds.
#[must_use]
pub fn event(event: &str, object: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(object.len() + 32);
    out.raw(&[0; 4]);
    out.bytes(1, event.as_bytes());
    out.nested(2, |extension| extension.bytes(1, object));
    let mut frame = out.into_bytes();
    let length = u32::try_from(frame.len() - 4).expect("an object is smaller than 4 GiB");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests;
