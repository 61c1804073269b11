//! The executor as a child process: started, listened to, started again with back-off when it dies.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::Instant;

use crate::channel::{self, Receiver, Sender, ToExecutor, ToMinion};

/// The wait before a child that died is started again; doubled while it dies young, up to [`MAX_WAIT`].
pub(super) const WAIT: Duration = Duration::from_millis(100);
pub(super) const MAX_WAIT: Duration = Duration::from_secs(10);
/// A child that lived longer did not die of its start.
pub(super) const YOUNG: Duration = Duration::from_secs(30);
/// How long a child may take to end on SIGTERM.
pub(super) const TERM: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    args: Vec<String>,
}

/// News of the child.
#[derive(Debug)]
pub(super) enum Child {
    /// It was started, and knows nothing yet.
    Started,
    /// It said something.
    Said(ToMinion),
    /// It died; it is started again.
    Ended,
}

/// The child, or the wait for the next one.
#[derive(Debug)]
pub(super) struct Supervisor {
    program: Program,
    state: State,
    wait: Duration,
}

#[derive(Debug)]
enum State {
    /// Not before then.
    Waiting(Instant),
    Running(Box<Running>),
}

#[derive(Debug)]
struct Running {
    process: tokio::process::Child,
    receiver: Receiver,
    sender: Sender,
    since: Instant,
}

impl Program {
    /// Another server of this same executable, with `args`.
    pub(super) fn own(server: &str, args: Vec<String>) -> Self {
        let args = std::iter::once(server.to_owned()).chain(args).collect();
        Self::new("/proc/self/exe".into(), args)
    }

    /// The file `path` with `args`.
    pub(super) fn new(path: PathBuf, args: Vec<String>) -> Self {
        Self { path, args }
    }

    /// How it is started; its descriptors are not set.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg0("km").args(&self.args);
        command
    }
}

/// Asks the child to end, if it has not.
pub(super) fn terminate(child: &tokio::process::Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        #[allow(unsafe_code)]
        // SAFETY: plain integers; the process has not been waited for, so its ID is its own.
        unsafe {
            libc::kill(pid, libc::SIGTERM);
        }
    }
}

impl Supervisor {
    pub(super) fn new(program: Program) -> Self {
        Self { program, state: State::Waiting(Instant::now()), wait: WAIT }
    }

    /// What happens next. A child is started only if `wanted`. May be dropped while waiting.
    pub(super) async fn next(&mut self, wanted: bool) -> Child {
        match &mut self.state {
            State::Waiting(_) if !wanted => std::future::pending().await,
            State::Waiting(until) => {
                tokio::time::sleep_until(*until).await;
                match self.start() {
                    Ok(running) => {
                        self.state = State::Running(Box::new(running));
                        Child::Started
                    }
                    Err(error) => {
                        tracing::error!(%error, program = %self.program.path.display(), "cannot start the executor");
                        self.ended(None)
                    }
                }
            }
            State::Running(running) => {
                match running.receiver.next().await {
                    Ok(Some(said)) => return Child::Said(said),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "the executor talks nonsense"),
                }
                let _ = running.process.start_kill();
                match running.process.wait().await {
                    Ok(status) => tracing::warn!(%status, "the executor ended"),
                    Err(error) => tracing::error!(%error, "cannot wait for the executor"),
                }
                let since = running.since;
                self.ended(Some(since))
            }
        }
    }

    /// Tells the child, if there is one; one that is started later is told everything by its introduction.
    pub(super) async fn send(&mut self, message: &ToExecutor) {
        if let State::Running(running) = &mut self.state
            && let Err(error) = running.sender.send(message).await
        {
            tracing::warn!(%error, "the executor does not listen");
        }
    }

    /// Ends the child, if there is one.
    pub(super) async fn stop(&mut self) {
        let State::Running(running) = &mut self.state else { return };
        terminate(&running.process);
        if tokio::time::timeout(TERM, running.process.wait()).await.is_err() {
            let _ = running.process.kill().await;
        }
    }

    /// Our end of the channel goes to the child as its standard input; it dies with us (it sees to that itself).
    fn start(&self) -> std::io::Result<Running> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let process = self
            .program
            .command()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (receiver, sender) = channel::split(UnixStream::from_std(ours)?);
        Ok(Running { process, receiver, sender, since: Instant::now() })
    }

    fn ended(&mut self, since: Option<Instant>) -> Child {
        let old = since.is_some_and(|since| since.elapsed() > YOUNG);
        let wait = if old { WAIT } else { self.wait };
        self.wait = MAX_WAIT.min(wait * 2);
        self.state = State::Waiting(Instant::now() + wait);
        Child::Ended
    }
}
