//! A pod through every real part: created, listed, described, read, reached and deleted, with k8sm and with kubectl.

use serde_json::json;

use crate::harness::docker::docker;
use crate::harness::{Cluster, http, repository, wait_for};

const EXAMPLE: &str = "examples/v1/pod-nginx.json";

/// Waits until the pod's nginx answers on the pod's own address, from the Docker host.
#[track_caller]
fn serves(cluster: &Cluster, pod: &str) {
    let object = cluster.running(pod);
    let address = object["status"]["podIP"].as_str().expect("a running pod has an address").to_owned();
    wait_for(&format!("HTTP 200 of {pod} at {address}"), || match http::get(&format!("{address}:80"), "/")? {
        (200, body) if body.contains("nginx") => Ok(()),
        (code, body) => Err(format!("{code}: {body}")),
    });
}

#[test]
fn the_nginx_of_the_example_serves_and_every_command_shows_it() {
    let cluster = Cluster::up("pods");
    assert_eq!(cluster.k8sm(&["create", "-f", &repository(EXAMPLE)]).ok(), "pod/nginx created\n");
    serves(&cluster, "nginx");

    let table = cluster.k8sm(&["get", "pods"]).ok();
    let mut lines = table.lines();
    assert_eq!(
        lines.next().map(|l| l.split_whitespace().collect::<Vec<_>>()),
        Some(vec!["NAME", "READY", "STATUS", "RESTARTS", "AGE"])
    );
    let row: Vec<&str> = lines.next().expect("a row").split_whitespace().collect();
    assert_eq!(row[..4], ["nginx", "1/1", "Running", "0"], "{table}");

    let wide = cluster.k8sm(&["get", "pod/nginx", "-o", "wide", "--no-headers"]).ok();
    assert!(wide.contains("mesosslave"), "{wide}");
    let about = cluster.k8sm(&["describe", "pod", "nginx"]).ok();
    for part in ["Node:", "mesosslave", "Image:", "nginx", "Running", "Events:"] {
        assert!(about.contains(part), "{part} is missing in\n{about}");
    }
    let logs = wait_for("the request in the log", || {
        let logs = cluster.k8sm(&["logs", "nginx"]);
        if logs.stdout.contains("GET / HTTP") { Ok(logs.stdout) } else { Err(logs.to_string()) }
    });
    assert_eq!(cluster.k8sm(&["logs", "nginx", "--tail=1"]).ok().lines().count(), 1, "{logs}");
    assert!(cluster.k8sm(&["logs", "nginx", "--timestamps", "--tail=1"]).ok().starts_with("20"), "{logs}");

    the_same_with_kubectl(&cluster);
    its_node_answers_through_the_server(&cluster);
    other_kinds_are_listed_and_described(&cluster);

    let sandbox = cluster.pod_container("nginx", "POD");
    assert_eq!(cluster.k8sm(&["delete", "pod", "nginx", "--grace-period=1"]).ok(), "pod \"nginx\" deleted\n");
    assert_eq!(cluster.k8sm(&["get", "pod", "nginx"]).fails(5).trim(), "error: pods \"nginx\" not found");
    wait_for("no container of the pod", || {
        let left = docker(&["ps", "-aq", "--no-trunc", "--filter", &format!("id={}", sandbox.id)]);
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
}

/// kubectl, unchanged, sees and does the same.
fn the_same_with_kubectl(cluster: &Cluster) {
    let table = cluster.kubectl(&["get", "pods", "--no-headers"]).ok();
    let row: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(row[..4], ["nginx", "1/1", "Running", "0"], "{table}");
    assert!(cluster.kubectl(&["describe", "pod", "nginx"]).ok().contains("mesosslave"));
    assert!(cluster.kubectl(&["logs", "nginx"]).ok().contains("GET / HTTP"));
    assert_eq!(cluster.kubectl(&["explain", "pod.spec.containers.image"]).code, 0);

    let text = std::fs::read_to_string(repository(EXAMPLE)).expect("the example");
    let renamed = text.replacen("\"name\": \"nginx\"", "\"name\": \"nginx-2\"", 1);
    assert_eq!(cluster.kubectl_with(&["create", "-f", "-"], &renamed).ok(), "pod/nginx-2 created\n");
    serves(cluster, "nginx-2");
    assert_eq!(cluster.kubectl(&["label", "pod", "nginx-2", "tier=front"]).ok(), "pod/nginx-2 labeled\n");
    assert_eq!(cluster.k8sm(&["get", "pods", "-l", "tier=front", "-o", "name"]).ok(), "pod/nginx-2\n");
    assert_eq!(cluster.kubectl(&["delete", "pod", "nginx-2", "--grace-period=1"]).ok(), "pod \"nginx-2\" deleted\n");
}

/// The kubelet is asked by way of the API server, which refuses who may not ask it.
fn its_node_answers_through_the_server(cluster: &Cluster) {
    let pod = cluster.running("nginx");
    let node = pod["spec"]["nodeName"].as_str().expect("a running pod has a node");
    let asked = |path: &str, more: &[&str]| {
        let path = format!("/api/v1/nodes/{node}/proxy/{path}");
        cluster.kubectl(&[&["get", "--raw", path.as_str()], more].concat())
    };
    assert_eq!(asked("healthz", &[]).ok().trim(), "ok");
    let pods: serde_json::Value = serde_json::from_str(&asked("pods", &[]).ok()).expect("the kubelet's pods");
    let names: Vec<&str> =
        pods["items"].as_array().into_iter().flatten().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
    assert!(names.contains(&"nginx"), "{names:?}");
    let logs = asked("containerLogs/default/nginx/nginx?tailLines=1", &[]).ok();
    assert_eq!(logs.lines().count(), 1, "{logs}");
    let missing = asked("containerLogs/default/nobody/nginx", &[]).fails(1);
    assert!(missing.contains("nobody") || missing.contains("NotFound"), "{missing}");
    let refusal = asked("pods", &["--as", "ann"]).fails(1);
    assert!(refusal.contains("cannot get resource \"nodes/proxy\""), "{refusal}");
}

fn other_kinds_are_listed_and_described(cluster: &Cluster) {
    let service = repository("examples/v1/service-nginx.json");
    assert_eq!(cluster.k8sm(&["create", "-f", &service]).ok(), "service/nginxservice created\n");
    for kind in ["nodes", "rc", "services", "endpoints", "events", "namespaces"] {
        let ours = cluster.k8sm(&["get", kind]);
        assert_eq!(ours.code, 0, "{ours}");
        assert_eq!(cluster.kubectl(&["get", kind]).code, 0, "kubectl get {kind}");
        assert_eq!(cluster.k8sm(&["describe", kind]).code, 0, "describe {kind}");
    }
    let nodes = cluster.k8sm(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"]).ok();
    assert_eq!(nodes, "mesosslave1 mesosslave2");
    assert_eq!(cluster.k8sm(&["delete", "-f", &service]).ok(), "service \"nginxservice\" deleted\n");
}

#[test]
fn several_documents_several_containers_and_bad_images() {
    let cluster = Cluster::up("manifests");
    let yaml = "\
apiVersion: v1
kind: Namespace
metadata: {name: demo}
---
apiVersion: v1
kind: Pod
metadata: {name: two, namespace: demo}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: web, image: nginx, imagePullPolicy: IfNotPresent}
    - name: client
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c]
      args: ['until wget -q -O- http://127.0.0.1/ | grep -i \"$WORD\"; do sleep 0.1; done; echo done; sleep 3600']
      env: [{name: WORD, value: welcome}]
---
apiVersion: v1
kind: Pod
metadata: {name: once, namespace: demo}
spec:
  restartPolicy: Never
  containers: [{name: c, image: busybox, imagePullPolicy: IfNotPresent, command: [sh, -c, 'echo out; exit 3']}]
---
apiVersion: v1
kind: Pod
metadata: {name: nowhere, namespace: demo}
spec:
  containers: [{name: c, image: 'no.such.registry.invalid/none:1'}]
";
    let created = cluster.k8sm_with(&["create", "-f", "-"], yaml).ok();
    assert_eq!(created, "namespace/demo created\npod/two created\npod/once created\npod/nowhere created\n");
    let status = |pod: &str| {
        let ran = cluster.k8sm(&["get", "pod", pod, "-n", "demo", "-o", "json"]);
        serde_json::from_str::<serde_json::Value>(&ran.stdout)
            .map(|mut pod| pod["status"].take())
            .map_err(|_| ran.to_string())
    };

    wait_for("one container to reach the other on 127.0.0.1", || {
        let logs = cluster.k8sm(&["logs", "two", "-n", "demo", "-c", "client"]);
        if logs.stdout.contains("done") { Ok(()) } else { Err(logs.to_string()) }
    });
    let defaulted = cluster.k8sm(&["logs", "two", "-n", "demo"]);
    assert!(defaulted.stderr.contains("Defaulted container \"web\" out of: web, client"), "{defaulted}");

    let once = wait_for("pod once Failed", || {
        let status = status("once")?;
        if status["phase"] == "Failed" { Ok(status) } else { Err(status.to_string()) }
    });
    assert_eq!(once["containerStatuses"][0]["state"]["terminated"]["exitCode"], 3, "{once}");
    assert_eq!(cluster.k8sm(&["logs", "once", "-n", "demo"]).ok(), "out\n");

    wait_for("a clear reason for an image that is nowhere", || {
        let status = status("nowhere")?;
        let waiting = &status["containerStatuses"][0]["state"]["waiting"];
        let clear = waiting["reason"] == "ErrImagePull" || waiting["reason"] == "ImagePullBackOff";
        if clear && waiting["message"] != json!(null) { Ok(()) } else { Err(status.to_string()) }
    });
    assert_eq!(cluster.k8sm(&["delete", "pods", "--all", "-n", "demo", "--grace-period=1"]).code, 0);
    assert_eq!(cluster.k8sm(&["get", "pods", "-n", "demo", "-o", "name"]).ok(), "");
}
