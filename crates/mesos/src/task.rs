//! A task: what a scheduler launches, and what master and agent keep of it.

use std::collections::BTreeMap;

use crate::check::{CheckInfo, HealthCheck};
use crate::discovery::DiscoveryInfo;
use crate::label::Labels;
use crate::message::message;
use crate::time::DurationInfo;
use crate::value::Scalar;
use crate::{
    AgentID, Bytes, CommandInfo, ContainerInfo, ExecutorID, ExecutorInfo, FrameworkID, Resource, TaskID, TaskState,
    TaskStatus,
};

message! {
    /// A task to launch: under `executor`, or as `command` under an executor that the agent provides.
    pub struct TaskInfo {
        name! String,
        task_id! TaskID,
        agent_id! AgentID,
        resources* Resource,
        executor? ExecutorInfo,
        command? CommandInfo,
        container? ContainerInfo,
        health_check? HealthCheck,
        check? CheckInfo,
        kill_policy? KillPolicy,
        data? Bytes,
        labels? Labels,
        discovery? DiscoveryInfo,
        max_completion_time? DurationInfo,
        limits? BTreeMap<String, Scalar>,
    }

    /// Tasks that are launched all or none.
    pub struct TaskGroupInfo {
        tasks* TaskInfo,
    }

    /// How long a task may take to end.
    pub struct KillPolicy {
        grace_period? DurationInfo,
    }

    /// A task as master and agent keep and show it.
    pub struct Task {
        name! String,
        task_id! TaskID,
        framework_id! FrameworkID,
        executor_id? ExecutorID,
        agent_id! AgentID,
        state! TaskState,
        resources* Resource,
        statuses* TaskStatus,
        status_update_state? TaskState,
        status_update_uuid? Bytes,
        labels? Labels,
        discovery? DiscoveryInfo,
        container? ContainerInfo,
        health_check? HealthCheck,
        kill_policy? KillPolicy,
        user? String,
        limits? BTreeMap<String, Scalar>,
    }
}

impl Task {
    /// The record of a task that is about to be launched by `framework_id`; its executor is the command's own where it names none.
    pub fn staging(task: &TaskInfo, framework_id: &FrameworkID) -> Self {
        Self {
            name: task.name.clone(),
            task_id: task.task_id.clone(),
            framework_id: framework_id.clone(),
            executor_id: task.executor.as_ref().map(|executor| executor.executor_id.clone()),
            agent_id: task.agent_id.clone(),
            state: TaskState::Staging,
            resources: task.resources.clone(),
            labels: task.labels.clone(),
            discovery: task.discovery.clone(),
            container: task.container.clone(),
            health_check: task.health_check.clone(),
            kill_policy: task.kill_policy.clone(),
            user: task.command.as_ref().and_then(|command| command.user.clone()),
            limits: task.limits.clone(),
            ..Self::default()
        }
    }
}
