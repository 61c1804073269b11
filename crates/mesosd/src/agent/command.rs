//! The agent's own executor: runs the command of one task that names no executor, in a process of its own.
//!
//! It reports what Apache Mesos' command executor reports: TASK_STARTING, TASK_RUNNING, the task's health where that is asked
//! for, and the command's end in words.

mod health;

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use mesos::executor::Event;
use mesos::executor::client::{Agent, Notice, Notices, connect};
use mesos::executor::environment::Environment;
use mesos::framework::FrameworkCapabilityType::TaskKillingState;
use mesos::{CommandInfo, KillPolicy, TaskID, TaskInfo, TaskState, TaskStatus};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use self::health::{Health, Verdict};
use super::process::{signal, signal_group};

/// How long a killed command has before SIGKILL, where nobody says otherwise (Mesos' own number).
const KILL_GRACE: Duration = Duration::from_secs(3);
/// How long the agent may take to store the last update.
const FLUSH: Duration = Duration::from_secs(30);

/// Runs the one task that the agent launches; the environment says which agent.
///
/// # Errors
/// When the environment is not one that an agent makes, or the signal handlers cannot be installed.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    if let Some(unexpected) = args.first() {
        anyhow::bail!("the command executor has no flags, not even '{unexpected}'");
    }
    serve::log::init(0);
    let environment = Environment::from_process().context("failed to read the executor's environment")?;
    let stop = serve::shutdown::on_signal()?;
    let (agent, mut notices) = connect(environment);
    let Some((task, tells_killing)) = launched(&mut notices).await else { return Ok(()) };
    let mut executor = Executor {
        agent: agent.clone(),
        id: task.task_id.clone(),
        tells_killing,
        kill: None,
        is_orphan: false,
        healthy: None,
    };
    executor.report(TaskState::Starting, None);
    match spawn(&task) {
        Ok(child) => {
            executor.report(TaskState::Running, None);
            executor.supervise(child, &task, &mut notices, stop).await;
        }
        Err(error) => executor.report(TaskState::Failed, Some(format!("Failed to launch the command: {error:#}"))),
    }
    if !executor.is_orphan && !agent.flushed(FLUSH).await {
        tracing::warn!("the agent did not store the task's last status in time");
    }
    Ok(())
}

/// The task, and whether its framework wants to hear of TASK_KILLING. `None` if there will be none.
async fn launched(notices: &mut Notices) -> Option<(TaskInfo, bool)> {
    let mut tells_killing = false;
    loop {
        match notices.next().await? {
            Notice::Event(Event::Subscribed(subscribed)) => {
                tells_killing = subscribed.framework_info.is_capable(TaskKillingState);
            }
            Notice::Event(Event::Launch(launch)) => return Some((launch.task, tells_killing)),
            Notice::Event(Event::Shutdown) | Notice::GaveUp { .. } => return None,
            Notice::Event(_) | Notice::Disconnected { .. } => {}
        }
    }
}

/// Starts the task's command in a session of its own, so that all that it starts can be ended with it.
fn spawn(task: &TaskInfo) -> anyhow::Result<Child> {
    let wanted = task.command.clone().unwrap_or_default();
    let value = wanted.value.clone().unwrap_or_default();
    let mut command = process_of(&wanted)?;
    let role = task.resources.first().and_then(|resource| resource.allocation_info.as_ref()?.role.as_ref());
    command.envs(role.map(|role| ("MESOS_ALLOCATION_ROLE", role)));
    command.process_group(0);
    Command::from(command).spawn().with_context(|| format!("failed to execute '{value}'"))
}

/// A command as a process that is not started yet: `/bin/sh -c value`, or `value` with its arguments, of which the first is
/// argv[0].
fn process_of(wanted: &CommandInfo) -> anyhow::Result<std::process::Command> {
    let value = wanted.value.as_ref().context("the command has no value")?;
    let mut command = if wanted.shell {
        let mut command = std::process::Command::new("/bin/sh");
        command.arg0("sh").arg("-c").arg(value);
        command
    } else {
        let mut command = std::process::Command::new(value);
        if let Some((name, arguments)) = wanted.arguments.split_first() {
            command.arg0(name).args(arguments);
        }
        command
    };
    let variables = wanted.environment.iter().flat_map(|environment| &environment.variables);
    command.envs(variables.filter_map(|variable| Some((&variable.name, variable.value.as_ref()?))));
    Ok(command)
}

struct Executor {
    agent: Agent,
    id: TaskID,
    tells_killing: bool,
    /// Set once the task is to end: when it is killed for good.
    kill: Option<Instant>,
    /// Has the agent not come back in time? Then nobody waits for reports.
    is_orphan: bool,
    /// What the task's health is, once it is known and for as long as it matters.
    healthy: Option<bool>,
}

impl Executor {
    fn report(&self, state: TaskState, message: Option<String>) {
        self.agent.update(TaskStatus { task_id: self.id.clone(), state, message, ..TaskStatus::default() });
    }

