//! Which objects of a list or watch are meant: label and field selectors, on what memory keeps of an object.

use kube_api::selector::{FieldSelector, LabelSelector};
use kube_api::{Kind, Status};

use crate::http::query::Query;
use crate::storage::Entry;

/// A label and a field selector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// From a request's parameters; `name` is the one object that an old watch path names, or empty.
    pub(crate) fn parse(kind: &Kind, query: &Query, name: &str) -> Result<Self, Status> {
        let labels = query.get("labelSelector").unwrap_or_default();
        let labels = LabelSelector::parse(labels).map_err(|error| Status::bad_request(error.to_string()))?;
        let mut fields = query.get("fieldSelector").unwrap_or_default().to_owned();
        if !name.is_empty() {
            let comma = if fields.is_empty() { "" } else { "," };
            fields = format!("{fields}{comma}metadata.name={name}");
        }
        let fields = FieldSelector::parse(kind, &fields).map_err(|error| Status::bad_request(error.to_string()))?;
        Ok(Self { labels, fields })
    }

    /// Whether every object is meant.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything()
    }

    /// Whether this object is meant.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        (self.labels.is_everything() || self.labels.matches_with(|key| entry.label(key)))
            && (self.fields.is_everything() || self.fields.matches(entry.fields()))
    }

    /// The value that a field must have in all that can match.
    pub(crate) fn required(&self, field: &str) -> Option<&str> {
        self.fields.required(field)
    }
}
