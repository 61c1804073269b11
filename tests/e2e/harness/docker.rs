//! Docker as the tests see it: through the `docker` command alone, apart from k8sm's own client.

use std::collections::BTreeSet;
use std::process::Command;

use super::run;

/// Runs `docker` and gives what it printed.
///
/// # Panics
/// Where it fails.
#[track_caller]
pub(crate) fn docker(words: &[&str]) -> String {
    run(Command::new("docker").args(words), "").ok().trim().to_owned()
}

/// The same, where it may fail.
pub(crate) fn try_docker(words: &[&str]) -> Result<String, String> {
    let ran = run(Command::new("docker").args(words), "");
    if ran.code == 0 { Ok(ran.stdout.trim().to_owned()) } else { Err(ran.stderr) }
}

/// Everything that a `down` could forget or take too much of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inventory {
    containers: BTreeSet<String>,
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
    images: BTreeSet<String>,
}

impl Inventory {
    /// What is there now.
    pub(crate) fn take() -> Self {
        let lines = |words: &[&str]| docker(words).lines().map(str::to_owned).collect();
        Self {
            containers: lines(&["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]),
            networks: lines(&["network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"]),
            volumes: lines(&["volume", "ls", "--format", "{{.Name}}"]),
            images: lines(&["images", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]),
        }
    }
}

/// The values of a Go template for a container.
pub(crate) fn inspect(container: &str, template: &str) -> Result<String, String> {
    try_docker(&["inspect", "--format", template, container])
}

/// The host's process ID of a container's first process.
#[track_caller]
pub(crate) fn pid(container: &str) -> u32 {
    let text = inspect(container, "{{.State.Pid}}").expect("the container is there");
    text.parse().expect("a process ID")
}

/// The host's process IDs of the processes in a container whose command line contains `words`.
pub(crate) fn pids(container: &str, words: &str) -> Vec<u32> {
    let Ok(table) = try_docker(&["top", container, "-eo", "pid,args"]) else { return Vec::new() };
    let lines = table.lines().skip(1).filter(|line| line.contains(words));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// Ends a process of the host at once.
///
/// # Panics
/// Where the process is gone already, or is somebody else's.
#[track_caller]
pub(crate) fn kill(pid: u32) {
    run(Command::new("kill").args(["-9", &pid.to_string()]), "").ok();
}

/// Containers, networks and volumes that carry a label, removed. For what a failed test leaves behind.
pub(crate) fn remove_labelled(label: &str) {
    let filter = format!("label={label}");
    for (list, remove) in [
        (&["ps", "-aq", "--filter"][..], &["rm", "-f", "-v"][..]),
        (&["network", "ls", "-q", "--filter"], &["network", "rm"]),
        (&["volume", "ls", "-q", "--filter"], &["volume", "rm", "-f"]),
    ] {
        let found = try_docker(&[list, &[&filter]].concat()).unwrap_or_default();
        for id in found.lines() {
            let _ = try_docker(&[remove, &[id]].concat());
        }
    }
}
