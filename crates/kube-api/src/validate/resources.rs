//! What containers and quotas ask for.

use serde_json::Value;

use super::error::Errors;
use super::names;
use super::tree::Node;
use crate::quantity::Quantity;

/// Resources that have short names.
pub(super) const STANDARD: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

const OF_CONTAINERS: &[&str] = &["cpu", "memory", "ephemeral-storage"];
/// How the names of huge pages begin.
const HUGE: &str = "hugepages-";

/// The amount at a node, if it is one: decoding has refused everything else.
pub(super) fn amount(node: &Node) -> Option<Quantity> {
    node.text().parse().ok()
}

/// Requests and limits of a container.
pub(super) fn container(resources: &Node, errors: &mut Errors) {
    let (limits, requests) = (resources.at("limits"), resources.at("requests"));
    let asks = |name: &str| limits.key(name).is_present() || requests.key(name).is_present();
    for (name, value) in limits.entries() {
        container_resource(name, &value, errors);
    }
    for (name, value) in requests.entries() {
        container_resource(name, &value, errors);
        let limit = limits.key(name);
        let (Some(request), Some(limit)) = (amount(&value), amount(&limit)) else {
            if !may_overcommit(name) && !limit.is_present() {
                errors.required(&limits, "Limit must be set for non overcommitable resources");
            }
            continue;
        };
        if !may_overcommit(name) && request != limit {
            errors.invalid_value(&requests, value.value(), &format!("must be equal to {name} limit of {limit}"));
        } else if request > limit {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            errors.invalid_value(&requests, value.value(), &why);
        }
    }
    let huge = limits.entries().chain(requests.entries()).any(|(name, _)| name.starts_with(HUGE));
    if huge && !asks("cpu") && !asks("memory") {
        errors.forbidden(resources, "HugePages require cpu or memory");
    }
}

/// Whether more may be promised than there is: of neither huge pages nor what others than Kubernetes count.
pub(super) fn may_overcommit(name: &str) -> bool {
    !is_extended(name) && !name.starts_with(HUGE)
}

/// Huge pages come in whole pages of the size that their name says.
fn huge_pages(value: &Node, name: &str, errors: &mut Errors) {
    let Some(size) = name.strip_prefix(HUGE) else { return };
    let size = size.parse::<Quantity>().ok().filter(|size| size.is_whole()).map_or(0, Quantity::units);
    if size <= 0 || amount(value).is_some_and(|amount| amount.units() % size != 0) {
        errors.invalid(value, &format!("{} is not positive integer multiple of {name}", value.text()));
    }
}

fn container_resource(name: &str, value: &Node, errors: &mut Errors) {
    container_name(value, name, errors);
    quantity(value, is_extended(name), errors);
    huge_pages(value, name, errors);
}

/// The name of a resource that containers have.
pub(super) fn container_name(node: &Node, name: &str, errors: &mut Errors) {
    self::name(node, name, errors);
    if !name.contains('/') && !OF_CONTAINERS.contains(&name) && !name.starts_with(HUGE) {
        errors.invalid_value(node, &name.into(), "must be a standard resource for containers");
    }
}

/// A resource's name: one of Kubernetes' own, or one with a domain.
pub(super) fn name(node: &Node, name: &str, errors: &mut Errors) {
    let wrong = names::qualified_name(name);
    if !wrong.is_empty() {
        errors.named_value(node, name, wrong);
    } else if !name.contains('/') && !STANDARD.contains(&name) && !name.starts_with(HUGE) && !is_hugepages(name) {
        errors.invalid_value(node, &name.into(), "must be a standard resource type or fully qualified");
    }
}

fn is_hugepages(name: &str) -> bool {
    name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).is_some_and(|n| n.starts_with(HUGE))
}

/// Resources of others than Kubernetes come in whole pieces.
fn is_extended(name: &str) -> bool {
    name.split_once('/').is_some_and(|(domain, _)| !domain.ends_with("kubernetes.io"))
}

/// An amount that is not negative, and whole if it must be.
pub(super) fn quantity(node: &Node, whole: bool, errors: &mut Errors) {
    let Some(amount) = amount(node) else { return };
    if amount.is_negative() {
        errors.invalid(node, "must be greater than or equal to 0");
    }
    if whole && !amount.is_whole() {
        errors.invalid(node, "must be an integer");
    }
}

/// A list of resources, such as a node's capacity.
pub(super) fn list(resources: &Node, errors: &mut Errors) {
    for (name, value) in resources.entries() {
        self::name(&value, name, errors);
        quantity(&value, is_extended(name) || name == "pods", errors);
    }
}

/// What there is of each resource: no less than nothing.
pub(super) fn not_negative(resources: &Node, errors: &mut Errors) {
    for (_, value) in resources.entries() {
        if let Some(amount) = amount(&value).filter(|amount| amount.is_negative()) {
            errors.invalid_value(&value, &amount.units().into(), "must be a valid resource quantity");
        }
    }
}

/// Writes the amounts of `old` that are the same in `new` as they are written there: 1Gi is 1073741824.
pub(super) fn written_alike(new: &mut Value, old: &Value) {
    for (name, value) in new.as_object_mut().into_iter().flatten() {
        let parse = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
        if parse(value).is_some() && parse(value) == old.get(name).and_then(parse) {
            *value = old[name].clone();
        }
    }
}
