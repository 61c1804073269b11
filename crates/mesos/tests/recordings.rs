//! Every event and call that a real Apache Mesos sent or took decodes, and encodes to equal JSON again.

use mesos::{executor, json, scheduler};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/mesos-recordings");

/// The lines of those recordings whose name `keep` says yes to.
fn lines(keep: impl Fn(&str) -> bool) -> Vec<Value> {
    let directory =
        std::fs::read_dir(RECORDINGS).unwrap_or_else(|error| panic!("{RECORDINGS}: {error}; check shared/ out"));
    let mut lines = Vec::new();
    for entry in directory {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".jsonl") && keep(&name) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }
    lines
}

/// `value` with all numbers as floats and empty lists left out, as clients differ in both.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.as_array().is_some_and(Vec::is_empty));
            kept.map(|(key, value)| (key.clone(), plain(value))).collect()
        }
        other => other.clone(),
    }
}

fn assert_same<T: DeserializeOwned + Serialize>(value: &Value) {
    let message: T = json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"));
    let again: Value = serde_json::from_slice(&json::to_vec(&message)).unwrap();
    assert_eq!(again, *value, "decoded and encoded again");
}

#[test]
fn scheduler_events_are_encoded_as_they_came() {
    let lines = lines(|name| !name.starts_with("executor"));
    let events =
        lines.iter().filter(|line| line["stream"].as_str().is_some_and(|stream| !stream.starts_with("operator")));
    let events: Vec<_> = events.filter_map(|line| line.get("event")).collect();
    assert!(events.len() >= 100, "{} events", events.len());
    events.into_iter().for_each(assert_same::<scheduler::Event>);
}

#[test]
fn executor_events_are_encoded_as_they_came() {
    let lines = lines(|name| name.starts_with("executor"));
    let events: Vec<_> = lines.iter().filter_map(|line| line.get("event")).collect();
    assert!(events.len() > 20, "{} events", events.len());
    events.into_iter().for_each(assert_same::<executor::Event>);
}

#[test]
fn calls_that_were_accepted_are_understood_whole() {
    let mut count = 0;
    for line in lines(|_| true) {
        let (Some(request), status) = (line.get("request"), &line["response"]["status"]) else { continue };
        let (Some(path), Some(body)) = (request["path"].as_str(), request["body"].as_str()) else { continue };
        if *status != 200 && *status != 202 {
            continue;
        }
        let sent: Value = serde_json::from_str(body).unwrap_or_default();
        let again = match path {
            "/api/v1/scheduler" => {
                let call = scheduler::Call::from_wire(json::from_slice(body.as_bytes()).unwrap()).unwrap();
                json::to_vec(&scheduler::CallWire::from(call))
            }
            "/api/v1/executor" => {
                let call = executor::Call::from_wire(json::from_slice(body.as_bytes()).unwrap()).unwrap();
                json::to_vec(&executor::CallWire::from(call))
            }
            _ => continue,
        };
        let mut again: Value = plain(&serde_json::from_slice(&again).unwrap());
        let mut sent = plain(&sent);
        // Mesos and we write these defaults where a client leaves them out.
        fill_in_defaults(&mut sent);
        fill_in_defaults(&mut again);
        assert_eq!(again, sent);
        count += 1;
    }
    assert!(count > 100, "{count} calls");
}

fn fill_in_defaults(value: &mut Value) {
    let defaults = |key: &str, value: &mut Value| match (key, value) {
        ("framework_info", Value::Object(info)) => {
            info.entry("checkpoint").or_insert(false.into());
            info.entry("failover_timeout").or_insert(0.0.into());
        }
        ("command", Value::Object(command)) => {
            command.entry("shell").or_insert(true.into());
        }
        ("ip_addresses", Value::Array(addresses)) => {
            for address in addresses.iter_mut().filter_map(Value::as_object_mut) {
                address.entry("protocol").or_insert("IPv4".into());
            }
        }
        _ => {}
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                defaults(key, value);
                fill_in_defaults(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(fill_in_defaults),
        _ => {}
    }
}
