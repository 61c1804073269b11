//! The entries of `managedFields`: a manager, how, through which version and when it wrote last, and what it owns.

use std::cmp::Ordering;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::set::FieldSet;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) manager: String,
    /// By server-side apply, or else by an update.
    pub(super) applied: bool,
    pub(super) api_version: String,
    pub(super) subresource: String,
    /// In RFC 3339, to the second; empty where the client that wrote the entry gave none.
    pub(super) time: String,
    pub(super) fields: FieldSet,
}

impl Entry {
    /// Oldest first; in an order of its own where several are of one second.
    pub(super) fn by_age(&self, other: &Self) -> Ordering {
        let key = |entry: &Self| {
            let Self { time, manager, api_version, subresource, .. } = entry;
            [time.clone(), manager.clone(), api_version.clone(), subresource.clone()]
        };
        key(self).cmp(&key(other))
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
        let applied = match text("operation") {
            "Apply" => true,
            "Update" => false,
            _ => return None,
        };
        if text("apiVersion").is_empty() || text("fieldsType") != "FieldsV1" {
            return None;
        }
        let fields = match value.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::default(),
            Some(fields) => FieldSet::from_value(fields).ok()?,
        };
        Some(Self {
            manager: text("manager").to_owned(),
            applied,
            api_version: text("apiVersion").to_owned(),
            subresource: text("subresource").to_owned(),
            time: text("time").to_owned(),
            fields,
        })
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let operation = if self.applied { "Apply" } else { "Update" };
        for (name, text) in [
            ("manager", self.manager.as_str()),
            ("operation", operation),
            ("apiVersion", &self.api_version),
            ("time", &self.time),
            ("fieldsType", "FieldsV1"),
            ("subresource", &self.subresource),
        ] {
            if !text.is_empty() {
                map.serialize_entry(name, text)?;
            }
        }
        map.serialize_entry("fieldsV1", &self.fields)?;
        map.end()
    }
}

/// Whether a client clears the entries: it sends some, and all of them are empty.
pub(super) fn is_reset(value: &Value) -> bool {
    let empty = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
    value.as_array().is_some_and(|entries| !entries.is_empty() && entries.iter().all(empty))
}

/// The entries of a list, each manager once; `None` where one of them is none.
pub(super) fn decode(value: &Value) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for value in value.as_array()? {
        let entry = Entry::read(value)?;
        let same = |other: &&mut Entry| {
            other.manager == entry.manager
                && other.applied == entry.applied
                && other.subresource == entry.subresource
                // who applies is the same through whatever version
                && (entry.applied || other.api_version == entry.api_version)
        };
        match entries.iter_mut().find(same) {
            Some(other) => *other = entry,
            None => entries.push(entry),
        }
    }
    Some(entries)
}

/// Brings a list into Kubernetes' order.
pub(super) fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| b.applied.cmp(&a.applied).then_with(|| a.by_age(b)));
}
