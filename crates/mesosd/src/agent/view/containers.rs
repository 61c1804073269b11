//! `/containers` and `/monitor/statistics`: processes of executors and what they use, from `/proc`.

use serde_json::{Value, json};

use crate::agent::core::{Core, Framework, epoch_seconds};
use crate::agent::executor::Executor;
use crate::agent::process::Stat;

/// Executors that have a process.
pub(super) fn running(core: &Core) -> impl Iterator<Item = (&Framework, &Executor)> {
    core.executors().filter(|(_, executor)| executor.process.is_some())
}

pub(crate) fn containers(core: &Core) -> Value {
    running(core)
        .map(|(framework, executor)| {
            let mut shown = named(framework, executor);
            shown["container_id"] = json!(executor.run.container);
            shown["statistics"] = usage(executor);
            shown["status"] = status(executor);
            shown
        })
        .collect()
}

pub(crate) fn statistics(core: &Core) -> Value {
    running(core)
        .map(|(framework, executor)| {
            let mut shown = named(framework, executor);
            shown["statistics"] = usage(executor);
            shown
        })
        .collect()
}

fn named(framework: &Framework, executor: &Executor) -> Value {
    json!({
        "executor_id": executor.info.executor_id.as_str(),
        "executor_name": executor.info.name.as_deref().unwrap_or_default(),
        "framework_id": framework.info.id.as_ref().map(mesos::FrameworkID::as_str),
        "source": executor.info.source.as_deref().unwrap_or_default(),
    })
}

pub(super) fn status(executor: &Executor) -> Value {
    json!({"container_id": executor.container_id(), "executor_pid": executor.process.as_ref().map(|process| process.pid)})
}

/// What the executor may use, and what the processes of its session do use.
pub(super) fn usage(executor: &Executor) -> Value {
    let members = executor.process.as_ref().map(|process| Stat::of_session(process.pid)).unwrap_or_default();
    let seconds = |ticks: u64| ticks as f64 / system_value(libc::_SC_CLK_TCK) as f64;
    let (user, kernel) = members.iter().fold((0, 0), |sum, stat| (sum.0 + stat.ticks.0, sum.1 + stat.ticks.1));
    let resident = members.iter().map(|stat| stat.resident_pages).sum::<u64>() * system_value(libc::_SC_PAGESIZE);
    let allocated = executor.allocated();
    let memory = (allocated.scalar("mem") * 1024.0 * 1024.0) as u64;
    json!({
        "timestamp": epoch_seconds(),
        "cpus_user_time_secs": seconds(user),
        "cpus_system_time_secs": seconds(kernel),
        "cpus_soft_limit": allocated.scalar("cpus"),
        "mem_limit_bytes": memory,
        "mem_soft_limit_bytes": memory,
        "mem_rss_bytes": resident,
    })
}

fn system_value(name: i32) -> u64 {
    // SAFETY: sysconf takes a number and gives one.
    #[allow(unsafe_code)] // std does not tell the page size or the clock's ticks
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).unwrap_or(1).max(1)
}
