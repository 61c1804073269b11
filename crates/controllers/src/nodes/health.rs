//! Judging a node: pure functions of its object and of how long it has been silent.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeCondition, Taint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::Patience;

/// The taint of a node that says itself that it is not ready.
pub const NOT_READY: &str = "node.kubernetes.io/not-ready";
/// The taint of a node that is silent.
pub const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Conditions that keep further pods away, and the taint that does so.
const PRESSURES: [(&str, &str); 3] = [
    ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "node.kubernetes.io/pid-pressure"),
];
/// Conditions that a node reports and that are unknown while it is silent.
const REPORTED: &[&str] = &["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
/// The scheduler's word for an agent that has no executor and needs none yet (reference/k8sm-behaviour.md, section 2.13).
const SLAVE_READY: &str = "SlaveReady";

/// What silence means for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was heard of; if it stays silent it is judged again after this long.
    Heard {
        /// How long.
        left: Duration,
    },
    /// It has been silent too long, or has never said anything.
    Silent {
        /// Whether it never did.
        never: bool,
    },
    /// No executor runs there and Mesos vouches for the agent: nobody is there to say anything.
    NoExecutor,
}

/// A node's condition Ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// Ready.
    True,
    /// It says itself that it is not.
    False,
    /// It is silent.
    Unknown,
}

/// Its condition Ready, its pressures, whether it is cordoned, its taints.
type Matters<'a> = (Option<&'a str>, [bool; 3], Option<bool>, Option<&'a Vec<Taint>>);

/// The part of a node whose change must be looked at at once; heartbeats are not.
pub(super) fn matters(node: &Node) -> Matters<'_> {
    let spec = node.spec.as_ref();
    (
        ready_condition(node).map(|c| c.status.as_str()),
        PRESSURES.map(|(kind, _)| is_true(node, kind)),
        spec.and_then(|s| s.unschedulable),
        spec.and_then(|s| s.taints.as_ref()),
    )
}

/// What the node's status says of when it was written.
pub(super) fn status_heartbeat(node: &Node) -> String {
    let time = ready_condition(node).and_then(|condition| condition.last_heartbeat_time.as_ref());
    time.map_or_else(String::new, |time| time.0.to_string())
}

fn ready_condition(node: &Node) -> Option<&NodeCondition> {
    condition(node, "Ready")
}

fn condition<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

fn is_true(node: &Node, kind: &str) -> bool {
    condition(node, kind).is_some_and(|condition| condition.status == "True")
}

/// Judges a node that has been silent for so long.
pub(super) fn judge(node: &Node, silence: Duration, patience: Patience) -> Verdict {
    let condition = ready_condition(node);
    if condition.is_some_and(|condition| condition.reason.as_deref() == Some(SLAVE_READY)) {
        return Verdict::NoExecutor;
    }
    let grace = if condition.is_some() { patience.grace } else { patience.startup };
    match grace.checked_sub(silence).filter(|left| !left.is_zero()) {
        Some(left) => Verdict::Heard { left },
        None => Verdict::Silent { never: condition.is_none() },
    }
}

/// The node's condition as it is once the verdict is written.
pub(super) fn effective_ready(node: &Node, verdict: Verdict) -> Ready {
    if matches!(verdict, Verdict::Silent { .. }) {
        return Ready::Unknown;
    }
    ready(node)
}

/// The node's condition as it is.
pub(super) fn ready(node: &Node) -> Ready {
    match ready_condition(node).map(|condition| condition.status.as_str()) {
        Some("True") => Ready::True,
        Some("Unknown") => Ready::Unknown,
        _ => Ready::False,
    }
}

/// The conditions to write for a silent node, or `None` where they say so already.
pub(super) fn unknown_conditions(node: &Node, never: bool, now: Timestamp) -> Option<Vec<Value>> {
    let known = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let (reason, message) = match never {
        true => ("NodeStatusNeverUpdated", "Kubelet never posted node status."),
        false => ("NodeStatusUnknown", "Kubelet stopped posting node status."),
    };
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let conditions: Vec<Value> = REPORTED.iter().filter_map(|kind| {
        let condition = known.iter().find(|condition| condition.type_ == *kind);
        let said = condition.is_some_and(|condition| condition.status == "Unknown");
        let needed = !said && (condition.is_some() || *kind == "Ready");
        let condition = json!({"type": kind, "status": "Unknown", "reason": reason, "message": message, "lastTransitionTime": now});
        needed.then_some(condition)
    }).collect();
    (!conditions.is_empty()).then_some(conditions)
}

