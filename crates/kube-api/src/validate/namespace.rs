//! Namespaces.

use super::error::Errors;
use super::names;
use super::tree::Node;

/// A namespace: its finalizers have names.
pub(super) fn namespace(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    for finalizer in spec.at("finalizers").items() {
        errors.named(&finalizer, names::qualified_name(finalizer.text()));
        if !finalizer.text().contains('/') && finalizer.text() != "kubernetes" {
            errors.invalid(&finalizer, "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
}

/// The phase that a namespace is in follows from its deletion.
pub(super) fn status(root: &Node, errors: &mut Errors) {
    let (status, metadata) = (root.at("status"), root.at("metadata"));
    let (wanted, why) = if metadata.at("deletionTimestamp").is_present() {
        ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty")
    } else {
        ("Active", "may only be 'Active' if `deletionTimestamp` is empty")
    };
    let phase = status.at("phase");
    if phase.text() != wanted {
        // Kubernetes writes this field so, with a capital
        errors.invalid_value(&status.at("Phase"), &phase.text().into(), why);
    }
}
