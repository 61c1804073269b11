//! Spreading: pods of one controller or one service count on each node, and the node with fewest comes first.

use std::collections::HashMap;

use kube::core::{Selector, SelectorExt};

use super::ask::Ask;

/// A service as far as it says which pods belong together.
#[derive(Clone, Debug)]
pub struct ServiceSelector {
    /// The service's namespace.
    pub namespace: String,
    /// Its selector, never empty.
    pub selector: Selector,
}

impl ServiceSelector {
    fn selects(&self, pod: &Ask) -> bool {
        self.namespace == pod.namespace && self.selector.matches(&pod.labels)
    }
}

/// What makes pods belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Group {
    /// Pods of the controller with this UID.
    Owner(String),
    /// Pods of the service with this index.
    Service(usize),
}

/// How many pods of each group are on each node; a group is counted when it is first asked for.
#[derive(Default)]
pub(super) struct Groups {
    counts: HashMap<Group, Vec<u32>>,
}

impl Groups {
    /// The groups of `pod`, counted among `placed` (pods with their node's index) where they were not yet.
    pub(super) fn of<'a, P>(
        &mut self,
        pod: &Ask,
        services: &[ServiceSelector],
        nodes: usize,
        placed: impl Fn() -> P,
    ) -> Vec<Group>
    where
        P: Iterator<Item = (usize, &'a Ask)>,
    {
        let owner = pod.owner.clone().map(Group::Owner);
        let selected = services.iter().enumerate().filter(|(_, service)| service.selects(pod));
        let groups: Vec<Group> = owner.into_iter().chain(selected.map(|(index, _)| Group::Service(index))).collect();
        for group in &groups {
            self.counts.entry(group.clone()).or_insert_with(|| {
                let mut counts = vec![0; nodes];
                for (node, other) in placed() {
                    let belongs = match group {
                        Group::Owner(uid) => other.owner.as_ref() == Some(uid),
                        Group::Service(index) => services[*index].selects(other),
                    };
                    counts[node] += u32::from(belongs);
                }
                counts
            });
        }
        groups
    }

    /// Pods of these groups on a node.
    pub(super) fn count(&self, groups: &[Group], node: usize) -> u32 {
        groups.iter().filter_map(|group| self.counts.get(group)).map(|counts| counts[node]).sum()
    }

    /// One more pod of these groups is on the node.
    pub(super) fn add(&mut self, groups: &[Group], node: usize) {
        for group in groups {
            if let Some(counts) = self.counts.get_mut(group) {
                counts[node] += 1;
            }
        }
    }
}
