//! Volumes of pods.

use std::collections::{HashMap, HashSet};

use super::container;
use super::containers::Volumes;
use super::error::Errors;
use super::tree::Node;
use super::{names, resources, sources};

/// Checks the volumes, and gives those that containers may mount.
pub(super) fn volumes<'v>(volumes: &Node<'v, '_>, errors: &mut Errors) -> Volumes<'v> {
    let mut known = HashMap::new();
    for volume in volumes.items() {
        let name = volume.at("name");
        if errors.need(&name) {
            let wrong = names::dns1123_label(name.text());
            if !wrong.is_empty() {
                errors.named(&name, wrong);
            } else if known.contains_key(name.text()) {
                errors.duplicate(&name);
            }
        }
        source(&volume, errors);
        known.insert(name.text(), false);
    }
    known
}

/// A volume has exactly one source.
fn source(volume: &Node, errors: &mut Errors) {
    let sources: Vec<&str> =
        volume.value().as_object().into_iter().flatten().map(|(k, _)| k.as_str()).filter(|k| *k != "name").collect();
    match sources.as_slice() {
        [] => errors.required(volume, "must specify a volume type"),
        [first, more @ ..] => {
            known_source(&volume.at(first), first, errors);
            for other in more {
                errors.forbidden(&volume.at(other), "may not specify more than 1 volume type");
            }
        }
    }
}

/// The rules of the sources that a node here can mount, and of those that need a name.
pub(super) fn known_source(source: &Node, kind: &str, errors: &mut Errors) {
    match kind {
        "configMap" => {
            errors.need(&source.at("name"));
            files(source, errors);
        }
        "secret" => {
            errors.need(&source.at("secretName"));
            files(source, errors);
        }
        "hostPath" => host_path(source, errors),
        "emptyDir" => {
            resources::quantity(&source.at("sizeLimit"), false, errors);
        }
        "downwardAPI" => {
            mode(&source.at("defaultMode"), errors);
            downward(&source.at("items"), errors);
        }
        "projected" => projected(source, errors),
        "persistentVolumeClaim" => {
            errors.need(&source.at("claimName"));
        }
        "nfs" => {
            errors.need(&source.at("server"));
            if errors.need(&source.at("path")) && !source.at("path").text().starts_with('/') {
                errors.invalid(&source.at("path"), "must be an absolute path");
            }
        }
        "ephemeral" => {
            let template = source.at("volumeClaimTemplate");
            if template.is_present() {
                super::volumes::claim_spec(&template.at("spec"), errors);
            } else {
                errors.required(&template, "");
            }
        }
        _ => sources::elsewhere(source, kind, errors),
    }
}

fn host_path(source: &Node, errors: &mut Errors) {
    let path = source.at("path");
    if errors.need(&path) && path.text().split('/').any(|p| p == "..") {
        errors.invalid(&path, "must not contain '..'");
    }
    errors.none_or_one_of(
        &source.at("type"),
        &["BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"],
    );
}

fn mode(mode: &Node, errors: &mut Errors) {
    if mode.int().is_some_and(|m| !(0..=0o777).contains(&m)) {
        errors.invalid(mode, "must be a number between 0 and 0777 (octal), both inclusive");
    }
}

/// The files of a config map or secret.
fn files(source: &Node, errors: &mut Errors) {
    mode(&source.at("defaultMode"), errors);
    for item in source.at("items").items() {
        let (key, path) = (item.at("key"), item.at("path"));
        errors.need(&key);
        file_path(&path, errors);
        mode(&item.at("mode"), errors);
    }
}

fn file_path(path: &Node, errors: &mut Errors) {
    if errors.need(path) {
        container::local_path(path, errors);
        if path.text().starts_with("..") && path.text().split('/').next() != Some("..") {
            errors.invalid(path, "must not start with '..'");
        }
    }
}

/// What files can show of a pod.
const FILE_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

fn downward(items: &Node, errors: &mut Errors) {
    for item in items.items() {
        file_path(&item.at("path"), errors);
        mode(&item.at("mode"), errors);
        let (field, resource) = (item.at("fieldRef"), item.at("resourceFieldRef"));
        match (field.is_present(), resource.is_present()) {
            (true, true) => errors.invalid_value(
                &item,
                &"resource".into(),
                "fieldRef and resourceFieldRef can not be specified simultaneously",
            ),
            (true, false) => container::field_ref(&field, FILE_FIELDS, errors),
            (false, true) => {
                errors.need(&resource.at("containerName"));
                container::resource_ref(&resource, errors);
            }
            (false, false) => errors.required(&item, "one of fieldRef and resourceFieldRef is required"),
        }
    }
}

fn projected(source: &Node, errors: &mut Errors) {
    mode(&source.at("defaultMode"), errors);
    let mut paths: HashSet<&str> = HashSet::new();
    for part in source.at("sources").items() {
        if part.len() > 1 {
            errors.forbidden(&part, "may not specify more than 1 volume type");
        }
        for (kind, name) in [("configMap", "name"), ("secret", "name")] {
            let part = part.at(kind);
            if part.is_present() {
                errors.need(&part.at(name));
                files(&part, errors);
            }
        }
        downward(&part.at("downwardAPI").at("items"), errors);
        for kind in ["secret", "configMap", "downwardAPI"] {
            let part = part.at(kind);
            let named = part.at("name").text();
            for item in part.at("items").items() {
                let path = item.at("path").text();
                if !path.is_empty() && !paths.insert(path) {
                    let shown = if named.is_empty() { path } else { named };
                    errors.invalid_value(source, &shown.into(), "conflicting duplicate paths");
                }
            }
        }
        let token = part.at("serviceAccountToken");
        if token.is_present() {
            let seconds = token.at("expirationSeconds");
            if seconds.int().is_some_and(|n| n < 600) {
                errors.invalid(&seconds, "may not specify a duration less than 10 minutes");
            }
            if seconds.int().is_some_and(|n| n > 1 << 32) {
                errors.invalid(&seconds, "may not specify a duration larger than 2^32 seconds");
            }
            file_path(&token.at("path"), errors);
        }
    }
}
