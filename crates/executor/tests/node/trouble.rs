//! Pods that cannot run: their status and events say why, in Kubernetes' words.

use executor::channel::{TaskState, ToExecutor};
use serde_json::{Value, json};

use crate::docker::IMAGE;
use crate::harness::Cluster;

fn waiting(pod: &Value) -> Option<&str> {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str()
}

async fn event(cluster: &Cluster, reason: &str, text: &str) -> Value {
    let told = |event: &Value| event["message"].as_str().is_some_and(|message| message.contains(text));
    cluster.api.find("events", |event| event["reason"] == reason && told(event)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_cannot_be_had_are_named() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    for (name, image, policy, reason, told) in [
        ("pull", "e-no-such-image:1", "IfNotPresent", "ErrImagePull", "Failed"),
        ("never", "e-no-such-image:1", "Never", "ErrImageNeverPull", "ErrImageNeverPull"),
        ("name", "Not A Name", "IfNotPresent", "InvalidImageName", "InspectFailed"),
    ] {
        let container = json!({"name": "c", "image": image, "imagePullPolicy": policy});
        let (_, task) = cluster.pod(name, json!({"containers": [container]}));
        executor.say(ToExecutor::Launch(task)).await;
        let pod = cluster.api.until("pods", "default", name, |pod| waiting(pod) == Some(reason)).await;
        assert_eq!(pod["status"]["phase"], "Pending", "{name}");
        event(&cluster, told, image).await;
    }
    cluster.api.until("pods", "default", "pull", |pod| waiting(pod) == Some("ImagePullBackOff")).await;
    event(&cluster, "BackOff", "Back-off pulling image").await;
    cluster.delete("pull", 30);
    cluster.api.until("pods", "default", "pull", Value::is_null).await;
    assert_eq!(cluster.containers("pull"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_exist_crashes_with_backoff() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (_, task) = cluster.pod("web", json!({"containers": [{"name": "c", "image": IMAGE, "command": ["/no/such"]}]}));
    executor.say(ToExecutor::Launch(task)).await;
    let pod = cluster.api.until("pods", "default", "web", |pod| waiting(pod) == Some("RunContainerError")).await;
    let message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"].as_str().unwrap();
    assert!(message.contains("/no/such"), "{message}");
    event(&cluster, "Failed", "/no/such").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashing_container_backs_off() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (_, task) =
        cluster.pod("web", json!({"containers": [{"name": "c", "image": IMAGE, "command": ["sh", "-c", "exit 7"]}]}));
    executor.say(ToExecutor::Launch(task)).await;
    let pod = cluster.api.until("pods", "default", "web", |pod| waiting(pod) == Some("CrashLoopBackOff")).await;
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!((&status["restartCount"], &status["lastState"]["terminated"]["exitCode"]), (&json!(1), &json!(7)));
    event(&cluster, "BackOff", "Back-off restarting failed container c").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_needs_is_waited_for() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let env = json!([{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]);
    let container = json!({"name": "c", "image": IMAGE, "env": env, "command": ["busybox", "sleep", "1000"]});
    let (_, task) = cluster.pod("web", json!({"containers": [container]}));
    executor.say(ToExecutor::Launch(task)).await;
    let pod =
        cluster.api.until("pods", "default", "web", |pod| waiting(pod) == Some("CreateContainerConfigError")).await;
    let message = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"];
    assert_eq!(*message, "configmap \"m\" not found");
    cluster.api.put("configmaps", "default", "m", json!({"data": {"k": "v"}}));
    executor.states_until(TaskState::Running).await;

    let volume = json!({"name": "v", "nfs": {"server": "x", "path": "/"}});
    let (_, task) = cluster.pod("disk", json!({"containers": [{"name": "c", "image": IMAGE}], "volumes": [volume]}));
    executor.say(ToExecutor::Launch(task)).await;
    event(&cluster, "FailedMount", "does not support volumes of its kind").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_be_bound_fails_with_its_word() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (_, task) = cluster.pod("web", json!({"containers": [{"name": "c", "image": IMAGE}]}));
    cluster.api.put("pods", "default", "web", json!({"spec": {"nodeName": "another"}}));
    executor.say(ToExecutor::Launch(task)).await;
    assert_eq!(executor.report().await, ("pod.web".into(), TaskState::Failed, "create-binding-failure".into()));
    let nonsense = executor::channel::Task { id: "pod.x".into(), data: "{".into(), reported: None };
    executor.say(ToExecutor::Launch(nonsense)).await;
    assert_eq!(executor.report().await, ("pod.x".into(), TaskState::Failed, "unmarshal-task-data-failure".into()));
    assert_eq!(cluster.containers("web"), [""; 0]);
}
