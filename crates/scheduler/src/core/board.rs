//! The state of a plan in the making: what is left of each offer and which pods are where.

mod accounts;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::ask::Ask;
use super::fit::{self, NodeView, Reason};
use super::groups::{Group, Groups};
use super::neighbours::{self, Namespaces, Placed};
use super::pool::{Milli, Pool, merged};
use super::request::{PortAsk, Request};
use super::{Input, Launch, NODE_TASK, WhyNot, ports, spread};
use accounts::Reserved;

/// How good a node is for a pod, smaller is better; compared in the order of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    /// What the pod and the node say of each other: preferences met, soft taints.
    dislike: i64,
    /// Pods of its kind in the node's topology domains.
    crowd: usize,
    /// Pods of the same controller or service there.
    siblings: u32,
    /// Thousandths of CPU and memory in use.
    used: i64,
    /// The node's index.
    pub(super) node: usize,
}

/// A node in the making.
struct Slot {
    offers: Vec<Pool>,
    executor: bool,
    placed: Vec<Arc<Ask>>,
    free: (Milli, Milli),
    total: (Milli, Milli),
}

/// All nodes in the making.
pub(super) struct Board<'a> {
    input: &'a Input<'a>,
    slots: Vec<Slot>,
    groups: Groups,
    refusing: Vec<(usize, Arc<Ask>)>,
    /// Pods that wait for a node on which others had to go for them.
    nominated: Vec<(usize, Arc<Ask>)>,
    /// Who has to go by this plan.
    doomed: HashSet<String>,
}

