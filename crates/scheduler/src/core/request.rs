//! What a pod costs: CPU, memory, roles and ports, from its containers and the scheduler's defaults
//! (reference/k8sm-behaviour.md, sections 2.8 to 2.10).

mod port_ask;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::pool::Milli;
pub use port_ask::PortAsk;
use port_ask::port_asks;

/// The smallest CPU a container is charged, in thousandths.
const MIN_CPUS: Milli = 10;
/// The smallest memory a container is charged, in thousandths of a MB.
const MIN_MEM: Milli = 32_000;

/// How pods are charged where they do not say.
#[derive(Clone, Debug)]
pub struct Charges {
    /// CPU of a container with neither request nor limit (`--default-container-cpu-limit`).
    pub cpus: Milli,
    /// Memory likewise (`--default-container-mem-limit`).
    pub mem: Milli,
    /// Roles of the framework, in the order in which an executor uses them.
    pub framework_roles: Vec<String>,
    /// Roles of pods that name none.
    pub pod_roles: Vec<String>,
    /// Whether ports without a host port get one of the offer (`--host-port-endpoints`).
    pub wildcard_ports: bool,
}

/// What a pod costs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Thousandths of a CPU.
    pub cpus: Milli,
    /// Thousandths of a MB.
    pub mem: Milli,
    /// Whole units of resources that nodes announce and Mesos is not asked for, such as `example.com/device`.
    pub extended: BTreeMap<String, i64>,
    /// Roles whose resources the pod may use, in the order of use.
    pub roles: Vec<String>,
    /// Host ports.
    pub ports: Vec<PortAsk>,
}

impl Request {
    /// The cost of `pod`.
    ///
    /// # Errors
    /// A text for the pod's owner where the pod can never be scheduled as it is.
    pub fn of(pod: &Pod, charges: &Charges) -> Result<Self, String> {
        let spec = pod.spec.as_ref().ok_or("the pod has no spec")?;
        let (mut running, mut sidecars, mut peak) = (Cost::default(), Cost::default(), Cost::default());
        for container in &spec.containers {
            running.add(&Cost::of(container, charges)?);
        }
        for container in spec.init_containers.iter().flatten() {
            let cost = Cost::of(container, charges)?;
            // a sidecar stays beside all that start after it, another init container is gone by then
            if container.restart_policy.as_deref() == Some("Always") {
                sidecars.add(&cost);
                peak.raise(&sidecars);
            } else {
                let mut beside = cost;
                beside.add(&sidecars);
                peak.raise(&beside);
            }
        }
        running.add(&sidecars);
        running.raise(&peak);
        running.add(&overhead(spec.overhead.as_ref())?);
        let Cost { cpus, mem, extended } = running;
        Ok(Self { cpus, mem, extended, roles: roles(pod, charges)?, ports: port_asks(pod, charges.wildcard_ports)? })
    }
}

/// Amounts of a container, or of several.
#[derive(Clone, Default)]
struct Cost {
    cpus: Milli,
    mem: Milli,
    extended: BTreeMap<String, i64>,
}

impl Cost {
    fn of(container: &Container, charges: &Charges) -> Result<Self, String> {
        let (cpus, mem) = container_cost(container, charges)?;
        let mut extended = BTreeMap::new();
        let resources = container.resources.as_ref();
        let limits = resources.and_then(|resources| resources.limits.as_ref());
        let requests = resources.and_then(|resources| resources.requests.as_ref());
        // a request is what is set aside; the limit stands for it where there is none
        let amounts = limits.into_iter().chain(requests).flatten();
        for (name, quantity) in amounts.filter(|(name, _)| is_counted(name)) {
            extended.insert(name.clone(), units(quantity).ok_or_else(|| no_amount(&container.name, name, quantity))?);
        }
        Ok(Self { cpus, mem, extended })
    }

    fn add(&mut self, other: &Self) {
        self.cpus += other.cpus;
        self.mem += other.mem;
        for (name, amount) in &other.extended {
            *self.extended.entry(name.clone()).or_default() += amount;
        }
    }

    /// To the larger of both.
    fn raise(&mut self, other: &Self) {
        self.cpus = self.cpus.max(other.cpus);
        self.mem = self.mem.max(other.mem);
        for (name, amount) in &other.extended {
            let own = self.extended.entry(name.clone()).or_default();
            *own = (*own).max(*amount);
        }
    }
}

