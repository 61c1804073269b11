//! A framework: who a scheduler is to the master.

use std::collections::BTreeMap;

use crate::FrameworkID;
use crate::label::Labels;
use crate::message::{enumeration, message};
use crate::value::Scalar;

message! {
    /// What a scheduler says of itself when it subscribes. `failover_timeout` in seconds.
    pub struct FrameworkInfo {
        user! String,
        name! String,
        id? FrameworkID,
        failover_timeout= f64,
        checkpoint= bool,
        role? String,
        roles* String,
        hostname? String,
        principal? String,
        webui_url? String,
        capabilities* FrameworkCapability,
        labels? Labels,
        offer_filters? BTreeMap<String, OfferFilters>,
    }

    /// One capability.
    pub struct FrameworkCapability {
        r#type? FrameworkCapabilityType,
    }

    /// Which offers a role does not want.
    pub struct OfferFilters {
        min_allocatable_resources? MinAllocatableResources,
    }

    /// An offer has to hold one of these sets at least.
    pub struct MinAllocatableResources {
        quantities* ResourceQuantities,
    }

    /// Amounts by resource name.
    pub struct ResourceQuantities {
        quantities= BTreeMap<String, Scalar>,
    }
}

enumeration! {
    /// What a scheduler understands (section 3.3).
    pub enum FrameworkCapabilityType {
        RevocableResources = "REVOCABLE_RESOURCES", TaskKillingState = "TASK_KILLING_STATE",
        GpuResources = "GPU_RESOURCES", SharedResources = "SHARED_RESOURCES", PartitionAware = "PARTITION_AWARE",
        MultiRole = "MULTI_ROLE", ReservationRefinement = "RESERVATION_REFINEMENT", RegionAware = "REGION_AWARE";
        _ => Unknown
    }
}

impl FrameworkInfo {
    /// Whether the scheduler said that it understands `capability`.
    pub fn is_capable(&self, capability: FrameworkCapabilityType) -> bool {
        self.capabilities.iter().any(|has| has.r#type == Some(capability))
    }

    /// The roles subscribed to: `roles` of a MULTI_ROLE framework, otherwise its `role` or `*`.
    pub fn subscribed_roles(&self) -> Vec<&str> {
        if self.is_capable(FrameworkCapabilityType::MultiRole) {
            return self.roles.iter().map(String::as_str).collect();
        }
        vec![self.role.as_deref().unwrap_or("*")]
    }
}

impl From<FrameworkCapabilityType> for FrameworkCapability {
    fn from(capability: FrameworkCapabilityType) -> Self {
        Self { r#type: Some(capability) }
    }
}
