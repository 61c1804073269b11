//! The machine's kubectl, as people use it, whatever its version is.

use std::process::Command;

use crate::harness::{Etcd, Server};

struct Kubectl {
    config: std::path::PathBuf,
}

impl Kubectl {
    /// What a command says; it must succeed.
    fn run(&self, args: &[&str]) -> String {
        let output = Command::new("kubectl")
            .args(args)
            .env("KUBECONFIG", &self.config)
            .env("HOME", self.config.parent().unwrap())
            .output()
            .expect("these tests need kubectl: apt-get install kubernetes-client");
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "kubectl {args:?}: {out}{err}");
        out
    }
}

const MANIFEST: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: a}}
spec:
  containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: ReplicationController
metadata: {name: rc}
spec:
  replicas: 2
  selector: {app: rc}
  template: {metadata: {labels: {app: rc}}, spec: {containers: [{name: c, image: nginx}]}}
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {selector: {app: a}, ports: [{port: 80}]}
"#;

const TYPED_LIST: &str = r#"
apiVersion: v1
kind: ConfigMapList
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_every_day() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let (kubectl, file) = (Kubectl { config: server.kubeconfig() }, server.files.path().join("m.yaml"));
    std::fs::write(&file, MANIFEST).unwrap();
    let file = file.to_str().unwrap();
    kubectl.run(&["create", "namespace", "demo"]);
    kubectl.run(&["create", "serviceaccount", "default"]);
    // the generators send protobuf
    kubectl.run(&["create", "configmap", "m", "--from-literal=k=v"]);
    assert_eq!(kubectl.run(&["get", "configmap", "m", "-o", "jsonpath={.data.k}"]), "v");
    kubectl.run(&["create", "namespace", "other"]);
    kubectl.run(&["create", "serviceaccount", "sa"]);
    assert_eq!(kubectl.run(&["create", "token", "sa"]).split('.').count(), 3);
    assert_eq!(kubectl.run(&["auth", "can-i", "create", "pods"]), "yes\n");
    assert!(kubectl.run(&["auth", "whoami"]).contains("admin"));
    kubectl.run(&["run", "r", "--image=nginx"]);
    assert!(kubectl.run(&["explain", "pod.spec.nodeName"]).contains("FIELD: nodeName"));
    assert!(kubectl.run(&["version"]).contains("Server Version: v1.33"));
    let made = kubectl.run(&["create", "-f", file]);
    assert!(made.contains("pod/p created") && made.contains("service/s created"), "{made}");
    let pods = kubectl.run(&["get", "pods"]);
    assert!(pods.starts_with("NAME") && pods.contains("0/1     Pending"), "{pods}");
    assert!(kubectl.run(&["get", "svc", "-n", "default", "-o", "wide"]).contains("10.10.10.1 "));
    kubectl.run(&["label", "pod", "p", "x=y"]);
    kubectl.run(&["annotate", "pod", "p", "k=v"]);
    assert_eq!(kubectl.run(&["get", "pods", "-l", "x=y", "-o", "name"]), "pod/p\n");
    kubectl.run(&["scale", "rc", "rc", "--replicas=5"]);
    kubectl.run(&["patch", "rc", "rc", "-p", r#"{"spec":{"replicas":3}}"#]);
    assert_eq!(kubectl.run(&["get", "rc", "rc", "-o", "jsonpath={.spec.replicas}"]), "3");
    assert!(kubectl.run(&["describe", "pod", "p"]).contains("QoS Class:"));
    assert!(kubectl.run(&["api-resources"]).contains("replicationcontrollers"));
    assert!(kubectl.run(&["apply", "-f", file]).contains("service/s configured"));
    assert!(!kubectl.run(&["get", "rc", "rc", "-o", "yaml"]).contains("managedFields"));
    let owners = kubectl.run(&[
        "get",
        "rc",
        "rc",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
        "--show-managed-fields",
    ]);
    for manager in ["kubectl-create", "kubectl-client-side-apply"] {
        assert!(owners.contains(manager), "{owners}");
    }
    std::fs::write(file, TYPED_LIST).unwrap();
    assert_eq!(kubectl.run(&["create", "-f", file]), "configmap/one created\nconfigmap/two created\n");
    assert!(kubectl.run(&["delete", "pod", "p"]).contains("deleted"));
    assert!(kubectl.run(&["delete", "rc/rc", "svc/s", "pod/r"]).contains("deleted"));
    assert_eq!(kubectl.run(&["get", "pods,rc", "-o", "name"]), "");
}
