//! An agent: who it is, and what it has.

use serde::{Deserialize, Serialize};

use crate::message::{enumeration, message};
use crate::{AgentID, Attribute, Resource};

/// What an agent says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named and meant as in Mesos' own schema")]
pub struct AgentInfo {
    pub hostname: String,
    #[serde(default = "default_port")]
    pub port: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AgentID>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainInfo>,
}

impl Default for AgentInfo {
    fn default() -> Self {
        Self {
            hostname: String::new(),
            port: default_port(),
            resources: Vec::new(),
            attributes: Vec::new(),
            id: None,
            domain: None,
        }
    }
}

fn default_port() -> i32 {
    5051
}

message! {
    /// One capability.
    pub struct AgentCapability {
        r#type? AgentCapabilityType,
    }

    /// Where a machine stands.
    pub struct DomainInfo {
        fault_domain? FaultDomain,
    }

    /// A region and a zone of it.
    pub struct FaultDomain {
        region! Named,
        zone! Named,
    }

    /// A region's or zone's name.
    pub struct Named {
        name! String,
    }

    /// An address, by name and number.
    pub struct Address {
        hostname? String,
        ip? String,
        port! i32,
    }

    /// Where an agent's own API is.
    pub struct Url {
        scheme! String,
        address! Address,
        path? String,
        query* crate::label::Parameter,
        fragment? String,
    }
}

enumeration! {
    /// What an agent understands.
    pub enum AgentCapabilityType {
        MultiRole = "MULTI_ROLE", HierarchicalRole = "HIERARCHICAL_ROLE",
        ReservationRefinement = "RESERVATION_REFINEMENT", ResourceProvider = "RESOURCE_PROVIDER",
        ResizeVolume = "RESIZE_VOLUME", AgentOperationFeedback = "AGENT_OPERATION_FEEDBACK",
        AgentDraining = "AGENT_DRAINING", TaskResourceLimits = "TASK_RESOURCE_LIMITS";
        _ => Unknown
    }
}

impl From<AgentCapabilityType> for AgentCapability {
    fn from(capability: AgentCapabilityType) -> Self {
        Self { r#type: Some(capability) }
    }
}
