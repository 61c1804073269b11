//! Objects that are sent to subresources, and options that are sent along.

use serde_json::Value;

use super::FieldError;
use super::error::Errors;
use super::names;
use super::tree::Node;
use crate::status::quote;

/// What a `Binding` breaks.
#[must_use]
pub fn binding(object: &Value) -> Vec<FieldError> {
    let (root, mut errors) = (Node::root(object), Errors::default());
    let target = root.at("target");
    errors.none_or_one_of(&target.at("kind"), &["Node", "<empty>"]);
    if target.at("name").is_empty() {
        errors.required(&target.at("name"), "");
    } else {
        let name = target.at("name");
        errors.named(&name, names::dns1123_subdomain(name.text()));
    }
    errors.into_vec()
}

/// What a `Scale` breaks.
#[must_use]
pub fn scale(object: &Value) -> Vec<FieldError> {
    let (root, mut errors) = (Node::root(object), Errors::default());
    errors.not_negative(&root.at("spec").at("replicas"));
    errors.into_vec()
}

/// What a `TokenRequest` breaks.
#[must_use]
pub fn token_request(object: &Value) -> Vec<FieldError> {
    let (root, mut errors) = (Node::root(object), Errors::default());
    let spec = root.at("spec");
    let seconds = spec.at("expirationSeconds");
    if seconds.int().is_some_and(|n| n < 600) {
        errors.invalid(&seconds, "may not specify a duration less than 10 minutes");
    }
    if seconds.int().is_some_and(|n| n > 1 << 32) {
        errors.invalid(&seconds, "may not specify a duration larger than 2^32 seconds");
    }
    errors.into_vec()
}

/// What `DeleteOptions` break.
#[must_use]
pub fn delete_options(object: &Value) -> Vec<FieldError> {
    let (root, mut errors) = (Node::root(object), Errors::default());
    let (policy, orphan) = (root.at("propagationPolicy"), root.at("orphanDependents"));
    if policy.is_present() && orphan.is_present() {
        let why = "orphanDependents and deletionPropagation cannot be both set";
        errors.invalid(&policy, why);
    }
    if policy.is_present() {
        errors.one_of(&policy, &["Foreground", "Background", "Orphan", "nil"]);
    }
    let runs: Vec<String> = root.at("dryRun").items().map(|run| quote(run.text())).collect();
    let mut errors = errors.into_vec();
    if runs.iter().any(|run| run != "\"All\"") {
        let message = format!("Unsupported value: []string{{{}}}: supported values: \"All\"", runs.join(", "));
        errors.push(FieldError { reason: "FieldValueNotSupported", field: "dryRun".to_owned(), message });
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_and_bodies_are_checked() {
        let policy = delete_options(&json!({"propagationPolicy": "X"}));
        assert_eq!(
            policy[0].to_string(),
            "propagationPolicy: Unsupported value: \"X\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
        );
        assert_eq!(scale(&json!({"spec": {"replicas": -1}}))[0].field, "spec.replicas");
        assert_eq!(binding(&json!({"target": {}}))[0].to_string(), "target.name: Required value");
        assert_eq!(token_request(&json!({"spec": {"expirationSeconds": 5}})).len(), 1);
        assert_eq!(token_request(&json!({})), []);
    }
}
