//! Pod affinity and anti-affinity: which pods a pod demands or refuses in its topology domain.

use k8s_openapi::api::core::v1::{PodAffinity, PodAffinityTerm, PodAntiAffinity, WeightedPodAffinityTerm};
use kube::core::{Selector, SelectorExt};

use super::ask::Ask;
use super::fit::Reason;

/// What a pod demands of the pods around it, and what it would like.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// Pods that must be in the same domain.
    pub near: Vec<Term>,
    /// Pods that must not be in the same domain.
    pub far: Vec<Term>,
    /// Pods it would like to be near, with the weight of that; a negative one keeps away from them.
    pub liked: Vec<(i64, Term)>,
}

/// Pods by namespace and labels, and the node label that makes a domain.
#[derive(Clone, Debug)]
pub struct Term {
    /// The node label whose value names the domain.
    pub topology_key: String,
    /// Namespaces whose pods are meant; `None` is all.
    namespaces: Option<Vec<String>>,
    selector: Selector,
}

impl Neighbours {
    /// From the pod's fields; `namespace` is the pod's own.
    ///
    /// # Errors
    /// A selector that Kubernetes would not accept, for the pod's owner.
    pub fn of(namespace: &str, near: Option<PodAffinity>, far: Option<PodAntiAffinity>) -> Result<Self, String> {
        let terms = |terms: Option<Vec<PodAffinityTerm>>| {
            terms.into_iter().flatten().map(|term| Term::of(namespace, term)).collect::<Result<Vec<_>, _>>()
        };
        let weighed = |terms: Option<Vec<WeightedPodAffinityTerm>>, sign: i64| {
            let of = |term: WeightedPodAffinityTerm| -> Result<(i64, Term), String> {
                Ok((sign * i64::from(term.weight), Term::of(namespace, term.pod_affinity_term)?))
            };
            terms.into_iter().flatten().map(of).collect::<Result<Vec<_>, String>>()
        };
        let (near, far) = (near.unwrap_or_default(), far.unwrap_or_default());
        let mut liked = weighed(near.preferred_during_scheduling_ignored_during_execution, 1)?;
        liked.extend(weighed(far.preferred_during_scheduling_ignored_during_execution, -1)?);
        Ok(Self {
            near: terms(near.required_during_scheduling_ignored_during_execution)?,
            far: terms(far.required_during_scheduling_ignored_during_execution)?,
            liked,
        })
    }

    /// Whether nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.near.is_empty() && self.far.is_empty()
    }
}

impl Term {
    fn of(namespace: &str, term: PodAffinityTerm) -> Result<Self, String> {
        let selector = match term.label_selector {
            Some(selector) => selector
                .try_into()
                .map_err(|error| format!("invalid label selector of a pod affinity term: {error}"))?,
            // no selector matches no pod; a requirement that cannot hold says so
            None => Selector::from_iter([kube::core::Expression::In(String::new(), std::collections::BTreeSet::new())]),
        };
        let everywhere = term.namespace_selector.is_some_and(|s| {
            s.match_labels.is_none_or(|l| l.is_empty()) && s.match_expressions.is_none_or(|e| e.is_empty())
        });
        let named = term.namespaces.filter(|list| !list.is_empty()).unwrap_or_else(|| vec![namespace.to_owned()]);
        Ok(Self { topology_key: term.topology_key, namespaces: (!everywhere).then_some(named), selector })
    }

    /// Whether `pod` is one of those meant.
    #[must_use]
    pub fn means(&self, pod: &Ask) -> bool {
        self.namespaces.as_ref().is_none_or(|list| list.contains(&pod.namespace)) && self.selector.matches(&pod.labels)
    }
}

/// Every pod placed so far with the domain it lies in by a topology key.
pub trait Placed {
    /// Value of `key` on the node with this index.
    fn domain(&self, node: usize, key: &str) -> Option<&str>;
    /// How many nodes there are.
    fn nodes(&self) -> usize;
    /// Whether the pod chooses the node by its labels.
    fn chosen(&self, node: usize, pod: &Ask) -> bool;
    /// All placed pods with their node's index.
    fn pods(&self) -> impl Iterator<Item = (usize, &Ask)>;
    /// The placed pods that refuse neighbours themselves.
    fn refusing(&self) -> impl Iterator<Item = (usize, &Ask)>;
}

/// Sum of the weights of the pods that `pod` would like to be near, or (negative) not, on `node`.
pub fn liking(pod: &Ask, node: usize, placed: &impl Placed) -> i64 {
    let of = |(weight, term): &(i64, Term)| {
        let Some(here) = placed.domain(node, &term.topology_key) else { return 0 };
        let near = placed
            .pods()
            .filter(|(other, near)| placed.domain(*other, &term.topology_key) == Some(here) && term.means(near));
        weight * i64::try_from(near.count()).unwrap_or(i64::MAX / 200)
    };
    pod.neighbours.liked.iter().map(of).sum()
}

/// Why `pod` may not be on `node` because of other pods, or `None`.
pub fn refusal(pod: &Ask, node: usize, placed: &impl Placed) -> Option<Reason> {
    let together = |term: &Term, other: usize| {
        let here = placed.domain(node, &term.topology_key);
        here.is_some() && here == placed.domain(other, &term.topology_key)
    };
    for term in &pod.neighbours.near {
        let near = placed.pods().any(|(other, near)| term.means(near) && together(term, other));
        // the first of a group that wants its own kind would otherwise wait for ever
        let first = || {
            term.means(pod)
                && placed.domain(node, &term.topology_key).is_some()
                && !placed.pods().any(|(_, near)| term.means(near))
        };
        if !near && !first() {
            return Some(Reason::Affinity);
        }
    }
    let crowded = |term: &Term| placed.pods().any(|(other, far)| term.means(far) && together(term, other));
    if pod.neighbours.far.iter().any(crowded) {
        return Some(Reason::AntiAffinity);
    }
    let unwelcome = |(other, there): (usize, &Ask)| {
        there.neighbours.far.iter().any(|term| term.means(pod) && together(term, other))
    };
    placed.refusing().any(unwelcome).then_some(Reason::ExistingAntiAffinity)
}
