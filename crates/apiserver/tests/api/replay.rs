//! Every recorded request for a kind that is served, sent to this server in the order in which a real kube-apiserver 1.20 answered
//! it: the same code, reason, causes, message and body, but for what is new with each run. `replay.exceptions` names every
//! difference with its reason; a line that excuses nothing fails the test.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kube_api::kinds;
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kube-recordings");
const EXCEPTIONS: &str = include_str!("replay.exceptions");
/// Fields whose values are new with each run.
const VARYING: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "lastTransitionTime",
    "continue",
    "token",
    "expirationTimestamp",
    "nodePort",
];

/// Texts that are new with each run: ages, times, names, addresses and ports that the server gives.
static TEXTS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        (r"^\d+s$", "<age>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
        (r"^gen-\w{5}$", "gen-<random>"),
        (r"10\.10\.10\.\d+", "<address>"),
        (r":3[0-2]\d{3}/", ":<port>/"),
        (r"current: \d+", "current: <version>"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    ];
    rules.map(|(rule, stand_in)| (Regex::new(rule).unwrap(), stand_in)).into()
});

/// `CASE | PLACE | REASON`: a difference that is meant. `*` is any case; a place covers what is below it, and `*` in it is any
/// one element.
struct Exception {
    case: &'static str,
    place: &'static str,
    used: bool,
}

fn exceptions() -> Vec<Exception> {
    let lines = EXCEPTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [case, place, reason] = parts[..] else { panic!("replay.exceptions: {line}") };
            assert!(reason.len() > 5, "replay.exceptions: {line}: why?");
            Exception { case, place, used: false }
        })
        .collect()
}

impl Exception {
    fn covers(&self, case: &str, place: &str) -> bool {
        let is = |pattern: &str, part: &str| pattern == "*" || pattern == part;
        let (pattern, parts): (Vec<&str>, Vec<&str>) = (self.place.split('/').collect(), place.split('/').collect());
        (self.case == "*" || self.case == case)
            && pattern.len() <= parts.len()
            && pattern.iter().zip(&parts).all(|(pattern, part)| is(pattern, part))
    }
}

/// An exchange as it is compared: the code, `Retry-After` and the body.
fn shape(code: u64, body: Value) -> Value {
    json!({"code": code, "body": body})
}

/// Takes out what is new with each run.
fn level(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(entries) = map.get_mut("managedFields").and_then(Value::as_array_mut) {
                *entries = owners(entries);
            }
            for (name, value) in map.iter_mut() {
                if VARYING.contains(&name.as_str()) && !value.is_null() {
                    *value = format!("<{name}>").into();
                } else {
                    level(value);
                }
            }
            // a kind's printed columns are described in words of our own
            if map.contains_key("priority") && map.contains_key("format") {
                map.remove("description");
            }
        }
        Value::Array(list) => list.iter_mut().for_each(level),
        Value::String(text) => {
            for (rule, stand_in) in TEXTS.iter() {
                *text = rule.replace_all(text, *stand_in).into_owned();
            }
        }
        _ => {}
    }
}

/// What each manager owns, whenever and through whichever subresource it wrote: 1.20 did not tell those apart.
fn owners(entries: &[Value]) -> Vec<Value> {
    let mut owners: Vec<Value> = Vec::new();
    for entry in entries {
        let mut entry = entry.clone();
        for varying in ["time", "subresource"] {
            entry.as_object_mut().expect("an entry").remove(varying);
        }
        let same =
            |other: &&mut Value| ["manager", "operation", "apiVersion"].iter().all(|part| other[part] == entry[part]);
        match owners.iter_mut().find(same) {
            Some(other) => unite(&mut other["fieldsV1"], &entry["fieldsV1"]),
            None => owners.push(entry),
        }
    }
    owners.sort_by_key(|entry| entry["manager"].to_string());
    owners
}

fn unite(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().into_iter().flatten() {
        unite(&mut into[name], value);
    }
    if into.is_null() {
        *into = json!({});
    }
}

/// The places at which two values differ, as pointers.
fn differences(ours: &Value, theirs: &Value, place: &str, found: &mut Vec<(String, String)>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let place = format!("{place}/{}", name.replace('/', "~1"));
                match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => differences(a, b, &place, found),
                    (a, b) => found.push((place, said(a, b))),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{place}/{index}"), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push((place.to_owned(), said(Some(a), Some(b)))),
    }
}

fn said(ours: Option<&Value>, theirs: Option<&Value>) -> String {
    let text = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    format!("{}, recorded {}", text(ours), text(theirs))
}

/// Whether the path is of a kind, or of discovery, that is served here.
fn served(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["apis", group, version, ..] => kinds::group_versions().contains(&(*group, *version)),
        ["apis", group] => !matches!(*group, "apps"),
        _ => true,
    }
}

/// A recorded body: the lines of a watch as a list.
fn read(body: &Value) -> Value {
    let lines = body.as_str().map(|text| text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>());
    lines.and_then(Result::ok).map_or_else(|| body.clone(), Value::Array)
}

