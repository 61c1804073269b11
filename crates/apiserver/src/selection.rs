//! Which objects of a list or watch are meant: label and field selectors, on what memory keeps of an object.

use std::borrow::Cow;

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
            && (self.fields.is_everything() || self.fields.matches_with(|field| entry.field(&stored_name(field))))
    }

    /// The value that a field must have in all that can match.
    pub(crate) fn required(&self, field: &str) -> Option<&str> {
        self.fields.required(field)
    }
}

/// A field of an `events.k8s.io` event is stored under the name that it has in core/v1.
fn stored_name(field: &str) -> Cow<'_, str> {
    match field.split_once('.') {
        Some(("regarding", rest)) => format!("involvedObject.{rest}").into(),
        _ if field == "reportingController" => "reportingComponent".into(),
        _ => field.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    use crate::storage::encode;

    fn select(plural: &str, group: &str, query: &str, object: &serde_json::Value) -> bool {
        let kind = kinds::find(group, "v1", plural).unwrap();
        // it cannot be decoded: whoever did would see nothing
        let entry = Entry::new("k", &encode(object), 5).unwrap().undecodable();
        Selection::parse(kind, &Query::parse(Some(query)), "").unwrap().matches(&entry)
    }

    #[test]
    fn objects_are_selected_without_being_decoded() {
        let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "labels": {"app": "x"}},
            "spec": {"nodeName": "n"}});
        for (query, yes) in [
            ("", true),
            ("labelSelector=app%3Dx", true),
            ("labelSelector=!app", false),
            ("fieldSelector=spec.nodeName%3Dn,status.phase!%3DFailed", true),
            ("fieldSelector=spec.hostNetwork%3Dtrue", false),
            ("fieldSelector=spec.hostNetwork%3Dfalse", true),
            ("fieldSelector=spec.nodeName%3D", false),
        ] {
            assert_eq!(select("pods", "", query, &pod), yes, "{query}");
        }
    }

    #[test]
    fn events_are_selected_by_the_names_of_both_groups() {
        let event = json!({"kind": "Event", "apiVersion": "v1", "metadata": {"name": "e"},
            "involvedObject": {"name": "p"}, "reportingComponent": "kubelet"});
        assert!(select("events", "", "fieldSelector=involvedObject.name%3Dp", &event));
        let new = "fieldSelector=regarding.name%3Dp,reportingController%3Dkubelet";
        assert!(select("events", "events.k8s.io", new, &event));
        assert!(!select("events", "events.k8s.io", "fieldSelector=regarding.name%3Dq", &event));
    }
}
