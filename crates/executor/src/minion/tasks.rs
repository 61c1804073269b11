//! The tasks that Mesos gave us and that have not ended, kept for an executor that is started again.

use crate::channel::{Agent, Task, TaskState, ToExecutor};

/// All of them, in the order of their launch.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    live: Vec<Live>,
}

#[derive(Debug)]
struct Live {
    task: Task,
    /// Whether Mesos wants it ended, with which grace period.
    kill: Option<Option<i64>>,
}

impl Tasks {
    /// Notes a launched task; false where it is known, for Mesos may say it twice.
    pub(super) fn launch(&mut self, task: Task) -> bool {
        let new = !self.live.iter().any(|live| live.task.id == task.id);
        if new {
            self.live.push(Live { task, kill: None });
        }
        new
    }

    /// Notes that a task is to end.
    pub(super) fn kill(&mut self, id: &str, grace: Option<i64>) {
        if let Some(live) = self.live.iter_mut().find(|live| live.task.id == id) {
            live.kill = Some(grace);
        }
    }

    /// Notes a task's state; whether Mesos has to hear of it. A task that ended is forgotten, and nothing is said of it
    /// any more. A state that a restarted executor repeats is no news.
    pub(super) fn update(&mut self, id: &str, state: TaskState) -> bool {
        let Some(at) = self.live.iter().position(|live| live.task.id == id) else {
            return state == TaskState::Lost; // the answer to a kill of what nobody knows
        };
        if state.is_terminal() {
            self.live.remove(at);
            return true;
        }
        let reported = &mut self.live[at].task.reported;
        let backwards = *reported == Some(TaskState::Running) && state == TaskState::Starting;
        !backwards && reported.replace(state) != Some(state)
    }

    /// What an executor that was just started is told.
    pub(super) fn introduction(&self, agent: Agent) -> Vec<ToExecutor> {
        let mut messages = vec![ToExecutor::Hello(agent)];
        for Live { task, kill } in &self.live {
            messages.push(ToExecutor::Launch(task.clone()));
            if let Some(grace_seconds) = *kill {
                messages.push(ToExecutor::Kill { task_id: task.id.clone(), grace_seconds });
            }
        }
        messages.push(ToExecutor::Synced);
        messages
    }

    /// The IDs of all that live.
    pub(super) fn ids(&self) -> Vec<String> {
        self.live.iter().map(|live| live.task.id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str) -> Task {
        Task { id: id.to_owned(), data: String::new(), reported: None }
    }

    #[test]
    fn a_restarted_executor_is_told_what_lives() {
        let mut tasks = Tasks::default();
        assert!(tasks.launch(task("a")) && tasks.launch(task("b")) && tasks.launch(task("c")));
        assert!(!tasks.launch(task("a")), "said twice");
        assert!(tasks.update("a", TaskState::Running));
        assert!(tasks.update("b", TaskState::Failed));
        tasks.kill("c", Some(3));
        let known = Task { reported: Some(TaskState::Running), ..task("a") };
        assert_eq!(
            tasks.introduction(Agent::default()),
            [
                ToExecutor::Hello(Agent::default()),
                ToExecutor::Launch(known),
                ToExecutor::Launch(task("c")),
                ToExecutor::Kill { task_id: "c".into(), grace_seconds: Some(3) },
                ToExecutor::Synced,
            ]
        );
    }

    #[test]
    fn mesos_hears_each_state_once_and_nothing_after_the_end() {
        let mut tasks = Tasks::default();
        tasks.launch(task("a"));
        assert!(tasks.update("a", TaskState::Starting));
        assert!(tasks.update("a", TaskState::Running));
        assert!(!tasks.update("a", TaskState::Running), "repeated");
        assert!(!tasks.update("a", TaskState::Starting), "adopted again");
        assert!(tasks.update("a", TaskState::Killed));
        assert!(!tasks.update("a", TaskState::Running), "it has ended");
        assert!(tasks.update("unknown", TaskState::Lost));
    }
}
