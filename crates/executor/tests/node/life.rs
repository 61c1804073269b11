//! Pods from their launch to their end.

use executor::channel::{TaskState, ToExecutor};
use sandbox::client::{Kind, socket, until_dead};
use serde_json::json;

use crate::docker::{IMAGE, docker};
use crate::harness::{Cluster, NODE};

fn condition<'a>(pod: &'a serde_json::Value, type_: &str) -> &'a serde_json::Value {
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    &conditions.iter().find(|condition| condition["type"] == type_).unwrap()["status"]
}

fn is_running(pod: &serde_json::Value) -> bool {
    pod["status"]["phase"] == "Running"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_runs_with_its_address_and_goes_when_it_is_deleted() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (_, task) = cluster.pod(
        "web",
        json!({"containers": [{"name": "c", "image": IMAGE,
        "command": ["sh", "-c", "echo hello $WHO; trap 'exit 0' TERM; while :; do busybox sleep 1 & wait $!; done"],
        "env": [{"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]}),
    );
    executor.say(ToExecutor::Launch(task)).await;
    let starting = executor.report().await;
    assert_eq!(starting, ("pod.web".into(), TaskState::Starting, "create-binding-success".into()));
    assert_eq!(executor.report().await, ("pod.web".into(), TaskState::Running, "pod-running:web_default".into()));

    let pod = cluster.api.until("pods", "default", "web", is_running).await;
    assert_eq!(pod["spec"]["nodeName"], NODE);
    assert_eq!(pod["metadata"]["annotations"]["k8s.mesosphere.io/taskId"], "pod.web");
    for type_ in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"] {
        assert_eq!(condition(&pod, type_), "True", "{type_}");
    }
    let names = cluster.containers("web");
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    assert!(names.contains(&format!("k8s_POD_web_default_{uid}_0")), "{names:?}");
    assert!(names.contains(&format!("k8s_c_web_default_{uid}_0")), "{names:?}");

    let (sandbox, container) = (format!("k8s_POD_web_default_{uid}_0"), format!("k8s_c_web_default_{uid}_0"));
    let address = pod["status"]["podIP"].as_str().unwrap();
    let hosts = docker(&["exec", &container, "busybox", "cat", "/etc/hosts", "/etc/resolv.conf"]);
    assert!(hosts.contains(&format!("{address}\tweb")) && hosts.contains("nameserver 10.10.10.10"), "{hosts}");
    assert_eq!(docker(&["exec", &container, "busybox", "hostname"]), "web");
    let pid = docker(&["inspect", "-f", "{{.State.Pid}}", &sandbox]);
    let kernel = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for set in ["CapEff", "CapBnd", "CapPrm"] {
        assert!(kernel.contains(&format!("{set}:\t0000000000000000")), "{kernel}");
    }
    assert_eq!(cluster.kubelet("/containerLogs/default/web/c?tailLines=1").await, (200, "hello web\n".into()));
    assert_eq!(cluster.kubelet("/containerLogs/default/web/x").await.0, 404);
    assert_eq!(cluster.kubelet("/healthz").await, (200, "ok".into()));

    cluster.delete("web", 30);
    assert_eq!(executor.report().await, ("pod.web".into(), TaskState::Killed, "pod-deleted".into()));
    cluster.api.until("pods", "default", "web", serde_json::Value::is_null).await;
    assert_eq!(cluster.containers("web"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_container_is_restarted_and_counted() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (pod, task) = cluster.pod(
        "web",
        json!({"containers": [
        {"name": "a", "image": IMAGE, "command": ["busybox", "sleep", "1000"]},
        {"name": "b", "image": IMAGE, "command": ["busybox", "sleep", "1000"]}]}),
    );
    executor.say(ToExecutor::Launch(task)).await;
    executor.states_until(TaskState::Running).await;
    let address = cluster.api.until("pods", "default", "web", is_running).await["status"]["podIP"].clone();
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    docker(&["kill", &format!("k8s_a_web_default_{uid}_0")]);
    let restarted = |pod: &serde_json::Value| {
        let status = &pod["status"]["containerStatuses"][0];
        status["restartCount"] == 1 && status["ready"] == true
    };
    let pod = cluster.api.until("pods", "default", "web", restarted).await;
    assert_eq!(pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 137);
    assert_eq!(pod["status"]["containerStatuses"][1]["restartCount"], 0);
    assert_eq!(pod["status"]["podIP"], address);
    executor.say(ToExecutor::Kill { task_id: "pod.web".into(), grace_seconds: Some(1) }).await;
    assert_eq!(executor.report().await.1, TaskState::Killed);
    cluster.api.until("pods", "default", "web", serde_json::Value::is_null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_ends_by_itself_is_reported_and_keeps_its_log() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    for (name, code, state, phase) in
        [("good", 0, TaskState::Finished, "Succeeded"), ("bad", 3, TaskState::Failed, "Failed")]
    {
        let (_, task) = cluster.pod(name, json!({"restartPolicy": "Never",
            "initContainers": [{"name": "i", "image": IMAGE, "command": ["sh", "-c", "echo made > /shared/file"],
                "volumeMounts": [{"name": "v", "mountPath": "/shared"}]}],
            "containers": [{"name": "c", "image": IMAGE, "volumeMounts": [{"name": "v", "mountPath": "/in", "readOnly": true}],
                "command": ["sh", "-c", format!("busybox cat /in/file; exit {code}")]}],
            "volumes": [{"name": "v", "emptyDir": {}}]}));
        executor.say(ToExecutor::Launch(task)).await;
        executor.states_until(state).await;
        let pod = cluster.api.get("pods", "default", name).unwrap();
        assert_eq!(pod["status"]["phase"], phase);
        assert_eq!(pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], code);
        assert_eq!(cluster.kubelet(&format!("/containerLogs/default/{name}/c")).await, (200, "made\n".into()));
        cluster.delete(name, 0);
        cluster.api.until("pods", "default", name, serde_json::Value::is_null).await;
        assert_eq!(cluster.containers(name), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_hands_out_sockets_and_its_death_begins_the_pod_anew() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (pod, task) = cluster.pod(
        "web",
        json!({"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": IMAGE,
        "command": ["busybox", "nc", "-ll", "-p", "7000", "-e", "/bin/busybox", "echo", "inside"]}]}),
    );
    executor.say(ToExecutor::Launch(task)).await;
    executor.states_until(TaskState::Running).await;
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let path = cluster.root().join("pods").join(uid).join("sandbox/socket");
    // a socket of the pod's namespace reaches the pod's own loopback
    let dialled = socket(&path, Kind::Tcp).unwrap();
    let stream: std::net::TcpStream = dialled.into();
    let greeting = tokio::task::spawn_blocking(move || {
        use std::io::Read;
        let socket = socket2::Socket::from(stream);
        let loopback: std::net::SocketAddr = "127.0.0.1:7000".parse().unwrap();
        // the server may need a moment after its container has started
        let begun = std::time::Instant::now();
        while let Err(error) = socket.connect(&loopback.into()) {
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "nobody answers in the pod: {error}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let mut text = String::new();
        std::net::TcpStream::from(socket).read_to_string(&mut text).map(|_| text)
    });
    assert_eq!(greeting.await.unwrap().unwrap(), "inside\n");
    for kind in [Kind::Udp, Kind::Route, Kind::Netfilter] {
        assert!(socket(&path, kind).is_ok(), "{kind:?}");
    }
    let death = tokio::spawn(async move { until_dead(&path).await });
    docker(&["kill", &format!("k8s_POD_web_default_{uid}_0")]);
    death.await.unwrap().unwrap();
    let anew = |pod: &serde_json::Value| {
        let status = &pod["status"]["containerStatuses"][0];
        status["restartCount"] == 1 && status["ready"] == true && pod["status"]["podIP"].is_string()
    };
    cluster.api.until("pods", "default", "web", anew).await;
    let removed = async {
        let first = format!("k8s_POD_web_default_{uid}_0");
        while cluster.containers("web").contains(&first) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), removed).await.expect("the dead sandbox is left");
    assert!(cluster.containers("web").contains(&format!("k8s_POD_web_default_{uid}_1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_registers_and_its_task_runs_then() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let task = executor::channel::Task { id: "node.1".into(), data: r#"{"kind":"NodeTask"}"#.into(), reported: None };
    executor.say(ToExecutor::Launch(task)).await;
    assert_eq!(executor.report().await, ("node.1".into(), TaskState::Running, "node-ready".into()));
    let node = cluster.api.get("nodes", "", NODE).unwrap();
    assert_eq!(node["status"]["capacity"]["cpu"], "4");
    assert_eq!(node["status"]["addresses"][0], json!({"type": "InternalIP", "address": "127.0.0.1"}));
    assert!(node["status"]["nodeInfo"]["containerRuntimeVersion"].as_str().unwrap().starts_with("docker://"));
    let lease = cluster.api.until("leases", "kube-node-lease", NODE, |lease| !lease.is_null()).await;
    assert_eq!(lease["spec"]["holderIdentity"], NODE);
    let owner = &lease["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"]), (&json!("Node"), &node["metadata"]["uid"]), "it goes with its node");
    executor.say(ToExecutor::Kill { task_id: "node.1".into(), grace_seconds: None }).await;
    assert_eq!(executor.report().await.1, TaskState::Killed);
    executor.say(ToExecutor::Kill { task_id: "pod.unknown".into(), grace_seconds: None }).await;
    assert_eq!(executor.report().await, ("pod.unknown".into(), TaskState::Lost, "kill-pod-task".into()));
}
