//! `up` in all its ways, and `down`, which leaves nothing.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::docker::{Inventory, docker, remove_labelled};
use crate::harness::{Cluster, Ran, run};

/// Somebody else's compose project, which runs beside and must not be touched.
struct Neighbour;

impl Neighbour {
    const LABEL: &str = "com.docker.compose.project=e2e-neighbour";

    fn start() -> Self {
        remove_labelled(Self::LABEL);
        docker(&["network", "create", "--label", Self::LABEL, "e2e-neighbour_default"]);
        docker(&["volume", "create", "--label", Self::LABEL, "e2e-neighbour_data"]);
        docker(&[
            "run",
            "-d",
            "--label",
            Self::LABEL,
            "--network",
            "e2e-neighbour_default",
            "--name",
            "e2e-neighbour-web-1",
            "-v",
            "e2e-neighbour_data:/data",
            "busybox",
            "sleep",
            "3600",
        ]);
        Self
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        remove_labelled(Self::LABEL);
    }
}

const KUBECONFIG: &str = "\
# somebody's own, with a comment and an order of its own
apiVersion: v1
kind: Config
current-context: theirs
users:
- name: theirs
  user: {token: abc}
clusters:
- name: theirs
  cluster: {server: 'https://127.0.0.1:1'}
contexts:
- name: theirs
  context: {user: theirs, cluster: theirs}
";

#[test]
fn a_cluster_comes_once_and_goes_without_a_trace() {
    let _neighbour = Neighbour::start();
    let cluster = Cluster::new("updown");
    std::fs::write(cluster.kubeconfig(), KUBECONFIG).expect("written");
    let before = Inventory::take(&cluster.name);

    let plan = cluster.k8sm(&["up", "--dry-run"]).ok();
    for component in crate::harness::cluster::COMPONENTS {
        assert!(plan.contains(component), "{component} is missing in the plan:\n{plan}");
    }
    Inventory::take(&cluster.name).is_as(&before, "after a dry run");

    let up = cluster.k8sm(&["up"]);
    assert!(up.stderr.contains("kubectl"), "it ends with the next command: {up}");
    up.ok();
    cluster.nodes_ready();
    let first = running(&cluster);

    let again = cluster.k8sm(&["up"]);
    assert!(again.stderr.contains("nothing") || again.stderr.contains("unchanged"), "it says so: {again}");
    again.ok();
    assert_eq!(running(&cluster), first, "a second up changes nothing");

    the_cluster_shows_itself(&cluster);
    assert_eq!(cluster.kubectl(&["config", "current-context"]).ok().trim(), format!("k8sm-{}", cluster.name));

    // Pods go with it.
    cluster.k8sm(&["create", "-f", &crate::harness::repository("examples/v1/pod-nginx.json")]).ok();
    cluster.running("nginx");
    cluster.k8sm(&["down"]).ok();
    Inventory::take(&cluster.name).is_as(&before, "after down");
    assert_eq!(std::fs::read_to_string(cluster.kubeconfig()).expect("still there"), KUBECONFIG);
    cluster.k8sm(&["down"]).ok();
}

/// IDs and start times of the cluster's containers.
fn running(cluster: &Cluster) -> String {
    let filter = format!("label=io.k8sm.cluster={}", cluster.name);
    let ids = docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]);
    let mut words = vec!["inspect", "--format", "{{.Name}} {{.Id}} {{.State.StartedAt}}"];
    words.extend(ids.lines());
    let mut lines: Vec<String> = docker(&words).lines().map(str::to_owned).collect();
    lines.sort();
    lines.join("\n")
}

fn the_cluster_shows_itself(cluster: &Cluster) {
    let status = cluster.k8sm(&["status"]).ok();
    let json: serde_json::Value = serde_json::from_str(&cluster.k8sm(&["status", "-o", "json"]).ok()).expect("JSON");
    for component in crate::harness::cluster::COMPONENTS {
        assert!(status.contains(component), "{component} is missing in\n{status}");
        assert!(json.to_string().contains(component), "{component} is missing in {json}");
    }
    assert!(!cluster.k8sm(&["cluster", "logs", "scheduler"]).ok().is_empty());
    let compose = cluster.k8sm(&["cluster", "compose"]).ok();
    assert!(compose.contains("mesosslave2"), "the slaves are spelt out: {compose}");
}

/// Runs commands at the same moment, each to its end.
fn at_once(commands: Vec<std::process::Command>) -> Vec<Ran> {
    let threads: Vec<_> =
        commands.into_iter().map(|mut command| std::thread::spawn(move || run(&mut command, ""))).collect();
    threads.into_iter().map(|thread| thread.join().expect("it ran")).collect()
}

