//! What a master decides. No IO, no clock: calls, messages of agents and the passing of time come in, events for
//! schedulers and commands for agents go out as [`Effect`]s.
//!
//! `Now` is the time since the Unix epoch and never goes back.

mod accept;
mod agent;
mod agents;
mod allocate;
mod calls;
mod framework;
mod frameworks;
mod reconcile;
mod role;
mod tasks;
mod timers;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use mesos::master::{MasterCapability, MasterCapabilityType};
use mesos::scheduler::Event;
use mesos::{AgentID, FrameworkID, MasterInfo, Offer, OfferID, Resources};

pub(super) use self::agent::{Agent, Link};
pub(super) use self::calls::Refusal;
pub(super) use self::framework::{Connection, Framework};
use crate::link::ToAgent;

/// Time since the Unix epoch; never goes back.
pub(super) type Now = Duration;

/// A scheduler's stream. The text is its `Mesos-Stream-Id`.
pub(super) type StreamId = String;

/// An agent's link.
pub(super) type LinkId = String;

/// The version of the Mesos API that we speak. Clients parse it as numbers.
pub(super) const VERSION: &str = "1.12.0";

/// What is to be done in the world.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// Tell a scheduler.
    Event { stream: StreamId, event: Box<Event> },
    /// End a scheduler's stream, after what was told.
    EndStream { stream: StreamId },
    /// Tell an agent.
    Command { link: LinkId, command: Box<ToAgent> },
    /// End an agent's link, after what was told.
    EndLink { link: LinkId },
}

/// What a master is told at its start.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Who it is; `id` is new with each start.
    pub(super) info: MasterInfo,
    /// The roles that may be subscribed to besides `*`; none means all.
    pub(super) roles: Vec<String>,
    /// Whether frameworks may run as root.
    pub(super) root_submissions: bool,
    /// The least time between two rounds of offers that nobody asked for.
    pub(super) allocation_interval: Duration,
    /// How long an offer stands; `None` for ever.
    pub(super) offer_timeout: Option<Duration>,
    /// How often agents are pinged.
    pub(super) agent_ping_timeout: Duration,
    /// So many unanswered pings make an agent unreachable.
    pub(super) max_agent_ping_timeouts: u32,
    /// How long after its start the master waits for agents of the one before it.
    pub(super) agent_reregister_timeout: Duration,
    /// How many frameworks that are over are remembered.
    pub(super) max_completed_frameworks: usize,
    /// How many tasks that are over are remembered for each framework.
    pub(super) max_completed_tasks: usize,
    /// How many unreachable tasks are remembered for each framework.
    pub(super) max_unreachable_tasks: usize,
}

/// How often schedulers hear a heartbeat.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many agents that were lost are remembered.
const MAX_UNREACHABLE_AGENTS: usize = 10_240;

/// An offer that stands.
#[derive(Debug, Clone)]
pub(super) struct OpenOffer {
    /// As the framework sees it.
    pub(super) offer: Offer,
    /// The role that it was made to.
    pub(super) role: String,
    /// Its resources, allocated to the role, in the refined format.
    pub(super) resources: Resources,
    /// When it is rescinded.
    expires: Option<Now>,
}

/// Numbers that only grow, for the metrics.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    pub(super) agent_registrations: u64,
    pub(super) agent_reregistrations: u64,
    pub(super) agent_removals: u64,
    pub(super) agent_unreachable: u64,
    pub(super) valid_status_updates: u64,
    pub(super) invalid_status_updates: u64,
    pub(super) valid_acknowledgements: u64,
    pub(super) invalid_acknowledgements: u64,
    pub(super) dropped_messages: u64,
    /// Tasks that reached each terminal state.
    pub(super) ended_tasks: BTreeMap<mesos::TaskState, u64>,
}

/// The state of a master.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) settings: Settings,
    pub(super) started: Now,
    pub(super) agents: BTreeMap<AgentID, Agent>,
    pub(super) frameworks: BTreeMap<FrameworkID, Framework>,
    /// Frameworks that are over, the oldest first.
    pub(super) completed: VecDeque<Framework>,
    pub(super) offers: BTreeMap<OfferID, OpenOffer>,
    /// Agents that were lost, and when.
    pub(super) unreachable: BTreeMap<AgentID, Now>,
    /// Agents that an operator marked gone. They never come back.
    gone: BTreeSet<AgentID>,
    pub(super) counters: Counters,
    next_framework: u64,
    next_agent: u64,
    next_offer: u64,
    timers: timers::Timers,
    effects: Vec<Effect>,
}

impl Core {
    /// A master that knows nobody yet.
    pub(super) fn new(mut settings: Settings, now: Now) -> Self {
        let capabilities =
            [MasterCapabilityType::AgentUpdate, MasterCapabilityType::AgentDraining, MasterCapabilityType::QuotaV2];
        settings.info.version = Some(VERSION.to_owned());
        settings.info.capabilities =
            capabilities.map(|capability| MasterCapability { r#type: Some(capability) }).to_vec();
        let timers = timers::Timers::new(&settings, now);
        Self {
            settings,
            started: now,
            agents: BTreeMap::new(),
            frameworks: BTreeMap::new(),
            completed: VecDeque::new(),
            offers: BTreeMap::new(),
            unreachable: BTreeMap::new(),
            gone: BTreeSet::new(),
            counters: Counters::default(),
            next_framework: 0,
            next_agent: 0,
            next_offer: 0,
            timers,
            effects: Vec::new(),
        }
    }

    /// What is to be done since the last time this was asked.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The framework that `stream` belongs to.
    fn framework_of(&self, stream: &str) -> Option<&FrameworkID> {
        self.frameworks.iter().find(|(_, framework)| framework.stream() == Some(stream)).map(|(id, _)| id)
    }

    /// Tells a framework, if it is connected.
    fn send(&mut self, framework_id: &FrameworkID, event: Event) {
        if let Some(stream) = self.frameworks.get(framework_id).and_then(Framework::stream) {
            self.effects.push(Effect::Event { stream: stream.to_owned(), event: Box::new(event) });
        }
    }

    /// Tells an agent, if it is connected. Returns whether it is.
    fn command(&mut self, agent_id: &AgentID, command: ToAgent) -> bool {
        let link = self.agents.get(agent_id).and_then(Agent::link);
        if let Some(link) = link {
            self.effects.push(Effect::Command { link: link.to_owned(), command: Box::new(command) });
        }
        link.is_some()
    }

    /// Takes an offer off the books. Its resources are free again.
    fn remove_offer(&mut self, offer_id: &OfferID) -> Option<OpenOffer> {
        let open = self.offers.remove(offer_id)?;
        if let Some(agent) = self.agents.get_mut(&open.offer.agent_id) {
            agent.offered.subtract(&open.resources);
        }
        Some(open)
    }

    /// The IDs of the offers that `which` says yes to.
    fn offers_where(&self, which: impl Fn(&OpenOffer) -> bool) -> Vec<OfferID> {
        self.offers.iter().filter(|(_, open)| which(open)).map(|(id, _)| id.clone()).collect()
    }

    /// Takes back those offers that `which` says yes to, and tells their frameworks.
    fn rescind_where(&mut self, which: impl Fn(&OpenOffer) -> bool) {
        for offer_id in self.offers_where(which) {
            if let Some(open) = self.remove_offer(&offer_id) {
                self.send(&open.offer.framework_id, Event::Rescind(mesos::scheduler::Rescind { offer_id }));
            }
        }
    }
}

/// Seconds since the epoch, as statuses have them.
pub(super) fn seconds(now: Now) -> f64 {
    now.as_secs_f64()
}
