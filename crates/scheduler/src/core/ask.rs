//! What a pod asks of the cluster, read from its object once: cost, node constraints, neighbours, and what makes two pods
//! alike to the scheduler.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::api::core::v1::{Pod, Toleration};

use super::labels::NodeChoice;
use super::neighbours::Neighbours;
use super::request::{Charges, Request};
use super::spread::Spread;

/// A pod as the scheduler's core sees it.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The pod's UID.
    pub uid: String,
    /// The pod's priority; higher goes first.
    pub priority: i32,
    /// The pod's labels.
    pub labels: BTreeMap<String, String>,
    /// UID of the controller that made it; its pods are spread over the nodes.
    pub owner: Option<String>,
    /// What it costs, or why it can never be scheduled as it is.
    pub request: Result<Request, String>,
    /// The only node it may run on (`spec.nodeName`).
    pub node: Option<String>,
    /// `nodeSelector` and node affinity.
    pub choice: NodeChoice,
    /// Taints it tolerates.
    pub tolerations: Vec<Toleration>,
    /// Pod affinity and anti-affinity.
    pub neighbours: Neighbours,
    /// Topology spread constraints.
    pub spread: Spread,
    /// Whether pods of lower priority may have to go for it (`preemptionPolicy`).
    pub preempts: bool,
    /// The node on which pods had to go for it.
    pub nominated: Option<String>,
    /// Whether it is on its way out.
    pub deleting: bool,
    /// Equal for pods that are alike: same namespace, labels, owner and scheduling fields.
    pub class: u64,
}

impl Ask {
    /// Reads `pod`; never fails, what is wrong with the pod stands in `request`.
    #[must_use]
    pub fn of(pod: &Pod, charges: &Charges) -> Self {
        let meta = &pod.metadata;
        let spec = pod.spec.clone().unwrap_or_default();
        let affinity = spec.affinity.clone().unwrap_or_default();
        let owner = meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        let mut ask = Self {
            namespace: meta.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            priority: spec.priority.unwrap_or(0),
            labels: meta.labels.clone().unwrap_or_default(),
            owner: owner.map(|owner| owner.uid.clone()),
            request: Request::of(pod, charges),
            node: spec.node_name,
            choice: NodeChoice::of(spec.node_selector, affinity.node_affinity),
            tolerations: spec.tolerations.unwrap_or_default(),
            neighbours: Neighbours::default(),
            spread: Spread::default(),
            preempts: spec.preemption_policy.as_deref() != Some("Never"),
            nominated: pod.status.as_ref().and_then(|status| status.nominated_node_name.clone()),
            deleting: meta.deletion_timestamp.is_some(),
            class: 0,
        };
        let (near, far) = (affinity.pod_affinity, affinity.pod_anti_affinity);
        ask.neighbours = Neighbours::of(&ask.namespace, &ask.labels, near, far).unwrap_or_else(|refusal| {
            ask.request = Err(refusal);
            Neighbours::default()
        });
        ask.spread = Spread::of(&ask.labels, spec.topology_spread_constraints).unwrap_or_else(|refusal| {
            ask.request = Err(refusal);
            Spread::default()
        });
        ask.class = ask.fingerprint();
        ask
    }

    /// `namespace/name`, as logs and messages name it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether a placement elsewhere can open a node to it, or make one better: it looks at all nodes each time then.
    #[must_use]
    pub(super) fn looks_around(&self) -> bool {
        !self.neighbours.near.is_empty() || !self.neighbours.liked.is_empty() || !self.spread.is_empty()
    }

    fn fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (&self.namespace, &self.labels, &self.owner, &self.request, &self.node).hash(&mut hash);
        // these have no Hash; their debug text tells all of their content
        format!("{:?}{:?}{:?}{:?}", self.choice, self.tolerations, self.neighbours, self.spread).hash(&mut hash);
        hash.finish()
    }
}
