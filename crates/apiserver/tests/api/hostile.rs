//! Clients that send nonsense, too much, or hardly anything: they are refused as Kubernetes does, and nobody else waits for them.

use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Etcd, Server, TOKEN};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

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
        ("a selector that is no UTF-8", Method::GET, "/api/v1/pods?labelSelector=%ff%3D", json, Vec::new(), 200),
        (
            "a selector that is long",
            Method::GET,
            "/api/v1/pods?labelSelector=%28%28%28%28%28%28%28",
            json,
            Vec::new(),
            400,
        ),
        ("a limit that is negative", Method::GET, "/api/v1/pods?limit=-1", json, Vec::new(), 400),
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