/// The node's taints as they should be, or `None` where they are. `disrupted` is that no node is ready: then readiness ends no
/// pods.
pub(super) fn taints(node: &Node, ready: Ready, disrupted: bool, now: Timestamp) -> Option<Vec<Taint>> {
    let known = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or(false);
    let wanted = |key: &str, effect: &str| match (key, effect) {
        (NOT_READY | UNREACHABLE, "NoExecute") if disrupted => Some(false),
        (NOT_READY, "NoSchedule" | "NoExecute") => Some(ready == Ready::False),
        (UNREACHABLE, "NoSchedule" | "NoExecute") => Some(ready == Ready::Unknown),
        (UNSCHEDULABLE, "NoSchedule") => Some(cordoned),
        (key, "NoSchedule") => {
            let (kind, _) = PRESSURES.iter().find(|(_, taint)| *taint == key)?;
            Some(is_true(node, kind))
        }
        _ => None,
    };
    let mut taints: Vec<Taint> =
        known.iter().filter(|taint| wanted(&taint.key, &taint.effect) != Some(false)).cloned().collect();
    let lifecycle = [
        (NOT_READY, "NoSchedule"),
        (NOT_READY, "NoExecute"),
        (UNREACHABLE, "NoSchedule"),
        (UNREACHABLE, "NoExecute"),
        (UNSCHEDULABLE, "NoSchedule"),
    ];
    for (key, effect) in lifecycle.into_iter().chain(PRESSURES.map(|(_, taint)| (taint, "NoSchedule"))) {
        if wanted(key, effect) == Some(true) && !taints.iter().any(|taint| taint.key == key && taint.effect == effect) {
            taints.push(Taint {
                key: key.to_owned(),
                effect: effect.to_owned(),
                value: None,
                time_added: Some(Time(now)),
            });
        }
    }
    (taints != known).then_some(taints)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { grace: Duration::from_secs(40), startup: Duration::from_secs(60) };

    fn node(ready: Option<(&str, &str)>, spec: Value) -> Node {
        let conditions = ready.map(|(status, reason)| json!([{"type": "Ready", "status": status, "reason": reason}, {"type": "MemoryPressure", "status": "False"}]));
        serde_json::from_value(json!({"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": conditions}}))
            .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn silence_is_judged_by_its_length() {
        let known = node(Some(("True", "KubeletReady")), json!({}));
        assert_eq!(judge(&known, Duration::from_secs(30), PATIENCE), Verdict::Heard { left: Duration::from_secs(10) });
        assert_eq!(judge(&known, Duration::from_secs(40), PATIENCE), Verdict::Silent { never: false });
        let new = node(None, json!({}));
        assert_eq!(judge(&new, Duration::from_secs(40), PATIENCE), Verdict::Heard { left: Duration::from_secs(20) });
        assert_eq!(judge(&new, Duration::from_secs(60), PATIENCE), Verdict::Silent { never: true });
        let vouched = node(Some(("True", "SlaveReady")), json!({}));
        assert_eq!(judge(&vouched, Duration::from_secs(1000), PATIENCE), Verdict::NoExecutor);
    }

    #[test]
    fn what_a_silent_node_reported_is_unknown() {
        let conditions =
            unknown_conditions(&node(Some(("True", "KubeletReady")), json!({})), false, at("2026-01-01T00:00:00Z"))
                .unwrap();
        assert_eq!(
            conditions.iter().map(|c| c["type"].as_str().unwrap()).collect::<Vec<_>>(),
            ["Ready", "MemoryPressure"]
        );
        assert_eq!(conditions[0]["reason"], "NodeStatusUnknown");
        let never = unknown_conditions(&node(None, json!({})), true, at("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!((never.len(), never[0]["reason"].as_str()), (1, Some("NodeStatusNeverUpdated")));
    }

    #[test]
    fn taints_follow_readiness_and_cordon_and_spare_others() {
        let now = at("2026-01-01T00:00:00Z");
        let mine = json!({"key": "mine", "effect": "NoSchedule"});
        let cordoned = node(Some(("Unknown", "")), json!({"unschedulable": true, "taints": [mine]}));
        let keys = |taints: &[Taint]| taints.iter().map(|t| format!("{}:{}", t.key, t.effect)).collect::<Vec<_>>();
        let unreachable = taints(&cordoned, Ready::Unknown, false, now).unwrap();
        assert_eq!(
            keys(&unreachable),
            [
                "mine:NoSchedule",
                "node.kubernetes.io/unreachable:NoSchedule",
                "node.kubernetes.io/unreachable:NoExecute",
                "node.kubernetes.io/unschedulable:NoSchedule",
            ]
        );
        let tainted = node(Some(("True", "")), json!({"taints": unreachable}));
        assert_eq!(keys(&taints(&tainted, Ready::True, false, now).unwrap()), ["mine:NoSchedule"]);
        assert_eq!(taints(&node(Some(("True", "")), json!({})), Ready::True, false, now), None);
        let mut pressed = node(Some(("True", "")), json!({"taints": [mine]}));
        pressed.status.as_mut().unwrap().conditions.as_mut().unwrap()[1].status = "True".to_owned();
        let kept = taints(&pressed, Ready::True, false, now).unwrap();
        assert_eq!(keys(&kept), ["mine:NoSchedule", "node.kubernetes.io/memory-pressure:NoSchedule"]);
        let relieved = node(Some(("True", "")), json!({"taints": kept}));
        assert_eq!(keys(&taints(&relieved, Ready::True, false, now).unwrap()), ["mine:NoSchedule"]);
    }

    #[test]
    fn readiness_ends_no_pods_while_no_node_is_ready() {
        let now = at("2026-01-01T00:00:00Z");
        let mine = json!({"key": "mine", "effect": "NoExecute"});
        let silent = |taints: Value| node(Some(("Unknown", "")), json!({ "taints": taints }));
        let keys = |taints: &[Taint]| taints.iter().map(|t| format!("{}:{}", t.key, t.effect)).collect::<Vec<_>>();
        let calm = taints(&silent(json!([mine])), Ready::Unknown, true, now).unwrap();
        assert_eq!(keys(&calm), ["mine:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"]);
        let tainted = taints(&silent(json!([mine])), Ready::Unknown, false, now).unwrap();
        let calmed = taints(&silent(json!(tainted)), Ready::Unknown, true, now).unwrap();
        assert_eq!(keys(&calmed), keys(&calm), "what was there already is taken off");
        let silent = node(Some(("False", "")), json!({}));
        assert_eq!(
            keys(&taints(&silent, Ready::False, true, now).unwrap()),
            ["node.kubernetes.io/not-ready:NoSchedule"]
        );
    }
}
