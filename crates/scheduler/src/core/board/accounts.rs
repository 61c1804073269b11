//! A node's accounts apart from what Mesos offers just now: what its pods cost of what it has, and what is kept for pods for
//! which others had to go.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::{Board, neighbours, ports_of, spread};
use crate::core::ask::Ask;
use crate::core::fit::Reason;
use crate::core::neighbours::{Namespaces, Placed};
use crate::core::pool::Milli;
use crate::core::request::PortAsk;

/// What is kept on a node.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    pub(super) pods: usize,
    pub(super) cpus: Milli,
    pub(super) mem: Milli,
    extended: BTreeMap<String, i64>,
}

impl Reserved {
    fn add(&mut self, ask: &Ask) {
        self.pods += 1;
        let Ok(request) = &ask.request else { return };
        self.cpus += request.cpus;
        self.mem += request.mem;
        for (name, amount) in &request.extended {
            *self.extended.entry(name.clone()).or_default() += amount;
        }
    }
}

impl Board<'_> {
    /// The pods that were on the node before this plan.
    pub(in crate::core) fn placed_before(&self, node: usize) -> &[Arc<Ask>] {
        &self.input.nodes[node].placed
    }

    /// Whether the pod is on its way out, or has to go by this plan.
    pub(in crate::core) fn is_going(&self, pod: &Ask) -> bool {
        pod.deleting || self.doomed.contains(&pod.uid)
    }

    /// Has these pods go, and keeps the room for another one on the node.
    pub(in crate::core) fn nominate(&mut self, node: usize, ask: &Arc<Ask>, victims: &[Arc<Ask>]) {
        self.nominated.retain(|(_, waiting)| waiting.uid != ask.uid);
        self.nominated.push((node, Arc::clone(ask)));
        self.doomed.extend(victims.iter().map(|victim| victim.uid.clone()));
    }

    /// What is kept there for others that matter as much as `ask` or more.
    pub(super) fn reserved(&self, node: usize, ask: &Ask) -> Reserved {
        let mut reserved = Reserved::default();
        for (at, waiting) in &self.nominated {
            let prior = waiting.priority >= ask.priority && waiting.uid != ask.uid;
            if *at == node && prior && self.admits(node, waiting).is_ok() {
                reserved.add(waiting);
            }
        }
        reserved
    }

    /// Resources of which Mesos is not asked that the node does not have for the pod.
    pub(super) fn lacking(&self, node: usize, ask: &Ask, reserved: &Reserved) -> Vec<Reason> {
        let wanted = ask.request.iter().flat_map(|request| &request.extended).filter(|(_, amount)| **amount > 0);
        let short = wanted.filter(|(name, amount)| {
            let used = cost(&self.slots[node].placed, name) + reserved.extended.get(*name).copied().unwrap_or(0);
            self.view(node).has(name) - used < **amount
        });
        short.map(|(name, _)| Reason::Extended(name.clone())).collect()
    }

    /// Whether the pod would have its place on the node without these pods, by the node's own account of what it has: what is
    /// offered at the moment says nothing of what ends.
    pub(in crate::core) fn fits_without(&self, node: usize, ask: &Ask, without: &HashSet<&str>) -> Result<(), Reason> {
        let (view, Ok(request)) = (self.view(node), &ask.request) else { return Err(Reason::NoOffer) };
        let (Some(all), slot) = (view.allocatable, &self.slots[node]) else { return Err(Reason::NoOffer) };
        let mut used = self.reserved(node, ask);
        let stays = |pod: &&Arc<Ask>| !without.contains(pod.uid.as_str());
        slot.placed.iter().filter(stays).for_each(|pod| used.add(pod));
        if view.max_pods.is_some_and(|most| used.pods >= most) {
            return Err(Reason::TooManyPods);
        }
        if all.0 - used.cpus < request.cpus {
            return Err(Reason::Cpu);
        }
        if all.1 - used.mem < request.mem {
            return Err(Reason::Memory);
        }
        for (name, amount) in &request.extended {
            let left = view.has(name) - used.extended.get(name).copied().unwrap_or(0);
            if left < *amount {
                return Err(Reason::Extended(name.clone()));
            }
        }
        let held = |port: u16| ports_of(&slot.placed).any(|other| other.host_port == Some(port));
        let offered = |port: u16| slot.offers.iter().any(|pool| pool.has_port(&request.roles, port));
        let taken = |ask: &PortAsk| {
            slot.placed
                .iter()
                .filter(stays)
                .any(|pod| ports_of(std::slice::from_ref(pod)).any(|other| other.conflicts(ask)))
        };
        for ask in request.ports.iter().filter(|ask| ask.host_port.is_some()) {
            let port = ask.host_port.unwrap_or_default();
            if taken(ask) || !(held(port) || offered(port) || !view.gives_out(port)) {
                return Err(Reason::Ports);
            }
        }
        let left = Left { board: self, without };
        neighbours::refusal(ask, node, &left).or_else(|| spread::refusal(ask, node, &left)).map_or(Ok(()), Err)
    }
}

fn cost(pods: &[Arc<Ask>], name: &str) -> i64 {
    let amounts = pods.iter().filter_map(|pod| pod.request.as_ref().ok()?.extended.get(name));
    amounts.sum()
}

/// The board without some pods.
struct Left<'a> {
    board: &'a Board<'a>,
    without: &'a HashSet<&'a str>,
}

impl Placed for Left<'_> {
    fn namespaces(&self) -> &Namespaces {
        Placed::namespaces(self.board)
    }

    fn domain(&self, node: usize, key: &str) -> Option<&str> {
        self.board.domain(node, key)
    }

    fn nodes(&self) -> usize {
        Placed::nodes(self.board)
    }

    fn chosen(&self, node: usize, pod: &Ask) -> bool {
        self.board.chosen(node, pod)
    }

    fn pods(&self) -> impl Iterator<Item = (usize, &Ask)> {
        self.board.pods().filter(|(_, pod)| !self.without.contains(pod.uid.as_str()))
    }

    fn refusing(&self) -> impl Iterator<Item = (usize, &Ask)> {
        self.board.refusing().filter(|(_, pod)| !self.without.contains(pod.uid.as_str()))
    }
}
