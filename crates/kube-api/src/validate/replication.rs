//! Replication controllers, and templates of pods.

use super::error::Errors;
use super::pod::{self, Use};
use super::tree::Node;
use super::{metadata, pod_annotations};

/// A replication controller.
pub(super) fn controller(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    errors.not_negative(&spec.at("minReadySeconds"));
    let selector = spec.at("selector");
    errors.need(&selector);
    errors.not_negative(&spec.at("replicas"));
    let template = spec.at("template");
    if !template.is_present() {
        errors.required(&template, "");
        return;
    }
    let metadata = template.at("metadata");
    let labels = metadata.at("labels");
    let matches = selector.entries().all(|(key, value)| labels.key(key).value() == value.value());
    if !selector.is_empty() && !matches {
        let shown = if labels.is_present() { labels.value().clone() } else { serde_json::json!({}) };
        errors.invalid_value(&labels, &shown, "`selector` does not match template `labels`");
    }
    self::template(&template, Use::AlwaysRunning, errors);
    let deadline = template.at("spec");
    let deadline = deadline.at("activeDeadlineSeconds");
    if deadline.is_present() {
        errors.forbidden(&deadline, "activeDeadlineSeconds in ReplicationController is not Supported");
    }
}

/// A template of pods.
pub(super) fn template(template: &Node, of: Use, errors: &mut Errors) {
    let metadata = template.at("metadata");
    errors.labels(&metadata.at("labels"));
    // Kubernetes' paths leave out that these are of the metadata
    let annotations = &metadata.value()["annotations"];
    let annotations = template.with("annotations", annotations);
    metadata::annotations(&annotations, errors);
    let spec = template.at("spec");
    pod_annotations::new(&annotations, &spec, errors);
    pod::spec(&spec, of, errors);
    let ephemeral = spec.at("ephemeralContainers");
    if !ephemeral.is_empty() {
        errors.forbidden(&ephemeral, "ephemeral containers not allowed in pod template");
    }
}

/// A controller's status: no number is negative, and none is more than there are pods.
pub(super) fn status(root: &Node, errors: &mut Errors) {
    let status = root.at("status");
    let replicas = status.at("replicas").int().unwrap_or(0);
    for field in ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"] {
        errors.not_negative(&status.at(field));
    }
    for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        let node = status.at(field);
        // a count that is not there is 0, and shown so
        let count = node.int().unwrap_or(0);
        if count > replicas {
            errors.invalid_value(&node, &count.into(), "cannot be greater than status.replicas");
        }
    }
    let (ready, available) = (status.at("readyReplicas"), status.at("availableReplicas"));
    if available.int().unwrap_or(0) > ready.int().unwrap_or(0) {
        errors.invalid(&available, "cannot be greater than readyReplicas");
    }
}
