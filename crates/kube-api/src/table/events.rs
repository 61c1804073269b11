//! Events, of either group.

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, NAME, Printer, column, count, name, or, text, wide};
use crate::duration;

const COLUMNS: &[Column] = &[
    column("Last Seen", "How long ago it happened last."),
    column("Type", "Normal or Warning."),
    column("Reason", "Why, in one word."),
    column("Object", "What it happened to."),
    wide("Subobject", "Which part of the object."),
    wide("Source", "Who saw it."),
    column("Message", "What happened."),
    wide("First Seen", "How long ago it happened first."),
    wide("Count", "How often it happened."),
    Column { priority: 1, ..NAME },
];

pub(super) static EVENTS: Printer = Printer { columns: COLUMNS, cells: |event, now| cells(event, &CORE, now) };

pub(super) static NEW_EVENTS: Printer = Printer { columns: COLUMNS, cells: |event, now| cells(event, &EVENTS_V1, now) };

/// What the two groups call the same fields.
struct Names {
    object: &'static str,
    message: &'static str,
    first: &'static str,
    last: &'static str,
    count: &'static str,
    source: &'static str,
    reporter: &'static str,
}

const CORE: Names = Names {
    object: "involvedObject",
    message: "message",
    first: "firstTimestamp",
    last: "lastTimestamp",
    count: "count",
    source: "source",
    reporter: "reportingComponent",
};

const EVENTS_V1: Names = Names {
    object: "regarding",
    message: "note",
    first: "deprecatedFirstTimestamp",
    last: "deprecatedLastTimestamp",
    count: "deprecatedCount",
    source: "deprecatedSource",
    reporter: "reportingController",
};

fn cells(event: &Value, names: &Names, now: Timestamp) -> Vec<Value> {
    let since = |value: &Value| duration::age(value.as_str(), now);
    let series = &event["series"];
    let first = if event[names.first].is_string() { since(&event[names.first]) } else { since(&event["eventTime"]) };
    let last = if series.is_object() {
        since(&series["lastObservedTime"])
    } else if event[names.last].is_string() {
        since(&event[names.last])
    } else {
        first.clone()
    };
    let times = if series.is_object() { count(&series["count"]) } else { count(&event[names.count]).max(1) };
    vec![
        last.into(),
        text(&event["type"]).into(),
        text(&event["reason"]).into(),
        object(&event[names.object]).into(),
        text(&event[names.object]["fieldPath"]).into(),
        source(event, names).into(),
        text(&event[names.message]).trim().into(),
        first.into(),
        times.into(),
        name(event),
    ]
}

fn object(reference: &Value) -> String {
    let kind = text(&reference["kind"]).to_lowercase();
    match or(&reference["name"], "") {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Value, names: &Names) -> String {
    let component = or(&event[names.source]["component"], text(&event[names.reporter]));
    match or(&event[names.source]["host"], text(&event["reportingInstance"])) {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_event_prints_the_same_in_both_groups() {
        let now = "2026-01-01T01:00:00Z".parse().expect("a time");
        let old = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "R", "message": " m ", "count": 3,
            "involvedObject": {"kind": "Pod", "name": "p"}, "source": {"component": "c", "host": "h"},
            "firstTimestamp": "2026-01-01T00:50:00Z", "lastTimestamp": "2026-01-01T00:59:30Z"});
        let new = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "R", "note": " m ", "deprecatedCount": 3,
            "regarding": {"kind": "Pod", "name": "p"}, "deprecatedSource": {"component": "c", "host": "h"},
            "deprecatedFirstTimestamp": "2026-01-01T00:50:00Z", "deprecatedLastTimestamp": "2026-01-01T00:59:30Z"});
        let row = cells(&old, &CORE, now);
        assert_eq!(Value::from(row.clone()), json!(["30s", "Normal", "R", "pod/p", "", "c, h", "m", "10m", 3, "e"]));
        assert_eq!(cells(&new, &EVENTS_V1, now), row);
    }
}
