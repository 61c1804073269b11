//! What a pod uses of a quota: itself, as long as it is not over, and what its containers request and are limited to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Amounts, add, amounts};
use crate::quantity::Quantity;

/// Resources of containers that quotas know by their own names.
const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const HUGE_PAGES: &str = "hugepages-";
const REQUESTS: &str = "requests.";
const LIMITS: &str = "limits.";
/// A pod under a quota of one of these must say it in each container. Kubernetes regrets the rule and keeps it.
const MUST_BE_SAID: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// Whether pods use the resource.
pub(super) fn counts(resource: &str) -> bool {
    let plain = resource.strip_prefix(REQUESTS).or_else(|| resource.strip_prefix(LIMITS)).unwrap_or(resource);
    let requested = resource.strip_prefix(REQUESTS);
    resource == "pods"
        || COMPUTE.contains(&plain)
        || requested.unwrap_or(resource).starts_with(HUGE_PAGES)
        || requested.is_some_and(is_extended)
}

/// A resource that is none of Kubernetes' own, such as `example.com/gpu`.
fn is_extended(resource: &str) -> bool {
    resource.contains('/') && !resource.contains("kubernetes.io/")
}

/// Adds what the pod uses. A pod that has ended, or should have by now, uses nothing but its place in storage.
pub(super) fn usage(pod: &Value, now: Timestamp, used: &mut Amounts) {
    if is_over(pod, now) {
        return;
    }
    used.insert("pods".to_owned(), Quantity::from_units(1));
    compute(&total(pod, "requests"), &total(pod, "limits"), used);
}

fn is_over(pod: &Value, now: Timestamp) -> bool {
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return true;
    }
    let metadata = &pod["metadata"];
    let asked: Option<Timestamp> = metadata["deletionTimestamp"].as_str().and_then(|time| time.parse().ok());
    let grace = metadata["deletionGracePeriodSeconds"].as_i64();
    match (asked, grace) {
        // a pod whose node is lost must not keep others from running
        (Some(asked), Some(grace)) => asked.checked_add(SignedDuration::from_secs(grace)).is_ok_and(|end| now > end),
        _ => false,
    }
}

/// Amounts under the names that quotas have for them.
fn compute(requests: &Amounts, limits: &Amounts, used: &mut Amounts) {
    for (name, amount) in requests {
        let own = COMPUTE.contains(&name.as_str()) || name.starts_with(HUGE_PAGES);
        if own {
            used.insert(name.clone(), *amount);
        }
        if own || is_extended(name) {
            used.insert(format!("{REQUESTS}{name}"), *amount);
        }
    }
    for (name, amount) in limits.iter().filter(|(name, _)| COMPUTE.contains(&name.as_str())) {
        used.insert(format!("{LIMITS}{name}"), *amount);
    }
}

/// What all containers need at the worst moment: those that stay together, or one that runs before them.
fn total(pod: &Value, part: &str) -> Amounts {
    let spec = &pod["spec"];
    let of = |container: &Value| amounts(&container["resources"][part]);
    let mut sum = Amounts::new();
    for container in spec["containers"].as_array().into_iter().flatten() {
        add(&mut sum, &of(container));
    }
    let (mut beside, mut worst) = (Amounts::new(), Amounts::new());
    for container in spec["initContainers"].as_array().into_iter().flatten() {
        let mut moment = beside.clone();
        add(&mut moment, &of(container));
        if container["restartPolicy"] == "Always" {
            add(&mut sum, &of(container));
            beside.clone_from(&moment);
        }
        for (name, amount) in moment {
            let most = worst.entry(name).or_insert(amount);
            *most = amount.max(*most);
        }
    }
    for (name, amount) in worst {
        let most = sum.entry(name).or_insert(amount);
        *most = amount.max(*most);
    }
    for (name, amount) in amounts(&spec["overhead"]) {
        // overhead is no limit where there is none
        if part == "requests" || sum.contains_key(&name) {
            *sum.entry(name).or_insert(Quantity::ZERO) += amount;
        }
    }
    sum
}

