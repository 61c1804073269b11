//! Whether a task may be launched (reference section 4.3). Refusals are in Mesos' words; schedulers show them.

use std::collections::BTreeSet;

use mesos::check::{CheckType, HealthCheck};
use mesos::command::VariableType;
use mesos::executor::ExecutorType;
use mesos::value::ValueType;
use mesos::{CommandInfo, ExecutorInfo, Resource, Resources, TaskInfo};

use super::Agent;
use super::framework::Framework;

/// Why `task` cannot be launched out of `pool`, which was offered to `role`. The task is normalized.
pub(super) fn launch(
    framework: &Framework,
    agent: &Agent,
    role: &str,
    pool: &Resources,
    task: &TaskInfo,
) -> Result<(), String> {
    mesos::id::validate(task.task_id.as_str())
        .map_err(|reason| format!("TaskID '{}' is invalid: {reason}", task.task_id))?;
    if framework.tasks.contains_key(&task.task_id) {
        return Err(format!("Task has duplicate ID: {}", task.task_id));
    }
    if framework.unreachable_tasks.contains_key(&task.task_id) {
        return Err(format!("Task reuses the ID of an unreachable task: {}", task.task_id));
    }
    if task.agent_id != *agent.id() {
        return Err(format!("Task uses invalid agent {} while agent {} is expected", task.agent_id, agent.id()));
    }
    times(task)?;
    if let Some(check) = &task.health_check {
        health_check(check).map_err(|reason| format!("Task uses invalid health check: {reason}"))?;
    }
    if task.resources.is_empty() {
        return Err("Task uses no resources".to_owned());
    }
    resources("Task uses invalid resources: ", role, &task.resources)?;
    match (&task.executor, &task.command) {
        (Some(info), None) => executor(framework, agent, role, task, info)?,
        (None, Some(info)) => command(info).map_err(|reason| format!("Task's `CommandInfo` is invalid: {reason}"))?,
        _ => {
            let message = "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present";
            return Err(message.to_owned());
        }
    }
    size(framework, agent, pool, task)
}

fn times(task: &TaskInfo) -> Result<(), String> {
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    if grace.is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("Task's 'kill_policy.grace_period' must be non-negative".to_owned());
    }
    if task.max_completion_time.as_ref().is_some_and(|time| time.nanoseconds < 0) {
        return Err("Task's `max_completion_time` must be non-negative".to_owned());
    }
    if task.limits.as_ref().is_some_and(|limits| !limits.is_empty()) {
        return Err("Agent is not capable of handling task resource limits".to_owned());
    }
    Ok(())
}

/// A health check has to say how it is made, and in a way that the agent's own executor knows.
fn health_check(check: &HealthCheck) -> Result<(), String> {
    let text = |reason: &str| Err(reason.to_owned());
    match (check.r#type, &check.command, &check.http) {
        (None | Some(CheckType::Unknown), ..) => text("HealthCheck must specify 'type'"),
        (Some(CheckType::Command), None, _) => text("Expecting 'command' to be set for COMMAND health check"),
        (Some(CheckType::Command), Some(info), _) => {
            command(info).map_err(|reason| format!("Health check's `CommandInfo` is invalid: {reason}"))
        }
        (Some(CheckType::Http), _, None) => text("Expecting 'http' to be set for HTTP health check"),
        (Some(CheckType::Http), _, Some(http)) if http.scheme.as_deref().is_some_and(|scheme| scheme != "http") => {
            Err(format!("scheme '{}' is not supported by this master", http.scheme.as_deref().unwrap_or_default()))
        }
        (Some(CheckType::Http), _, Some(http)) if http.path.as_deref().is_some_and(|path| !path.starts_with('/')) => {
            Err(format!(
                "The path '{}' of HTTP health check must start with '/'",
                http.path.as_deref().unwrap_or_default()
            ))
        }
        (Some(CheckType::Tcp), ..) if check.tcp.is_none() => text("Expecting 'tcp' to be set for TCP health check"),
        _ => Ok(()),
    }
}

