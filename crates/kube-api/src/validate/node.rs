//! Nodes.

use std::collections::HashSet;

use super::error::{Errors, go_struct};
use super::tree::Node;
use super::{names, resources};
use crate::status::quote;

/// A node: its taints and addresses.
pub(super) fn node(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    let mut seen: HashSet<(String, String)> = HashSet::new();
    for taint in spec.at("taints").items() {
        let (key, value, effect) = (taint.at("key"), taint.at("value"), taint.at("effect"));
        errors.named(&key, names::qualified_name(key.text()));
        errors.named(&value, names::label_value(value.text()));
        if effect.is_empty() {
            errors.required(&effect, "");
        } else {
            errors.one_of(&effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        }
        if !seen.insert((key.text().to_owned(), effect.text().to_owned())) {
            errors.duplicate_because(&taint, &shown(&taint), "taints must be unique by key and effect pair");
        }
    }
    for range in spec.at("podCIDRs").items() {
        if range.text().parse::<ipnet::IpNet>().is_err() {
            errors.invalid(&range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
        }
    }
    status(root, errors);
}

/// A taint as Go prints it.
fn shown(taint: &Node) -> String {
    let time = taint.at("timeAdded");
    let time = if time.is_present() { quote(time.text()) } else { "<nil>".to_owned() };
    let text = |field: &str| quote(taint.at(field).text());
    let members = [("Key", text("key")), ("Value", text("value")), ("Effect", text("effect")), ("TimeAdded", time)];
    go_struct("core.Taint", &members)
}

/// A node's status: what it has.
pub(super) fn status(root: &Node, errors: &mut Errors) {
    let status = root.at("status");
    resources::list(&status.at("capacity"), errors);
    resources::list(&status.at("allocatable"), errors);
    let addresses = status.at("addresses");
    let mut seen = HashSet::new();
    for address in addresses.items() {
        if !seen.insert(address.value().to_string()) {
            errors.duplicate(&address);
        }
    }
}

/// What a node is given once stays.
pub(super) fn changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (spec, before) = (root.at("spec"), old.at("spec"));
    for (field, why) in [
        ("podCIDR", "node updates may not change podCIDR except from \"\" to valid"),
        ("providerID", "node updates may not change providerID except from \"\" to valid"),
    ] {
        let (new, was) = (spec.at(field), before.at(field));
        if !was.is_empty() && new.value() != was.value() {
            errors.forbidden(&new, why);
        }
    }
}
