//! What lies between `up` and `down`, on one small cluster: found, stopped, completed, grown, replaced.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::harness::docker::{docker, inspect};
use crate::harness::{Cluster, Ran, wait_for};

#[test]
fn a_cluster_lives_through_what_is_done_to_it() {
    let cluster = Cluster::up_with("life", &["--no-dns", "--slaves", "1", "--mesos-port", "0"]);
    assert_eq!(docker(&["port", &cluster.container("mesosmaster1")]), "", "its port is not published");
    it_is_listed_and_its_kubeconfig_read_back(&cluster);
    it_stops_and_starts(&cluster);
    what_is_missing_is_not_healthy_and_is_completed(&cluster);
    it_grows_and_remembers(&cluster);
    let file = template_with_a_label(&cluster);
    what_could_not_be_finished_leaves_every_component(&cluster, &file);
}

/// The answer of an `up` that has nothing to do.
#[track_caller]
fn settled(ran: Ran) {
    assert!(ran.stderr.contains("nothing to do"), "{ran}");
    ran.ok();
}

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.clone().ok()).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[track_caller]
fn nodes_are(cluster: &Cluster, names: &[&str]) {
    wait_for(&format!("nodes {names:?} Ready"), || {
        let ran = cluster.k8sm(&["get", "nodes", "--no-headers"]);
        let rows = ran.stdout.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
        let ready: Vec<String> = rows.map(|row| row.join(" ")).collect();
        let wanted: Vec<String> = names.iter().map(|name| format!("{name} Ready")).collect();
        if ready == wanted { Ok(()) } else { Err(ran.to_string()) }
    });
}

fn it_is_listed_and_its_kubeconfig_read_back(cluster: &Cluster) {
    let clusters = json(cluster.k8sm(&["clusters", "-o", "json"]));
    let own = clusters.as_array().into_iter().flatten().find(|one| one["name"] == cluster.name.as_str());
    assert_eq!(own.map(|one| (&one["slaves"], &one["running"])), Some((&1.into(), &6.into())), "{clusters}");

    let printed = cluster.directory().join("printed");
    std::fs::write(&printed, cluster.k8sm(&["kubeconfig"]).ok()).expect("written");
    let printed = printed.to_str().expect("UTF-8");
    assert!(cluster.kubectl(&["--kubeconfig", printed, "get", "nodes"]).ok().contains("mesosslave1"));
    cluster.kubectl(&["config", "set-context", "other", "--cluster=other"]).ok();
    cluster.kubectl(&["config", "use-context", "other"]).ok();
    let current = || cluster.kubectl(&["config", "current-context"]).ok().trim().to_owned();
    settled(cluster.k8sm(&["up", "--no-dns"]));
    assert_eq!(current(), "other", "which context is current is the user's matter");
    cluster.k8sm(&["kubeconfig", "--merge"]).ok();
    assert_eq!(current(), format!("k8sm-{}", cluster.name));
}

fn it_stops_and_starts(cluster: &Cluster) {
    cluster.k8sm(&["create", "configmap", "kept"]).ok();
    cluster.k8sm(&["stop"]).ok();
    let stopped = cluster.k8sm(&["status", "--exit-code"]);
    assert!(stopped.code == 1 && stopped.stdout.contains("does not run"), "{stopped}");
    cluster.k8sm(&["start"]).ok();
    cluster.k8sm(&["status", "--exit-code"]).ok();
    cluster.k8sm(&["get", "configmap", "kept"]).ok();
}

fn what_is_missing_is_not_healthy_and_is_completed(cluster: &Cluster) {
    docker(&["rm", "-f", "-v", &cluster.container("scheduler")]);
    let status = cluster.k8sm(&["status", "--exit-code", "-o", "json"]);
    assert_eq!(status.code, 1, "{status}");
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    let lines = status["components"].as_array().expect("a list");
    let line = lines.iter().find(|line| line["hostname"] == "scheduler").expect("it is listed");
    assert_eq!((&line["state"], &status["healthy"]), (&"missing".into(), &false.into()), "{status:#}");
    let refused = cluster.k8sm(&["start"]).fails(5);
    assert!(refused.contains("hint: `k8sm up"), "{refused}");
    cluster.k8sm(&["up", "--no-dns"]).ok();
    cluster.k8sm(&["status", "--exit-code"]).ok();
}

fn it_grows_and_remembers(cluster: &Cluster) {
    cluster.k8sm(&["up", "--no-dns", "--slaves", "2"]).ok();
    nodes_are(cluster, &["mesosslave1", "mesosslave2"]);
    docker(&["rm", "-f", &cluster.container("mesosslave2")]);
    let again = cluster.k8sm(&["up", "--no-dns"]);
    assert!(!again.stderr.contains("nothing to do"), "{again}");
    again.ok();
    nodes_are(cluster, &["mesosslave1", "mesosslave2"]);
}

/// The built-in topology means the cluster as it is; given back is one in which a component differs.
fn template_with_a_label(cluster: &Cluster) -> String {
    let file = cluster.directory().join("mine.yml");
    let path = file.to_str().expect("UTF-8").to_owned();
    let template = cluster.k8sm(&["cluster", "compose", "--template"]).ok();
    std::fs::write(&file, &template).expect("written");
    settled(cluster.k8sm(&["up", "--no-dns", "--file", &path]));
    let hostname = "    hostname: controller\n";
    std::fs::write(&file, template.replace(hostname, &format!("{hostname}    labels: {{mine: yes}}\n")))
        .expect("written");
    cluster.k8sm(&["up", "--no-dns", "--file", &path]).fails(5);
    path
}

/// An `up` that fails when all is done but for the kubeconfig: the slave that it added goes with its node, the component
/// that it replaced stays.
fn what_could_not_be_finished_leaves_every_component(cluster: &Cluster, file: &str) {
    let words = ["up", "--no-dns", "--recreate", "--file", file];
    let mut command = cluster.command(&[&words[..], &["--slaves", "3"]].concat());
    let mut up = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(up.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let mut talk = lines.next().expect("it says what it does");
    // By now it has found the kubeconfig good, which somebody breaks.
    let kubeconfig = std::fs::read(cluster.kubeconfig()).expect("it is there");
    std::fs::write(cluster.kubeconfig(), "a: b: c").expect("written");
    lines.for_each(|line| talk.push_str(&format!("\n{line}")));
    assert_eq!(up.wait().expect("it ends").code(), Some(3), "{talk}");
    assert!(talk.contains("replaced already") && talk.contains(&cluster.container("controller")), "{talk}");
    std::fs::write(cluster.kubeconfig(), kubeconfig).expect("written");
    nodes_are(cluster, &["mesosslave1", "mesosslave2"]);
    assert!(inspect(&cluster.container("mesosslave3"), "{{.Id}}").is_err(), "the slave is gone");
    cluster.k8sm(&["status", "--exit-code"]).ok();
    settled(cluster.k8sm(&words));
    let label = inspect(&cluster.container("controller"), "{{index .Config.Labels \"mine\"}}");
    assert_eq!(label.as_deref(), Ok("yes"));
}
