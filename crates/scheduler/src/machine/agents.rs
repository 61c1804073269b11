//! Agents: their offers, executors, node tasks and Node objects.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Node;
use mesos::scheduler::{Action, Failure, Shutdown};
use mesos::{AgentID, ExecutorID, Offer, OfferID, Resource, TaskStatus};

use super::{Agent, BACKOFF, Machine, Stage};
use crate::annotations as keys;
use crate::backoff::Backoff;
use crate::effect::Effect;
use crate::node;
use crate::verdict::{Verdict, judge};

/// How long an agent with another version's executor is left alone.
pub(super) const REFUSE_OTHER: f64 = 60.0;
/// The same while it cannot be told whether a pod is left that needs that executor: in a moment it can.
pub(super) const REFUSE_UNTOLD: f64 = 1.0;
/// An offer that was under way while its agent got an executor does not name it yet.
const UNDER_WAY: Duration = Duration::from_secs(2);
/// Making a node is asked for again after this long.
const ENSURE_AGAIN: Duration = Duration::from_secs(5);

impl Machine {
    /// Offers arrived.
    pub fn offered(&mut self, offers: &[Offer], now: Instant) {
        for offer in offers {
            self.metrics.offered(&offer.hostname);
            self.know_agent(offer, now);
            let compatible = self.is_compatible(offer);
            self.agents.get_mut(&offer.agent_id).expect("the agent is known by now").foreign = !compatible;
            if compatible {
                self.offers.add(offer, now);
                self.ensure_node(&offer.agent_id, now);
            } else {
                let refuse = if self.pods_known { REFUSE_OTHER } else { REFUSE_UNTOLD };
                self.decline(vec![offer.id.clone()], refuse, "compat");
            }
        }
        self.look_soon(now);
    }

    /// An offer was taken back.
    pub fn rescinded(&mut self, offer: &OfferID) {
        let rest = self.offers.rescind(offer);
        self.decline(rest, 0.0, "rescinded");
    }

    /// An agent or an executor is gone; the tasks' own updates say what became of them.
    pub fn failure(&mut self, failure: &Failure) {
        let Some(id) = &failure.agent_id else { return };
        if failure.executor_id.is_none() {
            self.offers.forget_agent(id);
        }
        let ours = failure.executor_id.as_ref().is_none_or(|executor| *executor == self.template.id);
        if let Some(agent) = self.agents.get_mut(id).filter(|_| ours) {
            (agent.executor, agent.started) = (None, None);
        }
    }

    /// All nodes, after a (re)list.
    pub fn nodes_listed(&mut self, nodes: Vec<Node>, now: Instant) {
        self.nodes_known = true;
        self.nodes =
            nodes.into_iter().map(|node| (node.metadata.name.clone().unwrap_or_default(), Arc::new(node))).collect();
        for agent in self.agents.values_mut() {
            self.nodes.get(&agent.host).into_iter().for_each(|node| agent.learn(node, &self.template.id));
        }
        self.look_soon(now);
    }

    /// A node was made or changed.
    pub fn node(&mut self, mut node: Node, now: Instant) {
        let name = node.metadata.name.clone().unwrap_or_default();
        node.metadata.managed_fields = None;
        for agent in self.agents.values_mut().filter(|agent| agent.host == name) {
            agent.learn(&node, &self.template.id);
        }
        let matters = self.nodes.get(&name).is_none_or(|known| node::place(known) != node::place(&node));
        self.nodes.insert(name, Arc::new(node));
        // a heartbeat opens no place for a pod
        if matters && !self.waiting.is_empty() {
            self.want_offers(now);
        } else if matters {
            self.look_soon(now);
        }
    }

    /// A node is gone from the API.
    pub fn node_deleted(&mut self, node: &Node) {
        if let Some(name) = &node.metadata.name {
            self.nodes.remove(name);
        }
    }

    fn know_agent(&mut self, offer: &Offer, now: Instant) {
        let runs = offer.executor_ids.contains(&self.template.id);
        let labels = node::labels(&offer.attributes);
        let recorded = runs.then(|| self.recorded_executor(offer));
        let new = !self.agents.contains_key(&offer.agent_id);
        let agent = self.agents.entry(offer.agent_id.clone()).or_insert_with(|| Agent {
            host: offer.hostname.clone(),
            executor: None,
            started: None,
            node_task: None,
            retry: Backoff::new(BACKOFF.0, BACKOFF.1),
            not_before: None,
            labels: BTreeMap::new(),
            ensured: None,
            seen: now,
            foreign: false,
        });
        agent.host.clone_from(&offer.hostname);
        (agent.labels, agent.seen) = (labels, now);
        let just_started = agent.started.is_some_and(|started| now < started + UNDER_WAY);
        if runs && agent.executor.is_none() {
            agent.executor = recorded;
        } else if !runs && !just_started {
            (agent.executor, agent.started) = (None, None);
        }
        if new {
            self.agent_replaced(&offer.agent_id, &offer.hostname, now);
        }
    }

