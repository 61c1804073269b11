//! Where this node is: the slave's own container, and where the Docker host keeps its volume.
//!
//! On an agent that is no container (an existing Mesos cluster) the node is the machine itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::Context;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::ListContainersOptionsBuilder;
use jiff::Timestamp;

use crate::flags::Flags;
use crate::runtime::{Runtime, label};

/// Where the node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The node's address on the pods network.
    pub address: IpAddr,
    /// The root directory as the Docker host sees it.
    pub host_root: PathBuf,
    /// The network mode of hostNetwork pods: the slave's own namespace, or the machine's.
    pub host_network: String,
    /// Whose IPC namespace hostIPC pods are in, in Docker's words: the slave's where it shares it, or the machine's.
    pub host_ipc: Option<String>,
    /// When the slave's container was started, if the node is one.
    pub started: Option<Timestamp>,
}

/// Finds out.
///
/// # Errors
/// When the engine does not answer, or the slave's container does not have what it should.
pub async fn find(runtime: &Runtime, flags: &Flags, node: &str) -> anyhow::Result<Placement> {
    let labels = vec![format!("{}={}", label::CLUSTER, flags.k8sm_cluster), format!("{}={node}", label::HOSTNAME)];
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = runtime.docker().list_containers(Some(options)).await.context("looking for the slave's container")?;
    match listed.into_iter().next().and_then(|summary| summary.id) {
        None => Ok(Placement {
            address: flags.node_ip.map_or_else(own_address, Ok).context("finding this machine's address")?,
            host_root: flags.root_dir.clone(),
            host_network: "host".to_owned(),
            host_ipc: Some("host".to_owned()),
            started: None,
        }),
        Some(id) => {
            let slave =
                runtime.docker().inspect_container(&id, None).await.context("inspecting the slave's container")?;
            let address = flags.node_ip.or_else(|| address(&slave, &flags.network()));
            Ok(Placement {
                address: address
                    .with_context(|| format!("container of {node} has no address on {}", flags.network()))?,
                host_root: on_host(&slave, &flags.root_dir)
                    .with_context(|| format!("container of {node} has no volume at {}", flags.root_dir.display()))?,
                host_network: format!("container:{id}"),
                host_ipc: ipc(&slave, &id),
                started: slave.state.and_then(|state| state.started_at?.parse().ok()),
            })
        }
    }
}

/// The slave's IPC namespace, where others may be in it.
fn ipc(slave: &ContainerInspectResponse, id: &str) -> Option<String> {
    match slave.host_config.as_ref()?.ipc_mode.as_deref()? {
        "shareable" => Some(format!("container:{id}")),
        "host" => Some("host".to_owned()),
        _ => None,
    }
}

fn address(slave: &ContainerInspectResponse, network: &str) -> Option<IpAddr> {
    let networks = slave.network_settings.as_ref()?.networks.as_ref()?;
    networks.get(network)?.ip_address.as_deref()?.parse().ok()
}

/// `path` in the container as a path of the Docker host, by the mount that holds it.
fn on_host(slave: &ContainerInspectResponse, path: &Path) -> Option<PathBuf> {
    let mounts = slave.mounts.iter().flatten().filter_map(|mount| {
        let rest = path.strip_prefix(mount.destination.as_deref()?).ok()?;
        Some((rest, Path::new(mount.source.as_deref()?)))
    });
    // the longest destination leaves the shortest rest
    let (rest, source) = mounts.min_by_key(|(rest, _)| rest.components().count())?;
    Some(if rest.as_os_str().is_empty() { source.to_owned() } else { source.join(rest) })
}

/// The address that this machine speaks to others from. No packet is sent.
fn own_address() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let routed = socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr());
    Ok(routed.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_directory_is_found_by_its_mount() {
        let slave = serde_json::json!({"Mounts": [
            {"Source": "/run/docker.sock", "Destination": "/var/run/docker.sock"},
            {"Source": "/docker/volumes/x/_data", "Destination": "/var/lib/k8sm"},
            {"Source": "/other", "Destination": "/var/lib"},
        ], "NetworkSettings": {"Networks": {"pods": {"IPAddress": "10.0.0.2"}}}});
        let slave: ContainerInspectResponse = serde_json::from_value(slave).unwrap();
        let find = |path: &str| on_host(&slave, Path::new(path));
        assert_eq!(find("/var/lib/k8sm"), Some("/docker/volumes/x/_data".into()));
        assert_eq!(find("/var/lib/k8sm/deep"), Some("/docker/volumes/x/_data/deep".into()));
        assert_eq!(find("/var/lib/k8smother"), Some("/other/k8smother".into()));
        assert_eq!(find("/etc"), None);
        assert_eq!(address(&slave, "pods"), Some([10, 0, 0, 2].into()));
        assert_eq!(ipc(&slave, "x"), None);
        let with = |mode: &str| {
            let slave = serde_json::json!({"HostConfig": {"IpcMode": mode}});
            ipc(&serde_json::from_value(slave).unwrap(), "x")
        };
        let modes = ["private", "shareable", "host"].map(with);
        assert_eq!(modes, [None, Some("container:x".to_owned()), Some("host".to_owned())]);
    }
}
