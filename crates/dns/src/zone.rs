//! The records that are answered from, as a tree of labels, and what a name finds in it.
//!
//! As in SkyDNS a name stands for all records below it, and `*` or `any` for any one label. Labels that begin with `_`
//! (SRV) are found only by who names them, so that a service's address is not answered twice.

mod shared;

use std::collections::BTreeMap;

use crate::record::Record;

pub use shared::Shared;

/// A node of the tree, with all below it.
#[derive(Debug, Default, Clone)]
pub struct Zone {
    record: Option<Record>,
    below: BTreeMap<String, Self>,
}

impl Zone {
    /// Puts a record at `path`, in place of one that is there.
    pub fn insert(&mut self, path: &[String], record: Record) {
        match path.split_first() {
            None => self.record = Some(record),
            Some((label, rest)) => self.below.entry(label.clone()).or_default().insert(rest, record),
        }
    }

    /// Takes the record at `path` away, with labels that then lead nowhere.
    pub fn remove(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.record = None,
            Some((label, rest)) => {
                if let Some(next) = self.below.get_mut(label) {
                    next.remove(rest);
                    if next.is_empty() {
                        self.below.remove(label);
                    }
                }
            }
        }
    }

    /// The records that `path` stands for, with the names they lie at; `None` if there is no such name.
    #[must_use]
    pub fn find(&self, path: &[String]) -> Option<Vec<(Vec<String>, &Record)>> {
        let mut nodes = Vec::new();
        self.walk(path, &mut Vec::with_capacity(path.len()), &mut nodes);
        if nodes.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        for (mut at, node) in nodes {
            node.gather(&mut at, &mut found);
        }
        Some(found)
    }

    fn is_empty(&self) -> bool {
        self.record.is_none() && self.below.is_empty()
    }

    /// The nodes that `path` leads to from here.
    fn walk<'a>(&'a self, path: &[String], at: &mut Vec<String>, nodes: &mut Vec<(Vec<String>, &'a Self)>) {
        let Some((label, rest)) = path.split_first() else {
            nodes.push((at.clone(), self));
            return;
        };
        let mut enter = |label: &str, next: &'a Self| {
            at.push(label.to_owned());
            next.walk(rest, at, nodes);
            at.pop();
        };
        if label == "*" || label == "any" {
            self.below.iter().filter(|(label, _)| !label.starts_with('_')).for_each(|(label, next)| enter(label, next));
        } else if let Some(next) = self.below.get(label) {
            enter(label, next);
        }
    }

    fn gather<'a>(&'a self, at: &mut Vec<String>, found: &mut Vec<(Vec<String>, &'a Record)>) {
        if let Some(record) = &self.record {
            found.push((at.clone(), record));
        }
        for (label, next) in self.below.iter().filter(|(label, _)| !label.starts_with('_')) {
            at.push(label.clone());
            next.gather(at, found);
            at.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::path;

    fn zone() -> Zone {
        let mut zone = Zone::default();
        for (name, host) in [
            ("ab.web.default.svc.cluster.local", "10.10.10.5"),
            ("cd._http._tcp.web.default.svc.cluster.local", "ab.web.default.svc.cluster.local"),
            ("ef.web.other.svc.cluster.local", "10.10.10.6"),
        ] {
            zone.insert(&path(name), Record::new(host, 0));
        }
        zone
    }

    fn hosts(zone: &Zone, name: &str) -> Option<Vec<String>> {
        Some(zone.find(&path(name))?.into_iter().map(|(_, record)| record.host.clone()).collect())
    }

    #[test]
    fn a_name_stands_for_the_records_below_it() {
        assert_eq!(hosts(&zone(), "web.default.svc.cluster.local").unwrap(), ["10.10.10.5"]);
        assert_eq!(hosts(&zone(), "ab.web.default.svc.cluster.local").unwrap(), ["10.10.10.5"]);
        assert_eq!(hosts(&zone(), "nobody.default.svc.cluster.local"), None);
    }

    #[test]
    fn srv_labels_are_found_only_by_name() {
        let found = hosts(&zone(), "_http._tcp.web.default.svc.cluster.local").unwrap();
        assert_eq!(found, ["ab.web.default.svc.cluster.local"]);
    }

    #[test]
    fn a_wildcard_is_any_one_label() {
        assert_eq!(hosts(&zone(), "web.*.svc.cluster.local").unwrap(), ["10.10.10.5", "10.10.10.6"]);
        assert_eq!(hosts(&zone(), "any.default.svc.cluster.local").unwrap(), ["10.10.10.5"]);
        assert_eq!(hosts(&zone(), "*.nowhere.svc.cluster.local"), None);
    }

    #[test]
    fn what_is_removed_leaves_no_empty_names() {
        let mut zone = zone();
        zone.remove(&path("ef.web.other.svc.cluster.local"));
        assert_eq!(hosts(&zone, "other.svc.cluster.local"), None);
        zone.remove(&path("nothing.there"));
        assert!(hosts(&zone, "web.default.svc.cluster.local").is_some());
    }
}
