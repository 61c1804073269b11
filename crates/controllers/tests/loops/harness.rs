//! An etcd, an API server and the controllers on free ports; all of it ends with the test.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use clap::Parser;
use controllers::flags::Flags;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(60);
/// The token of an administrator.
const TOKEN: &str = "0123456789abcdef";

/// A server in this process, on a runtime of its own: killed as a process is, at whatever it is at.
pub(crate) struct Part(CancellationToken);

impl Part {
    fn start<F: Future<Output = anyhow::Result<()>>>(serve: impl FnOnce() -> F + Send + 'static) -> Self {
        let kill = CancellationToken::new();
        let killed = kill.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            if let Some(outcome) = runtime.block_on(killed.run_until_cancelled(serve())) {
                outcome.unwrap();
            }
            runtime.shutdown_background();
        });
        Self(kill)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Etcd(Child);

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The cluster, without nodes.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) controllers: Option<Part>,
    kubeconfig: String,
    port: u16,
    etcd_port: u16,
    flags: Vec<String>,
    _server: Part,
    _etcd: Etcd,
    _directory: TempDir,
}

impl Cluster {
    /// Starts everything; `flags` are the controller manager's.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let (client_port, api) = (free_port(), free_port());
        let etcd = start_etcd(&directory, client_port);
        let (tokens, kubeconfig) = (directory.path().join("tokens"), directory.path().join("kubeconfig"));
        std::fs::write(&tokens, format!("{TOKEN},admin,1,\"system:masters\"\n")).unwrap();
        std::fs::write(&kubeconfig, kubeconfig_of(&format!("http://127.0.0.1:{api}"))).unwrap();
        std::fs::write(directory.path().join("ca.crt"), "a certificate").unwrap();
        let signing = directory.path().join("service-account.key");
        std::fs::write(&signing, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let args = vec![
            format!("--etcd-servers=http://127.0.0.1:{client_port}"),
            format!("--insecure-port={api}"),
            "--secure-port=0".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--token-auth-file={}", tokens.display()),
            format!("--service-account-signing-key-file={}", signing.display()),
        ];
        let server = Part::start(move || apiserver::run_until(args, CancellationToken::new()));
        let kubeconfig = kubeconfig.display().to_string();
        let client = client_of(&kubeconfig).await;
        let ready = async || client.request_text(http::Request::get("/readyz").body(Vec::new()).unwrap()).await.is_ok();
        wait_for("the API server", ready).await;
        let root_ca = format!("--root-ca-file={}", directory.path().join("ca.crt").display());
        let flags = std::iter::once("controller-manager").chain(flags.iter().copied()).map(str::to_owned);
        let flags = flags.chain([root_ca]).collect();
        let port = free_port();
        let mut cluster = Self {
            client,
            controllers: None,
            kubeconfig,
            port,
            etcd_port: client_port,
            flags,
            _server: server,
            _etcd: etcd,
            _directory: directory,
        };
        cluster.start_controllers();
        cluster
    }

    /// Starts the controllers, as they are started again after their end.
    pub(crate) fn start_controllers(&mut self) {
        let (flags, kubeconfig, port) = (Flags::parse_from(&self.flags), self.kubeconfig.clone(), self.port);
        self.controllers = Some(Part::start(move || async move {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            controllers::serve(flags, client_of(&kubeconfig).await, listener, CancellationToken::new()).await
        }));
    }

    /// Ends them as a kill does.
    pub(crate) async fn kill_controllers(&mut self) {
        drop(self.controllers.take());
        let port = self.port;
        wait_for("the controllers' port to be free", async || TcpListener::bind(("127.0.0.1", port)).is_ok()).await;
    }

    /// Writes an object past the API server, as one that ended half-way may have left it.
    pub(crate) fn leave_in_etcd(&self, key: &str, object: &Value) {
        let encoded = |text: &str| BASE64_STANDARD.encode(text);
        let body =
            json!({"key": encoded(&format!("/registry/{key}")), "value": encoded(&object.to_string())}).to_string();
        let mut etcd = TcpStream::connect(("127.0.0.1", self.etcd_port)).unwrap();
        let length = body.len();
        write!(etcd, "POST /v3/kv/put HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        etcd.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 OK"), "{answer}");
    }

    /// Objects of a kind in a namespace.
    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Makes an object in a namespace.
    pub(crate) async fn create<K>(&self, namespace: &str, object: Value) -> K
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + Clone + Debug,
        K: DeserializeOwned + Serialize,
    {
        let object = serde_json::from_value(object).unwrap();
        self.api::<K>(namespace).create(&PostParams::default(), &object).await.unwrap()
    }
}

fn kubeconfig_of(server: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    })
    .to_string()
}

async fn client_of(kubeconfig: &str) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

fn start_etcd(directory: &TempDir, client: u16) -> Etcd {
    let (url, peers) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{}", free_port()));
    let child = Command::new("etcd")
        .arg("--data-dir")
        .arg(directory.path().join("etcd"))
        .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        .args(["--initial-cluster", &format!("default={peers}"), "--log-level", "error", "--unsafe-no-fsync"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Etcd(child.expect("these tests need etcd: apt-get install etcd-server"))
}

/// A port that nothing listens on, below those that the kernel gives to clients, and given out once in this process.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 1000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until a state has come about, for a bounded time.
pub(crate) async fn wait_for(what: &str, reached: impl AsyncFn() -> bool) {
    let wait = async {
        while !reached().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "waited in vain for {what}");
}
