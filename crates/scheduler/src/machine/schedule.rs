//! From a plan of the core to ACCEPT calls and messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesos::scheduler::{Accept, Action};
use mesos::{AgentID, Filters, Operation, TaskID, TaskInfo};

use super::{Machine, Progress, Stage, Task};
use crate::annotations as keys;
use crate::core::{self, Ask, Input, Launch, NodeState, Share, WhyNot};
use crate::effect::{Effect, EventKind};
use crate::launch::{self, Target};
use crate::node;
use crate::offers::Bundle;

/// How long Mesos may take for an offer before a pod's owner hears that there is none: its allocator, which looks at
/// everything once a second (`--allocation_interval`), has had its turn by then even after a REVIVE that had to rest.
const OFFER_COMES: Duration = Duration::from_secs(3);

/// A node of the plan and the agent behind it.
struct Place {
    host: String,
    agent: Option<AgentID>,
    /// The allocation role of each pool, in the order of the node's offers.
    roles: Vec<String>,
}

impl Machine {
    /// Launches what fits, and tells the others why not.
    pub(super) fn schedule(&mut self, now: Instant) {
        if !self.pods_known || !self.nodes_known {
            return;
        }
        self.ensure_nodes(now);
        let (uids, asks) = self.due(now);
        let (places, nodes) = self.board();
        let services: Vec<_> = self.services.values().cloned().collect();
        let roles = self.settings.charges.framework_roles.clone();
        let plan = core::plan(&Input {
            pods: &asks,
            nodes: &nodes,
            services: &services,
            namespaces: &self.namespaces,
            executor: self.settings.executor,
            framework_roles: &roles,
            prelaunch: self.settings.prelaunch,
        });
        let mut by_bundle: BTreeMap<(usize, usize), Vec<Launch>> = BTreeMap::new();
        for launch in plan.launches {
            by_bundle.entry((launch.node, launch.offer)).or_default().push(launch);
        }
        // the pool that pays for an executor goes first: Mesos looks at calls in their order
        let mut accepts: Vec<_> = by_bundle.into_iter().collect();
        accepts.sort_by_key(|((node, _), launches)| (*node, launches.iter().all(|launch| launch.executor.is_empty())));
        for ((node, offer), launches) in accepts {
            self.accept(&places[node], offer, launches, &uids, now);
        }
        // REVIVE brings back what was declined, and at once what is left of an ACCEPT; whom no offer helps needs none
        self.wanted = plan.why_nots.iter().any(|why_not| why_not.awaits_offer) || self.lacks_executors();
        for preemption in &plan.preemptions {
            self.preempt(&uids[preemption.pod], &places[preemption.node].host, &preemption.victims);
        }
        for why_not in plan.why_nots {
            self.tell(&uids[why_not.pod], why_not, now);
        }
    }

    /// Has pods go for another one, for which their node is kept.
    fn preempt(&mut self, uid: &str, host: &str, victims: &[Arc<Ask>]) {
        let Some(record) = self.pods.get_mut(uid) else { return };
        record.nominated = Some(host.to_owned());
        let mut ask = (*record.ask).clone();
        ask.nominated = Some(host.to_owned());
        record.ask = Arc::new(ask);
        tracing::info!(pod = record.ask.key(), host, victims = victims.len(), "pods of lower priority go for it");
        self.effects.push(Effect::Nominate(record.name(), host.to_owned()));
        for victim in victims {
            let Some(record) = self.pods.get_mut(&victim.uid) else { continue };
            record.preempted = true;
            record.take_ask((**victim).clone());
            let text = format!("Preempted by pod {uid} on node {host}");
            self.effects.push(Effect::Preempt(record.name(), text));
        }
    }

