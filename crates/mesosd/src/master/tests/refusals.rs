//! Every refusal that a real Apache Mesos master was recorded with, replayed.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Running;

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/mesos-recordings/3-refusals.jsonl");

/// Answers that differ, and why.
const EXCEPTIONS: &[(&str, &str)] =
    &[("not json", "the reason within the sentence is the JSON parser's own, and ours is another parser")];

/// Sends one request as it was recorded, and reads status, headers and body to the end of the connection.
async fn send(address: &str, request: &Value, stream_id: Option<&str>) -> (u64, String, String) {
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    let body = request["body"].as_str().unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in request["headers"].as_object().unwrap() {
        let value = match name.as_str() {
            "Mesos-Stream-Id" => stream_id.unwrap_or(value.as_str().unwrap()),
            _ => value.as_str().unwrap(),
        };
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// Subscribes as the recording's framework did and gives the stream's ID; the stream stays open with the connection.
async fn subscribe(address: &str) -> (TcpStream, String) {
    let id = "63a5da56-dd2d-4987-909e-bc7a717d7ad6-0000";
    let body = format!(
        r#"{{"type":"SUBSCRIBE","framework_id":{{"value":"{id}"}},"subscribe":{{"framework_info":{{"user":"root","name":"r","id":{{"value":"{id}"}}}}}}}}"#
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let (mut answer, mut buffer) = (String::new(), [0; 4096]);
    while !answer.contains("HEARTBEAT") {
        let length = connection.read(&mut buffer).await.unwrap();
        answer.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    let stream_id = answer.lines().find_map(|line| line.strip_prefix("Mesos-Stream-Id: ")).unwrap().to_owned();
    (connection, stream_id)
}

#[tokio::test]
async fn refusals_are_those_of_a_real_master() {
    let text =
        std::fs::read_to_string(RECORDING).unwrap_or_else(|error| panic!("{RECORDING}: {error}; check shared/ out"));
    let master = Running::start(&[]).await;
    let (_stream, stream_id) = subscribe(&master.address).await;
    let mut count = 0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(name) = line["exchange"].as_str().filter(|name| !name.starts_with("agent")) else { continue };
        // The recorded ID of the stream that stood then is that of the one that stands now.
        let own = (line["request"]["headers"]["Mesos-Stream-Id"] == "dae8f364-8d74-40a3-8dab-0cce15f891ac")
            .then_some(&stream_id);
        let (status, head, body) = send(&master.address, &line["request"], own.map(String::as_str)).await;
        let expected = &line["response"];
        assert_eq!(status, expected["status"].as_u64().unwrap(), "{name}: {body}");
        if !EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            assert_eq!(body, expected["body"].as_str().unwrap(), "{name}");
        }
        for header in ["Allow", "Content-Type"] {
            if let Some(value) = expected["headers"][header].as_str() {
                assert!(head.contains(&format!("{header}: {value}")), "{name}: {head}");
            }
        }
        count += 1;
    }
    assert!(count > 20, "{count} refusals");
}

#[tokio::test]
async fn subscriptions_are_refused_on_their_stream_as_a_real_master_does() {
    let text = std::fs::read_to_string(RECORDING).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let master = Running::start(&[]).await;
    let mut count = 0;
    for line in &lines {
        let Some(message) = line["event"]["error"]["message"].as_str() else { continue };
        let request =
            lines.iter().find(|other| other["stream"] == line["stream"] && other.get("request").is_some()).unwrap();
        let (status, _, body) = send(&master.address, &request["request"], None).await;
        assert_eq!(status, 200);
        let event: Value = serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap();
        assert_eq!(event["error"]["message"], message);
        count += 1;
    }
    for line in lines.iter().filter(|line| line.get("refused").is_some()) {
        let request =
            lines.iter().find(|other| other["stream"] == line["stream"] && other.get("request").is_some()).unwrap();
        let (status, _, body) = send(&master.address, &request["request"], None).await;
        assert_eq!((status, body.as_str()), (400, line["refused"].as_str().unwrap()));
        count += 1;
    }
    assert!(count >= 4, "{count} refusals");
}

#[tokio::test]
async fn both_forms_of_paths_and_old_names_are_served() {
    let master = Running::start(&["--cluster=c"]).await;
    let get = |path: &str| serde_json::json!({ "method": "GET", "path": path, "headers": {} });
    for path in [
        "/state",
        "/master/state",
        "/state.json",
        "/master/state.json",
        "/state-summary",
        "/slaves",
        "/frameworks",
        "/tasks",
        "/roles",
        "/version",
        "/flags",
        "/metrics/snapshot",
        "/health",
        "/master/health",
        "/healthz",
        "/metrics",
    ] {
        let (status, _, body) = send(&master.address, &get(path), None).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    for path in ["/nothing", "/master", "/state/../x", "/api/v2"] {
        assert_eq!(send(&master.address, &get(path), None).await.0, 404, "{path}");
    }
    let (status, head, _) = send(&master.address, &get("/redirect"), None).await;
    assert_eq!(status, 307);
    assert!(head.contains("Location: //localhost:"), "{head}");
    let (_, _, body) = send(&master.address, &get("/state?jsonp=f"), None).await;
    assert!(body.starts_with("f({") && body.ends_with("});"), "{body}");
}

#[tokio::test]
async fn operators_get_what_a_real_master_has_fields_for() {
    let recording = RECORDING.replace("3-refusals", "2-operator");
    let text = std::fs::read_to_string(&recording).unwrap();
    let master = Running::start(&["--cluster=c"]).await;
    let (_stream, _) = subscribe(&master.address).await;
    let mut count = 0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(name) = line["exchange"].as_str().filter(|name| name.starts_with("master")) else { continue };
        if name.ends_with(".json") {
            continue; // Gone there, kept here for old tools (section 1.1).
        }
        let (status, _, body) = send(&master.address, &line["request"], None).await;
        assert_eq!(status, line["response"]["status"].as_u64().unwrap(), "{name}: {body}");
        let (Ok(own), Ok(real)) = (
            serde_json::from_str::<Value>(&body),
            serde_json::from_str::<Value>(line["response"]["body"].as_str().unwrap()),
        ) else {
            continue;
        };
        let (Some(own), Some(real)) = (own.as_object(), real.as_object()) else { continue };
        let stranger = own.keys().find(|key| !real.contains_key(*key) && !name.contains("metrics"));
        assert_eq!(stranger, None, "{name}: a field that a real master has not");
        let missing = real
            .keys()
            .find(|key| !own.contains_key(*key) && !MISSING.contains(&key.as_str()) && !name.contains("metrics"));
        assert_eq!(missing, None, "{name}: a field that a real master has");
        count += 1;
    }
    assert!(count > 15, "{count} answers");
}

/// Fields that we have nothing to say in.
const MISSING: &[&str] = &["git_sha"];
