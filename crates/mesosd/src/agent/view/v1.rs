//! Bodies of the operator's calls GET_STATE and its parts (reference, section 6.5). Lists are there even when empty.

use mesos::{Task, TaskState};
use serde_json::{Value, json};

use super::containers;
use crate::agent::core::{Core, Framework};
use crate::agent::executor::{Executor, Phase};

pub(crate) fn state(core: &Core) -> Value {
    json!({"get_tasks": tasks(core), "get_executors": executors(core), "get_frameworks": frameworks(core)})
}

pub(crate) fn agent(core: &Core) -> Value {
    json!({"agent_info": core.info})
}

pub(crate) fn frameworks(core: &Core) -> Value {
    let shown = |framework: &Framework| json!({"framework_info": framework.info});
    let past = core.completed.iter().filter(|past| !is_back(core, past));
    json!({
        "frameworks": core.frameworks.values().map(shown).collect::<Vec<_>>(),
        "completed_frameworks": past.map(shown).collect::<Vec<_>>(),
    })
}

pub(crate) fn executors(core: &Core) -> Value {
    let shown = |executor: &Executor| json!({"executor_info": executor.info});
    let (running, ended): (Vec<_>, Vec<_>) =
        core.executors().map(|(_, executor)| executor).partition(|executor| executor.phase != Phase::Terminated);
    json!({
        "executors": running.into_iter().map(shown).collect::<Vec<_>>(),
        "completed_executors": ended.into_iter().chain(past(core)).map(shown).collect::<Vec<_>>(),
    })
}

pub(crate) fn tasks(core: &Core) -> Value {
    let current = || core.executors().map(|(_, executor)| executor);
    let queued = current().flat_map(|executor| {
        let framework_id = executor.info.framework_id.clone().unwrap_or_default();
        executor.queued.iter().map(move |task| Task::staging(task, &framework_id))
    });
    let (ended, running): (Vec<_>, Vec<_>) =
        current().flat_map(|executor| &executor.tasks).partition(|task| TaskState::is_terminal(task.state));
    let completed = current().chain(past(core)).flat_map(|executor| &executor.completed);
    json!({
        "pending_tasks": [],
        "queued_tasks": queued.collect::<Vec<_>>(),
        "launched_tasks": running,
        "terminated_tasks": ended,
        "completed_tasks": completed.collect::<Vec<_>>(),
    })
}

pub(crate) fn containers(core: &Core) -> Value {
    let shown = containers::running(core).map(|(framework, executor)| {
        json!({
            "framework_id": framework.info.id,
            "executor_id": executor.info.executor_id,
            "executor_name": executor.info.name.as_deref().unwrap_or_default(),
            "container_id": executor.container_id(),
            "container_status": containers::status(executor),
            "resource_statistics": containers::usage(executor),
        })
    });
    json!({"containers": shown.collect::<Vec<_>>()})
}

/// Executors that are over and done with, of frameworks that are here or were.
fn past(core: &Core) -> impl Iterator<Item = &Executor> {
    core.frameworks.values().chain(&core.completed).flat_map(|framework| &framework.completed)
}

/// Does a framework that was over run something again?
pub(super) fn is_back(core: &Core, past: &Framework) -> bool {
    past.info.id.as_ref().is_some_and(|id| core.frameworks.contains_key(id))
}
