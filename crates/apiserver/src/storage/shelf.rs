//! One resource's objects in memory, and its recent changes.
//!
//! The feed is the only writer. Readers take `Arc`s under a short lock; watchers hold no queue of their own but a
//! cursor into the ring of recent changes, so that a slow one costs nothing: when the ring has moved past it, it is
//! told so and its client resumes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::entry::Entry;

/// How many changes a ring holds, and about how many bytes.
const RING_CHANGES: usize = 4096;
const RING_BYTES: usize = 8 << 20;

/// What happened to an object.
#[derive(Debug)]
pub(crate) enum Change {
    /// It came to be.
    Added(Arc<Entry>),
    /// It is another now; what it was is not known where history does not reach.
    Modified {
        /// The object now.
        new: Arc<Entry>,
        /// The object before.
        old: Option<Arc<Entry>>,
    },
    /// It is gone. Its last state, at the revision of the deletion.
    Deleted(Arc<Entry>),
}

impl Change {
    /// The revision at which it happened.
    pub(crate) fn revision(&self) -> u64 {
        match self {
            Self::Added(entry) | Self::Deleted(entry) | Self::Modified { new: entry, .. } => entry.revision,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Added(entry) | Self::Deleted(entry) | Self::Modified { new: entry, .. } => entry.size(),
        }
    }
}

/// A change and the object's key within its shelf.
#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    /// `namespace/name`, or `name` of a cluster's object.
    pub(crate) key: Arc<str>,
    /// What happened.
    pub(crate) change: Arc<Change>,
}

/// What the feed has to say of one key.
pub(crate) struct Update {
    pub(crate) key: Arc<str>,
    pub(crate) revision: u64,
    /// The object's new state; `None` when it was deleted.
    pub(crate) entry: Option<Entry>,
}

/// An object of a list, with its key.
pub(crate) type Listed = (Arc<str>, Arc<Entry>);

/// Which objects of a shelf are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Range<'r> {
    /// What their keys begin with.
    pub(crate) prefix: &'r str,
    /// The key that they lie behind.
    pub(crate) after: Option<&'r str>,
    /// How many at most.
    pub(crate) limit: Option<usize>,
    /// Which of them; asked under the shelf's lock, so that what is not meant is not touched.
    pub(crate) meant: &'r (dyn Fn(&Entry) -> bool + Sync),
}

impl<'r> Range<'r> {
    /// All with that prefix.
    pub(crate) fn all(prefix: &'r str) -> Self {
        Self { prefix, after: None, limit: None, meant: &|_| true }
    }
}

/// What a shelf has of a range.
pub(crate) struct Found {
    pub(crate) objects: Vec<Listed>,
    /// How many more there are behind the limit.
    pub(crate) remaining: u64,
    /// The revision of the shelf's last change.
    pub(crate) changed: u64,
}

/// A cursor has fallen behind the ring: its watch cannot go on from memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Behind;

