//! The metrics of a master (reference section 6.9), as Mesos names them, and the same for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;

use mesos::{Resources, TaskState};

use crate::master::core::{Connection, Core, Now};

/// States of tasks, by the name of their metric.
const TASKS: [(TaskState, &str); 13] = [
    (TaskState::Staging, "staging"),
    (TaskState::Starting, "starting"),
    (TaskState::Running, "running"),
    (TaskState::Killing, "killing"),
    (TaskState::Unreachable, "unreachable"),
    (TaskState::Finished, "finished"),
    (TaskState::Failed, "failed"),
    (TaskState::Killed, "killed"),
    (TaskState::Error, "error"),
    (TaskState::Lost, "lost"),
    (TaskState::Dropped, "dropped"),
    (TaskState::Gone, "gone"),
    (TaskState::GoneByOperator, "gone_by_operator"),
];

pub(super) fn snapshot(core: &Core, now: Now) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    let mut put = |name: &str, value: f64| metrics.insert(format!("master/{name}"), value);
    put("elected", 1.0);
    put("uptime_secs", now.saturating_sub(core.started).as_secs_f64());
    put("outstanding_offers", core.offers.len() as f64);
    let up = core.agents.values().filter(|agent| agent.link().is_some()).count();
    put("slaves_connected", up as f64);
    put("slaves_active", up as f64);
    put("slaves_disconnected", (core.agents.len() - up) as f64);
    put("slaves_inactive", (core.agents.len() - up) as f64);
    put("slaves_unreachable", core.unreachable.len() as f64);
    let connected = core.frameworks.values().filter(|framework| framework.stream().is_some()).count();
    let away =
        |framework: &&crate::master::core::Framework| matches!(framework.connection, Connection::Disconnected { .. });
    put("frameworks_connected", connected as f64);
    put("frameworks_active", connected as f64);
    put("frameworks_disconnected", core.frameworks.values().filter(away).count() as f64);
    put("frameworks_inactive", (core.frameworks.len() - connected) as f64);
    let (mut total, mut used) = (Resources::new(), Resources::new());
    for agent in core.agents.values() {
        total.add(&agent.total);
        used.add(&agent.used);
    }
    for name in ["cpus", "mem", "disk", "gpus"] {
        let (total, used) = (total.scalar(name), used.scalar(name));
        put(&format!("{name}_total"), total);
        put(&format!("{name}_used"), used);
        put(&format!("{name}_percent"), if total > 0.0 { used / total } else { 0.0 });
    }
    let counters = &core.counters;
    put("slave_registrations", counters.agent_registrations as f64);
    put("slave_reregistrations", counters.agent_reregistrations as f64);
    put("slave_removals", counters.agent_removals as f64);
    put("slave_unreachable_completed", counters.agent_unreachable as f64);
    put("valid_status_updates", counters.valid_status_updates as f64);
    put("invalid_status_updates", counters.invalid_status_updates as f64);
    put("valid_status_update_acknowledgements", counters.valid_acknowledgements as f64);
    put("invalid_status_update_acknowledgements", counters.invalid_acknowledgements as f64);
    put("dropped_messages", counters.dropped_messages as f64);
    for (state, name) in TASKS {
        put(&format!("tasks_{name}"), tasks_in(core, state));
    }
    metrics
}

/// How many tasks are in a state, or for one that is the end, ever came to it.
fn tasks_in(core: &Core, state: TaskState) -> f64 {
    if state.is_terminal() {
        return core.counters.ended_tasks.get(&state).copied().unwrap_or(0) as f64;
    }
    let frameworks = core.frameworks.values();
    if state == TaskState::Unreachable {
        return frameworks.map(|framework| framework.unreachable_tasks.len()).sum::<usize>() as f64;
    }
    let live = frameworks.flat_map(|framework| framework.tasks.values());
    live.filter(|live| live.task.state == state).count() as f64
}

/// The same numbers in Prometheus' text format: `master/tasks_running` is `mesos_master_tasks_running`.
pub(super) fn prometheus(metrics: &BTreeMap<String, f64>) -> String {
    let mut text = String::new();
    for (name, value) in metrics {
        let name = name.replace('/', "_");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "mesos_{name} {value}");
    }
    text
}
