//! One pod on this node, from its launch (or its adoption) to its end.
//!
//! A loop: look at Docker, ask [`plan`](crate::plan) what to do, tell the API server and the minion, do it, and then wait
//! for something to happen. What happens comes through a [`Mailbox`], which holds the latest of everything, so that
//! nobody ever waits for a worker and nothing piles up.

mod announce;
mod end;
mod follow;
mod mailbox;
mod news;
mod start;
mod write;

pub use mailbox::{End, Mailbox};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::end::Stop;
use self::start::Kept;
use self::write::Stored;
use crate::admission;
use crate::backoff::Backoffs;
use crate::channel::{Task, TaskState};
use crate::context::Context;
use crate::events::Type;
use crate::health::{Healths, Watcher};
use crate::host_ports::HostPorts;
use crate::objects::{self, Object, Subscription};
use crate::observed::Observed;
use crate::plan::{self, Action, Cause, Failure, Intent, Outcome, Plan};
use crate::pod;
use crate::status;
use crate::volumes::Keeper;

/// The first wait after something that Docker or the API server refused, doubled up to [`MAX_PAUSE`].
const PAUSE: Duration = Duration::from_millis(500);
/// The longest such wait.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How long a status may take to be written.
const STATUS_TIMEOUT: Duration = Duration::from_secs(15);

/// One pod's worker.
pub struct Worker {
    context: Arc<Context>,
    mailbox: Arc<Mailbox>,
    pod: Arc<Pod>,
    task: Option<Task>,
    /// Whether the pod has been seen bound to this node.
    bound: bool,
    end: Option<End>,
    /// When the containers of a pod that ends are killed at the latest.
    deadline: Option<Instant>,
    restarts: Backoffs,
    failures: HashMap<String, (u32, Failure)>,
    /// What containers were made with last.
    kept: Option<Kept>,
    image_ids: BTreeMap<String, String>,
    /// What ended containers left to say, by Docker's ID.
    messages: BTreeMap<String, String>,
    /// The status as it was written last, as the API server keeps that, and whether another has written over it since.
    written: PodStatus,
    stored: Stored,
    spoiled: bool,
    stops: JoinSet<(String, Result<(), bollard::errors::Error>)>,
    /// Containers that are being stopped.
    stopping: HashMap<String, Stop>,
    /// Those that were stopped while the pod was to run, to make room for others, by Docker's ID.
    replaced: HashSet<String>,
    /// Asks containers how they do, and what it knows of them now.
    watcher: Watcher,
    health: Healths,
    /// Containers that this worker started, by name and attempt: those have their postStart hooks before them.
    started: HashSet<(String, u32)>,
    /// The address that the pod had last, in a sandbox of before too.
    address: Option<Ipv4Addr>,
    /// The sandbox whose death notice is held, and the one that gave it.
    watched: Option<String>,
    dead: Option<String>,
    watch: JoinSet<String>,
    /// Keeps the volumes as their sources are, once the pod has containers.
    keeper: Option<Keeper>,
    /// The configmaps and secrets of the pod's volumes, watched from before they are read first.
    sources: HashMap<Object, Subscription>,
    /// Those that may be what a container waits for.
    missing: Vec<Subscription>,
    /// The node's ports that lead to the pod, while it has an address.
    host_ports: Option<HostPorts>,
    /// Measures what of the pod's storage has a limit, and what it found.
    meter: JoinSet<Cause>,
    evicted: Option<Cause>,
    /// Why containers wait, as events have told it.
    announced: BTreeMap<String, String>,
    /// Whether events have told what of the pod this node leaves out.
    warned: bool,
    /// Whether events have told why the pod is ended before its containers end by themselves.
    ended_early: bool,
    pause: Duration,
}

impl Worker {
    /// A worker for `pod`, which `mailbox` leads to.
    #[must_use]
    pub fn new(context: Arc<Context>, mailbox: Arc<Mailbox>, pod: Arc<Pod>) -> Self {
        let bound = pod::spec(&pod).node_name.as_deref() == Some(&context.node);
        let written = pod.status.clone().unwrap_or_default();
        let stored = Stored::of(&pod);
        Self {
            context,
            mailbox,
            pod,
            task: None,
            bound,
            end: None,
            deadline: None,
            restarts: Backoffs::default(),
            failures: HashMap::new(),
            kept: None,
            image_ids: BTreeMap::new(),
            messages: BTreeMap::new(),
            written,
            stored,
            spoiled: false,
            stops: JoinSet::new(),
            stopping: HashMap::new(),
            replaced: HashSet::new(),
            watcher: Watcher::default(),
            health: Healths::default(),
            started: HashSet::new(),
            address: None,
            watched: None,
            dead: None,
            watch: JoinSet::new(),
            keeper: None,
            sources: HashMap::new(),
            missing: Vec::new(),
            host_ports: None,
            meter: JoinSet::new(),
            evicted: None,
            announced: BTreeMap::new(),
            warned: false,
            ended_early: false,
            pause: PAUSE,
        }
    }

    /// Runs until the pod has ended and is gone, or could not be bound; false where something of it is left on the node.
    pub async fn run(mut self) -> bool {
        loop {
            if !self.read_news().await {
                return true;
            }
            let observed = match self.context.runtime.observe(pod::uid(&self.pod)).await {
                Ok(observed) => self.without_dead(observed),
                Err(error) => {
                    tracing::warn!(pod = pod::name(&self.pod), %error, "cannot look at the pod's containers");
                    self.rest(None).await;
                    continue;
                }
            };
            self.follow(&observed).await;
            let plan = self.plan(&observed);
            self.announce(&plan, observed.is_empty());
            if self.end.is_some() && observed.is_empty() {
                return self.finish().await;
            }
            if self.step(&observed, plan).await {
                self.pause = PAUSE;
            }
        }
    }

