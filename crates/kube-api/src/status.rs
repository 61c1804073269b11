//! The `Status` object: every refusal of the Kubernetes API, with its code, reason, message and causes.

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::validate::FieldError;

/// A failure as the Kubernetes API answers it. Serialises to the `Status` object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// The machine-readable reason (`NotFound`); empty where Kubernetes leaves it out.
    pub reason: &'static str,
    /// One sentence for people.
    pub message: String,
    /// What the failure is about.
    pub details: Option<Box<Details>>,
    /// The continue token by which the rest of an expired list can be had nevertheless; empty for none.
    pub continue_token: String,
}

/// What a failure is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource's plural, or for `Invalid` the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The object's UID.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Field by field, what was wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// After how many seconds to try again.
    #[serde(rename = "retryAfterSeconds", skip_serializing_if = "is_zero")]
    pub retry_after_seconds: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// One thing that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The machine-readable cause (`FieldValueInvalid`).
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'static str,
    /// One sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The field's path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
}

/// The fields come in the order of Kubernetes: people read them.
impl Serialize for Status {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut metadata = Map::new();
        if !self.continue_token.is_empty() {
            metadata.insert("continue".to_owned(), self.continue_token.as_str().into());
        }
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("kind", "Status")?;
        fields.serialize_entry("apiVersion", "v1")?;
        fields.serialize_entry("metadata", &metadata)?;
        fields.serialize_entry("status", "Failure")?;
        fields.serialize_entry("message", &self.message)?;
        if !self.reason.is_empty() {
            fields.serialize_entry("reason", self.reason)?;
        }
        if let Some(details) = &self.details {
            fields.serialize_entry("details", details)?;
        }
        fields.serialize_entry("code", &self.code)?;
        fields.end()
    }
}

