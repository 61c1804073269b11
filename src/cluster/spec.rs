//! What one container of the cluster is to be: a service of the compose file with every placeholder resolved.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ring::digest::{SHA256, digest};
use serde::Serialize;

use super::addons::dns;
use super::compose::{self, Compose, Service};
use super::name::{self, ClusterName};
use super::port::{self, Ports};
use super::publish::Publish;
use super::subnet::{self, Layout};
use crate::failure::Failure;

/// All that was chosen for a cluster, by flags, by what is free, or by an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Choices {
    /// The network of the components.
    pub(crate) control: Layout,
    /// The network of the pods.
    pub(crate) pods: Layout,
    /// The range of service addresses.
    #[serde(serialize_with = "subnet::as_text")]
    pub(crate) service_cidr: ipnet::Ipv4Net,
    /// The published ports.
    pub(crate) ports: Ports,
    /// The published node ports.
    pub(crate) published: Vec<Publish>,
    /// How many slaves there are.
    pub(crate) slaves: u32,
    /// The image of the servers.
    pub(crate) km_image: String,
    /// The image of etcd, where it is not the compose file's.
    pub(crate) etcd_image: Option<String>,
    /// The engine's own socket on its host.
    pub(crate) socket: String,
    /// Where the API server's TLS port is published: the loopback, or all addresses of another machine.
    pub(crate) api_address: Ipv4Addr,
}

impl Choices {
    /// An address of the service range by its number: 1 is `kubernetes`, 10 the cluster's DNS.
    pub(crate) fn service_address(&self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.service_cidr.network()) + number)
    }
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ContainerSpec {
    pub(crate) name: String,
    /// The service of the compose file.
    pub(crate) component: String,
    pub(crate) hostname: String,
    pub(crate) image: String,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    /// `control` first.
    pub(crate) networks: Vec<NetworkUse>,
    /// `VOLUME:/PATH` or `/PATH:/PATH`, volumes by their full name.
    pub(crate) mounts: Vec<String>,
    pub(crate) ports: Vec<PublishedPort>,
    pub(crate) cap_add: Vec<String>,
    pub(crate) cap_drop: Vec<String>,
    pub(crate) security_opt: Vec<String>,
    pub(crate) ipc: Option<String>,
    pub(crate) read_only: bool,
    pub(crate) user: Option<String>,
    /// `host` where the engine would remap users. Absent it leaves the digest as that of builds before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) userns_mode: Option<String>,
    pub(crate) restart: String,
}

/// A container's place in one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NetworkUse {
    /// `control` or `pods`.
    pub(crate) key: String,
    /// The network's full name.
    pub(crate) network: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) aliases: Vec<String>,
}

/// A port that is published on the engine's host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PublishedPort {
    pub(crate) host_address: Ipv4Addr,
    pub(crate) host_port: u16,
    pub(crate) port: u16,
}

impl ContainerSpec {
    /// A digest of all that the container is made from, but for who made it.
    pub(crate) fn digest(&self) -> String {
        let text = serde_json::to_vec(self).expect("a specification of strings and numbers is JSON");
        hex12(digest(&SHA256, &text).as_ref())
    }
}

