//! Persistent volumes and claims.

use serde_json::Value;

use super::error::Errors;
use super::tree::Node;
use super::{names, placement, resources, volume};
use crate::quantity::Quantity;

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
    access_modes(&spec.at("accessModes"), "", errors);
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
            persistent_source(&spec, first, errors);
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
    if required.is_present() {
        placement::node_selector(&required, errors);
    } else if affinity.is_present() {
        errors.required(&required, "must specify required node constraints");
    }
}

/// The source of a volume that is there by itself.
fn persistent_source(spec: &Node, kind: &str, errors: &mut Errors) {
    let source = spec.at(kind);
    volume::known_source(&source, kind, errors);
    match kind {
        "local" if !spec.at("nodeAffinity").is_present() => {
            errors.required(&spec.at("nodeAffinity"), "Local volume requires node affinity");
        }
        "csi" => {
            errors.need(&source.at("volumeHandle"));
            for field in CSI_SECRETS {
                let secret = source.at(field);
                if secret.is_present() {
                    secret_elsewhere(&secret, errors);
                }
            }
        }
        "hostPath" => {
            let root = source.at("path").text().split('/').all(|part| matches!(part, "" | "."));
            let policy = spec.at("persistentVolumeReclaimPolicy");
            if root && !source.at("path").is_empty() && policy.text() == "Recycle" {
                errors.forbidden(&policy, "may not be 'recycle' for a hostPath mount of '/'");
            }
        }
        _ => {}
    }
}

/// The secrets that a CSI driver may be given.
const CSI_SECRETS: [&str; 4] =
    ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"];

fn secret_elsewhere(secret: &Node, errors: &mut Errors) {
    let (name, namespace) = (secret.at("name"), secret.at("namespace"));
    if errors.need(&name) {
        errors.named(&name, names::dns1123_subdomain(name.text()));
    }
    if errors.need(&namespace) {
        errors.named(&namespace, names::dns1123_label(namespace.text()));
    }
}

fn access_modes(modes: &Node, needed: &str, errors: &mut Errors) {
    if modes.is_empty() {
        errors.required(modes, needed);
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
    if is_nothing(value) {
        errors.invalid(value, "must be greater than zero");
    }
}

fn is_nothing(value: &Node) -> bool {
    resources::amount(value).is_some_and(|amount| amount <= Quantity::ZERO)
}

/// The spec of a claim, or of a claim that a pod's volume makes.
pub(super) fn claim_spec(spec: &Node, errors: &mut Errors) {
    access_modes(&spec.at("accessModes"), "at least 1 access mode is required", errors);
    placement::selector(&spec.at("selector"), errors);
    let resources = spec.at("resources");
    let requests = resources.at("requests");
    let asked = requests.key("storage");
    // Kubernetes names the place so, without the requests
    let place = resources.key("storage");
    if !asked.is_present() {
        errors.required(&place, "");
    } else if is_nothing(&asked) {
        errors.invalid_value(&place, asked.value(), "must be greater than zero");
    }
    let class = spec.at("storageClassName");
    if !class.is_empty() {
        errors.named(&class, names::dns1123_subdomain(class.text()));
    }
    errors.none_or_one_of(&spec.at("volumeMode"), &["Block", "Filesystem"]);
    data_source(spec, errors);
}

/// What a claim's volume holds from the beginning: the same in both fields that say so.
fn data_source(spec: &Node, errors: &mut Errors) {
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    for named in [&source, &reference].into_iter().filter(|named| named.is_present()) {
        errors.need(&named.at("name"));
        errors.need(&named.at("kind"));
        let (group, kind) = (named.at("apiGroup"), named.at("kind"));
        if !group.is_empty() {
            errors.named(&group, names::dns1123_subdomain(group.text()));
        } else if kind.text() != "PersistentVolumeClaim" {
            let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.invalid_value(named, &kind.text().into(), why);
        }
    }
    let differs = |field: &str| source.at(field).text() != reference.at(field).text();
    if source.is_present() && reference.is_present() && ["apiGroup", "kind", "name"].into_iter().any(differs) {
        errors.invalid_shown(spec, &source.to_string(), "must match dataSourceRef");
    }
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
    let (affinity, was) = (spec.at("nodeAffinity"), before.at("nodeAffinity"));
    if was.is_present() && *affinity.value() != relabelled(was.value(), affinity.value()) {
        // Kubernetes names the field without the spec that it is in
        let place = root.at("nodeAffinity");
        errors.invalid_value(&place, affinity.value(), "field is immutable, except for updating from beta label to GA");
    }
}

/// Labels of nodes that have other names by now.
const RENAMED: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
];

