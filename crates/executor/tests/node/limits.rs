//! What pods may and may not do: users, capabilities, memory, processes, and the borders of their volumes.

use executor::channel::{TaskState, ToExecutor};
use serde_json::{Value, json};

use crate::docker::{IMAGE, pause_image, try_docker};
use crate::harness::{Cluster, Executor};

async fn launch(cluster: &Cluster, executor: &mut Executor, name: &str, spec: Value) {
    let (_, task) = cluster.pod(name, spec);
    executor.say(ToExecutor::Launch(task)).await;
}

fn script(script: &str, more: Value) -> Value {
    let mut container = json!({"name": "c", "image": IMAGE, "command": ["sh", "-c", script]});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

fn state(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]
}

/// Runs a pod of one container to its end; its log.
async fn log_of(cluster: &Cluster, executor: &mut Executor, name: &str, mut spec: Value) -> String {
    spec["restartPolicy"] = json!("Never");
    launch(cluster, executor, name, spec).await;
    cluster.api.until("pods", "default", name, |pod| state(pod)["terminated"].is_object()).await;
    cluster.kubelet(&format!("/containerLogs/default/{name}/c")).await.1
}

async fn event(cluster: &Cluster, reason: &str, text: &str) {
    let told = |event: &Value| event["message"].as_str().is_some_and(|message| message.contains(text));
    cluster.api.find("events", |event| event["reason"] == reason && told(event)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_groups_and_capabilities_are_those_of_the_security_context() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let print = "busybox id; busybox grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; echo x > /file || echo read-only; \
                 busybox stat -c '%g %a' /shared; busybox cat /secret/key";
    let own = json!({"runAsUser": 1000, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]}});
    cluster.api.put("secrets", "default", "s", json!({"data": {"key": "aGVsbG8="}}));
    let mounts = json!([{"name": "v", "mountPath": "/shared"}, {"name": "s", "mountPath": "/secret"}]);
    let spec = json!({"securityContext": {"runAsNonRoot": true, "runAsGroup": 2000, "fsGroup": 3000, "supplementalGroups": [4000]},
        "volumes": [{"name": "v", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s", "defaultMode": 256}}],
        "containers": [script(print, json!({"securityContext": own, "volumeMounts": mounts}))]});
    let log = log_of(&cluster, &mut executor, "user", spec).await;
    for part in [
        "uid=1000 gid=2000",
        "3000",
        "4000",
        "CapEff:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "read-only",
        "3000 2777",
        "hello",
    ] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    let spec = json!({"containers": [script("busybox grep Seccomp: /proc/self/status",
        json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}))]});
    assert_eq!(log_of(&cluster, &mut executor, "unconfined", spec).await, "Seccomp:\t0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_be_root_does_not_start_as_root() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let container = script("true", json!({"securityContext": {"runAsNonRoot": true}}));
    launch(&cluster, &mut executor, "web", json!({"containers": [container]})).await;
    let refused = |pod: &Value| state(pod)["waiting"]["reason"] == "CreateContainerConfigError";
    let pod = cluster.api.until("pods", "default", "web", refused).await;
    let message = state(&pod)["waiting"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("container has runAsNonRoot and image will run as root (pod: \"web_default("),
        "{message}"
    );
    event(&cluster, "Failed", "container has runAsNonRoot and image will run as root").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_memory_is_shown_as_such_and_a_fork_bomb_ends_at_its_limit() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let mut spec = json!({"restartPolicy": "Never", "containers": [script("busybox dd if=/dev/zero of=/dev/null bs=200M count=1",
        json!({"resources": {"limits": {"memory": "16Mi", "cpu": "1"}}}))]});
    launch(&cluster, &mut executor, "oom", spec.clone()).await;
    let pod = cluster.api.until("pods", "default", "oom", |pod| state(pod)["terminated"].is_object()).await;
    assert_eq!(state(&pod)["terminated"]["reason"], "OOMKilled", "{pod:#}");
    assert_eq!(state(&pod)["terminated"]["exitCode"], 137);
    let count = "busybox cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null";
    spec["containers"] = json!([script(count, json!({}))]);
    assert_eq!(log_of(&cluster, &mut executor, "pids", spec).await, "4096\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_a_volume_that_outlives_containers_and_has_a_limit() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let print = "busybox df -P /m | busybox tail -1; busybox cat /m/begun && busybox sleep 1000; echo before > /m/begun; exit 1";
    let mounts = json!([{"name": "m", "mountPath": "/m"}]);
    let spec = json!({"containers": [script(print, json!({"volumeMounts": mounts}))],
        "volumes": [{"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}}]});
    launch(&cluster, &mut executor, "web", spec).await;
    let again = |pod: &Value| {
        let status = &pod["status"]["containerStatuses"][0];
        status["restartCount"] == 1 && status["state"]["running"].is_object()
    };
    cluster.api.until("pods", "default", "web", again).await;
    let said = async {
        loop {
            let log = cluster.kubelet("/containerLogs/default/web/c").await.1;
            if log.contains("before") {
                return log;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let log =
        tokio::time::timeout(std::time::Duration::from_secs(30), said).await.expect("the file outlives the container");
    assert!(log.starts_with("tmpfs") && log.contains(" 4096 "), "{log}");
    cluster.delete("web", 1);
    cluster.api.until("pods", "default", "web", Value::is_null).await;
    let filter = format!("label=io.k8sm.cluster={}", cluster.name);
    assert_eq!(try_docker(&["volume", "ls", "-q", "--filter", &filter]).unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_grows_over_its_limit_evicts_its_pod() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let fill = "busybox dd if=/dev/zero of=/v/big bs=1M count=3 2>/dev/null; exec busybox sleep 1000";
    let spec = json!({"terminationGracePeriodSeconds": 1,
        "containers": [script(fill, json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}))],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]});
    launch(&cluster, &mut executor, "web", spec).await;
    executor.states_until(TaskState::Failed).await;
    let status = cluster.api.get("pods", "default", "web").unwrap()["status"].clone();
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("Evicted")));
    event(&cluster, "Evicted", "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_writes_more_than_its_limit_is_evicted() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let limit = json!({"resources": {"limits": {"ephemeral-storage": "2Mi"}}});
    let file = "busybox dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; exec busybox sleep 1000";
    let log = "busybox yes a line of a log | busybox head -c 3000000; exec busybox sleep 1000";
    for (name, fill) in [("file", file), ("log", log)] {
        let small = json!({"name": "small", "image": IMAGE, "command": ["busybox", "sleep", "1000"],
            "resources": {"limits": {"ephemeral-storage": "10Mi"}}});
        let spec = json!({"terminationGracePeriodSeconds": 1, "containers": [small, script(fill, limit.clone())]});
        launch(&cluster, &mut executor, name, spec).await;
        executor.states_until(TaskState::Failed).await;
        let status = cluster.api.get("pods", "default", name).unwrap()["status"].clone();
        assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("Evicted")));
        assert_eq!(status["message"], "Container c exceeded its local ephemeral storage limit \"2Mi\". ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_path_is_a_part_of_its_volume_and_never_more() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    cluster.api.put("configmaps", "default", "m", json!({"data": {"one": "1", "two": "2"}}));
    let spec = json!({"volumes": [{"name": "m", "configMap": {"name": "m"}}, {"name": "v", "emptyDir": {}}],
        "containers": [script("busybox cat /etc/one; echo made > /logs/file; busybox ls /whole /whole/p", json!({
            "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "volumeMounts": [{"name": "m", "mountPath": "/etc/one", "subPath": "one"},
                {"name": "v", "mountPath": "/logs", "subPathExpr": "p/$(POD)"}, {"name": "v", "mountPath": "/whole"}]}))]});
    let log = log_of(&cluster, &mut executor, "parts", spec).await;
    assert!(log.starts_with('1') && log.contains("parts"), "{log}");

    let files = cluster.root().join("host/links");
    std::fs::create_dir_all(&files).unwrap();
    std::os::unix::fs::symlink("/etc", files.join("out")).unwrap();
    let spec = json!({"volumes": [{"name": "v", "hostPath": {"path": "/links"}}], "containers": [script("busybox cat /x/passwd",
        json!({"volumeMounts": [{"name": "v", "mountPath": "/x", "subPath": "out"}]}))]});
    launch(&cluster, &mut executor, "out", spec).await;
    let refused = |pod: &Value| state(pod)["waiting"]["reason"] == "CreateContainerConfigError";
    cluster.api.until("pods", "default", "out", refused).await;
    event(&cluster, "Failed", "failed to prepare subPath for volumeMount \"v\" of container \"c\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_moved_while_it_was_mounted_is_not_run_with() {
    let directory = tempfile::tempdir().unwrap();
    let mountinfo = std::fs::read(sandbox::gate::MOUNTINFO).unwrap();
    let origin = sandbox::gate::origin(&mountinfo, directory.path()).unwrap();
    let bind = format!("{}:/m", directory.path().display());
    let gate = |root: &std::path::Path| {
        let check = sandbox::gate::word("/m", root).unwrap();
        let line = ["run", "--rm", "-v", &bind, pause_image(), "gate", &check, "--", "/no/such/program"];
        try_docker(&line).unwrap_err()
    };
    assert!(gate(&origin).contains("exec: \"/no/such/program\""), "what is as it was is gone on with");
    assert!(gate(std::path::Path::new("/etc")).contains("the part of a volume at /m was moved while it was mounted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volumes_missing_source_is_named_and_waited_for() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let mounts = json!([{"name": "v", "mountPath": "/v"}]);
    let spec = json!({"volumes": [{"name": "v", "configMap": {"name": "late"}}],
        "containers": [script("busybox cat /v/k; exec busybox sleep 1000", json!({"volumeMounts": mounts}))]});
    launch(&cluster, &mut executor, "web", spec).await;
    event(&cluster, "FailedMount", "MountVolume.SetUp failed for volume \"v\" : configmap \"late\" not found").await;
    cluster.api.put("configmaps", "default", "late", json!({"data": {"k": "v"}}));
    executor.states_until(TaskState::Running).await;
    // a change is seen at once: the object is watched
    let uid = cluster.api.get("pods", "default", "web").unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    let file = cluster.root().join("pods").join(uid).join("volumes/kubernetes.io~configmap/v/k");
    cluster.api.put("configmaps", "default", "late", json!({"data": {"k": "w"}}));
    let seen = async {
        while std::fs::read_to_string(&file).unwrap() != "w" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), seen).await.expect("the change does not come");
    // a source that goes while it is used takes nothing from the pod
    cluster.api.remove("configmaps", "default", "late");
    let ids = cluster.containers("web");
    assert_eq!(ids.len(), 2, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ignores_its_end_is_killed_after_its_grace_period() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let deaf = script("trap '' TERM; while :; do busybox sleep 1; done", json!({}));
    launch(&cluster, &mut executor, "web", json!({"containers": [deaf]})).await;
    executor.states_until(TaskState::Running).await;
    cluster.delete("web", 1);
    assert_eq!(executor.report().await.1, TaskState::Killed);
    assert_eq!(cluster.containers("web"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pods_containers_may_share_their_processes() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let spec = json!({"shareProcessNamespace": true, "containers": [script("busybox cat /proc/1/comm", json!({}))]});
    let log = log_of(&cluster, &mut executor, "web", spec).await;
    assert!(log.starts_with("pause") || log.starts_with("km"), "process 1 is the sandbox's: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_the_node_leads_to_its_pod_until_the_pod_ends() {
    use tokio::io::AsyncReadExt;
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let serve = script(
        "exec busybox nc -ll -p 7000 -e /bin/busybox echo inside",
        json!({"ports": [{"containerPort": 7000, "hostPort": port, "hostIP": "127.0.0.1"}]}),
    );
    launch(&cluster, &mut executor, "web", json!({"terminationGracePeriodSeconds": 1, "containers": [serve]})).await;
    executor.states_until(TaskState::Running).await;
    let asked = async {
        loop {
            // the server may need a moment after its container has started
            let mut text = String::new();
            if let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
                let _ = stream.read_to_string(&mut text).await;
            }
            if text == "inside\n" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), asked).await.expect("nobody answers at the hostPort");
    cluster.delete("web", 1);
    cluster.api.until("pods", "default", "web", Value::is_null).await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
