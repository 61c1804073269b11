//! Images of a real registry that asks who comes: pull secrets, policies, and the collection of what this node pulled.
//!
//! Needs `docker-registry` (Debian), which listens on loopback, where Docker speaks plain HTTP.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use executor::channel::{TaskState, ToExecutor};
use serde_json::{Value, json};

use crate::docker::{docker, image, try_docker};
use crate::harness::{Cluster, Executor, free_port};

/// `user` with the password `secret`, as htpasswd writes it with the fewest rounds.
const HTPASSWD: &str = "user:$2b$04$GL0MjXUPkuzytBrLf1HH8eflQyumIwM0dEoEFu6ghXYJyop1rmzSC\n";

/// A registry with one image, which the engine does not have under its name.
struct Registry {
    process: Child,
    address: String,
    image: String,
    _files: tempfile::TempDir,
}

impl Registry {
    async fn start() -> Self {
        let (files, port) = (tempfile::tempdir().unwrap(), free_port());
        let (directory, address) = (files.path().display(), format!("127.0.0.1:{port}"));
        std::fs::write(files.path().join("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n\
             http: {{addr: '{address}'}}\nauth: {{htpasswd: {{realm: test, path: {directory}/htpasswd}}}}\n"
        );
        let path = files.path().join("config.yml");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("docker-registry: install it (.ci/prerequisites test does)");
        let registry = Self { process, image: format!("{address}/e/busybox:1"), address, _files: files };
        registry.fill().await;
        registry
    }

    /// Pushes the image as its user, and takes its name from the engine.
    async fn fill(&self) {
        let configuration = tempfile::tempdir().unwrap();
        let config = configuration.path().display().to_string();
        let login = ["--config", &config, "login", "-u", "user", "-p", "secret", &self.address];
        let mut refused = String::new();
        let answers = async {
            while let Err(error) = try_docker(&login) {
                refused = error;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let begun = tokio::time::timeout(Duration::from_secs(30), answers).await;
        assert!(begun.is_ok(), "the registry does not answer: {refused}");
        // an image of its own, which containers of other tests do not have
        let container = docker(&["create", image(), "true"]);
        docker(&["commit", "--change", &format!("LABEL registry={}", self.address), &container, &self.image]);
        docker(&["rm", &container]);
        docker(&["--config", &config, "push", "-q", &self.image]);
        docker(&["rmi", &self.image]);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = (self.process.kill(), self.process.wait());
        let _ = try_docker(&["rmi", &self.image]);
    }
}

fn secret(cluster: &Cluster, name: &str, registry: &Registry, password: &str) {
    let auth = STANDARD.encode(format!("user:{password}"));
    let config = json!({"auths": {&registry.address: {"auth": auth}}});
    let data = json!({".dockerconfigjson": STANDARD.encode(config.to_string())});
    cluster.api.put("secrets", "default", name, json!({"type": "kubernetes.io/dockerconfigjson", "data": data}));
}

async fn launch(
    cluster: &Cluster,
    executor: &mut Executor,
    name: &str,
    registry: &Registry,
    policy: &str,
    secret: &str,
) {
    let container = json!({"name": "c", "image": registry.image, "imagePullPolicy": policy,
        "command": ["busybox", "sleep", "1000"]});
    let secrets = if secret.is_empty() { json!([]) } else { json!([{"name": secret}]) };
    let spec = json!({"terminationGracePeriodSeconds": 0, "imagePullSecrets": secrets, "containers": [container]});
    let (_, task) = cluster.pod(name, spec);
    executor.say(ToExecutor::Launch(task)).await;
}

fn waiting(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]["waiting"]
}

async fn event(cluster: &Cluster, pod: &str, reason: &str, text: &str) -> Value {
    let told = |event: &Value| event["message"].as_str().is_some_and(|message| message.contains(text));
    let of = |event: &Value| event["involvedObject"]["name"] == pod;
    cluster.api.find("events", |event| of(event) && event["reason"] == reason && told(event)).await
}

fn events(cluster: &Cluster, pod: &str, reason: &str) -> usize {
    let of = |event: &&Value| event["involvedObject"]["name"] == pod && event["reason"] == reason;
    cluster.api.all("events").iter().filter(of).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_asked_as_pull_secrets_say() {
    let (registry, cluster) = (Registry::start().await, Cluster::new().await);
    let mut executor = cluster.executor(vec![]).await;
    secret(&cluster, "wrong", &registry, "guess");
    secret(&cluster, "right", &registry, "secret");
    for (name, secret) in [("nobody", ""), ("guesser", "wrong"), ("forgetful", "missing")] {
        launch(&cluster, &mut executor, name, &registry, "IfNotPresent", secret).await;
        let refused = |pod: &Value| waiting(pod)["reason"] == "ErrImagePull";
        let pod = cluster.api.until("pods", "default", name, refused).await;
        let message = waiting(&pod)["message"].as_str().unwrap();
        assert!(message.contains("no basic auth credentials") || message.contains("unauthorized"), "{name}: {message}");
        event(&cluster, name, "Failed", &format!("Failed to pull image \"{}\"", registry.image)).await;
        event(&cluster, name, "Failed", "Error: ErrImagePull").await;
    }
    event(&cluster, "forgetful", "FailedToRetrieveImagePullSecret", "(missing)").await;
    let backs_off = |pod: &Value| waiting(pod)["reason"] == "ImagePullBackOff";
    let pod = cluster.api.until("pods", "default", "guesser", backs_off).await;
    let words = format!("Back-off pulling image \"{}\": ErrImagePull: ", registry.image);
    assert!(waiting(&pod)["message"].as_str().unwrap().starts_with(&words), "{pod:#}");

    launch(&cluster, &mut executor, "guest", &registry, "IfNotPresent", "right").await;
    let runs = |pod: &Value| pod["status"]["phase"] == "Running";
    let pod = cluster.api.until("pods", "default", "guest", runs).await;
    let id = pod["status"]["containerStatuses"][0]["imageID"].as_str().unwrap();
    assert!(id.starts_with(&format!("docker-pullable://{}/e/busybox@sha256:", registry.address)), "{id}");
    event(&cluster, "guest", "Pulled", "Successfully pulled image").await;
    assert_eq!(std::fs::read_to_string(cluster.root().join("pulled-images")).unwrap(), format!("{}\n", registry.image));
    // what is here is not pulled again, but where it always is: and then as somebody whom the registry knows
    launch(&cluster, &mut executor, "second", &registry, "IfNotPresent", "").await;
    cluster.api.until("pods", "default", "second", runs).await;
    assert_eq!(events(&cluster, "second", "Pulling"), 0);
    launch(&cluster, &mut executor, "always", &registry, "Always", "right").await;
    cluster.api.until("pods", "default", "always", runs).await;
    assert_eq!(events(&cluster, "always", "Pulling"), 1);
    launch(&cluster, &mut executor, "stranger", &registry, "Always", "").await;
    cluster.api.until("pods", "default", "stranger", |pod| waiting(pod)["reason"] == "ErrImagePull").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_what_this_node_pulled_and_nobody_uses() {
    let (registry, mut cluster) = (Registry::start().await, Cluster::new().await);
    let mut executor = cluster.executor(vec![]).await;
    secret(&cluster, "right", &registry, "secret");
    launch(&cluster, &mut executor, "guest", &registry, "IfNotPresent", "right").await;
    executor.states_until(TaskState::Running).await;
    executor.kill().await;
    // the next executor finds less on the disk than it wants
    cluster.more = vec!["--eviction-hard=nodefs.available<1000Ti".to_owned()];
    let executor = cluster.executor(vec![]).await;
    let pressed = |node: &Value| {
        let all = node["status"]["conditions"].as_array().into_iter().flatten();
        all.clone().any(|condition| condition["type"] == "DiskPressure" && condition["status"] == "True")
    };
    cluster.api.until("nodes", "", crate::harness::NODE, pressed).await;
    event(&cluster, crate::harness::NODE, "NodeHasDiskPressure", "status is now: NodeHasDiskPressure").await;
    event(&cluster, crate::harness::NODE, "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage").await;
    // a container has it: what runs goes on, and its image stays
    let is_here = |image: &str| try_docker(&["image", "inspect", image]).is_ok();
    assert!(is_here(&registry.image));
    assert_eq!(cluster.containers("guest").len(), 2);
    cluster.delete("guest", 1);
    cluster.api.until("pods", "default", "guest", Value::is_null).await;
    executor.kill().await;
    let _executor = cluster.executor(vec![]).await;
    let collected = async {
        while is_here(&registry.image) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), collected).await.expect("the image stays though nobody uses it");
    assert!(is_here(image()), "the developer's own stays");
}
