//! What a pod asks for and this node leaves out: told in events rather than passed over. Pure.

use k8s_openapi::api::core::v1::{Container, Pod};

use crate::pod;

/// All of it, by container; by none where it is the whole pod's. `shares_ipc`: whether the node has an IPC namespace that pods
/// may be in.
#[must_use]
pub fn of(pod: &Pod, shares_ipc: bool) -> Vec<(&str, &'static str)> {
    let spec = pod::spec(pod);
    let groups = spec.security_context.as_ref().and_then(|context| context.supplemental_groups_policy.as_deref());
    let whole = [
        (
            spec.host_ipc == Some(true) && !shares_ipc,
            "hostIPC is not served by this node, whose slave keeps its IPC namespace to itself: the pod's containers share one \
             of their own",
        ),
        (
            spec.host_users == Some(false),
            "hostUsers: false is not served by this node: the pod's users are the machine's",
        ),
        (
            groups == Some("Strict"),
            "supplementalGroupsPolicy Strict is not served by this node: containers have the groups of their image too",
        ),
        (spec.resource_claims.iter().flatten().next().is_some(), "resourceClaims are not served by this node"),
    ];
    let whole = whole.into_iter().filter(|(asked, _)| *asked).map(|(_, what)| ("", what));
    let own = pod::all_containers(pod).flat_map(|container| {
        let asked = of_container(container, pod::host_network(pod)).into_iter().filter(|(asked, _)| *asked);
        asked.map(|(_, what)| (container.name.as_str(), what)).collect::<Vec<_>>()
    });
    own.chain(whole).collect()
}

/// What one container may ask for, whether it does, and what is said of it.
fn of_container(container: &Container, host_network: bool) -> [(bool, &'static str); 5] {
    let security = container.security_context.as_ref();
    let app_armor = security.and_then(|security| security.app_armor_profile.as_ref());
    let proc_mount = security.and_then(|security| security.proc_mount.as_deref());
    let sctp = container.ports.iter().flatten().any(|port| {
        port.host_port.is_some_and(|port| port > 0) && port.protocol.as_deref() == Some("SCTP") && !host_network
    });
    let mut mounts = container.volume_mounts.iter().flatten();
    let propagated = mounts.any(|mount| mount.mount_propagation.as_deref().is_some_and(|mode| mode != "None"));
    [
        (
            sctp,
            "hostPort is served by this node for TCP and UDP, not SCTP: the container is reached at the pod's address",
        ),
        (
            propagated,
            "mountPropagation is not served by this node: what is mounted later is seen on its own side alone",
        ),
        (container.volume_devices.iter().flatten().next().is_some(), "volumeDevices are not served by this node"),
        (
            app_armor.is_some_and(|profile| profile.type_ == "Localhost"),
            "appArmorProfile of type Localhost is not served by this node: the container has the engine's own",
        ),
        (
            proc_mount == Some("Unmasked"),
            "procMount Unmasked is not served by this node: parts of /proc are hidden from the container",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_named() {
        let port = |protocol: &str| serde_json::json!([{"containerPort": 80, "hostPort": 31000, "protocol": protocol}]);
        let spec = serde_json::json!({"hostIPC": true, "hostUsers": false, "containers": [{"name": "a"},
            {"name": "b", "ports": port("SCTP")}, {"name": "c", "ports": port("UDP"),
            "securityContext": {"procMount": "Unmasked"},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "mountPropagation": "HostToContainer"}]}]});
        let pod = serde_json::json!({"metadata": {"name": "p"}, "spec": spec});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let names = |shares| of(&pod, shares).into_iter().map(|(container, _)| container).collect::<Vec<_>>();
        assert_eq!((names(false), names(true)), (vec!["b", "c", "c", "", ""], vec!["b", "c", "c", ""]));
        let plain = serde_json::json!({"spec": {"containers": [{"name": "a"}]}});
        assert_eq!(of(&serde_json::from_value(plain).unwrap(), false), []);
    }
}
