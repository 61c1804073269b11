//! Tasks that are to end: asked for, asked for again, and those that nobody knows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mesos::scheduler::{Action, Kill};
use mesos::{AgentID, TaskID};

use super::Machine;
use crate::launch;

/// A kill that shows no effect is repeated after this long.
pub(super) const KILL_AGAIN: Duration = Duration::from_secs(10);

/// A kill that was asked for.
pub(super) struct KillState {
    pub(super) agent: AgentID,
    pub(super) grace: i64,
    pub(super) again: Instant,
}

/// A task that no pod knows, and until when it may yet be somebody's.
pub(super) struct Stray {
    pub(super) agent: AgentID,
    pub(super) until: Instant,
}

impl Machine {
    pub(super) fn kill(&mut self, task: &TaskID, agent: &AgentID, grace: i64, now: Instant) {
        if self.kills.get(task).is_some_and(|kill| kill.grace <= grace) {
            return;
        }
        self.kills.insert(task.clone(), KillState { agent: agent.clone(), grace, again: now + KILL_AGAIN });
        self.send_kill(task, agent, grace);
    }

    fn send_kill(&mut self, task: &TaskID, agent: &AgentID, grace: i64) {
        let kill_policy = Some(launch::kill_policy(grace));
        self.mesos(Action::Kill(Kill { task_id: task.clone(), agent_id: Some(agent.clone()), kill_policy }));
    }

    pub(super) fn repeat_kills(&mut self, now: Instant) {
        let due: Vec<_> = self
            .kills
            .iter_mut()
            .filter(|(_, kill)| kill.again <= now)
            .map(|(task, kill)| {
                kill.again = now + KILL_AGAIN;
                (task.clone(), kill.agent.clone(), kill.grace)
            })
            .collect();
        for (task, agent, grace) in due {
            self.send_kill(&task, &agent, grace);
        }
    }

    pub(super) fn kill_strays(&mut self, now: Instant) {
        if !self.pods_known {
            return;
        }
        let due: BTreeSet<TaskID> =
            self.strays.iter().filter(|(_, stray)| stray.until <= now).map(|(task, _)| task.clone()).collect();
        for task in due {
            let stray = self.strays.remove(&task).expect("the task was found just now");
            tracing::info!(%task, agent = %stray.agent, "no pod knows this task: it is killed");
            self.kill(&task, &stray.agent, 30, now);
        }
    }
}
