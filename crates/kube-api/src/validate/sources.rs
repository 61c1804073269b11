//! Sources of volumes that no node here mounts: what they need to be one.

use super::container::local_path;
use super::error::Errors;
use super::names;
use super::tree::Node;

/// What each source needs.
const NEEDED: &[(&str, &[&str])] = &[
    ("awsElasticBlockStore", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("azureFile", &["secretName", "shareName"]),
    ("cephfs", &["monitors"]),
    ("cinder", &["volumeID"]),
    ("flexVolume", &["driver"]),
    ("gcePersistentDisk", &["pdName"]),
    ("gitRepo", &["repository"]),
    ("glusterfs", &["endpoints", "path"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("local", &["path"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("quobyte", &["registry", "volume"]),
    ("rbd", &["monitors", "image"]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("storageos", &["volumeName"]),
    ("vsphereVolume", &["volumePath"]),
];

/// The rules of a source of that kind.
pub(super) fn elsewhere(source: &Node, kind: &str, errors: &mut Errors) {
    let needed = NEEDED.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, needed)| *needed);
    for field in needed {
        errors.need(&source.at(field));
    }
    match kind {
        "awsElasticBlockStore" | "gcePersistentDisk" => errors.within(&source.at("partition"), 0, 255),
        "azureDisk" => {
            errors.none_or_one_of(&source.at("cachingMode"), &["None", "ReadOnly", "ReadWrite"]);
            errors.none_or_one_of(&source.at("kind"), &["Dedicated", "Managed", "Shared"]);
        }
        "csi" => driver(&source.at("driver"), errors),
        "fc" => fibre_channel(source, errors),
        "flexVolume" => options(&source.at("options"), errors),
        "flocker" => flocker(source, errors),
        "gitRepo" => local_path(&source.at("directory"), errors),
        "iscsi" => iscsi(source, errors),
        "local" if source.at("path").text().split('/').any(|part| part == "..") => {
            errors.invalid(&source.at("path"), "must not contain '..'");
        }
        _ => {}
    }
}

/// The name of a CSI driver.
fn driver(driver: &Node, errors: &mut Errors) {
    errors.need(driver);
    if driver.text().len() > 63 {
        errors.too_long(driver, 63);
    }
    errors.named(driver, names::dns1123_subdomain(&driver.text().to_lowercase()));
}

fn fibre_channel(source: &Node, errors: &mut Errors) {
    let (targets, wide, lun) = (source.at("targetWWNs"), source.at("wwids"), source.at("lun"));
    match (targets.is_empty(), wide.is_empty()) {
        (true, true) => errors.required(&targets, "must specify either targetWWNs or wwids, but not both"),
        (false, false) => errors.invalid(&targets, "targetWWNs and wwids can not be specified simultaneously"),
        _ => {}
    }
    if targets.is_empty() {
        return;
    }
    if lun.is_present() {
        errors.within(&lun, 0, 255);
    } else {
        errors.required(&lun, "lun is required if targetWWNs is specified");
    }
}

/// Options of drivers of others are not named as if they were Kubernetes' own.
fn options(options: &Node, errors: &mut Errors) {
    for (name, value) in options.entries() {
        let domain = name.split_once('/').map_or(name, |(domain, _)| domain).to_lowercase();
        let domain = format!(".{domain}");
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            errors.invalid_value(&value, &name.into(), "kubernetes.io and k8s.io namespaces are reserved");
        }
    }
}

fn flocker(source: &Node, errors: &mut Errors) {
    let (name, id) = (source.at("datasetName"), source.at("datasetUUID"));
    match (name.is_empty(), id.is_empty()) {
        (true, true) => errors.required(source, "one of datasetName and datasetUUID is required"),
        (false, false) => {
            let why = "datasetName and datasetUUID can not be specified simultaneously";
            errors.invalid_value(source, &"resource".into(), why);
        }
        _ => {}
    }
    if name.text().contains('/') {
        errors.invalid(&name, "must not contain '/'");
    }
}

fn iscsi(source: &Node, errors: &mut Errors) {
    for name in [source.at("iqn"), source.at("initiatorName")] {
        if !name.is_empty() && !["iqn", "eui", "naa"].iter().any(|form| name.text().starts_with(form)) {
            errors.invalid(&name, "must be valid format starting with iqn, eui, or naa");
        }
    }
    errors.within(&source.at("lun"), 0, 255);
    let proves = ["chapAuthDiscovery", "chapAuthSession"].iter().any(|flag| source.at(flag).is_true());
    if proves && !source.at("secretRef").is_present() {
        errors.required(&source.at("secretRef"), "");
    }
}
