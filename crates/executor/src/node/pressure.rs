//! What the node is short of: the conditions MemoryPressure, DiskPressure and PIDPressure.
//!
//! A slave shares its machine with whoever else works there, so the limits are what is left, not what is used.

use std::path::Path;

/// Bytes of memory that are to be left: Kubernetes' own limit.
const MEMORY: u64 = 100 << 20;
/// Bytes of disk that are to be left. Kubernetes' tenth is much of a developer's disk.
const DISK: u64 = 1 << 30;
/// Processes that are to be left.
const PROCESSES: u64 = 1000;

/// What the node is short of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pressure {
    /// Memory.
    pub(super) memory: bool,
    /// Disk, where the pods' files lie.
    pub(super) disk: bool,
    /// Processes.
    pub(super) processes: bool,
}

/// A condition: its type, status, reason and message.
pub(super) type Condition = (&'static str, bool, &'static str, &'static str);

impl Pressure {
    /// Of this machine; `root` is where the pods' files are. What cannot be read presses nobody.
    #[must_use]
    pub(super) fn measure(root: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let disk = rustix::fs::statvfs(root).ok().map(|left| left.f_bavail.saturating_mul(left.f_frsize));
        Self {
            memory: memory(&read("/proc/meminfo")).is_some_and(|left| left < MEMORY),
            disk: disk.is_some_and(|left| left < DISK),
            processes: processes(&read("/proc/loadavg"), &read("/proc/sys/kernel/pid_max"))
                .is_some_and(|left| left < PROCESSES),
        }
    }

    /// As conditions of the node, in the kubelet's words.
    #[must_use]
    pub(super) fn conditions(self) -> [Condition; 3] {
        [
            match self.memory {
                true => (
                    "MemoryPressure",
                    true,
                    "KubeletHasInsufficientMemory",
                    "kubelet has insufficient memory available",
                ),
                false => {
                    ("MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available")
                }
            },
            match self.disk {
                true => ("DiskPressure", true, "KubeletHasDiskPressure", "kubelet has disk pressure"),
                false => ("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            },
            match self.processes {
                true => ("PIDPressure", true, "KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
                false => ("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            },
        ]
    }
}

/// Bytes that are available, of `/proc/meminfo`.
fn memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Processes that can still be made: the kernel's limit less those of `/proc/loadavg`.
fn processes(loadavg: &str, limit: &str) -> Option<u64> {
    let now: u64 = loadavg.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()?;
    Some(limit.trim().parse::<u64>().ok()?.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(memory("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(memory(""), None);
        assert_eq!(processes("0.1 0.2 0.3 2/345 6789\n", "32768\n"), Some(32_423));
        assert_eq!(processes("nonsense", "32768"), None);
    }

    #[test]
    fn each_shortage_is_its_own_condition() {
        let of = |pressure: Pressure| pressure.conditions().map(|(_, status, _, _)| status);
        assert_eq!(of(Pressure::default()), [false; 3]);
        assert_eq!(of(Pressure { disk: true, ..Pressure::default() }), [false, true, false]);
        assert!(!Pressure::measure(Path::new("/no/such")).disk, "what cannot be measured presses nobody");
    }
}