#[test]
fn clusters_come_and_go_at_the_same_moment_and_run_side_by_side() {
    let (one, two) = (Cluster::new("one"), Cluster::new("two"));
    let up = |cluster: &Cluster| cluster.command(&["up", "--no-dns"]);
    // They want the same ports and subnets; the third is for a cluster that another one makes already.
    let ran = at_once(vec![up(&one), up(&two), up(&one)]);
    ran.into_iter().for_each(|ran| drop(ran.ok()));
    for cluster in [&one, &two] {
        cluster.nodes_ready();
        cluster.k8sm(&["create", "-f", &crate::harness::repository("examples/v1/pod-nginx.json")]).ok();
    }
    let address = |cluster: &Cluster| cluster.running("nginx")["status"]["podIP"].to_string();
    assert_ne!(address(&one), address(&two));
    // The one that goes may take what the one that comes has found: the images, unless a third holds them.
    two.k8sm(&["down"]).ok();
    let ran = at_once(vec![one.command(&["down"]), up(&two)]);
    ran.into_iter().for_each(|ran| drop(ran.ok()));
    two.nodes_ready();
    // A `down` waits for an `up` of its cluster.
    let ran = at_once(vec![up(&one), one.command(&["down"]), two.command(&["down"])]);
    ran.into_iter().for_each(|ran| drop(ran.ok()));
}

/// Starts `up`, and interrupts it by these signals at once when it has said `lines` lines. None where it was done before.
fn interrupted(cluster: &Cluster, lines: usize, signals: &[&str]) -> Option<i32> {
    let mut command = cluster.command(&["up"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut said = stderr.lines();
    for _ in 0..lines {
        if said.next().is_none() {
            child.wait().expect("it ended");
            return None;
        }
    }
    let pid = child.id().to_string();
    for signal in signals {
        // After the first it may have ended.
        drop(run(std::process::Command::new("kill").args([*signal, pid.as_str()]), ""));
    }
    // Its talk is read to the end, so that it never waits for a reader.
    said.for_each(drop);
    Some(child.wait().expect("it ends").code().unwrap_or(-1))
}

#[test]
fn an_interrupted_first_up_leaves_nothing_at_any_phase() {
    for lines in 0.. {
        let cluster = Cluster::new("int");
        let before = Inventory::take(&cluster.name);
        // Ctrl-C, what `timeout` sends to a process and once more to its group, a terminal that is closed.
        let signals: &[&str] = match lines % 3 {
            0 => &["-INT"],
            1 => &["-TERM", "-TERM"],
            _ => &["-HUP"],
        };
        match interrupted(&cluster, lines, signals) {
            // Before its first line it may not have taken signals into its own hands yet.
            Some(code) if code == 130 || (lines == 0 && code == -1) => {
                Inventory::take(&cluster.name).is_as(&before, &format!("after an interruption at line {lines}"));
            }
            // It had done all but say so when the signal came, or was through before.
            Some(0) | None => break,
            Some(code) => panic!("interrupted at line {lines}, up ended with {code}"),
        }
        assert!(!cluster.kubeconfig().exists(), "no kubeconfig is left at line {lines}");
        assert!(lines < 40, "up says more than forty lines");
    }
}

#[test]
fn a_killed_up_is_completed_by_the_next_and_an_interrupted_second_leaves_the_first() {
    let cluster = Cluster::new("resume");
    assert!(interrupted(&cluster, 3, &["-KILL"]).is_some(), "it was killed in the middle");
    cluster.k8sm(&["up"]).ok();
    cluster.nodes_ready();
    let first = running(&cluster);
    // There is nothing to do, but one does not answer: so it is surely in the midst of it when the signal comes.
    let scheduler = cluster.container("scheduler");
    docker(&["kill", "--signal=STOP", &scheduler]);
    let code = interrupted(&cluster, 1, &["-INT"]);
    docker(&["kill", "--signal=CONT", &scheduler]);
    assert_eq!(code, Some(130));
    assert_eq!(running(&cluster), first);
    cluster.nodes_ready();
}

#[test]
fn an_unknown_key_or_service_of_a_compose_file_is_refused_by_name() {
    let cluster = Cluster::new("compose");
    let before = Inventory::take(&cluster.name);
    let text = std::fs::read_to_string(crate::harness::repository("compose/docker-compose.yml")).expect("the topology");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("mine.yml");
    let up = |text: &str| -> Ran {
        std::fs::write(&file, text).expect("written");
        cluster.k8sm(&["up", "--file", file.to_str().expect("UTF-8")])
    };
    let unknown = text.replacen("services:\n", "services:\n  teapot:\n    image: busybox\n", 1);
    let refused = up(&unknown);
    assert!(refused.code != 0 && refused.stderr.contains("teapot"), "{refused}");
    let key = up(&format!("colour: red\n{text}"));
    assert!(key.code != 0 && key.stderr.contains("colour"), "{key}");
    Inventory::take(&cluster.name).is_as(&before, "after refusals");
}
