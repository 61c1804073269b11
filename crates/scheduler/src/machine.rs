//! The scheduler's state and its transitions, apart from all IO: what comes in is a method with the time, what is to be done
//! comes out as [`Effect`]s. Nothing here waits, and nothing fails.

mod agents;
mod labels;
mod pods;
mod schedule;
mod show;
mod updates;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, Pod};
use mesos::scheduler::{Action, Decline, Kill, Roles};
use mesos::{AgentID, Filters, OfferID, Resource, TaskID};

use crate::backoff::Backoff;
use crate::core::{Ask, Charges, Milli, Namespaces, ServiceSelector};
use crate::effect::{Effect, PodName};
use crate::executor_info::Template;
use crate::launch;
use crate::metrics::Metrics;
use crate::offers::Offers;
use crate::reconcile::Reconciler;

/// Pods that come in one burst are packed together: this is how long the first waits for the others.
const GATHER: Duration = Duration::from_millis(5);
/// Least time between two REVIVE calls.
const REVIVE_REST: Duration = Duration::from_secs(1);
/// How long Mesos keeps resources to itself that nobody here wants; REVIVE ends it early.
const REFUSE_IDLE: f64 = 3600.0;
/// The same while pods wait that do not fit.
const REFUSE_BUSY: f64 = 5.0;
/// A kill that shows no effect is repeated after this long.
const KILL_AGAIN: Duration = Duration::from_secs(10);
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

/// A pod and where it stands.
#[derive(Debug)]
pub struct Record {
    /// The object as it was last seen.
    pub pod: Arc<Pod>,
    /// What it asks for.
    pub ask: Arc<Ask>,
    /// Where it stands.
    pub stage: Stage,
    /// Tasks it had before; their annotations on the pod are of yesterday.
    former: Vec<TaskID>,
    backoff: Backoff,
    /// The node on which others had to go for it, until the object says so too.
    nominated: Option<String>,
    /// It has to go for another pod; the object may not say so yet.
    preempted: bool,
    /// The object is gone from the API; only the task is left.
    gone: bool,
}

/// Where a pod stands.
#[derive(Debug)]
pub enum Stage {
    /// Waits for an offer: since its launch failed, not before a time.
    Waiting(Waiting),
    /// Has a task.
    Tasked(Task),
    /// Nothing is left to do but to be deleted.
    Ended,
}

/// A pod that waits.
#[derive(Debug)]
pub struct Waiting {
    /// Its place in the queue.
    pub seq: u64,
    /// Not before this; `None` is at once.
    pub not_before: Option<Instant>,
    /// What its owner was told last, and when to repeat it.
    pub told: Option<(String, Instant)>,
    /// Since when it waits.
    pub since: Instant,
    /// Since when nothing but an offer of a node that might take it is missing.
    pub hoping: Option<Instant>,
}

/// A pod's task.
#[derive(Debug)]
pub struct Task {
    /// `pod.<uuid>`.
    pub id: TaskID,
    /// The agent.
    pub agent: AgentID,
    /// The agent's hostname.
    pub host: String,
    /// The offer that was used.
    pub offer: String,
    /// How far it came.
    pub progress: Progress,
    /// When it was launched, or found again.
    pub since: Instant,
}

/// How far a task came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Accepted; nothing was heard yet.
    Launched,
    /// The executor bound the pod.
    Bound,
    /// The pod runs.
    Running,
    /// Out of reach, with its agent.
    Unreachable,
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

struct KillState {
    agent: AgentID,
    grace: i64,
    again: Instant,
}

struct Stray {
    agent: AgentID,
    until: Instant,
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

    fn kill(&mut self, task: &TaskID, agent: &AgentID, grace: i64, now: Instant) {
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

    fn repeat_kills(&mut self, now: Instant) {
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

    fn kill_strays(&mut self, now: Instant) {
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

impl Record {
    /// The pod by name and UID.
    #[must_use]
    pub fn name(&self) -> PodName {
        PodName { namespace: self.ask.namespace.clone(), name: self.ask.name.clone(), uid: self.ask.uid.clone() }
    }

    /// What the pod asks for, with what was decided of it and the object may not say yet.
    fn take_ask(&mut self, mut ask: Ask) {
        ask.deleting |= self.preempted;
        if ask.nominated.is_none() {
            ask.nominated.clone_from(&self.nominated);
        }
        self.ask = Arc::new(ask);
    }

    fn deleting(&self) -> bool {
        self.gone || self.pod.metadata.deletion_timestamp.is_some()
    }

    fn finished(&self) -> bool {
        let phase = self.pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    }
}

#[cfg(test)]
mod tests;
