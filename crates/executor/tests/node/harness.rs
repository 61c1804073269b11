//! A node for a test: an API server, a network, certificates, and an executor whose minion is the test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use executor::channel::{self, Agent, Task, TaskState, ToExecutor, ToMinion};
use executor::flags::Flags;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::docker::{docker, image, pause_image, try_docker};

pub(crate) const NODE: &str = "slave1";

/// A cluster of one node; all of it goes when it is dropped.
pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) name: String,
    pub(crate) files: tempfile::TempDir,
    pub(crate) port: u16,
    /// More of the executor's line.
    pub(crate) more: Vec<String>,
    authority: Certificates,
}

/// PEMs of an authority, and of a client of the kubelet.
struct Certificates {
    authority: String,
    client: String,
    client_key: String,
}

/// An executor that runs, and the minion's end of its channel.
pub(crate) struct Executor {
    serving: JoinHandle<anyhow::Result<()>>,
    receiver: channel::Receiver,
    sender: channel::Sender,
}

impl Cluster {
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        serve::tls::install_provider();
        serve::log::init(2);
        let name = format!("e-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        image();
        docker(&["network", "create", "--label", &format!("io.k8sm.cluster={name}"), &format!("{name}-pods")]);
        let (api, files) = (Api::start().await, tempfile::tempdir().unwrap());
        let authority = certificates(files.path());
        let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{}", api.port)}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]});
        std::fs::write(files.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { api, name, files, port: free_port(), more: Vec::new(), authority }
    }

    /// The executor's line.
    pub(crate) fn args(&self) -> Vec<String> {
        let own = [
            format!("--kubeconfig={}", self.files.path().join("kubeconfig").display()),
            format!("--hostname-override={NODE}"),
            format!("--k8sm-cluster={}", self.name),
            format!("--root-dir={}", self.root().display()),
            format!("--pod-infra-container-image={}", pause_image()),
            "--node-ip=127.0.0.1".to_owned(),
            "--run-proxy=false".to_owned(),
            "--cluster-dns=10.10.10.10".to_owned(),
            format!("--port={}", self.port),
            "--healthz-port=0".to_owned(),
        ];
        own.into_iter().chain(self.more.iter().cloned()).collect()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.files.path().join("root")
    }

    /// An executor that has been told of no task yet, but for the `tasks` that the minion knows.
    pub(crate) async fn executor(&self, tasks: Vec<Task>) -> Executor {
        let flags = Flags::parse_line("executor", self.args()).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let serving = tokio::spawn(executor::kubelet::serve(flags, theirs, CancellationToken::new()));
        let (receiver, sender) = channel::split(ours);
        let mut executor = Executor { serving, receiver, sender };
        let agent = Agent { hostname: NODE.into(), cpus: 4.0, mem: 1280.0, disk: 1024.0, ..Agent::default() };
        executor.say(ToExecutor::Hello(agent)).await;
        for task in tasks {
            executor.say(ToExecutor::Launch(task)).await;
        }
        executor.say(ToExecutor::Synced).await;
        executor
    }

    /// A pod in the API server, bound to nobody, and a task for it.
    pub(crate) fn pod(&self, name: &str, spec: Value) -> (Value, Task) {
        let uid = format!("{name}-uid-{}", self.name);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": uid},
                         "spec": spec, "status": {"phase": "Pending"}});
        let pod = self.api.put("pods", "default", name, pod);
        let task = self.task(&pod, &format!("pod.{name}"));
        (pod, task)
    }

    /// A task that runs `pod`.
    pub(crate) fn task(&self, pod: &Value, id: &str) -> Task {
        let mut data = pod.clone();
        data["metadata"]["annotations"]["k8s.mesosphere.io/taskId"] = json!(id);
        data["metadata"]["annotations"]["k8s.mesosphere.io/bindingHost"] = json!(NODE);
        Task { id: id.to_owned(), data: data.to_string(), reported: None }
    }

    /// Asks for a pod's deletion, as `kubectl delete` does.
    pub(crate) fn delete(&self, name: &str, grace: i64) {
        let metadata = json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace});
        self.api.put("pods", "default", name, json!({"metadata": metadata}));
    }

    /// Names of containers with the pod's labels, running or not.
    pub(crate) fn containers(&self, pod: &str) -> Vec<String> {
        let (cluster, pod) =
            (format!("label=io.k8sm.cluster={}", self.name), format!("label=io.kubernetes.pod.name={pod}"));
        let list = docker(&["ps", "-a", "--filter", &cluster, "--filter", &pod, "--format", "{{.Names}}"]);
        list.lines().map(str::to_owned).collect()
    }

    /// What the kubelet answers to the holder of a client certificate.
    pub(crate) async fn kubelet(&self, path: &str) -> (u16, String) {
        let identity = format!("{}{}", self.authority.client, self.authority.client_key);
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(self.authority.authority.as_bytes()).unwrap()])
            .identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap())
            .build()
            .unwrap();
        let answer = client.get(format!("https://localhost:{}{path}", self.port)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let filter = format!("label=io.k8sm.cluster={}", self.name);
        let ids = try_docker(&["ps", "-aq", "--filter", &filter]).unwrap_or_default();
        for id in ids.lines() {
            let _ = try_docker(&["rm", "-fv", id]);
        }
        let _ = try_docker(&["network", "rm", &format!("{}-pods", self.name)]);
    }
}

impl Executor {
    pub(crate) async fn say(&mut self, message: ToExecutor) {
        self.sender.send(&message).await.unwrap();
    }

    /// The next thing that the executor reports: task, state, message.
    pub(crate) async fn report(&mut self) -> (String, TaskState, String) {
        match self.next().await {
            ToMinion::Update { task_id, state, message } => (task_id, state, message),
            ToMinion::Done => panic!("the executor says that it is done"),
        }
    }

    pub(crate) async fn next(&mut self) -> ToMinion {
        let next = tokio::time::timeout(Duration::from_secs(60), self.receiver.next::<ToMinion>()).await;
        match next.expect("the executor reports nothing").unwrap() {
            Some(message) => message,
            None => panic!("the executor is gone"),
        }
    }

    /// The states that are reported until a task has reached `last`.
    pub(crate) async fn states_until(&mut self, last: TaskState) -> Vec<TaskState> {
        let mut states = Vec::new();
        while states.last() != Some(&last) {
            states.push(self.report().await.1);
        }
        states
    }

    /// Dies at once.
    pub(crate) async fn kill(self) {
        self.serving.abort();
        let _ = self.serving.await;
    }
}

/// The kubelet's certificate and key, its client authority, and a client's certificate, all in `directory`.
fn certificates(directory: &std::path::Path) -> Certificates {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let ((kubelet, kubelet_key), (client, client_key)) = (issue("localhost"), issue("apiserver"));
    for (file, text) in [("ca.crt", &authority), ("kubelet.crt", &kubelet), ("kubelet.key", &kubelet_key)] {
        std::fs::write(directory.join(file), text).unwrap();
    }
    Certificates { authority, client, client_key }
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
