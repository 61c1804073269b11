//! What is wrong with a field, in Kubernetes' words.

use std::fmt;

use serde_json::Value;

use super::tree::Node;
use crate::status::{Cause, quote};

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
    /// The field has a value that it cannot have.
    #[must_use]
    pub fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::of("FieldValueInvalid", field, &format!("Invalid value: {}", show(value)), detail)
    }

    /// The field has no value and needs one.
    #[must_use]
    pub fn required(field: &str, detail: &str) -> Self {
        Self::of("FieldValueRequired", field, "Required value", detail)
    }

    /// The field may not be set, or not so.
    #[must_use]
    pub fn forbidden(field: &str, detail: &str) -> Self {
        Self::of("FieldValueForbidden", field, "Forbidden", detail)
    }

    /// The value is none of those that are known.
    #[must_use]
    pub fn not_supported(field: &str, value: &Value, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| quote(s)).collect();
        let detail = if list.is_empty() { String::new() } else { format!("supported values: {}", list.join(", ")) };
        Self::of("FieldValueNotSupported", field, &format!("Unsupported value: {}", show(value)), &detail)
    }

    fn of(reason: &'static str, field: &str, what: &str, detail: &str) -> Self {
        let message = if detail.is_empty() { what.to_owned() } else { format!("{what}: {detail}") };
        Self { reason, field: field.to_owned(), message }
    }

    /// The error as a cause of a `Status`.
    #[must_use]
    pub fn cause(&self) -> Cause {
        Cause { reason: self.reason, message: self.message.clone(), field: self.field.clone() }
    }
}

