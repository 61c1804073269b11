//! A master: who it is.

use serde::{Deserialize, Serialize};

use crate::agent::{Address, DomainInfo};
use crate::message::{enumeration, message};

/// What a master says of itself. `ip` holds the address' four bytes in network order, read as a little-endian number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named and meant as in Mesos' own schema")]
pub struct MasterInfo {
    pub id: String,
    pub ip: u32,
    #[serde(default = "default_port")]
    pub port: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainInfo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<MasterCapability>,
}

fn default_port() -> u32 {
    5050
}

message! {
    /// One capability.
    pub struct MasterCapability {
        r#type? MasterCapabilityType,
    }
}

enumeration! {
    /// What a master understands.
    pub enum MasterCapabilityType {
        AgentUpdate = "AGENT_UPDATE", AgentDraining = "AGENT_DRAINING", QuotaV2 = "QUOTA_V2"; _ => Unknown
    }
}
