//! What a resource quota counts: how much an object uses, by the names that quotas give it, and which quotas mean it.
//!
//! The rules are those of Kubernetes' quota evaluators (its `pkg/quota/v1/evaluator/core`): a kind of its own for pods, services
//! and claims, and the mere number for all others. Admission charges by them and the quota controller counts by them.

mod pod;
mod scope;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::kinds::Kind;
use crate::quantity::Quantity;

pub use pod::missing;
pub use scope::means;

/// No amount.
pub const NOTHING: Quantity = Quantity::ZERO;

/// Amounts by the names of resources.
pub type Amounts = BTreeMap<String, Quantity>;

/// What a storage class' own part of a quota ends with.
const STORAGE_CLASS: &str = ".storageclass.storage.k8s.io/";
const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
const NODE_PORTS: &str = "services.nodeports";
const LOAD_BALANCERS: &str = "services.loadbalancers";
/// Kinds that quotas also count by their plain name.
const PLAIN: &[&str] = &["configmaps", "replicationcontrollers", "resourcequotas", "secrets", "services"];

/// The amounts in a list of resources, such as `spec.hard`; what is no quantity is left out.
#[must_use]
pub fn amounts(list: &Value) -> Amounts {
    let fields = list.as_object().into_iter().flatten();
    fields.filter_map(|(name, amount)| Some((name.clone(), quantity(amount)?))).collect()
}

/// The list of resources that holds these amounts.
#[must_use]
pub fn list(amounts: &Amounts) -> Value {
    let fields: Map<String, Value> =
        amounts.iter().map(|(name, amount)| (name.clone(), amount.to_string().into())).collect();
    fields.into()
}

/// Adds amounts to others.
pub fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        *to.entry(name.clone()).or_insert(Quantity::ZERO) += *amount;
    }
}

/// Amounts as messages tell them: `pods=1,requests.cpu=500m`.
#[must_use]
pub fn told(amounts: &Amounts) -> String {
    let parts: Vec<String> = amounts.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
    parts.join(",")
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// The name by which quotas count objects of the kind, whatever their state.
#[must_use]
pub fn count_of(kind: &Kind) -> String {
    format!("count/{}", kind.qualified())
}

/// Whether the resource that a quota limits is one that objects of the kind use.
#[must_use]
pub fn counts(kind: &Kind, resource: &str) -> bool {
    if resource == count_of(kind) {
        return true;
    }
    match (kind.group, kind.plural) {
        ("", "pods") => pod::counts(resource),
        ("", "services") if matches!(resource, NODE_PORTS | LOAD_BALANCERS) => true,
        ("", CLAIMS) => {
            let name = resource.rsplit_once(STORAGE_CLASS).map_or(resource, |(_, name)| name);
            matches!(name, CLAIMS | STORAGE)
        }
        ("", plural) => PLAIN.contains(&plural) && resource == plural,
        _ => false,
    }
}

/// Whether changes of such objects, and not their number alone, change what they use.
#[must_use]
pub fn changes(kind: &Kind) -> bool {
    kind.group.is_empty() && matches!(kind.plural, "services" | CLAIMS)
}

/// How much an object uses at that time.
#[must_use]
pub fn usage(kind: &Kind, object: &Value, now: Timestamp) -> Amounts {
    let one = Quantity::from_units(1);
    let mut amounts = Amounts::from([(count_of(kind), one)]);
    match (kind.group, kind.plural) {
        ("", "pods") => pod::usage(object, now, &mut amounts),
        ("", "services") => service(object, &mut amounts),
        ("", CLAIMS) => claim(object, &mut amounts),
        _ => {}
    }
    if kind.group.is_empty() && PLAIN.contains(&kind.plural) {
        amounts.insert(kind.plural.to_owned(), one);
    }
    amounts
}

fn service(object: &Value, amounts: &mut Amounts) {
    let spec = &object["spec"];
    let ports = spec["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let balanced = spec["type"] == "LoadBalancer";
    let node_ports = match spec["type"].as_str() {
        Some("NodePort") => ports.len(),
        Some("LoadBalancer") if spec["allocateLoadBalancerNodePorts"] == false => {
            ports.iter().filter(|port| port["nodePort"].as_u64().is_some_and(|port| port > 0)).count()
        }
        Some("LoadBalancer") => ports.len(),
        _ => 0,
    };
    amounts.insert(NODE_PORTS.to_owned(), Quantity::from_units(i64::try_from(node_ports).unwrap_or(i64::MAX)));
    amounts.insert(LOAD_BALANCERS.to_owned(), Quantity::from_units(i64::from(balanced)));
}

fn claim(object: &Value, amounts: &mut Amounts) {
    let annotation = object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].as_str();
    let class = annotation.or_else(|| object["spec"]["storageClassName"].as_str()).filter(|class| !class.is_empty());
    // storage is counted in whole bytes
    let storage = quantity(&object["spec"]["resources"]["requests"]["storage"]);
    let storage = storage.map(|amount| if amount.is_whole() { amount } else { Quantity::from_units(amount.units()) });
    let used = [(CLAIMS, Some(Quantity::from_units(1))), (STORAGE, storage)];
    for (name, amount) in used.into_iter().filter_map(|(name, amount)| Some((name, amount?))) {
        amounts.insert(name.to_owned(), amount);
        if let Some(class) = class {
            amounts.insert(format!("{class}{STORAGE_CLASS}{name}"), amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use serde_json::json;

    fn of(plural: &str, object: &Value) -> String {
        told(&usage(kinds::find("", "v1", plural).expect("served"), object, Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn objects_are_counted_by_their_names() {
        assert_eq!(of("secrets", &json!({})), "count/secrets=1,secrets=1");
        assert_eq!(of("serviceaccounts", &json!({})), "count/serviceaccounts=1");
        let leases = kinds::find("coordination.k8s.io", "v1", "leases").expect("served");
        assert_eq!(told(&usage(leases, &json!({}), Timestamp::UNIX_EPOCH)), "count/leases.coordination.k8s.io=1");
        assert!(counts(leases, "count/leases.coordination.k8s.io") && !counts(leases, "leases"));
    }

    #[test]
    fn services_use_node_ports_and_balancers() {
        let service =
            |kind: &str| of("services", &json!({"spec": {"type": kind, "ports": [{"port": 1}, {"port": 2}]}}));
        assert_eq!(service("ClusterIP"), "count/services=1,services=1,services.loadbalancers=0,services.nodeports=0");
        assert_eq!(service("NodePort"), "count/services=1,services=1,services.loadbalancers=0,services.nodeports=2");
        assert!(service("LoadBalancer").contains("services.loadbalancers=1,services.nodeports=2"));
    }

    #[test]
    fn claims_use_storage_of_their_class() {
        let spec = json!({"storageClassName": "gold", "resources": {"requests": {"storage": "1500m"}}});
        let gold = "gold.storageclass.storage.k8s.io/";
        let all = format!(
            "count/persistentvolumeclaims=1,{gold}persistentvolumeclaims=1,{gold}requests.storage=2,persistentvolumeclaims=1,\
             requests.storage=2"
        );
        assert_eq!(of("persistentvolumeclaims", &json!({"spec": spec})), all);
        let claims = kinds::find("", "v1", "persistentvolumeclaims").expect("served");
        assert!(counts(claims, "silver.storageclass.storage.k8s.io/requests.storage"));
        assert!(!counts(claims, "requests.cpu"));
    }
}
