//! Objects in the shape that a client asked for: as they are, as rows, or their metadata alone.

use jiff::Timestamp;
use kube_api::Kind;
use kube_api::table;
use serde_json::{Value, json};

use crate::http::accept::Form;

/// What a table's rows carry beside their cells: the `includeObject` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// The object's metadata.
    #[default]
    Metadata,
    /// The whole object.
    Object,
}

impl Include {
    /// From the parameter.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        match text {
            Some("None") => Self::None,
            Some("Object") => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// One object.
pub(crate) fn object(kind: &Kind, form: Form, include: Include, object: Value) -> Value {
    match form {
        Form::Object => object,
        Form::Metadata(version) | Form::MetadataList(version) => metadata(version, object),
        Form::Table(version) => {
            let meta = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            table(kind, version, include, meta, true, std::iter::once(object))
        }
    }
}

/// A list; `meta` is its metadata.
pub(crate) fn list(
    kind: &Kind,
    form: Form,
    include: Include,
    meta: Value,
    objects: impl Iterator<Item = Value>,
) -> Value {
    match form {
        Form::Table(version) => table(kind, version, include, meta, true, objects),
        Form::Metadata(version) | Form::MetadataList(version) => {
            let items: Value = objects.map(|object| metadata(version, object)).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": meta_version(version), "metadata": meta,
                "items": items})
        }
        Form::Object => {
            let bare = |mut object: Value| {
                if let Some(fields) = object.as_object_mut() {
                    fields.remove("kind");
                    fields.remove("apiVersion");
                }
                object
            };
            let items: Value = objects.map(bare).collect();
            json!({"kind": kind.list_kind(), "apiVersion": kind.api_version(), "metadata": meta, "items": items})
        }
    }
}

/// An object's row in a table of its own, as a watch tells it; the columns only where `columns`.
pub(crate) fn row(kind: &Kind, version: &str, include: Include, columns: bool, object: Value) -> Value {
    let meta = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
    table(kind, version, include, meta, columns, std::iter::once(object))
}

fn table(
    kind: &Kind,
    version: &str,
    include: Include,
    meta: Value,
    columns: bool,
    objects: impl Iterator<Item = Value>,
) -> Value {
    let now = Timestamp::now();
    let rows: Value = objects
        .map(|object| {
            let mut row = json!({"cells": table::cells(kind, &object, now)});
            let conditions = table::conditions(kind, &object);
            if !conditions.is_empty() {
                row["conditions"] = conditions.into();
            }
            row["object"] = match include {
                Include::None => Value::Null,
                Include::Metadata => metadata(version, object),
                Include::Object => object,
            };
            row
        })
        .collect();
    let definitions = if columns { table::definitions(kind) } else { Value::Null };
    json!({"kind": "Table", "apiVersion": meta_version(version), "metadata": meta, "columnDefinitions": definitions,
        "rows": rows})
}

fn metadata(version: &str, mut object: Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": meta_version(version), "metadata": object["metadata"].take()})
}

fn meta_version(version: &str) -> String {
    format!("meta.k8s.io/{version}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    #[test]
    fn shapes() {
        let kind = kinds::find("", "v1", "configmaps").unwrap();
        let thing = json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {},
            "metadata": {"name": "a", "resourceVersion": "5"}});
        let shown = object(kind, Form::Table("v1beta1"), Include::Metadata, thing.clone());
        assert_eq!(shown["apiVersion"], "meta.k8s.io/v1beta1");
        assert_eq!(shown["rows"][0]["object"]["kind"], "PartialObjectMetadata");
        assert_eq!(shown["metadata"]["resourceVersion"], "5");
        assert_eq!(shown["rows"][0].get("conditions"), None);
        let pods = kinds::find("", "v1", "pods").unwrap();
        let done = json!({"metadata": {"name": "p"}, "status": {"phase": "Succeeded"}});
        let shown = object(pods, Form::Table("v1"), Include::None, done);
        assert_eq!(shown["rows"][0]["conditions"][0]["type"], "Completed");
        let meta = json!({"resourceVersion": "9"});
        let listed = list(kind, Form::MetadataList("v1"), Include::Metadata, meta.clone(), [thing.clone()].into_iter());
        assert_eq!(listed["items"][0].get("data"), None);
        let listed = list(kind, Form::Object, Include::Metadata, meta, [thing].into_iter());
        assert_eq!((&listed["kind"], listed["items"][0].get("kind")), (&json!("ConfigMapList"), None));
    }
}
