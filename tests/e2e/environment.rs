//! What this machine cannot do is the environment's error, exit code 3 with a hint, and leaves nothing behind.

use std::net::TcpListener;

use crate::harness::docker::Inventory;
use crate::harness::{Cluster, run};

#[track_caller]
fn hinted(talk: &str, words: &[&str]) {
    assert!(talk.contains("\nhint: "), "no hint in {talk}");
    for word in words {
        assert!(talk.contains(word), "{word:?} is missing in {talk}");
    }
}

#[test]
fn no_engine_is_said_at_once() {
    let cluster = Cluster::new("noengine");
    for words in [&["up"][..], &["status"], &["down"]] {
        let ran = run(cluster.command(words).env("DOCKER_HOST", "unix:///nonexistent/docker.sock"), "");
        hinted(&ran.fails(3), &["/nonexistent/docker.sock"]);
    }
}

#[test]
fn a_named_port_that_is_taken_is_refused() {
    let cluster = Cluster::new("port");
    let before = Inventory::take(&cluster.name);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    hinted(&cluster.k8sm(&["up", "--api-port", &port]).fails(3), &[&port]);
    Inventory::take(&cluster.name).is_as(&before, "after the refusal");
    assert!(!cluster.kubeconfig().exists());
}

#[test]
fn a_broken_kubeconfig_stops_up_and_keeps_its_bytes() {
    let cluster = Cluster::new("kubeconfig");
    let before = Inventory::take(&cluster.name);
    let broken = "clusters: [\n";
    std::fs::write(cluster.kubeconfig(), broken).expect("written");
    let talk = cluster.k8sm(&["up"]).fails(3);
    hinted(&talk, &[cluster.kubeconfig().to_str().expect("UTF-8")]);
    assert_eq!(std::fs::read_to_string(cluster.kubeconfig()).expect("still there"), broken);
    Inventory::take(&cluster.name).is_as(&before, "after the refusal");
}

#[test]
fn a_client_without_a_cluster_says_what_to_do() {
    let cluster = Cluster::new("nocluster");
    hinted(&cluster.k8sm(&["get", "pods"]).fails(3), &["kubeconfig"]);
    let away = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                contexts: [{name: a, context: {cluster: a, user: a}}]\n";
    std::fs::write(cluster.kubeconfig(), away).expect("written");
    hinted(&cluster.k8sm(&["get", "pods", "--context", "a"]).fails(3), &["http://127.0.0.1:1"]);
    cluster.k8sm(&["get"]).fails(2);
    cluster.k8sm(&["no-such-command"]).fails(2);
}
