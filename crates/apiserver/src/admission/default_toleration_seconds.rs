//! DefaultTolerationSeconds: a pod stays on a node that is not ready or not reached for five minutes, unless it says otherwise.

use kube_api::Status;
use serde_json::{Value, json};

use super::Review;

const SECONDS: u32 = 300;
const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// Adds the tolerations that a new pod lacks.
pub(super) fn admit(review: &Review<'_>, pod: &mut Value) -> Result<(), Status> {
    amend(review, pod);
    Ok(())
}

/// Adds the tolerations that a changed pod lacks.
pub(super) fn amend(review: &Review<'_>, pod: &mut Value) {
    if review.is_pod() {
        complete(&mut pod["spec"]);
    }
}

fn complete(spec: &mut Value) {
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    let given = tolerations.clone();
    let is = |field: &Value, wanted: &str| field.as_str().is_none_or(|text| text.is_empty() || text == wanted);
    let tolerated = |taint: &str| given.iter().any(|own| is(&own["key"], taint) && is(&own["effect"], "NoExecute"));
    for taint in TAINTS.into_iter().filter(|taint| !tolerated(taint)) {
        tolerations
            .push(json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}));
    }
    if tolerations.len() > given.len() {
        spec["tolerations"] = tolerations.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(tolerations: Value) -> String {
        let mut spec = json!({"tolerations": tolerations});
        complete(&mut spec);
        let keys = spec["tolerations"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap_or("*"));
        keys.collect::<Vec<_>>().join(" ").replace("node.kubernetes.io/", "")
    }

    #[test]
    fn what_a_pod_says_itself_stays() {
        assert_eq!(keys(Value::Null), "not-ready unreachable");
        assert_eq!(keys(json!([{"operator": "Exists"}])), "*");
        assert_eq!(keys(json!([{"key": TAINTS[1], "operator": "Exists"}])), "unreachable not-ready");
        assert_eq!(keys(json!([{"key": TAINTS[1], "effect": "NoSchedule"}])), "unreachable not-ready unreachable");
    }
}
