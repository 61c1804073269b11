//! The bounds of a limit range: least, most, and how much larger a limit may be than its request.

use kube_api::quantity::Quantity;
use kube_api::quota::{Amounts, amounts};
use serde_json::Value;

use super::limits;

/// What of the pod is out of bounds, of each container by itself and of all together.
pub(super) fn of_pod(range: &Value, pod: &Value) -> Vec<String> {
    let containers = |list: &str| pod["spec"][list].as_array().cloned().unwrap_or_default();
    let (main, first) = (containers("containers"), containers("initContainers"));
    let mut broken = Vec::new();
    for limit in limits(range, "Container") {
        for container in main.iter().chain(&first) {
            check("Container", limit, &Used::of(container), &mut broken);
        }
    }
    for limit in limits(range, "Pod") {
        check("Pod", limit, &Used::of_all(&main, &first), &mut broken);
    }
    broken
}

/// What of the claim is out of bounds: of its requests alone.
pub(super) fn of_claim(range: &Value, claim: &Value) -> Vec<String> {
    const TYPE: &str = "PersistentVolumeClaim";
    let requests = amounts(&claim["spec"]["resources"]["requests"]);
    let used = Used { requests, limits: Amounts::new() };
    let mut broken = Vec::new();
    for limit in limits(range, TYPE) {
        broken.extend(amounts(&limit["min"]).iter().filter_map(|(name, least)| below(TYPE, name, *least, &used)));
        for (name, most) in &amounts(&limit["max"]) {
            let about = format!("maximum {name} usage per {TYPE} is {most}");
            match used.requests.get(name) {
                None => broken.push(format!("{about}.  No request is specified")),
                Some(request) if request > most => broken.push(format!("{about}, but request is {request}")),
                Some(_) => {}
            }
        }
    }
    broken
}

/// Requests and limits.
struct Used {
    requests: Amounts,
    limits: Amounts,
}

impl Used {
    fn of(container: &Value) -> Self {
        let part = |part: &str| amounts(&container["resources"][part]);
        Self { requests: part("requests"), limits: part("limits") }
    }

    /// Of a pod: the sum of what all its containers say, or what one that runs before them needs.
    fn of_all(main: &[Value], first: &[Value]) -> Self {
        let total = |part: &str| {
            let said: Vec<Amounts> = main.iter().map(|container| amounts(&container["resources"][part])).collect();
            let mut total = sum(&said);
            for container in first {
                for (name, amount) in amounts(&container["resources"][part]) {
                    let most = total.entry(name).or_insert(amount);
                    *most = amount.max(*most);
                }
            }
            total
        };
        Self { requests: total("requests"), limits: total("limits") }
    }
}

/// The sum of what all of them say; what one does not say has no sum.
fn sum(said: &[Amounts]) -> Amounts {
    let names = said.first().into_iter().flat_map(Amounts::keys);
    let sums = names.filter_map(|name| {
        let amounts: Option<Vec<Quantity>> = said.iter().map(|amounts| amounts.get(name).copied()).collect();
        // Kubernetes counts thousandths of cpus and whole units of all else, and so its messages tell them
        let sum = match name.as_str() {
            "cpu" => Quantity::from_millis(amounts?.iter().map(|amount| amount.millis()).sum()),
            _ => Quantity::from_units(amounts?.iter().map(|amount| amount.units()).sum()),
        };
        Some((name.clone(), sum))
    });
    sums.collect()
}

fn check(of: &str, limit: &Value, used: &Used, broken: &mut Vec<String>) {
    broken.extend(amounts(&limit["min"]).iter().filter_map(|(name, least)| below(of, name, *least, used)));
    broken.extend(amounts(&limit["max"]).iter().filter_map(|(name, most)| above(of, name, *most, used)));
    let ratios = amounts(&limit["maxLimitRequestRatio"]);
    broken.extend(ratios.iter().filter_map(|(name, most)| apart(of, name, *most, used)));
}

fn below(of: &str, name: &str, least: Quantity, used: &Used) -> Option<String> {
    let about = format!("minimum {name} usage per {of} is {least}");
    match (used.requests.get(name), used.limits.get(name)) {
        (None, _) => Some(format!("{about}.  No request is specified")),
        (Some(request), _) if *request < least => Some(format!("{about}, but request is {request}")),
        (_, Some(limit)) if *limit < least => Some(format!("{about}, but limit is {limit}")),
        _ => None,
    }
}