/// Checks each resource for itself, and that all are allocated to `role`.
fn resources(prefix: &str, role: &str, parts: &[Resource]) -> Result<(), String> {
    for part in parts {
        resource(part).map_err(|reason| format!("{prefix}{reason}"))?;
        let allocated = part.allocation_info.as_ref().and_then(|info| info.role.as_deref());
        if allocated != Some(role) {
            let other = allocated.unwrap_or_default();
            return Err(format!(
                "Invalid task resources: The resources are allocated to role '{other}' while role '{role}' is expected"
            ));
        }
    }
    Ok(())
}

fn resource(part: &Resource) -> Result<(), String> {
    if part.name.is_empty() {
        return Err("Empty resource name".to_owned());
    }
    match part.r#type {
        ValueType::Scalar => {
            let Some(scalar) = part.scalar.filter(|_| part.ranges.is_none() && part.set.is_none()) else {
                return Err(format!("Resource '{}' is invalid: Invalid scalar resource", part.name));
            };
            if !scalar.value.is_finite() {
                return Err("Invalid scalar resource: value not finite".to_owned());
            }
            if scalar.value <= 0.0 {
                return Err("Invalid scalar resource: value <= 0".to_owned());
            }
        }
        ValueType::Ranges => {
            let Some(ranges) = part.ranges.as_ref().filter(|_| part.scalar.is_none() && part.set.is_none()) else {
                return Err("Invalid ranges resource".to_owned());
            };
            let mut sorted = ranges.range.clone();
            sorted.sort_unstable();
            if sorted.iter().any(|range| range.begin > range.end) {
                return Err("Invalid ranges resource: begin > end".to_owned());
            }
            if sorted.windows(2).any(|pair| pair[1].begin <= pair[0].end) {
                return Err("Invalid ranges resource: overlapping ranges".to_owned());
            }
        }
        ValueType::Set => {
            let Some(set) = part.set.as_ref().filter(|_| part.scalar.is_none() && part.ranges.is_none()) else {
                return Err("Invalid set resource".to_owned());
            };
            if set.item.iter().collect::<BTreeSet<_>>().len() < set.item.len() {
                return Err("Invalid set resource: duplicated elements".to_owned());
            }
        }
        ValueType::Text => return Err("Unsupported resource type".to_owned()),
    }
    Ok(())
}

fn executor(
    framework: &Framework,
    agent: &Agent,
    role: &str,
    task: &TaskInfo,
    info: &ExecutorInfo,
) -> Result<(), String> {
    if !matches!(info.r#type, None | Some(ExecutorType::Custom)) {
        return Err("'ExecutorInfo.type' must be 'CUSTOM'".to_owned());
    }
    let Some(command_info) = &info.command else {
        return Err("'ExecutorInfo.command' must be set for 'CUSTOM' executor".to_owned());
    };
    command(command_info).map_err(|reason| format!("Executor's `CommandInfo` is invalid: {reason}"))?;
    mesos::id::validate(info.executor_id.as_str())
        .map_err(|reason| format!("ExecutorID '{}' is invalid: {reason}", info.executor_id))?;
    if info.framework_id.as_ref() != Some(framework.id()) {
        let actual = info.framework_id.as_ref().map_or("", |id| id.as_str());
        return Err(format!(
            "ExecutorInfo has an invalid FrameworkID (Actual: {actual} vs Expected: {})",
            framework.id()
        ));
    }
    if info.shutdown_grace_period.as_ref().is_some_and(|period| period.nanoseconds < 0) {
        return Err("ExecutorInfo's 'shutdown_grace_period' must be non-negative".to_owned());
    }
    let running = agent.executors.get(&(framework.id().clone(), info.executor_id.clone()));
    // one that runs was paid for out of an earlier offer, which may have been to another of the framework's roles
    let paid = running.and_then(|running| running.resources.first()?.allocation_info.as_ref()?.role.as_deref());
    resources("Executor uses invalid resources: ", paid.unwrap_or(role), &info.resources)?;
    overlap(&task.resources, &info.resources)?;
    if let Some(running) = running.filter(|running| !is_same(running, info)) {
        return Err(format!(
            "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n\
             ------------------------------------------------------------\n\
             Existing ExecutorInfo:\n{}\n\
             ------------------------------------------------------------\n\
             ExecutorInfo:\n{}\n\
             ------------------------------------------------------------\n",
            shown(running),
            shown(info)
        ));
    }
    Ok(())
}

