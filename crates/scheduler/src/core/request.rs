//! What a pod costs: CPU, memory, roles and ports, from its containers and the scheduler's defaults
//! (reference/k8sm-behaviour.md, sections 2.8 to 2.10).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::pool::Milli;

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

/// A port that the pod wants from the offer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PortAsk {
    /// Index of the container in the pod.
    pub container: usize,
    /// Index of the port in the container.
    pub index: usize,
    /// The port's name, where it has one.
    pub name: Option<String>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The port inside the pod.
    pub container_port: u16,
    /// The host port demanded; `None` takes any of the offer.
    pub host_port: Option<u16>,
    /// The address of the host that is meant; empty is all of them.
    pub host_ip: String,
}

impl PortAsk {
    /// Whether the two cannot have one host port at one time: of the same protocol, and at an address in common.
    #[must_use]
    pub fn conflicts(&self, other: &Self) -> bool {
        let all = |ip: &str| ip.is_empty() || ip == "0.0.0.0";
        self.host_port.is_some()
            && self.host_port == other.host_port
            && self.protocol == other.protocol
            && (all(&self.host_ip) || all(&other.host_ip) || self.host_ip == other.host_ip)
    }
}

/// What a pod costs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Thousandths of a CPU.
    pub cpus: Milli,
    /// Thousandths of a MB.
    pub mem: Milli,
    /// Whole units of resources that nodes announce and Mesos knows nothing of, such as `example.com/device`.
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
        Ok(Self { cpus, mem, extended, roles: roles(pod, charges)?, ports: ports(pod, charges.wildcard_ports)? })
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
        let amounts = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
        for (name, quantity) in amounts.into_iter().flatten().filter(|(name, _)| is_extended(name)) {
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
    Ok(Cost { cpus: amount("cpu", milli_cpus)?, mem: amount("memory", milli_megabytes)?, ..Cost::default() })
}

/// Whether a resource is one that nodes announce beside those of Kubernetes itself.
#[must_use]
pub fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/")
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

/// The host ports that the pod wants; wildcard ones only where the strategy gives them.
fn ports(pod: &Pod, wildcard_by_default: bool) -> Result<Vec<PortAsk>, String> {
    let empty = BTreeMap::new();
    let strategy = pod.metadata.labels.as_ref().and_then(|labels| labels.get(crate::annotations::PORT_MAPPING));
    let wildcard = match strategy.map(String::as_str) {
        Some("wildcard") => true,
        Some("fixed") => false,
        _ => wildcard_by_default,
    };
    let bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let annotations = pod.metadata.annotations.as_ref().filter(|_| bound).unwrap_or(&empty);
    let mut asks: Vec<PortAsk> = Vec::new();
    let containers = pod.spec.iter().flat_map(|spec| spec.containers.iter().enumerate());
    for (container, spec) in containers {
        for (index, port) in spec.ports.iter().flatten().enumerate() {
            let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
            let container_port = u16::try_from(port.container_port).map_err(|_| no_port(port.container_port))?;
            // a pod that is launched again keeps the host ports its clients know
            let kept =
                annotations.get(&crate::annotations::port(&protocol, container_port)).and_then(|p| p.parse().ok());
            let host_port = match port.host_port.filter(|port| *port != 0) {
                Some(port) => Some(u16::try_from(port).map_err(|_| no_port(port))?),
                None => kept,
            };
            if host_port.is_none() && !wildcard {
                continue;
            }
            let (name, host_ip) = (port.name.clone(), port.host_ip.clone().unwrap_or_default());
            let ask = PortAsk { container, index, name, protocol, container_port, host_port, host_ip };
            if asks.iter().any(|other| ask.conflicts(other)) {
                return Err(format!("host port {} is asked for twice", host_port.unwrap_or_default()));
            }
            asks.push(ask);
        }
    }
    // demanded ports first, so that no wildcard takes one of them
    asks.sort_by_key(|ask| ask.host_port.is_none());
    Ok(asks)
}

fn no_port(port: i32) -> String {
    format!("{port} is no port")
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
    fn fixed_ports_are_those_named_and_wildcards_take_the_rest() {
        let ports = json!([{"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 31000}]}]);
        let fixed = request(pod(ports.clone())).unwrap().ports;
        assert_eq!(fixed.iter().map(|ask| ask.host_port).collect::<Vec<_>>(), [Some(31000)]);
        let mut value = pod(ports);
        value["metadata"]["labels"] = json!({"k8s.mesosphere.io/portMapping": "wildcard"});
        let wildcard = request(value.clone()).unwrap().ports;
        assert_eq!(wildcard.iter().map(|ask| ask.host_port).collect::<Vec<_>>(), [Some(31000), None]);
        value["metadata"]["annotations"] = json!({"k8s.mesosphere.io/port_TCP_80": "8005"});
        value["spec"]["nodeName"] = json!("mesosslave1");
        let again = request(value).unwrap().ports;
        assert!(again.iter().any(|ask| ask.host_port == Some(8005)), "kept over a relaunch: {again:?}");
    }

    #[test]
    fn a_port_asked_for_twice_is_refused() {
        let twice = json!([{"name": "a", "ports": [
            {"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]}]);
        assert!(request(pod(twice)).unwrap_err().contains("80"));
        let apart = json!([{"name": "a", "ports": [{"containerPort": 80, "hostPort": 80, "hostIP": "127.0.0.1"},
            {"containerPort": 81, "hostPort": 80, "hostIP": "10.0.0.1"}, {"containerPort": 82, "hostPort": 80, "protocol": "UDP"}]}]);
        assert_eq!(request(pod(apart)).unwrap().ports.len(), 3);
    }
}
