//! Cluster roles that take over the rules of others by their labels.
//!
//! The rules are written into the role, as Kubernetes' controller does: so they are seen, and requests need no selectors.

use std::sync::Arc;

use kube_api::selector::LabelSelector;
use kube_api::{Status, kinds};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::rbac::{self, GROUP};
use super::rule::Rule;
use crate::api::Api;
use crate::storage::Entry;
use crate::verbs::create::no_claims;
use crate::verbs::modify::{Decision, Place, modify};

const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// Keeps all aggregated roles as they should be, until `shutdown`.
pub(crate) async fn run(api: Arc<Api>, shutdown: CancellationToken) {
    let work = async {
        api.store.wait_loaded().await;
        let Some(shelf) = api.store.shelf("clusterroles") else { return };
        let mut changes = shelf.subscribe();
        loop {
            changes.mark_unchanged();
            if let Err(error) = aggregate(&api).await {
                tracing::warn!(%error, "cannot aggregate cluster roles; trying again in {PAUSE:?}");
                tokio::time::sleep(PAUSE).await;
            } else if changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// Brings all aggregated roles up to date, those that aggregate aggregated roles with the next call.
pub(crate) async fn aggregate(api: &Api) -> Result<(), Status> {
    let Some(shelf) = api.store.shelf("clusterroles") else { return Ok(()) };
    let roles = shelf.all();
    let kind = kinds::find(GROUP, "v1", "clusterroles").ok_or_else(Status::no_such_path)?;
    for (name, entry) in &roles {
        let role = entry.value();
        let Some(selectors) = selectors(&role) else { continue };
        let rules = json!(gather(name, &selectors, roles.iter().map(|(name, entry)| (&**name, &**entry))));
        if role["rules"] == rules {
            continue;
        }
        let done = modify(api, Place { kind, key: name, name }, false, |old| {
            let mut new = old.clone();
            new["rules"] = rules.clone();
            // somebody may have ended the aggregation meanwhile
            Ok(if self::selectors(old).is_some() { Decision::Put(new, no_claims()) } else { Decision::Keep })
        });
        match done.await {
            Err(status) if status.code != 404 => return Err(status),
            _ => {}
        }
    }
    Ok(())
}

fn selectors(role: &Value) -> Option<Vec<LabelSelector>> {
    let selectors = role["aggregationRule"]["clusterRoleSelectors"].as_array()?;
    Some(selectors.iter().filter_map(|selector| LabelSelector::from_object(selector).ok()).collect())
}

/// The rules of all roles that one of the selectors means, but for the role itself; each once.
fn gather<'r>(own: &str, selectors: &[LabelSelector], roles: impl Iterator<Item = (&'r str, &'r Entry)>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (name, entry) in roles {
        let meant = || selectors.iter().any(|selector| selector.matches_with(|key| entry.label(key)));
        if name == own || !meant() {
            continue;
        }
        for rule in rbac::rules(&entry.value()) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    rules
}
