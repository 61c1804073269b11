//! Replication: spread over the nodes, scaled, healed, and its resources given back to Mesos.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::docker::{self, docker};
use crate::harness::{Cluster, repository, wait_for};

const LABEL: &str = "name=nginx";

fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().expect("a pod has a name")
}

fn per_node(pods: &[Value]) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for pod in pods {
        *count.entry(pod["spec"]["nodeName"].as_str().expect("bound").to_owned()).or_default() += 1;
    }
    count
}

/// What the agents have given away, as the master shows it: cpus, and tasks that are pods.
fn used(cluster: &Cluster) -> Result<(f64, usize), String> {
    let state = cluster.mesos_state()?;
    let slaves = state["slaves"].as_array().ok_or("no slaves in /state")?;
    let cpus = slaves.iter().filter_map(|slave| slave["used_resources"]["cpus"].as_f64()).sum();
    let frameworks = state["frameworks"].as_array().ok_or("no frameworks in /state")?;
    let tasks = frameworks.iter().filter_map(|framework| framework["tasks"].as_array()).flatten();
    // A node's executor is held by a task of its own.
    let tasks = tasks.filter(|task| task["id"].as_str().is_some_and(|id| id.starts_with("pod.")));
    Ok((cpus, tasks.count()))
}

#[test]
fn replicas_are_spread_scaled_healed_and_freed() {
    let cluster = Cluster::up("rc");
    let (idle_cpus, idle_tasks) = used(&cluster).expect("the master shows its state");
    assert_eq!(idle_tasks, 0);

    let example = repository("examples/v1/controller-nginx.json");
    assert_eq!(cluster.k8sm(&["create", "-f", &example]).ok(), "replicationcontroller/nginxcontroller created\n");
    let two = cluster.running_pods(LABEL, 2);
    assert_eq!(per_node(&two).len(), 2, "two replicas are on both nodes");

    let scaled = cluster.k8sm(&["scale", "rc", "nginxcontroller", "--replicas=5"]).ok();
    assert_eq!(scaled, "replicationcontroller/nginxcontroller scaled\n");
    let five = cluster.running_pods(LABEL, 5);
    assert!(per_node(&five).values().all(|&count| count >= 2), "{:?}", per_node(&five));
    let (busy_cpus, busy_tasks) = used(&cluster).expect("the master shows its state");
    assert_eq!(busy_tasks, 5);
    assert!(busy_cpus > idle_cpus, "{busy_cpus} cpus are used with pods, {idle_cpus} without");

    a_deleted_pod_comes_back(&cluster, &five);
    a_killed_container_is_restarted_and_counted(&cluster);
    refusals_of_scale(&cluster);
    ways_to_look_at_them(&cluster);

    assert_eq!(cluster.kubectl(&["scale", "rc", "nginxcontroller", "--replicas=1"]).code, 0);
    cluster.running_pods(LABEL, 1);
    assert_eq!(
        cluster.k8sm(&["delete", "rc", "nginxcontroller"]).ok(),
        "replicationcontroller \"nginxcontroller\" deleted\n"
    );
    wait_for("no pods, and all resources given back to Mesos", || {
        let pods = cluster.pods(LABEL)?.len();
        let (cpus, tasks) = used(&cluster)?;
        let free = pods == 0 && tasks == 0 && (cpus - idle_cpus).abs() < 1e-6;
        if free { Ok(()) } else { Err(format!("{pods} pods, {tasks} tasks, {cpus} cpus used, {idle_cpus} when idle")) }
    });
    a_pod_of_higher_priority_makes_room(&cluster);
}

/// Each of the pods takes most of a node's CPUs.
fn a_pod_of_higher_priority_makes_room(cluster: &Cluster) {
    let create = |object: Value| cluster.k8sm_with(&["create", "-f", "-"], &object.to_string()).ok();
    create(
        json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "urgent"}, "value": 1000}),
    );
    let pod = |name: &str, class: Option<&str>| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"size": "large"}}, "spec": {
            "priorityClassName": class, "terminationGracePeriodSeconds": 1, "containers": [{
                "name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"],
                "resources": {"limits": {"cpu": "3", "memory": "64Mi"}}}]}})
    };
    for name in ["one", "two"] {
        create(pod(name, None));
        cluster.running(name);
    }
    create(pod("third", None));
    wait_for("the third to say why it waits", || {
        let status = cluster.object("pod", "third")?["status"].clone();
        let told = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims \
                    found for incoming pod.";
        if status["conditions"][0]["message"] == told { Ok(()) } else { Err(status.to_string()) }
    });
    create(pod("urgent", Some("urgent")));
    let urgent = cluster.running("urgent");
    assert_eq!(urgent["status"]["nominatedNodeName"], urgent["spec"]["nodeName"]);
    let left = wait_for("one of them to be gone", || {
        let pods = cluster.pods("size=large")?;
        let names: BTreeSet<String> = pods.iter().map(|pod| name(pod).to_owned()).collect();
        if names.len() == 3 { Ok(names) } else { Err(format!("{names:?}")) }
    });
    assert!(left.contains("third") && left.contains("urgent"), "{left:?}");
    let events = cluster.kubectl(&["get", "events", "--field-selector=reason=Preempted", "-o", "name"]).ok();
    assert_eq!(events.lines().count(), 1, "{events}");
}

