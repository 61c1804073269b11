//! The scheduler's core: a pure function from pods waiting, offers held and nodes to launches and reasons why not.
//!
//! Pods that are alike (same [`Ask::class`]) share one heap of the nodes that admit them, best first. Placing a pod only ever
//! makes nodes fuller, so a node's score only worsens: the heap's top is scored again when it is met and put back where it
//! then belongs, which costs a logarithm a pod instead of a look at every node. Pods that want other pods near them are the
//! exception (a placement can open nodes to them) and look at every node.

pub mod ask;
mod board;
pub mod fit;
mod groups;
pub mod labels;
pub mod neighbours;
pub mod pool;
mod ports;
mod preempt;
pub mod request;
pub mod spread;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

pub use ask::Ask;
use board::{Board, Score};
pub use fit::{NodeView, Reason};
pub use groups::ServiceSelector;
pub use neighbours::Namespaces;
pub use pool::{Milli, Pool, Share};
use preempt::Outcome;
pub use preempt::Preemption;
pub use request::{Charges, PortAsk, Request};

/// Resources of a node task, which starts an executor before the first pod: thousandths of a CPU and of a MB.
pub const NODE_TASK: (Milli, Milli) = (10, 1000);

/// All that a decision depends on.
pub struct Input<'a> {
    /// Pods that wait, in the order in which they came.
    pub pods: &'a [Arc<Ask>],
    /// Every node, with what Mesos offers of it.
    pub nodes: &'a [NodeState],
    /// Services, whose pods are spread.
    pub services: &'a [ServiceSelector],
    /// Namespaces, by whose labels pods name others.
    pub namespaces: &'a Namespaces,
    /// CPU and memory of an executor where none runs yet.
    pub executor: (Milli, Milli),
    /// Roles of the framework, in the order in which an executor uses them.
    pub framework_roles: &'a [String],
    /// Whether nodes without an executor get a node task.
    pub prelaunch: bool,
}

/// A node, what runs there and what is offered of it.
#[derive(Clone, Debug, Default)]
pub struct NodeState {
    /// The node itself.
    pub view: NodeView,
    /// What is offered, one pool for each allocation role.
    pub offers: Vec<Pool>,
    /// Whether our executor runs there.
    pub executor: bool,
    /// Pods there that have not ended.
    pub placed: Vec<Arc<Ask>>,
}

/// What to do.
#[derive(Debug, Default)]
pub struct Plan {
    /// Tasks to launch.
    pub launches: Vec<Launch>,
    /// Pods that found no node.
    pub why_nots: Vec<WhyNot>,
    /// Pods that have to go for some of those.
    pub preemptions: Vec<Preemption>,
}

/// Why a pod found no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNot {
    /// Index of the pod in the input.
    pub pod: usize,
    /// For the pod's owner, as Kubernetes' scheduler says it.
    pub message: String,
    /// Why no other pods can go for it, in the same words; empty where that is no question.
    pub preemption: String,
    /// A node that might take the pod is not offered now: the next offer may be all that is missing.
    pub awaits_offer: bool,
}

/// A task to launch.
#[derive(Debug, PartialEq, Eq)]
pub struct Launch {
    /// Index of the pod in the input; `None` is a node task.
    pub pod: Option<usize>,
    /// Index of the node in the input.
    pub node: usize,
    /// Index of the pool in the node's offers.
    pub offer: usize,
    /// The task's resources.
    pub task: Vec<Share>,
    /// The new executor's resources; empty where one runs or an earlier launch of this plan starts it.
    pub executor: Vec<Share>,
    /// The host port of each of the request's ports, in their order.
    pub ports: Vec<u16>,
}

