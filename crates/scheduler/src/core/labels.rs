//! Which nodes a pod chooses: `nodeSelector`, required and preferred node affinity.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, PreferredSchedulingTerm};

/// What a pod demands and prefers of a node's labels.
#[derive(Clone, Debug, Default)]
pub struct NodeChoice {
    selector: BTreeMap<String, String>,
    /// Terms of which one must match; `None` where nothing is required.
    required: Option<Vec<NodeSelectorTerm>>,
    preferred: Vec<PreferredSchedulingTerm>,
}

impl NodeChoice {
    /// From the pod's fields.
    #[must_use]
    pub fn of(selector: Option<BTreeMap<String, String>>, affinity: Option<NodeAffinity>) -> Self {
        let affinity = affinity.unwrap_or_default();
        Self {
            selector: selector.unwrap_or_default(),
            required: affinity
                .required_during_scheduling_ignored_during_execution
                .map(|terms| terms.node_selector_terms),
            preferred: affinity.preferred_during_scheduling_ignored_during_execution.unwrap_or_default(),
        }
    }

    /// Whether the pod may run on a node of this name and these labels.
    #[must_use]
    pub fn admits(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        self.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.required.as_ref().is_none_or(|terms| terms.iter().any(|term| matches(term, name, labels)))
    }

    /// Sum of the weights of the preferences that the node meets.
    #[must_use]
    pub fn preference(&self, name: &str, labels: &BTreeMap<String, String>) -> i64 {
        let met = self.preferred.iter().filter(|wish| matches(&wish.preference, name, labels));
        met.map(|wish| i64::from(wish.weight)).sum()
    }
}

/// A term without requirements matches nothing, as in Kubernetes.
fn matches(term: &NodeSelectorTerm, name: &str, labels: &BTreeMap<String, String>) -> bool {
    let (expressions, fields) = (term.match_expressions.as_deref(), term.match_fields.as_deref());
    let (expressions, fields) = (expressions.unwrap_or_default(), fields.unwrap_or_default());
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|requirement| holds(requirement, labels.get(&requirement.key).map(String::as_str)))
        && fields.iter().all(|requirement| requirement.key == "metadata.name" && holds(requirement, Some(name)))
}

fn holds(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let listed = || value.is_some_and(|value| values.iter().any(|known| known == value));
    let number = || Some((value?.parse::<i64>().ok()?, values.first()?.parse::<i64>().ok()?));
    match requirement.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => number().is_some_and(|(value, bound)| value > bound),
        "Lt" => number().is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn choice(affinity: serde_json::Value) -> NodeChoice {
        NodeChoice::of(None, Some(serde_json::from_value(affinity).unwrap()))
    }

    #[test]
    fn a_node_selector_needs_every_pair() {
        let choice = NodeChoice::of(Some(labels(&[("rack", "1"), ("gen", "2015")])), None);
        assert!(choice.admits("n", &labels(&[("rack", "1"), ("gen", "2015"), ("more", "x")])));
        assert!(!choice.admits("n", &labels(&[("rack", "1")])));
    }

    #[test]
    fn one_required_term_suffices_with_all_its_requirements() {
        let choice = choice(json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "gen", "operator": "Gt", "values": ["2014"]}, {"key": "bad", "operator": "DoesNotExist"}]},
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}, {}]}}));
        assert!(choice.admits("n1", &labels(&[("gen", "2015")])));
        assert!(!choice.admits("n1", &labels(&[("gen", "2014")])));
        assert!(!choice.admits("n1", &labels(&[("gen", "2015"), ("bad", "")])));
        assert!(choice.admits("n2", &labels(&[])));
    }

    #[test]
    fn preferences_add_up() {
        let term = |weight: i32, key: &str| json!({"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]}});
        let choice = choice(json!({"preferredDuringSchedulingIgnoredDuringExecution": [term(5, "a"), term(7, "b")]}));
        assert_eq!(choice.preference("n", &labels(&[("a", ""), ("b", "")])), 12);
        assert_eq!(choice.preference("n", &labels(&[("b", "")])), 7);
    }
}
