//! From the API's Services and EndpointSlices to what a node's tables shall hold: small records, and a pure function.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddrV4};

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use crate::nft::{Key, Rules, Target};

/// Label of an EndpointSlice that names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Kubernetes' default for `sessionAffinityConfig.clientIP.timeoutSeconds`.
const AFFINITY_SECONDS: u32 = 10_800;
/// Endpoints of one service port that are used; more would not spread the load any better.
const MAX_ENDPOINTS: usize = 1000;

/// `namespace/name`.
type Name = (String, String);

/// All that the proxy keeps of the cluster's services.
#[derive(Debug, Default)]
pub struct Services {
    services: BTreeMap<Name, Frontend>,
    slices: HashMap<Name, Slice>,
    by_service: HashMap<Name, BTreeSet<Name>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Frontend {
    addresses: Vec<Ipv4Addr>,
    ports: Vec<Port>,
    affinity_seconds: u32,
    unready_too: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Port {
    name: String,
    protocol: u8,
    port: u16,
    node_port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
struct Slice {
    service: Name,
    ports: Vec<(String, u8, u16)>,
    ready: Vec<Ipv4Addr>,
    terminating: Vec<Ipv4Addr>,
    unready: Vec<Ipv4Addr>,
}

impl Services {
    /// Takes a service as it is now; true if that may change the tables.
    pub fn apply_service(&mut self, service: &Service) -> bool {
        let name = name(&service.metadata);
        match frontend(service) {
            None => self.services.remove(&name).is_some(),
            Some(new) if self.services.get(&name) == Some(&new) => false,
            Some(new) => {
                self.services.insert(name, new);
                true
            }
        }
    }

    /// Forgets a service.
    pub fn delete_service(&mut self, service: &Service) -> bool {
        self.services.remove(&name(&service.metadata)).is_some()
    }

    /// Takes a slice as it is now; true if that may change the tables.
    pub fn apply_slice(&mut self, endpoints: &EndpointSlice) -> bool {
        let name = name(&endpoints.metadata);
        let new = slice(endpoints);
        if self.slices.get(&name) == new.as_ref() {
            return false;
        }
        self.forget_slice(&name);
        if let Some(new) = new {
            self.by_service.entry(new.service.clone()).or_default().insert(name.clone());
            self.slices.insert(name, new);
        }
        true
    }

    /// Forgets a slice.
    pub fn delete_slice(&mut self, endpoints: &EndpointSlice) -> bool {
        self.forget_slice(&name(&endpoints.metadata))
    }

    /// Keeps only those that a fresh list named; true if that may change the tables.
    pub fn retain(&mut self, services: Option<&BTreeSet<Name>>, slices: Option<&BTreeSet<Name>>) -> bool {
        let before = (self.services.len(), self.slices.len());
        if let Some(listed) = services {
            self.services.retain(|name, _| listed.contains(name));
        }
        if let Some(listed) = slices {
            let gone: Vec<Name> = self.slices.keys().filter(|name| !listed.contains(*name)).cloned().collect();
            gone.iter().for_each(|name| {
                self.forget_slice(name);
            });
        }
        before != (self.services.len(), self.slices.len())
    }

    fn forget_slice(&mut self, name: &Name) -> bool {
        let Some(old) = self.slices.remove(name) else { return false };
        if let Some(names) = self.by_service.get_mut(&old.service) {
            names.remove(name);
            if names.is_empty() {
                self.by_service.remove(&old.service);
            }
        }
        true
    }

    /// What a table shall hold: cluster and external addresses, and node ports, with the endpoints that serve them.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let mut rules = Rules::new();
        for (name, service) in &self.services {
            for port in &service.ports {
                let target = Target {
                    endpoints: self.endpoints(name, port, service.unready_too),
                    affinity_seconds: service.affinity_seconds,
                };
                let node_port = port.node_port.map(|number| (Ipv4Addr::UNSPECIFIED, number));
                let addresses = service.addresses.iter().map(|address| (*address, port.port)).chain(node_port);
                for (address, number) in addresses {
                    rules.insert(Key { protocol: port.protocol, address, port: number }, target.clone());
                }
            }
        }
        rules
    }

    /// The ready endpoints; where there is none, those that still serve while they end (KEP 1669).
    fn endpoints(&self, service: &Name, port: &Port, unready_too: bool) -> Vec<SocketAddrV4> {
        let slices = || self.by_service.get(service).into_iter().flatten().filter_map(|name| self.slices.get(name));
        let gather = |pick: fn(&Slice) -> &Vec<Ipv4Addr>| -> BTreeSet<SocketAddrV4> {
            let on_port = |slice: &Slice| {
                slice
                    .ports
                    .iter()
                    .find(|(name, protocol, _)| *name == port.name && *protocol == port.protocol)
                    .map(|p| p.2)
            };
            slices()
                .filter_map(|slice| Some((slice, on_port(slice)?)))
                .flat_map(|(slice, number)| pick(slice).iter().map(move |address| SocketAddrV4::new(*address, number)))
                .collect()
        };
        let mut found = gather(|slice| &slice.ready);
        if unready_too {
            found.extend(gather(|slice| &slice.unready));
        }
        if found.is_empty() {
            found = gather(|slice| &slice.terminating);
        }
        found.into_iter().take(MAX_ENDPOINTS).collect()
    }
}

fn name(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Name {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

/// `None` for what has no address of its own: headless services and ExternalName.
fn frontend(service: &Service) -> Option<Frontend> {
    let spec = service.spec.as_ref()?;
    let cluster = spec.cluster_ip.as_deref().and_then(|ip| ip.parse::<Ipv4Addr>().ok())?;
    let ingress =
        service.status.iter().flat_map(|status| status.load_balancer.iter().flat_map(|lb| lb.ingress.iter().flatten()));
    let others = spec.external_ips.iter().flatten().map(String::as_str).chain(ingress.filter_map(|i| i.ip.as_deref()));
    let affinity = spec.session_affinity.as_deref() == Some("ClientIP");
    let timeout = spec.session_affinity_config.as_ref().and_then(|c| c.client_ip.as_ref()?.timeout_seconds);
    let ports = spec.ports.iter().flatten().filter_map(|port| {
        Some(Port {
            name: port.name.clone().unwrap_or_default(),
            protocol: protocol(port.protocol.as_deref()),
            port: u16::try_from(port.port).ok()?,
            node_port: port.node_port.and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0),
        })
    });
    Some(Frontend {
        addresses: std::iter::once(cluster).chain(others.filter_map(|ip| ip.parse().ok())).collect(),
        ports: ports.collect(),
        affinity_seconds: match timeout {
            _ if !affinity => 0,
            Some(seconds) => u32::try_from(seconds).unwrap_or(AFFINITY_SECONDS),
            None => AFFINITY_SECONDS,
        },
        unready_too: spec.publish_not_ready_addresses.unwrap_or(false),
    })
}

fn slice(endpoints: &EndpointSlice) -> Option<Slice> {
    if endpoints.address_type != "IPv4" {
        return None;
    }
    let service = endpoints.metadata.labels.as_ref()?.get(SERVICE_NAME)?;
    let ports = endpoints.ports.iter().flatten().filter_map(|port| {
        let number = u16::try_from(port.port?).ok()?;
        Some((port.name.clone().unwrap_or_default(), protocol(port.protocol.as_deref()), number))
    });
    let mut sorted = Slice {
        service: (endpoints.metadata.namespace.clone().unwrap_or_default(), service.clone()),
        ports: ports.collect(),
        ready: Vec::new(),
        terminating: Vec::new(),
        unready: Vec::new(),
    };
    for endpoint in &endpoints.endpoints {
        let list = match condition(endpoint) {
            Condition::Ready => &mut sorted.ready,
            Condition::Terminating => &mut sorted.terminating,
            Condition::Unready => &mut sorted.unready,
        };
        list.extend(endpoint.addresses.iter().filter_map(|address| address.parse::<Ipv4Addr>().ok()));
    }
    Some(sorted)
}

enum Condition {
    Ready,
    Terminating,
    Unready,
}

/// An unknown condition is to be read as ready (the API's own words on EndpointConditions).
fn condition(endpoint: &Endpoint) -> Condition {
    let conditions = endpoint.conditions.as_ref();
    let is = |value: Option<bool>, unknown: bool| value.unwrap_or(unknown);
    match conditions {
        None => Condition::Ready,
        Some(c) if is(c.ready, true) => Condition::Ready,
        Some(c) if is(c.terminating, false) && is(c.serving, false) => Condition::Terminating,
        Some(_) => Condition::Unready,
    }
}

fn protocol(name: Option<&str>) -> u8 {
    match name {
        Some("UDP") => 17,
        Some("SCTP") => 132,
        _ => 6,
    }
}

#[cfg(test)]
mod tests;