/// Decides. Deterministic: the same input gives the same plan.
#[must_use]
pub fn plan(input: &Input) -> Plan {
    let (mut board, mut plan) = (Board::new(input), Plan::default());
    let mut classes: HashMap<u64, Class> = HashMap::new();
    for index in order(input.pods) {
        let ask = &input.pods[index];
        if let Err(never) = &ask.request {
            let (message, preemption) = (never.clone(), String::new());
            plan.why_nots.push(WhyNot { pod: index, message, preemption, awaits_offer: false });
            continue;
        }
        let class = classes.entry(ask.class).or_insert_with(|| Class::open(&mut board, ask));
        match class.place(&mut board, ask) {
            Ok(launch) => plan.launches.push(Launch { pod: Some(index), ..launch }),
            Err(why_not) => {
                let why_not = class.make_room(&mut board, ask, WhyNot { pod: index, ..why_not }, &mut plan.preemptions);
                plan.why_nots.push(why_not);
            }
        }
    }
    if input.prelaunch {
        plan.launches.extend((0..input.nodes.len()).filter_map(|node| board.node_task(node)));
    }
    plan
}

/// Pods that had their node before go first, then by priority, then as they came.
fn order(pods: &[Arc<Ask>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pods.len()).collect();
    order.sort_by_key(|&index| (pods[index].node.is_none(), Reverse(pods[index].priority)));
    order
}

/// Pods that are alike, and the nodes left to them.
struct Class {
    heap: BinaryHeap<Reverse<Score>>,
    groups: Vec<groups::Group>,
    /// What is said of all that come after the first that found nothing: nodes only get fuller.
    closed: Option<WhyNot>,
    /// Why nobody can go for pods of this priority or a lower one.
    hopeless: Option<(i32, String)>,
}

impl Class {
    fn open(board: &mut Board, ask: &Arc<Ask>) -> Self {
        let groups = board.groups_of(ask);
        let mut class = Self { heap: BinaryHeap::new(), groups, closed: None, hopeless: None };
        class.refill(board, ask);
        class
    }

    fn refill(&mut self, board: &Board, ask: &Ask) {
        let nodes = (0..board.nodes()).filter(|&node| board.offered(node) && board.admits(node, ask).is_ok());
        self.heap = nodes.map(|node| Reverse(board.score(node, ask, &self.groups))).collect();
    }

    fn place(&mut self, board: &mut Board, ask: &Arc<Ask>) -> Result<Launch, WhyNot> {
        if let Some(why_not) = &self.closed {
            return Err(why_not.clone());
        }
        let wants_others = ask.looks_around();
        if wants_others {
            self.refill(board, ask);
        }
        while let Some(Reverse(known)) = self.heap.pop() {
            let node = known.node;
            if board.neighbours(node, ask).is_some() {
                continue;
            }
            let now = board.score(node, ask, &self.groups);
            if now > known {
                self.heap.push(Reverse(now));
                continue;
            }
            if let Some(launch) = board.take(node, ask, &self.groups) {
                self.heap.push(Reverse(board.score(node, ask, &self.groups)));
                return Ok(launch);
            }
        }
        let why_not = board.why_not(ask);
        if !wants_others {
            self.closed = Some(why_not.clone());
        }
        Err(why_not)
    }

    /// Has others go for a pod that found no node, where that helps it.
    fn make_room(
        &mut self,
        board: &mut Board,
        ask: &Arc<Ask>,
        mut why_not: WhyNot,
        preemptions: &mut Vec<Preemption>,
    ) -> WhyNot {
        // a pod that names its node waits for that one; without nodes there is nobody to go
        if ask.node.is_some() || board.nodes() == 0 {
            return why_not;
        }
        if let Some((_, why)) = self.hopeless.as_ref().filter(|(priority, _)| ask.priority <= *priority) {
            why_not.preemption.clone_from(why);
            return why_not;
        }
        match preempt::preempt(board, ask) {
            Outcome::Wait => why_not.awaits_offer = true,
            Outcome::Evict(node, victims) => {
                board.nominate(node, ask, &victims);
                preemptions.push(Preemption { pod: why_not.pod, node, victims });
            }
            Outcome::Nothing(why) => {
                self.hopeless = Some((ask.priority, why.clone()));
                why_not.preemption = why;
            }
        }
        why_not
    }
}

#[cfg(test)]
mod tests;
