//! Who owns whom, as far as it matters: items with owners, owners that dependents name, and what is to be done about one.

use std::collections::{BTreeSet, HashMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// An object as the collector sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    /// Its UID.
    pub(super) uid: String,
    /// Its group and version.
    pub(super) api_version: String,
    /// Its kind.
    pub(super) kind: String,
    /// Its namespace, empty outside all.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Who owns it.
    pub(super) owners: Vec<OwnerReference>,
    /// Whether it is being deleted.
    pub(super) deleting: bool,
    /// Whether its dependents go first.
    pub(super) foreground: bool,
    /// Whether its dependents stay.
    pub(super) orphan: bool,
}

/// What is to be done about one object.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing.
    Nothing,
    /// Find out whether these owners, of whom no watch tells, exist.
    AskOwners(Item, Vec<OwnerReference>),
    /// Have these go, which block the owner; when there are none, let it go.
    DeleteDependents(Item, Vec<Leaving>),
    /// Take the owner's reference off these, then let it go.
    Orphan(Item, Vec<Item>),
}

/// A dependent that an owner waits for.
#[derive(Debug, PartialEq)]
pub(super) struct Leaving {
    /// The dependent.
    pub(super) item: Item,
    /// Another owner of it is there and does not wait for it: it stays.
    pub(super) has_other: bool,
    /// Other owners of it, of whom no watch tells.
    pub(super) unknown: Vec<OwnerReference>,
    /// One of its own dependents waits too, so that the owners may wait for one another.
    pub(super) in_circle: bool,
}