/// What the pod costs beside its containers (`spec.overhead`).
fn overhead(overhead: Option<&BTreeMap<String, Quantity>>) -> Result<Cost, String> {
    let amount = |name: &str, read: fn(&Quantity) -> Option<Milli>| {
        let Some(quantity) = overhead.and_then(|overhead| overhead.get(name)) else { return Ok(0) };
        read(quantity).ok_or_else(|| format!("the pod's overhead of {name} is {:?}, which is no amount", quantity.0))
    };
    let mut cost =
        Cost { cpus: amount("cpu", milli_cpus)?, mem: amount("memory", milli_megabytes)?, ..Cost::default() };
    for name in overhead.into_iter().flat_map(BTreeMap::keys).filter(|name| is_counted(name)) {
        cost.extended.insert(name.clone(), amount(name, units)?);
    }
    Ok(cost)
}

/// The disk for what containers write. A node that says nothing of it has enough.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";

/// Whether a resource is counted over what nodes announce: the disk, huge pages, and those that are not Kubernetes' own.
#[must_use]
pub fn is_counted(name: &str) -> bool {
    let extended = name.contains('/') && !name.contains("kubernetes.io/");
    extended || name == EPHEMERAL_STORAGE || name.starts_with("hugepages-")
}

/// Whole units of a quantity, rounded up.
#[must_use]
pub fn units(quantity: &Quantity) -> Option<i64> {
    kube_api::quantity::Quantity::parse(&quantity.0).ok().map(|parsed| parsed.units())
}

fn no_amount(container: &str, name: &str, quantity: &Quantity) -> String {
    format!("container {container} asks for {name} {:?}, which is no amount", quantity.0)
}

/// A container is charged its limit, else its request, else the default; never less than the minimum.
fn container_cost(container: &Container, charges: &Charges) -> Result<(Milli, Milli), String> {
    let amount = |name: &str, default: Milli, read: fn(&Quantity) -> Option<Milli>, least: Milli| {
        let resources = container.resources.as_ref();
        let limit = resources.and_then(|r| r.limits.as_ref()).and_then(|limits| limits.get(name));
        let request = resources.and_then(|r| r.requests.as_ref()).and_then(|requests| requests.get(name));
        let Some(quantity) = limit.or(request) else { return Ok(default.max(least)) };
        let value = read(quantity).ok_or_else(|| no_amount(&container.name, name, quantity))?;
        Ok::<_, String>(value.max(least))
    };
    Ok((amount("cpu", charges.cpus, milli_cpus, MIN_CPUS)?, amount("memory", charges.mem, milli_megabytes, MIN_MEM)?))
}

/// Thousandths of a CPU of a quantity like `100m`, rounded up.
#[must_use]
pub fn milli_cpus(quantity: &Quantity) -> Option<Milli> {
    kube_api::quantity::Quantity::parse(&quantity.0).ok().map(|parsed| parsed.millis())
}

/// Thousandths of a MB (as Mesos means it: 2²⁰ bytes) of a quantity like `64Mi`, rounded up.
#[must_use]
pub fn milli_megabytes(quantity: &Quantity) -> Option<Milli> {
    let bytes = kube_api::quantity::Quantity::parse(&quantity.0).ok()?.units();
    Some(ceil_div(bytes.checked_mul(1000)?, 1_048_576))
}

/// Division that rounds up; Kubernetes never rounds what a container asks for down.
fn ceil_div(value: i64, by: i64) -> i64 {
    value.div_euclid(by) + i64::from(value.rem_euclid(by) != 0)
}

