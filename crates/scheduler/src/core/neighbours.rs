//! Pod affinity and anti-affinity: which pods a pod demands or refuses in its topology domain.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PodAffinity, PodAffinityTerm, PodAntiAffinity, WeightedPodAffinityTerm};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
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
    /// Namespaces whose pods are meant, by name.
    namespaces: Vec<String>,
    /// Namespaces whose pods are meant too, by their labels.
    namespace_selector: Option<Selector>,
    selector: Selector,
}

/// The labels of a pod or namespace.
pub type Labels = BTreeMap<String, String>;

/// The labels of every namespace.
pub type Namespaces = BTreeMap<String, Labels>;

/// Requirements by the pod's own labels (`matchLabelKeys`, `mismatchLabelKeys`): as they are for `In`, others for `NotIn`. A
/// key that the pod does not have says nothing.
pub(super) fn like(
    labels: &Labels,
    operator: &str,
    keys: Option<Vec<String>>,
) -> impl Iterator<Item = LabelSelectorRequirement> {
    let own = keys.into_iter().flatten().filter_map(|key| Some((labels.get(&key)?.clone(), key)));
    own.map(move |(value, key)| LabelSelectorRequirement {
        key,
        operator: operator.to_owned(),
        values: Some(vec![value]),
    })
}

impl Neighbours {
    /// From the pod's fields; `namespace` and `labels` are the pod's own.
    ///
    /// # Errors
    /// A selector that Kubernetes would not accept, for the pod's owner.
    pub fn of(
        namespace: &str,
        labels: &Labels,
        near: Option<PodAffinity>,
        far: Option<PodAntiAffinity>,
    ) -> Result<Self, String> {
        let terms = |terms: Option<Vec<PodAffinityTerm>>| {
            terms.into_iter().flatten().map(|term| Term::of(namespace, labels, term)).collect::<Result<Vec<_>, _>>()
        };
        let weighed = |terms: Option<Vec<WeightedPodAffinityTerm>>, sign: i64| {
            let of = |term: WeightedPodAffinityTerm| -> Result<(i64, Term), String> {
                Ok((sign * i64::from(term.weight), Term::of(namespace, labels, term.pod_affinity_term)?))
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
    fn of(namespace: &str, labels: &Labels, term: PodAffinityTerm) -> Result<Self, String> {
        let parsed = |what: &str, selector: LabelSelector| -> Result<Selector, String> {
            selector.try_into().map_err(|error| format!("invalid {what} selector of a pod affinity term: {error}"))
        };
        let selector = match term.label_selector {
            Some(mut selector) => {
                let same = like(labels, "In", term.match_label_keys);
                let other = like(labels, "NotIn", term.mismatch_label_keys);
                selector.match_expressions.get_or_insert_default().extend(same.chain(other));
                parsed("label", selector)?
            }
            // no selector matches no pod; a requirement that cannot hold says so
            None => Selector::from_iter([kube::core::Expression::In(String::new(), std::collections::BTreeSet::new())]),
        };
        let namespace_selector = term.namespace_selector.map(|selector| parsed("namespace", selector)).transpose()?;
        let mut namespaces = term.namespaces.unwrap_or_default();
        if namespaces.is_empty() && namespace_selector.is_none() {
            namespaces.push(namespace.to_owned());
        }
        Ok(Self { topology_key: term.topology_key, namespaces, namespace_selector, selector })
    }

    /// Whether `pod` is one of those meant; `all` are the namespaces.
    #[must_use]
    pub fn means(&self, pod: &Ask, all: &Namespaces) -> bool {
        // a namespace of which nothing is known yet has no labels
        let unlabelled = BTreeMap::new();
        let labels = || all.get(&pod.namespace).unwrap_or(&unlabelled);
        let selected = || self.namespace_selector.as_ref().is_some_and(|selector| selector.matches(labels()));
        self.selector.matches(&pod.labels) && (self.namespaces.contains(&pod.namespace) || selected())
    }
}

/// Every pod placed so far with the domain it lies in by a topology key.
pub trait Placed {
    /// Value of `key` on the node with this index.
    fn domain(&self, node: usize, key: &str) -> Option<&str>;
    /// The namespaces pods are in.
    fn namespaces(&self) -> &Namespaces;
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
    let means = |term: &Term, pod: &Ask| term.means(pod, placed.namespaces());
    let of = |(weight, term): &(i64, Term)| {
        let Some(here) = placed.domain(node, &term.topology_key) else { return 0 };
        let near = placed
            .pods()
            .filter(|(other, near)| placed.domain(*other, &term.topology_key) == Some(here) && means(term, near));
        weight * i64::try_from(near.count()).unwrap_or(i64::MAX / 200)
    };
    pod.neighbours.liked.iter().map(of).sum()
}

/// Why `pod` may not be on `node` because of other pods, or `None`.
pub fn refusal(pod: &Ask, node: usize, placed: &impl Placed) -> Option<Reason> {
    let means = |term: &Term, pod: &Ask| term.means(pod, placed.namespaces());
    let together = |term: &Term, other: usize| {
        let here = placed.domain(node, &term.topology_key);
        here.is_some() && here == placed.domain(other, &term.topology_key)
    };
    for term in &pod.neighbours.near {
        let near = placed.pods().any(|(other, near)| means(term, near) && together(term, other));
        // the first of a group that wants its own kind would otherwise wait for ever
        let first = || {
            means(term, pod)
                && placed.domain(node, &term.topology_key).is_some()
                && !placed.pods().any(|(_, near)| means(term, near))
        };
        if !near && !first() {
            return Some(Reason::Affinity);
        }
    }
    let crowded = |term: &Term| placed.pods().any(|(other, far)| means(term, far) && together(term, other));
    if pod.neighbours.far.iter().any(crowded) {
        return Some(Reason::AntiAffinity);
    }
    let unwelcome = |(other, there): (usize, &Ask)| {
        there.neighbours.far.iter().any(|term| means(term, pod) && together(term, other))
    };
    placed.refusing().any(unwelcome).then_some(Reason::ExistingAntiAffinity)
}
