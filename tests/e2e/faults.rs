//! Every component killed and started again while pods run: no container of a pod restarts, no object is lost, pods
//! are scheduled afterwards, and a watch that was open goes on with no event missing or doubled.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::harness::cluster::{Following, PodContainer};
use crate::harness::docker::{self, docker};
use crate::harness::{Cluster, repository, wait_for};

const LABEL: &str = "name=nginx";
/// One line an event: the pod and the version of it that the event brought.
const EVENTS: &str = r#"jsonpath={.metadata.name} {.metadata.resourceVersion}{"\n"}"#;

/// A cluster with the example's controller, whose pods must outlive whatever is done.
struct Patient {
    cluster: Cluster,
    containers: Vec<PodContainer>,
    probes: usize,
}

impl Patient {
    fn up(purpose: &str) -> Self {
        let cluster = Cluster::up(purpose);
        cluster.k8sm(&["create", "-f", &repository("examples/v1/controller-nginx.json")]).ok();
        cluster.running_pods(LABEL, 2);
        let containers = cluster.pod_containers();
        assert_eq!(containers.len(), 4, "two sandboxes and two containers: {containers:?}");
        Self { cluster, containers, probes: 0 }
    }

    /// Asserts that nothing happened to the pods, then that a new pod is scheduled, runs and goes.
    #[track_caller]
    fn is_well(&mut self, after: &str) {
        self.cluster.nodes_ready();
        let pods = self.cluster.running_pods(LABEL, 2);
        for pod in &pods {
            assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "after {after}: {}", pod["status"]);
        }
        assert_eq!(self.cluster.pod_containers(), self.containers, "after {after}");
        assert_eq!(self.cluster.k8sm(&["get", "rc", "nginxcontroller", "-o", "name"]).code, 0, "after {after}");

        self.probes += 1;
        let probe = format!("probe-{}", self.probes);
        let text = std::fs::read_to_string(repository("examples/v1/busybox.yaml")).expect("the example");
        let text = text.replacen("name: busybox", &format!("name: {probe}"), 1);
        self.cluster.k8sm_with(&["create", "-f", "-"], &text).ok();
        self.cluster.running(&probe);
        self.cluster.k8sm(&["delete", "pod", &probe, "--grace-period=1", "--timeout=60s"]).ok();
        wait_for("the probe's containers gone", || {
            let now = self.cluster.pod_containers();
            if now == self.containers { Ok(()) } else { Err(format!("after {after}: {now:?}")) }
        });
    }
}

/// The lines of a watch, whole ones alone.
fn events(watch: &Following) -> Vec<String> {
    let output = watch.output();
    let whole = output.rfind('\n').map_or("", |end| &output[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// Asserts that the watch has brought each event once, and brings the next one.
#[track_caller]
fn goes_on(watch: &mut Following, cluster: &Cluster, after: &str) {
    assert!(watch.runs(), "the watch ended after {after}");
    wait_for(&format!("the watch to show what is true after {after}"), || {
        let lines: BTreeSet<String> = events(watch).into_iter().collect();
        let list = r#"jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}"#;
        let now = cluster.k8sm(&["get", "pods", "-o", list]);
        let missing: Vec<&str> = now.stdout.lines().filter(|line| !lines.contains(*line)).collect();
        if now.code == 0 && missing.is_empty() { Ok(()) } else { Err(format!("missing: {missing:?}\n{now}")) }
    });
    let lines = events(watch);
    let once: BTreeSet<&String> = lines.iter().collect();
    assert_eq!(once.len(), lines.len(), "no event comes twice after {after}: {lines:?}");
}

#[test]
fn components_that_are_killed_and_started_lose_nothing() {
    let mut patient = Patient::up("kill");
    let mut watch = patient.cluster.follow(&["get", "pods", "-w", "-o", EVENTS]);
    wait_for("the watch to begin", || if events(&watch).len() >= 2 { Ok(()) } else { Err(watch.output()) });
    for component in ["etcd", "mesosmaster1", "apiserver", "controller", "scheduler", "mesosslave1"] {
        let container = patient.cluster.container(component);
        docker(&["kill", &container]);
        docker(&["start", &container]);
        patient.is_well(component);
        goes_on(&mut watch, &patient.cluster, component);
    }
}

/// `kubectl get -w` and `kubectl wait` end with their connection, at any API server: they do not ask again while it is
/// away. What a client that asks again relies on is that a watch from the last version seen brings the rest, once.
#[test]
fn a_kubectl_watch_begins_again_where_it_ended() {
    let mut patient = Patient::up("watch");
    let cluster = &patient.cluster;
    cluster.k8sm(&["create", "-f", &repository("examples/v1/pod-nginx.json")]).ok();
    cluster.running("nginx");
    let mut first = cluster.follow_kubectl(&["get", "pods", "-w", "-o", EVENTS]);
    wait_for("the watch to begin", || if events(&first).len() >= 3 { Ok(()) } else { Err(first.output()) });

    let container = cluster.container("apiserver");
    docker(&["kill", &container]);
    docker(&["start", &container]);
    cluster.nodes_ready();
    wait_for("kubectl's watch to end with its connection", || if first.runs() { Err(first.output()) } else { Ok(()) });

    let seen = events(&first);
    let last = seen.iter().filter_map(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).max().expect("versions");
    let path = format!("/api/v1/namespaces/default/pods?watch=true&resourceVersion={last}");
    let second = cluster.follow_kubectl(&["get", "--raw", &path]);
    cluster.k8sm(&["delete", "pod", "nginx", "--grace-period=1"]).ok();
    wait_for("the second watch to show the deletion alone", || {
        let output = second.output();
        let count = |kind: &str| output.lines().filter(|line| line.contains(&format!("{{\"type\":{kind:?}"))).count();
        if (count("ADDED"), count("DELETED")) == (0, 1) { Ok(()) } else { Err(output) }
    });
    drop(second);
    patient.is_well("the API server");
}

#[test]
fn a_node_s_own_processes_may_die() {
    let mut patient = Patient::up("node");
    for (process, words) in [("km executor", "km executor "), ("km minion", "km minion ")] {
        let slave = patient.cluster.container("mesosslave1");
        let before = docker::pids(&slave, words);
        assert!(!before.is_empty(), "no process {process} in {slave}: {:?}", docker::try_docker(&["top", &slave]));
        before.iter().copied().for_each(docker::kill);
        wait_for(&format!("another {process}"), || {
            let now = docker::pids(&slave, words);
            if now.iter().any(|pid| !before.contains(pid)) { Ok(()) } else { Err(format!("{now:?}")) }
        });
        patient.is_well(process);
    }
}

#[test]
fn a_component_that_crashes_is_back_by_itself() {
    let mut patient = Patient::up("crash");
    for component in ["scheduler", "controller", "apiserver", "mesosmaster1", "etcd"] {
        let container = patient.cluster.container(component);
        // Not `docker kill`, which the engine takes for the user's wish.
        let before = docker::pid(&container);
        docker::kill(before);
        let began = Instant::now();
        wait_for(&format!("{component} to be back"), || {
            match docker::inspect(&container, "{{.State.Pid}}")?.as_str() {
                "0" => Err("not running".to_owned()),
                pid if pid == before.to_string() => Err("still dying".to_owned()),
                _ => Ok(()),
            }
        });
        assert!(began.elapsed() < Duration::from_secs(60), "{component} was away too long");
        patient.is_well(component);
    }
}
