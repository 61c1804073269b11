//! `/state` of the agent (reference, section 6.7): what web UIs, mesos-dns and people read.

use std::collections::BTreeMap;

use mesos::value::ValueType;
use mesos::{Attribute, Resources, Task, TaskInfo, TaskStatus};
use serde_json::{Map, Value, json};

use super::flag_map;
use super::v1::is_back;
use crate::agent::core::{Core, Framework};
use crate::agent::executor::{Executor, Phase};

pub(crate) fn state(core: &Core) -> Value {
    let mut state = super::version();
    let total = Resources::from(&core.info.resources);
    let (unreserved, allocated) = (total.unreserved(), core.allocated().unallocated());
    let by_role = |resources: &Resources, form: fn(&Resources) -> Value| -> Map<String, Value> {
        roles(resources).into_iter().map(|role| (role.clone(), form(&resources.reserved_for(&role)))).collect()
    };
    let full = |resources: &Resources| json!(resources.to_endpoint());
    let past = core.completed.iter().filter(|past| !is_back(core, past));
    let more = json!({
        "start_time": core.start_time,
        "id": core.id(),
        "pid": format!("slave(1)@{}", core.settings.endpoint()),
        "hostname": core.info.hostname,
        "capabilities": core.registration().capabilities.iter().filter_map(|one| one.r#type).collect::<Vec<_>>(),
        "resources": summary(&total),
        "reserved_resources": by_role(&total, summary),
        "unreserved_resources": summary(&unreserved),
        "reserved_resources_full": by_role(&total, full),
        "unreserved_resources_full": full(&unreserved),
        "reserved_resources_allocated": by_role(&allocated, summary),
        "unreserved_resources_allocated": summary(&allocated.unreserved()),
        "resource_providers": [],
        "attributes": core.info.attributes.iter().map(attribute).collect::<Map<_, _>>(),
        "master_hostname": core.settings.flags.master.rsplit_once(':').map_or(core.settings.flags.master.as_str(), |(host, _)| host),
        "flags": flag_map(core),
        "frameworks": core.frameworks.values().map(|one| framework(core, one)).collect::<Vec<_>>(),
        "completed_frameworks": past.map(|one| framework(core, one)).collect::<Vec<_>>(),
    });
    if let (Some(state), Value::Object(more)) = (state.as_object_mut(), more) {
        state.extend(more);
    }
    state
}

/// Roles that something is reserved for.
fn roles(resources: &Resources) -> Vec<String> {
    let roles = resources.iter().filter_map(mesos::resources::reservation_role).map(str::to_owned);
    let mut roles: Vec<_> = roles.collect();
    roles.sort();
    roles.dedup();
    roles
}

/// Amounts by name: the four that are always there, others as they are; ranges and sets as text.
pub(super) fn summary(resources: &Resources) -> Value {
    let mut summary: BTreeMap<String, Value> =
        ["cpus", "disk", "gpus", "mem"].map(|name| (name.to_owned(), json!(resources.scalar(name)))).into();
    summary.extend(resources.scalars().into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    for resource in resources.iter() {
        if resource.r#type == ValueType::Ranges {
            let ranges = resources.ranges(&resource.name).into_iter().map(|(begin, end)| format!("{begin}-{end}"));
            summary.insert(resource.name.clone(), json!(format!("[{}]", ranges.collect::<Vec<_>>().join(", "))));
        }
        if let Some(set) = &resource.set {
            summary.insert(resource.name.clone(), json!(format!("{{{}}}", set.item.join(", "))));
        }
    }
    json!(summary)
}

fn attribute(attribute: &Attribute) -> (String, Value) {
    let value = match (&attribute.scalar, &attribute.ranges, &attribute.text) {
        (Some(scalar), _, _) => json!(scalar.value),
        (_, Some(ranges), _) => {
            let ranges = ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end));
            json!(format!("[{}]", ranges.collect::<Vec<_>>().join(", ")))
        }
        (_, _, text) => json!(text.as_ref().map(|text| text.value.as_str()).unwrap_or_default()),
    };
    (attribute.name.clone(), value)
}

