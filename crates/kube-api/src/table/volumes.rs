//! Persistent volumes and claims.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column, items, join, name, or, text, wide};

pub(super) static PERSISTENT_VOLUMES: Printer = Printer {
    columns: &[
        NAME,
        column("Capacity", "How much the volume holds."),
        column("Access Modes", "How it can be mounted."),
        column("Reclaim Policy", "What becomes of it when its claim goes."),
        column("Status", "Whether it is free, bound or gone."),
        column("Claim", "The claim that has it."),
        column("StorageClass", "The class that it belongs to."),
        column("VolumeAttributesClass", "The class of its attributes."),
        column("Reason", "Why it is in that state."),
        AGE,
        wide("VolumeMode", "Whether it is a file system or a block device."),
    ],
    cells: |volume, now| {
        let spec = &volume["spec"];
        let claim = match (text(&spec["claimRef"]["namespace"]), text(&spec["claimRef"]["name"])) {
            ("", "") => String::new(),
            (namespace, name) => format!("{namespace}/{name}"),
        };
        vec![
            name(volume),
            text(&spec["capacity"]["storage"]).into(),
            modes(&spec["accessModes"]).into(),
            text(&spec["persistentVolumeReclaimPolicy"]).into(),
            phase(volume).into(),
            claim.into(),
            text(&spec["storageClassName"]).into(),
            or(&spec["volumeAttributesClassName"], "<unset>").into(),
            text(&volume["status"]["reason"]).into(),
            age(volume, now),
            or(&spec["volumeMode"], "<unset>").into(),
        ]
    },
};

pub(super) static PERSISTENT_VOLUME_CLAIMS: Printer = Printer {
    columns: &[
        NAME,
        column("Status", "Whether the claim has a volume."),
        column("Volume", "The volume that it has."),
        column("Capacity", "How much that volume holds."),
        column("Access Modes", "How that volume can be mounted."),
        column("StorageClass", "The class that the volume is to come from."),
        column("VolumeAttributesClass", "The class of the volume's attributes."),
        AGE,
        wide("VolumeMode", "Whether the volume is a file system or a block device."),
    ],
    cells: |claim, now| {
        let (spec, status) = (&claim["spec"], &claim["status"]);
        let bound = !text(&spec["volumeName"]).is_empty();
        let (capacity, access) = if bound {
            (text(&status["capacity"]["storage"]), modes(&status["accessModes"]))
        } else {
            ("", String::new())
        };
        vec![
            name(claim),
            phase(claim).into(),
            text(&spec["volumeName"]).into(),
            capacity.into(),
            access.into(),
            text(&spec["storageClassName"]).into(),
            or(&spec["volumeAttributesClassName"], "<unset>").into(),
            age(claim, now),
            or(&spec["volumeMode"], "<unset>").into(),
        ]
    },
};

fn phase(object: &Value) -> &str {
    if object["metadata"]["deletionTimestamp"].is_string() { "Terminating" } else { text(&object["status"]["phase"]) }
}

fn modes(modes: &Value) -> String {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let has = |mode: &str| items(modes).any(|m| m == mode);
    join(SHORT.iter().filter(|(mode, _)| has(mode)).map(|(_, short)| *short), ",")
}
