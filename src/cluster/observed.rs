//! What Docker holds of a cluster, and of everybody else as far as it is in the way: a plain value, read once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerSummary, Network};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
};
use ipnet::Ipv4Net;
use serde::Serialize;

use super::addons::dns;
use super::engine::Engine;
use super::name::{self, ClusterName};
use super::plan::PORTS;
use super::port::Ports;
use super::publish;
use crate::failure::Failure;

/// What the hostname of each slave begins with, before its number.
const SLAVE: &str = "mesosslave";
/// The hostnames of a cluster's components, in the order of the design's table; the slaves' are numbered.
const HOSTNAMES: [&str; 6] = ["etcd", "mesosmaster1", SLAVE, "apiserver", "controller", "scheduler"];

/// The place of a component among those of its cluster: in the order of the design's table, slaves by number.
pub(crate) fn rank(hostname: &str) -> (usize, u32) {
    let slave = hostname.strip_prefix(SLAVE).and_then(|number| number.parse().ok());
    let name = if slave.is_some() { SLAVE } else { hostname };
    (HOSTNAMES.iter().position(|one| *one == name).unwrap_or(HOSTNAMES.len()), slave.unwrap_or(0))
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// The cluster's components, by container name.
    pub(crate) components: BTreeMap<String, Component>,
    /// The cluster's other containers: those of pods, by ID.
    pub(crate) pods: Vec<String>,
    /// Whether a name server of the DNS addon is among them.
    pub(crate) dns: bool,
    /// The cluster's networks, by name.
    pub(crate) networks: BTreeMap<String, ClusterNetwork>,
    /// The cluster's volumes.
    pub(crate) volumes: BTreeSet<String>,
    /// Names of volumes of others, which must not be taken over.
    pub(crate) foreign_volumes: BTreeSet<String>,
    /// Names of containers and networks of others.
    pub(crate) foreign_names: BTreeSet<String>,
    /// Every image's names.
    pub(crate) images: BTreeSet<String>,
    /// Images that `up` made, for any cluster: name and whether a container of another cluster uses it.
    pub(crate) made_images: BTreeMap<String, bool>,
    /// Subnets of the networks of others.
    pub(crate) foreign_subnets: Vec<Ipv4Net>,
    /// Ports that running containers of others publish, and those of other clusters.
    pub(crate) foreign_ports: BTreeSet<u16>,
}

/// One component's container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Component {
    pub(crate) id: String,
    pub(crate) component: String,
    pub(crate) hostname: String,
    pub(crate) image: String,
    /// The digest of the specification that it was made from.
    pub(crate) config: String,
    pub(crate) state: State,
    /// Addresses by network name, where it runs.
    pub(crate) addresses: BTreeMap<String, String>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Made and never started: its files may be missing.
    Created,
    Running,
    /// Stopped, crashed, paused or being restarted.
    Stopped,
}

