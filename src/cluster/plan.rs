//! The plan of an `up`: a pure function of flags, compose file and what Docker holds. `--dry-run` prints it.

mod images;
mod print;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipnet::Ipv4Net;
use serde::Serialize;

pub(crate) use print::page;

use super::addons::dns;
use super::compose::{Compose, Pool};
use super::engine::Facts;
use super::image::etcd::OwnEtcd;
use super::name::{self, ClusterName};
use super::observed::{Observed, State};
use super::port::{self, Ports, Wanted};
use super::publish::{self, Publish};
use super::spec::{self, Choices, ContainerSpec};
use super::subnet::{self, Layout};
use crate::failure::Failure;

/// The service range when none is named: the documents'.
pub(crate) const SERVICE_CIDR: &str = "10.10.10.0/24";

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// `--slaves`.
    pub(crate) slaves: Option<u32>,
    /// `--service-cidr`.
    pub(crate) service_cidr: Option<Ipv4Net>,
    /// The port flags.
    pub(crate) ports: Wanted,
    /// `--etcd-image`.
    pub(crate) etcd_image: Option<String>,
    /// `--recreate`.
    pub(crate) recreate: bool,
    /// `--publish`.
    pub(crate) publish: Vec<Publish>,
    /// `--no-dns`.
    pub(crate) no_dns: bool,
}

/// This machine, as far as a plan needs it.
pub(crate) struct Machine<'a> {
    /// The networks that its routing table names.
    pub(crate) routes: Vec<Ipv4Net>,
    /// Whether nobody listens on a port of 127.0.0.1.
    pub(crate) free: &'a dyn Fn(u16) -> bool,
    /// The image of this executable.
    pub(crate) km_image: String,
    /// Its `etcd` executable, where there is one.
    pub(crate) etcd: Option<OwnEtcd>,
}

/// What `up` does.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    pub(crate) cluster: ClusterName,
    pub(crate) engine: Facts,
    pub(crate) choices: Choices,
    /// Those of this executable and of etcd.
    pub(crate) images: Vec<ImageStep>,
    /// Others, which a compose file of the user's own names and which are not here.
    pub(crate) pulls: Vec<String>,
    pub(crate) networks: Vec<NetworkStep>,
    pub(crate) volumes: Vec<VolumeStep>,
    pub(crate) containers: Vec<ContainerStep>,
    /// The cluster's DNS, unless it is not wanted.
    pub(crate) dns: Option<DnsStep>,
}

/// The DNS addon: deployed, or there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DnsStep {
    pub(crate) server: Ipv4Addr,
    pub(crate) create: bool,
}

/// How an image comes to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ImageStep {
    pub(crate) image: String,
    pub(crate) source: Source,
}

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// The engine has it.
    Present,
    /// This executable is sent.
    Executable,
    /// The `etcd` executable of this machine is wrapped into it.
    Wrap { executable: PathBuf },
    /// It is pulled.
    Pull,
}

/// A network, made or kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NetworkStep {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) layout: Layout,
    pub(crate) create: bool,
}

/// A volume, made or kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct VolumeStep {
    pub(crate) name: String,
    pub(crate) create: bool,
}

/// A container, and what is done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ContainerStep {
    pub(crate) action: Action,
    #[serde(flatten)]
    pub(crate) spec: ContainerSpec,
}