    /// The pods to place now, and when to look again at those that must wait longer.
    fn due(&mut self, now: Instant) -> (Vec<String>, Vec<Arc<Ask>>) {
        let (mut uids, mut asks, mut later) = (Vec::new(), Vec::new(), None::<Instant>);
        for uid in self.waiting.values() {
            let Some(record) = self.pods.get(uid) else { continue };
            let Stage::Waiting(waiting) = &record.stage else { continue };
            match waiting.not_before.filter(|time| *time > now) {
                Some(time) => later = Some(later.map_or(time, |known| known.min(time))),
                None => {
                    uids.push(uid.clone());
                    asks.push(Arc::clone(&record.ask));
                }
            }
        }
        let repeat = |uid: &String| match &self.pods.get(uid)?.stage {
            Stage::Waiting(waiting) => waiting.told.as_ref().map(|(_, repeat)| *repeat).filter(|repeat| *repeat > now),
            _ => None,
        };
        if let Some(time) = later.into_iter().chain(uids.iter().filter_map(repeat)).min() {
            self.look_at(time);
        }
        (uids, asks)
    }

    /// Whether an agent has no executor yet and nothing of it is held to start one.
    fn lacks_executors(&self) -> bool {
        let lacks = |(id, agent): (&AgentID, &super::Agent)| {
            !agent.foreign && agent.executor.is_none() && self.offers.of(id).is_empty()
        };
        self.settings.prelaunch && self.agents.iter().any(lacks)
    }

    /// All nodes with what is offered of them and which pods they have.
    fn board(&self) -> (Vec<Place>, Vec<NodeState>) {
        let mut placed: BTreeMap<&str, Vec<Arc<Ask>>> = BTreeMap::new();
        for record in self.pods.values() {
            if let Stage::Tasked(task) = &record.stage {
                placed.entry(&task.host).or_default().push(Arc::clone(&record.ask));
            }
        }
        let mut agents: BTreeMap<&str, &AgentID> = BTreeMap::new();
        for (id, agent) in &self.agents {
            let newer = agents.get(agent.host.as_str()).is_none_or(|other| self.agents[*other].seen < agent.seen);
            if newer {
                agents.insert(&agent.host, id);
            }
        }
        let mut places = Vec::with_capacity(self.nodes.len());
        let mut states = Vec::with_capacity(self.nodes.len());
        for (host, node) in &self.nodes {
            let agent = agents.get(host.as_str()).copied();
            let bundles: Vec<&Bundle> = agent.into_iter().flat_map(|id| self.offers.of(id)).collect();
            places.push(Place {
                host: host.clone(),
                agent: agent.cloned(),
                roles: bundles.iter().map(|b| b.role.clone()).collect(),
            });
            states.push(NodeState {
                view: node::view(node),
                offers: bundles.into_iter().map(|bundle| bundle.pool.clone()).collect(),
                executor: agent.is_some_and(|id| self.agents[id].executor.is_some()),
                placed: placed.remove(host.as_str()).unwrap_or_default(),
            });
        }
        (places, states)
    }

    /// One ACCEPT: all tasks for one agent out of one role's offers.
    fn accept(&mut self, place: &Place, offer: usize, launches: Vec<Launch>, uids: &[String], now: Instant) {
        let Some(id) = &place.agent else { return };
        let waits = self.agents[id].not_before.is_some_and(|time| time > now);
        let launches: Vec<Launch> = launches.into_iter().filter(|launch| launch.pod.is_some() || !waits).collect();
        if launches.is_empty() {
            return;
        }
        let Some(bundle) = self.offers.take(id, &place.roles[offer]) else { return };
        self.start_executor(id, &bundle, &launches, now);
        let executor = self.template.on(&place.host, self.agents[id].executor.clone().unwrap_or_default());
        let target = Target { agent: id, host: &place.host, offer: &bundle.ids[0], executor: &executor };
        let tasks: Vec<TaskInfo> =
            launches.iter().map(|launch| self.task(&target, &bundle, launch, uids, now)).collect();
        tracing::debug!(host = place.host, tasks = tasks.len(), "launching");
        self.metrics.accepted(&place.host, bundle.ids.len());
        self.away = true;
        self.mesos(Action::Accept(Accept {
            offer_ids: bundle.ids.clone(),
            operations: vec![Operation::launch(tasks)],
            filters: Some(Filters { refuse_seconds: 0.0 }),
        }));
    }