/// One of the cluster's networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterNetwork {
    pub(crate) subnet: Option<Ipv4Net>,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Observed {
    /// Asks the engine.
    ///
    /// # Errors
    /// A failure of the environment that names what could not be listed.
    pub(crate) async fn read(engine: &Engine, cluster: &ClusterName) -> Result<Self, Failure> {
        let docker = &engine.docker;
        let listed = |what: &'static str| {
            move |error: bollard::errors::Error| Failure::environment(format!("list Docker's {what}")).because(error)
        };
        let all = ListContainersOptionsBuilder::default().all(true).build();
        let (containers, networks, volumes, images) = tokio::join!(
            docker.list_containers(Some(all)),
            docker.list_networks(None::<ListNetworksOptions>),
            docker.list_volumes(None::<ListVolumesOptions>),
            docker.list_images(Some(ListImagesOptionsBuilder::default().build())),
        );
        let mut observed = Self::default();
        let mut used_elsewhere = BTreeSet::new();
        for container in containers.map_err(listed("containers"))? {
            observed.add_container(container, cluster, &mut used_elsewhere);
        }
        for network in networks.map_err(listed("networks"))? {
            observed.add_network(network, cluster);
        }
        for volume in volumes.map_err(listed("volumes"))?.volumes.unwrap_or_default() {
            let ours = volume.labels.get(name::CLUSTER).is_some_and(|owner| owner == cluster.as_str());
            if ours { &mut observed.volumes } else { &mut observed.foreign_volumes }.insert(volume.name);
        }
        for image in images.map_err(listed("images"))? {
            if image.labels.contains_key(name::IMAGE) {
                let used = image.repo_tags.iter().chain([&image.id]).any(|tag| used_elsewhere.contains(tag));
                observed.made_images.extend(image.repo_tags.iter().map(|tag| (tag.clone(), used)));
            }
            observed.images.extend(image.repo_tags);
        }
        Ok(observed)
    }

    fn add_container(&mut self, summary: ContainerSummary, cluster: &ClusterName, used: &mut BTreeSet<String>) {
        let names = summary.names.clone().unwrap_or_default();
        let name = names.first().map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default();
        let labels = summary.labels.clone().unwrap_or_default();
        if labels.get(name::CLUSTER).map(String::as_str) != Some(cluster.as_str()) {
            used.extend(summary.image.into_iter().chain(summary.image_id));
            let published = summary.ports.unwrap_or_default().into_iter().filter_map(|port| port.public_port);
            self.foreign_ports.extend(published);
            self.foreign_names.insert(name);
            return;
        }
        let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
        if !labels.contains_key(name::COMPONENT) {
            self.dns |= dns::is_its_container(|key| labels.get(key).map(String::as_str));
            self.pods.extend(summary.id);
            return;
        }
        let addresses = addresses(&summary);
        let component = Component {
            id: summary.id.unwrap_or_default(),
            component: label(name::COMPONENT),
            hostname: label(name::HOSTNAME),
            image: summary.image.unwrap_or_default(),
            config: label(name::CONFIG),
            state: match summary.state.map(|state| state.to_string()).as_deref() {
                Some("created") => State::Created,
                Some("running") => State::Running,
                _ => State::Stopped,
            },
            addresses,
        };
        self.components.insert(name, component);
    }

    fn add_network(&mut self, network: Network, cluster: &ClusterName) {
        let (name, labels) = (network.name.unwrap_or_default(), network.labels.unwrap_or_default());
        let pools = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let subnets = pools.iter().filter_map(|pool| pool.subnet.as_deref()?.parse::<Ipv4Net>().ok());
        if labels.get(name::CLUSTER).map(String::as_str) == Some(cluster.as_str()) {
            let subnet = subnets.into_iter().next();
            self.networks.insert(name, ClusterNetwork { subnet, labels: labels.into_iter().collect() });
        } else {
            self.foreign_subnets.extend(subnets);
            self.foreign_names.insert(name);
            // Another cluster has its ports from its networks on, also while it comes up or is stopped.
            let ports = labels.get(PORTS).and_then(|label| Ports::from_label(label));
            self.foreign_ports.extend(ports.into_iter().flat_map(|ports| [ports.api, ports.insecure, ports.master]));
            self.foreign_ports.extend(publish::of_label(labels.get(name::PUBLISHED)).map(|one| one.host));
        }
    }

    /// Whether there is anything of the cluster.
    pub(crate) fn is_empty(&self) -> bool {
        self.components.is_empty() && self.pods.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }

    /// The range of service addresses that the cluster was made with.
    pub(crate) fn service_cidr(&self, cluster: &ClusterName) -> Option<Ipv4Net> {
        self.networks.get(&cluster.of("control"))?.labels.get(name::SERVICE_CIDR)?.parse().ok()
    }

    /// How many slaves there should be: as many as the cluster was made with, or as the highest number of one that was added
    /// since. A network's labels cannot be changed, so those that were added are known by their containers and volumes.
    pub(crate) fn slaves(&self, cluster: &ClusterName) -> u32 {
        let network = self.networks.get(&cluster.of("control"));
        let made = network.and_then(|network| network.labels.get(name::SLAVES)?.parse().ok());
        let prefix = cluster.of(SLAVE);
        let containers = self.components.values().filter_map(|one| one.hostname.strip_prefix(SLAVE)?.parse().ok());
        let volumes = self.volumes.iter().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok());
        made.into_iter().chain(containers).chain(volumes).max().unwrap_or(0)
    }

    /// The hostnames of the components that the cluster should have.
    pub(crate) fn expected(&self, cluster: &ClusterName) -> Vec<String> {
        let slaves = self.slaves(cluster);
        let numbered = |name: &str| (1..=slaves).map(|number| format!("{name}{number}")).collect();
        let hostnames =
            HOSTNAMES.iter().map(|name| if *name == SLAVE { numbered(name) } else { vec![(*name).to_owned()] });
        hostnames.flatten().collect()
    }

    /// Those that are not there.
    pub(crate) fn missing(&self, cluster: &ClusterName) -> Vec<String> {
        let mut expected = self.expected(cluster);
        expected.retain(|hostname| !self.components.contains_key(&cluster.of(hostname)));
        expected
    }
}

fn addresses(summary: &ContainerSummary) -> BTreeMap<String, String> {
    let networks: HashMap<_, _> =
        summary.network_settings.as_ref().and_then(|settings| settings.networks.clone()).unwrap_or_default();
    networks
        .into_iter()
        .filter_map(|(name, endpoint)| Some((name, endpoint.ip_address.filter(|address| !address.is_empty())?)))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A component for tests, of the cluster `g`.
    pub(crate) fn component(hostname: &str, state: State) -> Component {
        Component {
            id: hostname.into(),
            component: hostname.into(),
            hostname: hostname.into(),
            image: "k8sm/km:1".into(),
            config: String::new(),
            state,
            addresses: [("g-control".to_owned(), "172.30.0.4".to_owned())].into(),
        }
    }

    #[test]
    fn a_slave_that_was_removed_is_still_wanted() {
        let cluster = ClusterName::new("g").unwrap();
        let mut observed = Observed::default();
        assert_eq!(observed.slaves(&cluster), 0);
        let labels = [(name::SLAVES.to_owned(), "2".to_owned())].into();
        observed.networks.insert("g-control".to_owned(), ClusterNetwork { subnet: None, labels });
        assert_eq!(observed.slaves(&cluster), 2);
        observed.volumes.extend(["g-mesosslave1", "g-mesosslave3", "g-pki"].map(str::to_owned));
        assert_eq!(observed.slaves(&cluster), 3);
        let all = "etcd mesosmaster1 mesosslave1 mesosslave2 mesosslave3 apiserver controller scheduler";
        assert_eq!(observed.missing(&cluster).join(" "), all);
    }
}
