//! Topology spread constraints: how uneven the pods of a kind may lie over the domains that a node label makes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::TopologySpreadConstraint;
use kube::core::{Selector, SelectorExt};

use super::ask::Ask;
use super::fit::Reason;
use super::neighbours::{Labels, Placed, like};

/// A pod's constraints.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Those that keep a pod from a node (`DoNotSchedule`).
    hard: Vec<Constraint>,
    /// Those that make a node less welcome (`ScheduleAnyway`).
    soft: Vec<Constraint>,
}

#[derive(Clone, Debug)]
struct Constraint {
    topology_key: String,
    /// Pods of the kind; `None` is none at all.
    selector: Option<Selector>,
    max_skew: usize,
    min_domains: usize,
    /// Whether nodes count that the pod does not choose (`nodeAffinityPolicy: Ignore`).
    all_nodes: bool,
}

impl Spread {
    /// From the pod's field; `labels` are the pod's own, for `matchLabelKeys`.
    ///
    /// # Errors
    /// A selector that Kubernetes would not accept, for the pod's owner.
    pub fn of(labels: &Labels, constraints: Option<Vec<TopologySpreadConstraint>>) -> Result<Self, String> {
        let mut spread = Self::default();
        for constraint in constraints.into_iter().flatten() {
            let hard = constraint.when_unsatisfiable == "DoNotSchedule";
            let list = if hard { &mut spread.hard } else { &mut spread.soft };
            list.push(Constraint::of(labels, constraint)?);
        }
        Ok(spread)
    }

    /// Whether there is no constraint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hard.is_empty() && self.soft.is_empty()
    }
}

impl Constraint {
    fn of(labels: &Labels, given: TopologySpreadConstraint) -> Result<Self, String> {
        let own = like(labels, "In", given.match_label_keys);
        let selector = given.label_selector.map(|mut selector| {
            selector.match_expressions.get_or_insert_default().extend(own);
            Selector::try_from(selector)
        });
        Ok(Self {
            topology_key: given.topology_key,
            selector: selector
                .transpose()
                .map_err(|error| format!("invalid label selector of a topology spread constraint: {error}"))?,
            max_skew: usize::try_from(given.max_skew).unwrap_or(1),
            min_domains: given.min_domains.and_then(|least| usize::try_from(least).ok()).unwrap_or(1),
            all_nodes: given.node_affinity_policy.as_deref() == Some("Ignore"),
        })
    }

    fn selects(&self, pod: &Ask) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels))
    }

    fn means(&self, owner: &Ask, pod: &Ask) -> bool {
        owner.namespace == pod.namespace && !pod.deleting && self.selects(pod)
    }

    /// The pods that are meant in each domain of which a node counts.
    fn domains<'a>(&self, pod: &Ask, keys: &[&str], placed: &'a impl Placed) -> BTreeMap<&'a str, usize> {
        let counts = |node: usize| {
            keys.iter().all(|key| placed.domain(node, key).is_some()) && (self.all_nodes || placed.chosen(node, pod))
        };
        let nodes = (0..placed.nodes()).filter(|node| counts(*node));
        let mut domains: BTreeMap<&str, usize> =
            nodes.filter_map(|node| Some((placed.domain(node, &self.topology_key)?, 0))).collect();
        for (node, _) in placed.pods().filter(|(node, other)| self.means(pod, other) && counts(*node)) {
            if let Some(count) = placed.domain(node, &self.topology_key).and_then(|domain| domains.get_mut(domain)) {
                *count += 1;
            }
        }
        domains
    }
}

/// Why `pod` may not be on `node` because its kind would lie too unevenly, or `None`.
pub fn refusal(pod: &Ask, node: usize, placed: &impl Placed) -> Option<Reason> {
    let keys: Vec<&str> = pod.spread.hard.iter().map(|constraint| constraint.topology_key.as_str()).collect();
    for constraint in &pod.spread.hard {
        let Some(here) = placed.domain(node, &constraint.topology_key) else { return Some(Reason::SpreadLabel) };
        let domains = constraint.domains(pod, &keys, placed);
        let least = domains.values().min().copied().unwrap_or(0);
        // fewer domains than there shall be: an empty one is still to come
        let least = if domains.len() < constraint.min_domains { 0 } else { least };
        let own = usize::from(constraint.selects(pod));
        if domains.get(here).copied().unwrap_or(0) + own > least + constraint.max_skew {
            return Some(Reason::Spread);
        }
    }
    None
}

/// How many pods of its kind lie in the node's domains already, of constraints that only weigh.
pub fn crowd(pod: &Ask, node: usize, placed: &impl Placed) -> usize {
    let of = |constraint: &Constraint| {
        let here = placed.domain(node, &constraint.topology_key);
        // a node in no domain comes last
        let Some(here) = here else { return usize::from(u16::MAX) };
        constraint.domains(pod, &[&constraint.topology_key], placed).get(here).copied().unwrap_or(0)
    };
    pod.spread.soft.iter().map(of).sum()
}
