//! A framework as the master keeps it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mesos::framework::FrameworkCapabilityType;
use mesos::{AgentID, FrameworkID, FrameworkInfo, KillPolicy, Resources, Task, TaskID, TaskState};

use super::{Now, StreamId};

/// How a framework is connected.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::master) enum Connection {
    /// Its scheduler listens.
    Connected { stream: StreamId },
    /// Its scheduler is away; at `removal` it is over.
    Disconnected { removal: Now },
    /// Known from agents alone, since the master is new: it stays until its scheduler comes or an operator ends it.
    Recovered,
    /// Over.
    Completed { at: Now },
}

/// Resources of an agent that a framework does not want in a role for a while.
#[derive(Debug, Clone)]
pub(in crate::master) struct Filter {
    pub(super) role: String,
    pub(super) agent_id: AgentID,
    pub(super) resources: Resources,
    pub(super) expires: Now,
}

/// A task that runs, or is over and not acknowledged.
#[derive(Debug, Clone)]
pub(in crate::master) struct LiveTask {
    /// As it is shown; `state` is the latest that the agent told.
    pub(in crate::master) task: Task,
    /// The scheduler asked for its end, with this policy.
    pub(super) kill: Option<Option<KillPolicy>>,
}

/// A framework, its tasks, and what it does not want.
#[derive(Debug, Clone)]
pub(in crate::master) struct Framework {
    /// What its scheduler said last; `id` is set.
    pub(in crate::master) info: FrameworkInfo,
    pub(in crate::master) connection: Connection,
    pub(in crate::master) registered: Now,
    pub(in crate::master) reregistered: Option<Now>,
    pub(in crate::master) tasks: BTreeMap<TaskID, LiveTask>,
    /// Tasks of agents that were lost.
    pub(in crate::master) unreachable_tasks: BTreeMap<TaskID, Task>,
    /// Tasks that are over, the oldest first.
    pub(in crate::master) completed_tasks: VecDeque<Task>,
    /// Roles that want no offers now.
    pub(super) suppressed: BTreeSet<String>,
    pub(super) filters: Vec<Filter>,
    /// How many offers it ever got; the tie-breaker of fairness.
    pub(super) allocations: u64,
}

impl Framework {
    pub(super) fn new(info: FrameworkInfo, connection: Connection, now: Now) -> Self {
        Self {
            info,
            connection,
            registered: now,
            reregistered: None,
            tasks: BTreeMap::new(),
            unreachable_tasks: BTreeMap::new(),
            completed_tasks: VecDeque::new(),
            suppressed: BTreeSet::new(),
            filters: Vec::new(),
            allocations: 0,
        }
    }

    /// Its ID.
    pub(in crate::master) fn id(&self) -> &FrameworkID {
        self.info.id.as_ref().expect("a framework has its ID from the day it is known")
    }

    /// The stream of its scheduler, if connected.
    pub(in crate::master) fn stream(&self) -> Option<&str> {
        match &self.connection {
            Connection::Connected { stream } => Some(stream),
            _ => None,
        }
    }

    /// Whether it understands states of tasks out of reach.
    pub(super) fn is_partition_aware(&self) -> bool {
        self.info.is_capable(FrameworkCapabilityType::PartitionAware)
    }

    /// `state` if it understands it, TASK_LOST if not (section 4.5).
    pub(super) fn state_or_lost(&self, state: TaskState) -> TaskState {
        if self.is_partition_aware() { state } else { TaskState::Lost }
    }

    /// Keeps a task that is over, and no more than `limit` of them.
    pub(super) fn complete(&mut self, task: Task, limit: usize) {
        self.completed_tasks.push_back(task);
        while self.completed_tasks.len() > limit {
            self.completed_tasks.pop_front();
        }
    }

    /// What the framework uses now: tasks that are not over. Executors are with the agents.
    pub(in crate::master) fn task_resources(&self) -> Resources {
        let live = self.tasks.values().filter(|live| !live.task.state.is_terminal());
        live.flat_map(|live| live.task.resources.iter()).collect()
    }
}
