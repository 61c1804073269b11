//! Whether a pod may run on a node, and if not why, in the words of Kubernetes' scheduler.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{Taint, Toleration};

use super::ask::Ask;
use super::request::EPHEMERAL_STORAGE;

/// A node as the scheduler's core sees it.
#[derive(Clone, Debug, Default)]
pub struct NodeView {
    /// The node's name: the agent's hostname.
    pub name: String,
    /// The node's labels.
    pub labels: BTreeMap<String, String>,
    /// The node's taints.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// CPU and memory that the node's pods may use in all, where the node says.
    pub allocatable: Option<(i64, i64)>,
    /// Pods that the node may run, where it says.
    pub max_pods: Option<usize>,
    /// What the node announces of resources that Mesos is not asked for.
    pub extended: BTreeMap<String, i64>,
    /// The ports that Mesos gives out there, in use or not, where the node says.
    pub ports: Option<Vec<(u16, u16)>>,
}

impl NodeView {
    /// What the node has of a resource that Mesos is not asked for.
    #[must_use]
    pub fn has(&self, name: &str) -> i64 {
        let unsaid = if name == EPHEMERAL_STORAGE { i64::MAX } else { 0 };
        self.extended.get(name).copied().unwrap_or(unsaid)
    }

    /// Whether Mesos decides who has the port. Of others it knows nothing, so no framework but ours gives them to anyone.
    #[must_use]
    pub fn gives_out(&self, port: u16) -> bool {
        self.ports.as_ref().is_none_or(|all| all.iter().any(|&(begin, end)| (begin..=end).contains(&port)))
    }
}

/// Why a node is no place for a pod. `Display` is Kubernetes' text, after a count of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Cordoned.
    Unschedulable,
    /// The pod names another node.
    OtherNode,
    /// A taint that the pod does not tolerate.
    Taint(String),
    /// Node selector or node affinity.
    Choice,
    /// Host ports.
    Ports,
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// A resource that Mesos is not asked for.
    Extended(String),
    /// The node's limit of pods.
    TooManyPods,
    /// Required pod affinity.
    Affinity,
    /// Required pod anti-affinity.
    AntiAffinity,
    /// Anti-affinity of a pod that is there.
    ExistingAntiAffinity,
    /// A topology spread constraint.
    Spread,
    /// The node is in no domain of a topology spread constraint.
    SpreadLabel,
    /// Mesos offers nothing of the agent now, though the node has room.
    NoOffer,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unschedulable => "node(s) were unschedulable",
            Self::OtherNode => "node(s) didn't match the requested node name",
            Self::Taint(taint) => return write!(f, "node(s) had untolerated taint {{{taint}}}"),
            Self::Choice => "node(s) didn't match Pod's node affinity/selector",
            Self::Ports => "node(s) didn't have free ports for the requested pod ports",
            Self::Cpu => "Insufficient cpu",
            Self::Memory => "Insufficient memory",
            Self::Extended(name) => return write!(f, "Insufficient {name}"),
            Self::TooManyPods => "Too many pods",
            Self::Affinity => "node(s) didn't match pod affinity rules",
            Self::AntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Self::ExistingAntiAffinity => "node(s) didn't satisfy existing pods anti-affinity rules",
            Self::Spread => "node(s) didn't match pod topology spread constraints",
            Self::SpreadLabel => "node(s) didn't match pod topology spread constraints (missing required label)",
            Self::NoOffer => "node(s) had no offer from Mesos",
        })
    }
}

impl Reason {
    /// Whether it may no longer hold once other pods have gone.
    #[must_use]
    pub fn passes(&self) -> bool {
        !matches!(
            self,
            Self::Unschedulable
                | Self::OtherNode
                | Self::Taint(_)
                | Self::Choice
                | Self::Affinity
                | Self::SpreadLabel
                | Self::NoOffer
        )
    }
}

/// What the node itself says to the pod, whatever it runs already.
///
/// A pod that names its node (`spec.nodeName`) has been placed by its author, or ran there before: as in Kubernetes, only the
/// name counts then.
pub fn admits(node: &NodeView, pod: &Ask) -> Result<(), Reason> {
    if let Some(wanted) = &pod.node {
        return if *wanted == node.name { Ok(()) } else { Err(Reason::OtherNode) };
    }
    if node.unschedulable && !tolerates(&pod.tolerations, "node.kubernetes.io/unschedulable", "", "NoSchedule") {
        return Err(Reason::Unschedulable);
    }
    for taint in node.taints.iter().filter(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")) {
        let value = taint.value.as_deref().unwrap_or_default();
        if !tolerates(&pod.tolerations, &taint.key, value, &taint.effect) {
            return Err(Reason::Taint(format!("{}: {value}", taint.key)));
        }
    }
    if pod.choice.admits(&node.name, &node.labels) { Ok(()) } else { Err(Reason::Choice) }
}

