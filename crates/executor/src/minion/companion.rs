//! A server that runs beside the executor and that nobody talks to: the service proxy. Started again with back-off when it
//! dies, ended with the minion.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::supervisor::{MAX_WAIT, Program, TERM, WAIT, YOUNG, terminate};

/// What is run, and where its log goes.
#[derive(Debug)]
pub(super) struct Companion {
    program: Program,
    name: &'static str,
    log: PathBuf,
}

impl Companion {
    /// `program`, called `name`, which writes its log at the end of the file `log`.
    pub(super) fn new(program: Program, name: &'static str, log: PathBuf) -> Self {
        Self { program, name, log }
    }

    /// Keeps it running until `stop` is cancelled, and ends it then.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut wait = WAIT;
        while !stop.is_cancelled() {
            let since = Instant::now();
            match self.start() {
                Ok(mut child) => tokio::select! {
                    ended = child.wait() => match ended {
                        Ok(status) => tracing::warn!(%status, log = %self.log.display(), "{} ended", self.name),
                        Err(error) => tracing::error!(%error, "cannot wait for {}", self.name),
                    },
                    () = stop.cancelled() => return end(child).await,
                },
                Err(error) => tracing::error!(%error, "cannot start {}", self.name),
            }
            if since.elapsed() > YOUNG {
                wait = WAIT;
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => {}
            }
            wait = MAX_WAIT.min(wait * 2);
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log)?;
        let mut command = self.program.command();
        end_with_parent(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn()
    }
}

/// SIGTERM, and SIGKILL where that is not enough.
async fn end(mut child: Child) {
    terminate(&child);
    if timeout(TERM, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

/// A minion that is killed takes it along: another minion starts another one.
fn end_with_parent(command: &mut Command) {
    #[allow(unsafe_code)]
    // SAFETY: prctl takes plain integers and may be called between fork and exec. The kernel means the thread that forks;
    // the runtime's threads live as long as the process does.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_is_started_again_and_ends_when_told() {
        let files = tempfile::tempdir().unwrap();
        let log = files.path().join("log");
        let program = Program::new("/bin/sh".into(), vec!["-c".into(), "echo once >&2".into()]);
        let stop = CancellationToken::new();
        let running = tokio::spawn(Companion::new(program, "the test", log.clone()).run(stop.clone()));
        let twice = async {
            while std::fs::read_to_string(&log).unwrap_or_default().lines().count() < 2 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), twice).await.expect("it is started again");
        stop.cancel();
        timeout(Duration::from_secs(20), running).await.expect("it ends").unwrap();
    }

    #[tokio::test]
    async fn a_child_that_runs_is_ended() {
        let files = tempfile::tempdir().unwrap();
        let log = files.path().join("log");
        let script = "trap 'echo ended >&2; exit 0' TERM; echo begun >&2; while :; do sleep 0.05; done";
        let program = Program::new("/bin/sh".into(), vec!["-c".into(), script.into()]);
        let stop = CancellationToken::new();
        let running = tokio::spawn(Companion::new(program, "the test", log.clone()).run(stop.clone()));
        let begun = async {
            while !std::fs::read_to_string(&log).unwrap_or_default().contains("begun") {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), begun).await.expect("it begins");
        stop.cancel();
        timeout(Duration::from_secs(20), running).await.expect("it ends").unwrap();
        assert!(std::fs::read_to_string(&log).unwrap().ends_with("ended\n"));
    }
}