fn above(of: &str, name: &str, most: Quantity, used: &Used) -> Option<String> {
    let about = format!("maximum {name} usage per {of} is {most}");
    match (used.limits.get(name), used.requests.get(name)) {
        (None, _) => Some(format!("{about}.  No limit is specified")),
        (Some(limit), _) if *limit > most => Some(format!("{about}, but limit is {limit}")),
        (_, Some(request)) if *request > most => Some(format!("{about}, but request is {request}")),
        _ => None,
    }
}

fn apart(of: &str, name: &str, most: Quantity, used: &Used) -> Option<String> {
    let about = format!("{name} max limit to request ratio per {of} is {most}, but");
    let said = |amounts: &Amounts| amounts.get(name).copied().filter(|amount| !amount.is_zero());
    let Some(request) = said(&used.requests) else {
        return Some(format!("{about} no request is specified or request is 0"));
    };
    let Some(limit) = said(&used.limits) else {
        return Some(format!("{about} no limit is specified or limit is 0"));
    };
    let ratio = limit.as_f64() / request.as_f64();
    (ratio > most.as_f64()).then(|| format!("{about} provided ratio is {ratio:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn range(limit: Value) -> Value {
        json!({"spec": {"limits": [limit]}})
    }

    fn container(requests: Value, limits: Value) -> Value {
        json!({"resources": {"requests": requests, "limits": limits}})
    }

    fn told(limit: Value, containers: Value) -> Vec<String> {
        of_pod(&range(limit), &json!({"spec": {"containers": containers}}))
    }

    #[test]
    fn containers_are_held_between_least_and_most() {
        let limit = json!({"type": "Container", "min": {"cpu": "100m"}, "max": {"cpu": "1"}});
        let one = |requests: Value, limits: Value| told(limit.clone(), json!([container(requests, limits)]));
        assert_eq!(one(json!({"cpu": "100m"}), json!({"cpu": "1"})), [""; 0]);
        assert_eq!(
            one(json!({}), json!({})),
            [
                "minimum cpu usage per Container is 100m.  No request is specified",
                "maximum cpu usage per Container is 1.  No limit is specified"
            ]
        );
        assert_eq!(
            one(json!({"cpu": "50m"}), json!({"cpu": "1500m"})),
            [
                "minimum cpu usage per Container is 100m, but request is 50m",
                "maximum cpu usage per Container is 1, but limit is 1500m"
            ]
        );
    }

    #[test]
    fn pods_are_held_as_a_whole() {
        let limit = json!({"type": "Pod", "max": {"memory": "1Gi"}});
        let half = container(json!({}), json!({"memory": "600Mi"}));
        assert_eq!(told(limit.clone(), json!([half])), [""; 0]);
        assert_eq!(
            told(limit.clone(), json!([half, half])),
            ["maximum memory usage per Pod is 1Gi, but limit is 1258291200"]
        );
        let silent = container(json!({}), json!({}));
        assert_eq!(told(limit, json!([half, silent])), ["maximum memory usage per Pod is 1Gi.  No limit is specified"]);
    }

    #[test]
    fn limits_are_not_far_from_requests() {
        let limit = json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}});
        let one = |requests: Value, limits: Value| told(limit.clone(), json!([container(requests, limits)]));
        assert_eq!(one(json!({"cpu": "1"}), json!({"cpu": "2"})), [""; 0]);
        let about = "cpu max limit to request ratio per Container is 2, but";
        assert_eq!(one(json!({"cpu": "1"}), json!({"cpu": "3"})), [format!("{about} provided ratio is 3.000000")]);
        assert_eq!(one(json!({}), json!({})), [format!("{about} no request is specified or request is 0")]);
        assert_eq!(one(json!({"cpu": 1}), json!({})), [format!("{about} no limit is specified or limit is 0")]);
    }

    #[test]
    fn claims_are_held_by_their_requests() {
        let range =
            range(json!({"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}));
        let claim = |size: &str| of_claim(&range, &json!({"spec": {"resources": {"requests": {"storage": size}}}}));
        assert!(claim("1Gi").is_empty());
        assert_eq!(claim("3Gi"), ["maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"]);
        assert_eq!(claim("1Mi"), ["minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"]);
    }
}