/// Taints of effect PreferNoSchedule that the pod does not tolerate: the fewer the better.
#[must_use]
pub fn reluctance(node: &NodeView, pod: &Ask) -> usize {
    let soft = node.taints.iter().filter(|taint| taint.effect == "PreferNoSchedule");
    soft.filter(|t| !tolerates(&pod.tolerations, &t.key, t.value.as_deref().unwrap_or_default(), &t.effect)).count()
}

fn tolerates(tolerations: &[Toleration], key: &str, value: &str, effect: &str) -> bool {
    tolerations.iter().any(|toleration| {
        let exists = toleration.operator.as_deref() == Some("Exists");
        let wanted = toleration.key.as_deref().unwrap_or_default();
        let key_fits = if wanted.is_empty() { exists } else { wanted == key };
        let effect_fits = toleration.effect.as_deref().is_none_or(|e| e.is_empty() || e == effect);
        key_fits && effect_fits && (exists || toleration.value.as_deref().unwrap_or_default() == value)
    })
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`, as Kubernetes says it.
#[must_use]
pub fn summary(nodes: usize, reasons: &[Vec<Reason>]) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    counted(nodes, reasons.iter().flatten().map(ToString::to_string))
}

/// The same of any texts.
#[must_use]
pub fn counted(nodes: usize, texts: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let mut parts: Vec<String> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    parts.sort();
    format!("0/{nodes} nodes are available: {}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::Charges;
    use serde_json::json;

    fn ask(spec: serde_json::Value) -> Ask {
        let mut spec = spec;
        spec["containers"] = json!([{"name": "c"}]);
        let pod = serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap();
        let roles = vec!["*".to_owned()];
        Ask::of(
            &pod,
            &Charges { cpus: 1, mem: 1, framework_roles: roles.clone(), pod_roles: roles, wildcard_ports: false },
        )
    }

    fn tainted(effect: &str) -> NodeView {
        let taint = Taint { key: "k".into(), value: Some("v".into()), effect: effect.into(), time_added: None };
        NodeView { name: "n".into(), taints: vec![taint], ..NodeView::default() }
    }

    #[test]
    fn taints_keep_pods_away_unless_tolerated() {
        let refused = admits(&tainted("NoSchedule"), &ask(json!({}))).unwrap_err();
        assert_eq!(refused.to_string(), "node(s) had untolerated taint {k: v}");
        for toleration in [
            json!({"operator": "Exists"}),
            json!({"key": "k", "value": "v"}),
            json!({"key": "k", "operator": "Exists", "effect": "NoSchedule"}),
        ] {
            assert!(admits(&tainted("NoSchedule"), &ask(json!({"tolerations": [toleration]}))).is_ok());
        }
        assert!(admits(&tainted("NoExecute"), &ask(json!({"tolerations": [{"key": "k", "value": "w"}]}))).is_err());
        assert!(admits(&tainted("PreferNoSchedule"), &ask(json!({}))).is_ok());
        assert_eq!(reluctance(&tainted("PreferNoSchedule"), &ask(json!({}))), 1);
    }

    #[test]
    fn a_named_node_is_the_only_one_and_asks_nothing_else() {
        let cordoned = NodeView { name: "n".into(), unschedulable: true, ..NodeView::default() };
        assert_eq!(admits(&cordoned, &ask(json!({}))), Err(Reason::Unschedulable));
        assert!(admits(&cordoned, &ask(json!({"nodeName": "n"}))).is_ok());
        assert_eq!(admits(&cordoned, &ask(json!({"nodeName": "m"}))), Err(Reason::OtherNode));
    }

    #[test]
    fn the_summary_counts_and_sorts_like_kubernetes() {
        let reasons = [vec![Reason::Unschedulable], vec![Reason::Cpu, Reason::Memory], vec![Reason::Cpu]];
        assert_eq!(
            summary(3, &reasons),
            "0/3 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 2 Insufficient cpu."
        );
        assert_eq!(summary(0, &[]), "no nodes available to schedule pods");
    }
}
