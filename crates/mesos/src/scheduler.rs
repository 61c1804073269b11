//! The calls and events between a scheduler and the master (`/api/v1/scheduler`).

pub mod client;

use crate::json::Invalid;
use crate::message::{bare_envelope, envelope, message};
use crate::offer::InverseOffer;
use crate::task::KillPolicy;
use crate::{
    AgentID, Bytes, ExecutorID, Filters, FrameworkID, FrameworkInfo, MasterInfo, Offer, OfferID, Operation, Resource,
    TaskID, TaskStatus,
};

envelope! {
    /// What the master tells a scheduler.
    pub enum Event;
    /// The wire form of `Event`.
    pub struct EventWire {}
    Subscribed "SUBSCRIBED": subscribed Subscribed,
    Offers "OFFERS": offers Offers,
    InverseOffers "INVERSE_OFFERS": inverse_offers InverseOffers,
    Rescind "RESCIND": rescind Rescind,
    RescindInverseOffer "RESCIND_INVERSE_OFFER": rescind_inverse_offer RescindInverseOffer,
    Update "UPDATE": update Update,
    UpdateOperationStatus "UPDATE_OPERATION_STATUS": update_operation_status UpdateOperationStatus,
    Message "MESSAGE": message Message,
    Failure "FAILURE": failure Failure,
    Error "ERROR": error ErrorMessage,
    Heartbeat "HEARTBEAT",
}

bare_envelope!(Event, EventWire);

envelope! {
    /// What a scheduler asks of the master.
    pub enum Action;
    /// The wire form of a call. Bodies of REVIVE and SUPPRESS are optional there: `Call` knows that.
    pub struct CallWire { framework_id: FrameworkID }
    Subscribe "SUBSCRIBE": subscribe Subscribe,
    Teardown "TEARDOWN",
    Accept "ACCEPT": accept Accept,
    Decline "DECLINE": decline Decline,
    AcceptInverseOffers "ACCEPT_INVERSE_OFFERS": accept_inverse_offers InverseOfferAnswer,
    DeclineInverseOffers "DECLINE_INVERSE_OFFERS": decline_inverse_offers InverseOfferAnswer,
    Revive "REVIVE": revive Roles,
    Suppress "SUPPRESS": suppress Roles,
    Kill "KILL": kill Kill,
    Shutdown "SHUTDOWN": shutdown Shutdown,
    Acknowledge "ACKNOWLEDGE": acknowledge Acknowledge,
    AcknowledgeOperationStatus "ACKNOWLEDGE_OPERATION_STATUS": acknowledge_operation_status AcknowledgeOperationStatus,
    Reconcile "RECONCILE": reconcile Reconcile,
    ReconcileOperations "RECONCILE_OPERATIONS": reconcile_operations ReconcileOperations,
    Message "MESSAGE": message Message,
    Request "REQUEST": request Requests,
    UpdateFramework "UPDATE_FRAMEWORK": update_framework Subscribe,
}

/// A call of a scheduler: who calls, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The framework; `None` only in the first SUBSCRIBE.
    pub framework_id: Option<FrameworkID>,
    /// What it asks.
    pub action: Action,
}

impl Call {
    /// Checks a decoded call as the master does before it looks at what is asked (section 3.2).
    ///
    /// # Errors
    /// Mesos' own sentence on what does not fit.
    pub fn from_wire(mut wire: CallWire) -> Result<Self, Invalid> {
        if matches!(wire.kind.as_deref(), Some("REVIVE")) {
            wire.revive.get_or_insert_default();
        }
        if matches!(wire.kind.as_deref(), Some("SUPPRESS")) {
            wire.suppress.get_or_insert_default();
        }
        let action = Action::from_wire(&mut wire)?;
        let framework_id = wire.framework_id.filter(|id| !id.value.is_empty());
        match &action {
            Action::Unknown => return Err(Invalid::missing("type")),
            Action::Subscribe(subscribe) => {
                if subscribe.framework_info.id.as_ref().filter(|id| !id.value.is_empty()) != framework_id.as_ref() {
                    return Err(Invalid("'framework_id' differs from 'subscribe.framework_info.id'".to_owned()));
                }
                return Ok(Self { framework_id, action });
            }
            _ if framework_id.is_none() => return Err(Invalid::missing("framework_id")),
            Action::UpdateFramework(update) if update.framework_info.id != framework_id => {
                return Err(Invalid("'framework_id' differs from 'update_framework.framework_info.id'".to_owned()));
            }
            Action::Acknowledge(acknowledge) if acknowledge.uuid.as_uuid().is_none() => {
                return Err(Invalid("Not a valid UUID".to_owned()));
            }
            Action::AcknowledgeOperationStatus(acknowledge) if acknowledge.uuid.as_uuid().is_none() => {
                return Err(Invalid("Not a valid UUID".to_owned()));
            }
            Action::AcknowledgeOperationStatus(acknowledge) if acknowledge.agent_id.is_none() => {
                return Err(Invalid::missing("agent_id"));
            }
            _ => {}
        }
        Ok(Self { framework_id, action })
    }
}

