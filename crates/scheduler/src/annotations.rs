//! Keys under `k8s.mesosphere.io/` (reference/k8sm-behaviour.md, section 2.11).

/// Pod annotation: the agent's hostname; marks a pod as assigned.
pub const BINDING_HOST: &str = "k8s.mesosphere.io/bindingHost";
/// Pod annotation: `pod.<uuid>`, the Mesos task.
pub const TASK_ID: &str = "k8s.mesosphere.io/taskId";
/// Pod annotation: the Mesos agent.
pub const SLAVE_ID: &str = "k8s.mesosphere.io/slaveId";
/// Pod annotation: the offer that was used.
pub const OFFER_ID: &str = "k8s.mesosphere.io/offerId";
/// Pod and node annotation: the Mesos executor.
pub const EXECUTOR_ID: &str = "k8s.mesosphere.io/executorId";
/// Node annotation: the executor's resources as a JSON list of Mesos resources.
pub const EXECUTOR_RESOURCES: &str = "k8s.mesosphere.io/executorResources";
/// Node annotation: the ports that Mesos gives out there, `8000-21099,31000-32000`.
pub const PORTS: &str = "k8s.mesosphere.io/ports";
/// Pod label by which the user chooses `fixed` or `wildcard` host ports.
pub const PORT_MAPPING: &str = "k8s.mesosphere.io/portMapping";
/// Pod annotation by which the user orders the roles whose resources the pod may use.
pub const ROLES: &str = "k8s.mesosphere.io/roles";
/// Prefix of the node labels that carry an agent's attributes.
pub const ATTRIBUTE: &str = "k8s.mesosphere.io/attribute-";
/// Prefix of the pod annotations that fill a task's DiscoveryInfo.
pub const DISCOVERY: &str = "k8s.mesosphere.io/discovery-";
/// Kubernetes' mark of a mirror pod, which no scheduler touches.
pub const MIRROR: &str = "kubernetes.io/config.mirror";

/// The annotation that tells the host port of a container port.
#[must_use]
pub fn port(protocol: &str, container_port: u16) -> String {
    format!("k8s.mesosphere.io/port_{protocol}_{container_port}")
}

/// The annotation that tells the host port of a named port.
#[must_use]
pub fn port_name(protocol: &str, name: &str) -> String {
    format!("k8s.mesosphere.io/portName_{protocol}_{name}")
}
