//! Offers, and what a scheduler may do with their resources.

use serde::{Deserialize, Serialize};

use crate::agent::{DomainInfo, Url};
use crate::message::{enumeration, message};
use crate::resource::AllocationInfo;
use crate::time::Unavailability;
use crate::{
    AgentID, Attribute, ExecutorID, ExecutorInfo, FrameworkID, OfferID, OperationID, Resource, TaskGroupInfo, TaskInfo,
};

message! {
    /// Resources of one agent, offered to one role of a framework.
    pub struct Offer {
        id! OfferID,
        framework_id! FrameworkID,
        agent_id! AgentID,
        hostname! String,
        url? Url,
        domain? DomainInfo,
        resources* Resource,
        attributes* Attribute,
        executor_ids* ExecutorID,
        unavailability? Unavailability,
        allocation_info? AllocationInfo,
    }

    /// A request to give resources back before a maintenance.
    pub struct InverseOffer {
        id! OfferID,
        url? Url,
        framework_id! FrameworkID,
        agent_id? AgentID,
        unavailability! Unavailability,
        resources* Resource,
    }

    /// One thing to do with offered resources. Bodies of operations other than launches are carried, not read.
    pub struct Operation {
        r#type? OperationType,
        id? OperationID,
        launch? Launch,
        launch_group? LaunchGroup,
        reserve? serde_json::Value,
        unreserve? serde_json::Value,
        create? serde_json::Value,
        destroy? serde_json::Value,
        grow_volume? serde_json::Value,
        shrink_volume? serde_json::Value,
        create_disk? serde_json::Value,
        destroy_disk? serde_json::Value,
    }

    /// Tasks to launch, each judged alone.
    pub struct Launch {
        task_infos* TaskInfo,
    }

    /// Tasks to launch under one executor, all or none.
    pub struct LaunchGroup {
        executor! ExecutorInfo,
        task_group! TaskGroupInfo,
    }
}

enumeration! {
    /// Kinds of operations (section 3.8).
    pub enum OperationType {
        Launch = "LAUNCH", LaunchGroup = "LAUNCH_GROUP", Reserve = "RESERVE", Unreserve = "UNRESERVE", Create = "CREATE",
        Destroy = "DESTROY", GrowVolume = "GROW_VOLUME", ShrinkVolume = "SHRINK_VOLUME", CreateDisk = "CREATE_DISK",
        DestroyDisk = "DESTROY_DISK"; _ => Unknown
    }
}

/// How long what was refused is not offered again, in seconds; 5 where unset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Filters {
    /// Seconds.
    #[serde(default = "default_refusal")]
    pub refuse_seconds: f64,
}

impl Default for Filters {
    fn default() -> Self {
        Self { refuse_seconds: default_refusal() }
    }
}

fn default_refusal() -> f64 {
    5.0
}

impl Operation {
    /// Launches `task_infos`.
    pub fn launch(task_infos: Vec<TaskInfo>) -> Self {
        Self { r#type: Some(OperationType::Launch), launch: Some(Launch { task_infos }), ..Self::default() }
    }
}