/// One resource's objects and recent changes.
pub(crate) struct Shelf {
    inner: RwLock<Inner>,
    /// The revision of the latest change, for those who wait for one.
    latest: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<Arc<str>, Arc<Entry>>,
    ring: VecDeque<Keyed>,
    ring_bytes: usize,
    /// The ring tells all changes behind this revision.
    floor: u64,
    /// The revision of the last change.
    changed: u64,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self { inner: RwLock::default(), latest: watch::Sender::new(0) }
    }

    /// One object.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.inner.read().objects.get(key).cloned()
    }

    /// The objects of the range, in order.
    pub(crate) fn list(&self, range: &Range<'_>) -> Found {
        let inner = self.inner.read();
        let start = range.after.map_or(Bound::Included(range.prefix), Bound::Excluded);
        let objects = inner.objects.range::<str, _>((start, Bound::Unbounded));
        let mut meant =
            objects.take_while(|(key, _)| key.starts_with(range.prefix)).filter(|(_, entry)| (range.meant)(entry));
        let limit = range.limit.unwrap_or(usize::MAX);
        let objects = meant.by_ref().take(limit).map(|(key, entry)| (Arc::clone(key), Arc::clone(entry))).collect();
        Found { objects, remaining: meant.count() as u64, changed: inner.changed }
    }

    /// All objects, in order.
    pub(crate) fn all(&self) -> Vec<Listed> {
        self.list(&Range::all("")).objects
    }

    /// Visits all objects under the lock; for short looks.
    pub(crate) fn any(&self, mut found: impl FnMut(&str, &Entry) -> bool) -> bool {
        self.inner.read().objects.iter().any(|(key, entry)| found(key, entry))
    }

    /// The revision of the last change.
    pub(crate) fn changed(&self) -> u64 {
        self.inner.read().changed
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.inner.read().objects.len()
    }

    /// The revision behind which the ring tells everything.
    pub(crate) fn floor(&self) -> u64 {
        self.inner.read().floor
    }

    /// Changes behind revision `after`, oldest first.
    pub(crate) fn changes(&self, after: u64) -> Result<Vec<Keyed>, Behind> {
        let inner = self.inner.read();
        if after < inner.floor {
            return Err(Behind);
        }
        let start = inner.ring.partition_point(|keyed| keyed.change.revision() <= after);
        Ok(inner.ring.range(start..).cloned().collect())
    }

    /// Wakes at each change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// All objects anew, as they were at `revision`; what happened before is not known any more.
    pub(crate) fn reset(&self, objects: BTreeMap<Arc<str>, Arc<Entry>>, revision: u64) {
        let mut inner = self.inner.write();
        let changed = objects.values().map(|entry| entry.revision).max().unwrap_or(0);
        // a deletion before the load leaves no trace but is a change
        *inner = Inner { objects, floor: revision, changed: changed.max(revision), ..Inner::default() };
        drop(inner);
        self.latest.send_replace(revision);
    }

    /// Takes away what turned out to be no object, unless something else is in its place by now.
    pub(crate) fn leave_out(&self, key: &str, entry: &Arc<Entry>) {
        let mut inner = self.inner.write();
        if inner.objects.get(key).is_some_and(|now| Arc::ptr_eq(now, entry)) {
            inner.objects.remove(key);
        }
    }

    /// Takes in changes, which come in order and whole revisions at a time.
    pub(crate) fn apply(&self, updates: Vec<Update>) {
        let mut inner = self.inner.write();
        let mut latest = 0;
        for update in updates {
            latest = update.revision;
            inner.apply(update);
        }
        inner.trim();
        inner.changed = latest.max(inner.changed);
        drop(inner);
        self.latest.send_replace(latest);
    }

    /// Puts older changes before the ring, so that it tells everything behind `floor`. Those that the ring tells already
    /// are left out. `false`, and nothing done, when the ring has no room for them.
    pub(crate) fn prepend(&self, older: &[Keyed], floor: u64) -> bool {
        let mut inner = self.inner.write();
        if floor >= inner.floor {
            return true;
        }
        let missing: Vec<&Keyed> = older
            .iter()
            .filter(|keyed| keyed.change.revision() > floor && keyed.change.revision() <= inner.floor)
            .collect();
        let bytes: usize = missing.iter().map(|keyed| keyed.change.size()).sum();
        if inner.ring.len() + missing.len() > RING_CHANGES || inner.ring_bytes + bytes > RING_BYTES {
            return false;
        }
        for keyed in missing.into_iter().rev() {
            inner.ring.push_front(keyed.clone());
        }
        inner.ring_bytes += bytes;
        inner.floor = floor;
        true
    }
}

impl Inner {
    fn apply(&mut self, Update { key, revision, entry }: Update) {
        let change = match entry {
            Some(entry) => {
                let new = Arc::new(entry);
                match self.objects.insert(Arc::clone(&key), Arc::clone(&new)) {
                    Some(old) => Change::Modified { new, old: Some(old) },
                    None => Change::Added(new),
                }
            }
            None => match self.objects.remove(&key) {
                Some(old) => Change::Deleted(Arc::new(old.at(revision))),
                None => return,
            },
        };
        self.ring_bytes += change.size();
        self.ring.push_back(Keyed { key, change: Arc::new(change) });
    }

