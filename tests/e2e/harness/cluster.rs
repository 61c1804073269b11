//! A cluster of a test's own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Ran, docker, http, run, wait_for};

/// The services of a cluster with two slaves, which are also the ends of its containers' names.
pub(crate) const COMPONENTS: [&str; 7] =
    ["etcd", "mesosmaster1", "mesosslave1", "mesosslave2", "apiserver", "controller", "scheduler"];

/// A name and a kubeconfig of its own; the cluster itself is there after [`Cluster::up`].
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: String,
    dir: tempfile::TempDir,
}

/// One container of a pod, as Docker has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PodContainer {
    /// `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`.
    pub(crate) name: String,
    /// Docker's ID.
    pub(crate) id: String,
    /// When it was started last.
    pub(crate) started_at: String,
}

impl Cluster {
    /// A cluster that is not brought up yet.
    pub(crate) fn new(purpose: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{purpose}-{}-{number}", std::process::id());
        let dir = tempfile::tempdir().expect("a directory for the kubeconfig");
        Self { name, dir }
    }

    /// A cluster that is up, without a DNS.
    #[track_caller]
    pub(crate) fn up(purpose: &str) -> Self {
        Self::up_with(purpose, &["--no-dns"])
    }

    /// A cluster that is up, with flags of the test's.
    #[track_caller]
    pub(crate) fn up_with(purpose: &str, flags: &[&str]) -> Self {
        let cluster = Self::new(purpose);
        cluster.k8sm(&[&["up"], flags].concat()).ok();
        cluster
    }

    /// The file that `up` writes.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// The `k8sm` command with this cluster's name and kubeconfig in its environment.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(executable());
        command.args(words);
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        command.env("KUBECONFIG", self.kubeconfig()).env("K8SM_CLUSTER", &self.name).env("HOME", self.dir.path());
        command.env_remove("HTTPS_PROXY").env_remove("https_proxy");
    }

    /// Runs `k8sm` to its end.
    pub(crate) fn k8sm(&self, words: &[&str]) -> Ran {
        run(&mut self.command(words), "")
    }

    /// The same, with input.
    pub(crate) fn k8sm_with(&self, words: &[&str], stdin: &str) -> Ran {
        run(&mut self.command(words), stdin)
    }

    /// Runs the machine's `kubectl`, which knows nothing but the kubeconfig that `up` wrote.
    pub(crate) fn kubectl(&self, words: &[&str]) -> Ran {
        self.kubectl_with(words, "")
    }

    /// The same, with input.
    pub(crate) fn kubectl_with(&self, words: &[&str], stdin: &str) -> Ran {
        run(&mut self.kubectl_command(words), stdin)
    }

    /// `kubectl`, not started yet.
    pub(crate) fn kubectl_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(words);
        self.environment(&mut command);
        command
    }

    /// Starts `k8sm` with its output in a file, to be looked at while it runs.
    pub(crate) fn follow(&self, words: &[&str]) -> Following {
        self.follow_command(self.command(words))
    }

    /// The same for `kubectl`.
    pub(crate) fn follow_kubectl(&self, words: &[&str]) -> Following {
        self.follow_command(self.kubectl_command(words))
    }

    /// The same for a command that was made already.
    pub(crate) fn follow_command(&self, mut command: Command) -> Following {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let path = self.dir.path().join(format!("output-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let file = std::fs::File::create(&path).expect("a file for the output");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::inherit()).spawn().expect("it starts");
        Following { child, path }
    }

    /// A directory of the test's own.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The name of a component's container.
    pub(crate) fn container(&self, component: &str) -> String {
        format!("{}-{component}", self.name)
    }

    /// A component's address on the network `control` or `pods`.
    #[track_caller]
    pub(crate) fn address(&self, component: &str, network: &str) -> String {
        let template = format!("{{{{(index .NetworkSettings.Networks \"{}-{network}\").IPAddress}}}}", self.name);
        docker::inspect(&self.container(component), &template).expect("the component is on that network")
    }

    /// What the Mesos master shows of itself.
    pub(crate) fn mesos_state(&self) -> Result<Value, String> {
        http::json(&format!("{}:5050", self.address("mesosmaster1", "control")), "/state")
    }

    /// The containers of pods, sandboxes too, that run now, by name.
    pub(crate) fn pod_containers(&self) -> Vec<PodContainer> {
        let filter = format!("label=io.k8sm.cluster={}", self.name);
        let ids =
            docker::docker(&["ps", "-q", "--no-trunc", "--filter", &filter, "--filter", "label=io.kubernetes.pod.uid"]);
        let mut containers: Vec<PodContainer> = ids
            .lines()
            .filter_map(|id| docker::inspect(id, "{{.Name}} {{.State.StartedAt}}").ok().map(|text| (id, text)))
            .filter_map(|(id, text)| {
                let (name, started_at) = text.split_once(' ')?;
                let name = name.trim_start_matches('/').to_owned();
                Some(PodContainer { name, id: id.to_owned(), started_at: started_at.to_owned() })
            })
            .collect();
        containers.sort();
        containers
    }

    /// The one running container of that name in a pod; `POD` is the sandbox.
    #[track_caller]
    pub(crate) fn pod_container(&self, pod: &str, container: &str) -> PodContainer {
        let prefix = format!("k8s_{container}_{pod}_");
        wait_for(&format!("a running container {prefix}…"), || {
            self.pod_containers().into_iter().find(|c| c.name.starts_with(&prefix)).ok_or_else(|| "none".to_owned())
        })
    }

    /// An object, in JSON.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Result<Value, String> {
        let ran = self.k8sm(&["get", kind, name, "-o", "json"]);
        if ran.code != 0 {
            return Err(ran.stderr);
        }
        serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}: {}", ran.stdout))
    }

    /// The pods that a selector matches, in JSON.
    pub(crate) fn pods(&self, selector: &str) -> Result<Vec<Value>, String> {
        let ran = self.k8sm(&["get", "pods", "-l", selector, "-o", "json"]);
        if ran.code != 0 {
            return Err(ran.stderr);
        }
        let list: Value = serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}: {}", ran.stdout))?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until a pod is Running and ready, and gives it.
    #[track_caller]
    pub(crate) fn running(&self, pod: &str) -> Value {
        wait_for(&format!("pod {pod} Running and ready"), || {
            let object = self.object("pod", pod)?;
            if is_ready(&object) { Ok(object) } else { Err(object["status"].to_string()) }
        })
    }

    /// Waits until exactly `count` pods match, all of them Running and ready and none on its way out.
    #[track_caller]
    pub(crate) fn running_pods(&self, selector: &str, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} pods {selector} Running and ready"), || {
            let pods = self.pods(selector)?;
            let good = pods.len() == count
                && pods.iter().all(|pod| is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null());
            let seen = || pods.iter().map(|pod| pod["status"].to_string()).collect::<Vec<_>>().join("\n");
            if good { Ok(pods) } else { Err(seen()) }
        })
    }

    /// Waits until nodes of these names are Ready.
    #[track_caller]
    pub(crate) fn nodes_ready(&self) {
        wait_for("both nodes Ready", || {
            let ran = self.k8sm(&["get", "nodes", "--no-headers"]);
            let ready = ran.stdout.lines().filter(|line| line.split_whitespace().nth(1) == Some("Ready")).count();
            if ready == 2 { Ok(()) } else { Err(ran.to_string()) }
        });
    }
}

