//! `/metrics/snapshot`, GET_METRICS and, for Prometheus, `/metrics`: one list of numbers in three forms.

use std::collections::BTreeMap;

use mesos::{Resources, TaskState};
use serde_json::{Value, json};

use crate::agent::core::{Core, epoch_seconds};
use crate::agent::executor::Phase;

pub(crate) fn snapshot(core: &Core) -> Value {
    json!(numbers(core))
}

/// The body of GET_METRICS.
pub(crate) fn list(core: &Core) -> Value {
    let metrics = numbers(core).into_iter().map(|(name, value)| json!({"name": name, "value": value}));
    json!({"metrics": metrics.collect::<Vec<_>>()})
}

/// Prometheus' text form: `slave/tasks_running` is `mesos_slave_tasks_running`.
pub(crate) fn prometheus(core: &Core) -> String {
    let line = |(name, value): (String, f64)| format!("mesos_{} {value}\n", name.replace('/', "_"));
    numbers(core).into_iter().map(line).collect()
}

fn numbers(core: &Core) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    let mut set = |name: &str, value: f64| {
        numbers.insert(name.to_owned(), value);
    };
    set("slave/uptime_secs", epoch_seconds() - core.start_time);
    set("slave/registered", f64::from(u8::from(core.is_linked)));
    set("slave/frameworks_active", core.frameworks.len() as f64);
    let counters = &core.counters;
    for (name, count) in [
        ("valid_status_updates", counters.valid_status_updates),
        ("invalid_status_updates", counters.invalid_status_updates),
        ("valid_framework_messages", counters.valid_framework_messages),
        ("invalid_framework_messages", counters.invalid_framework_messages),
        ("executors_terminated", counters.executors_terminated),
        ("container_launch_errors", counters.container_launch_errors),
        ("recovery_errors", counters.recovery_errors),
    ] {
        set(&format!("slave/{name}"), count as f64);
    }
    executors(core, &mut set);
    tasks(core, &mut set);
    resources(core, &mut set);
    system(&mut set);
    numbers
}

fn executors(core: &Core, set: &mut impl FnMut(&str, f64)) {
    let count = |is: fn(Phase) -> bool| core.executors().filter(|(_, executor)| is(executor.phase)).count() as f64;
    set(
        "slave/executors_registering",
        count(|phase| matches!(phase, Phase::Registering { .. } | Phase::Reconnecting { .. })),
    );
    set("slave/executors_running", count(|phase| phase == Phase::Running));
    set("slave/executors_terminating", count(|phase| matches!(phase, Phase::Terminating { .. })));
}

/// States that tasks are in now, and states that they ended in so far.
fn tasks(core: &Core, set: &mut impl FnMut(&str, f64)) {
    let name = |state: TaskState| format!("slave/{}", state.name().to_lowercase().replacen("task_", "tasks_", 1));
    let queued: usize = core.executors().map(|(_, executor)| executor.queued.len()).sum();
    for state in [TaskState::Staging, TaskState::Starting, TaskState::Running, TaskState::Killing] {
        let tasks =
            core.executors().flat_map(|(_, executor)| &executor.tasks).filter(|task| task.state == state).count();
        set(&name(state), (tasks + if state == TaskState::Staging { queued } else { 0 }) as f64);
    }
    use TaskState::{Failed, Finished, Gone, Killed, Lost};
    for state in [Finished, Failed, Killed, Lost, Gone] {
        set(&name(state), core.counters.ended_tasks.get(&state).copied().unwrap_or(0) as f64);
    }
}

fn resources(core: &Core, set: &mut impl FnMut(&str, f64)) {
    let (total, used) = (Resources::from(&core.info.resources), core.allocated());
    for name in ["cpus", "mem", "disk", "gpus"] {
        let (total, used) = (total.scalar(name), used.scalar(name));
        set(&format!("slave/{name}_total"), total);
        set(&format!("slave/{name}_used"), used);
        set(&format!("slave/{name}_percent"), if total > 0.0 { used / total } else { 0.0 });
    }
}

fn system(set: &mut impl FnMut(&str, f64)) {
    set("system/cpus_total", std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    for (name, value) in ["system/load_1min", "system/load_5min", "system/load_15min"].into_iter().zip(load.split(' '))
    {
        set(name, value.parse().unwrap_or(0.0));
    }
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    for (name, key) in [("system/mem_total_bytes", "MemTotal:"), ("system/mem_free_bytes", "MemFree:")] {
        let line = memory.lines().find_map(|line| line.strip_prefix(key));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        set(name, kilobytes.unwrap_or(0.0) * 1024.0);
    }
}