    fn trim(&mut self) {
        while self.ring.len() > RING_CHANGES || self.ring_bytes > RING_BYTES && self.ring.len() > 1 {
            let Some(oldest) = self.ring.pop_front() else { return };
            self.ring_bytes -= oldest.change.size();
            self.floor = oldest.change.revision();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, revision: u64) -> Entry {
        let stored = format!(r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"{name}"}}}}"#);
        Entry::new(name, stored.as_bytes(), revision).unwrap()
    }

    fn update(name: &str, revision: u64, there: bool) -> Update {
        Update { key: name.into(), revision, entry: there.then(|| entry(name, revision)) }
    }

    fn told(changes: &[Keyed]) -> Vec<(String, u64)> {
        let name = |keyed: &Keyed| match *keyed.change {
            Change::Added(_) => format!("+{}", keyed.key),
            Change::Modified { .. } => format!("~{}", keyed.key),
            Change::Deleted(_) => format!("-{}", keyed.key),
        };
        changes.iter().map(|keyed| (name(keyed), keyed.change.revision())).collect()
    }

    #[test]
    fn changes_are_told_from_any_revision_the_ring_holds() {
        let shelf = Shelf::new();
        shelf.reset(BTreeMap::new(), 10);
        shelf.apply(vec![update("n/a", 11, true), update("n/b", 11, true)]);
        shelf.apply(vec![update("n/a", 12, true)]);
        shelf.apply(vec![update("n/b", 14, false)]);
        let all = [("+n/a", 11), ("+n/b", 11), ("~n/a", 12), ("-n/b", 14)].map(|(s, r)| (s.to_owned(), r));
        assert_eq!(told(&shelf.changes(10).unwrap()), all);
        assert_eq!(told(&shelf.changes(12).unwrap()), all[3..]);
        assert_eq!(shelf.changes(9).unwrap_err(), Behind);
        let found = shelf.list(&Range::all("n/"));
        assert_eq!((found.objects.len(), found.changed), (1, 14));
    }

    #[test]
    fn the_ring_is_bounded_and_says_what_it_lost() {
        let shelf = Shelf::new();
        shelf.reset(BTreeMap::new(), 0);
        for revision in 1..=(RING_CHANGES as u64 + 5) {
            shelf.apply(vec![update("a", revision, true)]);
        }
        assert_eq!(shelf.floor(), 5);
        assert_eq!(shelf.changes(4).unwrap_err(), Behind);
        assert_eq!(shelf.changes(5).unwrap().len(), RING_CHANGES);
        assert!(!shelf.prepend(&[Keyed { key: "a".into(), change: Change::Added(Arc::new(entry("a", 5))).into() }], 3));
    }

    #[test]
    fn history_goes_before_the_ring_once() {
        let shelf = Shelf::new();
        shelf.reset(BTreeMap::new(), 10);
        shelf.apply(vec![update("b", 11, true)]);
        let older = |revision| Keyed { key: "a".into(), change: Change::Added(Arc::new(entry("a", revision))).into() };
        assert!(shelf.prepend(&[older(7), older(9), older(11)], 7));
        assert_eq!(told(&shelf.changes(7).unwrap()), [("+a".to_owned(), 9), ("+b".to_owned(), 11)]);
        assert!(shelf.prepend(&[older(9)], 8), "known already");
        assert_eq!(shelf.floor(), 7);
    }

    #[test]
    fn what_turns_out_to_be_no_object_is_left_out_unless_it_was_replaced() {
        let shelf = Shelf::new();
        shelf.reset(["a", "b"].map(|key| (key.into(), Arc::new(entry(key, 1)))).into(), 1);
        let [(_, a), (_, b)] = <[Listed; 2]>::try_from(shelf.all()).unwrap();
        shelf.apply(vec![update("b", 2, true)]);
        shelf.leave_out("a", &a);
        shelf.leave_out("b", &b);
        assert!(shelf.get("a").is_none());
        assert_eq!(shelf.get("b").map(|b| b.revision), Some(2));
    }

    #[test]
    fn lists_stay_within_their_prefix_and_go_on_behind_a_key() {
        let shelf = Shelf::new();
        shelf.reset(BTreeMap::new(), 0);
        shelf.apply(["a/x", "a/y", "ab/x", "b/z"].into_iter().map(|k| update(k, 1, true)).collect());
        let keys = |range: Range<'_>| -> Vec<String> {
            shelf.list(&range).objects.into_iter().map(|(key, _)| key.to_string()).collect()
        };
        assert_eq!(keys(Range::all("a/")), ["a/x", "a/y"]);
        assert_eq!(keys(Range { after: Some("a/x"), ..Range::all("a/") }), ["a/y"]);
        assert_eq!(keys(Range { after: Some("a/y"), ..Range::all("") }), ["ab/x", "b/z"]);
    }

    #[test]
    fn what_is_not_meant_is_passed_over_and_what_is_behind_the_limit_is_counted() {
        let shelf = Shelf::new();
        shelf.reset(BTreeMap::new(), 0);
        shelf.apply(["a", "b", "c", "d", "e"].into_iter().map(|k| update(k, 1, true)).collect());
        let meant = |entry: &Entry| entry.field("metadata.name") != Some("b");
        let found = shelf.list(&Range { limit: Some(2), meant: &meant, ..Range::all("") });
        let keys: Vec<&str> = found.objects.iter().map(|(key, _)| &**key).collect();
        assert_eq!((keys, found.remaining), (vec!["a", "c"], 2));
    }
}
