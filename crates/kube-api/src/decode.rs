//! From the bytes of a request to an object that fits its kind's schema.

mod conform;
pub mod depth;
mod duplicates;
mod key;
mod restore;
mod strict;
mod syntax;
pub mod yaml;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::kinds::{self, Kind};
use crate::protobuf::Envelope;
use crate::schema;
use crate::status::{Status, quote};
use strict::Duplicates;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

/// What to do about unknown and duplicate fields: the `fieldValidation` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// Drop them silently.
    Ignore,
    /// Drop them, and say so in warnings.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

impl FieldValidation {
    /// The value of a `fieldValidation` parameter, empty for the default.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Warn" => Some(Self::Warn),
            "Ignore" => Some(Self::Ignore),
            "Strict" => Some(Self::Strict),
            _ => None,
        }
    }
}

/// An object that fits its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The object, with `apiVersion` and `kind` set, without unknown fields, in canonical form.
    pub object: Value,
    /// What the `Warning` headers say.
    pub warnings: Vec<String>,
}

/// Parses a body that must hold one object of the kind.
///
/// # Errors
/// `BadRequest`, worded as Kubernetes does, for bytes that are no object of this kind.
pub fn object(kind: &Kind, format: Format, body: &[u8], validation: FieldValidation) -> Result<Decoded, Status> {
    object_of(kind.group, kind.version, kind.kind, kind.schema, format, body, validation)
}

/// The same for the kind of a subresource (`Scale`, `Binding`, `DeleteOptions`…), by its type in the schema.
///
/// # Errors
/// As [`object`]; `NotFound` for a type that the schema lacks.
pub fn typed(schema: &str, format: Format, body: &[u8], validation: FieldValidation) -> Result<Decoded, Status> {
    let ty = schema::find(schema).ok_or_else(Status::no_such_path)?;
    object_of(ty.package.group, ty.package.version(), ty.name, schema, format, body, validation)
}

fn object_of(
    group: &str,
    version: &str,
    kind: &str,
    schema: &str,
    format: Format,
    body: &[u8],
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let unrecognized = |why: String| {
        let shown = summary(body);
        Status::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})"))
    };
    if format == Format::Protobuf {
        let envelope = Envelope::open(body).map_err(|error| unrecognized(error.to_string()))?;
        return object_in(group, version, kind, schema, &envelope, validation);
    }
    let (mut map, duplicates) = parse(format, body).map_err(unrecognized)?;
    if let (Format::Yaml, Some(ty)) = (format, schema::find(schema)) {
        yaml::as_of_1_1(ty, &mut map);
    }
    check_kind(group, version, kind, &map).map_err(|why| match why {
        Mismatch::Unreadable(why) => unrecognized(why),
        Mismatch::Other(status) => status,
    })?;
    finish(group, version, kind, schema, map, duplicates, validation)
}

/// The fields of a body in JSON or YAML that may be of any kind; none for `null`.
///
/// # Errors
/// Why it is no object, in Kubernetes' words.
pub fn map(format: Format, body: &[u8]) -> Result<Map<String, Value>, String> {
    parse(format, body).map(|(map, _)| map)
}

/// The same, with the fields that are there twice.
fn parse(format: Format, body: &[u8]) -> Result<(Map<String, Value>, Duplicates<'_>), String> {
    let text = String::from_utf8_lossy(body);
    let (value, duplicates) = match format {
        Format::Yaml if matches!(text, Cow::Owned(_)) => return Err("yaml: invalid leading UTF-8 octet".to_owned()),
        Format::Yaml if depth::exceeded(&text) => {
            return Err(format!("yaml: exceeded max depth of {}", depth::LIMIT));
        }
        Format::Yaml => {
            let (value, keys) = duplicates::yaml(&text).map_err(|error| format!("yaml: {error}"))?;
            (value, Duplicates::Yaml(keys, body))
        }
        Format::Json | Format::Protobuf => {
            let read = json(&text).map_err(|why| format!("couldn't get version/kind; json parse error: {why}"));
            let (value, paths) = read?;
            (value, Duplicates::Json(paths, body))
        }
    };
    match value {
        Value::Object(map) => Ok((map, duplicates)),
        Value::Null => Ok((Map::new(), Duplicates::None)),
        other => {
            let found = json_type(&other);
            Err(format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct \
                 {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
            ))
        }
    }
}

/// The value of a JSON text, and the paths of its duplicate keys. What is deeper than any object is null.
///
/// # Errors
/// Why it is no JSON, in Go's words.
pub(crate) fn json(text: &str) -> Result<(Value, Vec<String>), String> {
    duplicates::json(text).map_err(|error| syntax::explain(text).unwrap_or_else(|| error.to_string()))
}

/// The object in an envelope that must hold one of the kind.
fn object_in(
    group: &str,
    version: &str,
    kind: &str,
    schema: &str,
    envelope: &Envelope<'_>,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let mut names = Map::new();
    names.insert("apiVersion".to_owned(), envelope.api_version.into());
    names.insert("kind".to_owned(), envelope.kind.into());
    check_kind(group, version, kind, &names).map_err(|why| match why {
        Mismatch::Unreadable(why) => Status::bad_request(why),
        Mismatch::Other(status) => status,
    })?;
    let ty = schema::find(schema).ok_or_else(Status::no_such_path)?;
    let object = envelope.object(ty).map_err(|error| {
        Status::bad_request(format!("{kind} in version {} cannot be handled as a {kind}: {error}", quote(version)))
    })?;
    finish(group, version, kind, schema, object, Duplicates::default(), validation)
}

