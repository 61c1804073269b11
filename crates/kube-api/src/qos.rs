//! A pod's quality of service, by what its containers ask for.

use serde_json::Value;

use crate::quantity::Quantity;

const COUNTED: [&str; 2] = ["cpu", "memory"];

/// `Guaranteed` if every container has limits for both resources and requests nothing less, `BestEffort` if none asks
/// for anything, else `Burstable`.
#[must_use]
pub fn class(pod: &Value) -> &'static str {
    let lists = ["initContainers", "containers"].into_iter();
    let containers = lists.filter_map(|list| pod["spec"][list].as_array()).flatten();
    let (mut any, mut all) = (false, true);
    for container in containers {
        let amount = |of: &str, name: &str| {
            let text = container["resources"][of][name].as_str()?;
            text.parse::<Quantity>().ok().filter(|q| !q.is_zero())
        };
        for name in COUNTED {
            let (request, limit) = (amount("requests", name), amount("limits", name));
            any |= request.is_some() || limit.is_some();
            all &= limit.is_some() && request.is_none_or(|r| Some(r) == limit);
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::class;
    use serde_json::json;

    #[test]
    fn classes_follow_requests_and_limits() {
        let both = json!({"cpu": "1", "memory": "1Gi"});
        for (containers, expected) in [
            (json!([{}]), "BestEffort"),
            (json!([{"resources": {"requests": {"cpu": "0"}}}]), "BestEffort"),
            (json!([{"resources": {"limits": both, "requests": both}}]), "Guaranteed"),
            (json!([{"resources": {"limits": both}}, {}]), "Burstable"),
            (json!([{"resources": {"limits": both, "requests": {"cpu": "500m", "memory": "1Gi"}}}]), "Burstable"),
            (json!([{"resources": {"requests": {"cpu": "1"}}}]), "Burstable"),
        ] {
            assert_eq!(class(&json!({"spec": {"containers": containers}})), expected, "{containers}");
        }
    }
}
