//! What an object costs: which quotas mean it, whether it fits, and what they say when it is paid. No IO.

use jiff::Timestamp;
use kube_api::quota::{self, Amounts, amounts};
use kube_api::{Kind, meta};
use serde_json::Value;

/// A quota at one revision.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    /// `namespace/name`.
    pub(super) key: String,
    pub(super) revision: u64,
    pub(super) object: Value,
}

/// Which of the quotas are charged, and what they are then; `old` is the object before a change of it.
///
/// # Errors
/// Why the object is not allowed, in Kubernetes' words.
pub(super) fn of(
    quotas: &[Quota],
    kind: &Kind,
    object: &Value,
    old: Option<&Value>,
    now: Timestamp,
) -> Result<Vec<(usize, Value)>, String> {
    let mut meant = Vec::new();
    for (at, quota) in quotas.iter().enumerate() {
        if quota::means(&quota.object, kind, object) {
            check(&quota.object, kind, object)?;
            meant.push(at);
        }
    }
    let mut added = quota::usage(kind, object, now);
    let before = old.map(|old| quota::usage(kind, old, now)).unwrap_or_default();
    for (name, amount) in &mut added {
        *amount -= before.get(name).copied().unwrap_or(quota::NOTHING);
    }
    added.retain(|_, amount| !amount.is_zero() && !amount.is_negative());
    let mut paid = Vec::new();
    for at in meant {
        if let Some(quota) = pay(&quotas[at].object, &added)? {
            paid.push((at, quota));
        }
    }
    Ok(paid)
}

/// Refuses an object that does not say what the quota counts, and a quota whose use nobody has counted yet.
fn check(quota: &Value, kind: &Kind, object: &Value) -> Result<(), String> {
    let (hard, used) = (amounts(&quota["status"]["hard"]), amounts(&quota["status"]["used"]));
    let about: Vec<&str> = hard.keys().map(String::as_str).filter(|name| quota::counts(kind, name)).collect();
    let name = meta::name(quota);
    if kind.kind == "Pod"
        && let Some(missing) = quota::missing(about.iter().copied(), object)
    {
        return Err(format!("failed quota: {name}: must specify {missing}"));
    }
    if about.iter().any(|resource| !used.contains_key(*resource)) {
        return Err(format!("status unknown for quota: {name}, resources: {}", about.join(",")));
    }
    Ok(())
}

/// The quota with that much more used; `None` where it counts nothing of it.
fn pay(quota: &Value, added: &Amounts) -> Result<Option<Value>, String> {
    let (hard, mut used) = (amounts(&quota["status"]["hard"]), amounts(&quota["status"]["used"]));
    let requested: Amounts = added
        .iter()
        .filter(|(name, _)| hard.contains_key(*name))
        .map(|(name, amount)| (name.clone(), *amount))
        .collect();
    if requested.is_empty() {
        return Ok(None);
    }
    let before = used.clone();
    quota::add(&mut used, &requested);
    let exceeded = |name: &String| used.get(name) > hard.get(name);
    if requested.keys().any(exceeded) {
        let part = |amounts: &Amounts| {
            let part = requested.keys().filter(|name| exceeded(name));
            quota::told(&part.filter_map(|name| Some((name.clone(), *amounts.get(name)?))).collect())
        };
        return Err(format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            meta::name(quota),
            part(&requested),
            part(&before),
            part(&hard)
        ));
    }
    let mut paid = quota.clone();
    paid["status"]["used"] = quota::list(&used);
    Ok(Some(paid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    fn quota(hard: Value, used: Value) -> Quota {
        let object = json!({"metadata": {"name": "q"}, "spec": {}, "status": {"hard": hard, "used": used}});
        Quota { key: "n/q".to_owned(), revision: 3, object }
    }

    fn bill(quota: &Quota, plural: &str, object: &Value, old: Option<&Value>) -> Result<Option<Value>, String> {
        let kind = kinds::find("", "v1", plural).unwrap();
        let paid = of(std::slice::from_ref(quota), kind, object, old, Timestamp::UNIX_EPOCH)?;
        Ok(paid.into_iter().next().map(|(_, quota)| quota["status"]["used"].clone()))
    }

    fn pod(requests: Value) -> Value {
        json!({"spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]}})
    }

    #[test]
    fn what_fits_is_paid_and_what_does_not_is_told() {
        let quota = quota(json!({"pods": "2", "requests.cpu": "1"}), json!({"pods": "1", "requests.cpu": "600m"}));
        let used = bill(&quota, "pods", &pod(json!({"cpu": "400m"})), None).unwrap().unwrap();
        assert_eq!(used, json!({"pods": "2", "requests.cpu": "1"}));
        let why = bill(&quota, "pods", &pod(json!({"cpu": "500m"})), None).unwrap_err();
        assert_eq!(
            why,
            "exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1"
        );
        let why = bill(&quota, "pods", &pod(json!({})), None).unwrap_err();
        assert_eq!(why, "failed quota: q: must specify requests.cpu for: c");
        assert_eq!(bill(&quota, "secrets", &json!({}), None), Ok(None), "is not limited");
    }

    #[test]
    fn what_nobody_has_counted_is_not_charged() {
        let counting = quota(json!({"count/secrets": "2", "secrets": "3"}), json!({"secrets": "0"}));
        let why = bill(&counting, "secrets", &json!({}), None).unwrap_err();
        assert_eq!(why, "status unknown for quota: q, resources: count/secrets,secrets");
        let fresh = quota(json!({}), json!({}));
        assert_eq!(bill(&fresh, "secrets", &json!({}), None), Ok(None), "limits nothing yet");
    }

    #[test]
    fn a_change_is_charged_for_what_it_adds() {
        let quota = quota(json!({"services.nodeports": "1"}), json!({"services.nodeports": "0"}));
        let service = |kind: &str, ports: usize| json!({"spec": {"type": kind, "ports": vec![json!({}); ports]}});
        let (plain, open) = (service("ClusterIP", 2), service("NodePort", 1));
        assert_eq!(bill(&quota, "services", &open, Some(&plain)), Ok(Some(json!({"services.nodeports": "1"}))));
        assert_eq!(bill(&quota, "services", &plain, Some(&open)), Ok(None), "gives back");
        let why = bill(&quota, "services", &service("NodePort", 3), Some(&open)).unwrap_err();
        assert!(why.contains("requested: services.nodeports=2"), "{why}");
    }
}
