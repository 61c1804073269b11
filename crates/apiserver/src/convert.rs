//! Kinds that are stored as another: `events.k8s.io/v1` events are core/v1 events in storage, as in Kubernetes.

use kube_api::{Kind, kinds};
use serde_json::{Map, Value};

/// The same field under its name in events.k8s.io/v1 and in core/v1.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// Whether what clients see of the kind differs from what is stored.
pub(crate) fn needed(kind: &Kind) -> bool {
    kind.group == "events.k8s.io"
}

/// The kind as which objects are stored.
pub(crate) fn stored_kind(kind: &'static Kind) -> &'static Kind {
    if needed(kind) { kinds::find("", "v1", kind.plural).unwrap_or(kind) } else { kind }
}

/// A stored object as clients of the kind see it.
pub(crate) fn to_client(kind: &Kind, object: Value) -> Value {
    if needed(kind) { rename(object, kind, |(new, old)| (old, new)) } else { object }
}

/// A client's object as it is stored.
pub(crate) fn to_storage(kind: &'static Kind, object: Value) -> Value {
    if needed(kind) { rename(object, stored_kind(kind), |pair| pair) } else { object }
}

fn rename(
    object: Value,
    kind: &Kind,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Value {
    let Value::Object(fields) = object else { return object };
    let mut out = Map::new();
    for (name, value) in fields {
        let renamed = EVENT_FIELDS.iter().map(|&pair| direction(pair)).find(|(from, _)| *from == name);
        out.insert(renamed.map_or(name, |(_, to)| to.to_owned()), value);
    }
    out.insert("kind".to_owned(), kind.kind.into());
    out.insert("apiVersion".to_owned(), kind.api_version().into());
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_have_two_faces() {
        let new = kinds::find("events.k8s.io", "v1", "events").unwrap();
        let event = json!({"kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e"}, "note": "n",
            "regarding": {"kind": "Pod"}, "reason": "r"});
        let stored = to_storage(new, event.clone());
        assert_eq!(stored["involvedObject"]["kind"], "Pod");
        assert_eq!((&stored["apiVersion"], &stored["message"]), (&json!("v1"), &json!("n")));
        assert_eq!(to_client(new, stored), event);
    }
}
