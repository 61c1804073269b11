//! What Docker says of one pod's containers, reduced to what decisions are made of.

use std::net::IpAddr;

use jiff::Timestamp;

/// A pod's containers, as they were at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Sandboxes, newest attempt first.
    pub sandboxes: Vec<Sandbox>,
    /// Containers, newest attempt first.
    pub containers: Vec<Container>,
}

/// A sandbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Sandbox {
    /// Docker's ID.
    pub id: String,
    /// Which of the pod's sandboxes it is, from 0.
    pub attempt: u32,
    /// Whether it runs, in a network that is alive.
    pub running: bool,
    /// When it was started.
    pub started: Timestamp,
    /// Its address on the pods network, or the node's in a hostNetwork pod.
    pub address: Option<IpAddr>,
}

/// A container of the pod's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// Docker's ID.
    pub id: String,
    /// Its name in the pod.
    pub name: String,
    /// How often the container of this name was restarted before this one.
    pub attempt: u32,
    /// [`pod::hash`](crate::pod::hash) of the container it was made from.
    pub hash: String,
    /// The sandbox whose namespaces it is in.
    pub sandbox: String,
    /// The image's ID.
    pub image_id: String,
    /// What it does.
    pub state: State,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Made, and never started: the one who made it died in between.
    Created,
    /// Running since.
    Running(Timestamp),
    /// Ended.
    Exited(Exit),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// Its exit code.
    pub code: i32,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Whether it was killed for want of memory.
    pub oom_killed: bool,
    /// Why it could not be started at all; empty where it was.
    pub error: String,
}

impl Observed {
    /// The sandbox that is to be used, if one runs.
    #[must_use]
    pub fn live_sandbox(&self) -> Option<&Sandbox> {
        self.sandboxes.iter().find(|sandbox| sandbox.running)
    }

    /// The containers named `name`, newest first.
    pub fn named<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Container> + use<'a, 'n> {
        self.containers.iter().filter(move |container| container.name == name)
    }

    /// Whether any container runs.
    #[must_use]
    pub fn any_running(&self) -> bool {
        self.containers.iter().any(Container::running)
    }

    /// Whether Docker has nothing of the pod.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sandboxes.is_empty() && self.containers.is_empty()
    }
}

impl Container {
    /// Whether it runs.
    #[must_use]
    pub fn running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn exit(&self) -> Option<&Exit> {
        match &self.state {
            State::Exited(exit) => Some(exit),
            _ => None,
        }
    }
}
