//! A task arrives from the master: to an executor that runs, to one that is starting, or with a new one.

use std::time::Instant;

use mesos::executor::{Event, Launch as LaunchEvent};
use mesos::framework::FrameworkCapabilityType::ReservationRefinement;
use mesos::{
    CommandInfo, ExecutorID, ExecutorInfo, FrameworkID, FrameworkInfo, Reason, Resource, Resources, Task, TaskInfo,
    TaskState, id,
};

use super::{Core, Framework};
use crate::agent::effect::{Effect, Launch, Record};
use crate::agent::executor::{Executor, Phase};
use crate::agent::paths::Run;
use crate::link::{FromAgent, RunTask};

/// What the agent's own executor for a task without one may use beside the task (Mesos' own numbers).
const COMMAND_EXECUTOR: [(&str, f64); 2] = [("cpus", 0.1), ("mem", 32.0)];

impl Core {
    /// Launches a task. What cannot be launched ends at once with a reason, as far as anybody can be told.
    pub(super) fn run_task(&mut self, now: Instant, run: RunTask) {
        let RunTask { framework: info, task, launch_executor } = run;
        let Some(framework_id) = info.id.clone() else {
            tracing::warn!(task = %task.task_id, "ignoring a task of a framework without ID");
            return;
        };
        if self.frameworks.get(&framework_id).is_some_and(|framework| framework.is_terminating) || self.ending.is_some()
        {
            tracing::warn!(framework = %framework_id, task = %task.task_id, "ignoring a task: its framework is being ended");
            return;
        }
        let executor = executor_for(&task, &framework_id);
        let ids = [framework_id.as_str(), executor.executor_id.as_str(), task.task_id.as_str()];
        if let Some(bad) = ids.into_iter().find_map(|text| id::validate(text).err()) {
            // The master lets no such ID through; here it would name a directory.
            self.refuse_task(&framework_id, &task, TaskState::Error, Reason::TaskInvalid, &bad);
            return;
        }
        let changed = self.frameworks.get(&framework_id).is_none_or(|framework| framework.info != info);
        if changed {
            match self.frameworks.get_mut(&framework_id) {
                Some(framework) => framework.info = info,
                None => drop(self.frameworks.insert(framework_id.clone(), Framework::new(info))),
            }
            self.store_framework(&framework_id);
        }
        self.hand_over(now, &framework_id, executor, task, launch_executor);
    }

    /// Gives the task to its executor, which may have to be started first.
    fn hand_over(
        &mut self,
        now: Instant,
        framework_id: &FrameworkID,
        info: ExecutorInfo,
        task: TaskInfo,
        launch_executor: bool,
    ) {
        let agent = self.id().to_owned();
        let deadline = now + self.settings.flags.executor_registration_timeout.0;
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        if framework.executors.values().any(|executor| executor.knows(&task.task_id)) {
            tracing::warn!(framework = %framework_id, task = %task.task_id, "ignoring a task that is here already");
            return;
        }
        let Some(executor) = framework.executors.get_mut(&info.executor_id) else {
            let run = Run {
                agent,
                framework: framework_id.to_string(),
                executor: info.executor_id.to_string(),
                container: uuid::Uuid::new_v4().to_string(),
            };
            self.start_executor(framework_id, info, run, task, deadline);
            return;
        };
        match executor.phase {
            Phase::Registering { .. } | Phase::Reconnecting { .. } => executor.queued.push(task),
            Phase::Running => give(executor, &framework.info, task, &mut self.effects),
            Phase::Terminating { .. } | Phase::Terminated => {
                let terminated = executor.phase == Phase::Terminated;
                let ending = if terminated { "terminated" } else { "terminating" };
                let (state, message) = (framework.dropped(), format!("Executor {ending}"));
                // one that is still ending will be reported when it has ended
                let report = launch_executor && terminated;
                self.refuse_task(framework_id, &task, state, Reason::ExecutorTerminated, &message);
                if report {
                    let (framework_id, executor_id) = (framework_id.clone(), info.executor_id);
                    let exited = FromAgent::ExecutorExited { framework_id, executor_id, status: -1 };
                    self.effects.push(Effect::Report(exited));
                }
            }
        }
    }