impl<'a> Board<'a> {
    /// The input as it stands before any placement.
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let slots: Vec<Slot> = input
            .nodes
            .iter()
            .map(|node| {
                let free = sum(&node.offers, input.framework_roles);
                Slot {
                    offers: node.offers.clone(),
                    executor: node.executor,
                    placed: node.placed.clone(),
                    free,
                    total: node.view.allocatable.map_or(free, |all| (all.0.max(free.0), all.1.max(free.1))),
                }
            })
            .collect();
        let refuses = |ask: &&Arc<Ask>| !ask.neighbours.far.is_empty();
        let refusing = slots
            .iter()
            .enumerate()
            .flat_map(|(node, slot)| slot.placed.iter().filter(refuses).map(move |ask| (node, Arc::clone(ask))))
            .collect();
        let nominated = input.pods.iter().filter_map(|ask| {
            let node = input.nodes.iter().position(|node| Some(&node.view.name) == ask.nominated.as_ref())?;
            Some((node, Arc::clone(ask)))
        });
        let nominated = nominated.collect();
        Self { input, slots, groups: Groups::default(), refusing, nominated, doomed: HashSet::new() }
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.slots.len()
    }

    /// Whether anything of the node is offered.
    pub(super) fn offered(&self, node: usize) -> bool {
        !self.slots[node].offers.is_empty()
    }

    /// What the node itself says to the pod.
    pub(super) fn admits(&self, node: usize, ask: &Ask) -> Result<(), Reason> {
        fit::admits(self.view(node), ask)
    }

    /// What the pods that are there say.
    pub(super) fn neighbours(&self, node: usize, ask: &Ask) -> Option<Reason> {
        if ask.node.is_some() {
            return None;
        }
        let crowded = || (!ask.spread.is_empty()).then(|| spread::refusal(ask, node, self)).flatten();
        if ask.neighbours.is_empty() && self.refusing.is_empty() {
            return crowded();
        }
        neighbours::refusal(ask, node, self).or_else(crowded)
    }

    /// The groups among which the pod is spread.
    pub(super) fn groups_of(&mut self, ask: &Ask) -> Vec<Group> {
        let slots = &self.slots;
        let placed =
            || slots.iter().enumerate().flat_map(|(node, slot)| slot.placed.iter().map(move |pod| (node, &**pod)));
        self.groups.of(ask, self.input.services, slots.len(), placed)
    }

    /// The node's score for the pod as things stand.
    pub(super) fn score(&self, node: usize, ask: &Ask, groups: &[Group]) -> Score {
        let (view, slot) = (self.view(node), &self.slots[node]);
        let soft = i64::try_from(fit::reluctance(view, ask)).unwrap_or(i64::MAX / 200);
        let used = |free: Milli, total: Milli| if total > 0 { 1000 - free * 1000 / total } else { 1000 };
        Score {
            dislike: soft * 100 - ask.choice.preference(&view.name, &view.labels) - neighbours::liking(ask, node, self),
            crowd: spread::crowd(ask, node, self),
            siblings: self.groups.count(groups, node),
            used: used(slot.free.0, slot.total.0) + used(slot.free.1, slot.total.1),
            node,
        }
    }

    /// Takes what the pod costs from the first pool of the node that has it.
    pub(super) fn take(&mut self, node: usize, ask: &Arc<Ask>, groups: &[Group]) -> Option<Launch> {
        let request = ask.request.as_ref().ok()?;
        let reserved = self.reserved(node, ask);
        let full = |most| self.slots[node].placed.len() + reserved.pods >= most;
        if self.view(node).max_pods.is_some_and(full) || !self.lacking(node, ask, &reserved).is_empty() {
            return None;
        }
        let free = self.slots[node].free;
        if reserved.pods > 0 && (free.0 < request.cpus + reserved.cpus || free.1 < request.mem + reserved.mem) {
            return None;
        }
        let launch = (0..self.slots[node].offers.len()).find_map(|offer| self.take_from(node, offer, request))?;
        self.slots[node].placed.push(Arc::clone(ask));
        self.nominated.retain(|(_, waiting)| waiting.uid != ask.uid);
        self.groups.add(groups, node);
        if !ask.neighbours.far.is_empty() {
            self.refusing.push((node, Arc::clone(ask)));
        }
        Some(launch)
    }

    /// A node task, where no executor runs and none is started by this plan.
    pub(super) fn node_task(&mut self, node: usize) -> Option<Launch> {
        if self.slots[node].executor {
            return None;
        }
        let (cpus, mem) = NODE_TASK;
        let roles = self.input.framework_roles.to_vec();
        let request = Request { cpus, mem, roles, ports: Vec::new(), extended: BTreeMap::new() };
        (0..self.slots[node].offers.len()).find_map(|offer| self.take_from(node, offer, &request))
    }

    fn take_from(&mut self, node: usize, offer: usize, request: &Request) -> Option<Launch> {
        let (view, slot) = (&self.input.nodes[node].view, &mut self.slots[node]);
        let (cpus, mem) = slot.offers[offer].available(&request.roles);
        if cpus < request.cpus || mem < request.mem {
            return None;
        }
        let mut pool = slot.offers[offer].clone();
        let mut task = pool.take(&request.roles, request.cpus, request.mem)?;
        let there = ports_of(&slot.placed);
        let (ports, shares) = ports::take(&mut pool, &request.ports, &request.roles, view, there).ok()?;
        task.extend(shares);
        let mut executor = Vec::new();
        if !slot.executor {
            executor = pool.take(self.input.framework_roles, self.input.executor.0, self.input.executor.1)?;
        }
        slot.executor = true;
        slot.offers[offer] = pool;
        slot.free = sum(&slot.offers, self.input.framework_roles);
        Some(Launch { pod: None, node, offer, task: merged(task), executor: merged(executor), ports })
    }

    /// Why the pod, whose index the caller knows, found no node. Nodes are made of offers: where there is none, one is awaited.
    pub(super) fn why_not(&self, ask: &Ask) -> WhyNot {
        let reasons: Vec<Vec<Reason>> = (0..self.slots.len()).map(|node| self.reasons(node, ask)).collect();
        let hopes = |node: &usize| self.slots[*node].offers.is_empty() && reasons[*node] == [Reason::NoOffer];
        WhyNot {
            pod: 0,
            message: fit::summary(self.slots.len(), &reasons),
            preemption: String::new(),
            awaits_offer: self.slots.is_empty() || (0..self.slots.len()).any(|node| hopes(&node)),
        }
    }

    fn reasons(&self, node: usize, ask: &Ask) -> Vec<Reason> {
        if let Err(reason) = self.admits(node, ask) {
            return vec![reason];
        }
        if self.view(node).max_pods.is_some_and(|most| self.slots[node].placed.len() >= most) {
            return vec![Reason::TooManyPods];
        }
        let reserved = self.reserved(node, ask);
        let mut short =
            ask.request.as_ref().map_or_else(|_| Vec::new(), |request| self.shortage(node, request, &reserved));
        let lacking = self.lacking(node, ask, &reserved);
        if !lacking.is_empty() && short == [Reason::NoOffer] {
            short.clear();
        }
        short.extend(lacking);
        // as in Kubernetes, resources are looked at before the neighbours
        if !short.is_empty() && short != [Reason::NoOffer] {
            return short;
        }
        // resources of several roles or offers can suffice in sum and not where they lie
        vec![self.neighbours(node, ask).unwrap_or(Reason::NoOffer)]
    }

    fn shortage(&self, node: usize, request: &Request, reserved: &Reserved) -> Vec<Reason> {
        let slot = &self.slots[node];
        let extra = if slot.executor { (0, 0) } else { self.input.executor };
        let wanted = (request.cpus + extra.0, request.mem + extra.1);
        let short = |(cpus, mem): (Milli, Milli)| {
            let (cpus, mem) = (cpus - reserved.cpus, mem - reserved.mem);
            let cpu = (cpus < wanted.0).then_some(Reason::Cpu);
            cpu.into_iter().chain((mem < wanted.1).then_some(Reason::Memory)).collect::<Vec<_>>()
        };
        if slot.offers.is_empty() {
            let Some(all) = self.view(node).allocatable else { return vec![Reason::NoOffer] };
            let costs = slot.placed.iter().filter_map(|pod| pod.request.as_ref().ok());
            let left = costs.fold(all, |left, cost| (left.0 - cost.cpus, left.1 - cost.mem));
            let short = short(left);
            return if short.is_empty() { vec![Reason::NoOffer] } else { short };
        }
        let best = slot
            .offers
            .iter()
            .map(|pool| short(pool.available(&request.roles)))
            .min_by_key(Vec::len)
            .unwrap_or_default();
        let there = || ports_of(&slot.placed);
        let view = self.view(node);
        let ports = |pool: &Pool| ports::take(&mut pool.clone(), &request.ports, &request.roles, view, there()).is_ok();
        if best.is_empty() && !slot.offers.iter().any(ports) { vec![Reason::Ports] } else { best }
    }

    fn view(&self, node: usize) -> &'a NodeView {
        &self.input.nodes[node].view
    }
}

