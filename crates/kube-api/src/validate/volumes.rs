//! Persistent volumes and claims.

use super::error::Errors;
use super::tree::Node;
use super::{names, placement, resources, volume};

const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// What of a volume's spec is no source.
const NO_SOURCE: &[&str] = &[
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// A persistent volume.
pub(super) fn volume(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    access_modes(&spec.at("accessModes"), errors);
    let capacity = spec.at("capacity");
    if capacity.is_empty() {
        errors.required(&capacity, "");
    } else if !capacity.key("storage").is_present() || capacity.len() > 1 {
        errors.not_among(&capacity, &capacity.value().to_string(), &["storage"]);
    }
    for (name, value) in capacity.entries() {
        if name == "storage" {
            storage(&value, errors);
        }
    }
    errors.none_or_one_of(&spec.at("persistentVolumeReclaimPolicy"), &["Delete", "Recycle", "Retain"]);
    let map = spec.value().as_object().into_iter().flatten();
    let sources: Vec<&str> = map.map(|(key, _)| key.as_str()).filter(|key| !NO_SOURCE.contains(key)).collect();
    match sources.as_slice() {
        [] => errors.required(&spec, "must specify a volume type"),
        [first, more @ ..] => {
            volume::known_source(&spec.at(first), first, errors);
            for other in more {
                errors.forbidden(&spec.at(other), "may not specify more than 1 volume type");
            }
        }
    }
    let class = spec.at("storageClassName");
    if !class.is_empty() {
        errors.named(&class, names::dns1123_subdomain(class.text()));
    }
    errors.none_or_one_of(&spec.at("volumeMode"), &["Block", "Filesystem"]);
    let affinity = spec.at("nodeAffinity");
    let required = affinity.at("required");
    if affinity.is_present() && !required.is_present() {
        errors.required(&required, "must specify required node constraints");
    }
    for term in required.at("nodeSelectorTerms").items() {
        placement::node_term(&term, errors);
    }
}

fn access_modes(modes: &Node, errors: &mut Errors) {
    if modes.is_empty() {
        errors.required(modes, "at least 1 access mode is required");
    }
    for mode in modes.items() {
        if !MODES.contains(&mode.text()) {
            errors.not_among(modes, mode.text(), MODES);
        }
    }
    if modes.items().any(|m| m.text() == "ReadWriteOncePod") && modes.len() > 1 {
        errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
    }
}

fn storage(value: &Node, errors: &mut Errors) {
    if resources::amount(value).is_some_and(|q| q.is_negative() || q.is_zero()) {
        errors.invalid(value, "must be greater than zero");
    }
}

/// The spec of a claim, or of a claim that a pod's volume makes.
pub(super) fn claim_spec(spec: &Node, errors: &mut Errors) {
    access_modes(&spec.at("accessModes"), errors);
    placement::selector(&spec.at("selector"), errors);
    let resources = spec.at("resources");
    let requests = resources.at("requests");
    let asked = requests.key("storage");
    if asked.is_present() {
        storage(&asked, errors);
    } else {
        errors.required(&asked, "");
    }
    let class = spec.at("storageClassName");
    if !class.is_empty() {
        errors.named(&class, names::dns1123_subdomain(class.text()));
    }
    errors.none_or_one_of(&spec.at("volumeMode"), &["Block", "Filesystem"]);
}

/// A volume's source stays what it is.
pub(super) fn volume_changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (spec, before) = (root.at("spec"), old.at("spec"));
    let source = |spec: &Node| {
        let mut map = spec.value().as_object().cloned().unwrap_or_default();
        map.retain(|key, _| !NO_SOURCE.contains(&key.as_str()));
        map
    };
    if source(&spec) != source(&before) {
        errors.forbidden(&spec.at("persistentvolumesource"), "spec.persistentvolumesource is immutable after creation");
    }
    errors.immutable(&spec.at("volumeMode"), &before.at("volumeMode"));
}

/// A claim is bound once, and only grows.
pub(super) fn claim_changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (spec, before) = (root.at("spec"), old.at("spec"));
    let fixed = |spec: &Node, unbound: bool| {
        let mut map = spec.value().as_object().cloned().unwrap_or_default();
        map.remove("resources");
        map.remove("volumeAttributesClassName");
        if unbound {
            map.remove("volumeName");
        }
        map
    };
    let unbound = before.at("volumeName").is_empty();
    if fixed(&spec, unbound) != fixed(&before, unbound) {
        let why =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.forbidden(&spec, why);
    }
    let (asks, asked) = (spec.at("resources"), before.at("resources"));
    let (asks, asked) = (asks.at("requests"), asked.at("requests"));
    let (new, was) = (resources::amount(&asks.key("storage")), resources::amount(&asked.key("storage")));
    if new < was {
        errors.forbidden(&asks.key("storage"), "field can not be less than status.capacity");
    }
}
