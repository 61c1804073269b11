//! Defaults of volumes.

use serde_json::Value;

use super::{Object, each, fill, have, map};

/// The mode of files that Kubernetes writes: 0644.
const FILE_MODE: i32 = 0o644;
/// How long a projected token lives, unless the volume says.
const TOKEN_SECONDS: i32 = 3600;

/// Fills in a pod's volume; one without any source is an empty directory.
pub(super) fn volume(volume: &mut Object) {
    if volume.iter().all(|(key, value)| key == "name" || value.is_null()) {
        map(volume, "emptyDir");
    }
    for key in ["configMap", "secret", "downwardAPI", "projected"] {
        if let Some(source) = have(volume, key) {
            fill(source, "defaultMode", FILE_MODE);
        }
    }
    if let Some(source) = have(volume, "downwardAPI") {
        field_refs(source);
    }
    if let Some(projected) = have(volume, "projected") {
        each(projected, "sources", |source| {
            if let Some(token) = have(source, "serviceAccountToken") {
                fill(token, "expirationSeconds", TOKEN_SECONDS);
            }
            if let Some(downward) = have(source, "downwardAPI") {
                field_refs(downward);
            }
        });
    }
    if let Some(claim) = have(volume, "ephemeral").and_then(|e| have(e, "volumeClaimTemplate")) {
        fill(map(claim, "spec"), "volumeMode", "Filesystem");
    }
    if let Some(image) = have(volume, "image") {
        let latest = image
            .get("reference")
            .and_then(Value::as_str)
            .is_none_or(|r| !r.contains([':', '@']) || r.ends_with(":latest"));
        fill(image, "pullPolicy", if latest { "Always" } else { "IfNotPresent" });
    }
    source(volume);
}

fn field_refs(downward: &mut Object) {
    each(downward, "items", |item| {
        if let Some(field) = have(item, "fieldRef") {
            fill(field, "apiVersion", "v1");
        }
        if let Some(resource) = have(item, "resourceFieldRef") {
            fill(resource, "divisor", "0");
        }
    });
}

/// Fills in the sources that pods' volumes and persistent volumes share.
pub(super) fn source(volume: &mut Object) {
    for (key, field, value) in [
        ("hostPath", "type", ""),
        ("iscsi", "iscsiInterface", "default"),
        ("rbd", "pool", "rbd"),
        ("rbd", "user", "admin"),
        ("rbd", "keyring", "/etc/ceph/keyring"),
        ("scaleIO", "storageMode", "ThinProvisioned"),
        ("scaleIO", "fsType", "xfs"),
        ("azureDisk", "cachingMode", "ReadWrite"),
        ("azureDisk", "fsType", "ext4"),
        ("azureDisk", "kind", "Shared"),
    ] {
        if let Some(source) = have(volume, key) {
            fill(source, field, value);
        }
    }
    if let Some(disk) = have(volume, "azureDisk") {
        fill(disk, "readOnly", false);
    }
}
