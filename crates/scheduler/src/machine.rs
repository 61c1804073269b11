//! The scheduler's state and its transitions, apart from all IO: what comes in is a method with the time, what is to be done
//! comes out as [`Effect`]s. Nothing here waits, and nothing fails.

mod agents;
mod kills;
mod labels;
mod pods;
mod record;
mod schedule;
mod show;
mod updates;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Node;
use mesos::scheduler::{Action, Decline, Roles};
use mesos::{AgentID, Filters, OfferID, Resource, TaskID};

use crate::backoff::Backoff;
use crate::core::{Charges, Milli, Namespaces, ServiceSelector};
use crate::effect::Effect;
use crate::executor_info::Template;
use crate::metrics::Metrics;
use crate::offers::Offers;
use crate::reconcile::Reconciler;
use kills::{KillState, Stray};
pub use record::{Progress, Record, Stage, Task, Waiting};

/// Pods that come in one burst are packed together: this is how long the first waits for the others.
const GATHER: Duration = Duration::from_millis(5);
/// Least time between two REVIVE calls.
const REVIVE_REST: Duration = Duration::from_secs(1);
/// How long Mesos keeps resources to itself that nobody here wants; REVIVE ends it early.
const REFUSE_IDLE: f64 = 3600.0;
/// The same while pods wait that do not fit.
const REFUSE_BUSY: f64 = 5.0;
/// A task that no pod knows may yet be bound by its executor; after this long it is killed.
const STRAY: Duration = Duration::from_secs(30);
/// Bounds of a pod's backoff.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What does not change while the scheduler runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How pods are charged.
    pub charges: Charges,
    /// CPU and memory of a new executor.
    pub executor: (Milli, Milli),
    /// Whether executors are started before the first pod.
    pub prelaunch: bool,
    /// How long an unused offer is held.
    pub offer_ttl: Duration,
    /// Whether tasks carry DiscoveryInfo.
    pub discovery: bool,
    /// Between implicit reconciliations; `None` is never.
    pub reconcile_interval: Option<Duration>,
}

/// An agent that was ever offered.
#[derive(Debug)]
struct Agent {
    host: String,
    /// Resources of our executor there, where one runs.
    executor: Option<Vec<Resource>>,
    /// When the executor was started by us; offers that were under way then do not know it.
    started: Option<Instant>,
    node_task: Option<TaskID>,
    /// No node task before this, after failures.
    retry: Backoff,
    not_before: Option<Instant>,
    /// Attribute labels of its last offer.
    labels: BTreeMap<String, String>,
    /// When the node was last asked to be made or relabelled.
    ensured: Option<Instant>,
    /// When it was last offered.
    seen: Instant,
    /// An executor with other flags runs there: no task of ours can.
    foreign: bool,
}

/// The scheduler.
pub struct Machine {
    settings: Settings,
    template: Template,
    connected: bool,
    pods_known: bool,
    nodes_known: bool,
    pods: HashMap<String, Record>,
    /// Queue position to UID.
    waiting: BTreeMap<u64, String>,
    next_seq: u64,
    /// Task to UID.
    tasks: HashMap<TaskID, String>,
    agents: HashMap<AgentID, Agent>,
    nodes: BTreeMap<String, Arc<Node>>,
    services: BTreeMap<(String, String), ServiceSelector>,
    namespaces: Namespaces,
    offers: Offers,
    kills: BTreeMap<TaskID, KillState>,
    strays: BTreeMap<TaskID, Stray>,
    reconciler: Reconciler,
    /// When to look at offers and pods again.
    look: Option<Instant>,
    /// Resources are refused to us until REVIVE, and somebody wants them.
    away: bool,
    wanted: bool,
    revived: Option<Instant>,
    effects: Vec<Effect>,
    metrics: Metrics,
}

