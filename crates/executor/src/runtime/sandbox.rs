//! A pod's sandbox: `km pause` with no capability at all, on the pods network. It holds the pod's address and hostname.
//!
//! Nothing of a pod is published on the developer's own host: a hostPort is served on the node, which is the slave.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkConnectRequest,
    NetworkDisconnectRequest, NetworkingConfig,
};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use k8s_openapi::api::core::v1::Pod;
use sandbox::pause;

use super::{Runtime, SANDBOX_NAME, label, words};
use crate::pod;

/// The kernel's limit for a hostname.
pub const MAX_HOSTNAME: usize = 64;
/// What Kubernetes cuts the names of pods to.
const MAX_LABEL: usize = 63;

/// What a sandbox needs beside its pod, worked out by the executor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where the Docker host has the sandbox's own directory.
    pub directory: &'a str,
    /// The container (or `host`) whose network a hostNetwork pod shares.
    pub host_network: &'a str,
    /// Whose IPC namespace the pod shares, in Docker's words; its own where `None`.
    pub ipc: Option<&'a str>,
    /// The engine's runtime, where it is not the engine's choice.
    pub handler: Option<&'a str>,
    /// The hostname, where the pod does not share its node's.
    pub hostname: Option<String>,
    /// The address that the pod had before, which it is to have again.
    pub address: Option<Ipv4Addr>,
    /// The pod's volumes in memory with the engine's names of them: they live as long as the sandbox has them.
    pub memory: &'a [(String, String)],
}

impl Runtime {
    /// Makes the pod's sandbox and does not start it; its ID.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn create_sandbox(&self, pod: &Pod, attempt: u32, frame: Frame<'_>) -> Result<String, Error> {
        let Frame { directory, host_network, ipc, handler, hostname, address, memory } = frame;
        let held = memory.iter().map(|(volume, own)| format!("{own}:{}/{volume}:nocopy", pause::VOLUMES));
        let shared = pod::host_network(pod);
        let sysctls = pod::spec(pod).security_context.as_ref().and_then(|context| context.sysctls.as_ref());
        let named = |name: &str| name.replace('/', ".");
        let sysctls = sysctls.map(|all| all.iter().map(|one| (named(&one.name), one.value.clone())).collect());
        let host_config = HostConfig {
            network_mode: Some(if shared { host_network.to_owned() } else { self.network.clone() }),
            ipc_mode: Some(ipc.unwrap_or("shareable").to_owned()),
            runtime: handler.map(str::to_owned),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            binds: Some([format!("{directory}:{}", pause::DIRECTORY)].into_iter().chain(held).collect()),
            // its log is empty; a driver that keeps nothing is cheaper to start than one that keeps a file
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            sysctls,
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(self.pause_image.clone()),
            cmd: Some(vec!["pause".to_owned()]),
            hostname,
            labels: Some(self.labels(pod, SANDBOX_NAME, attempt)),
            networking_config: address.map(|address| NetworkingConfig {
                endpoints_config: Some(HashMap::from([(self.network.clone(), at(address))])),
            }),
            host_config: Some(host_config),
            ..ContainerCreateBody::default()
        };
        self.create(&name(pod, SANDBOX_NAME, attempt), body).await
    }

    /// Starts a sandbox that was made. Where it cannot have the address that it was made with, because somebody has it by now, it
    /// gets another.
    ///
    /// # Errors
    /// When the engine cannot start it.
    pub async fn start_sandbox(&self, id: &str, addressed: bool) -> Result<(), Error> {
        match self.start(id).await {
            Err(error) if addressed => {
                tracing::info!(sandbox = id, error = words(&error), "the sandbox gets another address");
                let container = id.to_owned();
                let leave = NetworkDisconnectRequest { container: container.clone(), force: Some(true) };
                self.docker.disconnect_network(&self.network, leave).await?;
                let join = NetworkConnectRequest { container, endpoint_config: None };
                self.docker.connect_network(&self.network, join).await?;
                self.start(id).await
            }
            outcome => outcome,
        }
    }

    /// Labels of the pod's container `name`.
    pub(super) fn labels(&self, pod: &Pod, name: &str, attempt: u32) -> HashMap<String, String> {
        [
            (label::CLUSTER, self.cluster.clone()),
            (label::NODE, self.node.clone()),
            (label::POD_NAME, pod::name(pod).to_owned()),
            (label::POD_NAMESPACE, pod::namespace(pod).to_owned()),
            (label::POD_UID, pod::uid(pod).to_owned()),
            (label::CONTAINER_NAME, name.to_owned()),
            (label::RESTART_COUNT, attempt.to_string()),
            (label::GRACE, pod::grace(pod).to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// Makes a container of that name. One that has it already is what a dead executor left half made: it goes first.
    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String, Error> {
        let options = || CreateContainerOptionsBuilder::default().name(name).build();
        match self.docker.create_container(Some(options()), body.clone()).await {
            Err(error) if super::is_status(&error, 409) => {
                self.remove(name).await?;
                Ok(self.docker.create_container(Some(options()), body).await?.id)
            }
            outcome => Ok(outcome?.id),
        }
    }
}

/// An endpoint of that address.
fn at(address: Ipv4Addr) -> EndpointSettings {
    let ipam_config = EndpointIpamConfig { ipv4_address: Some(address.to_string()), ..EndpointIpamConfig::default() };
    EndpointSettings { ipam_config: Some(ipam_config), ..EndpointSettings::default() }
}

/// `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`, in which nothing but the last part ever changes.
pub(super) fn name(pod: &Pod, container: &str, attempt: u32) -> String {
    format!("k8s_{container}_{}_{}_{}_{attempt}", pod::name(pod), pod::namespace(pod), pod::uid(pod))
}

/// The pod's hostname: its own word or its name, cut to what Kubernetes gives.
#[must_use]
pub fn hostname(pod: &Pod) -> String {
    let name = pod::spec(pod).hostname.as_deref().filter(|name| !name.is_empty()).unwrap_or(pod::name(pod));
    let name: String = name.chars().take(MAX_LABEL).collect();
    name.trim_end_matches(['-', '.']).to_owned()
}