/// What is done with a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// It is not there.
    Create,
    /// It is there and was never started, so that networks and files may be missing: it is made anew.
    Finish,
    /// It is there and does not run.
    Start,
    /// It runs and is as it should be.
    Keep,
    /// It differs, and is replaced as `--recreate` says.
    Recreate,
    /// It differs, and stays.
    Differs { image: String },
}

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// What stands in the way: usage, environment or conflict, with a hint.
    pub(crate) fn make(
        cluster: &ClusterName,
        engine: &Facts,
        request: &Request,
        compose: &Compose,
        observed: &Observed,
        machine: &Machine<'_>,
    ) -> Result<Self, Failure> {
        let mut choices = choose(cluster, engine, request, compose, observed, machine)?;
        let etcd = images::etcd(&mut choices, cluster, compose, observed, machine)?;
        let km = ImageStep {
            image: choices.km_image.clone(),
            source: if observed.images.contains(&choices.km_image) { Source::Present } else { Source::Executable },
        };
        let specs = spec::containers(compose, cluster, &choices)?;
        let containers: Vec<ContainerStep> =
            specs.into_iter().map(|spec| ContainerStep { action: action(&spec, observed, request), spec }).collect();
        let networks = [("control", choices.control), ("pods", choices.pods)].map(|(key, layout)| {
            let name = cluster.of(key);
            NetworkStep { create: !observed.networks.contains_key(&name), name, layout }
        });
        let plan = Self {
            cluster: cluster.clone(),
            engine: engine.clone(),
            volumes: volumes(cluster, &containers, observed),
            dns: (!request.no_dns)
                .then(|| DnsStep { server: choices.service_address(dns::NUMBER), create: !observed.dns }),
            choices,
            pulls: images::pulls(&containers, [&km.image, &etcd.image], observed),
            images: vec![km, etcd],
            networks: networks.to_vec(),
            containers,
        };
        plan.check_names(observed)?;
        Ok(plan)
    }

    /// Refuses to take over what belongs to others.
    fn check_names(&self, observed: &Observed) -> Result<(), Failure> {
        let containers = self.containers.iter().map(|step| &step.spec.name);
        let networks = self.networks.iter().map(|step| &step.name);
        let named = containers.chain(networks).find(|name| observed.foreign_names.contains(*name));
        let volume = self.volumes.iter().map(|step| &step.name).find(|name| observed.foreign_volumes.contains(*name));
        match named.or(volume) {
            Some(name) => Err(Failure::conflict(format!(
                "cluster {} needs the name {name}, which something else in Docker has",
                self.cluster
            ))
            .hint("choose another cluster name with --name")),
            None => Ok(()),
        }
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_settled(&self) -> bool {
        self.containers.iter().all(|step| step.action == Action::Keep)
            && !self.networks.iter().any(|step| step.create)
            && !self.volumes.iter().any(|step| step.create)
            && !self.dns.as_ref().is_some_and(|step| step.create)
    }

    /// The containers that differ from what this build would make, with what they were made from.
    pub(crate) fn differing(&self) -> Vec<(&ContainerSpec, &str)> {
        let differs = |step: &'_ ContainerStep| matches!(step.action, Action::Differs { .. });
        self.containers
            .iter()
            .filter(|step| differs(step))
            .map(|step| match &step.action {
                Action::Differs { image } => (&step.spec, image.as_str()),
                _ => (&step.spec, ""),
            })
            .collect()
    }
}

/// The number of slaves of a new cluster.
const SLAVES: u32 = 2;

fn choose(
    cluster: &ClusterName,
    engine: &Facts,
    request: &Request,
    compose: &Compose,
    observed: &Observed,
    machine: &Machine<'_>,
) -> Result<Choices, Failure> {
    let before = observed.networks.get(&cluster.of("control"));
    let service_cidr = service_cidr(cluster, request, before.and_then(|net| net.labels.get(name::SERVICE_CIDR)))?;
    let kept = |key: &str| observed.networks.get(&cluster.of(key)).and_then(|network| network.subnet);
    let mut taken = observed.foreign_subnets.clone();
    // Routes to the cluster's own networks are on this machine as well.
    let own: Vec<Ipv4Net> = ["control", "pods"].into_iter().filter_map(kept).collect();
    taken.extend(machine.routes.iter().filter(|route| !own.contains(route)));
    if let Some(route) = taken.iter().find(|route| subnet::overlap(route, &service_cidr)) {
        return Err(Failure::environment(format!(
            "service range {service_cidr} of cluster {cluster} overlaps {route}, which this machine routes"
        ))
        .hint("name a free range with --service-cidr, for example --service-cidr 10.96.0.0/24"));
    }
    taken.push(service_cidr);
    taken.extend(&own);
    let control = layout(compose, "control", 22, kept("control"), &taken)?;
    taken.push(control.subnet);
    let pods = layout(compose, "pods", 19, kept("pods"), &taken)?;
    let slaves = slaves(cluster, request, observed, &control)?;
    let free = |port| (machine.free)(port) && !observed.foreign_ports.contains(&port);
    let ports = match before.and_then(|network| Ports::from_label(network.labels.get(PORTS)?)) {
        Some(ports) => kept_ports(ports, request.ports)?,
        None => Ports::choose(request.ports, request.publish.iter().map(|one| one.host), free)?,
    };
    let published = match before {
        Some(network) => publish::kept(&request.publish, network.labels.get(name::PUBLISHED))?,
        None => publish::check(&request.publish, ports, free)?,
    };
    Ok(Choices {
        control,
        pods,
        service_cidr,
        ports,
        published,
        slaves,
        km_image: machine.km_image.clone(),
        etcd_image: request.etcd_image.clone(),
        socket: engine.socket.clone(),
        api_address: if engine.is_remote() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST },
    })
}

/// The label of a cluster's control network that holds its published ports.
pub(crate) const PORTS: &str = "io.k8sm.ports";

