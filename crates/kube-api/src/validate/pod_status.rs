//! What a pod's status may say after what it said.

use std::net::IpAddr;

use serde_json::Value;

use super::error::Errors;
use super::tree::Node;
use super::{names, pod_annotations};

const ONE_A_FAMILY: &str = "may specify no more than one IP for each IP family";

/// The node does not change, and containers that ended for good do not run again.
pub(super) fn status(root: &Node, old: &Node, errors: &mut Errors) {
    pod_annotations::changed(root, old, errors);
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
    let spec = root.at("spec");
    let init_containers = spec.at("initContainers");
    // sidecars run again whatever the pod's other containers do
    let is_sidecar = |name: &Value| {
        let mut all = init_containers.items();
        all.any(|spec| spec.value()["name"] == *name && spec.value()["restartPolicy"] == "Always")
    };
    for list in ["containerStatuses", "initContainerStatuses"] {
        let (new, old) = (status.at(list), before.at(list));
        for container in new.items() {
            let name = container.at("name");
            if list == "initContainerStatuses" && is_sidecar(name.value()) {
                continue;
            }
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

#[cfg(test)]
mod tests {
    use super::super::update_status;
    use crate::kinds;
    use serde_json::{Value, json};

    #[test]
    fn what_ended_for_good_does_not_run_again_but_a_sidecar_does() {
        let pods = kinds::find("", "v1", "pods").expect("served");
        let pod = |policy: &str, list: &str, name: &str, state: Value| {
            json!({"metadata": {"name": "p", "namespace": "default"},
                "spec": {"restartPolicy": policy, "containers": [{"name": "main"}],
                    "initContainers": [{"name": "init"}, {"name": "side", "restartPolicy": "Always"}]},
                "status": {list: [{"name": name, "state": state}]}})
        };
        let refused = |policy: &str, list: &str, name: &str, code: i32| {
            let before = pod(policy, list, name, json!({"terminated": {"exitCode": code}}));
            !update_status(pods, &pod(policy, list, name, json!({"running": {}})), &before).is_empty()
        };
        let (containers, init) = ("containerStatuses", "initContainerStatuses");
        for (policy, list, name, code, expected) in [
            ("Never", containers, "main", 1, true),
            ("Never", init, "init", 0, true),
            ("OnFailure", containers, "main", 0, true),
            ("OnFailure", containers, "main", 1, false),
            ("Always", containers, "main", 0, false),
            ("Never", init, "side", 0, false),
            ("Never", init, "side", 1, false),
            ("OnFailure", init, "side", 0, false),
        ] {
            assert_eq!(refused(policy, list, name, code), expected, "{policy} {name} {code}");
        }
    }
}
