//! What a cluster gets that nobody has named: networks that are free, ports, as many slaves as before. What it has, it keeps.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Machine, PORTS, Request, SERVICE_CIDR};
use crate::cluster::compose::{Compose, Pool};
use crate::cluster::engine::Facts;
use crate::cluster::name::{self, ClusterName};
use crate::cluster::observed::Observed;
use crate::cluster::port::{self, Ports, Wanted};
use crate::cluster::publish;
use crate::cluster::spec::Choices;
use crate::cluster::subnet::{self, Layout};
use crate::failure::Failure;

/// The number of slaves of a new cluster.
const SLAVES: u32 = 2;

/// Chooses all of it.
///
/// # Errors
/// What stands in the way: a named port that is taken, a range that is routed, no free subnet.
pub(super) fn choose(
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
        Some(ports) => kept_ports(cluster, ports, request.ports)?,
        None => Ports::choose(request.ports, request.publish.iter().map(|one| one.host), free)?,
    };
    let published = match before {
        Some(network) => publish::kept(cluster, &request.publish, network.labels.get(name::PUBLISHED))?,
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
        return Err(Failure::conflict(format!(
            "cluster {cluster} has {before} slaves, --slaves {slaves} would remove some"
        ))
        .hint(format!("`k8sm down{0}` and `k8sm up{0} --slaves {slaves}` make a smaller one", cluster.flag())));
    }
    Ok(slaves)
}

/// Ports of a cluster that is there stay; asking for others is a conflict.
fn kept_ports(cluster: &ClusterName, ports: Ports, wanted: Wanted) -> Result<Ports, Failure> {
    let pairs = [(wanted.api, ports.api), (wanted.insecure, ports.insecure), (wanted.master, ports.master)];
    match pairs.into_iter().find(|(wanted, has)| wanted.is_some_and(|wanted| wanted != *has)) {
        Some((_, has)) => {
            let what = if has == port::UNPUBLISHED {
                "does not publish that port"
            } else {
                &format!("publishes port {has} already")
            };
            Err(Failure::conflict(format!("cluster {cluster} {what}"))
                .hint(format!("`k8sm down{0}` and `k8sm up{0}` with other flags change its ports", cluster.flag())))
        }
        None => Ok(ports),
    }
}
