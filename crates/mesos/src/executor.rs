//! Executors: what one is, and the calls and events between it and its agent (`/api/v1/executor`).

pub mod client;
pub mod environment;

use crate::discovery::DiscoveryInfo;
use crate::json::Invalid;
use crate::label::Labels;
use crate::message::{bare_envelope, enumeration, envelope, message};
use crate::task::KillPolicy;
use crate::time::DurationInfo;
use crate::{
    AgentInfo, Bytes, CommandInfo, ContainerID, ContainerInfo, ExecutorID, FrameworkID, FrameworkInfo, Resource,
    Source, TaskGroupInfo, TaskID, TaskInfo, TaskState, TaskStatus,
};

message! {
    /// A process that runs tasks; all tasks of an agent that name the same `executor_id` share it.
    pub struct ExecutorInfo {
        r#type? ExecutorType,
        executor_id! ExecutorID,
        framework_id? FrameworkID,
        command? CommandInfo,
        container? ContainerInfo,
        resources* Resource,
        name? String,
        source? String,
        data? Bytes,
        discovery? DiscoveryInfo,
        shutdown_grace_period? DurationInfo,
        labels? Labels,
    }
}

enumeration! {
    /// Whose code an executor is.
    pub enum ExecutorType {
        Default = "DEFAULT", Custom = "CUSTOM"; _ => Unknown
    }
}

envelope! {
    /// What an agent tells an executor.
    pub enum Event;
    /// The wire form of `Event`.
    pub struct EventWire {}
    Subscribed "SUBSCRIBED": subscribed Subscribed,
    Launch "LAUNCH": launch Launch,
    LaunchGroup "LAUNCH_GROUP": launch_group LaunchGroup,
    Kill "KILL": kill Kill,
    Acknowledged "ACKNOWLEDGED": acknowledged Acknowledged,
    Message "MESSAGE": message Message,
    Shutdown "SHUTDOWN",
    Error "ERROR": error ErrorMessage,
    Heartbeat "HEARTBEAT",
}

bare_envelope!(Event, EventWire);

envelope! {
    /// What an executor asks of its agent.
    pub enum Action;
    /// The wire form of a call.
    pub struct CallWire { executor_id: ExecutorID, framework_id: FrameworkID }
    Subscribe "SUBSCRIBE": subscribe Subscribe,
    Update "UPDATE": update Update,
    Message "MESSAGE": message Message,
    Heartbeat "HEARTBEAT",
}

/// A call of an executor: who calls, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The executor.
    pub executor_id: ExecutorID,
    /// Its framework.
    pub framework_id: FrameworkID,
    /// What it asks.
    pub action: Action,
}

impl Call {
    /// Checks a decoded call as the agent does before it looks for the executor (section 5.3).
    ///
    /// # Errors
    /// Mesos' own sentence on what does not fit.
    pub fn from_wire(mut wire: CallWire) -> Result<Self, Invalid> {
        let action = Action::from_wire(&mut wire)?;
        let executor_id = wire.executor_id.ok_or_else(|| Invalid::missing("executor_id"))?;
        let framework_id = wire.framework_id.ok_or_else(|| Invalid::missing("framework_id"))?;
        match &action {
            Action::Unknown => return Err(Invalid::missing("type")),
            Action::Update(update) => update.validate(&executor_id)?,
            _ => {}
        }
        Ok(Self { executor_id, framework_id, action })
    }
}

impl Update {
    /// What an agent asks of a status that `executor_id` sends.
    fn validate(&self, executor_id: &ExecutorID) -> Result<(), Invalid> {
        let status = &self.status;
        if status.uuid.is_none() {
            return Err(Invalid::missing("uuid"));
        }
        if status.uuid.as_ref().and_then(Bytes::as_uuid).is_none() {
            return Err(Invalid("Not a valid UUID".to_owned()));
        }
        if status.executor_id.as_ref().is_some_and(|id| id != executor_id) {
            let id = status.executor_id.as_ref().map_or("", ExecutorID::as_str);
            return Err(Invalid(format!(
                "ExecutorID in Call: {executor_id} does not match ExecutorID in TaskStatus: {id}"
            )));
        }
        if status.source != Some(Source::Executor) {
            let source = status.source.map_or("SOURCE_MASTER", Source::name);
            return Err(Invalid(format!(
                "Received Call from executor {executor_id} with invalid source, expecting 'SOURCE_EXECUTOR', but received {source}"
            )));
        }
        if status.state == TaskState::Staging {
            return Err(Invalid(format!("Received TASK_STAGING from executor {executor_id} which is not allowed")));
        }
        Ok(())
    }
}

impl From<Call> for CallWire {
    fn from(call: Call) -> Self {
        Self { executor_id: Some(call.executor_id), framework_id: Some(call.framework_id), ..call.action.into_wire() }
    }
}

message! {
    /// The first event.
    pub struct Subscribed {
        executor_info! ExecutorInfo,
        framework_info! FrameworkInfo,
        agent_info! AgentInfo,
        container_id? ContainerID,
    }

    /// A task to start.
    pub struct Launch {
        task! TaskInfo,
    }

    /// Tasks to start, all or none.
    pub struct LaunchGroup {
        task_group! TaskGroupInfo,
    }

    /// A task to end; the policy wins over the task's own.
    pub struct Kill {
        task_id! TaskID,
        kill_policy? KillPolicy,
    }

    /// The agent has stored an update.
    pub struct Acknowledged {
        task_id! TaskID,
        uuid! Bytes,
    }

    /// Bytes from or for the scheduler, delivered at most once.
    pub struct Message {
        data! Bytes,
    }

    /// Why the stream ends for good.
    pub struct ErrorMessage {
        message! String,
    }

    /// What the agent may not know after it was away.
    pub struct Subscribe {
        unacknowledged_tasks* TaskInfo,
        unacknowledged_updates* Update,
    }

    /// A task's new status.
    pub struct Update {
        status! TaskStatus,
    }
}
