//! What a real kube-apiserver said to bad input, and what we say: the same code, reason and causes.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Etcd, Server};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kube-recordings/4-refusals.jsonl");

/// Recorded cases that are answered otherwise, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("yaml", "a name y is a word here, as in YAML 1.2; Go's YAML 1.1 takes it for true"),
    ("exists", "is about a pod of an earlier recording"),
    ("service: immutable address", "is about a service of an earlier recording"),
    ("service: address taken", "is about the address of a service of an earlier recording"),
    ("pod: priority class", "the Priority admission is not served yet"),
    ("resourceVersion", "1.20 answered 500 without a reason; it is the client's mistake"),
    ("apply without field manager", "server-side apply is refused by name"),
    ("apply with managedFields", "server-side apply is refused by name"),
];

/// What matters of an answer: code, reason, and for `Invalid` the fields and reasons of the causes.
fn essence(code: u16, body: &Value) -> String {
    let causes: BTreeSet<String> = body["details"]["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|cause| {
            format!("{} {}", cause["field"].as_str().unwrap_or_default(), cause["reason"].as_str().unwrap_or_default())
        })
        .collect();
    format!("{code} {} {causes:?}", body["reason"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn bad_input_is_refused_as_recorded() {
    let text = std::fs::read_to_string(RECORDING).expect("the recordings lie in shared/ beside the checkout");
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make("/api/v1/namespaces", &json!({"metadata": {"name": "demo"}})).await;
    let (mut compared, mut different) = (0, Vec::new());
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (Some(case), request) = (record["case"].as_str(), &record["request"]) else { continue };
        let path = request["path"].as_str().unwrap();
        if path.contains("/apps/") || path.contains("/batch/") {
            continue;
        }
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let mut sent = api.client.request(method, format!("{}{path}", api.url));
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            sent = sent.header(name, value.as_str().unwrap());
        }
        let body = match &request["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let answer = sent.body(body).send().await.unwrap();
        let code = answer.status().as_u16();
        let ours = essence(code, &answer.json().await.unwrap_or(Value::Null));
        let recorded = u16::try_from(record["response"]["status"].as_u64().unwrap()).unwrap();
        let theirs = essence(recorded, &record["response"]["body"]);
        // what they leave behind is met by later cases
        if EXCEPTIONS.iter().any(|(name, _)| *name == case) {
            continue;
        }
        compared += 1;
        if ours != theirs {
            different.push(format!("{case}: {path}\n  recorded {theirs}\n  ours     {ours}"));
        }
    }
    assert!(compared > 50, "{compared} cases");
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
}
