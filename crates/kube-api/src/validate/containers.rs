//! All containers of a pod together: names, host ports, and what each list allows.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::container;
use super::error::Errors;
use super::probe;
use super::tree::Node;

/// The volumes that containers may mount, by name, and whether each is a block device.
pub(super) type Volumes<'a> = HashMap<&'a str, bool>;

/// Containers, init containers and ephemeral containers of a spec.
pub(super) fn all(spec: &Node, volumes: &Volumes, errors: &mut Errors) {
    let containers = spec.at("containers");
    let host_network = spec.at("hostNetwork").is_true();
    let grace = spec.at("terminationGracePeriodSeconds").int();
    if containers.is_empty() {
        errors.required(&containers, "");
    }
    let mut seen: HashSet<&Value> = HashSet::new();
    for node in containers.items() {
        container::common(&node, volumes, &mut seen, errors);
        probe::lifecycle(&node.at("lifecycle"), grace, errors);
        probe::all(&node, errors);
        if node.at("restartPolicy").is_present() {
            errors.forbidden(&node.at("restartPolicy"), "may not be set for non-init containers");
        }
    }
    for node in containers.items() {
        if host_network {
            host_network_ports(&node, errors);
        }
    }
    host_ports(&containers, errors);
    let init = spec.at("initContainers");
    for node in init.items() {
        container::common(&node, volumes, &mut seen, errors);
        let stays = node.at("restartPolicy").text() == "Always";
        errors.none_or_one_of(&node.at("restartPolicy"), &["Always"]);
        if stays {
            probe::lifecycle(&node.at("lifecycle"), grace, errors);
            probe::all(&node, errors);
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if node.at(field).is_present() {
                    errors
                        .forbidden(&node.at(field), "may not be set for init containers without restartPolicy=Always");
                }
            }
        }
    }
    ephemeral(spec, volumes, &mut seen, errors);
}

/// What ephemeral containers do not have.
const GUESTS_LACK: [&str; 8] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// Ephemeral containers have no ports, probes or resources: they are guests.
fn ephemeral<'v>(spec: &Node<'v, '_>, volumes: &Volumes, seen: &mut HashSet<&'v Value>, errors: &mut Errors) {
    const NOT_ALLOWED: &str = "cannot be set for an Ephemeral Container";
    for node in spec.at("ephemeralContainers").items() {
        container::common(&node, volumes, seen, errors);
        untrimmed_image(&node, errors);
        for field in GUESTS_LACK {
            if !node.at(field).is_empty() {
                errors.forbidden(&node.at(field), NOT_ALLOWED);
            }
        }
        for mount in node.at("volumeMounts").items() {
            for field in ["subPath", "subPathExpr"] {
                if !mount.at(field).is_empty() {
                    errors.forbidden(&mount.at(field), NOT_ALLOWED);
                }
            }
        }
        let target = node.at("targetContainerName");
        let lists = ["containers", "initContainers"];
        let mut names = lists.iter().filter_map(|l| spec.value()[l].as_array()).flatten().map(|c| &c["name"]);
        if !target.is_empty() && !names.any(|n| n == target.value()) {
            errors.not_found(&target);
        }
    }
}

/// A pod's containers, unlike those of a template, have images without spaces around them.
pub(super) fn untrimmed_image(container: &Node, errors: &mut Errors) {
    let image = container.at("image");
    if image.text().trim() != image.text() {
        errors.invalid(&image, "must not have leading or trailing whitespace");
    }
}

fn host_network_ports(container: &Node, errors: &mut Errors) {
    for port in container.at("ports").items() {
        let (host, number) = (port.at("hostPort"), port.at("containerPort"));
        if host.int() != number.int() {
            errors.invalid(&number, "must match `hostPort` when `hostNetwork` is true");
        }
    }
}

/// No two containers of a pod take the same port of their host.
fn host_ports(containers: &Node, errors: &mut Errors) {
    let mut taken: HashSet<String> = HashSet::new();
    for container in containers.items() {
        for port in container.at("ports").items() {
            let number = port.at("hostPort");
            let Some(n) = number.int().filter(|&n| n != 0) else { continue };
            let claim = format!("{}/{}/{n}", port.at("protocol").text(), port.at("hostIP").text());
            if !taken.insert(claim.clone()) {
                errors.duplicate_value(&number, &crate::status::quote(&claim));
            }
        }
    }
}