    fn start_executor(&mut self, id: &FrameworkID, info: ExecutorInfo, run: Run, task: TaskInfo, deadline: Instant) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let is_command = task.executor.is_none();
        tracing::info!(framework = %id, executor = %info.executor_id, container = run.container, "launching an executor");
        if framework.info.checkpoint {
            let record = Record::Executor { run: run.clone(), info: Box::new(info.clone()), is_command };
            self.effects.push(Effect::Store(record));
        }
        self.effects.push(Effect::Launch(Box::new(Launch {
            run: run.clone(),
            framework: framework.info.clone(),
            executor: info.clone(),
            is_command,
        })));
        let mut executor = Executor::new(info, run, is_command, deadline);
        executor.queued.push(task);
        framework.executors.insert(executor.info.executor_id.clone(), executor);
    }

    /// Ends a task that never reached an executor.
    fn refuse_task(
        &mut self,
        framework: &FrameworkID,
        task: &TaskInfo,
        state: TaskState,
        reason: Reason,
        message: &str,
    ) {
        let executor = task.executor.as_ref().map(|executor| executor.executor_id.clone());
        let status = self.status(&task.task_id, executor, state, reason, message);
        self.record(framework, None, status);
    }
}

/// Hands `task` to an executor that is subscribed.
pub(super) fn give(executor: &mut Executor, framework: &FrameworkInfo, task: TaskInfo, effects: &mut Vec<Effect>) {
    let framework_id = framework.id.clone().unwrap_or_default();
    executor.tasks.push(Task::staging(&task, &framework_id));
    if framework.checkpoint {
        let record = Record::Task { run: executor.run.clone(), task: Box::new(task.clone()) };
        effects.push(Effect::Store(record));
    }
    let event = Box::new(Event::Launch(LaunchEvent { task: as_understood(task, framework) }));
    effects.push(Effect::Tell { run: executor.run.clone(), event });
}

/// The executor that the task names, or the agent's own for a command.
fn executor_for(task: &TaskInfo, framework_id: &FrameworkID) -> ExecutorInfo {
    if let Some(executor) = &task.executor {
        return ExecutorInfo { framework_id: Some(framework_id.clone()), ..executor.clone() };
    }
    let command = task.command.clone().unwrap_or_default();
    let text = match (&command.value, command.shell) {
        (Some(value), true) => format!("sh -c '{value}'"),
        (value, _) => format!("[{}, {}]", value.as_deref().unwrap_or_default(), command.arguments.join(", ")),
    };
    let allocation = task.resources.first().and_then(|resource| resource.allocation_info.clone());
    let resources = COMMAND_EXECUTOR
        .map(|(name, amount)| Resource { allocation_info: allocation.clone(), ..Resource::scalar(name, amount) });
    ExecutorInfo {
        executor_id: ExecutorID::from(task.task_id.as_str()),
        framework_id: Some(framework_id.clone()),
        name: Some(format!("Command Executor (Task: {}) (Command: {text})", task.task_id)),
        source: Some(task.task_id.to_string()),
        resources: resources.to_vec(),
        // What the command is comes with the task; the files, environment and user are its process' own.
        command: Some(CommandInfo { value: None, arguments: Vec::new(), shell: false, ..command }),
        // A command that wants an image of its own must not run without it: the launcher refuses it.
        container: task.container.clone(),
        labels: task.labels.clone(),
        ..ExecutorInfo::default()
    }
}

/// `task` with its resources in the format that its framework's executors know.
fn as_understood(mut task: TaskInfo, framework: &FrameworkInfo) -> TaskInfo {
    if !framework.is_capable(ReservationRefinement) {
        task.resources = Resources::from(&task.resources).to_pre_refinement();
        if let Some(executor) = &mut task.executor {
            executor.resources = Resources::from(&executor.resources).to_pre_refinement();
        }
    }
    task
}
