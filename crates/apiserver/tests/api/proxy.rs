//! Requests that are passed on to pods and services.

use std::net::UdpSocket;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Api, Etcd, Server};

const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";

/// This machine's address as others see it: requests are not passed on to loopback.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").expect("a route to somewhere");
    socket.local_addr().unwrap().ip().to_string()
}

/// A web server that says what it was asked, redirects from `/old`, and echoes what comes on an upgraded connection.
async fn web(address: &str) -> u16 {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    port
}

async fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let text = String::from_utf8(head).unwrap().to_ascii_lowercase();
    if text.starts_with("get /old") {
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /new?x=1\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    } else if text.starts_with("get /page") {
        let page = r#"<a href="/rewriteme">test</a>"#;
        let head = "Content-Type: text/html\r\nAccess-Control-Allow-Origin: *";
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    } else if text.contains("upgrade: echo") {
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            .await
            .unwrap();
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    } else {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A pod that claims to run at that address, a service before it, and a server that passes requests on.
async fn prepared(server: &Server, address: &str, port: u16) -> Api {
    let api = server.admin();
    let container = json!({"name": "c", "image": "i", "ports": [{"containerPort": port}]});
    api.make("/api/v1/namespaces/default/serviceaccounts", &json!({"metadata": {"name": "web"}})).await;
    let spec = json!({"containers": [container], "serviceAccountName": "web"});
    api.make(PODS, &json!({"metadata": {"name": "p"}, "spec": spec})).await;
    let status = json!({"status": {"podIP": address}});
    assert_eq!(api.patch(&format!("{PODS}/p/status"), "merge", &status).await.0, 200);
    let ports = json!([{"name": "web", "port": 80, "targetPort": port}]);
    api.make(SERVICES, &json!({"metadata": {"name": "s"}, "spec": {"ports": ports}})).await;
    api
}

async fn endpoints(api: &Api, address: &str, port: u16, pod: &str) {
    let target = json!({"kind": "Pod", "namespace": "default", "name": pod});
    let subset = json!({"addresses": [{"ip": address, "targetRef": target}], "ports": [{"name": "web", "port": port}]});
    let body = json!({"metadata": {"name": "s"}, "subsets": [subset]});
    let (code, answer) = api.put("/api/v1/namespaces/default/endpoints/s", &body).await;
    assert!(code < 300, "{answer}");
}

async fn text(api: &Api, path: &str) -> (u16, String) {
    let answer =
        api.client.get(format!("{}{path}", api.url)).header("authorization", "Bearer mine").send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn pods_and_services_answer_through_the_server() {
    let (etcd, address) = (Etcd::start(), own_address());
    let server = Server::start(&etcd).await;
    let port = web(&address).await;
    let api = prepared(&server, &address, port).await;
    for path in [format!("{PODS}/p/proxy"), format!("{PODS}/p:{port}/proxy"), format!("{PODS}/http:p:{port}/proxy")] {
        let (code, said) = text(&api, &format!("{path}/a%20b/?c=d")).await;
        assert!(code == 200 && said.starts_with("get /a%20b/?c=d http/1.1"), "{said}");
        assert!(!said.contains("bearer"), "what is shown to the API server is not passed on: {said}");
    }
    let (code, said) = text(&api, &format!("{SERVICES}/s:web/proxy/x")).await;
    assert_eq!(code, 503, "{said}");
    assert!(said.contains(r#"no endpoints available for service \"s\""#), "{said}");
    endpoints(&api, &address, port, "p").await;
    for name in ["s:web", "s:80", "http:s:web"] {
        let (code, said) = text(&api, &format!("{SERVICES}/{name}/proxy/x")).await;
        assert!(code == 200 && said.starts_with("get /x "), "{name}: {said}");
    }
    let posted = api.client.post(format!("{}{SERVICES}/s:web/proxy/form", api.url)).body("b").send().await.unwrap();
    assert!(posted.text().await.unwrap().starts_with("post /form"));
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let (etcd, address) = (Etcd::start(), own_address());
    let server = Server::start(&etcd).await;
    let port = web(&address).await;
    let api = prepared(&server, &address, port).await;
    for (path, code, expected) in [
        (format!("{PODS}/p/proxy?a=b"), 301, format!("{PODS}/p/proxy/?a=b")),
        (format!("{PODS}/p:{port}/proxy/old"), 302, format!("{PODS}/p:{port}/proxy/new?x=1")),
    ] {
        let client = no_redirects(&server);
        let answer = client.get(format!("{}{path}", api.url)).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
            (code, expected.as_str())
        );
    }
    for method in ["DELETE", "OPTIONS", "PATCH", "POST", "PUT"] {
        let asked = no_redirects(&server).request(method.parse().unwrap(), format!("{}{PODS}/p/proxy?a=b", api.url));
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{method}");
        let said = answer.text().await.unwrap();
        assert!(said.starts_with(&format!("{} /?a=b ", method.to_ascii_lowercase())), "{method}: {said}");
    }
    // endpoints are believed where a pod has that address
    endpoints(&api, &address, port, "another").await;
    assert_eq!(text(&api, &format!("{SERVICES}/s:web/proxy/")).await.0, 503);
    let loopback = json!({"status": {"podIP": "127.0.0.1", "podIPs": null}});
    api.patch(&format!("{PODS}/p/status"), "merge", &loopback).await;
    let (code, said) = text(&api, &format!("{PODS}/p/proxy/")).await;
    assert!(code == 400 && said.contains("address not allowed"), "{said}");
    for (name, code) in [("nope", 404), ("ftp:p:1", 400), ("p:web:x:y", 400)] {
        assert_eq!(text(&api, &format!("{PODS}/{name}/proxy/")).await.0, code, "{name}");
    }
}

#[tokio::test]
async fn links_of_pages_lead_through_the_server() {
    let (etcd, address) = (Etcd::start(), own_address());
    let server = Server::start(&etcd).await;
    let port = web(&address).await;
    let api = prepared(&server, &address, port).await;
    endpoints(&api, &address, port, "p").await;
    for proxy in [format!("{PODS}/p:{port}/proxy"), format!("{SERVICES}/s:web/proxy")] {
        let answer = api.client.get(format!("{}{proxy}/page", api.url)).send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let said = answer.text().await.unwrap();
        assert_eq!((said.len(), said), (length, format!(r#"<a href="{proxy}/rewriteme">test</a>"#)));
    }
}

/// A client that follows no redirects.
fn no_redirects(server: &Server) -> reqwest::Client {
    let read = |file: &str| std::fs::read(server.files.path().join(file)).unwrap();
    let identity = (read("admin.crt"), read("admin.key"));
    let tls = serve::tls::client_config(&read("ca.crt"), Some((&identity.0, &identity.1))).unwrap();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test]
async fn a_server_that_is_away_is_503() {
    let (etcd, address) = (Etcd::start(), own_address());
    let server = Server::start(&etcd).await;
    let port = web(&address).await;
    let api = prepared(&server, &address, port).await;
    let (code, said) = text(&api, &format!("{PODS}/p:1/proxy/")).await;
    assert_eq!(code, 503, "{said}");
    assert!(said.contains("error trying to reach service: dial tcp"), "{said}");
}

#[tokio::test]
async fn an_upgrade_is_passed_through() {
    let (etcd, address) = (Etcd::start(), own_address());
    let server = Server::start(&etcd).await;
    let port = web(&address).await;
    let api = prepared(&server, &address, port).await;
    let asked = api.client.request(Method::GET, format!("{}{PODS}/p/proxy/chat", api.url));
    let answer = asked.header("connection", "Upgrade").header("upgrade", "echo").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut stream = answer.upgrade().await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut said = [0; 5];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"hello");
}