/// The pod's roles: its annotation, without what the framework does not have; else the default.
fn roles(pod: &Pod, charges: &Charges) -> Result<Vec<String>, String> {
    let Some(list) = pod.metadata.annotations.as_ref().and_then(|map| map.get(crate::annotations::ROLES)) else {
        return Ok(charges.pod_roles.clone());
    };
    let mut roles: Vec<String> = Vec::new();
    for role in list.split(',').map(str::trim).filter(|role| charges.framework_roles.iter().any(|known| known == role))
    {
        if !roles.iter().any(|seen| seen == role) {
            roles.push(role.to_owned());
        }
    }
    if roles.is_empty() {
        return Err(format!("annotation {} names no role of the framework: {list:?}", crate::annotations::ROLES));
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn charges() -> Charges {
        Charges {
            cpus: 250,
            mem: 64_000,
            framework_roles: vec!["*".into(), "public".into()],
            pod_roles: vec!["*".into()],
            wildcard_ports: false,
        }
    }

    fn request(pod: serde_json::Value) -> Result<Request, String> {
        Request::of(&serde_json::from_value(pod).unwrap(), &charges())
    }

    fn pod(containers: serde_json::Value) -> serde_json::Value {
        json!({"metadata": {"name": "p"}, "spec": {"containers": containers}})
    }

    #[test]
    fn limits_are_charged_before_requests_before_defaults() {
        let both = json!({"limits": {"cpu": "2", "memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}});
        let asked = json!({"requests": {"cpu": "0.5", "memory": "100M"}});
        let request = request(pod(json!([
            {"name": "a", "resources": both}, {"name": "b", "resources": asked}, {"name": "c"}
        ])))
        .unwrap();
        assert_eq!(request.cpus, 2000 + 500 + 250);
        assert_eq!(request.mem, 128_000 + 95_368 + 64_000, "100 M bytes are 95.367… MB, rounded up");
    }

    #[test]
    fn nothing_is_cheaper_than_the_minimum() {
        let small = json!({"limits": {"cpu": "1m", "memory": "1Mi"}});
        let request = request(pod(json!([{"name": "a", "resources": small}]))).unwrap();
        assert_eq!((request.cpus, request.mem), (10, 32_000));
    }

    #[test]
    fn init_containers_count_by_their_peak_and_sidecars_stay() {
        let cpu = |cpu: &str| json!({"limits": {"cpu": cpu, "memory": "32Mi"}});
        let mut value = pod(json!([{"name": "a", "resources": cpu("1")}]));
        value["spec"]["initContainers"] = json!([
            {"name": "side", "restartPolicy": "Always", "resources": cpu("500m")}, {"name": "i", "resources": cpu("3")}
        ]);
        assert_eq!(request(value).unwrap().cpus, 3500);
    }

    #[test]
    fn overhead_and_what_mesos_does_not_know_count_too() {
        let of = |count: &str| json!({"limits": {"cpu": "1", "memory": "64Mi", "example.com/device": count}});
        let mut value = pod(json!([{"name": "a", "resources": of("1")}, {"name": "b", "resources": of("2")}]));
        value["spec"]["overhead"] = json!({"cpu": "250m", "memory": "120Mi"});
        value["spec"]["initContainers"] = json!([{"name": "i", "resources": of("4")}]);
        let request = request(value).unwrap();
        assert_eq!((request.cpus, request.mem), (2250, 248_000));
        assert_eq!(request.extended, [("example.com/device".to_owned(), 4)].into());
    }

    #[test]
    fn an_amount_that_is_none_is_named() {
        let bad = json!({"limits": {"cpu": "many"}});
        let refusal = request(pod(json!([{"name": "web", "resources": bad}]))).unwrap_err();
        assert!(refusal.contains("web") && refusal.contains("many"), "{refusal}");
    }

    #[test]
    fn the_annotation_orders_roles_and_strangers_are_dropped() {
        let mut value = pod(json!([{"name": "a"}]));
        value["metadata"]["annotations"] = json!({"k8s.mesosphere.io/roles": " public, other,*,public"});
        assert_eq!(request(value.clone()).unwrap().roles, ["public", "*"]);
        value["metadata"]["annotations"] = json!({"k8s.mesosphere.io/roles": "other"});
        assert!(request(value).is_err());
    }

    #[test]
    fn disk_and_huge_pages_are_counted_by_request() {
        let spec = json!({"containers": [
            {"name": "a", "resources": {"requests": {"ephemeral-storage": "1Gi"}, "limits": {"ephemeral-storage": "2Gi"}}},
            {"name": "b", "resources": {"limits": {"ephemeral-storage": "1Ki", "hugepages-2Mi": "4Mi"}}}],
            "overhead": {"ephemeral-storage": "1"}});
        let extended = request(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap().extended;
        let wanted = [("ephemeral-storage", (1 << 30) + 1024 + 1), ("hugepages-2Mi", 4 << 20)];
        assert_eq!(extended, wanted.map(|(name, amount)| (name.to_owned(), amount)).into());
    }
}
