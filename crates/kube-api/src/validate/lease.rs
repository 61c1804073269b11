//! Leases.

use super::error::Errors;
use super::tree::Node;

/// A lease lasts, and is not passed on by less than nobody.
pub(super) fn lease(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    let lasts = spec.at("leaseDurationSeconds");
    if lasts.int().is_some_and(|n| n <= 0) {
        errors.invalid(&lasts, "must be greater than 0");
    }
    errors.not_negative(&spec.at("leaseTransitions"));
    let holder = spec.at("holderIdentity");
    if holder.is_present() && holder.is_empty() {
        errors.invalid(&holder, "must not be empty");
    }
}
