//! Which of a service's endpoints serve whom: pods and nodes, its own address and those for the outside.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::{Backend, Frontend, Known, Place, Port, Slice};
use crate::nft::{Hooks, Key, Target};

/// Endpoints of one service port that are used; more would not spread the load any better.
const MAX_ENDPOINTS: usize = 1000;

/// The service's places in the tables, and who serves them.
///
/// `internalTrafficPolicy` governs the service's own address, `externalTrafficPolicy` node ports and external addresses; to
/// the latter a pod of the cluster comes by the shorter way, to any endpoint, as in Kubernetes.
pub(super) fn served(service: &Known) -> Vec<(Place, Arc<Target>)> {
    let Some(frontend) = &service.frontend else { return Vec::new() };
    let mut served = Vec::new();
    for port in &frontend.ports {
        let targets = Targets::of(service, frontend, port);
        let mut put = |hooks: Hooks, address: Ipv4Addr, number: u16, target: &Arc<Target>| {
            let key = Key { protocol: port.protocol, address, port: number };
            served.push(((hooks, key), Arc::clone(target)));
        };
        put(Hooks::Pod, frontend.address, port.port, &targets.inside);
        put(Hooks::Node, frontend.address, port.port, &targets.inside);
        for address in &frontend.outside {
            put(Hooks::Pod, *address, port.port, &targets.all);
            put(Hooks::Node, *address, port.port, &targets.outside);
        }
        if let Some(number) = port.node_port {
            put(Hooks::Node, Ipv4Addr::UNSPECIFIED, number, &targets.outside);
        }
    }
    served
}

/// Who serves a port of a service, by the way one comes.
struct Targets {
    all: Arc<Target>,
    inside: Arc<Target>,
    outside: Arc<Target>,
}

impl Targets {
    fn of(service: &Known, frontend: &Frontend, port: &Port) -> Self {
        let target = |local: bool| {
            let endpoints = endpoints(service.slices.values(), port, local);
            Arc::new(Target { endpoints, affinity_seconds: frontend.affinity_seconds })
        };
        let all = target(false);
        let local = if frontend.inside_local || frontend.outside_local { target(true) } else { Arc::clone(&all) };
        let pick = |near: bool| if near { Arc::clone(&local) } else { Arc::clone(&all) };
        Self { inside: pick(frontend.inside_local), outside: pick(frontend.outside_local), all }
    }
}

/// The ready endpoints, of this node alone or of all; where there is none, those that still serve while they end (KEP 1669).
fn endpoints<'a>(slices: impl Iterator<Item = &'a Slice> + Clone, port: &Port, local: bool) -> Vec<SocketAddrV4> {
    let gather = |pick: fn(&Slice) -> &Vec<Backend>| -> BTreeSet<SocketAddrV4> {
        let on_port = |slice: &Slice| {
            let mut ports = slice.ports.iter();
            ports.find(|(name, protocol, _)| *name == port.name && *protocol == port.protocol).map(|port| port.2)
        };
        slices
            .clone()
            .filter_map(|slice| Some((slice, on_port(slice)?)))
            .flat_map(|(slice, number)| {
                let backends = pick(slice).iter().filter(move |backend| backend.local || !local);
                backends.map(move |backend| SocketAddrV4::new(backend.address, number))
            })
            .collect()
    };
    let mut found = gather(|slice| &slice.ready);
    if found.is_empty() {
        found = gather(|slice| &slice.terminating);
    }
    found.into_iter().take(MAX_ENDPOINTS).collect()
}
