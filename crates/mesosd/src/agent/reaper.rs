//! Children of the agent: starting them, and their exit statuses. As process 1 of a container it also buries orphans.

use std::collections::HashMap;
use std::io;
use std::process::Command;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::process::Identity;

/// The one place that waits for children, so that burying an orphan never takes an executor's exit status.
pub(crate) struct Reaper {
    /// Held across `fork`, so that a child which ends at once is known before anybody looks for its status.
    children: Mutex<HashMap<i32, oneshot::Sender<i32>>>,
    /// Orphans of the container come to process 1 alone; elsewhere children of other code must be left to it.
    buries_orphans: bool,
}

impl Reaper {
    /// Starts to reap, until `stop`.
    ///
    /// # Errors
    /// When the handler of SIGCHLD cannot be installed.
    pub(crate) fn start(stop: CancellationToken) -> io::Result<Arc<Self>> {
        let reaper = Arc::new(Self { children: Mutex::default(), buries_orphans: std::process::id() == 1 });
        let mut deaths = signal(SignalKind::child())?;
        let reaping = Arc::clone(&reaper);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = deaths.recv() => reaping.collect(),
                }
            }
        });
        Ok(reaper)
    }

    /// Starts `command` and tells who it is, and later its raw wait status (as wait(2) has it: 768 is exit code 3).
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<(Identity, oneshot::Receiver<i32>)> {
        let mut children = self.children.lock();
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        let (sender, status) = oneshot::channel();
        children.insert(pid, sender);
        Ok((Identity::of_child(pid), status))
    }

    /// Takes the statuses of all children that have ended.
    fn collect(&self) {
        let mut children = self.children.lock();
        if self.buries_orphans {
            while let Some((pid, status)) = wait(-1) {
                if let Some(sender) = children.remove(&pid) {
                    let _ = sender.send(status);
                }
            }
            return;
        }
        let ended: Vec<_> = children.keys().filter_map(|pid| wait(*pid)).collect();
        for (pid, status) in ended {
            if let Some(sender) = children.remove(&pid) {
                let _ = sender.send(status);
            }
        }
    }
}

/// The number and raw status of a child that has ended: the named one, or with -1 any.
fn wait(pid: i32) -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for the status, and WNOHANG keeps the call from blocking.
    #[allow(unsafe_code)] // std waits only for a `Child` it holds, never for orphans
    let ended = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    (ended > 0).then_some((ended, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_child_has_its_own_status() {
        let reaper = Reaper::start(CancellationToken::new()).unwrap();
        let statuses: Vec<_> = [0, 3, 7]
            .into_iter()
            .map(|code| reaper.spawn(Command::new("/bin/sh").args(["-c", &format!("exit {code}")])).unwrap().1)
            .collect();
        for (status, raw) in statuses.into_iter().zip([0, 768, 1792]) {
            assert_eq!(status.await.unwrap(), raw);
        }
    }
}