impl From<Call> for CallWire {
    fn from(call: Call) -> Self {
        Self { framework_id: call.framework_id, ..call.action.into_wire() }
    }
}

message! {
    /// The first event.
    pub struct Subscribed {
        framework_id! FrameworkID,
        heartbeat_interval_seconds? f64,
        master_info? MasterInfo,
    }

    /// New offers.
    pub struct Offers {
        offers* Offer,
    }

    /// New inverse offers.
    pub struct InverseOffers {
        inverse_offers* InverseOffer,
    }

    /// An offer that is no longer.
    pub struct Rescind {
        offer_id! OfferID,
    }

    /// An inverse offer that is no longer.
    pub struct RescindInverseOffer {
        inverse_offer_id! OfferID,
    }

    /// A task's status; to be acknowledged if it has a `uuid`.
    pub struct Update {
        status! TaskStatus,
    }

    /// An operation's status.
    pub struct UpdateOperationStatus {
        status! serde_json::Value,
    }

    /// Bytes from or for an executor, delivered at most once.
    pub struct Message {
        agent_id! AgentID,
        executor_id! ExecutorID,
        data! Bytes,
    }

    /// An agent that is lost, or with `executor_id` an executor that ended with the wait status `status`.
    pub struct Failure {
        agent_id? AgentID,
        executor_id? ExecutorID,
        status? i32,
    }

    /// Why the stream ends for good.
    pub struct ErrorMessage {
        message! String,
    }

    /// The body of SUBSCRIBE, and of UPDATE_FRAMEWORK.
    pub struct Subscribe {
        framework_info! FrameworkInfo,
        suppressed_roles* String,
        offer_constraints? serde_json::Value,
    }

    /// Operations on offers of one agent; what is left goes back under `filters`.
    pub struct Accept {
        offer_ids* OfferID,
        operations* Operation,
        filters? Filters,
    }

    /// Offers given back under `filters`.
    pub struct Decline {
        offer_ids* OfferID,
        filters? Filters,
    }

    /// Inverse offers accepted or declined.
    pub struct InverseOfferAnswer {
        inverse_offer_ids* OfferID,
        filters? Filters,
    }

    /// Roles to revive or suppress; none means all.
    pub struct Roles {
        roles* String,
    }

    /// A task to end.
    pub struct Kill {
        task_id! TaskID,
        agent_id? AgentID,
        kill_policy? KillPolicy,
    }

    /// An executor to end.
    pub struct Shutdown {
        executor_id! ExecutorID,
        agent_id! AgentID,
    }

    /// The scheduler has dealt with an update.
    pub struct Acknowledge {
        agent_id! AgentID,
        task_id! TaskID,
        uuid! Bytes,
    }

    /// The scheduler has dealt with an operation's update.
    pub struct AcknowledgeOperationStatus {
        agent_id? AgentID,
        resource_provider_id? crate::ResourceProviderID,
        uuid! Bytes,
        operation_id! crate::OperationID,
    }

    /// Tasks whose state is asked for; none means all.
    pub struct Reconcile {
        tasks* ReconcileTask,
    }

    /// One task whose state is asked for.
    pub struct ReconcileTask {
        task_id! TaskID,
        agent_id? AgentID,
    }

    /// Operations whose state is asked for; none means all.
    pub struct ReconcileOperations {
        operations* ReconcileOperation,
    }

    /// One operation whose state is asked for.
    pub struct ReconcileOperation {
        operation_id! crate::OperationID,
        agent_id? AgentID,
        resource_provider_id? crate::ResourceProviderID,
    }

    /// Resources wished for.
    pub struct Requests {
        requests* Request,
    }

    /// A wish for resources of an agent.
    pub struct Request {
        agent_id? AgentID,
        resources* Resource,
    }
}
