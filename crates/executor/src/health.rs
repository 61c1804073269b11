//! How containers that run do: what their postStart hooks and their startup, liveness and readiness probes say.
//!
//! [`probe`] decides, purely; [`watch`] asks in time, with one task a container that has something to ask; [`Health`] is what
//! plans and statuses are made with.

pub mod probe;
mod watch;

use std::collections::HashMap;

pub use watch::{Scene, Watcher};

/// How a running container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether its postStart hook is still running: until then the container does not count as running.
    pub begins: bool,
    /// Whether it has started: its hook is done, and its startup probe succeeded.
    pub started: bool,
    /// Whether it is ready: it has started, and its readiness probe succeeds.
    pub ready: bool,
    /// Why it is to be stopped, if it is.
    pub fatal: Option<Fatal>,
}

/// Why a container is to be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// A probe of that kind failed too often; the seconds it gives the container to end, where it has a word on that.
    Probe(probe::Kind, Option<i64>),
    /// Its postStart hook failed.
    PostStart,
}

impl Health {
    /// A container that nobody asks: it is ready while it runs.
    pub const WELL: Self = Self { begins: false, started: true, ready: true, fatal: None };
}

/// Healths by Docker's IDs of containers; one without an entry is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healths(HashMap<String, Health>);

impl Healths {
    /// How the container `id` does.
    #[must_use]
    pub fn of(&self, id: &str) -> &Health {
        self.0.get(id).unwrap_or(&Health::WELL)
    }

    /// Notes how the container `id` does.
    pub fn insert(&mut self, id: String, health: Health) {
        self.0.insert(id, health);
    }
}
