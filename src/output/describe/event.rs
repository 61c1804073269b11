//! Events: one by itself, and those about another object.

use serde_json::Value;

use super::page::Page;
use super::{head, labels_and_annotations, or_none, text};

pub(super) fn write(page: &mut Page, event: &Value) {
    head(page, event);
    labels_and_annotations(page, event);
    let about = &event["involvedObject"];
    page.field("Involved Object", format!("{}/{}", text(&about["kind"]), text(&about["name"])));
    page.field("Type", text(&event["type"]));
    page.field("Reason", text(&event["reason"]));
    page.field("Message", text(&event["message"]));
    page.field("Source", source(event));
    page.field("Count", event["count"].as_u64().unwrap_or(1).to_string());
    page.field("First Seen", text(first_seen(event)));
    page.field("Last Seen", text(last_seen(event)));
}

/// The events about an object, oldest first.
pub(super) fn write_all(page: &mut Page, events: &[Value]) {
    if events.is_empty() {
        return page.field("Events", "<none>");
    }
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|event| text(last_seen(event)));
    let rows = sorted.into_iter().map(|event| {
        vec![
            text(&event["type"]),
            text(&event["reason"]),
            when(page, event),
            source(event),
            text(&event["message"]).trim().to_owned(),
        ]
    });
    let rows = rows.collect();
    page.section("Events", |_| {});
    page.table(&["Type", "Reason", "Age", "From", "Message"], rows);
}

fn when(page: &Page, event: &Value) -> String {
    let count = event["count"].as_u64().or_else(|| event["series"]["count"].as_u64()).unwrap_or(1);
    let last = page.age(last_seen(event));
    if count > 1 { format!("{last} (x{count} over {})", page.age(first_seen(event))) } else { last }
}

fn first_seen(event: &Value) -> &Value {
    [&event["firstTimestamp"], &event["eventTime"]]
        .into_iter()
        .find(|t| !t.is_null())
        .unwrap_or(&event["metadata"]["creationTimestamp"])
}

fn last_seen(event: &Value) -> &Value {
    [&event["series"]["lastObservedTime"], &event["lastTimestamp"]]
        .into_iter()
        .find(|t| !t.is_null())
        .unwrap_or_else(|| first_seen(event))
}

fn source(event: &Value) -> String {
    let source = &event["source"];
    match (source["component"].as_str(), source["host"].as_str()) {
        (Some(component), Some(host)) if !host.is_empty() => format!("{component}, {host}"),
        (Some(component), _) => component.to_owned(),
        (None, _) => or_none(&event["reportingComponent"]),
    }
}