fn a_deleted_pod_comes_back(cluster: &Cluster, before: &[Value]) {
    let names: BTreeSet<&str> = before.iter().map(name).collect();
    let victim = name(&before[0]);
    assert_eq!(cluster.k8sm(&["delete", "pod", victim, "--grace-period=1"]).ok(), format!("pod {victim:?} deleted\n"));
    let after = cluster.running_pods(LABEL, 5);
    let new: Vec<&str> = after.iter().map(name).filter(|name| !names.contains(name)).collect();
    assert_eq!(new.len(), 1, "one pod is new: {new:?}");
}

fn a_killed_container_is_restarted_and_counted(cluster: &Cluster) {
    let pods = cluster.running_pods(LABEL, 5);
    let pod = name(&pods[0]);
    let container = cluster.pod_container(pod, "nginx");
    let sandbox = cluster.pod_container(pod, "POD");
    docker(&["kill", &container.id]);
    wait_for("the restart and its count", || {
        let object = cluster.object("pod", pod)?;
        let status = &object["status"]["containerStatuses"][0];
        if status["restartCount"] == 1 && status["ready"] == true { Ok(()) } else { Err(status.to_string()) }
    });
    let again = cluster.pod_container(pod, "nginx");
    assert_ne!(again.id, container.id, "another attempt is another container");
    assert!(again.name.ends_with("_1"), "{}", again.name);
    assert_eq!(cluster.pod_container(pod, "POD"), sandbox, "the sandbox stays");
    let row = cluster.k8sm(&["get", "pod", pod, "--no-headers"]).ok();
    assert_eq!(row.split_whitespace().nth(3), Some("1"), "{row}");
    assert!(docker::inspect(&again.id, "{{.State.Running}}").is_ok_and(|running| running == "true"));
}

fn refusals_of_scale(cluster: &Cluster) {
    let conflict = cluster.k8sm(&["scale", "rc", "nginxcontroller", "--current-replicas=3", "--replicas=2"]).fails(5);
    assert_eq!(conflict.trim(), "error: nginxcontroller has 5 replicas, not 3");
    cluster.k8sm(&["scale", "rc", "no-such", "--replicas=2"]).fails(5);
    cluster.k8sm(&["scale", "pod", "x", "--replicas=2"]).fails(1);
    cluster.k8sm(&["scale", "rc", "nginxcontroller", "--replicas=-1"]).fails(2);
    scaled_together(cluster);
}

/// Many at once, by label or all, and only those that have so many replicas.
fn scaled_together(cluster: &Cluster) {
    for name in ["idle", "lazy"] {
        let labels = json!({ "kind-of": name });
        let controller = json!({"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": 0, "selector": labels, "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "Never"}]}}}});
        cluster.k8sm_with(&["create", "-f", "-"], &controller.to_string()).ok();
    }
    let scale = |words: &[&str]| cluster.k8sm(&[&["scale", "rc"], words].concat());
    let theirs = |words: &[&str]| cluster.kubectl(&[&["scale", "rc"], words].concat());
    for words in [
        &["-l", "kind-of in (idle,lazy)", "--replicas=0"][..],
        &["--all", "--replicas=0", "--dry-run=server"],
        &["--all", "--replicas=0", "--dry-run=client"],
        &["idle", "lazy", "--replicas=0", "--current-replicas=0", "-o", "name"],
    ] {
        assert_eq!(scale(words).ok(), theirs(words).ok(), "{words:?}");
    }
    // The others are scaled all the same, and each that is not is named.
    let some = scale(&["--all", "--current-replicas=0", "--replicas=0"]);
    let two = "replicationcontroller/idle scaled\nreplicationcontroller/lazy scaled\n";
    assert_eq!((some.code, some.stdout.as_str()), (5, two), "{some}");
    assert_eq!(some.stderr.trim(), "error: nginxcontroller has 5 replicas, not 0");
    let one = scale(&["idle", "no-such", "lazy", "--replicas=0"]);
    assert_eq!((one.code, one.stdout.as_str()), (5, two), "{one}");
    assert_eq!(one.stderr.trim(), "error: replicationcontrollers \"no-such\" not found");
    assert!(scale(&["-l", "kind-of=none", "--replicas=0"]).fails(5).contains("no objects passed to scale"));
    scale(&["idle", "-l", "kind-of=idle", "--replicas=0"]).fails(2);
    scale(&["--replicas=0"]).fails(2);
    cluster.k8sm(&["delete", "rc", "-l", "kind-of"]).ok();
    assert_eq!(cluster.running_pods(LABEL, 5).len(), 5, "nothing was scaled");
}

/// What everyday users type, as kubectl has it.
fn ways_to_look_at_them(cluster: &Cluster) {
    let columns = ["get", "pods", "-l", LABEL, "--sort-by=.metadata.name", "-o", "custom-columns=N:.metadata.name"];
    let table = cluster.k8sm(&columns).ok();
    let names: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(table, cluster.kubectl(&columns).ok());
    assert!(table.starts_with("N\n") && names.len() == 5, "{table}");

    let inside = cluster.k8sm(&["exec", "rc/nginxcontroller", "--", "hostname"]);
    assert!(names.contains(&inside.stdout.trim()) && inside.stderr.contains("Found 5 pods, using pod/"), "{inside}");
    let pages = cluster.k8sm(&["describe", "pods", "nginxcontroller"]).ok();
    assert_eq!(pages.lines().filter(|line| line.starts_with("Name: ")).count(), 5, "{pages}");

    let dry = cluster.k8sm(&["delete", "pods", "-l", LABEL, "--dry-run=server"]).ok();
    assert_eq!(dry.lines().filter(|line| line.ends_with(" deleted (server dry run)")).count(), 5, "{dry}");
    assert_eq!(cluster.running_pods(LABEL, 5).len(), 5, "nothing was deleted");
}
