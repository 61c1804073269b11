//! An agent as the master keeps it.

use std::collections::BTreeMap;

use mesos::agent::{Address, Url};
use mesos::{AgentCapability, AgentID, AgentInfo, ExecutorID, ExecutorInfo, FrameworkID, Resources};

use super::{LinkId, Now};

/// How an agent is connected.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::master) enum Link {
    /// It listens; `unanswered` pings in a row.
    Up { id: LinkId, unanswered: u32 },
    /// Its link ended; at `removal` it counts as unreachable.
    Down { removal: Now },
}

/// An agent, what it has and what of it is taken.
#[derive(Debug, Clone)]
pub(in crate::master) struct Agent {
    /// What it says of itself; `id` is set.
    pub(in crate::master) info: AgentInfo,
    pub(in crate::master) ip: String,
    pub(in crate::master) version: String,
    pub(in crate::master) capabilities: Vec<AgentCapability>,
    pub(in crate::master) link: Link,
    pub(in crate::master) registered: Now,
    pub(in crate::master) reregistered: Option<Now>,
    /// All it has, allocated to nobody.
    pub(in crate::master) total: Resources,
    /// What is in offers, allocated to their roles.
    pub(in crate::master) offered: Resources,
    /// What tasks and executors use, allocated to their roles.
    pub(in crate::master) used: Resources,
    pub(in crate::master) executors: BTreeMap<(FrameworkID, ExecutorID), ExecutorInfo>,
}

impl Agent {
    /// Its ID.
    pub(in crate::master) fn id(&self) -> &AgentID {
        self.info.id.as_ref().expect("an agent has its ID from the day it is known")
    }

    /// Its link, if it is up.
    pub(in crate::master) fn link(&self) -> Option<&str> {
        match &self.link {
            Link::Up { id, .. } => Some(id),
            Link::Down { .. } => None,
        }
    }

    /// What nobody has, allocated to nobody.
    pub(super) fn available(&self) -> Resources {
        let mut available = self.total.clone();
        available.subtract(&self.used.unallocated());
        available.subtract(&self.offered.unallocated());
        available
    }

    /// Its process' name, as Mesos shows it.
    pub(in crate::master) fn pid(&self) -> String {
        format!("slave(1)@{}:{}", self.ip, self.info.port)
    }

    /// Where its API is.
    pub(super) fn url(&self) -> Url {
        let address =
            Address { hostname: Some(self.info.hostname.clone()), ip: Some(self.ip.clone()), port: self.info.port };
        Url { scheme: "http".to_owned(), address, path: Some("/slave(1)".to_owned()), ..Url::default() }
    }

    /// The executors of a framework that run here.
    pub(super) fn executors_of<'a>(&'a self, framework_id: &'a FrameworkID) -> impl Iterator<Item = &'a ExecutorInfo> {
        self.executors.iter().filter(move |((of, _), _)| of == framework_id).map(|(_, info)| info)
    }

    /// Takes an executor off the books.
    pub(super) fn remove_executor(&mut self, framework_id: &FrameworkID, executor_id: &ExecutorID) -> bool {
        let removed = self.executors.remove(&(framework_id.clone(), executor_id.clone()));
        if let Some(info) = &removed {
            self.used.subtract(&Resources::from(&info.resources));
        }
        removed.is_some()
    }
}
