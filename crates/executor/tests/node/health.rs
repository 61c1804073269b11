//! Probes, hooks and sidecars of pods that run in Docker.

use executor::channel::{Task, TaskState, ToExecutor};
use serde_json::{Value, json};

use crate::docker::{IMAGE, docker, try_docker};
use crate::harness::{Cluster, Executor};

/// A container that sleeps and ends at once on SIGTERM.
fn sleeper(name: &str, more: Value) -> Value {
    let script = "trap 'exit 0' TERM; while :; do busybox sleep 1 & wait $!; done";
    let mut container = json!({"name": name, "image": IMAGE, "command": ["sh", "-c", script]});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

async fn launch(cluster: &Cluster, executor: &mut Executor, name: &str, spec: Value) -> Task {
    let (_, task) = cluster.pod(name, spec);
    executor.say(ToExecutor::Launch(task.clone())).await;
    task
}

fn status(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

async fn event(cluster: &Cluster, reason: &str, text: &str) -> Value {
    let told = |event: &Value| event["message"].as_str().is_some_and(|message| message.contains(text));
    cluster.api.find("events", |event| event["reason"] == reason && told(event)).await
}

fn container_name(pod: &Value, container: &str, attempt: u32) -> String {
    let (name, uid) = (pod["metadata"]["name"].as_str().unwrap(), pod["metadata"]["uid"].as_str().unwrap());
    format!("k8s_{container}_{name}_default_{uid}_{attempt}")
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_a_probe_by_command() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let probe =
        json!({"exec": {"command": ["busybox", "cat", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 1});
    let container = sleeper(
        "c",
        json!({"readinessProbe": probe,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}),
    );
    let spec = json!({"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]});
    launch(&cluster, &mut executor, "web", spec).await;
    let event = event(&cluster, "Unhealthy", "Readiness probe failed: cat: can't open '/tmp/ready'").await;
    assert_eq!(event["type"], "Warning");
    let pod = cluster.api.until("pods", "default", "web", |pod| pod["status"]["phase"] == "Running").await;
    assert_eq!((&status(&pod)["ready"], &status(&pod)["started"]), (&json!(false), &json!(true)));
    let name = container_name(&pod, "c", 0);
    docker(&["exec", &name, "busybox", "touch", "/tmp/ready"]);
    cluster.api.until("pods", "default", "web", is_ready).await;
    docker(&["exec", &name, "busybox", "rm", "/tmp/ready"]);
    cluster.api.until("pods", "default", "web", |pod| !is_ready(pod)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liveness_probe_that_hangs_restarts_its_container_and_holds_nobody_up() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let probe = json!({"exec": {"command": ["busybox", "sleep", "1000"]}, "periodSeconds": 1, "failureThreshold": 2,
        "terminationGracePeriodSeconds": 1});
    let spec = json!({"containers": [sleeper("c", json!({"livenessProbe": probe})), sleeper("d", json!({}))]});
    launch(&cluster, &mut executor, "web", spec).await;
    event(&cluster, "Unhealthy", "Liveness probe failed: command").await;
    let killing = event(&cluster, "Killing", "Container c failed liveness probe, will be restarted").await;
    assert_eq!(killing["involvedObject"]["fieldPath"], "spec.containers{c}");
    let pod = cluster.api.until("pods", "default", "web", |pod| status(pod)["restartCount"] == 1).await;
    assert_eq!(pod["status"]["containerStatuses"][1]["restartCount"], 0);
    cluster.delete("web", 1);
    cluster.api.until("pods", "default", "web", Value::is_null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_by_http_and_tcp_ask_the_pods_own_address() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let server = json!({"name": "c", "image": IMAGE, "ports": [{"name": "web", "containerPort": 8080}],
        "command": ["sh", "-c", "busybox mkdir -p /www; echo yes > /www/ok; exec busybox httpd -f -p 8080 -h /www"],
        "startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 30},
        "readinessProbe": {"httpGet": {"path": "/ok", "port": "web"}, "periodSeconds": 1}});
    launch(&cluster, &mut executor, "web", json!({"containers": [server.clone()]})).await;
    cluster.api.until("pods", "default", "web", is_ready).await;
    let mut bad = server;
    bad["readinessProbe"]["httpGet"]["path"] = json!("/missing");
    bad["livenessProbe"] = json!({"tcpSocket": {"port": 9}, "periodSeconds": 1, "failureThreshold": 60});
    launch(&cluster, &mut executor, "bad", json!({"containers": [bad]})).await;
    event(&cluster, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404").await;
    event(&cluster, "Unhealthy", ":9: connect: connection refused").await;
    let pod = cluster.api.until("pods", "default", "bad", |pod| pod["status"]["phase"] == "Running").await;
    assert!(!is_ready(&pod));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_startup_probe_that_fails_is_fatal() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let probe = json!({"tcpSocket": {"port": 9}, "periodSeconds": 1, "failureThreshold": 2});
    let spec = json!({"restartPolicy": "Never", "containers": [sleeper("c", json!({"startupProbe": probe}))]});
    launch(&cluster, &mut executor, "web", spec).await;
    event(&cluster, "Killing", "Container c failed startup probe").await;
    cluster.api.until("pods", "default", "web", |pod| status(pod)["state"]["terminated"].is_object()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_after_the_start_and_before_the_end() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let hooks = json!({"postStart": {"exec": {"command": ["sh", "-c", "echo begun > /shared/begun"]}},
        "preStop": {"exec": {"command": ["sh", "-c", "echo over > /shared/over"]}}});
    let mounts = json!([{"name": "shared", "mountPath": "/shared"}]);
    let container = sleeper("c", json!({"lifecycle": hooks, "volumeMounts": mounts}));
    let volumes = json!([{"name": "shared", "hostPath": {"path": "/hooks"}}]);
    let files = cluster.root().join("host/hooks");
    // a deletion by force leaves the containers their time as well
    for (name, grace) in [("web", 30), ("forced", 0)] {
        let spec = json!({"containers": [container.clone()], "volumes": volumes.clone()});
        launch(&cluster, &mut executor, name, spec).await;
        cluster.api.until("pods", "default", name, is_ready).await;
        assert_eq!(std::fs::read_to_string(files.join("begun")).unwrap(), "begun\n");
        cluster.delete(name, grace);
        cluster.api.until("pods", "default", name, Value::is_null).await;
        assert_eq!(std::fs::read_to_string(files.join("over")).unwrap(), "over\n");
        std::fs::remove_file(files.join("over")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_done_before_the_next_container_starts() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let hook = json!({"postStart": {"exec": {"command": ["sh", "-c", "busybox sleep 2; echo done > /shared/done"]}}});
    let mounts = json!([{"name": "shared", "mountPath": "/shared"}]);
    let first = sleeper("a", json!({"lifecycle": hook, "volumeMounts": mounts}));
    let next = json!({"name": "b", "image": IMAGE, "volumeMounts": mounts,
        "command": ["sh", "-c", "busybox cat /shared/done && exec busybox sleep 1000"]});
    let spec = json!({"containers": [first, next], "volumes": [{"name": "shared", "emptyDir": {}}]});
    launch(&cluster, &mut executor, "web", spec).await;
    let pod = cluster.api.until("pods", "default", "web", is_ready).await;
    assert_eq!(pod["status"]["containerStatuses"][1]["restartCount"], 0);
    cluster.delete("web", 1);
    cluster.api.until("pods", "default", "web", Value::is_null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_fail_say_so() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let hooks = json!({"postStart": {"exec": {"command": ["sh", "-c", "echo broken; exit 3"]}}});
    launch(&cluster, &mut executor, "post", json!({"containers": [sleeper("c", json!({"lifecycle": hooks}))]})).await;
    event(&cluster, "FailedPostStartHook", "PostStartHook failed: broken").await;
    cluster.api.until("pods", "default", "post", |pod| status(pod)["restartCount"] == 1).await;
    let hooks = json!({"preStop": {"httpGet": {"path": "/", "port": 9}}});
    launch(&cluster, &mut executor, "pre", json!({"containers": [sleeper("c", json!({"lifecycle": hooks}))]})).await;
    cluster.api.until("pods", "default", "pre", is_ready).await;
    cluster.delete("pre", 5);
    event(&cluster, "FailedPreStopHook", "PreStopHook failed: Get").await;
    cluster.api.until("pods", "default", "pre", Value::is_null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sidecars_start_first_and_end_last() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let say = |name: &str| {
        let script = format!(
            "trap 'busybox sleep 1; echo {name} ends >> /log/order; exit 0' TERM; echo {name} begins >> /log/order; \
                              touch /tmp/up; while :; do busybox sleep 1 & wait $!; done"
        );
        json!({"name": name, "image": IMAGE, "command": ["sh", "-c", script.replace("touch", "busybox touch")],
            "volumeMounts": [{"name": "log", "mountPath": "/log"}, {"name": "tmp", "mountPath": "/tmp"}]})
    };
    let mut sidecar = say("side");
    sidecar["restartPolicy"] = json!("Always");
    sidecar["startupProbe"] = json!({"exec": {"command": ["busybox", "cat", "/tmp/up"]}, "periodSeconds": 1});
    sidecar["lifecycle"] = json!({"preStop": {"exec": {"command": ["sh", "-c", "echo side hook >> /log/order"]}}});
    let volumes = json!([{"name": "log", "hostPath": {"path": "/log"}}, {"name": "tmp", "emptyDir": {}}]);
    let spec = json!({"initContainers": [sidecar], "containers": [say("main")], "volumes": volumes});
    launch(&cluster, &mut executor, "web", spec).await;
    let pod = cluster.api.until("pods", "default", "web", is_ready).await;
    assert_eq!(pod["status"]["initContainerStatuses"][0]["started"], true);
    let order = || std::fs::read_to_string(cluster.root().join("host/log/order")).unwrap_or_default();
    let begun = async {
        while order() != "side begins\nmain begins\n" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), begun).await.unwrap_or_else(|_| panic!("{}", order()));
    cluster.delete("web", 30);
    cluster.api.until("pods", "default", "web", Value::is_null).await;
    assert_eq!(order(), "side begins\nmain begins\nside hook\nmain ends\nside ends\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_told_once_to_end() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let script = "trap 'echo told >> /log/told' TERM; while :; do busybox sleep 1 & wait $!; done";
    let container = json!({"name": "c", "image": IMAGE, "command": ["sh", "-c", script],
        "volumeMounts": [{"name": "log", "mountPath": "/log"}]});
    let volumes = json!([{"name": "log", "hostPath": {"path": "/log"}}]);
    launch(&cluster, &mut executor, "web", json!({"containers": [container], "volumes": volumes})).await;
    cluster.api.until("pods", "default", "web", is_ready).await;
    // less than the least time that a container gets
    cluster.delete("web", 1);
    cluster.api.until("pods", "default", "web", Value::is_null).await;
    assert_eq!(std::fs::read_to_string(cluster.root().join("host/log/told")).unwrap(), "told\n");
    assert!(event(&cluster, "Killing", "Stopping container c").await["count"].as_u64().is_none_or(|count| count == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_a_pod_and_says_so() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let spec = json!({"activeDeadlineSeconds": 2, "containers": [sleeper("c", json!({}))]});
    launch(&cluster, &mut executor, "web", spec).await;
    executor.states_until(TaskState::Failed).await;
    let pod = cluster.api.get("pods", "default", "web").unwrap();
    assert_eq!((&pod["status"]["phase"], &pod["status"]["reason"]), (&json!("Failed"), &json!("DeadlineExceeded")));
    event(&cluster, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_container_leaves_its_message() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let container = |name: &str, script: &str, policy: &str| json!({"name": name, "image": IMAGE, "command": ["sh", "-c", script], "terminationMessagePolicy": policy});
    let spec = json!({"restartPolicy": "Never", "securityContext": {"runAsUser": 1000}, "containers": [
        container("file", "echo from the file > /dev/termination-log; exit 1", "File"),
        container("log", "echo from the log; exit 1", "FallbackToLogsOnError"),
        container("none", "echo from the log; exit 0", "FallbackToLogsOnError")]});
    launch(&cluster, &mut executor, "web", spec).await;
    executor.states_until(TaskState::Failed).await;
    let pod = cluster.api.get("pods", "default", "web").unwrap();
    let messages: Vec<_> = (0..3)
        .map(|at| pod["status"]["containerStatuses"][at]["state"]["terminated"]["message"].as_str().unwrap_or("-"))
        .collect();
    assert_eq!(messages, ["from the file\n", "from the log\n", "-"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_container_stays_ready_and_its_hook_is_not_run_again() {
    let cluster = Cluster::new().await;
    let mut first = cluster.executor(vec![]).await;
    let lifecycle = json!({"postStart": {"exec": {"command": ["sh", "-c", "echo again >> /shared/hooks"]}}});
    let probe = json!({"exec": {"command": ["busybox", "true"]}, "periodSeconds": 1, "timeoutSeconds": 30});
    let container = sleeper(
        "c",
        json!({"lifecycle": lifecycle, "startupProbe": probe, "readinessProbe": probe,
        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}),
    );
    let volumes = json!([{"name": "shared", "hostPath": {"path": "/adopted"}}]);
    let task = launch(&cluster, &mut first, "web", json!({"containers": [container], "volumes": volumes})).await;
    first.states_until(TaskState::Running).await;
    let pod = cluster.api.until("pods", "default", "web", is_ready).await;
    docker(&["kill", &container_name(&pod, "c", 0)]);
    let restarted = |pod: &Value| is_ready(pod) && status(pod)["restartCount"] == 1;
    let before = cluster.api.until("pods", "default", "web", restarted).await;
    first.kill().await;
    let mut second = cluster.executor(vec![Task { reported: Some(TaskState::Running), ..task }]).await;
    launch(&cluster, &mut second, "next", json!({"containers": [sleeper("c", json!({}))]})).await;
    second.states_until(TaskState::Running).await;
    let after = cluster.api.get("pods", "default", "web").unwrap();
    assert_eq!(after["status"], before["status"]);
    assert_eq!(std::fs::read_to_string(cluster.root().join("host/adopted/hooks")).unwrap(), "again\nagain\n");
    // and its probes go on
    let name = container_name(&after, "c", 1);
    assert!(try_docker(&["inspect", &name]).is_ok());
}
