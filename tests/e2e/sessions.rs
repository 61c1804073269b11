//! exec, attach, port-forward and cp with real kubectls: the machine's own, which speaks WebSocket, and over SPDY as older
//! ones do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Cluster, Ran, run, wait_for};

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: echo
      image: busybox
      imagePullPolicy: IfNotPresent
      stdin: true
      command: [sh, -c, 'while read line; do echo \"got $line\"; done; sleep 3600']
    - {name: web, image: nginx, imagePullPolicy: IfNotPresent}
";

/// The two ways a kubectl speaks: WebSocket, and SPDY where it is told to.
const WAYS: [&str; 2] = ["true", "false"];

/// kubectl by one of the [`WAYS`].
fn kubectl(cluster: &Cluster, websockets: &str, words: &[&str], stdin: &str) -> Ran {
    run(cluster.kubectl_command(words).env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", websockets), stdin)
}

#[test]
fn commands_run_in_containers() {
    let cluster = Cluster::up("sessions");
    assert_eq!(cluster.k8sm_with(&["create", "-f", "-"], POD).ok(), "pod/shell created\n");
    cluster.running("shell");
    for way in WAYS {
        exec(&cluster, way);
        copy(&cluster, way);
    }
    attach(&cluster);
    for way in WAYS {
        forward(&cluster, way);
    }
}

fn exec(cluster: &Cluster, way: &str) {
    let run = |words: &[&str], stdin: &str| {
        let words: Vec<&str> = ["exec", "shell", "-c", "echo"].iter().chain(words).copied().collect();
        kubectl(cluster, way, &words, stdin)
    };
    assert_eq!(run(&["--", "echo", "a b", "&"], "").ok(), "a b &\n");
    let both = run(&["--", "sh", "-c", "echo out; echo err >&2; exit 3"], "");
    assert_eq!((both.code, both.stdout.as_str()), (3, "out\n"), "{both}");
    assert!(both.stderr.contains("err\n") && both.stderr.contains("exit code 3"), "{both}");
    assert_eq!(run(&["-i", "--", "sh", "-c", "cat; echo end"], "one\ntwo\n").ok(), "one\ntwo\nend\n");
    let much = "0123456789abcdef".repeat(64 << 10);
    assert_eq!(run(&["-i", "--", "wc", "-c"], &much).ok(), format!("{}\n", much.len()));
    let said = run(&["--", "sh", "-c", "yes 0123456789abcde | head -n 65536"], "").ok();
    assert!(said == "0123456789abcde\n".repeat(1 << 16), "{} bytes came, not a mebibyte", said.len());
    let missing = kubectl(cluster, way, &["exec", "shell", "-c", "nobody", "--", "true"], "");
    assert!(missing.code != 0 && missing.stderr.contains("nobody"), "{missing}");
}

fn copy(cluster: &Cluster, way: &str) {
    let (there, back) = (cluster.directory().join("there"), cluster.directory().join("back"));
    let text = format!("copied by {way}\n").repeat(10_000);
    std::fs::write(&there, &text).expect("written");
    let there = there.to_str().expect("UTF-8");
    kubectl(cluster, way, &["cp", there, "shell:/tmp/there", "-c", "echo"], "").ok();
    kubectl(cluster, way, &["cp", "shell:/tmp/there", back.to_str().expect("UTF-8"), "-c", "echo"], "").ok();
    assert_eq!(std::fs::read_to_string(&back).expect("it came back"), text);
}

fn attach(cluster: &Cluster) {
    let mut attached = cluster.follow_kubectl(&["attach", "shell", "-c", "web"]);
    wait_for("what the container writes", || {
        // a request makes nginx write a line
        kubectl(cluster, "true", &["exec", "shell", "-c", "echo", "--", "wget", "-qO-", "http://127.0.0.1/"], "");
        let seen = attached.output();
        if seen.contains("GET / HTTP") { Ok(()) } else { Err(seen) }
    });
    assert!(attached.runs(), "attached until the client goes");

    // Our own: what is typed reaches the process, also where nobody waits for its answer.
    cluster.k8sm_with(&["attach", "pod/shell", "-c", "echo", "-i"], "hello\n").ok();
    wait_for("what the process made of it", || {
        let said = cluster.k8sm(&["logs", "shell", "-c", "echo"]).ok();
        if said.contains("got hello\n") { Ok(()) } else { Err(said) }
    });
    assert!(cluster.k8sm(&["attach", "shell", "-c", "nobody"]).fails(1).contains("it has echo, web"));
}

fn forward(cluster: &Cluster, way: &str) {
    let mut command = cluster.kubectl_command(&["port-forward", "shell", ":80", ":81"]);
    command.env("KUBECTL_PORT_FORWARD_WEBSOCKETS", way);
    let forwarding = cluster.follow_command(command);
    let ports: Vec<String> = wait_for("two forwarded ports", || {
        let said = forwarding.output();
        let of = |line: &str| line.strip_prefix("Forwarding from 127.0.0.1:")?.split(' ').next().map(str::to_owned);
        let ports: Vec<String> = said.lines().filter_map(of).collect();
        if ports.len() == 2 { Ok(ports) } else { Err(said) }
    });
    for _ in 0..3 {
        assert!(ask(&ports[0]).contains("nginx"));
    }
    // nobody listens there, which that connection is told by its end
    assert_eq!(ask(&ports[1]), "");
}

/// What is answered to a request on a port of this machine, empty where it is closed.
fn ask(port: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("kubectl listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("sent");
    let mut said = Vec::new();
    // kubectl resets what it cannot forward
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}
