//! Processes of executors as the kernel knows them: who they are, whether they live, and the end of a whole tree.

use std::collections::HashSet;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process that cannot be mistaken for a later one with the same number: kernels reuse numbers, and a container that
/// was started again gives the low ones to other programs at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its number, which is also its session's and its group's: executors are started as session leaders.
    pub(crate) pid: i32,
    /// When it started, in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub(crate) started: u64,
    /// The boot in which that clock ran.
    pub(crate) boot: String,
}

impl Identity {
    /// Who has the number `pid` now; `None` if nobody, or a zombie.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        stat.is_alive().then(|| Self { pid, started: stat.started, boot: boot_id() })
    }

    /// Who wrote `stat`, its own `/proc/self/stat`, in the boot `boot`.
    pub(crate) fn from_stat(stat: &str, boot: &str) -> Option<Self> {
        Stat::parse(stat).map(|stat| Self { pid: stat.pid, started: stat.started, boot: boot.to_owned() })
    }

    /// Who has the number `pid`, which is a child's that was not waited for: it may have ended, its number is its own.
    pub(crate) fn of_child(pid: i32) -> Self {
        Self { pid, started: Stat::read(pid).map_or(0, |stat| stat.started), boot: boot_id() }
    }

    /// Does this very process still run?
    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Waits until this process, which need not be a child, has ended. Returns at once if it has.
    pub(crate) async fn ended(&self) -> io::Result<()> {
        // SAFETY: pidfd_open takes two integers and returns a new file descriptor, which nobody else owns.
        #[allow(unsafe_code)] // std has no stable call for the pidfd of a process that is not its child
        let fd = unsafe {
            match libc::syscall(libc::SYS_pidfd_open, self.pid, 0) {
                fd if fd >= 0 => OwnedFd::from_raw_fd(i32::try_from(fd).map_err(io::Error::other)?),
                _ => return if self.is_alive() { Err(io::Error::last_os_error()) } else { Ok(()) },
            }
        };
        if !self.is_alive() {
            return Ok(());
        }
        // SAFETY: the descriptor is owned by what is registered, and lives as long.
        #[allow(unsafe_code)] // tokio asks for the promise that the descriptor is one and stays one
        let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? };
        registered.readable().await.map(|_| ())
    }

    /// Ends every process of this one's session and all that descend from it, with SIGKILL, and returns when none runs.
    ///
    /// A leader that has ended keeps its number from being reused while its session has members, so leftovers are
    /// found; if the number belongs to somebody else now, there are none.
    pub(crate) async fn kill_tree(&self) {
        for _ in 0..100 {
            let holder = Stat::read(self.pid);
            if holder.as_ref().is_some_and(|stat| stat.started != self.started) || self.boot != boot_id() {
                return;
            }
            let members = tree(self.pid);
            if members.is_empty() {
                return;
            }
            for pid in members {
                signal(pid, libc::SIGKILL);
            }
            // The kernel ends them soon after; there is no event to wait for that covers processes of others.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tracing::warn!(pid = self.pid, "processes of the executor's session outlive SIGKILL");
    }
}

/// Sends `signal` to one process; one that is gone is no error.
pub(crate) fn signal(pid: i32, signal: i32) {
    // SAFETY: kill takes two integers and touches no memory of ours.
    #[allow(unsafe_code)] // std can signal only children that it waits for itself
    unsafe {
        libc::kill(pid, signal);
    }
}

/// Sends `signal` to the process group that `leader` leads.
pub(crate) fn signal_group(leader: i32, number: i32) {
    if leader > 1 {
        signal(-leader, number);
    }
}

/// This boot of the kernel; empty where it does not say.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// The living processes that are `root`, descend from it or are in its session; never this process or init.
fn tree(root: i32) -> Vec<i32> {
    let all: Vec<Stat> = processes().filter_map(Stat::read).collect();
    let mut members: HashSet<i32> =
        all.iter().filter(|stat| stat.pid == root || stat.session == root).map(|stat| stat.pid).collect();
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|stat| members.contains(&stat.parent) && !members.contains(&stat.pid))
            .map(|stat| stat.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        members.extend(more);
    }
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    all.iter()
        .filter(|stat| members.contains(&stat.pid) && stat.is_alive() && stat.pid != me && stat.pid > 1)
        .map(|stat| stat.pid)
        .collect()
}

/// Numbers of all processes that this one can see.
fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pid: i32,
    state: char,
    parent: i32,
    session: i32,
    started: u64,
    /// CPU time in clock ticks, in user mode and in the kernel.
    pub(crate) ticks: (u64, u64),
    /// Resident memory in pages.
    pub(crate) resident_pages: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Fields are numbered from 1 in proc(5); the second is the program's name in parentheses and may hold anything.
    fn parse(line: &str) -> Option<Self> {
        let (head, tail) = (line.get(..line.find('(')?)?, line.get(line.rfind(')')? + 1..)?);
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            pid: head.trim().parse().ok()?,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            started: number(22)?,
            ticks: (number(14)?, number(15)?),
            resident_pages: number(24)?,
        })
    }

    fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    /// The processes of a session, with what they use.
    pub(crate) fn of_session(leader: i32) -> Vec<Self> {
        processes().filter_map(Self::read).filter(|stat| stat.session == leader && stat.is_alive()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a ) b (c) S 1 40 41 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 777 9999 321 18446744073709551615";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.pid, stat.state, stat.parent, stat.session, stat.started), (42, 'S', 1, 41, 777));
        assert_eq!((stat.ticks, stat.resident_pages), ((50, 60), 321));
    }

    #[test]
    fn a_process_is_itself_and_not_another_with_its_number() {
        let me = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(me.is_alive());
        assert!(!Identity { started: me.started + 1, ..me.clone() }.is_alive());
        assert!(!Identity { boot: "another".to_owned(), ..me }.is_alive());
    }

    #[tokio::test]
    async fn the_whole_session_ends_and_its_end_is_seen() {
        use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", "sleep 600 & exec sleep 600"]);
        // SAFETY: setsid is async-signal-safe.
        #[allow(unsafe_code)] // the test needs a session of its own, as an executor has one
        unsafe {
            command.pre_exec(|| (libc::setsid() >= 0).then_some(()).ok_or_else(io::Error::last_os_error));
        }
        let mut child = command.spawn().unwrap();
        let identity = Identity::of(i32::try_from(child.id()).unwrap()).unwrap();
        let seen = tokio::spawn({
            let identity = identity.clone();
            async move { identity.ended().await }
        });
        identity.kill_tree().await;
        child.wait().unwrap();
        tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap().unwrap().unwrap();
        assert!(!identity.is_alive());
        assert!(tree(identity.pid).is_empty());
    }
}
