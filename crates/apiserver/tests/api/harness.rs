//! An etcd and an API server on free ports, with keys of their own; both end with the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::keys::TOKEN;

/// How long anything may take to come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An etcd of the test's own.
pub(crate) struct Etcd {
    child: Child,
    pub(crate) url: String,
    peers: String,
    directory: TempDir,
}

impl Etcd {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let peers = format!("http://127.0.0.1:{}", free_port());
        Self { child: run_etcd(directory.path(), &url, &peers), url, peers, directory }
    }

    /// Ends it at whatever it is at.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, with what it has stored.
    pub(crate) fn restart(&mut self) {
        self.child = run_etcd(self.directory.path(), &self.url, &self.peers);
    }

    /// Makes etcd answer nobody.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
        let began = Instant::now();
        // one thread takes the signal, and the others go on until it does
        while !self.stopped() {
            assert!(began.elapsed() < PATIENCE, "etcd does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn stopped(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // the state stands behind the name, which is in brackets
            stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('T'))
        })
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run_etcd(directory: &Path, url: &str, peers: &str) -> Child {
    Command::new("etcd")
        .arg("--data-dir")
        .arg(directory)
        .args(["--listen-client-urls", url, "--advertise-client-urls", url])
        .args(["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers])
        .args(["--initial-cluster", &format!("default={peers}"), "--log-level", "error", "--unsafe-no-fsync"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need etcd: apt-get install etcd-server")
}

/// A running API server.
pub(crate) struct Server {
    runtime: Option<Runtime>,
    pub(crate) files: TempDir,
    pub(crate) url: String,
    etcd: String,
    ports: (u16, u16),
    flags: Vec<String>,
}

impl Server {
    /// Starts a server on this etcd and waits until it is ready.
    pub(crate) async fn start(etcd: &Etcd) -> Self {
        Self::with_flags(etcd, &[]).await
    }

    /// The same with more flags.
    pub(crate) async fn with_flags(etcd: &Etcd, flags: &[&str]) -> Self {
        let ports = (free_port(), free_port());
        let url = format!("https://127.0.0.1:{}", ports.0);
        let files = tempfile::tempdir().unwrap();
        crate::keys::write(files.path());
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let mut server = Self { runtime: None, files, url, etcd: etcd.url.clone(), ports, flags };
        server.restart().await;
        server
    }

    /// Ends the server as a kill does, at whatever it is at, and waits until its port is free.
    pub(crate) async fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        let ports = self.ports;
        wait_for("the ports to be free", || async move {
            [ports.0, ports.1].iter().all(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        })
        .await;
    }

    /// Starts the server again with the same ports and keys.
    pub(crate) async fn restart(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut args: Vec<String> = [
            format!("--etcd-servers={}", self.etcd),
            format!("--cert-dir={}", self.files.path().display()),
            format!("--secure-port={}", self.ports.0),
            format!("--insecure-port={}", self.ports.1),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=192.0.2.1".to_owned(),
        ]
        .into();
        args.extend(self.flags.iter().cloned());
        runtime.spawn(async move {
            apiserver::run_until(args, CancellationToken::new()).await.unwrap();
        });
        self.runtime = Some(runtime);
        let (client, url) = (self.client(None), format!("{}/readyz", self.url));
        wait_for("the server to be ready", || async {
            client.get(&url).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
    }

    /// The address of the plain port.
    pub(crate) fn plain_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.1)
    }

    /// A client that shows the certificate of that name, or none.
    pub(crate) fn client(&self, name: Option<&str>) -> reqwest::Client {
        self.with_headers(name, &[]).client
    }

    /// A client that sends these headers and shows the certificate of that name, or none.
    pub(crate) fn with_headers(&self, name: Option<&str>, headers: &[(&'static str, &str)]) -> Api {
        client(self.files.path(), name, headers, &self.url)
    }

    /// A client of the administrator.
    pub(crate) fn admin(&self) -> Api {
        Api { client: self.client(Some("admin")), url: self.url.clone() }
    }

    /// A kubeconfig of the administrator.
    pub(crate) fn kubeconfig(&self) -> std::path::PathBuf {
        kubeconfig(self.files.path(), &self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A real kube-apiserver, which ends with the test.
pub(crate) struct Kubernetes {
    child: Child,
    pub(crate) files: TempDir,
    pub(crate) url: String,
}

impl Kubernetes {
    /// Starts it with keys of its own and waits until it is ready.
    pub(crate) async fn start(program: &Path, etcd: &Etcd) -> Self {
        let (files, port) = (tempfile::tempdir().unwrap(), free_port());
        crate::keys::write(files.path());
        let file = |name: &str| files.path().join(name).display().to_string();
        let child = Command::new(program)
            .args(["--bind-address=127.0.0.1", "--advertise-address=192.0.2.1", "--insecure-port=0"])
            .args(["--service-cluster-ip-range=10.10.10.0/24", "--authorization-mode=Node,RBAC", "--allow-privileged"])
            // nobody makes the tokens that it asks for
            .args([
                "--disable-admission-plugins=ServiceAccount",
                "--service-account-issuer=https://kubernetes.default.svc",
            ])
            .args([format!("--etcd-servers={}", etcd.url), format!("--secure-port={port}")])
            .args([format!("--client-ca-file={}", file("ca.crt")), format!("--cert-dir={}", file("made"))])
            .args([format!("--tls-cert-file={}", file("apiserver.crt"))])
            .args([format!("--tls-private-key-file={}", file("apiserver.key"))])
            .args([format!("--service-account-key-file={}", file("service-account.pub"))])
            .args([format!("--service-account-signing-key-file={}", file("service-account.key"))])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("KUBE_APISERVER names a kube-apiserver");
        let server = Self { child, url: format!("https://127.0.0.1:{port}"), files };
        let api = client(server.files.path(), Some("admin"), &[], &server.url);
        // it starts much slower than ours
        for _ in 0..600 {
            let ready = api.client.get(format!("{}/readyz", api.url)).send().await;
            if ready.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("kube-apiserver is not ready after two minutes");
    }

    /// A client of the administrator.
    pub(crate) fn admin(&self) -> Api {
        client(self.files.path(), Some("admin"), &[], &self.url)
    }

    /// A kubeconfig of the administrator.
    pub(crate) fn kubeconfig(&self) -> std::path::PathBuf {
        kubeconfig(self.files.path(), &self.url)
    }
}

impl Drop for Kubernetes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that sends these headers and shows the certificate of that name, or none.
fn client(files: &Path, name: Option<&str>, headers: &[(&'static str, &str)], url: &str) -> Api {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls(files, name)).no_proxy();
    Api { client: client.default_headers(headers.collect()).build().unwrap(), url: url.to_owned() }
}

/// What a client shows and trusts that has the certificate of that name, or none.
pub(crate) fn tls(files: &Path, name: Option<&str>) -> rustls::ClientConfig {
    let read = |file: String| std::fs::read(files.join(file)).unwrap();
    let identity = name.map(|name| (read(format!("{name}.crt")), read(format!("{name}.key"))));
    let identity = identity.as_ref().map(|(certificate, key)| (certificate.as_slice(), key.as_slice()));
    serve::tls::client_config(&read("ca.crt".to_owned()), identity).unwrap()
}

/// Writes a kubeconfig of the administrator, whose namespace is `demo`.
fn kubeconfig(files: &Path, url: &str) -> std::path::PathBuf {
    let (path, files) = (files.join("kubeconfig"), files.display());
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: t\n\
         clusters: [{{name: t, cluster: {{server: \"{url}\", certificate-authority: {files}/ca.crt}}}}]\n\
         users: [{{name: t, user: {{client-certificate: {files}/admin.crt, client-key: {files}/admin.key}}}}]\n\
         contexts: [{{name: t, context: {{cluster: t, user: t, namespace: demo}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A client of the API.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: reqwest::Client,
    pub(crate) url: String,
}

impl Api {
    /// The same API by another client.
    pub(crate) fn acting_as(self, client: reqwest::Client) -> Self {
        Self { client, ..self }
    }

    /// The code and JSON that a request is answered with.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<String>,
    ) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let answer = request.header("content-type", content_type).body(body.into()).send().await.unwrap();
        let code = answer.status().as_u16();
        (code, answer.json().await.unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, "application/json", "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::POST, path, "application/json", body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::PUT, path, "application/json", body.to_string()).await
    }

    /// A patch of type `json`, `merge` or `strategic-merge`.
    pub(crate) async fn patch(&self, path: &str, kind: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::PATCH, path, &format!("application/{kind}-patch+json"), body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.ask(Method::DELETE, path, "application/json", "").await
    }

    /// A deletion with options.
    pub(crate) async fn delete_with(&self, path: &str, options: &Value) -> (u16, Value) {
        self.ask(Method::DELETE, path, "application/json", options.to_string()).await
    }

    /// Creates what must be created.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> Value {
        let (code, answer) = self.post(path, body).await;
        assert_eq!(code, 201, "{path}: {answer}");
        answer
    }

    /// A watch, read event by event.
    pub(crate) async fn watch(&self, path: &str) -> Watch {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        Watch { answer, buffer: Vec::new() }
    }
}

/// A watch under way.
pub(crate) struct Watch {
    answer: reqwest::Response,
    buffer: Vec<u8>,
}

impl Watch {
    /// The next event; `None` when the watch has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await.expect("an event in time");
            self.buffer.extend_from_slice(&chunk.ok()??);
        }
    }

    /// The next event as `TYPE name`.
    pub(crate) async fn told(&mut self) -> String {
        let event = self.next().await.expect("an event");
        format!(
            "{} {}",
            event["type"].as_str().unwrap(),
            event["object"]["metadata"]["name"].as_str().unwrap_or_default()
        )
    }
}

/// Waits until something is so.
pub(crate) async fn wait_for<F: Future<Output = bool>>(what: &str, mut is: impl FnMut() -> F) {
    let waiting = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// A port that nobody listens on, below those that the kernel gives to connections: one of them might take it between this look
/// and the server's.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = rand::random_range(10_000..30_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