/// The same for a value that is parsed already (a patched object): drops unknown fields and checks types.
///
/// # Errors
/// `BadRequest` for a value that does not fit the kind's schema.
pub fn value_of(kind: &Kind, value: Value, validation: FieldValidation) -> Result<Decoded, Status> {
    let Value::Object(map) = value else {
        return Err(Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {})",
            kind.kind
        )));
    };
    check_kind(kind.group, kind.version, kind.kind, &map).map_err(|why| match why {
        Mismatch::Unreadable(why) => Status::bad_request(why),
        Mismatch::Other(status) => status,
    })?;
    finish(kind.group, kind.version, kind.kind, kind.schema, map, Duplicates::default(), validation)
}

/// Why a strategic merge patch's result does not fit the kind's schema, in the words that Kubernetes has for that alone; nothing
/// where it has none.
#[must_use]
pub fn unrestorable(kind: &Kind, patched: &Value) -> Option<String> {
    restore::mismatch(schema::of(kind), patched)
}

fn finish(
    group: &str,
    version: &str,
    kind: &str,
    schema: &str,
    map: Map<String, Value>,
    duplicates: Duplicates<'_>,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let refused = |why: &str| {
        Status::bad_request(format!("{kind} in version {} cannot be handled as a {kind}: {why}", quote(version)))
    };
    let ty = schema::find(schema).ok_or_else(Status::no_such_path)?;
    let mut object = Value::Object(map);
    let unknown = conform::conform(ty, &mut object).map_err(|why| refused(&why))?;
    object["apiVersion"] = kinds::api_version(group, version).into();
    object["kind"] = kind.into();
    if validation == FieldValidation::Ignore {
        return Ok(Decoded { object, warnings: Vec::new() });
    }
    let errors = duplicates.errors(unknown);
    if validation == FieldValidation::Strict && !errors.is_empty() {
        return Err(refused(&errors.to_string()));
    }
    Ok(Decoded { object, warnings: errors.warnings() })
}

enum Mismatch {
    /// `apiVersion` or `kind` cannot be read.
    Unreadable(String),
    /// It is an object of another kind.
    Other(Status),
}

/// Checks that the object is of the kind, where it says what it is.
fn check_kind(group: &str, version: &str, kind: &str, map: &Map<String, Value>) -> Result<(), Mismatch> {
    let read = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(Mismatch::Unreadable(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{key} of \
             type string",
            json_type(other)
        ))),
    };
    let (their_version, their_kind) = (read("apiVersion")?, read("kind")?);
    let ours = kinds::api_version(group, version);
    let same_version = their_version.is_empty() || their_version == ours;
    if same_version && (their_kind.is_empty() || their_kind == kind) {
        return Ok(());
    }
    let their_version = if their_version.is_empty() { ours.clone() } else { their_version };
    let their_kind = if their_kind.is_empty() { kind.to_owned() } else { their_kind };
    if their_version.matches('/').count() > 1 {
        return Err(Mismatch::Unreadable(format!("unexpected GroupVersion string: {their_version}")));
    }
    let known = |name: &str| kinds::of(&their_version, name).is_some();
    if !known(&their_kind) && !their_kind.strip_suffix("List").is_some_and(known) {
        let why = format!(
            "{their_kind} in version {0} cannot be handled as a {kind}: no kind {1} is registered for version {2} in \
             scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
            quote(their_version.rsplit('/').next().unwrap_or_default()),
            quote(&their_kind),
            quote(&their_version),
        );
        return Err(Mismatch::Other(Status::bad_request(why)));
    }
    let why = if same_version {
        let internal = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
        format!(
            "{their_kind} in version {} cannot be handled as a {kind}: converting ({version}.{their_kind}) to \
             ({internal}.{kind}): unknown conversion",
            quote(version)
        )
    } else {
        format!("the API version in the data ({their_version}) does not match the expected API version ({ours})")
    };
    Err(Mismatch::Other(Status::bad_request(why)))
}

/// Why a text is no JSON, in Go's words; nothing if it is.
#[must_use]
pub fn json_error(text: impl AsRef<[u8]>) -> Option<String> {
    syntax::explain(text)
}

pub(crate) use conform::json_type;

/// Checks that a text is a time as objects and parameters have it.
///
/// # Errors
/// Why it is none, in Go's words.
pub fn time(text: &str) -> Result<(), String> {
    conform::time(text)
}

/// The beginning of a body, as Kubernetes shows it in messages: what may be JSON as text, all else in hex.
fn summary(body: &[u8]) -> String {
    const SHOWN: usize = 30;
    if body.is_empty() {
        return "<empty>".to_owned();
    }
    let (shown, rest) = if body.len() > SHOWN { (&body[..SHOWN], " ...") } else { (body, "") };
    if body[0] == b'{' {
        return format!("{}{rest}", String::from_utf8_lossy(shown));
    }
    let hex: String = shown.iter().map(|b| format!("{b:02x}")).collect();
    format!("{hex}{rest}")
}

#[cfg(test)]
mod tests;
