//! What others do to what the node wrote, and the node without the API server.

use std::time::Duration;

use executor::channel::{TaskState, ToExecutor};
use serde_json::{Value, json};

use crate::docker::{IMAGE, docker, try_docker};
use crate::harness::{Cluster, Executor, NODE};

async fn launch(cluster: &Cluster, executor: &mut Executor, name: &str, spec: Value) -> Value {
    let (pod, task) = cluster.pod(name, spec);
    executor.say(ToExecutor::Launch(task)).await;
    pod
}

fn sleeper() -> Value {
    json!({"terminationGracePeriodSeconds": 1,
        "containers": [{"name": "c", "image": IMAGE, "command": ["busybox", "sleep", "1000"]}]})
}

fn condition<'a>(object: &'a Value, type_: &str) -> &'a Value {
    let all = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter().find(|condition| condition["type"] == type_).unwrap_or(&Value::Null)
}

fn is_ready(object: &Value) -> bool {
    condition(object, "Ready")["status"] == "True"
}

/// Waits until `test` holds; no longer than half a minute.
async fn wait(what: &str, test: impl Fn() -> bool) {
    let reached = async {
        while !test() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_another_called_unready_is_ready_again() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    launch(&cluster, &mut executor, "web", sleeper()).await;
    let pod = cluster.api.until("pods", "default", "web", is_ready).await;
    let mut conditions = pod["status"]["conditions"].clone();
    for condition in conditions.as_array_mut().unwrap() {
        if condition["type"] == "Ready" {
            *condition = json!({"type": "Ready", "status": "False", "reason": "NodeNotReady"});
        }
    }
    cluster.api.put("pods", "default", "web", json!({"status": {"conditions": conditions}}));
    let pod = cluster.api.until("pods", "default", "web", is_ready).await;
    assert_eq!(condition(&pod, "Ready")["reason"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_another_called_silent_speaks_at_once_and_for_itself_alone() {
    let cluster = Cluster::new().await;
    let _executor = cluster.executor(vec![]).await;
    cluster.api.until("nodes", "", NODE, is_ready).await;
    let conditions = json!([{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"},
        {"type": "KernelDeadlock", "status": "False"}]);
    cluster.api.put("nodes", "", NODE, json!({"status": {"conditions": conditions}}));
    let node = cluster.api.until("nodes", "", NODE, is_ready).await;
    assert_eq!(condition(&node, "KernelDeadlock")["status"], "False");
    assert_eq!(condition(&node, "DiskPressure")["status"], "False");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_forgotten_comes_again() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let pod = launch(&cluster, &mut executor, "web", sleeper()).await;
    cluster.api.until("pods", "default", "web", is_ready).await;
    let started = |event: &Value| event["reason"] == "Started";
    let first = cluster.api.find("events", started).await["metadata"]["name"].as_str().unwrap().to_owned();
    cluster.api.remove("events", "default", &first);
    docker(&["kill", &format!("k8s_c_web_default_{}_0", pod["metadata"]["uid"].as_str().unwrap())]);
    let again = cluster.api.find("events", started).await;
    assert_eq!(again["count"], 1);
    assert_ne!(again["metadata"]["name"], first);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_corrected_is_tried_at_once() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let mut spec = sleeper();
    spec["containers"][0]["image"] = json!("e-no-such-image:1");
    spec["containers"][0]["imagePullPolicy"] = json!("Never");
    launch(&cluster, &mut executor, "web", spec.clone()).await;
    let refused =
        |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ErrImageNeverPull";
    cluster.api.until("pods", "default", "web", refused).await;
    let corrected = std::time::Instant::now();
    spec["containers"][0]["image"] = json!(IMAGE);
    cluster.api.put("pods", "default", "web", json!({"spec": {"containers": spec["containers"]}}));
    cluster.api.find("events", |event| event["reason"] == "Pulled").await;
    assert!(corrected.elapsed() < Duration::from_secs(8), "it waited for the image's back-off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_started_again_without_the_api_server() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    cluster.api.put("configmaps", "default", "m", json!({"data": {"k": "v"}}));
    let container = json!({"name": "c", "image": IMAGE, "command": ["sh", "-c", "busybox cat /in/k; exec busybox sleep 1000"],
        "env": [{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}],
        "volumeMounts": [{"name": "v", "mountPath": "/in"}]});
    let volumes = json!([{"name": "v", "configMap": {"name": "m"}}]);
    let spec = json!({"terminationGracePeriodSeconds": 1, "containers": [container], "volumes": volumes});
    let pod = launch(&cluster, &mut executor, "web", spec).await;
    executor.states_until(TaskState::Running).await;
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let name = |attempt: u32| format!("k8s_c_web_default_{uid}_{attempt}");
    let runs = |name: &str| try_docker(&["inspect", "-f", "{{.State.Running}}", name]).is_ok_and(|runs| runs == "true");
    cluster.api.away(true);
    docker(&["kill", &name(0)]);
    wait("it is not started again", || runs(&name(1))).await;
    cluster.api.away(false);
    let restarted = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"] == 1 && is_ready(pod);
    cluster.api.until("pods", "default", "web", restarted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_outlives_its_configmap() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    cluster.api.put("configmaps", "default", "m", json!({"data": {"k": "v\n"}}));
    let container = json!({"name": "c", "image": IMAGE, "command": ["sh", "-c", "busybox cat /in/k; exec busybox sleep 1000"],
        "volumeMounts": [{"name": "v", "mountPath": "/in"}]});
    let volumes = json!([{"name": "v", "configMap": {"name": "m"}}]);
    let spec = json!({"terminationGracePeriodSeconds": 1, "containers": [container], "volumes": volumes});
    let pod = launch(&cluster, &mut executor, "web", spec).await;
    executor.states_until(TaskState::Running).await;
    cluster.api.remove("configmaps", "default", "m");
    docker(&["kill", &format!("k8s_c_web_default_{}_0", pod["metadata"]["uid"].as_str().unwrap())]);
    let restarted = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"] == 1 && is_ready(pod);
    cluster.api.until("pods", "default", "web", restarted).await;
    let said = async {
        while cluster.kubelet("/containerLogs/default/web/c").await != (200, "v\n".into()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), said).await.expect("the volume is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_somebody_removes_are_counted_and_not_run_once_more() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let done = json!({"name": "done", "image": IMAGE, "command": ["sh", "-c", "exit 0"]});
    let mut spec = sleeper();
    spec["restartPolicy"] = json!("OnFailure");
    spec["containers"].as_array_mut().unwrap().push(done);
    let pod = launch(&cluster, &mut executor, "web", spec).await;
    let of = |pod: &Value, name: &str| -> Value {
        let mut all = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
        all.find(|status| status["name"] == name).cloned().unwrap_or_default()
    };
    let ended = |pod: &Value| of(pod, "done")["state"]["terminated"].is_object() && of(pod, "c")["ready"] == true;
    let before = of(&cluster.api.until("pods", "default", "web", ended).await, "done");
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let name = |container: &str| format!("k8s_{container}_web_default_{uid}_0");
    docker(&["rm", &name("done")]);
    docker(&["rm", "-f", &name("c")]);
    let again = |pod: &Value| of(pod, "c")["restartCount"] == 1 && of(pod, "c")["ready"] == true;
    let after = cluster.api.until("pods", "default", "web", again).await;
    assert_eq!(of(&after, "c")["lastState"]["terminated"]["exitCode"], 137);
    assert_eq!((of(&after, "done"), &after["status"]["phase"]), (before, &json!("Running")));
    assert!(!cluster.containers("web").contains(&name("done")), "it has ended for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_volumes_of_no_pod_go() {
    let cluster = Cluster::new().await;
    let left = cluster.root().join("pods/gone-uid/volumes");
    std::fs::create_dir_all(&left).unwrap();
    let volume = format!("k8s_gone-uid_{}", cluster.name);
    let (own, node) = (format!("io.k8sm.cluster={}", cluster.name), format!("io.k8sm.node={NODE}"));
    let labels = ["--label", &own, "--label", &node, "--label", "io.kubernetes.pod.uid=gone-uid"];
    docker(&[&["volume", "create"], &labels[..], &[&volume]].concat());
    let _executor = cluster.executor(vec![]).await;
    let is_left = || left.exists() || try_docker(&["volume", "inspect", &volume]).is_ok();
    wait("something of a pod that is gone is left", || !is_left()).await;
    assert!(cluster.root().join("pods").is_dir());
}