/// Whether two descriptions mean the same executor: in all but the order of their resources.
fn is_same(a: &ExecutorInfo, b: &ExecutorInfo) -> bool {
    let resources = |info: &ExecutorInfo| Resources::from(&info.resources);
    let (own, other) = (resources(a), resources(b));
    let bare = |info: &ExecutorInfo| ExecutorInfo { resources: Vec::new(), ..info.clone() };
    own.contains(&other) && other.contains(&own) && bare(a) == bare(b)
}

fn shown(info: &ExecutorInfo) -> String {
    String::from_utf8_lossy(&mesos::json::to_vec(info)).into_owned()
}

/// A range or item cannot be used by a task and its executor both.
fn overlap(task: &[Resource], executor: &[Resource]) -> Result<(), String> {
    let (task, executor) = (Resources::from(&task.to_vec()), Resources::from(&executor.to_vec()));
    let countable = |part: &Resource| part.r#type != ValueType::Scalar;
    let (own, other) = (task.filter(countable), executor.filter(countable));
    let mut rest = own.clone();
    rest.subtract(&other);
    if rest == own {
        return Ok(());
    }
    Err(format!("There are overlapping resources in the task resources {task} and executor resources {executor}"))
}

fn command(info: &CommandInfo) -> Result<(), String> {
    if info.shell && info.value.as_deref().unwrap_or_default().is_empty() {
        return Err("Shell command requires a value".to_owned());
    }
    for variable in info.environment.iter().flat_map(|environment| &environment.variables) {
        let (name, has_value, has_secret) = (&variable.name, variable.value.is_some(), variable.secret.is_some());
        let reason = match variable.r#type {
            VariableType::Value if !has_value => {
                format!("Environment variable '{name}' of type 'VALUE' must have a value set")
            }
            VariableType::Value if has_secret => {
                format!("Environment variable '{name}' of type 'VALUE' cannot have a secret set")
            }
            VariableType::Secret => format!("Environment variable '{name}' of type 'SECRET' is not supported"),
            VariableType::Unknown => "Environment variable of type 'UNKNOWN' is not allowed".to_owned(),
            VariableType::Value => continue,
        };
        return Err(reason);
    }
    Ok(())
}

/// What the task needs, with its executor if that is not running yet, has to be in the pool.
fn size(framework: &Framework, agent: &Agent, pool: &Resources, task: &TaskInfo) -> Result<(), String> {
    let mut total = Resources::from(&task.resources);
    if let Some(executor) = &task.executor
        && !agent.executors.contains_key(&(framework.id().clone(), executor.executor_id.clone()))
    {
        total.add(&Resources::from(&executor.resources));
    }
    if pool.contains(&total) {
        return Ok(());
    }
    Err(format!("Total resources {total} required by task and its executor is more than available {pool}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_check_says_how_it_is_made() {
        let check = |text: &str| health_check(&mesos::json::from_slice(text.as_bytes()).unwrap());
        for good in [
            r#"{"type":"COMMAND","command":{"value":"true"}}"#,
            r#"{"type":"HTTP","http":{"port":80,"scheme":"http","path":"/up"}}"#,
            r#"{"type":"TCP","tcp":{"port":80}}"#,
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            (r#"{"tcp":{"port":80}}"#, "'type'"),
            (r#"{"type":"COMMAND"}"#, "'command'"),
            (r#"{"type":"COMMAND","command":{}}"#, "requires a value"),
            (r#"{"type":"HTTP"}"#, "'http'"),
            (r#"{"type":"HTTP","http":{"port":80,"path":"up"}}"#, "start with '/'"),
            (r#"{"type":"HTTP","http":{"port":443,"scheme":"https"}}"#, "https"),
            (r#"{"type":"TCP"}"#, "'tcp'"),
        ] {
            assert!(check(bad).unwrap_err().contains(why), "{bad}");
        }
    }
}
