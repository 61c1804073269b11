//! Judging a node: pure functions of its object and of how long it has been silent.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeCondition, Pod, Taint, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::Patience;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
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

/// The part of a node whose change must be looked at at once; heartbeats are not.
pub(super) fn matters(node: &Node) -> (Option<&str>, Option<bool>, Option<&Vec<Taint>>) {
    let spec = node.spec.as_ref();
    (
        ready_condition(node).map(|c| c.status.as_str()),
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
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == "Ready")
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

/// The node's taints as they should be, or `None` where they are.
pub(super) fn taints(node: &Node, ready: Ready, now: Timestamp) -> Option<Vec<Taint>> {
    let known = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or(false);
    let wanted = |key: &str, effect: &str| match (key, effect) {
        (NOT_READY, "NoSchedule" | "NoExecute") => Some(ready == Ready::False),
        (UNREACHABLE, "NoSchedule" | "NoExecute") => Some(ready == Ready::Unknown),
        (UNSCHEDULABLE, "NoSchedule") => Some(cordoned),
        _ => None,
    };
    let mut taints: Vec<Taint> =
        known.iter().filter(|taint| wanted(&taint.key, &taint.effect) != Some(false)).cloned().collect();
    for (key, effect) in [
        (NOT_READY, "NoSchedule"),
        (NOT_READY, "NoExecute"),
        (UNREACHABLE, "NoSchedule"),
        (UNREACHABLE, "NoExecute"),
        (UNSCHEDULABLE, "NoSchedule"),
    ] {
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

/// How long the pod may stay on the node as it is tainted; `None` is for ever. Pods that do not say have `default`.
pub(super) fn until_eviction(node: &Node, pod: &Pod, default: Duration, now: Timestamp) -> Option<Duration> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let ours = taints
        .iter()
        .filter(|taint| taint.effect == "NoExecute" && matches!(taint.key.as_str(), NOT_READY | UNREACHABLE));
    let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
    let waits = ours.filter_map(|taint| {
        let matching: Vec<&Toleration> = tolerations.iter().filter(|toleration| tolerates(toleration, taint)).collect();
        let allowed = match matching.as_slice() {
            [] => default,
            some if some.iter().any(|toleration| toleration.toleration_seconds.is_none()) => return None,
            some => {
                let least = some.iter().filter_map(|toleration| toleration.toleration_seconds).min().unwrap_or(0);
                Duration::from_secs(u64::try_from(least).unwrap_or(0))
            }
        };
        let since = taint.time_added.as_ref().map_or(now, |time| time.0);
        let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        Some(allowed.saturating_sub(passed))
    });
    waits.min()
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let exists = toleration.operator.as_deref() == Some("Exists");
    let key = toleration.key.as_deref().unwrap_or_default();
    let key_fits = if key.is_empty() { exists } else { key == taint.key };
    let effect_fits = toleration.effect.as_deref().is_none_or(|effect| effect.is_empty() || effect == taint.effect);
    key_fits && effect_fits && (exists || toleration.value == taint.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        grace: Duration::from_secs(40),
        startup: Duration::from_secs(60),
        eviction: Duration::from_secs(300),
    };

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
        let unreachable = taints(&cordoned, Ready::Unknown, now).unwrap();
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
        assert_eq!(keys(&taints(&tainted, Ready::True, now).unwrap()), ["mine:NoSchedule"]);
        assert_eq!(taints(&node(Some(("True", "")), json!({})), Ready::True, now), None);
    }

    #[test]
    fn pods_stay_as_long_as_they_tolerate() {
        let taint = json!({"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"});
        let node = node(Some(("Unknown", "")), json!({"taints": [taint]}));
        let left = |tolerations: Value| {
            let pod =
                serde_json::from_value(json!({"metadata": {}, "spec": {"containers": [], "tolerations": tolerations}}))
                    .unwrap();
            until_eviction(&node, &pod, Duration::from_secs(300), at("2026-01-01T00:01:00Z"))
        };
        assert_eq!(left(json!([])), Some(Duration::from_secs(240)));
        assert_eq!(left(json!([{"operator": "Exists"}])), None);
        let seconds =
            json!([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}]);
        assert_eq!(left(seconds), Some(Duration::ZERO));
    }
}