    /// Waits for the command's end, and ends it when told to.
    async fn supervise(
        &mut self,
        mut child: Child,
        task: &TaskInfo,
        notices: &mut Notices,
        stop: tokio_util::sync::CancellationToken,
    ) {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        let longest = task.max_completion_time.as_ref().map(|longest| Instant::now() + longest.duration());
        let mut health = Health::of(task);
        loop {
            tokio::select! {
                status = child.wait() => {
                    // What the command left in its group ends with it.
                    signal_group(pid, libc::SIGKILL);
                    return self.report_end(status.ok(), longest);
                }
                () = until(self.kill) => {
                    signal_group(pid, libc::SIGKILL);
                    signal(pid, libc::SIGKILL);
                    self.kill = Some(Instant::now() + KILL_GRACE);
                }
                () = until(longest), if self.kill.is_none() => self.end(pid, task, None),
                verdict = next(&mut health), if self.kill.is_none() => {
                    if let Verdict::Told { healthy, ends } = verdict {
                        self.tell_health(healthy);
                        if ends {
                            self.end(pid, task, None);
                        }
                    }
                }
                () = stop.cancelled(), if self.kill.is_none() => self.end(pid, task, None),
                notice = notices.next(), if !self.is_orphan => match notice {
                    Some(Notice::Event(Event::Kill(kill))) if kill.task_id == self.id => {
                        self.end(pid, task, kill.kill_policy);
                    }
                    Some(Notice::Event(Event::Shutdown)) => self.end(pid, task, None),
                    Some(Notice::Event(_) | Notice::Disconnected { .. }) => {}
                    Some(Notice::GaveUp { .. }) | None => {
                        self.is_orphan = true;
                        self.end(pid, task, None);
                    }
                },
            }
        }
    }

    /// Asks the command to end, and notes when it has to have ended.
    fn end(&mut self, pid: i32, task: &TaskInfo, policy: Option<KillPolicy>) {
        if self.kill.is_some() {
            return;
        }
        let grace = policy.or_else(|| task.kill_policy.clone()).and_then(|policy| policy.grace_period);
        self.kill = Some(Instant::now() + grace.map_or(KILL_GRACE, |grace| grace.duration()));
        if self.tells_killing {
            self.report(TaskState::Killing, None);
        }
        signal_group(pid, libc::SIGTERM);
    }

    fn tell_health(&mut self, healthy: bool) {
        self.healthy = Some(healthy);
        self.agent.update(TaskStatus {
            task_id: self.id.clone(),
            state: TaskState::Running,
            reason: Some(mesos::Reason::TaskHealthCheckStatusUpdated),
            healthy: Some(healthy),
            ..TaskStatus::default()
        });
    }

    fn report_end(&self, status: Option<ExitStatus>, longest: Option<Instant>) {
        let is_overdue = longest.is_some_and(|longest| longest <= Instant::now());
        let (state, message) = outcome(status, self.kill.is_some());
        if is_overdue && state == TaskState::Killed {
            self.agent.update(TaskStatus {
                task_id: self.id.clone(),
                state: TaskState::Failed,
                message: Some(message),
                reason: Some(mesos::Reason::MaxCompletionTimeReached),
                ..TaskStatus::default()
            });
        } else {
            // Whoever is killed for being unhealthy says so to the last.
            let healthy = self.healthy.filter(|healthy| !healthy && state == TaskState::Killed);
            let (task_id, message) = (self.id.clone(), Some(message));
            self.agent.update(TaskStatus { task_id, state, message, healthy, ..TaskStatus::default() });
        }
    }
}

/// What the next health check says; for ever nothing where there is none.
async fn next(health: &mut Option<Health>) -> Verdict {
    match health {
        Some(health) => health.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for `deadline`, for ever where there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What the command's end means, in Mesos' words.
fn outcome(status: Option<ExitStatus>, was_killed: bool) -> (TaskState, String) {
    let Some(status) = status else { return (TaskState::Failed, "Failed to get exit status for command".to_owned()) };
    let message = match (status.code(), status.signal()) {
        (Some(code), _) => format!("Command exited with status {code}"),
        (None, Some(number)) => format!("Command terminated with signal {}", describe(number)),
        (None, None) => "Command ended in an unknown way".to_owned(),
    };
    let state = match status.code() {
        _ if was_killed => TaskState::Killed,
        Some(0) => TaskState::Finished,
        _ => TaskState::Failed,
    };
    (state, message)
}

/// A signal's description as strsignal(3) has it; by number where this list has none.
fn describe(number: i32) -> String {
    let description = match number {
        libc::SIGHUP => "Hangup",
        libc::SIGINT => "Interrupt",
        libc::SIGQUIT => "Quit",
        libc::SIGILL => "Illegal instruction",
        libc::SIGTRAP => "Trace/breakpoint trap",
        libc::SIGABRT => "Aborted",
        libc::SIGBUS => "Bus error",
        libc::SIGFPE => "Floating point exception",
        libc::SIGKILL => "Killed",
        libc::SIGUSR1 => "User defined signal 1",
        libc::SIGSEGV => "Segmentation fault",
        libc::SIGUSR2 => "User defined signal 2",
        libc::SIGPIPE => "Broken pipe",
        libc::SIGALRM => "Alarm clock",
        libc::SIGTERM => "Terminated",
        other => return format!("Unknown signal {other}"),
    };
    description.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commands_end_is_told_as_recorded() {
        let end = |raw: i32, killed| outcome(Some(ExitStatus::from_raw(raw)), killed);
        assert_eq!(end(0, false), (TaskState::Finished, "Command exited with status 0".to_owned()));
        assert_eq!(end(7 << 8, false), (TaskState::Failed, "Command exited with status 7".to_owned()));
        assert_eq!(end(15, true), (TaskState::Killed, "Command terminated with signal Terminated".to_owned()));
        assert_eq!(end(9, false), (TaskState::Failed, "Command terminated with signal Killed".to_owned()));
    }
}
