//! A cluster of real parts on free ports: etcd, the API server, the controllers, Mesos' master and agents, the scheduler.
//! Only the executor is a stand-in without containers (`examples/standin.rs`). Everything ends with the test.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use clap::Parser;
use k8s_openapi::api::core::v1::{Node, Pod, ReplicationController};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed with the test.
struct Process(Child);

impl Process {
    fn start(program: PathBuf, args: &[String]) -> Self {
        let child = Command::new(&program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| {
            panic!("cannot start {}: {error} (apt-get install etcd-server)", program.display())
        }))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server in this process, on a runtime of its own: killed as a process is, at whatever it is at.
struct Part(CancellationToken);

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

/// The cluster. Fields are dropped in their order: who depends on others first.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    scheduler: Option<Part>,
    agents: Vec<Process>,
    _servers: Vec<Part>,
    _processes: Vec<Process>,
    directory: TempDir,
    api_url: String,
    kubeconfig: String,
    master: u16,
    scheduler_port: u16,
}

impl Cluster {
    /// Starts everything, with these agents, and waits for their nodes.
    pub(crate) async fn start(agents: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let (etcd, peer, api, master) = (free_port(), free_port(), free_port(), free_port());
        let processes = vec![start_etcd(&directory, etcd, peer), start_master(master)];
        let api_url = format!("http://127.0.0.1:{api}");
        let args = [
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            format!("--insecure-port={api}"),
            "--secure-port=0".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--token-auth-file={}", write_token(&directory)),
        ];
        let server = Part::start(move || apiserver::run_until(args.into(), CancellationToken::new()));
        let kubeconfig = write_kubeconfig(&directory, &api_url);
        let client = client_of(&kubeconfig).await;
        let ready = async || client.request_text(get("/readyz")).await.is_ok();
        wait_for("the API server", ready).await;
        let servers = vec![start_controllers(kubeconfig.clone()), server];
        let mut cluster = Self {
            client,
            scheduler: None,
            agents: Vec::new(),
            _servers: servers,
            _processes: processes,
            directory,
            api_url,
            kubeconfig,
            master,
            scheduler_port: free_port(),
        };
        cluster.start_scheduler();
        for (index, agent) in agents.iter().enumerate() {
            cluster.start_agent(agent, index + 1);
        }
        for agent in agents {
            wait_for("the node to be ready", async || cluster.node(agent).await.is_some_and(|node| is_ready(&node)))
                .await;
        }
        cluster
    }

    /// Starts the scheduler, as it is started again after its end.
    pub(crate) fn start_scheduler(&mut self) {
        let line = [
            "scheduler".to_owned(),
            format!("--api-servers={}", self.api_url),
            format!("--kubeconfig={}", self.kubeconfig),
            format!("--kubelet-kubeconfig={}", self.kubeconfig),
            format!("--mesos-master=127.0.0.1:{}", self.master),
            format!("--km-path=file://{}", standin().display()),
            "--prelaunch-executors=true".to_owned(),
        ];
        let flags = scheduler::flags::Flags::parse_from(line);
        let port = self.scheduler_port;
        self.scheduler = Some(Part::start(move || async move {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            scheduler::serve(flags, listener, CancellationToken::new()).await
        }));
    }

    /// Ends the scheduler as a kill does.
    pub(crate) async fn kill_scheduler(&mut self) {
        drop(self.scheduler.take());
        let port = self.scheduler_port;
        wait_for("the scheduler's port to be free", async || TcpListener::bind(("127.0.0.1", port)).is_ok()).await;
    }

    /// Starts an agent; the same number has the same work directory.
    pub(crate) fn start_agent(&mut self, hostname: &str, number: usize) {
        let args = [
            "mesos-agent".to_owned(),
            format!("--master=127.0.0.1:{}", self.master),
            "--ip=127.0.0.1".to_owned(),
            format!("--port={}", free_port()),
            format!("--hostname={hostname}"),
            format!("--work-dir={}", self.directory.path().join(format!("agent{number}")).display()),
            "--resources=cpus:4;mem:1280;disk:1000;ports:[8000-8100]".to_owned(),
            format!("--attributes=rack:{number}"),
            "--switch-user=false".to_owned(),
        ];
        self.agents.push(Process::start(standin(), &args));
    }