    /// Takes the plan's steps while telling the world how things are, then waits for news if there was nothing to do.
    /// False where something was refused.
    async fn step(&mut self, observed: &Observed, plan: Plan) -> bool {
        let status = self.status(observed, &plan);
        let actions: Vec<_> = plan.actions.iter().filter(|action| self.is_new(action)).cloned().collect();
        let idle = actions.is_empty();
        self.give_turns(&plan.actions);
        self.begin_stops(observed, &actions);
        if actions.iter().any(|action| matches!(action, Action::Start(_) | Action::Sandbox { .. })) {
            self.watch_sources();
        }
        let (written, done) = tokio::join!(self.write(&status), self.perform(observed, &actions));
        let written = self.note_written(status, written).await;
        let refused = self.note(done);
        self.report(&plan, written).await;
        if refused || !written {
            self.rest(plan.wake).await;
            return false;
        }
        if idle || actions.iter().all(|action| matches!(action, Action::Stop { .. })) {
            self.wait(plan.wake).await;
        }
        true
    }

    fn plan(&self, observed: &Observed) -> Plan {
        let intent = match (&self.end, &self.task) {
            (Some(_), _) => Intent::End,
            (None, Some(_)) => Intent::Run,
            (None, None) => Intent::Keep,
        };
        let refused = admission::refusal(&self.pod);
        let failures = self.failures.iter().map(|(name, (_, failure))| (name.clone(), failure.clone())).collect();
        plan::next(plan::Input {
            pod: &write::ended(&self.pod, &self.written),
            observed,
            health: &self.health,
            evicted: self.evicted.as_ref().or(refused.as_ref()),
            known: &self.written,
            intent,
            restarts: &self.restarts,
            failures: &failures,
            now: Timestamp::now(),
        })
    }

    fn status(&self, observed: &Observed, plan: &Plan) -> PodStatus {
        status::of(
            &self.pod,
            status::Facts {
                observed,
                health: &self.health,
                messages: &self.messages,
                replaced: &self.replaced,
                plan,
                previous: &self.written,
                host: self.context.placement.address,
                image_ids: &self.image_ids,
                now: Timestamp::now(),
            },
        )
    }

    /// Tells the minion how the pod does, once it is so in the API server too.
    async fn report(&mut self, plan: &Plan, written: bool) {
        let running = self.written.phase.as_deref() == Some("Running");
        match plan.outcome.filter(|_| written && self.end.is_none()) {
            Some(Outcome::Succeeded) => self.tell(TaskState::Finished, "pod-succeeded").await,
            Some(Outcome::Failed) => self.tell(TaskState::Failed, "pod-failed").await,
            None if running && self.end.is_none() => {
                let message = format!("pod-running:{}_{}", pod::name(&self.pod), pod::namespace(&self.pod));
                self.tell(TaskState::Running, &message).await;
            }
            None => {}
        }
    }

    /// Reports the task's state if it is news. A task that ended is forgotten.
    async fn tell(&mut self, state: TaskState, message: &str) {
        let Some(task) = &mut self.task else { return };
        if task.reported == Some(state) {
            return;
        }
        task.reported = Some(state);
        self.context.report(&task.id, state, message).await;
        if state.is_terminal() {
            self.task = None;
        }
    }

    /// What Docker says, less a sandbox that has told us itself that it died, or whose network did: a hostNetwork pod's is
    /// its slave's, and a slave that was started again has a new one.
    fn without_dead(&self, mut observed: Observed) -> Observed {
        let placement = &self.context.placement;
        for sandbox in &mut observed.sandboxes {
            sandbox.running &= self.dead.as_deref() != Some(&sandbox.id);
            if pod::host_network(&self.pod) {
                sandbox.running &= placement.started.is_none_or(|started| started <= sandbox.started);
                sandbox.address = Some(placement.address);
            }
        }
        observed
    }

    /// Waits for news, for a stop to end, or for the time to look again.
    async fn wait(&mut self, wake: Option<Timestamp>) {
        let until =
            wake.map(|wake| Duration::try_from(wake.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO));
        let until = until.into_iter().chain(self.next_stop()).min();
        let alarm = async {
            match until {
                Some(until) => tokio::time::sleep(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.mailbox.arrived.notified() => {}
            () = alarm => {}
            Some(Ok(id)) = self.watch.join_next() => self.dead = Some(id),
            Some(Ok(cause)) = self.meter.join_next() => self.evicted = Some(cause),
            () = objects::any_changed(&mut self.missing) => self.look_for_sources_again(),
            Some(Ok((id, outcome))) = self.stops.join_next() => {
                self.stopped(&id, outcome);
            }
        }
    }

    /// Waits after something was refused, ever longer, and less where there is news.
    async fn rest(&mut self, wake: Option<Timestamp>) {
        let retry = Timestamp::now() + jiff::SignedDuration::try_from(self.pause).unwrap_or_default();
        self.pause = MAX_PAUSE.min(self.pause * 2);
        self.wait(wake.into_iter().chain([retry]).min()).await;
    }

    fn good(&self, container: &str, reason: &'static str, message: impl Into<String>) {
        self.context.events.record(&self.pod, container, Type::Normal, reason, message);
    }

    fn warn(&self, container: &str, reason: &'static str, message: impl Into<String>) {
        self.context.events.record(&self.pod, container, Type::Warning, reason, message);
    }
}
