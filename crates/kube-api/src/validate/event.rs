//! Events of both groups. They are stored in the form of the old one, and refused by the names of its fields, whichever
//! form comes here.

use super::error::Errors;
use super::names;
use super::tree::Node;

/// How long a text of the reporter may be, and how long a message.
const LONGEST: usize = 128;
const LONGEST_MESSAGE: usize = 1024;

/// What the new group calls fields of the old one otherwise.
const NEW_NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("source", "deprecatedSource"),
];

/// What no update of an event of the new group changes.
const FIXED: &[&str] = &[
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingInstance",
];

/// A field by its old name, in either form.
fn field<'v, 'p>(root: &'p Node<'v, '_>, name: &'static str) -> Node<'v, 'p> {
    let new = NEW_NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| root.at(new));
    new.filter(Node::is_present).unwrap_or_else(|| root.at(name))
}

/// The rules of the old group.
pub(super) fn event(root: &Node, errors: &mut Errors) {
    shared(root, "reportingComponent", errors);
}

/// Those that hold for the new group at all times.
pub(super) fn new_event(root: &Node, errors: &mut Errors) {
    shared(root, "reportingController", errors);
}

/// An event lives with the object it is about, and one of a new client says who did what, in few words.
fn shared(root: &Node, reporter: &str, errors: &mut Errors) {
    let object = root.at("involvedObject");
    let space = root.at("metadata").at("namespace").text();
    let theirs = field(root, "involvedObject").at("namespace").text();
    let new = root.at("eventTime").is_present();
    let at_home = match theirs {
        // what has no namespace is told of in the default one, or by new clients in that of the system
        "" => matches!(space, "" | "default") || (new && space == "kube-system"),
        other => new || other == space,
    };
    if !at_home {
        errors.invalid_value(&object.at("namespace"), &theirs.into(), "does not match event.namespace");
    }
    if !new {
        return;
    }
    let (place, name) = (root.at(reporter), field(root, "reportingComponent").text());
    if name.is_empty() {
        errors.required(&place, "");
    }
    errors.named_value(&place, name, names::qualified_name(name));
    for name in ["reportingInstance", "action", "reason"] {
        let node = root.at(name);
        errors.need(&node);
        short(&node, node.text(), LONGEST, errors);
    }
    short(&root.at("message"), field(root, "message").text(), LONGEST_MESSAGE, errors);
}

fn short(place: &Node, text: &str, most: usize, errors: &mut Errors) {
    if text.len() > most {
        errors.invalid_value(place, &"".into(), &format!("can have at most {most} characters"));
    }
}

/// What a new event of the new group must have, and must leave to the old one.
pub(super) fn new_created(root: &Node, errors: &mut Errors) {
    series(root, errors);
    errors.need(&root.at("eventTime"));
    let kind = root.at("type");
    if !matches!(kind.text(), "Normal" | "Warning") {
        errors.invalid_value(&kind, &"".into(), &format!("has invalid value: {}", kind.text()));
    }
    let source = field(root, "source");
    let sourced = ["component", "host"].iter().any(|part| !source.at(part).is_empty());
    let counted = field(root, "count").int().is_some_and(|count| count != 0);
    let timed = |name| field(root, name).is_present();
    for (name, set) in [
        ("firstTimestamp", timed("firstTimestamp")),
        ("lastTimestamp", timed("lastTimestamp")),
        ("count", counted),
        ("source", sourced),
    ] {
        if set {
            errors.invalid_value(&root.at(name), &"".into(), "needs to be unset");
        }
    }
}

/// Of an event of the new group, only its series goes on.
pub(super) fn new_changed(root: &Node, old: &Node, errors: &mut Errors) {
    if root.at("series").value() != old.at("series").value() {
        series(root, errors);
    }
    let stays = |now: &Node, was: &Node| now.value() == was.value() || (now.is_empty() && was.is_empty());
    for &name in FIXED {
        let now = field(root, name);
        if !stays(&now, &field(old, name)) {
            errors.invalid_value(&root.at(name), now.value(), "field is immutable");
        }
    }
    let now = field(root, "reportingComponent");
    if !stays(&now, &field(old, "reportingComponent")) {
        errors.invalid_value(&root.at("reportingController"), now.value(), "field is immutable");
    }
}

