//! What the API server has of this node: somebody else may have written over it, as the node controller does while it does not
//! hear of the node.

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use tokio::sync::watch;

use super::status;
use crate::context::Context;
use crate::version;

/// A node's conditions at one moment, and whether pods have what others say of its resources.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    version: String,
    conditions: Vec<NodeCondition>,
    is_granted: bool,
}

impl Word {
    /// Of the node as the API server gave it.
    pub(super) fn of(node: &Node) -> Self {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
        let is_granted = node.status.as_ref().is_none_or(status::is_granted);
        Self { version: node.metadata.resource_version.clone().unwrap_or_default(), conditions, is_granted }
    }

    /// Whether this came after `ours` and says something else of what `ours` speaks of, or something that pods do not have yet:
    /// that may have come between our look at the node and what we wrote.
    fn contradicts(&self, ours: &Self, own: &[&str]) -> bool {
        let of = |word: &Self, type_: &str| {
            let found = word.conditions.iter().find(|condition| condition.type_ == type_);
            found.map(|found| (found.status.clone(), found.reason.clone(), found.message.clone()))
        };
        let is_later = version::is_later(&self.version, &ours.version);
        let is_other = own.iter().any(|type_| of(self, type_) != of(ours, type_));
        (is_later && is_other) || (!self.is_granted && (is_later || self.version == ours.version))
    }
}

/// Follows the node, for ever.
pub(super) async fn follow(context: &Context, seen: watch::Sender<Word>) {
    let api: Api<Node> = Api::all(context.client.clone());
    let config = watcher::Config::default().fields(&format!("metadata.name={}", context.node));
    let mut events = Box::pin(kube::runtime::watcher(api, config).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(node) | Event::InitApply(node)) => drop(seen.send_replace(Word::of(&node))),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "watching this node"),
        }
    }
}

/// Returns when the node is said to be another than `ours` says by its conditions `own`; never, where nothing was written.
pub(super) async fn contradicted(seen: &mut watch::Receiver<Word>, ours: Option<&Word>, own: &[&str]) {
    let Some(ours) = ours else { return std::future::pending().await };
    if seen.wait_for(|word| word.contradicts(ours, own)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(version: &str, ready: &str, other: &str) -> Word {
        let node = serde_json::json!({"metadata": {"name": "n", "resourceVersion": version}, "status": {"conditions": [
            {"type": "Ready", "status": ready}, {"type": "Other", "status": other}]}});
        Word::of(&serde_json::from_value(node).unwrap())
    }

    #[test]
    fn only_what_came_later_and_is_ours_contradicts_us() {
        let ours = word("7", "True", "True");
        let contradicts = |word: Word| word.contradicts(&ours, &["Ready"]);
        assert!(contradicts(word("8", "Unknown", "True")));
        assert!(!contradicts(word("6", "Unknown", "True")), "it was before we wrote");
        assert!(!contradicts(word("8", "True", "False")), "it is another's");
        let more = |version: &str| Word { is_granted: false, ..word(version, "True", "True") };
        assert!(contradicts(more("8")) && contradicts(more("7")) && !contradicts(more("6")));
    }
}
