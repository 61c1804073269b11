//! The private link between our master and our agents. No scheduler, executor or Apache Mesos ever sees it.
//!
//! An agent POSTs its [`Registration`] to [`PATH`] as JSON. The answer is a stream of [`ToAgent`] in RecordIO that lasts as
//! long as the link, under the header [`LINK_ID`]; [`ToAgent::Registered`] comes first. What the agent has to say goes, one
//! message a request, strictly in order, to [`MESSAGES_PATH`] under the same header: 202 when the master took it, 404 when
//! that link is over and the agent has to register again. The end of the stream is the end of the link for both. The
//! master pings on it; an agent that hears nothing for [`ToAgent::Registered`]'s time gives the link up.
//!
//! The messages are those between a master and agent of Mesos (reference appendix B) as far as we need them.

use mesos::{
    AgentCapability, AgentID, AgentInfo, Bytes, ExecutorID, ExecutorInfo, FrameworkID, FrameworkInfo, KillPolicy, Task,
    TaskID, TaskInfo, TaskState, TaskStatus,
};
use serde::{Deserialize, Serialize};

/// Where an agent opens its link.
pub const PATH: &str = "/k8sm/agent";
/// Where an agent sends its messages.
pub const MESSAGES_PATH: &str = "/k8sm/agent/messages";
/// The header that names a link: the master gives it, the agent repeats it.
pub const LINK_ID: &str = "k8sm-link-id";

/// What an agent says when it opens a link, for the first time or again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// The agent; its `id` is set if a master gave it one before, and then the master keeps it, known or not.
    pub agent: AgentInfo,
    /// The address that the agent's own API listens on, as a number.
    pub ip: String,
    /// The agent's version.
    pub version: String,
    /// What it understands.
    #[serde(default)]
    pub capabilities: Vec<AgentCapability>,
    /// The frameworks that it runs something for.
    #[serde(default)]
    pub frameworks: Vec<FrameworkInfo>,
    /// The executors that run, each with its `framework_id`; none for command tasks, whose `Task` has no `executor_id`.
    #[serde(default)]
    pub executors: Vec<ExecutorInfo>,
    /// The tasks that are not over, or are over with updates not yet acknowledged. `state` is the latest state;
    /// `status_update_state` and `status_update_uuid` are of the update that waits to be acknowledged, if any.
    #[serde(default)]
    pub tasks: Vec<Task>,
}

/// What the master tells an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ToAgent {
    /// The link stands. First on every link.
    Registered {
        /// The agent's ID, from now on and for ever.
        agent_id: AgentID,
        /// Nothing heard for so many seconds means that the master is gone.
        timeout_seconds: f64,
    },
    /// Answer with [`FromAgent::Pong`].
    Ping,
    /// Launch a task.
    RunTask(Box<RunTask>),
    /// End a task. One that the agent does not know is answered with TASK_DROPPED (TASK_LOST).
    KillTask {
        /// Whose task.
        framework_id: FrameworkID,
        /// The task.
        task_id: TaskID,
        /// Wins over the task's own.
        kill_policy: Option<KillPolicy>,
    },
    /// End an executor and its tasks.
    ShutdownExecutor {
        /// Whose executor.
        framework_id: FrameworkID,
        /// The executor.
        executor_id: ExecutorID,
    },
    /// End all executors of a framework that is over, and forget it.
    ShutdownFramework {
        /// The framework.
        framework_id: FrameworkID,
    },
    /// A framework subscribed anew: keep its new description, and send again at once what waits to be acknowledged.
    UpdateFramework {
        /// The framework; its `id` is set.
        framework: Box<FrameworkInfo>,
    },
    /// Bytes for an executor.
    Message {
        /// Whose executor.
        framework_id: FrameworkID,
        /// The executor.
        executor_id: ExecutorID,
        /// The bytes.
        data: Bytes,
    },
    /// The scheduler has dealt with an update.
    Acknowledge {
        /// Whose task.
        framework_id: FrameworkID,
        /// The task.
        task_id: TaskID,
        /// The update's.
        uuid: Bytes,
    },
    /// Tasks that the master believes to be here and that the registration did not name. Those that the agent does not
    /// know are answered with an update TASK_DROPPED (TASK_LOST), REASON_RECONCILIATION.
    Reconcile {
        /// Whose tasks.
        framework_id: FrameworkID,
        /// The tasks.
        tasks: Vec<TaskID>,
    },
    /// The agent may not stay: it ends its executors and itself.
    Shutdown {
        /// Why.
        message: String,
    },
}

/// A task to launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunTask {
    /// Whose task; its `id` is set.
    pub framework: FrameworkInfo,
    /// The task. Its `executor` has its `framework_id`; resources carry `allocation_info` and are in the format after
    /// reservation refinement, and are handed to executors of frameworks without that capability in the older one.
    pub task: TaskInfo,
    /// Whether the master put the task's executor on its books for this task, so that the agent has to start it. Where an older
    /// run of that executor is not yet cleared up, the task is refused, and the executor that never was has to be reported as
    /// gone: nobody else would take it off the books.
    pub launch_executor: bool,
}

/// What an agent tells the master.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FromAgent {
    /// The answer to [`ToAgent::Ping`].
    Pong,
    /// A task's status, sent again until acknowledged if its `uuid` is set; one a task at a time.
    Update {
        /// Whose task.
        framework_id: FrameworkID,
        /// The status, with `agent_id`, `timestamp` and, where there is one, `executor_id`.
        status: Box<TaskStatus>,
        /// The state that the agent knows meanwhile, which may be later than the status'.
        latest_state: TaskState,
    },
    /// Bytes from an executor.
    Message {
        /// Its framework.
        framework_id: FrameworkID,
        /// The executor.
        executor_id: ExecutorID,
        /// The bytes.
        data: Bytes,
    },
    /// An executor ended. Its tasks' last updates are sent apart.
    ExecutorExited {
        /// Its framework.
        framework_id: FrameworkID,
        /// The executor.
        executor_id: ExecutorID,
        /// The wait status, −1 where it is not known.
        status: i32,
    },
    /// The agent ends for good, its executors with it.
    Unregister,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_written() {
        let registered = ToAgent::Registered { agent_id: "a-S0".into(), timeout_seconds: 75.0 };
        let run = ToAgent::RunTask(Box::new(RunTask {
            framework: FrameworkInfo::default(),
            task: TaskInfo::default(),
            launch_executor: true,
        }));
        for message in [registered, ToAgent::Ping, run] {
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ToAgent>(&text).unwrap(), message, "{text}");
        }
        let exited = FromAgent::ExecutorExited { framework_id: "f".into(), executor_id: "e".into(), status: -1 };
        for message in [FromAgent::Pong, exited, FromAgent::Unregister] {
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<FromAgent>(&text).unwrap(), message, "{text}");
        }
    }
}
