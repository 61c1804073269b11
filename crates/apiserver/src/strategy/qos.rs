//! A pod's quality of service.

use kube_api::quantity::Quantity;
use serde_json::Value;

/// Whether the pod's containers have limits, and ask for these. Who asks for nothing does not ask.
pub(super) fn of(pod: &Value) -> &'static str {
    let containers = ["initContainers", "containers"].iter().filter_map(|list| pod["spec"][*list].as_array()).flatten();
    let amount = |value: &Value| value.as_str()?.parse().ok().filter(|amount: &Quantity| *amount > Quantity::ZERO);
    let (mut any, mut limited) = (false, true);
    let (mut requests, mut limits) = ([Quantity::ZERO; 2], [Quantity::ZERO; 2]);
    for container in containers {
        let resources = &container["resources"];
        for (index, resource) in ["cpu", "memory"].into_iter().enumerate() {
            let (request, limit) = (amount(&resources["requests"][resource]), amount(&resources["limits"][resource]));
            any |= request.is_some() || limit.is_some();
            limited &= limit.is_some();
            requests[index] += request.unwrap_or(Quantity::ZERO);
            limits[index] += limit.unwrap_or(Quantity::ZERO);
        }
    }
    match (any, limited && requests == limits) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quality_of_service() {
        let pod = |resources: Value| json!({"spec": {"containers": [{"resources": resources}]}});
        assert_eq!(of(&pod(json!({}))), "BestEffort");
        assert_eq!(of(&pod(json!({"requests": {"cpu": "1"}}))), "Burstable");
        let all = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(of(&pod(json!({"limits": all, "requests": all}))), "Guaranteed");
        let in_bytes = json!({"cpu": "1000m", "memory": "1073741824"});
        assert_eq!(of(&pod(json!({"limits": all, "requests": in_bytes}))), "Guaranteed");
        assert_eq!(of(&pod(json!({"requests": {"cpu": "0"}}))), "BestEffort");
    }
}