    /// Notes the executor that these launches start, here and on the node.
    fn start_executor(&mut self, id: &AgentID, bundle: &Bundle, launches: &[Launch], now: Instant) {
        let Some(shares) = launches.iter().map(|launch| &launch.executor).find(|shares| !shares.is_empty()) else {
            return;
        };
        let resources = bundle.resources(shares);
        let recorded = serde_json::to_string(&resources).expect("resources are plain data");
        let agent = self.agents.get_mut(id).expect("the agent was offered");
        (agent.executor, agent.started) = (Some(resources), Some(now));
        let name = agent.host.clone();
        let annotations = [
            (keys::EXECUTOR_ID.to_owned(), self.template.id.value.clone()),
            (keys::EXECUTOR_RESOURCES.to_owned(), recorded),
        ];
        self.effects.push(Effect::AnnotateNode { name, annotations: annotations.into() });
    }

    /// The task of one launch, and the note that it was launched.
    fn task(&mut self, target: &Target, bundle: &Bundle, launch: &Launch, uids: &[String], now: Instant) -> TaskInfo {
        let resources = bundle.resources(&launch.task as &[Share]);
        let Some(pod) = launch.pod else {
            let task = launch::node_task_id();
            self.agents.get_mut(target.agent).expect("the agent was offered").node_task = Some(task.clone());
            return launch::node_task(&task, target, resources);
        };
        let (uid, task) = (&uids[pod], launch::pod_task_id());
        let record = self.pods.get_mut(uid).expect("the plan names pods that wait");
        let asks = record.ask.request.as_ref().map(|request| request.ports.clone()).unwrap_or_default();
        let info =
            launch::pod_task(&record.pod, &task, target, resources, &asks, &launch.ports, self.settings.discovery);
        if let Stage::Waiting(waiting) = &record.stage {
            self.waiting.remove(&waiting.seq);
            self.metrics.launched(now.saturating_duration_since(waiting.since));
        }
        record.stage = Stage::Tasked(new_task(task.clone(), target, now));
        let name = record.name();
        let text = format!("Successfully assigned {} to {}", record.ask.key(), target.host);
        self.tasks.insert(task, uid.clone());
        self.effects.push(Effect::Event(name, EventKind::Scheduled, text));
        info
    }

    /// Tells the pod's owner why it waits: at once when the reason is new, again as its backoff goes. Of the next offer, which
    /// as a rule is under way, nothing is said for a while.
    fn tell(&mut self, uid: &str, why_not: WhyNot, now: Instant) {
        let Some(record) = self.pods.get_mut(uid) else { return };
        let mut message = why_not.message;
        if !why_not.preemption.is_empty() {
            message = format!("{message} preemption: {}", why_not.preemption);
        }
        let name = record.name();
        let Stage::Waiting(waiting) = &mut record.stage else { return };
        waiting.hoping = why_not.awaits_offer.then(|| waiting.hoping.unwrap_or(now));
        if let Some(until) = waiting.hoping.map(|since| since + OFFER_COMES).filter(|until| *until > now) {
            return self.look_at(until);
        }
        let known = waiting.told.as_ref().filter(|(text, _)| *text == message).map(|(_, repeat)| *repeat);
        if known.is_some_and(|repeat| repeat > now) {
            return;
        }
        let repeat = now + record.backoff.bound();
        record.backoff.next_wait();
        waiting.told = Some((message.clone(), repeat));
        if known.is_none() {
            self.effects.push(Effect::Unschedulable(name.clone(), message.clone()));
        }
        self.effects.push(Effect::Event(name, EventKind::FailedScheduling, message));
        self.look_at(repeat);
    }
}

fn new_task(id: TaskID, target: &Target, now: Instant) -> Task {
    Task {
        id,
        agent: target.agent.clone(),
        host: target.host.to_owned(),
        offer: target.offer.value.clone(),
        progress: Progress::Launched,
        since: now,
    }
}