fn framework(core: &Core, framework: &Framework) -> Value {
    let info = &framework.info;
    let (ended, running): (Vec<_>, Vec<_>) =
        framework.executors.values().partition(|executor| executor.phase == Phase::Terminated);
    let history = core.completed.iter().filter(|past| past.info.id == info.id && !std::ptr::eq(*past, framework));
    let history = history.flat_map(|past| &past.completed);
    let mut shown = json!({
        "id": info.id.as_ref().map(mesos::FrameworkID::as_str),
        "name": info.name,
        "user": info.user,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "hostname": info.hostname.as_deref().unwrap_or_default(),
        "executors": running.into_iter().map(|one| executor(core, one)).collect::<Vec<_>>(),
        "completed_executors":
            ended.into_iter().chain(history).chain(&framework.completed).map(|one| executor(core, one)).collect::<Vec<_>>(),
    });
    if let Some(principal) = &info.principal {
        shown["principal"] = json!(principal);
    }
    if info.is_capable(mesos::framework::FrameworkCapabilityType::MultiRole) {
        shown["roles"] = json!(info.roles);
    } else {
        shown["role"] = json!(info.role.as_deref().unwrap_or("*"));
    }
    shown
}

fn executor(core: &Core, executor: &Executor) -> Value {
    let info = &executor.info;
    let mut shown = json!({
        "id": info.executor_id.as_str(),
        "name": info.name.as_deref().unwrap_or_default(),
        "source": info.source.as_deref().unwrap_or_default(),
        "container": executor.run.container,
        "directory": core.settings.paths.sandbox(&executor.run),
        "resources": summary(&executor.allocated()),
        "role": role(&info.resources),
        "tasks": executor.tasks.iter().map(task).collect::<Vec<_>>(),
        "queued_tasks": executor.queued.iter().map(|one| queued(executor, one)).collect::<Vec<_>>(),
        "completed_tasks": executor.completed.iter().map(task).collect::<Vec<_>>(),
    });
    if let Some(labels) = &info.labels {
        shown["labels"] = json!(labels.labels);
    }
    if let Some(kind) = info.r#type {
        shown["type"] = json!(kind);
    }
    shown
}

/// The role that resources are allocated to.
fn role(resources: &[mesos::Resource]) -> &str {
    let allocated = resources.iter().find_map(|resource| resource.allocation_info.as_ref()?.role.as_deref());
    allocated.unwrap_or("*")
}

fn queued(executor: &Executor, info: &TaskInfo) -> Value {
    task(&Task::staging(info, &executor.info.framework_id.clone().unwrap_or_default()))
}

fn task(task: &Task) -> Value {
    let mut shown = json!({
        "id": task.task_id.as_str(),
        "name": task.name,
        "framework_id": task.framework_id.as_str(),
        "executor_id": task.executor_id.as_ref().map(mesos::ExecutorID::as_str).unwrap_or_default(),
        "slave_id": task.agent_id.as_str(),
        "state": task.state,
        "resources": summary(&Resources::from(&task.resources)),
        "role": role(&task.resources),
        "statuses": task.statuses.iter().map(status).collect::<Vec<_>>(),
    });
    for (name, value) in [
        ("user", task.user.as_ref().map(|user| json!(user))),
        ("labels", task.labels.as_ref().map(|labels| json!(labels.labels))),
        ("discovery", task.discovery.as_ref().map(|discovery| json!(discovery))),
        ("container", task.container.as_ref().map(|container| json!(container))),
        ("health_check", task.health_check.as_ref().map(|check| json!(check))),
    ] {
        if let Some(value) = value {
            shown[name] = value;
        }
    }
    shown
}

fn status(status: &TaskStatus) -> Value {
    let mut shown = json!({"state": status.state, "timestamp": status.timestamp});
    if let Some(labels) = &status.labels {
        shown["labels"] = json!(labels.labels);
    }
    if let Some(container) = &status.container_status {
        // The process' number is the agent's own affair here, as it is with Mesos.
        shown["container_status"] = json!({
            "container_id": container.container_id, "network_infos": container.network_infos,
        });
    }
    if let Some(healthy) = status.healthy {
        shown["healthy"] = json!(healthy);
    }
    shown
}
