//! What a process of this machine uses, from /proc. Shared by the benches.

/// Memory in bytes and CPU time in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    /// Proportional set size: shared pages counted once.
    pub(crate) pss: u64,
    /// Of user and kernel, since the process began.
    pub(crate) cpu: f64,
}

/// What the process has used until now; `None` when it is gone.
pub(crate) fn usage(pid: &str) -> Option<Use> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
    let pss = line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Fields 14 and 15 of proc(5), counted behind the name, which may hold anything; in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Use { pss, cpu: ticks / 100.0 })
}
