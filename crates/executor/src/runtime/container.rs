//! A container of a pod, in its sandbox's network and IPC namespaces.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig};
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::sandbox::name;
use super::{Runtime, label};
use crate::meminfo;
use crate::pod;
use crate::security;

/// The kernel's period of cpu quotas that Kubernetes uses, microseconds.
const CPU_PERIOD: i64 = 100_000;
/// The least shares and quota the kernel takes.
const MIN_SHARES: i64 = 2;
const MIN_QUOTA: i64 = 1000;

/// Processes and threads of a container at most: a fork bomb ends there, and nothing else notices.
const MAX_PROCESSES: i64 = 4096;

/// The machine's memory in bytes; more than any has where the kernel does not say.
static MEMORY: LazyLock<f64> = LazyLock::new(|| meminfo::bytes("MemTotal").map_or(f64::INFINITY, |bytes| bytes as f64));

/// What a container needs beside its spec, worked out by the executor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The engine's runtime, where it is not the engine's choice.
    pub handler: Option<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// The image's name, which is known to be here.
    pub image: String,
    /// `entrypoint` and `cmd`, expanded.
    pub command: Option<Vec<String>>,
    /// Its arguments, expanded.
    pub args: Option<Vec<String>>,
    /// `source:destination[:ro]`, sources on the Docker host.
    pub binds: Vec<String>,
    /// The user, where it is not the image's.
    pub user: Option<String>,
    /// What the kernel lets it do.
    pub security_options: Vec<String>,
    /// The process namespace to share, in Docker's words; its own where `None`.
    pub pid_mode: Option<String>,
    /// Whose IPC namespace to share, in Docker's words; the sandbox's where `None`.
    pub ipc_mode: Option<String>,
}

impl Runtime {
    /// Makes the container and does not start it; its ID.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn create_container(
        &self,
        pod: &Pod,
        container: &Container,
        attempt: u32,
        sandbox: &str,
        prepared: Prepared,
    ) -> Result<String, Error> {
        let mut labels = self.labels(pod, &container.name, attempt);
        labels.insert(label::HASH.to_owned(), pod::hash(container));
        let body = ContainerCreateBody {
            image: Some(prepared.image.clone()),
            entrypoint: prepared.command.clone(),
            cmd: prepared.args.clone(),
            env: Some(prepared.env.clone()),
            user: prepared.user.clone(),
            working_dir: container.working_dir.clone().filter(|directory| !directory.is_empty()),
            open_stdin: container.stdin,
            stdin_once: container.stdin_once,
            tty: container.tty,
            labels: Some(labels),
            host_config: Some(host_config(pod, container, sandbox, prepared)),
            ..ContainerCreateBody::default()
        };
        self.create(&name(pod, &container.name, attempt), body).await
    }
}

fn host_config(pod: &Pod, container: &Container, sandbox: &str, prepared: Prepared) -> HostConfig {
    let security = container.security_context.clone().unwrap_or_default();
    let capabilities = security.capabilities.clone().unwrap_or_default();
    let limits = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
    let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    let cpu_limit = amount(limits, "cpu");
    HostConfig {
        network_mode: Some(format!("container:{sandbox}")),
        ipc_mode: Some(prepared.ipc_mode.unwrap_or_else(|| format!("container:{sandbox}"))),
        pid_mode: prepared.pid_mode,
        runtime: prepared.handler,
        binds: Some(prepared.binds),
        cpu_shares: Some(shares(amount(requests, "cpu").or(cpu_limit))),
        cpu_period: cpu_limit.map(|_| CPU_PERIOD),
        cpu_quota: cpu_limit.map(|cpus| MIN_QUOTA.max((cpus * CPU_PERIOD as f64) as i64)),
        memory: amount(limits, "memory").map(|bytes| bytes as i64),
        // as much as memory: no swap, as Kubernetes has it
        memory_swap: amount(limits, "memory").map(|bytes| bytes as i64),
        privileged: security.privileged,
        readonly_rootfs: security.read_only_root_filesystem,
        cap_add: capabilities.add,
        cap_drop: capabilities.drop,
        group_add: security::groups(pod),
        security_opt: Some(prepared.security_options).filter(|options| !options.is_empty()),
        pids_limit: Some(MAX_PROCESSES),
        oom_score_adj: Some(oom_score(pod::qos_class(pod), amount(requests, "memory"), *MEMORY)),
        ..HostConfig::default()
    }
}

/// A container's part of the processor where there is not enough of it. One that asks for none has the least: the engine's
/// own choice would be as much as a whole cpu.
fn shares(cpus: Option<f64>) -> i64 {
    cpus.map_or(MIN_SHARES, |cpus| MIN_SHARES.max((cpus * 1024.0) as i64))
}

/// How early the kernel ends a container where memory runs out: the later, the more of the machine's it asked for. A
/// Guaranteed one has the least that needs no CAP_SYS_RESOURCE: where the engine lacks that, none would start below 0.
fn oom_score(qos_class: &str, asked: Option<f64>, memory: f64) -> i64 {
    match qos_class {
        "Guaranteed" => 0,
        "BestEffort" => 1000,
        _ => ((1000.0 - 1000.0 * asked.unwrap_or(0.0) / memory) as i64).clamp(3, 999),
    }
}

/// The amount of a resource, in its unit (cpus, bytes); `None` where it is absent or zero.
fn amount(of: Option<&BTreeMap<String, Quantity>>, resource: &str) -> Option<f64> {
    let amount: kube_api::quantity::Quantity = of?.get(resource)?.0.parse().ok()?;
    Some(amount.as_f64()).filter(|amount| *amount > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(spec: serde_json::Value) -> HostConfig {
        let pod = serde_json::json!({"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": [spec]}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        host_config(&pod, &pod::containers(&pod)[0], "s", Prepared::default())
    }

    #[test]
    fn limits_become_shares_quota_and_memory() {
        let with = config(serde_json::json!({"name": "c", "resources": {
            "limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}}));
        assert_eq!((with.cpu_shares, with.cpu_quota, with.cpu_period), (Some(256), Some(50_000), Some(100_000)));
        assert_eq!((with.memory, with.memory_swap), (Some(64 << 20), Some(64 << 20)));
        let without = config(serde_json::json!({"name": "c"}));
        assert_eq!((without.cpu_shares, without.cpu_quota, without.memory), (Some(2), None, None));
        assert_eq!(without.network_mode.as_deref(), Some("container:s"));
    }

    #[test]
    fn who_asked_for_much_memory_loses_it_last() {
        assert_eq!(oom_score("Guaranteed", Some(1.0), 100.0), 0);
        assert_eq!(oom_score("BestEffort", None, 100.0), 1000);
        assert_eq!(oom_score("Burstable", Some(30.0), 100.0), 700);
        assert_eq!((oom_score("Burstable", None, 100.0), oom_score("Burstable", Some(100.0), 100.0)), (999, 3));
        assert_eq!(oom_score("Burstable", Some(30.0), f64::INFINITY), 999);
    }

    #[test]
    fn the_security_context_is_passed_on() {
        let with = config(serde_json::json!({"name": "c", "securityContext": {
            "privileged": true, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": true}}));
        assert_eq!(with.privileged, Some(true));
        assert_eq!(with.cap_add, Some(vec!["NET_ADMIN".to_owned()]));
        assert_eq!(with.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(with.readonly_rootfs, Some(true));
    }
}
