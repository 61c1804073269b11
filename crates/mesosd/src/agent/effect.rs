//! What the agent's decisions want done: nothing here does it.

use mesos::executor::Event;
use mesos::{Bytes, ExecutorInfo, FrameworkInfo, TaskID, TaskInfo, TaskStatus};

use super::paths::Run;
use super::process::Identity;
use crate::link::FromAgent;

/// One thing to do. They are done in their order, so that what is acknowledged was stored before.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Keep this for an agent that starts again.
    Store(Record),
    /// Make the sandbox, fetch, and start the process; then say `started`, and at its end `exited`.
    Launch(Box<Launch>),
    /// End all processes of the run; its `exited` follows, if it was not said before.
    Destroy { run: Run, process: Option<Identity> },
    /// Wait for the end of a process that an earlier life of the agent started, and say `exited`.
    Watch { run: Run, process: Identity },
    /// Write to the executor's stream, if it is open.
    Tell { run: Run, event: Box<Event> },
    /// End the executor's stream.
    HangUp(Run),
    /// Tell the master, if it is there.
    Report(FromAgent),
    /// End the agent itself.
    End(String),
}

/// An executor to start.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) run: Run,
    pub(crate) framework: FrameworkInfo,
    pub(crate) executor: ExecutorInfo,
    pub(crate) is_command: bool,
}

/// A fact that outlives the agent's process. Only frameworks that checkpoint have them.
#[derive(Debug)]
pub(crate) enum Record {
    Framework {
        agent: String,
        info: Box<FrameworkInfo>,
    },
    Executor {
        run: Run,
        info: Box<ExecutorInfo>,
        is_command: bool,
    },
    /// The executor has subscribed by HTTP.
    Subscribed(Run),
    Task {
        run: Run,
        task: Box<TaskInfo>,
    },
    Update {
        run: Run,
        task: TaskID,
        status: Box<TaskStatus>,
    },
    Acknowledged {
        run: Run,
        task: TaskID,
        uuid: Bytes,
    },
    /// The executor's process has ended.
    Terminated(Run),
    /// Nothing of this run is needed any more.
    ForgetRun(Run),
    /// Nothing of this framework is needed any more.
    ForgetFramework {
        agent: String,
        framework: String,
    },
}