fn series(root: &Node, errors: &mut Errors) {
    let series = root.at("series");
    if !series.is_present() {
        return;
    }
    let (count, last) = (series.at("count"), series.at("lastObservedTime"));
    if count.int().unwrap_or(0) < 2 {
        errors.invalid_value(&count, &"".into(), "should be at least 2");
    }
    errors.need(&last);
}

#[cfg(test)]
mod tests {
    use super::super::{create, update};
    use crate::kinds::{self, Kind};
    use serde_json::{Value, json};

    fn both() -> [&'static Kind; 2] {
        ["", "events.k8s.io"].map(|group| kinds::find(group, "v1", "events").expect("served"))
    }

    /// An event of a new client, as it is stored.
    fn good() -> Value {
        json!({"metadata": {"name": "e", "namespace": "demo"}, "involvedObject": {"kind": "Pod", "namespace": "demo"},
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingComponent": "x.y/z", "reportingInstance": "i",
            "action": "a", "reason": "r", "type": "Normal", "message": "m", "source": {}, "firstTimestamp": null})
    }

    fn with(field: &str, value: Value) -> Value {
        let mut event = good();
        event[field] = value;
        event
    }

    fn texts(errors: &[super::super::FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn events_live_with_their_object_in_either_form() {
        let [old, new] = both();
        for (kind, object) in [(old, "involvedObject"), (new, "involvedObject"), (new, "regarding")] {
            let event = |home: &str, namespace: &str| json!({"metadata": {"name": "e", "namespace": home}, object: {"namespace": namespace}});
            let strayed = |event: &Value| create(kind, event).iter().any(|e| e.field == "involvedObject.namespace");
            assert!(!strayed(&event("demo", "demo")) && !strayed(&event("default", "")));
            assert!(
                strayed(&event("demo", "other")) && strayed(&event("demo", "")) && strayed(&event("kube-system", ""))
            );
        }
        let [mut system, mut strange] = [good(), good()];
        system["metadata"]["namespace"] = "kube-system".into();
        system["involvedObject"] = json!({});
        strange["involvedObject"]["namespace"] = "other".into();
        assert_eq!((create(old, &system), create(old, &strange)), (vec![], vec![]));
    }

    #[test]
    fn a_new_client_says_who_did_what() {
        let [old, new] = both();
        for (kind, reporter) in [(old, "reportingComponent"), (new, "reportingController")] {
            assert_eq!(create(kind, &good()), []);
            let nobody = texts(&create(kind, &with("reportingComponent", json!(""))));
            assert_eq!(nobody[0], format!("{reporter}: Required value"));
            let still = create(kind, &with("action", Value::Null));
            assert_eq!(texts(&still), ["action: Required value"]);
            let long = create(kind, &with("reason", "r".repeat(129).into()));
            assert_eq!(texts(&long), ["reason: Invalid value: \"\": can have at most 128 characters"]);
        }
    }

    #[test]
    fn the_old_group_takes_more_than_the_new() {
        let [old, new] = both();
        for (field, value, refusal) in [
            ("type", json!("Odd"), "type: Invalid value: \"\": has invalid value: Odd"),
            ("count", json!(1), "count: Invalid value: \"\": needs to be unset"),
            ("source", json!({"host": "h"}), "source: Invalid value: \"\": needs to be unset"),
            ("lastTimestamp", json!("2026-01-01T00:00:00Z"), "lastTimestamp: Invalid value: \"\": needs to be unset"),
            ("series", json!({"count": 2}), "series.lastObservedTime: Required value"),
            ("metadata", json!({"name": "E", "namespace": "demo"}), "metadata.name: Invalid value: \"E\": a lower"),
        ] {
            assert_eq!(create(old, &with(field, value.clone())), [], "{field}");
            let found = texts(&create(new, &with(field, value)));
            assert!(found.len() == 1 && found[0].starts_with(refusal), "{found:?}");
        }
        let untimed = create(new, &with("eventTime", Value::Null));
        assert_eq!(texts(&untimed), ["eventTime: Required value"]);
    }

    #[test]
    fn only_the_series_of_an_event_goes_on() {
        let [old, new] = both();
        let on = with("series", json!({"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}));
        assert_eq!(update(new, &on, &good()), []);
        let other = with("message", json!("n"));
        assert_eq!(update(old, &other, &good()), []);
        assert_eq!(texts(&update(new, &other, &good())), ["message: Invalid value: \"n\": field is immutable"]);
    }
}
