//! Clients that send nonsense, too much, or hardly anything: they are refused in the words of a real kube-apiserver, and nobody else
//! waits for them.
//!
//! `hostile/*.script` are requests ([`request`] has their form), `hostile/*.golden` what came of each ([`crate::transcript`] has that),
//! recorded and held to like those of kubectl: `KUBE_APISERVER`, `ACCEPT`.

mod request;

use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Api, Etcd, Kubernetes, Server, TOKEN, tls};
use crate::transcript;
use request::Request;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/hostile");
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// What every script finds, in the namespace `demo`.
async fn prepare(api: &Api) {
    let pod = json!({
        "metadata": {"name": "p", "labels": {"app": "p"}, "finalizers": ["example.com/stays"]},
        "spec": {"automountServiceAccountToken": false, "containers": [
            {"name": "c", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "E", "value": "v"}]}
        ]}
    });
    let (code, answer) = api.post("/api/v1/namespaces", &json!({"metadata": {"name": "demo"}})).await;
    assert_eq!(code, 201, "{answer}");
    let demo = "/api/v1/namespaces/demo";
    api.post(&format!("{demo}/serviceaccounts"), &json!({"metadata": {"name": "default"}})).await;
    api.make(
        &format!("{demo}/configmaps"),
        &json!({"metadata": {"name": "m", "labels": {"a": "b"}}, "data": {"k": "v"}}),
    )
    .await;
    api.make(&format!("{demo}/pods"), &pod).await;
    let service = json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "10.10.10.90", "ports": [{"port": 80}]}});
    api.make(&format!("{demo}/services"), &service).await;
}

