//! Keeps the core, its streams and its timers: inputs go in under a lock, effects go out before it is given back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mesos::MasterInfo;
use mesos::agent::Address;
use mesos::scheduler::{Call, Subscribe};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::core::{Core, Effect, LinkId, Now, Refusal, Settings, StreamId};
use super::flags::Flags;
use super::stream::{self, Records, Sender};
use crate::link::{FromAgent, Registration};

/// A running master. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// The next deadline has changed.
    rescheduled: Notify,
    /// Where the clock of the core stood at `started_at`.
    started: Now,
    started_at: Instant,
    flags: Vec<(&'static str, String)>,
    cluster: Option<String>,
}

struct State {
    core: Core,
    schedulers: HashMap<StreamId, Sender>,
    agents: HashMap<LinkId, Sender>,
    deadline: Now,
}

impl Server {
    /// A master that listens on `address`, with an ID of its own.
    pub(super) fn new(flags: &Flags, address: std::net::SocketAddr) -> Self {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let core = Core::new(settings(flags, address), started);
        let deadline = core.next_deadline();
        let state = State { core, schedulers: HashMap::new(), agents: HashMap::new(), deadline };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            rescheduled: Notify::new(),
            started,
            started_at: Instant::now(),
            flags: flags.shown(),
            cluster: flags.cluster.clone(),
        }))
    }

    /// The master's ID.
    pub(super) fn id(&self) -> String {
        self.read(|core, _| core.settings.info.id.clone())
    }

    /// The flags by name, as `/flags` shows them.
    pub(super) fn flags(&self) -> &[(&'static str, String)] {
        &self.0.flags
    }

    /// The cluster's name, if it has one.
    pub(super) fn cluster(&self) -> Option<&str> {
        self.0.cluster.as_deref()
    }

    /// Looks at the core.
    pub(super) fn read<R>(&self, look: impl FnOnce(&Core, Now) -> R) -> R {
        look(&self.0.state.lock().core, self.now())
    }

    /// A scheduler subscribes: its stream's ID and body.
    pub(super) fn subscribe(&self, subscribe: Subscribe) -> (StreamId, Records) {
        let id = uuid::Uuid::new_v4().to_string();
        let (server, closed) = (self.clone(), id.clone());
        let (sender, records) = stream::channel(move || server.scheduler_gone(&closed));
        self.apply(|state, now| {
            state.schedulers.insert(id.clone(), sender);
            state.core.subscribe(now, id.clone(), subscribe);
        });
        (id, records)
    }

    /// A scheduler calls.
    pub(super) fn call(&self, stream: Option<&str>, call: Call) -> Result<(), Refusal> {
        self.apply(|state, now| state.core.call(now, stream, call))
    }

    /// An operator ends a framework. Returns whether there was one.
    pub(super) fn teardown(&self, framework_id: &mesos::FrameworkID) -> bool {
        self.apply(|state, now| {
            let is_known = state.core.frameworks.contains_key(framework_id);
            state.core.remove_framework(now, framework_id);
            is_known
        })
    }

    /// An operator says that an agent is gone for good. Returns whether there is or was one.
    pub(super) fn mark_gone(&self, agent_id: &mesos::AgentID) -> bool {
        self.apply(|state, now| state.core.mark_gone(now, agent_id))
    }

    /// An agent registers: its link's ID and body.
    pub(super) fn register(&self, registration: Registration) -> (LinkId, Records) {
        let id = uuid::Uuid::new_v4().to_string();
        let (server, closed) = (self.clone(), id.clone());
        let (sender, records) = stream::channel(move || server.agent_gone(&closed));
        self.apply(|state, now| {
            state.agents.insert(id.clone(), sender);
            state.core.register(now, id.clone(), registration);
        });
        (id, records)
    }

    /// An agent says something. Returns whether its link is one.
    pub(super) fn agent_message(&self, link: &str, message: FromAgent) -> bool {
        self.apply(|state, now| state.core.agent_message(now, link, message))
    }

    fn scheduler_gone(&self, stream: &str) {
        self.apply(|state, now| {
            state.schedulers.remove(stream);
            state.core.stream_closed(now, stream);
        });
    }

    fn agent_gone(&self, link: &str) {
        self.apply(|state, now| {
            state.agents.remove(link);
            state.core.link_closed(now, link);
        });
    }

    /// Does what is due, whenever it is, until `stop`. Then all streams end.
    pub(super) async fn keep_time(self, stop: CancellationToken) {
        loop {
            let deadline = self.0.state.lock().deadline;
            let wait = deadline.saturating_sub(self.now());
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.rescheduled.notified() => continue,
                () = tokio::time::sleep(wait) => self.apply(|state, now| state.core.time_passed(now)),
            }
        }
        self.hang_up();
    }

    /// Ends all streams and links.
    pub(super) fn hang_up(&self) {
        let mut state = self.0.state.lock();
        state.schedulers.clear();
        state.agents.clear();
    }

    fn now(&self) -> Now {
        self.0.started + self.0.started_at.elapsed()
    }

    fn apply<R>(&self, change: impl FnOnce(&mut State, Now) -> R) -> R {
        let mut state = self.0.state.lock();
        let now = self.now();
        let result = change(&mut state, now);
        state.perform(now);
        let deadline = state.core.next_deadline();
        if deadline != state.deadline {
            state.deadline = deadline;
            self.0.rescheduled.notify_one();
        }
        result
    }
}