/// Sends a recorded request; the answer's code and body, lines of a watch as a list.
async fn send(api: &Api, request: &Value, token: &str) -> (u64, Value) {
    let path = request["path"].as_str().unwrap();
    let path = match path.split_once("continue=ey") {
        Some((before, _)) => format!("{before}continue={token}"),
        None => path.to_owned(),
    };
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let mut sent = api.client.request(method, format!("{}{path}", api.url));
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        sent = sent.header(name, value.as_str().unwrap());
    }
    let body = match &request["body"] {
        Value::Null => String::new(),
        // the recording holds the beginning of this body only
        Value::String(text) if text.contains("(120001 bytes)") => "{\"a\":".repeat(20_000) + "1" + &"}".repeat(20_000),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let answer = sent.body(body).send().await.unwrap();
    let code = u64::from(answer.status().as_u16());
    let text = answer.text().await.unwrap();
    (code, serde_json::from_str(&text).unwrap_or_else(|_| read(&Value::String(text))))
}

#[tokio::test]
async fn recorded_requests_are_answered_as_recorded() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let (mut exceptions, mut wrong, mut compared, mut token) = (exceptions(), Vec::new(), 0, String::new());
    for file in ["1-defaults", "2-tables", "3-discovery", "4-refusals", "5-changes"] {
        let text = std::fs::read_to_string(format!("{RECORDINGS}/{file}.jsonl"));
        for line in text.expect("the recordings lie in shared/ beside the checkout").lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let (Some(case), request) = (record["case"].as_str(), &record["request"]) else { continue };
            if !served(request["path"].as_str().unwrap()) {
                continue;
            }
            let (code, body) = send(&api, request, &token).await;
            let (path, recorded) = (request["path"].as_str().unwrap(), &record["response"]);
            if request["method"] == "POST" && code == 201 && recorded["status"] != 201 {
                // later requests do not meet what they did not meet then
                api.delete(&format!("{path}/{}", body["metadata"]["name"].as_str().unwrap())).await;
            }
            if case == "namespace" {
                // a real cluster's controllers make the account; the recorded one gave no tokens to pods
                let account = json!({"metadata": {"name": "default"}, "automountServiceAccountToken": false});
                api.make("/api/v1/namespaces/demo/serviceaccounts", &account).await;
            }
            if let Some(next) = body["metadata"]["continue"].as_str() {
                token = next.to_owned();
            }
            let mut ours = shape(code, body);
            let mut theirs = shape(recorded["status"].as_u64().unwrap(), read(&recorded["body"]));
            level(&mut ours);
            level(&mut theirs);
            let mut found = Vec::new();
            differences(&ours, &theirs, "", &mut found);
            compared += 1;
            for (place, said) in found {
                let mut excused = false;
                for exception in exceptions.iter_mut().filter(|exception| exception.covers(case, &place)) {
                    exception.used = true;
                    excused = true;
                }
                if !excused {
                    wrong.push(format!("{case} | {place} | {said}"));
                }
            }
        }
    }
    for stale in exceptions.iter().filter(|exception| !exception.used) {
        wrong.push(format!("{} | {} | excuses nothing any more", stale.case, stale.place));
    }
    assert!(compared > 200, "{compared} exchanges");
    assert!(wrong.is_empty(), "{} differences in {compared} exchanges:\n{}", wrong.len(), wrong.join("\n"));
}

/// The watch of the last recording: the same events of the same objects, line by line.
#[tokio::test]
async fn a_recorded_watch_tells_the_same() {
    let lines = std::fs::read_to_string(format!("{RECORDINGS}/6-watch.jsonl")).unwrap();
    let recorded: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make("/api/v1/namespaces", &json!({"metadata": {"name": "w"}})).await;
    let path = recorded.iter().find_map(|record| record["request"].as_str()).unwrap();
    let mut watch = api.watch(path).await;
    let (maps, map) = ("/api/v1/namespaces/w/configmaps", "/api/v1/namespaces/w/configmaps/a");
    api.make(maps, &json!({"metadata": {"name": "a", "labels": {"in": "yes"}}})).await;
    for patch in [
        json!({"data": {"x": "1"}}),
        json!({"metadata": {"labels": {"in": "no"}}}),
        json!({"metadata": {"labels": {"in": "yes"}}}),
    ] {
        api.patch(map, "merge", &patch).await;
    }
    api.delete(map).await;
    for record in recorded.iter().filter(|record| record["line"].is_object()) {
        let (mut ours, mut theirs) = (watch.next().await.unwrap(), record["line"].clone());
        level(&mut ours);
        level(&mut theirs);
        let mut found = Vec::new();
        differences(&ours, &theirs, "", &mut found);
        // 1.33 says nothing of a bookmark's creation
        found.retain(|(place, _)| theirs["type"] != "BOOKMARK" || place != "/object/metadata/creationTimestamp");
        assert!(found.is_empty(), "{found:?}");
    }
}