    /// The resources of an executor that an earlier scheduler started, as the node's annotation tells. Where it does not, the
    /// guess is what this scheduler would have asked for; Mesos refuses tasks whose executor differs from the running one.
    fn recorded_executor(&self, offer: &Offer) -> Vec<Resource> {
        let node = self.nodes.get(&offer.hostname);
        node.and_then(|node| node::executor(node, &self.template.id)).unwrap_or_else(|| {
            let mut resources = vec![
                Resource::scalar("cpus", self.settings.executor.0 as f64 / 1000.0),
                Resource::scalar("mem", self.settings.executor.1 as f64 / 1000.0),
            ];
            for resource in &mut resources {
                resource.allocation_info.clone_from(&offer.allocation_info);
            }
            resources
        })
    }

    /// An agent under a new ID: the one that had its hostname before is no more, nor are its tasks.
    fn agent_replaced(&mut self, id: &AgentID, host: &str, now: Instant) {
        let old: Vec<AgentID> = self
            .agents
            .iter()
            .filter(|(other, agent)| *other != id && agent.host == host)
            .map(|(other, _)| other.clone())
            .collect();
        for other in &old {
            self.agents.remove(other);
            self.offers.forget_agent(other);
        }
        let lost: Vec<TaskStatus> = self
            .pods
            .values()
            .filter_map(|record| match &record.stage {
                Stage::Tasked(task) if task.host == host && task.agent != *id => Some(TaskStatus {
                    task_id: task.id.clone(),
                    state: mesos::TaskState::Gone,
                    source: Some(mesos::Source::Master),
                    message: Some(format!("agent {} of {host} was replaced by {id}", task.agent)),
                    ..TaskStatus::default()
                }),
                _ => None,
            })
            .collect();
        for status in lost {
            self.update(&status, now);
        }
    }

    /// An offer of an agent on which another version's executor runs is of no use: one node cannot have two. An executor
    /// that has no pod any more is asked to go.
    fn is_compatible(&mut self, offer: &Offer) -> bool {
        let mut others = offer.executor_ids.iter().filter(|id| **id != self.template.id).peekable();
        if others.peek().is_none() {
            return true;
        }
        let busy: HashSet<&str> = self
            .pods
            .values()
            .filter_map(|record| match &record.stage {
                Stage::Tasked(task) if task.agent == offer.agent_id => {
                    record.pod.metadata.annotations.as_ref()?.get(keys::EXECUTOR_ID).map(String::as_str)
                }
                _ => None,
            })
            .collect();
        let idle: Vec<_> = others.filter(|id| !busy.contains(id.as_str())).cloned().collect();
        tracing::warn!(agent = %offer.agent_id, host = offer.hostname, idle = idle.len(), "an executor with other flags runs on the agent");
        for executor_id in idle.into_iter().filter(|_| self.pods_known) {
            let agent_id = offer.agent_id.clone();
            self.effects.push(Effect::Mesos(Action::Shutdown(Shutdown { executor_id, agent_id })));
        }
        false
    }

    /// Asks for the agent's Node object, where it is missing or its attribute labels are others.
    fn ensure_node(&mut self, id: &AgentID, now: Instant) {
        if !self.nodes_known {
            return;
        }
        let Some(agent) = self.agents.get_mut(id) else { return };
        let current = self.nodes.get(&agent.host).is_some_and(|node| node::has_labels(node, &agent.labels));
        let asked = agent.ensured.is_some_and(|asked| now < asked + ENSURE_AGAIN);
        if !current && !asked {
            agent.ensured = Some(now);
            self.effects.push(Effect::EnsureNode { name: agent.host.clone(), labels: agent.labels.clone() });
        }
    }

    /// Asks for the Node objects of agents whose offers came before the nodes were known.
    pub(super) fn ensure_nodes(&mut self, now: Instant) {
        let ids: Vec<AgentID> = self.agents.keys().cloned().collect();
        for id in ids {
            self.ensure_node(&id, now);
        }
    }

    pub(super) fn node_task_update(&mut self, id: &AgentID, status: &TaskStatus, now: Instant) {
        let verdict = judge(status, false);
        let Some(agent) = self.agents.get_mut(id) else {
            // an agent that was not offered since this scheduler started: its task is found again by its ID
            return;
        };
        match verdict {
            Verdict::Ignore | Verdict::Unreachable => {}
            Verdict::Bound | Verdict::Running => {
                agent.node_task = Some(status.task_id.clone());
                agent.retry.reset();
            }
            Verdict::Ended | Verdict::Lost | Verdict::Failed => {
                if agent.node_task.as_ref() == Some(&status.task_id) {
                    agent.node_task = None;
                }
                (agent.executor, agent.started) = (None, None);
                let first = agent.retry.bound() == BACKOFF.0;
                let wait = agent.retry.next_wait();
                agent.not_before = (verdict == Verdict::Failed || !first).then(|| now + wait);
                tracing::info!(host = agent.host, state = %status.state, message = status.message, "the node's executor is gone");
                if let Some(time) = agent.not_before {
                    self.look_at(time);
                }
                self.want_offers(now);
            }
        }
    }
}

impl Agent {
    /// Corrects what was guessed of an executor that an earlier scheduler started: its agent may be offered before its node is
    /// known. Of one that this scheduler started nothing has to be learnt.
    fn learn(&mut self, node: &Node, ours: &ExecutorID) {
        if self.executor.is_some() && self.started.is_none() {
            self.executor = node::executor(node, ours).or_else(|| self.executor.take());
        }
    }
}