/// The first twelve hexadecimal digits of a digest, as image and configuration labels show it.
pub(crate) fn hex12(digest: &[u8]) -> String {
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Every container of the cluster: the services of `compose`, the template of slaves made as often as chosen.
///
/// # Errors
/// A usage failure that names service and key of what cannot be resolved.
pub(crate) fn containers(
    compose: &Compose,
    cluster: &ClusterName,
    choices: &Choices,
) -> Result<Vec<ContainerSpec>, Failure> {
    let mut specs = Vec::new();
    for (component, service) in compose.services.all() {
        if component != "mesosslave" {
            specs.push(resolve(service, component, component, 1, cluster, choices)?);
            continue;
        }
        for index in 1..=choices.slaves {
            specs.push(resolve(service, component, &format!("mesosslave{index}"), index, cluster, choices)?);
        }
    }
    Ok(specs)
}

fn resolve(
    service: &Service,
    component: &str,
    hostname: &str,
    index: u32,
    cluster: &ClusterName,
    choices: &Choices,
) -> Result<ContainerSpec, Failure> {
    let wrong = |key: &str, what: String| Failure::usage(format!("compose file: services.{component}.{key}: {what}"));
    let values = placeholders(hostname, index, cluster, choices);
    let text = |key: &str, text: &str| compose::interpolate(text, &values).map_err(|what| wrong(key, what));
    let texts = |key: &str, list: &[String]| list.iter().map(|word| text(key, word)).collect::<Result<Vec<_>, _>>();
    let table = |key: &str, table: &BTreeMap<String, String>| {
        table
            .iter()
            .map(|(name, value)| Ok((name.clone(), text(key, value)?)))
            .collect::<Result<BTreeMap<_, _>, Failure>>()
    };
    let mut labels = table("labels", &service.labels.0)?;
    labels.extend(component_labels(cluster, component, hostname));
    // one node is enough: each serves every node port
    let published = if hostname == "mesosslave1" { choices.published.as_slice() } else { &[] };
    let published = published
        .iter()
        .map(|one| Ok(PublishedPort { host_address: Ipv4Addr::LOCALHOST, host_port: one.host, port: one.node }));
    let ports = service.ports.iter().map(|port| {
        let port = text("ports", &port.0)?;
        parse_port(&port).ok_or_else(|| wrong("ports", format!("`{port}`, expected ADDRESS:HOST-PORT:PORT")))
    });
    Ok(ContainerSpec {
        name: cluster.of(hostname),
        component: component.to_owned(),
        hostname: hostname.to_owned(),
        image: text("image", &service.image)?,
        entrypoint: service.entrypoint.as_ref().map(|words| texts("entrypoint", &words.0)).transpose()?,
        command: service.command.as_ref().map_or(Ok(Vec::new()), |words| texts("command", &words.0))?,
        environment: table("environment", &service.environment.0)?,
        labels,
        networks: networks(service, component, hostname, cluster, choices)?,
        mounts: service
            .volumes
            .iter()
            .map(|mount| Ok(full_mount(&text("volumes", mount)?, component, hostname, cluster)))
            .collect::<Result<_, Failure>>()?,
        ports: ports.chain(published).filter(is_published).collect::<Result<_, Failure>>()?,
        cap_add: service.cap_add.clone(),
        cap_drop: service.cap_drop.clone(),
        security_opt: service.security_opt.clone(),
        ipc: service.ipc.clone(),
        read_only: service.read_only,
        user: service.user.as_ref().map(|user| user.0.clone()),
        userns_mode: service.userns_mode.clone(),
        restart: service.restart.clone().unwrap_or_else(|| "always".to_owned()),
    })
}

/// The values of all placeholders for one component.
fn placeholders(
    hostname: &str,
    index: u32,
    cluster: &ClusterName,
    choices: &Choices,
) -> BTreeMap<&'static str, String> {
    let mut values = BTreeMap::from([
        ("K8SM_CLUSTER", cluster.to_string()),
        ("K8SM_KM_IMAGE", choices.km_image.clone()),
        ("K8SM_HOSTNAME", hostname.to_owned()),
        ("K8SM_INDEX", index.to_string()),
        ("K8SM_CONTROL_SUBNET", choices.control.subnet.to_string()),
        ("K8SM_CONTROL_GATEWAY", choices.control.gateway.to_string()),
        ("K8SM_CONTROL_IP_RANGE", choices.control.ip_range.to_string()),
        ("K8SM_PODS_SUBNET", choices.pods.subnet.to_string()),
        ("K8SM_PODS_GATEWAY", choices.pods.gateway.to_string()),
        ("K8SM_PODS_IP_RANGE", choices.pods.ip_range.to_string()),
        ("K8SM_SERVICE_CIDR", choices.service_cidr.to_string()),
        ("K8SM_DNS_ADDRESS", choices.service_address(dns::NUMBER).to_string()),
        ("K8SM_API_ADDRESS", choices.api_address.to_string()),
        ("K8SM_API_PORT", choices.ports.api.to_string()),
        ("K8SM_INSECURE_PORT", choices.ports.insecure.to_string()),
        ("K8SM_MASTER_PORT", choices.ports.master.to_string()),
        ("K8SM_DOCKER_SOCKET", choices.socket.clone()),
    ]);
    values.extend(choices.control.address(hostname).map(|address| ("K8SM_CONTROL_ADDRESS", address.to_string())));
    values.extend(choices.pods.address(hostname).map(|address| ("K8SM_PODS_ADDRESS", address.to_string())));
    values.extend(choices.etcd_image.clone().map(|image| ("K8SM_ETCD_IMAGE", image)));
    values
}

fn component_labels(cluster: &ClusterName, component: &str, hostname: &str) -> [(String, String); 7] {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    [
        pair(name::CLUSTER, cluster.as_str()),
        pair(name::COMPONENT, component),
        pair(name::HOSTNAME, hostname),
        pair("com.docker.compose.project", cluster.as_str()),
        pair("com.docker.compose.service", hostname),
        pair("com.docker.compose.container-number", "1"),
        pair("com.docker.compose.oneoff", "False"),
    ]
}