fn service_cidr(cluster: &ClusterName, request: &Request, before: Option<&String>) -> Result<Ipv4Net, Failure> {
    let before = before.and_then(|text| text.parse::<Ipv4Net>().ok());
    let default = SERVICE_CIDR.parse().expect("the constant is a network");
    let chosen = request.service_cidr.or(before).unwrap_or(default).trunc();
    if let Some(before) = before.filter(|before| *before != chosen) {
        return Err(Failure::conflict(format!("cluster {cluster} has the service range {before}, not {chosen}"))
            .hint(format!("`k8sm down{}` first: addresses in it are given away", cluster.flag())));
    }
    if !(12..=28).contains(&chosen.prefix_len()) {
        return Err(Failure::usage(format!("service range {chosen} is not between /12 and /28"))
            .hint("for example --service-cidr 10.96.0.0/24"));
    }
    Ok(chosen)
}

/// The layout of a network: as it is, as the file says, or picked.
fn layout(
    compose: &Compose,
    key: &str,
    prefix: u8,
    kept: Option<Ipv4Net>,
    taken: &[Ipv4Net],
) -> Result<Layout, Failure> {
    let wrong = |what: String| Failure::usage(format!("compose file: networks.{key}.ipam.config: {what}"));
    if let Some(subnet) = kept {
        return Layout::of(subnet).map_err(wrong);
    }
    let pool = compose.networks.get(key).and_then(|network| network.ipam.config.first());
    match pool.filter(|pool| !pool.subnet.starts_with("${")) {
        Some(pool) => named_layout(pool, taken, wrong),
        None => Ok(subnet::pick(&[prefix], taken)?.remove(0)),
    }
}

/// The layout that a file's author chose.
fn named_layout(pool: &Pool, taken: &[Ipv4Net], wrong: impl Fn(String) -> Failure) -> Result<Layout, Failure> {
    let subnet: Ipv4Net = pool.subnet.parse().map_err(|_| wrong(format!("`{}` is no IPv4 subnet", pool.subnet)))?;
    if let Some(other) = taken.iter().find(|other| subnet::overlap(&subnet, other)) {
        return Err(Failure::environment(format!("subnet {subnet} of the compose file overlaps {other}"))
            .hint("leave the subnet out: a free one is picked"));
    }
    let layout = Layout::of(subnet).map_err(&wrong)?;
    let same =
        |text: &Option<String>, own: String| text.as_ref().is_none_or(|text| *text == own || text.starts_with("${"));
    if !same(&pool.gateway, layout.gateway.to_string()) || !same(&pool.ip_range, layout.ip_range.to_string()) {
        return Err(wrong(format!("expected gateway {} and ip_range {}", layout.gateway, layout.ip_range)));
    }
    Ok(layout)
}

fn slaves(cluster: &ClusterName, request: &Request, observed: &Observed, control: &Layout) -> Result<u32, Failure> {
    let before = observed.slaves(cluster);
    let slaves = request.slaves.unwrap_or(if before > 0 { before } else { SLAVES });
    if slaves == 0 || slaves > control.slaves() {
        return Err(Failure::usage(format!("--slaves {slaves} is not between 1 and {}", control.slaves()))
            .hint("without the flag there are 2, or as many as the cluster has"));
    }
    if slaves < before {
        return Err(Failure::conflict(format!("the cluster has {before} slaves, --slaves {slaves} would remove some"))
            .hint("`k8sm down` and `k8sm up --slaves` make a smaller one"));
    }
    Ok(slaves)
}

/// Ports of a cluster that is there stay; asking for others is a conflict.
fn kept_ports(ports: Ports, wanted: Wanted) -> Result<Ports, Failure> {
    let pairs = [(wanted.api, ports.api), (wanted.insecure, ports.insecure), (wanted.master, ports.master)];
    match pairs.into_iter().find(|(wanted, has)| wanted.is_some_and(|wanted| wanted != *has)) {
        Some((_, has)) => {
            let what = if has == port::UNPUBLISHED {
                "does not publish that port"
            } else {
                &format!("publishes port {has} already")
            };
            Err(Failure::conflict(format!("the cluster {what}")).hint("`k8sm down` and `k8sm up` change its ports"))
        }
        None => Ok(ports),
    }
}

fn action(spec: &ContainerSpec, observed: &Observed, request: &Request) -> Action {
    let Some(there) = observed.components.get(&spec.name) else { return Action::Create };
    match (there.config == spec.digest(), there.state) {
        (true, State::Running) => Action::Keep,
        (true, State::Stopped) => Action::Start,
        (true, State::Created) => Action::Finish,
        (false, _) if request.recreate => Action::Recreate,
        (false, _) => Action::Differs { image: there.image.clone() },
    }
}

fn volumes(cluster: &ClusterName, containers: &[ContainerStep], observed: &Observed) -> Vec<VolumeStep> {
    let prefix = cluster.of("");
    let mut names: Vec<String> = containers
        .iter()
        .flat_map(|step| &step.spec.mounts)
        .filter_map(|mount| mount.split(':').next().filter(|source| source.starts_with(&prefix)).map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| VolumeStep { create: !observed.volumes.contains(&name), name }).collect()
}

#[cfg(test)]
pub(crate) mod tests;