impl State {
    /// Does what the core wants done; peers that do not keep up are hung up on, which may want more to be done.
    fn perform(&mut self, now: Now) {
        loop {
            let effects = self.core.take_effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Event { stream, event } => {
                        let record = mesos::json::to_vec(&event);
                        if self.schedulers.get(&stream).is_some_and(|sender| !sender.send(&record)) {
                            tracing::warn!("a scheduler does not read what it is told: its stream is ended");
                            self.schedulers.remove(&stream);
                            self.core.stream_closed(now, &stream);
                        }
                    }
                    Effect::EndStream { stream } => {
                        self.schedulers.remove(&stream);
                    }
                    Effect::Command { link, command } => {
                        let record = mesos::json::to_vec(&command);
                        if self.agents.get(&link).is_some_and(|sender| !sender.send(&record)) {
                            tracing::warn!("an agent does not read what it is told: its link is ended");
                            self.agents.remove(&link);
                            self.core.link_closed(now, &link);
                        }
                    }
                    Effect::EndLink { link } => {
                        self.agents.remove(&link);
                    }
                }
            }
        }
    }
}

fn settings(flags: &Flags, address: std::net::SocketAddr) -> Settings {
    let ip = flags.advertise_ip.unwrap_or_else(|| address.ip());
    let port = flags.advertise_port.unwrap_or_else(|| address.port());
    let number = match ip {
        std::net::IpAddr::V4(ip) => u32::from_le_bytes(ip.octets()),
        std::net::IpAddr::V6(_) => 0,
    };
    let (hostname, port_number) = (flags.hostname.clone(), i32::from(port));
    let info = MasterInfo {
        id: uuid::Uuid::new_v4().to_string(),
        ip: number,
        port: u32::from(port),
        pid: Some(format!("master@{}", std::net::SocketAddr::new(ip, port))),
        hostname: Some(hostname.clone()),
        address: Some(Address { hostname: Some(hostname), ip: Some(ip.to_string()), port: port_number }),
        ..MasterInfo::default()
    };
    Settings {
        info,
        roles: flags.roles(),
        root_submissions: flags.root_submissions,
        allocation_interval: flags.allocation_interval,
        offer_timeout: flags.offer_timeout,
        agent_ping_timeout: flags.agent_ping_timeout,
        max_agent_ping_timeouts: flags.max_agent_ping_timeouts,
        agent_reregister_timeout: flags.agent_reregister_timeout,
        max_completed_frameworks: flags.max_completed_frameworks,
        max_completed_tasks: flags.max_completed_tasks_per_framework,
        max_unreachable_tasks: flags.max_unreachable_tasks_per_framework,
    }
}

/// Times that are given in flags.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    mesos::executor::environment::parse_duration(text).ok_or_else(|| format!("'{text}' is no duration such as 15secs"))
}