/// The graph.
#[derive(Default)]
pub(super) struct Graph {
    /// Objects that have owners or wait for dependents.
    items: HashMap<String, Item>,
    /// UIDs of everything that exists.
    alive: HashSet<String>,
    /// Owner to those that name it.
    dependents: HashMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The object exists and looks like this; returns whom to look at.
    pub(super) fn seen(&mut self, item: Item) -> Vec<String> {
        self.alive.insert(item.uid.clone());
        let interesting = !item.owners.is_empty() || (item.deleting && (item.foreground || item.orphan));
        let before = self.items.get(&item.uid);
        if before == Some(&item) || (before.is_none() && !interesting) {
            return Vec::new();
        }
        self.unlink(&item.uid);
        for owner in &item.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(item.uid.clone());
        }
        // an owner in wait looks again when a dependent changes: one may have gone or let go
        let mut look: Vec<String> =
            item.owners.iter().map(|owner| owner.uid.clone()).filter(|uid| self.waits(uid)).collect();
        look.push(item.uid.clone());
        if interesting {
            self.items.insert(item.uid.clone(), item);
        }
        look
    }

    /// The object is gone; returns whom to look at.
    pub(super) fn gone(&mut self, uid: &str) -> Vec<String> {
        self.alive.remove(uid);
        let owners = self.items.get(uid).map(|item| item.owners.clone()).unwrap_or_default();
        self.unlink(uid);
        let dependents = self.dependents.get(uid).into_iter().flatten().cloned();
        let owners = owners.into_iter().map(|owner| owner.uid).filter(|owner| self.waits(owner));
        dependents.chain(owners).collect()
    }

    /// What is to be done about the object.
    pub(super) fn step(&self, uid: &str) -> Step {
        let Some(item) = self.items.get(uid) else { return Step::Nothing };
        if item.deleting && item.orphan {
            return Step::Orphan(item.clone(), self.dependents_of(uid).cloned().collect());
        }
        if item.deleting && item.foreground {
            let blocking = self.dependents_of(uid).filter(|dependent| dependent.blocks(item));
            // one that is being deleted already needs no second word
            let blocking: Vec<&Item> = blocking.collect();
            let staying = blocking.iter().filter(|dependent| !dependent.deleting);
            let to_delete: Vec<Leaving> = staying.map(|dependent| self.leaving(uid, dependent)).collect();
            if blocking.is_empty() || !to_delete.is_empty() {
                return Step::DeleteDependents(item.clone(), to_delete);
            }
            return Step::Nothing;
        }
        let unknown: Vec<OwnerReference> =
            item.owners.iter().filter(|owner| !self.alive.contains(&owner.uid)).cloned().collect();
        if item.deleting || unknown.is_empty() { Step::Nothing } else { Step::AskOwners(item.clone(), unknown) }
    }

    /// A dependent as it stands to its other owners and to its own dependents.
    fn leaving(&self, owner: &str, dependent: &Item) -> Leaving {
        let others = || dependent.owners.iter().filter(|other| other.uid != owner);
        let foreground = |uid: &str| self.items.get(uid).is_some_and(|item| item.deleting && item.foreground);
        Leaving {
            item: dependent.clone(),
            has_other: others().any(|other| self.alive.contains(&other.uid) && !foreground(&other.uid)),
            unknown: others().filter(|other| !self.alive.contains(&other.uid)).cloned().collect(),
            in_circle: self.dependents_of(&dependent.uid).any(|below| foreground(&below.uid)),
        }
    }

    fn waits(&self, uid: &str) -> bool {
        self.items.get(uid).is_some_and(|item| item.deleting && (item.foreground || item.orphan))
    }

    fn dependents_of(&self, uid: &str) -> impl Iterator<Item = &Item> {
        self.dependents.get(uid).into_iter().flatten().filter_map(|uid| self.items.get(uid))
    }

    fn unlink(&mut self, uid: &str) {
        let Some(item) = self.items.remove(uid) else { return };
        for owner in &item.owners {
            if let Some(dependents) = self.dependents.get_mut(&owner.uid) {
                dependents.remove(uid);
                if dependents.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
    }
}

impl Item {
    /// Whether this owner of it may not go before it. One of another namespace is no owner, whatever the reference says.
    fn blocks(&self, owner: &Self) -> bool {
        let is_near = owner.namespace.is_empty() || owner.namespace == self.namespace;
        let waits = |own: &OwnerReference| own.uid == owner.uid && own.block_owner_deletion == Some(true);
        is_near && self.owners.iter().any(waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(uid: &str, owners: &[&str]) -> Item {
        let reference = |owner: &&str| OwnerReference {
            uid: (*owner).to_owned(),
            block_owner_deletion: Some(true),
            ..OwnerReference::default()
        };
        Item { uid: uid.into(), name: uid.into(), owners: owners.iter().map(reference).collect(), ..Item::default() }
    }

    #[test]
    fn dependents_are_looked_at_when_their_owner_goes() {
        let mut graph = Graph::default();
        assert!(graph.seen(owned("rc", &[])).is_empty());
        graph.seen(owned("pod", &["rc"]));
        assert_eq!(graph.step("pod"), Step::Nothing);
        assert_eq!(graph.gone("rc"), ["pod"]);
        assert!(matches!(graph.step("pod"), Step::AskOwners(item, unknown) if item.uid == "pod" && unknown.len() == 1));
    }

    #[test]
    fn what_is_seen_before_its_owner_asks_for_it() {
        let mut graph = Graph::default();
        assert_eq!(graph.seen(owned("pod", &["rc"])), ["pod"]);
        assert!(matches!(graph.step("pod"), Step::AskOwners(..)));
        graph.seen(owned("rc", &[]));
        assert_eq!(graph.step("pod"), Step::Nothing);
    }

    #[test]
    fn a_foreground_owner_waits_for_its_dependents() {
        let mut graph = Graph::default();
        graph.seen(owned("pod", &["rc"]));
        let going = Item { deleting: true, foreground: true, ..owned("rc", &[]) };
        assert_eq!(graph.seen(going), ["rc"]);
        assert!(matches!(graph.step("rc"), Step::DeleteDependents(_, pods) if pods.len() == 1));
        graph.seen(Item { deleting: true, ..owned("pod", &["rc"]) });
        assert_eq!(graph.step("rc"), Step::Nothing, "on its way already");
        assert_eq!(graph.gone("pod"), ["rc"]);
        assert!(matches!(graph.step("rc"), Step::DeleteDependents(_, pods) if pods.is_empty()));
    }

    #[test]
    fn an_owner_waits_for_nobody_of_another_namespace() {
        let mut graph = Graph::default();
        let near = |item: Item| Item { namespace: "team".to_owned(), ..item };
        graph.seen(owned("role", &["map"]));
        graph.seen(near(owned("own", &["map"])));
        graph.seen(near(Item { deleting: true, foreground: true, ..owned("map", &[]) }));
        let Step::DeleteDependents(_, leaving) = graph.step("map") else { panic!() };
        assert_eq!(leaving.iter().map(|leaving| leaving.item.uid.as_str()).collect::<Vec<_>>(), ["own"]);
    }

    #[test]
    fn an_orphaning_owner_leaves_its_dependents() {
        let mut graph = Graph::default();
        graph.seen(owned("pod", &["rc"]));
        graph.seen(Item { deleting: true, orphan: true, ..owned("rc", &[]) });
        assert!(matches!(graph.step("rc"), Step::Orphan(_, pods) if pods[0].uid == "pod"));
        assert_eq!(graph.seen(owned("pod", &[])), ["pod"]);
        assert!(matches!(graph.step("rc"), Step::Orphan(_, pods) if pods.is_empty()));
        assert_eq!(graph.gone("rc"), Vec::<String>::new());
    }

    #[test]
    fn one_living_owner_suffices() {
        let mut graph = Graph::default();
        graph.seen(owned("a", &[]));
        graph.seen(owned("pod", &["a", "b"]));
        assert!(
            matches!(graph.step("pod"), Step::AskOwners(item, unknown) if unknown[0].uid == "b" && item.owners.len() == 2)
        );
    }

    #[test]
    fn a_dependent_with_another_owner_stays_and_a_circle_is_seen() {
        let mut graph = Graph::default();
        let leaving = |graph: &Graph, owner: &str| match graph.step(owner) {
            Step::DeleteDependents(_, leaving) => leaving,
            step => panic!("{step:?}"),
        };
        let going = |uid: &str, owners: &[&str]| Item { deleting: true, foreground: true, ..owned(uid, owners) };
        graph.seen(owned("other", &[]));
        graph.seen(owned("pod", &["rc", "other"]));
        graph.seen(owned("lost", &["rc", "stranger"]));
        graph.seen(going("rc", &[]));
        let both = leaving(&graph, "rc");
        let of = |uid: &str| both.iter().find(|leaving| leaving.item.uid == uid).unwrap();
        assert!(of("pod").has_other && !of("pod").in_circle);
        assert!(!of("lost").has_other && of("lost").unknown[0].uid == "stranger");
        graph.seen(going("other", &[]));
        let both = leaving(&graph, "rc");
        assert!(!both.iter().any(|leaving| leaving.has_other), "an owner that goes too keeps nobody");

        graph.seen(owned("b", &["a"]));
        graph.seen(owned("c", &["b"]));
        graph.seen(going("a", &["c"]));
        assert!(!leaving(&graph, "a")[0].in_circle);
        graph.seen(going("b", &["a"]));
        assert!(leaving(&graph, "b")[0].in_circle, "c, on which a depends");
    }
}
