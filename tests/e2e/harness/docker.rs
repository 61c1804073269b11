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

/// Everything that a `down` could forget or take too much of, but for what belongs to other clusters: those come and
/// go as they like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inventory(BTreeSet<String>);

impl Inventory {
    /// What is there now, as the cluster `name` may see it.
    pub(crate) fn take(name: &str) -> Self {
        let lists: [(&str, &[&str]); 4] = [
            ("container", &["ps", "-a", "--no-trunc", "--format", "{{.Label \"io.k8sm.cluster\"}} {{.ID}} {{.Names}}"]),
            (
                "network",
                &["network", "ls", "--no-trunc", "--format", "{{.Label \"io.k8sm.cluster\"}} {{.ID}} {{.Name}}"],
            ),
            ("volume", &["volume", "ls", "--format", "{{.Label \"io.k8sm.cluster\"}} {{.Name}}"]),
            ("image", &["images", "--no-trunc", "--format", " {{.ID}} {{.Repository}}:{{.Tag}}"]),
        ];
        let mut all = BTreeSet::new();
        for (what, words) in lists {
            for line in run(Command::new("docker").args(words), "").ok().lines() {
                let (cluster, thing) = line.split_once(' ').unwrap_or(("", line));
                if cluster.is_empty() || cluster == name {
                    all.insert(format!("{what} {thing}"));
                }
            }
        }
        Self(all)
    }

    /// Asserts that nothing came or went since `before`.
    #[track_caller]
    pub(crate) fn is_as(&self, before: &Self, when: &str) {
        let came: Vec<_> = self.0.difference(&before.0).collect();
        let went: Vec<_> = before.0.difference(&self.0).collect();
        assert!(came.is_empty() && went.is_empty(), "{when}: came: {came:#?}, went: {went:#?}");
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
