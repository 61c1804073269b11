//! Node objects as the scheduler makes and reads them (reference/k8sm-behaviour.md, section 2.13).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use mesos::value::ValueType;
use mesos::{Attribute, ExecutorID, Resource};

use crate::annotations::{ATTRIBUTE, EXECUTOR_ID, EXECUTOR_RESOURCES, PORTS};
use crate::core::NodeView;
use crate::core::request::{is_counted, milli_cpus, milli_megabytes, units};

/// The label by which Kubernetes names a node's host.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// Labels of an agent's attributes. Values that are no label values are left out; kinds other than text and scalar are empty.
#[must_use]
pub fn labels(attributes: &[Attribute]) -> BTreeMap<String, String> {
    let label = |attribute: &Attribute| {
        let value = match attribute.r#type {
            ValueType::Text => attribute.text.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
            ValueType::Scalar => attribute.scalar.map(|scalar| scalar.value.to_string()).unwrap_or_default(),
            _ => String::new(),
        };
        let valid = is_label_part(&attribute.name) && !attribute.name.is_empty() && is_label_part(&value);
        valid.then(|| (format!("{ATTRIBUTE}{}", attribute.name), value))
    };
    attributes.iter().filter_map(label).collect()
}

/// At most 63 letters, digits, `-`, `_`, `.`, beginning and ending with a letter or digit; or empty.
fn is_label_part(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // the prefix `attribute-` counts into the name part of the key
    text.len() <= 53 && edge(text.chars().next()) && edge(text.chars().last()) && text.chars().all(inner)
}

/// Whether the node has exactly these attribute labels.
#[must_use]
pub fn has_labels(node: &Node, labels: &BTreeMap<String, String>) -> bool {
    let own = node.metadata.labels.iter().flatten().filter(|(key, _)| key.starts_with(ATTRIBUTE));
    own.eq(labels.iter())
}

/// The node as the core sees it.
#[must_use]
pub fn view(node: &Node) -> NodeView {
    let spec = node.spec.as_ref();
    let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
    let amounts =
        allocatable.and_then(|all| Some((milli_cpus(all.get("cpu")?)?, milli_megabytes(all.get("memory")?)?)));
    NodeView {
        name: node.metadata.name.clone().unwrap_or_default(),
        labels: node.metadata.labels.clone().unwrap_or_default(),
        taints: spec.and_then(|spec| spec.taints.clone()).unwrap_or_default(),
        unschedulable: spec.and_then(|spec| spec.unschedulable).unwrap_or(false),
        allocatable: amounts,
        max_pods: allocatable.and_then(|all| all.get("pods")?.0.parse().ok()),
        extended: extended(node),
        ports: ports(node),
    }
}

/// The ports that Mesos gives out there, where the node says.
fn ports(node: &Node) -> Option<Vec<(u16, u16)>> {
    let text = node.metadata.annotations.as_ref()?.get(PORTS)?;
    let range = |range: &str| {
        let (begin, end) = range.split_once('-')?;
        Some((begin.parse().ok()?, end.parse().ok()?))
    };
    text.split(',').filter(|range| !range.is_empty()).map(range).collect()
}

/// What the node has of resources that Mesos is not asked for. Where it says only how much of one there is, all of it is for
/// pods.
fn extended(node: &Node) -> BTreeMap<String, i64> {
    let Some(status) = &node.status else { return BTreeMap::new() };
    let all = status.capacity.iter().chain(&status.allocatable).flatten();
    all.filter(|(name, _)| is_counted(name)).filter_map(|(name, amount)| Some((name.clone(), units(amount)?))).collect()
}

/// The resources with which the executor `ours` was started on the node, as the scheduler that started it noted.
#[must_use]
pub fn executor(node: &Node, ours: &ExecutorID) -> Option<Vec<Resource>> {
    let annotations = node.metadata.annotations.as_ref()?;
    let same = annotations.get(EXECUTOR_ID).is_some_and(|id| *id == ours.value);
    same.then(|| serde_json::from_str(annotations.get(EXECUTOR_RESOURCES)?).ok())?
}

/// What of a node decides whether a pod may run there.
type Place<'a> = (
    Option<&'a BTreeMap<String, String>>,
    Option<&'a Vec<Taint>>,
    bool,
    Option<String>,
    Option<String>,
    Option<&'a String>,
);

/// The part of a node whose change can open or close it to a pod; heartbeats leave it alone.
#[must_use]
pub fn place(node: &Node) -> Place<'_> {
    let spec = node.spec.as_ref();
    let status = node.status.as_ref();
    let amounts = |all: &BTreeMap<String, Quantity>| format!("{all:?}");
    (
        node.metadata.labels.as_ref(),
        spec.and_then(|spec| spec.taints.as_ref()),
        spec.and_then(|spec| spec.unschedulable).unwrap_or(false),
        status.and_then(|status| status.allocatable.as_ref()).map(amounts),
        status.and_then(|status| status.capacity.as_ref()).map(amounts),
        node.metadata.annotations.as_ref().and_then(|annotations| annotations.get(PORTS)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_become_labels() {
        let attributes: Vec<Attribute> = serde_json::from_value(json!([
            {"name": "rack", "type": "TEXT", "text": {"value": "1"}},
            {"name": "gen", "type": "SCALAR", "scalar": {"value": 2015.0}},
            {"name": "ratio", "type": "SCALAR", "scalar": {"value": 0.5}},
            {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}]}},
            {"name": "bad name", "type": "TEXT", "text": {"value": "1"}},
            {"name": "bad", "type": "TEXT", "text": {"value": "-x"}}
        ]))
        .unwrap();
        let labels = labels(&attributes);
        let pairs: Vec<_> = labels.iter().map(|(key, value)| (&key[ATTRIBUTE.len()..], value.as_str())).collect();
        assert_eq!(pairs, [("gen", "2015"), ("ports", ""), ("rack", "1"), ("ratio", "0.5")]);
    }

    #[test]
    fn ports_of_mesos_are_told_from_others() {
        let gives = |ports: &str, port: u16| {
            let node = json!({"metadata": {"name": "n", "annotations": {PORTS: ports}}});
            view(&serde_json::from_value(node).unwrap()).gives_out(port)
        };
        let ranges = "8000-21099,31000-32000";
        assert!(gives(ranges, 8000) && gives(ranges, 31500) && !gives(ranges, 54321) && !gives(ranges, 80));
        assert!(!gives("", 80), "an agent may have none");
        assert!(gives("nonsense", 80) && view(&Node::default()).gives_out(80), "who does not say may have all");
    }

    #[test]
    fn labels_of_others_do_not_matter() {
        let node: Node = serde_json::from_value(json!({"metadata": {"name": "n", "labels": {
            "k8s.mesosphere.io/attribute-rack": "1", "mine": "x"}}}))
        .unwrap();
        let rack = |value: &str| [(format!("{ATTRIBUTE}rack"), value.to_owned())].into();
        assert!(has_labels(&node, &rack("1")));
        assert!(!has_labels(&node, &rack("2")));
        assert!(!has_labels(&node, &BTreeMap::new()));
    }
}
