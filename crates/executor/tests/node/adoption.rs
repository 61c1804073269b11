//! Executors that come after others: what runs goes on.

use executor::channel::{Task, TaskState, ToExecutor, ToMinion};
use serde_json::{Value, json};

use crate::docker::{IMAGE, docker, try_docker};
use crate::harness::Cluster;

fn sleeper() -> Value {
    json!({"containers": [{"name": "c", "image": IMAGE, "command": ["busybox", "sleep", "1000"]}]})
}

fn container_id(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["containerID"].as_str().unwrap().strip_prefix("docker://").unwrap()
}

fn is_running(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_died_is_followed_by_one_that_restarts_nothing() {
    let cluster = Cluster::new().await;
    let mut first = cluster.executor(vec![]).await;
    let (_, task) = cluster.pod("web", sleeper());
    first.say(ToExecutor::Launch(task.clone())).await;
    first.states_until(TaskState::Running).await;
    let before = cluster.api.until("pods", "default", "web", is_running).await;
    first.kill().await;

    // the minion outlived it, and says which tasks there are
    let known = Task { reported: Some(TaskState::Running), ..task };
    let mut second = cluster.executor(vec![known]).await;
    let (_, next) = cluster.pod("next", sleeper());
    second.say(ToExecutor::Launch(next)).await;
    let (task, state, _) = second.report().await;
    assert_eq!((task.as_str(), state), ("pod.next", TaskState::Starting), "there is no news of the first pod");
    assert_eq!(cluster.api.get("pods", "default", "web").unwrap()["status"], before["status"]);
    second.kill().await;

    // the minion died too: the pod waits without a task, then is launched again under a new one
    let mut third = cluster.executor(vec![]).await;
    let again = cluster.task(&cluster.api.get("pods", "default", "web").unwrap(), "pod.again");
    third.say(ToExecutor::Launch(again)).await;
    assert_eq!(third.report().await, ("pod.again".into(), TaskState::Starting, "create-binding-success".into()));
    assert_eq!(third.report().await.1, TaskState::Running);
    let taken = |pod: &Value| pod["metadata"]["annotations"]["k8s.mesosphere.io/taskId"] == "pod.again";
    let after = cluster.api.until("pods", "default", "web", taken).await;
    assert_eq!(container_id(&after), container_id(&before));
    assert_eq!(after["status"]["containerStatuses"], before["status"]["containerStatuses"]);
    assert_eq!(after["status"]["podIP"], before["status"]["podIP"]);

    // the same pod under a still newer task: the old task ends, its pod does not
    let newest = cluster.task(&after, "pod.newest");
    third.say(ToExecutor::Launch(newest)).await;
    assert_eq!(third.report().await, ("pod.again".into(), TaskState::Killed, "task-replaced".into()));
    assert_eq!(third.states_until(TaskState::Running).await, [TaskState::Starting, TaskState::Running]);
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", container_id(&before)]), "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_nobody_looked_is_read_from_docker() {
    let cluster = Cluster::new().await;
    let mut first = cluster.executor(vec![]).await;
    let (_, task) = cluster.pod("web", sleeper());
    first.say(ToExecutor::Launch(task.clone())).await;
    first.states_until(TaskState::Running).await;
    let before = cluster.api.until("pods", "default", "web", is_running).await;
    first.kill().await;
    docker(&["kill", container_id(&before)]);
    let _second = cluster.executor(vec![Task { reported: Some(TaskState::Running), ..task }]).await;
    let restarted = |pod: &Value| {
        let status = &pod["status"]["containerStatuses"][0];
        status["restartCount"] == 1 && status["ready"] == true
    };
    let after = cluster.api.until("pods", "default", "web", restarted).await;
    assert_eq!(after["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 137);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_pod_owns_goes_and_others_containers_stay() {
    let cluster = Cluster::new().await;
    let mut first = cluster.executor(vec![]).await;
    let (_, gone) = cluster.pod("gone", sleeper());
    let (_, stays) = cluster.pod("stays", sleeper());
    for task in [gone, stays] {
        first.say(ToExecutor::Launch(task)).await;
        first.states_until(TaskState::Running).await;
    }
    first.kill().await;
    cluster.api.remove("pods", "default", "gone");
    let label = |node: &str| format!("io.k8sm.node={node}");
    let (other, own) = (format!("{}-other", cluster.name), format!("io.k8sm.cluster={}", cluster.name));
    docker(&[
        "run",
        "-d",
        "--name",
        &other,
        "--label",
        &own,
        "--label",
        &label("slave2"),
        "--label",
        "io.kubernetes.pod.uid=someone",
        "--network",
        "none",
        IMAGE,
        "busybox",
        "sleep",
        "1000",
    ]);

    let _second = cluster.executor(vec![]).await;
    let removed = async {
        while !cluster.containers("gone").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), removed).await.expect("containers of no pod are left");
    assert_eq!(cluster.containers("stays").len(), 2, "a pod without a task is left to the scheduler");
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &other]), "true");
    try_docker(&["rm", "-f", &other]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_containers_and_leaves_the_pods() {
    let cluster = Cluster::new().await;
    let mut executor = cluster.executor(vec![]).await;
    let (_, task) = cluster.pod("web", sleeper());
    executor.say(ToExecutor::Launch(task)).await;
    executor.states_until(TaskState::Running).await;
    executor.say(ToExecutor::Shutdown).await;
    assert_eq!(executor.report().await, ("pod.web".into(), TaskState::Killed, "executor-shutdown".into()));
    assert_eq!(executor.next().await, ToMinion::Done);
    assert_eq!(cluster.containers("web"), [""; 0]);
    assert!(cluster.api.get("pods", "default", "web").is_some());
}
