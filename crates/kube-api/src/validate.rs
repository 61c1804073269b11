//! The rules of each kind that a schema cannot say, and the errors they give.

pub mod names;

use std::fmt;

use serde_json::Value;

use crate::kinds::Kind;
use crate::status::Cause;

/// One rule that an object breaks. Displays as Kubernetes prints it:
/// `spec.containers[0].image: Required value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The machine-readable cause (`FieldValueInvalid`).
    pub reason: &'static str,
    /// The field's path (`spec.containers[0].image`).
    pub field: String,
    /// The message without the path (`Invalid value: 70000: must be …`).
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl FieldError {
    /// The error as a cause of a `Status`.
    #[must_use]
    pub fn cause(&self) -> Cause {
        Cause { reason: self.reason, message: self.message.clone(), field: self.field.clone() }
    }
}

/// What a new, defaulted object breaks; empty when it may be stored.
#[must_use]
pub fn create(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let _ = (kind, object);
    Vec::new()
}

/// What a defaulted object breaks that takes the place of another; empty when it may be stored.
#[must_use]
pub fn update(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldError> {
    let _ = old;
    create(kind, new)
}

/// The same for a write to `/status`, where only the status (and metadata) may differ.
#[must_use]
pub fn update_status(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldError> {
    let _ = (kind, new, old);
    Vec::new()
}