    /// Kills the executor of a node.
    pub(crate) async fn kill_executor(&self, node: &str) -> String {
        let node = self.node(node).await.expect("the node exists");
        let pid = node.annotations()["standin/pid"].clone();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        pid
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), "default")
    }

    pub(crate) fn controllers(&self) -> Api<ReplicationController> {
        Api::namespaced(self.client.clone(), "default")
    }

    pub(crate) async fn node(&self, name: &str) -> Option<Node> {
        Api::<Node>::all(self.client.clone()).get_opt(name).await.unwrap()
    }

    pub(crate) async fn create_pod(&self, name: &str, spec: Value) -> Pod {
        let mut spec = spec;
        spec["containers"] = json!([{"name": "c", "image": "none"}]);
        let pod = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap();
        self.pods().create(&PostParams::default(), &pod).await.unwrap()
    }

    pub(crate) async fn create_controller(&self, name: &str, replicas: u32) -> ReplicationController {
        let controller = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"app": name}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "none"}], "terminationGracePeriodSeconds": 1}}}
        }))
        .unwrap();
        self.controllers().create(&PostParams::default(), &controller).await.unwrap()
    }

    pub(crate) async fn delete_pod(&self, name: &str) {
        self.pods().delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// The pods that run now.
    pub(crate) async fn running(&self) -> Vec<Pod> {
        let mut pods = self.pods().list(&ListParams::default()).await.unwrap().items;
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        pods.retain(|pod| phase(pod).as_deref() == Some("Running") && pod.metadata.deletion_timestamp.is_none());
        pods
    }

    /// Waits until so many pods run, and no other exists.
    pub(crate) async fn until_running(&self, count: usize) -> Vec<Pod> {
        let what = format!("{count} pods to run");
        wait_for(&what, async || {
            let all = self.pods().list(&ListParams::default()).await.unwrap().items.len();
            all == count && self.running().await.len() == count
        })
        .await;
        self.running().await
    }

    /// CPUs that Mesos says are used.
    pub(crate) async fn used_cpus(&self) -> f64 {
        let url = format!("http://127.0.0.1:{}", self.master);
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        let state: Value = serde_json::from_str(&client.request_text(get("/state")).await.unwrap()).unwrap();
        state["slaves"].as_array().unwrap().iter().map(|slave| slave["used_resources"]["cpus"].as_f64().unwrap()).sum()
    }

    /// What the scheduler shows on a page.
    pub(crate) async fn page(&self, path: &str) -> String {
        let url = format!("http://127.0.0.1:{}", self.scheduler_port);
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        client.request_text(get(path)).await.unwrap()
    }
}

pub(crate) fn task_id(pod: &Pod) -> String {
    pod.annotations()["k8s.mesosphere.io/taskId"].clone()
}

pub(crate) fn node_name(pod: &Pod) -> String {
    pod.spec.as_ref().unwrap().node_name.clone().unwrap()
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let tainted = node.spec.as_ref().is_some_and(|spec| spec.taints.as_ref().is_some_and(|taints| !taints.is_empty()));
    !tainted
        && conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn start_etcd(directory: &TempDir, client: u16, peer: u16) -> Process {
    let (url, peers) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
    let data = directory.path().join("etcd").display().to_string();
    let args = [
        "--data-dir",
        &data,
        "--listen-client-urls",
        &url,
        "--advertise-client-urls",
        &url,
        "--listen-peer-urls",
        &peers,
        "--initial-advertise-peer-urls",
        &peers,
        "--initial-cluster",
        &format!("default={peers}"),
        "--log-level",
        "error",
        "--unsafe-no-fsync",
    ];
    Process::start("etcd".into(), &args.map(str::to_owned))
}

fn start_master(port: u16) -> Process {
    let args = [
        "mesos-master".to_owned(),
        "--ip=127.0.0.1".to_owned(),
        format!("--port={port}"),
        "--hostname=127.0.0.1".to_owned(),
    ];
    Process::start(standin(), &args)
}

/// The token of an administrator.
const TOKEN: &str = "0123456789abcdef";

fn write_token(directory: &TempDir) -> String {
    let path = directory.path().join("tokens");
    std::fs::write(&path, format!("{TOKEN},admin,1,\"system:masters\"\n")).unwrap();
    path.display().to_string()
}

fn write_kubeconfig(directory: &TempDir, server: &str) -> String {
    let path = directory.path().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path.display().to_string()
}

async fn client_of(kubeconfig: &str) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

fn start_controllers(kubeconfig: String) -> Part {
    let flags = controllers::flags::Flags::parse_from(["controller-manager"]);
    Part::start(move || async move {
        let client = client_of(&kubeconfig).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        controllers::serve(flags, client, listener, CancellationToken::new()).await
    })
}

/// The example that stands in; cargo builds it along with the tests, beside their directory.
fn standin() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(|deps| deps.parent()).unwrap().join("examples/standin")
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

fn get(path: &str) -> http::Request<Vec<u8>> {
    http::Request::get(path).body(Vec::new()).unwrap()
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
