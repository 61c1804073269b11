//! Preemption: which pods of lower priority have to go so that one that found no node gets one.

use std::collections::HashSet;
use std::sync::Arc;

use super::ask::Ask;
use super::board::Board;
use super::fit::{self, Reason};

/// Pods that have to go for another one.
#[derive(Debug)]
pub struct Preemption {
    /// Index of the pod in the input.
    pub pod: usize,
    /// Index of the node in the input.
    pub node: usize,
    /// Who goes.
    pub victims: Vec<Arc<Ask>>,
}

/// What preemption can do for a pod.
pub(super) enum Outcome {
    /// These pods of this node have to go.
    Evict(usize, Vec<Arc<Ask>>),
    /// Nothing has to go: a node has room, or will have once those are gone that are on their way out.
    Wait,
    /// Nothing, for this reason, as Kubernetes' scheduler says it.
    Nothing(String),
}

/// What is lost on a node: the highest priority among the victims, the sum of their priorities, their number.
type Loss = (Option<i32>, i64, usize);

/// Looks for the node on which the least is lost.
pub(super) fn preempt(board: &Board<'_>, ask: &Ask) -> Outcome {
    if !ask.preempts {
        return Outcome::Nothing("not eligible due to preemptionPolicy=Never.".to_owned());
    }
    let (mut best, mut reasons) = (None::<(Loss, usize, Vec<Arc<Ask>>)>, Vec::new());
    for node in 0..board.nodes() {
        match victims(board, node, ask) {
            Ok(victims) if victims.is_empty() => return Outcome::Wait,
            Ok(victims) => {
                let highest = victims.iter().map(|victim| victim.priority).max();
                let sum: i64 = victims.iter().map(|victim| i64::from(victim.priority) - i64::from(i32::MIN)).sum();
                let loss = (highest, sum, victims.len());
                if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                    best = Some((loss, node, victims));
                }
            }
            Err(reason) => reasons.push(reason),
        }
    }
    match best {
        Some((_, node, victims)) => Outcome::Evict(node, victims),
        None => Outcome::Nothing(fit::counted(board.nodes(), reasons.into_iter())),
    }
}

/// The fewest and least important pods of the node without which the pod fits, or why it does not.
fn victims(board: &Board<'_>, node: usize, ask: &Ask) -> Result<Vec<Arc<Ask>>, String> {
    let unhelpful = || "Preemption is not helpful for scheduling".to_owned();
    board.admits(node, ask).map_err(|_| unhelpful())?;
    let there = board.placed_before(node);
    let mut lower: Vec<&Arc<Ask>> =
        there.iter().filter(|pod| pod.priority < ask.priority && !board.is_going(pod)).collect();
    lower.sort_by_key(|pod| std::cmp::Reverse(pod.priority));
    let going = there.iter().filter(|pod| board.is_going(pod));
    let mut without: HashSet<&str> = going.chain(lower.iter().copied()).map(|pod| pod.uid.as_str()).collect();
    let fits = |without: &HashSet<&str>| board.fits_without(node, ask, without);
    match fits(&without) {
        Ok(()) => {}
        Err(_) if lower.is_empty() => return Err("No preemption victims found for incoming pod".to_owned()),
        Err(Reason::Affinity | Reason::SpreadLabel) => return Err(unhelpful()),
        Err(reason) => return Err(reason.to_string()),
    }
    let mut victims = Vec::new();
    // the most important stay where that can be
    for pod in lower {
        without.remove(pod.uid.as_str());
        if fits(&without).is_err() {
            without.insert(&pod.uid);
            victims.push(Arc::clone(pod));
        }
    }
    Ok(victims)
}