impl Machine {
    /// A scheduler that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings, template: Template, metrics: Metrics) -> Self {
        Self {
            reconciler: Reconciler::new(settings.reconcile_interval),
            settings,
            template,
            connected: false,
            pods_known: false,
            nodes_known: false,
            pods: HashMap::new(),
            waiting: BTreeMap::new(),
            next_seq: 0,
            tasks: HashMap::new(),
            agents: HashMap::new(),
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            namespaces: Namespaces::new(),
            offers: Offers::default(),
            kills: BTreeMap::new(),
            strays: BTreeMap::new(),
            look: None,
            away: false,
            wanted: false,
            revived: None,
            effects: Vec::new(),
            metrics,
        }
    }

    /// What is to be done since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The master has (re)registered the framework.
    pub fn subscribed(&mut self, now: Instant) {
        self.connected = true;
        self.offers.clear();
        (self.away, self.wanted) = (false, false);
        self.reconcile_all(now);
        self.look_soon(now);
    }

    /// The connection to the master is gone; with it all offers.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.offers.clear();
        self.reconciler.stop();
    }

    /// Asks Mesos for every task that is not known to have ended.
    pub fn reconcile_all(&mut self, now: Instant) {
        let pods = self.pods.values().filter_map(|record| match &record.stage {
            Stage::Tasked(task) => Some((task.id.clone(), task.agent.clone())),
            _ => None,
        });
        let nodes = self.agents.iter().filter_map(|(id, agent)| Some((agent.node_task.clone()?, id.clone())));
        let all: Vec<_> = pods.chain(nodes).collect();
        self.reconciler.restart(all, now);
    }

    /// Asks Mesos for the tasks it knows.
    pub fn reconcile_implicitly(&mut self, now: Instant) {
        self.reconciler.request_implicit(now);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        if !self.connected {
            return;
        }
        self.expire_offers(now);
        self.repeat_kills(now);
        self.kill_strays(now);
        if let Some(action) = self.reconciler.poll(now) {
            self.metrics.reconciled(matches!(&action, Action::Reconcile(asked) if !asked.tasks.is_empty()));
            self.mesos(action);
        }
        if self.look.is_some_and(|look| look <= now) {
            self.look = None;
            self.schedule(now);
        }
        self.revive(now);
    }

    /// When [`Self::tick`] has something to do next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if !self.connected {
            return None;
        }
        let offers = self.offers.oldest().map(|since| since + self.settings.offer_ttl);
        let kills = self.kills.values().map(|kill| kill.again).min();
        let strays = self.strays.values().map(|stray| stray.until).min().filter(|_| self.pods_known);
        let revive = (self.away && self.wanted).then_some(self.revived).flatten().map(|last| last + REVIVE_REST);
        [self.look, offers, kills, strays, self.reconciler.deadline(), revive].into_iter().flatten().min()
    }

    fn mesos(&mut self, action: Action) {
        self.effects.push(Effect::Mesos(action));
    }

    /// Looks at pods and offers once what comes along with this event has come too.
    fn look_soon(&mut self, now: Instant) {
        self.look = Some(self.look.map_or(now + GATHER, |look| look.min(now + GATHER)));
    }

    fn look_at(&mut self, time: Instant) {
        self.look = Some(self.look.map_or(time, |look| look.min(time)));
    }

    /// Somebody needs offers: those that were refused are wanted back.
    fn want_offers(&mut self, now: Instant) {
        self.wanted = true;
        self.look_soon(now);
    }

    fn revive(&mut self, now: Instant) {
        let rested = self.revived.is_none_or(|last| last + REVIVE_REST <= now);
        if self.away && self.wanted && rested {
            (self.away, self.wanted, self.revived) = (false, false, Some(now));
            self.mesos(Action::Revive(Roles::default()));
        }
    }

    fn decline(&mut self, offer_ids: Vec<OfferID>, refuse_seconds: f64, why: &'static str) {
        if !offer_ids.is_empty() {
            self.metrics.declined(why, offer_ids.len());
            self.away = true;
            self.mesos(Action::Decline(Decline { offer_ids, filters: Some(Filters { refuse_seconds }) }));
        }
    }

    fn expire_offers(&mut self, now: Instant) {
        let refuse = if self.waiting.is_empty() { REFUSE_IDLE } else { REFUSE_BUSY };
        for bundle in self.offers.expire(self.settings.offer_ttl, now) {
            self.decline(bundle.ids, refuse, "expired");
        }
    }

    fn enqueue(&mut self, uid: &str, not_before: Option<Instant>, now: Instant) {
        let seq = self.next_seq;
        self.next_seq += 1;
        if let Some(record) = self.pods.get_mut(uid) {
            record.stage = Stage::Waiting(Waiting { seq, not_before, told: None, since: now, hoping: None });
            self.waiting.insert(seq, uid.to_owned());
        }
        match not_before {
            Some(time) => self.look_at(time),
            None => self.want_offers(now),
        }
    }
}

#[cfg(test)]
mod tests;
