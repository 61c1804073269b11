//! One executor on this agent, from its launch until the last update of its tasks is acknowledged.

use std::collections::VecDeque;
use std::time::Instant;

use mesos::{ContainerID, ExecutorInfo, Reason, Resources, Task, TaskID, TaskInfo, TaskState};

use super::paths::Run;
use super::process::Identity;

/// How many ended tasks of an executor are remembered (Mesos' own number).
const MAX_COMPLETED_TASKS: usize = 200;

/// An executor with its tasks.
#[derive(Debug)]
pub(crate) struct Executor {
    pub(crate) info: ExecutorInfo,
    pub(crate) run: Run,
    /// Is it the agent's own, for a task without an executor?
    pub(crate) is_command: bool,
    pub(crate) phase: Phase,
    /// Its process, once that is started.
    pub(crate) process: Option<Identity>,
    /// Tasks that wait until it subscribes.
    pub(crate) queued: Vec<TaskInfo>,
    /// Tasks that it was given, and whose last update is not acknowledged yet.
    pub(crate) tasks: Vec<Task>,
    /// Tasks that are over and done with, oldest first.
    pub(crate) completed: VecDeque<Task>,
    /// Why the agent ended it, where it did.
    pub(crate) doom: Option<Doom>,
}

/// Where an executor is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its process is being started, or has not subscribed yet; at the deadline it is ended.
    Registering { deadline: Instant },
    /// Left over from before the agent's restart; has not subscribed again yet. At the deadline it is ended.
    Reconnecting { deadline: Instant },
    /// Subscribed, though its stream may be broken meanwhile.
    Running,
    /// Asked to end, or being ended; at the deadline, where there is one, its processes are killed.
    Terminating { deadline: Option<Instant> },
    /// Its process has ended; updates of its tasks may still wait.
    Terminated,
}

/// What the tasks of an executor that the agent ended are told.
#[derive(Clone, Debug)]
pub(crate) struct Doom {
    pub(crate) state: TaskState,
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Phase {
    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Registering { deadline } | Self::Reconnecting { deadline } => Some(deadline),
            Self::Terminating { deadline } => deadline,
            Self::Running | Self::Terminated => None,
        }
    }

    /// Will it take no more tasks?
    pub(crate) fn is_ending(self) -> bool {
        matches!(self, Self::Terminating { .. } | Self::Terminated)
    }
}

impl Executor {
    /// One that is about to be launched.
    pub(crate) fn new(info: ExecutorInfo, run: Run, is_command: bool, deadline: Instant) -> Self {
        Self {
            info,
            run,
            is_command,
            phase: Phase::Registering { deadline },
            process: None,
            queued: Vec::new(),
            tasks: Vec::new(),
            completed: VecDeque::new(),
            doom: None,
        }
    }

    pub(crate) fn container_id(&self) -> ContainerID {
        ContainerID::from(self.run.container.clone())
    }

    pub(crate) fn task_mut(&mut self, id: &TaskID) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.task_id == *id)
    }

    /// Does it, or did it, have this task?
    pub(crate) fn knows(&self, id: &TaskID) -> bool {
        let queued = self.queued.iter().any(|task| task.task_id == *id);
        queued || self.tasks.iter().chain(&self.completed).any(|task| task.task_id == *id)
    }

    /// Was it ever given a task?
    pub(crate) fn had_a_task(&self) -> bool {
        !self.tasks.is_empty() || !self.completed.is_empty()
    }

    /// The task's last update is acknowledged: it is history.
    pub(crate) fn complete(&mut self, id: &TaskID) {
        let Some(index) = self.tasks.iter().position(|task| task.task_id == *id) else { return };
        self.completed.push_back(self.tasks.remove(index));
        if self.completed.len() > MAX_COMPLETED_TASKS {
            self.completed.pop_front();
        }
    }

    /// What it and those of its tasks that are not over hold.
    pub(crate) fn allocated(&self) -> Resources {
        let own = self.info.resources.iter().filter(|_| self.phase != Phase::Terminated);
        let tasks = self.tasks.iter().filter(|task| !task.state.is_terminal()).flat_map(|task| &task.resources);
        own.chain(tasks).chain(self.queued.iter().flat_map(|task| &task.resources)).collect()
    }
}
