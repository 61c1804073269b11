//! From the API's Services and EndpointSlices to what a node's tables shall hold: small records, and pure functions.
//!
//! What changes is worked out service by service: one that changes among ten thousand costs what it has itself.

mod policy;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::nft::{Changes, Hooks, Key, Target};

/// Label of an EndpointSlice that names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Kubernetes' default for `sessionAffinityConfig.clientIP.timeoutSeconds`.
const AFFINITY_SECONDS: u32 = 10_800;

/// `namespace/name`.
pub type Name = Arc<str>;

/// What changed in the tables of pods and in the node's own.
#[derive(Debug, Default)]
pub struct Difference {
    /// In every pod's table.
    pub pods: Changes,
    /// In the node's.
    pub node: Changes,
}

impl Difference {
    /// The changes for a namespace with these hooks.
    #[must_use]
    pub fn of(&self, hooks: Hooks) -> &Changes {
        match hooks {
            Hooks::Pod => &self.pods,
            Hooks::Node => &self.node,
        }
    }
}

/// All that the proxy keeps of the cluster's services.
#[derive(Debug, Default)]
pub struct Services {
    /// The node on which this is, for services that prefer what is near.
    node: String,
    all: HashMap<Name, Known>,
    /// Whose slice each is.
    slices: HashMap<Name, Name>,
    /// Services whose part of the tables may have to change.
    dirty: BTreeSet<Name>,
    /// Who wants which place in the tables, in the order of names: two services may have one external address.
    claims: HashMap<Place, Vec<Name>>,
}

/// In which tables, and where there.
type Place = (Hooks, Key);

/// A service, its slices, and what of it is in the tables.
#[derive(Debug, Default)]
struct Known {
    frontend: Option<Frontend>,
    slices: BTreeMap<Name, Slice>,
    served: Vec<(Place, Arc<Target>)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Frontend {
    address: Ipv4Addr,
    /// External addresses, and those of load balancers.
    outside: Vec<Ipv4Addr>,
    ports: Vec<Port>,
    affinity_seconds: u32,
    /// `internalTrafficPolicy: Local`: the service's own address leads to this node's endpoints alone.
    inside_local: bool,
    /// `externalTrafficPolicy: Local`: the same for node ports and external addresses.
    outside_local: bool,
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
    ports: Vec<(String, u8, u16)>,
    ready: Vec<Backend>,
    /// Those that serve while they end.
    terminating: Vec<Backend>,
}

/// An endpoint's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Backend {
    address: Ipv4Addr,
    /// Whether it is on this node.
    local: bool,
}

impl Services {
    /// Of nothing yet, on the node of that name.
    #[must_use]
    pub fn on(node: &str) -> Self {
        Self { node: node.to_owned(), ..Self::default() }
    }

    /// Takes a service as it is now.
    pub fn apply_service(&mut self, service: &Service) {
        self.put_service(name(&service.metadata), frontend(service));
    }

    /// Forgets a service.
    pub fn delete_service(&mut self, service: &Service) {
        self.put_service(name(&service.metadata), None);
    }

    fn put_service(&mut self, name: Name, frontend: Option<Frontend>) {
        let known = self.all.get(&name).and_then(|known| known.frontend.as_ref());
        if known != frontend.as_ref() {
            self.all.entry(name.clone()).or_default().frontend = frontend;
            self.dirty.insert(name);
        }
    }

    /// Takes a slice as it is now.
    pub fn apply_slice(&mut self, slice: &EndpointSlice) {
        let (name, new) = (name(&slice.metadata), read_slice(slice, &self.node));
        let owner = new.as_ref().map(|(owner, _)| owner);
        if self.slices.get(&name) != owner {
            self.forget_slice(&name);
        }
        let Some((owner, new)) = new else { return };
        let known = self.all.entry(owner.clone()).or_default();
        if known.slices.get(&name) != Some(&new) {
            known.slices.insert(name.clone(), new);
            self.slices.insert(name, owner.clone());
            self.dirty.insert(owner);
        }
    }

    /// Forgets a slice.
    pub fn delete_slice(&mut self, slice: &EndpointSlice) {
        self.forget_slice(&name(&slice.metadata));
    }

    fn forget_slice(&mut self, name: &str) {
        let Some(owner) = self.slices.remove(name) else { return };
        if let Some(known) = self.all.get_mut(&owner) {
            known.slices.remove(name);
            self.dirty.insert(owner);
        }
    }

    /// Keeps only the services that a fresh list named.
    pub fn retain_services(&mut self, listed: &BTreeSet<Name>) {
        let with = |known: &Known| known.frontend.is_some();
        let gone: Vec<Name> = self
            .all
            .iter()
            .filter(|(name, known)| with(known) && !listed.contains(*name))
            .map(|(n, _)| n.clone())
            .collect();
        gone.into_iter().for_each(|name| self.put_service(name, None));
    }

