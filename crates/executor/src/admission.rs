//! Pods that this node does not take, as Kubernetes' kubelet would not: they fail at once, with its reasons. Pure.

use k8s_openapi::api::core::v1::Pod;

use crate::plan::Cause;
use crate::pod;

/// What a rejected pod's status says before the reason.
pub const REJECTED: &str = "Pod was rejected: ";

/// Sysctls that belong to a pod's own namespaces and harm nobody else: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
const SAFE: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

/// Why the pod is rejected, if it is.
#[must_use]
pub fn refusal(pod: &Pod) -> Option<Cause> {
    let os = pod::spec(pod).os.as_ref().map(|os| os.name.as_str());
    if os.is_some_and(|os| os != "linux") {
        let message = format!("{REJECTED}Failed to admit pod as the OS field doesn't match node OS");
        return Some(Cause { reason: "PodOSNotSupported", message });
    }
    let sysctls = pod::spec(pod).security_context.as_ref().and_then(|context| context.sysctls.as_ref());
    let forbidden = sysctls?.iter().find_map(|sysctl| forbidden(pod, &sysctl.name.replace('/', ".")));
    forbidden.map(|why| Cause { reason: "SysctlForbidden", message: format!("{REJECTED}{why}") })
}

/// Why a pod may not set that, if it may not.
fn forbidden(pod: &Pod, name: &str) -> Option<String> {
    let of_node = match name.split('.').next() {
        Some("net") if pod::host_network(pod) => Some("host net"),
        Some("kernel") if pod::spec(pod).host_ipc == Some(true) => Some("host ipc"),
        _ => None,
    };
    match of_node {
        _ if !SAFE.contains(&name) => Some(format!("forbidden sysctl: \"{name}\" not allowlisted")),
        Some(shared) => Some(format!("forbidden sysctl: \"{name}\" not allowed with {shared} enabled")),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(spec: serde_json::Value) -> Option<(&'static str, String)> {
        let pod = serde_json::json!({"metadata": {"name": "p"}, "spec": spec});
        refusal(&serde_json::from_value(pod).unwrap()).map(|cause| (cause.reason, cause.message))
    }

    fn sysctl(name: &str, host_network: bool) -> serde_json::Value {
        serde_json::json!({"containers": [], "hostNetwork": host_network,
            "securityContext": {"sysctls": [{"name": name, "value": "1"}]}})
    }

    #[test]
    fn sysctls_of_a_pods_own_are_let_be_and_others_refused() {
        assert_eq!(reason(serde_json::json!({"containers": []})), None);
        assert_eq!(reason(sysctl("kernel.shm_rmid_forced", false)), None);
        assert_eq!(reason(sysctl("net/ipv4/tcp_syncookies", false)), None);
        let why = "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted";
        assert_eq!(reason(sysctl("kernel.msgmax", false)), Some(("SysctlForbidden", why.to_owned())));
        let shared = reason(sysctl("net.ipv4.tcp_syncookies", true)).unwrap().1;
        assert!(shared.ends_with("\"net.ipv4.tcp_syncookies\" not allowed with host net enabled"), "{shared}");
    }

    #[test]
    fn pods_of_another_system_are_refused() {
        let os = |name: &str| reason(serde_json::json!({"containers": [], "os": {"name": name}}));
        assert_eq!(os("linux"), None);
        assert_eq!(os("windows").unwrap().0, "PodOSNotSupported");
    }
}
