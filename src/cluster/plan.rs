//! The plan of an `up`: a pure function of flags, compose file and what Docker holds. `--dry-run` prints it.

mod choices;
mod images;
mod print;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipnet::Ipv4Net;
use serde::Serialize;

pub(crate) use print::page;

use super::addons::dns;
use super::compose::Compose;
use super::engine::Facts;
use super::image::etcd::OwnEtcd;
use super::name::ClusterName;
use super::observed::{Observed, State};
use super::port::Wanted;
use super::publish::Publish;
use super::spec::{self, Choices, ContainerSpec};
use super::subnet::Layout;
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
        let mut choices = choices::choose(cluster, engine, request, compose, observed, machine)?;
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

/// The label of a cluster's control network that holds its published ports.
pub(crate) const PORTS: &str = "io.k8sm.ports";

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
