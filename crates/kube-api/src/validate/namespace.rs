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
