//! What this machine cannot do is the environment's error, exit code 3 with a hint, and leaves nothing behind.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

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

/// Serves connections on a free port of the loopback, each by `serve` in a thread of its own; gives `tcp://…`.
fn engine(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    format!("tcp://{address}")
}

/// An engine that answers each request with this as its version.
fn engine_of(version: &'static str) -> String {
    engine(move |mut stream| {
        let mut request = BufReader::new(stream.try_clone().expect("a second handle")).lines();
        while request.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
        let _ = write!(stream, "{head} {}\r\n\r\n{version}", version.len());
    })
}

#[test]
fn an_engine_that_cannot_serve_is_refused() {
    let cluster = Cluster::new("engine");
    for (version, words) in [
        (r#"{"Version":"18.09","ApiVersion":"1.39","Os":"linux","Arch":"amd64"}"#, ["too old", "1.39"]),
        (r#"{"Version":"28.0","ApiVersion":"1.48","Os":"linux","Arch":"s390x"}"#, ["linux/s390x", "this executable"]),
        (r#"{"Version":"28.0","ApiVersion":"1.48","Os":"windows","Arch":"amd64"}"#, ["windows/amd64", "runs"]),
    ] {
        let ran = run(cluster.command(&["up"]).env("DOCKER_HOST", engine_of(version)), "");
        hinted(&ran.fails(3), &words);
    }
    let ran = run(cluster.command(&["up"]).env("DOCKER_HOST", "ssh://me@there"), "");
    hinted(&ran.fails(3), &["ssh://me@there"]);
    assert!(!cluster.kubeconfig().exists());
}

#[test]
fn an_engine_on_a_port_of_the_loopback_serves() {
    let tcp = engine(|stream| {
        let Ok(socket) = UnixStream::connect("/var/run/docker.sock") else { return };
        let (mut up, mut down) = (stream.try_clone().expect("a handle"), socket.try_clone().expect("a handle"));
        let upward = std::thread::spawn(move || {
            let _ = std::io::copy(&mut up, &mut down);
            let _ = down.shutdown(std::net::Shutdown::Write);
        });
        let (mut socket, mut stream) = (socket, stream);
        let _ = std::io::copy(&mut socket, &mut stream);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let _ = upward.join();
    });
    let cluster = Cluster::new("tcp");
    run(cluster.command(&["up", "--no-dns"]).env("DOCKER_HOST", &tcp), "").ok();
    cluster.nodes_ready();
    let status = run(cluster.command(&["status", "--exit-code"]).env("DOCKER_HOST", &tcp), "").ok();
    assert!(status.contains("mesosslave2"), "{status}");
    run(cluster.command(&["down"]).env("DOCKER_HOST", &tcp), "").ok();
    assert!(!cluster.kubeconfig().exists());
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