impl Placed for Board<'_> {
    fn namespaces(&self) -> &Namespaces {
        self.input.namespaces
    }

    fn nodes(&self) -> usize {
        self.slots.len()
    }

    fn chosen(&self, node: usize, pod: &Ask) -> bool {
        let view = self.view(node);
        pod.choice.admits(&view.name, &view.labels)
    }

    fn domain(&self, node: usize, key: &str) -> Option<&str> {
        self.view(node).labels.get(key).map(String::as_str)
    }

    fn pods(&self) -> impl Iterator<Item = (usize, &Ask)> {
        self.slots.iter().enumerate().flat_map(|(node, slot)| slot.placed.iter().map(move |pod| (node, &**pod)))
    }

    fn refusing(&self) -> impl Iterator<Item = (usize, &Ask)> {
        self.refusing.iter().map(|(node, ask)| (*node, &**ask))
    }
}

/// The host ports of pods.
fn ports_of(pods: &[Arc<Ask>]) -> impl Iterator<Item = &PortAsk> + Clone {
    pods.iter().filter_map(|pod| pod.request.as_ref().ok()).flat_map(|request| &request.ports)
}

/// What all pools of a node offer to the framework.
fn sum(pools: &[Pool], roles: &[String]) -> (Milli, Milli) {
    let each = pools.iter().map(|pool| pool.available(roles));
    each.fold((0, 0), |all, (cpus, mem)| (all.0 + cpus, all.1 + mem))
}
