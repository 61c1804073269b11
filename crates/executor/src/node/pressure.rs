//! What the node is short of: the conditions MemoryPressure, DiskPressure and PIDPressure.
//!
//! A slave shares its machine with whoever else works there, so the limits are what is left, not what is used.

use std::path::Path;
use std::str::FromStr;

use kube_api::quantity::Quantity;

use crate::meminfo;

/// What is to be left of the node: as the flag `--eviction-hard` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Bytes of memory.
    memory: u64,
    /// Bytes of disk.
    disk: u64,
    /// Processes.
    processes: u64,
}

impl Default for Thresholds {
    /// Kubernetes' own for memory; its tenth of the disk is much of a developer's.
    fn default() -> Self {
        Self { memory: 100 << 20, disk: 1 << 30, processes: 1000 }
    }
}

impl FromStr for Thresholds {
    type Err = String;

    /// Signals that are not measured here (imagefs, inodes) are passed over, as are shares of the whole.
    fn from_str(line: &str) -> Result<Self, String> {
        let mut thresholds = Self::default();
        for part in line.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (signal, least) = part.split_once('<').ok_or_else(|| format!("\"{part}\" is no SIGNAL<QUANTITY"))?;
            if least.ends_with('%') {
                continue;
            }
            let least = least.parse::<Quantity>().map_err(|_| format!("\"{least}\" is no quantity"))?.as_f64() as u64;
            match signal {
                "memory.available" => thresholds.memory = least,
                "nodefs.available" => thresholds.disk = least,
                "pid.available" => thresholds.processes = least,
                _ => {}
            }
        }
        Ok(thresholds)
    }
}

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
    pub(super) fn measure(root: &Path, least: Thresholds) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let disk = rustix::fs::statvfs(root).ok().map(|left| left.f_bavail.saturating_mul(left.f_frsize));
        Self {
            memory: meminfo::bytes("MemAvailable").is_some_and(|left| left < least.memory),
            disk: disk.is_some_and(|left| left < least.disk),
            processes: processes(&read("/proc/loadavg"), &read("/proc/sys/kernel/pid_max"))
                .is_some_and(|left| left < least.processes),
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
        assert_eq!(processes("0.1 0.2 0.3 2/345 6789\n", "32768\n"), Some(32_423));
        assert_eq!(processes("nonsense", "32768"), None);
    }

    #[test]
    fn each_shortage_is_its_own_condition() {
        let of = |pressure: Pressure| pressure.conditions().map(|(_, status, _, _)| status);
        assert_eq!(of(Pressure::default()), [false; 3]);
        assert_eq!(of(Pressure { disk: true, ..Pressure::default() }), [false, true, false]);
        let nowhere = Pressure::measure(Path::new("/no/such"), Thresholds::default());
        assert!(!nowhere.disk, "what cannot be measured presses nobody");
        let much = "nodefs.available<1000Ti,imagefs.available<15%, memory.available<1Ki".parse().unwrap();
        let here = Pressure::measure(Path::new("/"), much);
        assert!(here.disk && !here.memory, "{here:?}");
    }
}