    /// Keeps only the slices that a fresh list named.
    pub fn retain_slices(&mut self, listed: &BTreeSet<Name>) {
        let gone: Vec<Name> = self.slices.keys().filter(|name| !listed.contains(*name)).cloned().collect();
        gone.iter().for_each(|name| self.forget_slice(name));
    }

    /// Whether anything may have changed since [`Services::take_difference`].
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// What the tables shall hold else than after the last call.
    #[must_use]
    pub fn take_difference(&mut self) -> Difference {
        let mut touched = BTreeSet::new();
        for name in std::mem::take(&mut self.dirty) {
            let Some(known) = self.all.get_mut(&name) else { continue };
            let served = policy::served(known);
            let before = std::mem::replace(&mut known.served, served);
            for (place, _) in &before {
                unclaim(&mut self.claims, *place, &name);
            }
            for (place, _) in &known.served {
                claim(&mut self.claims, *place, &name);
            }
            touched.extend(before.iter().chain(&known.served).map(|(place, _)| *place));
            if known.frontend.is_none() && known.slices.is_empty() {
                self.all.remove(&name);
            }
        }
        let mut difference = Difference::default();
        for (hooks, key) in touched {
            let changes = match hooks {
                Hooks::Pod => &mut difference.pods,
                Hooks::Node => &mut difference.node,
            };
            changes.insert(key, self.target((hooks, key)));
        }
        difference
    }

    /// Who serves a place: of several services that claim it the first by name.
    fn target(&self, place: Place) -> Option<Arc<Target>> {
        let first = self.claims.get(&place)?.first()?;
        let mut served = self.all.get(first)?.served.iter();
        served.find(|(known, _)| *known == place).map(|(_, target)| Arc::clone(target))
    }
}

fn claim(claims: &mut HashMap<Place, Vec<Name>>, place: Place, name: &Name) {
    let names = claims.entry(place).or_default();
    if let Err(at) = names.binary_search(name) {
        names.insert(at, name.clone());
    }
}

fn unclaim(claims: &mut HashMap<Place, Vec<Name>>, place: Place, name: &Name) {
    if let Some(names) = claims.get_mut(&place) {
        names.retain(|known| known != name);
        if names.is_empty() {
            claims.remove(&place);
        }
    }
}

/// The name of an object.
pub(crate) fn name(metadata: &ObjectMeta) -> Name {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    format!("{}/{}", text(&metadata.namespace), text(&metadata.name)).into()
}

/// `None` for what has no address of its own: headless services and ExternalName.
fn frontend(service: &Service) -> Option<Frontend> {
    let spec = service.spec.as_ref().filter(|spec| spec.type_.as_deref() != Some("ExternalName"))?;
    let address = spec.cluster_ip.as_deref().and_then(|ip| ip.parse::<Ipv4Addr>().ok())?;
    let ingress =
        service.status.iter().flat_map(|status| status.load_balancer.iter().flat_map(|lb| lb.ingress.iter().flatten()));
    let outside = spec.external_ips.iter().flatten().map(String::as_str).chain(ingress.filter_map(|i| i.ip.as_deref()));
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
        address,
        outside: outside.filter_map(|ip| ip.parse().ok()).collect(),
        ports: ports.collect(),
        affinity_seconds: match timeout {
            _ if !affinity => 0,
            Some(seconds) => u32::try_from(seconds).unwrap_or(AFFINITY_SECONDS),
            None => AFFINITY_SECONDS,
        },
        inside_local: spec.internal_traffic_policy.as_deref() == Some("Local"),
        outside_local: spec.external_traffic_policy.as_deref() == Some("Local"),
    })
}

/// A slice's service and what the proxy reads of the slice; `None` of one that is no service's, or of another family.
fn read_slice(slice: &EndpointSlice, node: &str) -> Option<(Name, Slice)> {
    if slice.address_type != "IPv4" {
        return None;
    }
    let service = slice.metadata.labels.as_ref()?.get(SERVICE_NAME)?;
    let owner = format!("{}/{service}", slice.metadata.namespace.as_deref().unwrap_or_default());
    let ports = slice.ports.iter().flatten().filter_map(|port| {
        let number = u16::try_from(port.port?).ok()?;
        Some((port.name.clone().unwrap_or_default(), protocol(port.protocol.as_deref()), number))
    });
    let mut read = Slice { ports: ports.collect(), ready: Vec::new(), terminating: Vec::new() };
    for endpoint in &slice.endpoints {
        let list = match condition(endpoint) {
            Condition::Ready => &mut read.ready,
            Condition::Terminating => &mut read.terminating,
            Condition::Unready => continue,
        };
        let local = endpoint.node_name.as_deref() == Some(node);
        let addresses = endpoint.addresses.iter().filter_map(|address| address.parse().ok());
        list.extend(addresses.map(|address| Backend { address, local }));
    }
    Some((owner.into(), read))
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