/// Runs `script` in a busybox pod of its own until it succeeds, and gives what it printed.
#[track_caller]
pub(crate) fn in_a_pod(cluster: &Cluster, script: &str) -> String {
    in_such_a_pod(cluster, script, json!({}))
}

/// The same with more fields of the pod's `spec`.
#[track_caller]
pub(crate) fn in_such_a_pod(cluster: &Cluster, script: &str, fields: Value) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("script-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let until = format!("until ({script}); do sleep 0.2; done");
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "busybox", "image": "busybox", "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", until]}]}});
    for (field, value) in fields.as_object().into_iter().flatten() {
        pod["spec"][field] = value.clone();
    }
    cluster.k8sm_with(&["create", "-f", "-"], &pod.to_string()).ok();
    let said = wait_for(&format!("the end of pod {name}: {script}"), || {
        let object = cluster.object("pod", &name)?;
        let logs = cluster.k8sm(&["logs", &name]);
        let seen = || format!("{logs}\non {}: {}", object["spec"]["nodeName"], object["status"]);
        if object["status"]["phase"] == "Succeeded" { Ok(logs.stdout) } else { Err(seen()) }
    });
    cluster.k8sm(&["delete", "pod", &name, "--wait=false"]).ok();
    said
}

/// The executable under test: the one that was built with the tests, or another that `$K8SM` names.
fn executable() -> String {
    std::env::var("K8SM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_k8sm").to_owned())
}

/// Whether a pod is Running and its condition Ready is True.
pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let ready = conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    pod["status"]["phase"] == "Running" && ready
}

impl Drop for Cluster {
    /// Shows what the components said last where the test failed, then takes the cluster away.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for component in COMPONENTS {
                let logs = run(Command::new("docker").args(["logs", "--tail", "25", &self.container(component)]), "");
                eprintln!("--- last lines of {component}:\n{}{}", logs.stdout, logs.stderr);
            }
        }
        let down = self.k8sm(&["down"]);
        if down.code != 0 {
            eprintln!("{down}");
        }
        docker::remove_labelled(&format!("io.k8sm.cluster={}", self.name));
    }
}

/// A program that runs beside the test.
pub(crate) struct Following {
    child: Child,
    path: PathBuf,
}

impl Following {
    /// What it has printed until now.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.path).expect("the output is a file of the test's")
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