/// Which of the resources some containers do not say, as a refusal tells it: `limits.cpu for: a,b; memory for: b`. `None`
/// where all is said.
#[must_use]
pub fn missing<'r>(resources: impl IntoIterator<Item = &'r str>, pod: &Value) -> Option<String> {
    let wanted: BTreeSet<&str> = resources.into_iter().filter(|resource| MUST_BE_SAID.contains(resource)).collect();
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let lists = ["containers", "initContainers"];
    for container in lists.iter().flat_map(|list| pod["spec"][*list].as_array().into_iter().flatten()) {
        let mut said = Amounts::new();
        let part = |part: &str| amounts(&container["resources"][part]);
        compute(&part("requests"), &part("limits"), &mut said);
        for resource in wanted.iter().filter(|resource| !said.contains_key(**resource)) {
            missing.entry(resource).or_default().insert(container["name"].as_str().unwrap_or_default());
        }
    }
    let told = missing.into_iter().map(|(resource, containers)| {
        format!("{resource} for: {}", containers.into_iter().collect::<Vec<_>>().join(","))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::told;
    use super::*;
    use serde_json::json;

    fn container(name: &str, requests: Value, limits: Value) -> Value {
        json!({"name": name, "resources": {"requests": requests, "limits": limits}})
    }

    fn used(pod: &Value) -> String {
        let mut used = Amounts::new();
        usage(pod, "2026-01-01T00:01:00Z".parse().expect("a time"), &mut used);
        told(&used)
    }

    #[test]
    fn containers_are_summed_and_earlier_ones_compared() {
        let pod = json!({"spec": {
            "containers": [container("a", json!({"cpu": "100m"}), json!({"cpu": "1"})),
                container("b", json!({"cpu": "200m", "example.com/gpu": "2"}), json!({}))],
            "initContainers": [container("i", json!({"cpu": "1", "hugepages-2Mi": "4Mi"}), json!({}))]}});
        assert_eq!(
            used(&pod),
            "cpu=1,hugepages-2Mi=4Mi,limits.cpu=1,pods=1,requests.cpu=1,requests.example.com/gpu=2,requests.hugepages-2Mi=4Mi"
        );
    }

    #[test]
    fn a_sidecar_runs_beside_the_others() {
        let mut sidecar = container("s", json!({"memory": "10Mi"}), json!({}));
        sidecar["restartPolicy"] = "Always".into();
        let after = container("i", json!({"memory": "30Mi"}), json!({}));
        let main = container("a", json!({"memory": "20Mi"}), json!({}));
        let pod = json!({"spec": {"containers": [main], "initContainers": [sidecar, after]}});
        assert_eq!(used(&pod), "memory=40Mi,pods=1,requests.memory=40Mi", "10 + 30 before, 10 + 20 later");
    }

    #[test]
    fn what_is_over_uses_nothing() {
        let pod = |status: Value, metadata: Value| {
            used(&json!({"metadata": metadata, "spec": {"containers": []}, "status": status}))
        };
        assert_eq!(pod(json!({"phase": "Succeeded"}), json!({})), "");
        let deleted =
            |grace: u32| json!({"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": grace});
        assert_eq!(pod(json!({}), deleted(10)), "", "its node is lost");
        assert_eq!(pod(json!({}), deleted(60)), "pods=1");
    }

    #[test]
    fn what_must_be_said_is_told_by_container() {
        let pod = json!({"spec": {"containers": [
            container("b", json!({}), json!({})), container("a", json!({"memory": "1"}), json!({}))]}});
        let resources = ["pods", "limits.cpu", "requests.memory", "limits.ephemeral-storage"];
        assert_eq!(missing(resources, &pod).as_deref(), Some("limits.cpu for: a,b; requests.memory for: b"));
        assert_eq!(missing(["pods"], &pod), None);
    }

    #[test]
    fn pods_use_compute_resources_under_three_names() {
        for resource in
            ["pods", "cpu", "requests.memory", "limits.ephemeral-storage", "hugepages-2Mi", "requests.a.com/b"]
        {
            assert!(counts(resource), "{resource}");
        }
        for resource in ["requests.storage", "secrets", "a.com/b", "limits.hugepages-2Mi"] {
            assert!(!counts(resource), "{resource}");
        }
    }
}
