//! What a task's status means for its pod (reference/k8sm-behaviour.md, section 2.15, and docs/architecture.md).

use mesos::{Source, TaskState, TaskStatus};

/// Messages by which the executor says that a pod never ran.
const LAUNCH_FAILURES: &[&str] = &[
    "create-binding-failure",
    "annotation-update-failure",
    "unmarshal-task-data-failure",
    "executor-unregistered",
    "launch-task-failed",
];
/// The message of an executor that was told to end and takes its pods' tasks along.
const SHUTDOWN: &str = "executor-shutdown";

/// What to do with a pod after a status update of its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Ignore,
    /// The executor has bound the pod.
    Bound,
    /// The pod runs.
    Running,
    /// The agent is out of reach; the task may come back.
    Unreachable,
    /// The pod has come to its own end, or was killed as asked.
    Ended,
    /// The task is gone and the pod has not ended: launch it again.
    Lost,
    /// The task could not be launched: launch it again, later.
    Failed,
}

/// Judges a status. `deleting`: the pod is being deleted, so that a kill was asked for.
#[must_use]
pub fn judge(status: &TaskStatus, deleting: bool) -> Verdict {
    let message = status.message.as_deref().unwrap_or_default();
    let executor = status.source == Some(Source::Executor);
    match status.state {
        TaskState::Staging => Verdict::Ignore,
        TaskState::Starting => Verdict::Bound,
        TaskState::Running | TaskState::Killing => Verdict::Running,
        TaskState::Unreachable => Verdict::Unreachable,
        TaskState::Finished => Verdict::Ended,
        TaskState::Failed if executor && LAUNCH_FAILURES.iter().any(|known| message.starts_with(known)) => {
            Verdict::Failed
        }
        TaskState::Failed if executor => Verdict::Ended,
        TaskState::Killed if deleting => Verdict::Ended,
        TaskState::Killed if executor && !message.starts_with(SHUTDOWN) => Verdict::Ended,
        TaskState::Error => Verdict::Failed,
        TaskState::Failed if failed_to_start(status) => Verdict::Failed,
        _ => Verdict::Lost,
    }
}

/// The executor itself could not be started: trying again at once would only fail again.
fn failed_to_start(status: &TaskStatus) -> bool {
    use mesos::Reason::{ContainerLaunchFailed, ExecutorRegistrationTimeout};
    matches!(status.reason, Some(ContainerLaunchFailed | ExecutorRegistrationTimeout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::Reason;

    fn status(state: TaskState, source: Source, message: &str, reason: Option<Reason>) -> TaskStatus {
        TaskStatus { state, source: Some(source), message: Some(message.to_owned()), reason, ..TaskStatus::default() }
    }

    #[test]
    fn the_executor_tells_a_pods_end_from_a_failed_launch() {
        let of = |state, message| judge(&status(state, Source::Executor, message, None), false);
        assert_eq!(of(TaskState::Starting, "create-binding-success"), Verdict::Bound);
        assert_eq!(of(TaskState::Running, "pod-running:p_default"), Verdict::Running);
        assert_eq!(of(TaskState::Finished, ""), Verdict::Ended);
        assert_eq!(of(TaskState::Failed, "container c exited with 1"), Verdict::Ended);
        assert_eq!(of(TaskState::Failed, "create-binding-failure: timed out"), Verdict::Failed);
        assert_eq!(of(TaskState::Killed, "pod-deleted"), Verdict::Ended);
        assert_eq!(of(TaskState::Killed, "executor-shutdown"), Verdict::Lost);
    }

    #[test]
    fn a_task_that_died_with_its_executor_or_agent_is_lost() {
        for (state, source, reason) in [
            (TaskState::Failed, Source::Agent, Reason::ExecutorTerminated),
            (TaskState::Lost, Source::Master, Reason::AgentRemoved),
            (TaskState::Dropped, Source::Master, Reason::InvalidOffers),
            (TaskState::Gone, Source::Master, Reason::Reconciliation),
            (TaskState::Unknown, Source::Master, Reason::Reconciliation),
            (TaskState::Killed, Source::Agent, Reason::TaskKilledDuringLaunch),
        ] {
            assert_eq!(judge(&status(state, source, "", Some(reason)), false), Verdict::Lost, "{state}");
        }
    }

    #[test]
    fn what_cannot_be_launched_waits() {
        let bad = status(TaskState::Error, Source::Master, "Task uses no resources", Some(Reason::TaskInvalid));
        assert_eq!(judge(&bad, false), Verdict::Failed);
        let broken = status(TaskState::Failed, Source::Agent, "", Some(Reason::ContainerLaunchFailed));
        assert_eq!(judge(&broken, false), Verdict::Failed);
    }

    #[test]
    fn a_partition_is_not_an_end() {
        let away = status(TaskState::Unreachable, Source::Master, "", Some(Reason::AgentRemoved));
        assert_eq!(judge(&away, true), Verdict::Unreachable);
    }

    #[test]
    fn a_kill_that_was_asked_for_is_an_end_whoever_reports_it() {
        let killed = status(TaskState::Killed, Source::Agent, "", None);
        assert_eq!(judge(&killed, true), Verdict::Ended);
        assert_eq!(judge(&killed, false), Verdict::Lost);
    }
}