fn networks(
    service: &Service,
    component: &str,
    hostname: &str,
    cluster: &ClusterName,
    choices: &Choices,
) -> Result<Vec<NetworkUse>, Failure> {
    let wrong = |key: &str, what: String| {
        Failure::usage(format!("compose file: services.{component}.networks.{key}.ipv4_address: {what}"))
    };
    // BTreeMap's order has `control` before `pods`, which makes it the container's first network.
    let uses = service.networks.0.iter().map(|(key, attachment)| {
        let layout = if key == "control" { &choices.control } else { &choices.pods };
        let address = match &attachment.ipv4_address {
            Some(named) => named.parse().map_err(|_| wrong(key, format!("`{named}` is no address")))?,
            None => layout
                .address(hostname)
                .ok_or_else(|| Failure::usage(format!("network {key} has no address for {hostname}")))?,
        };
        let aliases = std::iter::once(hostname.to_owned()).chain(attachment.aliases.iter().cloned()).collect();
        Ok(NetworkUse { key: key.clone(), network: cluster.of(key), address, aliases })
    });
    uses.collect()
}

/// A mount with its volume's full name; the template's volume is each slave's own.
fn full_mount(mount: &str, component: &str, hostname: &str, cluster: &ClusterName) -> String {
    match mount.split_once(':') {
        Some((volume, rest)) if !volume.starts_with('/') => {
            let volume = if component == "mesosslave" && volume == component { hostname } else { volume };
            format!("{}:{rest}", cluster.of(volume))
        }
        _ => mount.to_owned(),
    }
}

/// Whether a port is to be published at all: the Mesos master's need not be.
fn is_published(port: &Result<PublishedPort, Failure>) -> bool {
    port.as_ref().map_or(true, |port| port.host_port != port::UNPUBLISHED)
}

fn parse_port(text: &str) -> Option<PublishedPort> {
    let mut parts = text.split(':');
    let port = PublishedPort {
        host_address: parts.next()?.parse().ok()?,
        host_port: parts.next()?.parse().ok()?,
        port: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(port)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Choices for tests, of no machine's.
    pub(crate) fn choices() -> Choices {
        Choices {
            control: Layout::of("172.30.0.0/22".parse().unwrap()).unwrap(),
            pods: Layout::of("172.30.32.0/19".parse().unwrap()).unwrap(),
            service_cidr: "10.10.10.0/24".parse().unwrap(),
            ports: Ports { api: 6443, insecure: 8888, master: 5050 },
            published: Vec::new(),
            slaves: 2,
            km_image: "k8sm/km:0.1.0-0123456789ab".into(),
            etcd_image: Some("k8sm/etcd:0123456789ab".into()),
            socket: "/var/run/docker.sock".into(),
            api_address: Ipv4Addr::LOCALHOST,
        }
    }

    fn specs() -> Vec<ContainerSpec> {
        containers(&Compose::load(None).unwrap(), &ClusterName::new("gtest").unwrap(), &choices()).unwrap()
    }

    #[test]
    fn seven_containers_come_of_six_services() {
        let names: Vec<String> = specs().into_iter().map(|spec| spec.name).collect();
        assert_eq!(
            names,
            [
                "gtest-etcd",
                "gtest-mesosmaster1",
                "gtest-mesosslave1",
                "gtest-mesosslave2",
                "gtest-apiserver",
                "gtest-controller",
                "gtest-scheduler"
            ]
        );
    }

    #[test]
    fn a_port_of_zero_is_not_published() {
        let choices = Choices { ports: Ports { master: port::UNPUBLISHED, ..choices().ports }, ..choices() };
        let compose = Compose::load(None).unwrap();
        let specs = containers(&compose, &ClusterName::new("gtest").unwrap(), &choices).unwrap();
        let published =
            |component: &str| specs.iter().find(|spec| spec.component == component).map(|spec| spec.ports.len());
        assert_eq!((published("mesosmaster1"), published("apiserver")), (Some(0), Some(2)));
    }

    #[test]
    fn slaves_differ_in_what_is_theirs() {
        let slave = specs().remove(3);
        assert_eq!(slave.environment["MESOS_ATTRIBUTES"], "rack:2;gen:2012");
        assert_eq!(slave.environment["MESOS_IP"], "172.30.0.17");
        assert_eq!(slave.mounts, ["gtest-mesosslave2:/var/lib/k8sm", "/var/run/docker.sock:/var/run/docker.sock"]);
        assert_eq!(slave.networks[1].network, "gtest-pods");
    }

    #[test]
    fn pods_reach_no_port_but_those_meant_for_them() {
        for spec in specs() {
            let on_pods = spec.networks.iter().any(|network| network.key == "pods");
            assert_eq!(on_pods, ["apiserver", "mesosslave"].contains(&spec.component.as_str()), "{}", spec.name);
            assert_eq!(spec.cap_add.contains(&"NET_ADMIN".to_owned()), spec.component == "mesosslave");
            assert_eq!(spec.cap_drop, ["ALL"], "{}", spec.name);
            assert!(spec.ports.iter().all(|port| port.host_address == Ipv4Addr::LOCALHOST));
        }
    }

    #[test]
    fn the_digest_follows_the_specification() {
        let (one, mut other) = (specs().remove(0), specs().remove(0));
        assert_eq!(one.digest(), other.digest());
        other.command.push("--debug".into());
        assert_ne!(one.digest(), other.digest());
    }
}