/// A value as Go prints it in messages: texts quoted, maps and lists of texts with their types.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Object(map) if map.values().all(Value::is_string) => {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{}:{}", quote(k), show(v))).collect();
            format!("map[string]string{{{}}}", pairs.join(", "))
        }
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let items: Vec<String> = list.iter().map(show).collect();
            format!("[]string{{{}}}", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// A structure as Go prints it, its members printed already: `rbac.RoleRef{APIGroup:"…", Kind:"…", Name:"…"}`.
pub(super) fn go_struct(name: &str, members: &[(&str, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(member, value)| format!("{member}:{value}")).collect();
    format!("{name}{{{}}}", members.join(", "))
}

/// The errors found so far.
#[derive(Default)]
pub(super) struct Errors(Vec<FieldError>);

impl Errors {
    pub(super) fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    /// The value there cannot be.
    pub(super) fn invalid(&mut self, node: &Node, detail: &str) {
        self.invalid_value(node, node.value(), detail);
    }

    /// The same, with another value shown.
    pub(super) fn invalid_value(&mut self, node: &Node, value: &Value, detail: &str) {
        self.0.push(FieldError::invalid(&node.to_string(), value, detail));
    }

    /// The same, with the value printed already.
    pub(super) fn invalid_shown(&mut self, node: &Node, shown: &str, detail: &str) {
        let what = format!("Invalid value: {shown}");
        self.0.push(FieldError::of("FieldValueInvalid", &node.to_string(), &what, detail));
    }

    /// One error for each message of a check of names.
    pub(super) fn named(&mut self, node: &Node, messages: Vec<String>) {
        for message in messages {
            self.invalid(node, &message);
        }
    }

    /// The same, with the name shown that was checked.
    pub(super) fn named_value(&mut self, node: &Node, name: &str, messages: Vec<String>) {
        for message in messages {
            self.invalid_value(node, &name.into(), &message);
        }
    }

    pub(super) fn required(&mut self, node: &Node, detail: &str) {
        self.0.push(FieldError::required(&node.to_string(), detail));
    }

    /// Says that the field is required if it is empty; gives whether it is there.
    pub(super) fn need(&mut self, node: &Node) -> bool {
        if node.is_empty() {
            self.required(node, "");
        }
        !node.is_empty()
    }

    pub(super) fn forbidden(&mut self, node: &Node, detail: &str) {
        self.0.push(FieldError::forbidden(&node.to_string(), detail));
    }

    /// The text must be one of these.
    pub(super) fn one_of(&mut self, node: &Node, supported: &[&str]) {
        if !supported.contains(&node.text()) {
            let shown = node.text().into();
            self.0.push(FieldError::not_supported(&node.to_string(), &shown, supported));
        }
    }

    /// The list holds a text that is none of these.
    pub(super) fn not_among(&mut self, list: &Node, text: &str, supported: &[&str]) {
        self.0.push(FieldError::not_supported(&list.to_string(), &text.into(), supported));
    }

    /// The text, if there is one, must be one of these.
    pub(super) fn none_or_one_of(&mut self, node: &Node, supported: &[&str]) {
        if !node.is_empty() {
            self.one_of(node, supported);
        }
    }

    pub(super) fn duplicate(&mut self, node: &Node) {
        self.duplicate_value(node, &show(node.value()));
    }

    /// The same, with another value shown, printed already.
    pub(super) fn duplicate_value(&mut self, node: &Node, shown: &str) {
        self.duplicate_because(node, shown, "");
    }

    /// The same, and by what values are told apart.
    pub(super) fn duplicate_because(&mut self, node: &Node, shown: &str, detail: &str) {
        let what = format!("Duplicate value: {shown}");
        self.0.push(FieldError::of("FieldValueDuplicate", &node.to_string(), &what, detail));
    }

    pub(super) fn not_found(&mut self, node: &Node) {
        let what = format!("Not found: {}", show(node.value()));
        self.0.push(FieldError::of("FieldValueNotFound", &node.to_string(), &what, ""));
    }

    /// The list holds more than it may.
    pub(super) fn too_many(&mut self, list: &Node, most: usize) {
        let detail = format!("must have at most {most} items");
        let what = format!("Too many: {}", list.len());
        self.0.push(FieldError::of("FieldValueTooMany", &list.to_string(), &what, &detail));
    }

    pub(super) fn too_long(&mut self, node: &Node, most: usize) {
        let detail = format!("may not be more than {most} bytes");
        let path = node.to_string();
        // Kubernetes names the object itself so.
        let path = if path.is_empty() { "[]" } else { &path };
        self.0.push(FieldError::of("FieldValueTooLong", path, "Too long", &detail));
    }

    /// The number, if there is one, must not be negative.
    pub(super) fn not_negative(&mut self, node: &Node) {
        if node.int().is_some_and(|n| n < 0) {
            self.invalid(node, "must be greater than or equal to 0");
        }
    }

    /// The number, if there is one, must be a port.
    pub(super) fn port(&mut self, node: &Node) {
        self.within(node, 1, 65_535);
    }

    /// The number, if there is one, must lie between these.
    pub(super) fn within(&mut self, node: &Node, least: i64, most: i64) {
        if node.int().is_some_and(|n| n < least || n > most) {
            self.invalid(node, &format!("must be between {least} and {most}, inclusive"));
        }
    }

    /// A number that is a port, or the name of one.
    pub(super) fn port_or_name(&mut self, node: &Node) {
        if node.value().is_string() {
            self.named(node, super::names::port_name(node.text()));
        } else {
            let at_zero = !node.is_present();
            self.port(node);
            if at_zero {
                self.invalid_value(node, &0.into(), "must be between 1 and 65535, inclusive");
            }
        }
    }

    /// An address of either family.
    pub(super) fn ip(&mut self, node: &Node) {
        if node.text().parse::<std::net::IpAddr>().is_err() {
            self.invalid(node, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
    }

    /// Keys and values of labels.
    pub(super) fn labels(&mut self, node: &Node) {
        for (key, value) in node.entries() {
            self.named_value(node, key, super::names::qualified_name(key));
            self.named_value(node, value.text(), super::names::label_value(value.text()));
        }
    }

    /// A field that must not change.
    pub(super) fn immutable(&mut self, new: &Node, old: &Node) {
        if new.value() != old.value() {
            self.invalid(new, "field is immutable");
        }
    }
}
