//! When nodes were last heard of: by their leases, or where they have none by their status.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::health;
use crate::context::Context;
use crate::queue::Queue;

/// When each node was last heard of, by this clock: nodes' own clocks may differ.
pub(super) type Heard = Arc<Mutex<HashMap<String, Heartbeat>>>;

/// A sign of life.
#[derive(Clone, Debug)]
pub(super) struct Heartbeat {
    /// What it said.
    word: String,
    /// When.
    pub(super) at: Instant,
}

/// Hears nodes, and has the queue told of those that changed, or are heard again after `grace`.
pub(super) fn listen(context: &Context, grace: Duration, queue: &Arc<Queue<String>>, heard: &Heard) {
    let (own, times) = (Arc::clone(queue), Arc::clone(heard));
    context.nodes.listen(move |change| match (change.old, change.new) {
        (_, Some(node)) => {
            let same = change.old.is_some_and(|old| health::matters(old) == health::matters(node));
            if hear(&times, &node.name_any(), health::status_heartbeat(node)) || !same {
                own.add(node.name_any());
            }
        }
        (Some(node), None) => {
            times.lock().remove(&node.name_any());
            // it may have been the last one that was ready
            own.add(node.name_any());
        }
        (None, None) => {}
    });
    let (own, times) = (Arc::clone(queue), Arc::clone(heard));
    context.leases.listen(move |change| {
        let Some(lease) = change.new else { return };
        let silent = |name: &str| times.lock().get(name).is_none_or(|known| known.at.elapsed() >= grace);
        let was_silent = silent(&lease.name_any());
        if hear(&times, &lease.name_any(), renewal(lease)) && was_silent {
            own.add(lease.name_any());
        }
    });
}

/// A lease as a sign of life.
pub(super) fn renewal(lease: &Lease) -> String {
    let time = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref());
    format!("lease {}", time.map_or_else(String::new, |time| time.0.to_string()))
}

/// Notes a sign of life; whether it is a new one.
pub(super) fn hear(heard: &Heard, name: &str, word: String) -> bool {
    let mut heard = heard.lock();
    let new = heard.get(name).is_none_or(|known| known.word != word);
    // two kinds of words alternate; only the lease's counts as a change once there is one
    if new && (word.starts_with("lease") || heard.get(name).is_none_or(|known| !known.word.starts_with("lease"))) {
        heard.insert(name.to_owned(), Heartbeat { word, at: Instant::now() });
        return true;
    }
    false
}
