//! Pods are kept away from what would give them the cluster, and their sandboxes hold no capability.

use crate::harness::docker::{self, docker, try_docker};
use crate::harness::{Cluster, repository};

/// What lies on the control network alone: whoever reaches these owns the cluster.
const FORBIDDEN: [(&str, u16); 5] =
    [("etcd", 4001), ("mesosmaster1", 5050), ("mesosslave1", 5051), ("mesosslave2", 5051), ("apiserver", 8888)];

/// Whether a TCP connection from inside a container to an address comes about.
fn reaches(container: &str, address: &str, port: u16) -> bool {
    let connect = format!("nc -w 1 {address} {port} < /dev/null");
    try_docker(&["exec", container, "timeout", "3", "sh", "-c", &connect]).is_ok()
}

#[test]
fn a_pod_reaches_no_control_port_and_its_sandbox_has_no_capability() {
    let cluster = Cluster::up("isolation");
    cluster.k8sm(&["create", "-f", &repository("examples/v1/busybox.yaml")]).ok();
    cluster.k8sm(&["create", "-f", &repository("examples/v1/pod-nginx.json")]).ok();
    cluster.running("busybox");
    let nginx = cluster.running("nginx");
    let inside = cluster.pod_container("busybox", "busybox").id;

    // The question can be answered with yes: another pod, and the API server's TLS port, are reached.
    assert!(reaches(&inside, nginx["status"]["podIP"].as_str().expect("an address"), 80), "pods reach each other");
    assert!(reaches(&inside, &cluster.address("apiserver", "pods"), 6443), "pods reach the API server");

    for (component, port) in FORBIDDEN {
        let control = cluster.address(component, "control");
        assert!(!reaches(&inside, &control, port), "{component}:{port} at {control} is reached from a pod");
        // Those that are on the pods' network too must not listen there either.
        let template = "{{range $name, $network := .NetworkSettings.Networks}}{{$network.IPAddress}} {{end}}";
        let addresses = docker::inspect(&cluster.container(component), template).expect("the component is there");
        for address in addresses.split_whitespace() {
            assert!(!reaches(&inside, address, port), "{component}:{port} at {address} is reached from a pod");
        }
    }

    let pid = docker::pid(&cluster.pod_container("busybox", "POD").id);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the sandbox's process is on this host");
    for set in ["CapEff", "CapBnd"] {
        let line = status.lines().find(|line| line.starts_with(set)).expect("the kernel shows it");
        assert_eq!(line.split_whitespace().nth(1), Some("0000000000000000"), "{line}");
    }
    no_credentials_in_sight(&cluster);
}

/// No credential stands where `docker inspect` or the master's state page show it.
fn no_credentials_in_sight(cluster: &Cluster) {
    let state = cluster.mesos_state().expect("the master shows its state").to_string();
    let filter = format!("label=io.k8sm.cluster={}", cluster.name);
    let ids = docker(&["ps", "-aq", "--filter", &filter]);
    let seen = docker(&[&["inspect"][..], &ids.lines().collect::<Vec<_>>()].concat());
    for (place, text) in [("the master's /state", state), ("docker inspect", seen)] {
        for secret in ["PRIVATE KEY", "client-key-data", "LS0tLS1CRUdJTi"] {
            assert!(!text.contains(secret), "{secret} stands in {place}");
        }
    }
}
