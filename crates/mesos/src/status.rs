//! The state of a task, and why.

use crate::check::CheckStatusInfo;
use crate::label::Labels;
use crate::message::{enumeration, message};
use crate::time::TimeInfo;
use crate::{AgentID, Bytes, ContainerStatus, ExecutorID, Resource, TaskID};

message! {
    /// What an executor, agent or master says of a task. `timestamp` in seconds since the epoch. An update with a `uuid`
    /// has to be acknowledged with it, one without must not be.
    pub struct TaskStatus {
        task_id! TaskID,
        state! TaskState,
        message? String,
        source? Source,
        reason? Reason,
        data? Bytes,
        agent_id? AgentID,
        executor_id? ExecutorID,
        timestamp? f64,
        uuid? Bytes,
        healthy? bool,
        check_status? CheckStatusInfo,
        labels? Labels,
        container_status? ContainerStatus,
        unreachable_time? TimeInfo,
        limitation? TaskResourceLimitation,
    }

    /// The resources whose limit a task broke.
    pub struct TaskResourceLimitation {
        resources* Resource,
    }
}

enumeration! {
    /// States of a task (section 4.5).
    pub enum TaskState {
        Staging = "TASK_STAGING", Starting = "TASK_STARTING", Running = "TASK_RUNNING", Killing = "TASK_KILLING",
        Finished = "TASK_FINISHED", Failed = "TASK_FAILED", Killed = "TASK_KILLED", Error = "TASK_ERROR",
        Lost = "TASK_LOST", Dropped = "TASK_DROPPED", Unreachable = "TASK_UNREACHABLE", Gone = "TASK_GONE",
        GoneByOperator = "TASK_GONE_BY_OPERATOR", Unknown = "TASK_UNKNOWN",
    }

    /// Who made a status.
    pub enum Source {
        Master = "SOURCE_MASTER", Agent = "SOURCE_AGENT", Executor = "SOURCE_EXECUTOR"; _ => Unknown
    }

    /// Why a task is in its state, where the system knows.
    pub enum Reason {
        CommandExecutorFailed = "REASON_COMMAND_EXECUTOR_FAILED",
        ContainerLaunchFailed = "REASON_CONTAINER_LAUNCH_FAILED",
        ContainerLimitation = "REASON_CONTAINER_LIMITATION",
        ContainerLimitationDisk = "REASON_CONTAINER_LIMITATION_DISK",
        ContainerLimitationMemory = "REASON_CONTAINER_LIMITATION_MEMORY",
        ContainerPreempted = "REASON_CONTAINER_PREEMPTED",
        ContainerUpdateFailed = "REASON_CONTAINER_UPDATE_FAILED",
        MaxCompletionTimeReached = "REASON_MAX_COMPLETION_TIME_REACHED",
        ExecutorRegistrationTimeout = "REASON_EXECUTOR_REGISTRATION_TIMEOUT",
        ExecutorReregistrationTimeout = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT",
        ExecutorTerminated = "REASON_EXECUTOR_TERMINATED",
        ExecutorUnregistered = "REASON_EXECUTOR_UNREGISTERED",
        FrameworkRemoved = "REASON_FRAMEWORK_REMOVED",
        GcError = "REASON_GC_ERROR",
        InvalidFrameworkID = "REASON_INVALID_FRAMEWORKID",
        InvalidOffers = "REASON_INVALID_OFFERS",
        IoSwitchboardExited = "REASON_IO_SWITCHBOARD_EXITED",
        MasterDisconnected = "REASON_MASTER_DISCONNECTED",
        Reconciliation = "REASON_RECONCILIATION",
        ResourcesUnknown = "REASON_RESOURCES_UNKNOWN",
        AgentDisconnected = "REASON_AGENT_DISCONNECTED",
        AgentDraining = "REASON_AGENT_DRAINING",
        AgentRemoved = "REASON_AGENT_REMOVED",
        AgentRemovedByOperator = "REASON_AGENT_REMOVED_BY_OPERATOR",
        AgentReregistered = "REASON_AGENT_REREGISTERED",
        AgentRestarted = "REASON_AGENT_RESTARTED",
        AgentUnknown = "REASON_AGENT_UNKNOWN",
        TaskKilledDuringLaunch = "REASON_TASK_KILLED_DURING_LAUNCH",
        TaskCheckStatusUpdated = "REASON_TASK_CHECK_STATUS_UPDATED",
        TaskHealthCheckStatusUpdated = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
        TaskGroupInvalid = "REASON_TASK_GROUP_INVALID",
        TaskGroupUnauthorized = "REASON_TASK_GROUP_UNAUTHORIZED",
        TaskInvalid = "REASON_TASK_INVALID",
        TaskUnauthorized = "REASON_TASK_UNAUTHORIZED",
        TaskUnknown = "REASON_TASK_UNKNOWN";
        _ => Unknown
    }
}

impl TaskState {
    /// Whether a task in this state is over. TASK_LOST counts, though it may come back where it stood for unreachable;
    /// TASK_UNREACHABLE and TASK_UNKNOWN do not.
    pub fn is_terminal(self) -> bool {
        use TaskState::{Dropped, Error, Failed, Finished, Gone, GoneByOperator, Killed, Lost};
        matches!(self, Finished | Failed | Killed | Error | Lost | Dropped | Gone | GoneByOperator)
    }
}