/// The old affinity, with the new name of each label that the new one has by that name at the same place.
fn relabelled(old: &Value, new: &Value) -> Value {
    let mut affinity = old.clone();
    let terms = affinity.pointer_mut("/required/nodeSelectorTerms").and_then(Value::as_array_mut);
    for (index, term) in terms.into_iter().flatten().enumerate() {
        let expressions = term["matchExpressions"].as_array_mut();
        for (at, expression) in expressions.into_iter().flatten().enumerate() {
            let key = &new["required"]["nodeSelectorTerms"][index]["matchExpressions"][at]["key"];
            if RENAMED.iter().any(|(beta, stable)| expression["key"] == *beta && key == stable) {
                expression["key"] = key.clone();
            }
        }
    }
    affinity
}

/// A claim is bound once. Bound it grows, and shrinks again where it has not grown yet.
pub(super) fn claim_changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (spec, before) = (root.at("spec"), old.at("spec"));
    if settled(root, old) != *before.value() {
        let why =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.forbidden(&spec, why);
    }
    let (asks, asked) = (spec.at("resources"), before.at("resources"));
    let (asks, asked) = (asks.at("requests"), asked.at("requests"));
    let (new, was) = (resources::amount(&asks.at("storage")), resources::amount(&asked.at("storage")));
    let status = old.at("status");
    let capacity = status.at("capacity");
    let has = resources::amount(&capacity.at("storage")).unwrap_or(Quantity::ZERO);
    if new < was && new.is_none_or(|new| new <= has) {
        errors.forbidden(&asks.at("storage"), "field can not be less than status.capacity");
    }
}

/// A claim's status: what it has is no less than nothing.
pub(super) fn claim_status(root: &Node, errors: &mut Errors) {
    let status = root.at("status");
    for field in ["capacity", "allocatedResources"] {
        resources::not_negative(&status.at(field), errors);
    }
}

/// The new spec with everything as it was that may change.
fn settled(root: &Node, old: &Node) -> Value {
    const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
    let (mut spec, before) = (root.at("spec").value().clone(), old.at("spec"));
    let before = before.value();
    let keep = |spec: &mut Value, field: &str| match before.get(field) {
        Some(value) => spec[field] = value.clone(),
        None => drop(spec.as_object_mut().map(|fields| fields.remove(field))),
    };
    if before["volumeName"].as_str().unwrap_or_default().is_empty() {
        keep(&mut spec, "volumeName");
    }
    let metadata = old.at("metadata");
    let beta = metadata.at("annotations");
    let beta = beta.key(BETA_CLASS);
    let class = spec["storageClassName"].as_str();
    if before.get("storageClassName").is_none() && class.is_some() && (!beta.is_present() || class == Some(beta.text()))
    {
        keep(&mut spec, "storageClassName");
    }
    let bound = root.at("status").at("phase").text() == "Bound";
    if bound && spec["volumeAttributesClassName"].is_string() {
        keep(&mut spec, "volumeAttributesClassName");
    }
    if let Some(was) = before["resources"]["requests"].get("storage").filter(|_| bound)
        && spec["resources"]["requests"].is_object()
    {
        spec["resources"]["requests"]["storage"] = was.clone();
    }
    for field in ["requests", "limits"] {
        if let Some(amounts) = spec.pointer_mut(&format!("/resources/{field}")) {
            resources::written_alike(amounts, &before["resources"][field]);
        }
    }
    spec
}