impl Status {
    /// A failure of that code, reason and message, about nothing in particular.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, continue_token: String::new() }
    }

    /// The `Status` object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!(self)
    }

    /// The `Status` that answers a deletion which left nothing behind.
    #[must_use]
    pub fn deleted(kind: &Kind, name: &str, uid: &str) -> Value {
        let details = Details { uid: uid.to_owned(), ..*about(kind, name) };
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
    }

    /// The object does not exist.
    #[must_use]
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::about(404, "NotFound", kind, name, format!("{} {} not found", kind.qualified(), quote(name)))
    }

    /// An object of that name exists.
    #[must_use]
    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::about(409, "AlreadyExists", kind, name, format!("{} {} already exists", kind.qualified(), quote(name)))
    }

    /// No name could be made from `generateName` that is free.
    #[must_use]
    pub fn generate_name_conflict(kind: &Kind, name: &str) -> Self {
        let message = format!(
            "{} {} already exists, the server was not able to generate a unique name for the object",
            kind.qualified(),
            quote(name)
        );
        let details = Details { retry_after_seconds: 1, ..*about(kind, name) };
        Self::new(409, "AlreadyExists", message).with_details(details)
    }

    /// The object is not what the client thinks it is.
    #[must_use]
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {}: {why}", kind.qualified(), quote(name));
        Self::about(409, "Conflict", kind, name, message)
    }

    /// The update was made from an older resourceVersion.
    #[must_use]
    pub fn modified(kind: &Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// The caller may not do that.
    #[must_use]
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {why}", kind.qualified())
        } else {
            format!("{} {} is forbidden: {why}", kind.qualified(), quote(name))
        };
        Self::about(403, "Forbidden", kind, name, message)
    }

    /// The namespace is being deleted, nothing new is made in it.
    #[must_use]
    pub fn namespace_terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = Cause {
            reason: "NamespaceTerminating",
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        };
        Self::forbidden(kind, name, &why).with_causes(vec![cause])
    }

    /// The object breaks rules of its kind.
    #[must_use]
    pub fn invalid(kind: &Kind, name: &str, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for text in errors.iter().map(ToString::to_string) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let message = format!("{} {} is invalid: {list}", kind.qualified_kind(), quote(name));
        let causes = errors.iter().map(FieldError::cause).collect();
        let details = Details {
            name: name.to_owned(),
            group: kind.group.to_owned(),
            kind: kind.kind.to_owned(),
            causes,
            ..Details::default()
        };
        Self { code: 422, reason: "Invalid", message, details: Some(Box::new(details)), continue_token: String::new() }
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// Who asks is not known.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// No such path.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details(Details::default())
    }

    /// The resource does not answer that verb.
    #[must_use]
    pub fn method_not_supported(kind: &Kind, verb: &str) -> Self {
        let message = format!("{verb} is not supported on resources of kind {}", quote(&kind.qualified()));
        Self::about(405, "MethodNotAllowed", kind, "", message)
    }

    /// The HTTP method is not known at that path.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with_details(Details::default())
    }

    /// None of the forms that the client accepts is offered in its format.
    #[must_use]
    pub fn not_acceptable(offered: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", offered.join(", "));
        Self::new(406, "NotAcceptable", message)
    }

    /// None of the formats that the client accepts is offered: words of Kubernetes' router, which comes before its codecs.
    #[must_use]
    pub fn no_such_format(offered: &[&str]) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", offered.join(", "));
        Self::new(406, "NotAcceptable", message).with_details(Details::default())
    }

    /// The patch is of no type that is known; the router's words as well.
    #[must_use]
    pub fn no_such_patch(taken: &[&str]) -> Self {
        let message = format!("415: Unsupported Media Type\n\nAvailable representations: {}", taken.join(", "));
        Self::new(415, "UnsupportedMediaType", message).with_details(Details::default())
    }

    /// The body is in a format that is not understood.
    #[must_use]
    pub fn unsupported_media_type(understood: &[&str]) -> Self {
        let list = understood.join(", ");
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {list}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// The resourceVersion or continue token is from before the last compaction.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The resourceVersion is from the future, and did not come in time.
    #[must_use]
    pub fn too_large_resource_version(asked: u64, current: u64, retry_seconds: u32) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let cause = Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".to_owned(),
            field: String::new(),
        };
        let details = Details { causes: vec![cause], retry_after_seconds: retry_seconds, ..Details::default() };
        Self::new(504, "Timeout", message).with_details(details)
    }

    /// The body is larger than is taken.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
    }

    /// Too much at once; try again later.
    #[must_use]
    pub fn too_many_requests(message: impl Into<String>, retry_seconds: u32) -> Self {
        Self::new(429, "TooManyRequests", message)
            .with_details(Details { retry_after_seconds: retry_seconds, ..Details::default() })
    }

    /// Something inside broke.
    #[must_use]
    pub fn internal(why: &str) -> Self {
        let cause = Cause { reason: "", message: why.to_owned(), field: String::new() };
        let details = Details { causes: vec![cause], ..Details::default() };
        Self::new(500, "InternalError", format!("Internal error occurred: {why}")).with_details(details)
    }

    /// A part that is needed does not answer.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    /// The request took too long.
    #[must_use]
    pub fn timeout(message: &str, retry_seconds: u32) -> Self {
        Self::new(504, "Timeout", format!("Timeout: {message}"))
            .with_details(Details { retry_after_seconds: retry_seconds, ..Details::default() })
    }

    /// The same, about something.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// The same, with its causes.
    #[must_use]
    pub fn with_causes(mut self, causes: Vec<Cause>) -> Self {
        self.details.get_or_insert_default().causes = causes;
        self
    }

    fn about(code: u16, reason: &'static str, kind: &Kind, name: &str, message: String) -> Self {
        Self { code, reason, message, details: Some(about(kind, name)), continue_token: String::new() }
    }
}

fn about(kind: &Kind, name: &str) -> Box<Details> {
    Box::new(Details {
        name: name.to_owned(),
        group: kind.group.to_owned(),
        kind: kind.plural.to_owned(),
        ..Details::default()
    })
}

/// A string as Go's `%q` prints it.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            '\0'..='\u{7f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if prints(c) => out.push(c),
            '\u{80}'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// Whether a character can be seen. A letter before it keeps marks that follow letters from being escaped.
fn prints(c: char) -> bool {
    let mut text = *b"a\0\0\0\0";
    let length = c.encode_utf8(&mut text[1..]).len();
    std::str::from_utf8(&text[..=length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn not_found_names_the_resource() {
        let lease = kinds::find("coordination.k8s.io", "v1", "leases").expect("served");
        let status = Status::not_found(lease, "l1");
        assert_eq!(
            status.to_value(),
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 404,
                "reason": "NotFound", "message": "leases.coordination.k8s.io \"l1\" not found",
                "details": {"name": "l1", "group": "coordination.k8s.io", "kind": "leases"}})
        );
    }

    #[test]
    fn strings_are_quoted_as_go_does() {
        assert_eq!(quote("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\x01é\"");
        assert_eq!(quote("\0\u{7f}'"), r#""\x00\x7f'""#);
        assert_eq!(
            quote("\u{85}\u{a0}\u{200b}\u{feff}\u{e000}\u{e0001}"),
            r#""\u0085\u00a0\u200b\ufeff\ue000\U000e0001""#
        );
        assert_eq!(quote("e\u{301} \u{301}日本\u{fffd}😀"), "\"e\u{301} \u{301}日本\u{fffd}😀\"", "marks stay");
    }
}