/// An answer as a transcript has it: its code, headers that say how to go on, and what the body says.
fn told(answer: Option<(u16, String, Vec<u8>)>) -> String {
    let Some((code, head, body)) = answer else { return "closed\n".to_owned() };
    let mut text = format!("{code}\n");
    for line in head.lines().skip(1) {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        if ["allow", "retry-after", "warning", "www-authenticate", "location"].contains(&name.as_str()) {
            text.push_str(&format!("{name}:{}\n", &line[name.len() + 1..]));
        }
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(status) if status["kind"] == "Status" => {
            text.push_str(&serde_json::to_string_pretty(&status).unwrap());
        }
        Ok(value) => text.push_str(value["kind"].as_str().unwrap_or("JSON")),
        Err(_) => text.push_str(&String::from_utf8_lossy(&body).chars().take(200).collect::<String>()),
    }
    // what was sent may come back in full
    let text = transcript::leveled(&text);
    let lines = text.lines().map(|line| match line.char_indices().nth(700) {
        Some((end, _)) => format!("{}…\n", &line[..end]),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// Sends each request of a script and compares what comes of it.
async fn play(name: &str) {
    let script = std::fs::read_to_string(format!("{DIRECTORY}/{name}.script")).unwrap();
    let golden = format!("{DIRECTORY}/{name}.golden");
    let etcd = Etcd::start();
    if let Some(program) = std::env::var_os("KUBE_APISERVER") {
        let server = Kubernetes::start(Path::new(&program), &etcd).await;
        let said = send_all(&script, server.files.path(), &server.url, server.admin()).await;
        return transcript::record(Path::new(&golden), said);
    }
    let server = Server::with_flags(&etcd, &["--authorization-mode=Node,RBAC"]).await;
    let said = send_all(&script, server.files.path(), &server.url, server.admin()).await;
    let wrong = transcript::compare(Path::new(&golden), said);
    assert!(wrong.is_empty(), "{} answers are not as recorded:\n{}", wrong.len(), wrong.join("\n"));
}

async fn send_all(script: &str, files: &Path, url: &str, api: Api) -> Vec<(String, String)> {
    prepare(&api).await;
    let config = Arc::new(tls(files, Some("admin")));
    let nobody = Arc::new(tls(files, None));
    let address = url.strip_prefix("https://").unwrap();
    let mut said = Vec::new();
    for line in script.lines().filter_map(|line| line.strip_prefix("$ ")) {
        // who says who they are in a header shows no certificate
        let config = if line.contains("[Authorization:") { &nobody } else { &config };
        said.push((line.to_owned(), told(Request::parse(line).send(address, config).await)));
    }
    said
}

macro_rules! scripts {
    ($($name:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            play(stringify!($name)).await;
        }
    )*};
}

scripts!(bodies, paths, queries, headers, patches);

#[tokio::test]
async fn nonsense_is_the_clients_mistake() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    api.make(MAPS, &json!({"metadata": {"name": "m"}})).await;
    let (json, yaml, protobuf) = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf");
    let (merge, strategic) = ("application/merge-patch+json", "application/strategic-merge-patch+json");
    let deep =
        |open: &str, close: &str| [open.repeat(100_000), "1".to_owned(), close.repeat(100_000)].concat().into_bytes();
    let groups = [b"k8s\0".to_vec(), vec![0x0b; 100_000]].concat();
    let one = format!("{MAPS}/m");
    for (case, method, path, content_type, body, expected) in [
        ("deep objects", Method::POST, MAPS, json, deep("{\"a\":", "}"), 400),
        ("deep lists", Method::POST, MAPS, json, deep("[", "]"), 400),
        ("deep YAML", Method::POST, MAPS, yaml, deep("[", "]"), 400),
        ("deep groups", Method::POST, MAPS, protobuf, groups, 400),
        ("a merge patch that is deep", Method::PATCH, &one, merge, deep("{\"a\":", "}"), 400),
        ("a strategic patch that is deep", Method::PATCH, &one, strategic, deep("{\"a\":", "}"), 400),
        ("invalid UTF-8", Method::POST, MAPS, json, b"{\"kind\":\"\xff\xfe\"}".to_vec(), 400),
        ("invalid UTF-8 in YAML", Method::POST, MAPS, yaml, b"kind: \xff\xfe".to_vec(), 400),
        ("half an envelope", Method::POST, MAPS, protobuf, b"k8s".to_vec(), 400),
        ("a length beyond the end", Method::POST, MAPS, protobuf, b"k8s\0\x0a\xff\xff\xff\xff\x0f".to_vec(), 400),
        ("a body that is too large", Method::POST, MAPS, json, vec![b' '; (3 << 20) + 1], 413),
        ("a patch that is too large", Method::PATCH, &one, merge, vec![b' '; (3 << 20) + 1], 413),
        ("aliases that multiply", Method::POST, MAPS, yaml, aliases(), 400),
        ("a path that is no UTF-8", Method::GET, "/api/v1/namespaces/%ff/configmaps", json, Vec::new(), 404),
        ("a selector that is no UTF-8", Method::GET, "/api/v1/pods?labelSelector=%ff%3D", json, Vec::new(), 400),
        (
            "a selector that is long",
            Method::GET,
            "/api/v1/pods?labelSelector=%28%28%28%28%28%28%28",
            json,
            Vec::new(),
            400,
        ),
        ("a limit that is negative", Method::GET, "/api/v1/pods?limit=-1", json, Vec::new(), 200),
    ] {
        let request = api.client.request(method, format!("{}{path}", api.url)).header("content-type", content_type);
        let answer = request.body(body).send().await.unwrap_or_else(|error| panic!("{case}: {error}"));
        let code = answer.status().as_u16();
        let said = answer.text().await.unwrap();
        assert_eq!(code, expected, "{case}: {}", said.chars().take(300).collect::<String>());
    }
}

/// Each line stands for ten of the one before.
fn aliases() -> Vec<u8> {
    let mut text = "a0: &a0 x\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    text.into_bytes()
}

#[tokio::test]
async fn who_is_slow_delays_nobody() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (api, plain) = (server.admin(), server.plain_url());
    let address = plain.strip_prefix("http://").unwrap();
    let head = format!(
        "POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    );
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        match number % 4 {
            // says nothing at all, half a head, a head and hardly a body, or closes one direction
            0 => {}
            1 => stream.write_all(b"GET /api/v1/pods HTTP/1.1\r\nHo").await.unwrap(),
            2 => stream.write_all(head.as_bytes()).await.unwrap(),
            _ => {
                stream.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
        slow.push(stream);
    }
    // all of them are still there while another client does its work
    for number in 0..20 {
        api.make(MAPS, &json!({"metadata": {"name": format!("m{number}")}})).await;
    }
    assert_eq!(api.get(MAPS).await.1["items"].as_array().unwrap().len(), 20);
    drop(slow);
}
