//! What a pod's status may say after what it said.

use std::net::IpAddr;

use super::error::Errors;
use super::names;
use super::tree::Node;

const ONE_A_FAMILY: &str = "may specify no more than one IP for each IP family";

/// The node does not change, and containers that ended for good do not run again.
pub(super) fn status(root: &Node, old: &Node, errors: &mut Errors) {
    let (status, before) = (root.at("status"), old.at("status"));
    let nominated = status.at("nominatedNodeName");
    if !nominated.is_empty() {
        errors.named(&nominated, names::dns1123_subdomain(nominated.text()));
    }
    if root.at("spec").at("nodeName").value() != old.at("spec").at("nodeName").value() {
        errors.forbidden(&status.at("nodeName"), "may not be changed directly");
    }
    for list in ["podIPs", "hostIPs"] {
        addresses(&status.at(list), errors);
    }
    let policy = root.at("spec").at("restartPolicy").text().to_owned();
    if policy == "Always" {
        return;
    }
    for list in ["containerStatuses", "initContainerStatuses"] {
        let (new, old) = (status.at(list), before.at(list));
        for container in new.items() {
            let name = container.at("name");
            let Some(was) = old.items().find(|c| c.value()["name"] == *name.value()) else { continue };
            let ended = &was.value()["state"]["terminated"];
            let may_restart = policy == "OnFailure" && ended["exitCode"].as_i64() != Some(0);
            if ended.is_object() && !may_restart && !container.value()["state"]["terminated"].is_object() {
                errors.forbidden(&container.at("state"), "may not be transitioned to non-terminated state");
            }
        }
    }
}

/// Addresses of a pod or of its node: one of a family, two at most.
fn addresses(list: &Node, errors: &mut Errors) {
    let mut families = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (index, entry) in list.items().enumerate() {
        let text = entry.at("ip").text();
        match text.parse::<IpAddr>() {
            Ok(address) => families.push(address.is_ipv4()),
            Err(_) => {
                let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                errors.invalid_value(&list.index(index), &text.into(), why);
            }
        }
        if seen.contains(&text) {
            errors.duplicate_value(&entry, &format!("{{{text}}}"));
        }
        seen.push(text);
    }
    if families.len() == list.len() && list.len() > 1 && (list.len() > 2 || families[0] == families[1]) {
        errors.invalid(list, ONE_A_FAMILY);
    }
}
