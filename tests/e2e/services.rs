//! Services and the cluster's DNS: from pods, from the Docker host, and by name.

use serde_json::{Value, json};

use crate::harness::{Cluster, http, repository, wait_for};

const EXAMPLE: &str = "examples/v1/pod-nginx.json";

/// Runs `script` in a busybox pod of that name until it succeeds, and gives what it printed.
#[track_caller]
fn in_a_pod(cluster: &Cluster, name: &str, script: &str) -> String {
    let script = format!("until ({script}); do sleep 1; done");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "busybox", "image": "busybox", "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", script]}]}});
    cluster.k8sm_with(&["create", "-f", "-"], &pod.to_string()).ok();
    wait_for(&format!("the end of pod {name}: {script}"), || {
        let object = cluster.object("pod", name)?;
        let logs = cluster.k8sm(&["logs", name]);
        if object["status"]["phase"] == "Succeeded" { Ok(logs.stdout) } else { Err(logs.to_string()) }
    })
}

/// Makes the example's nginx with a service before it; gives the service.
fn nginx_with_service(cluster: &Cluster) -> Value {
    let mut pod: Value =
        serde_json::from_str(&std::fs::read_to_string(repository(EXAMPLE)).expect("the example")).expect("JSON");
    pod["metadata"]["labels"] = json!({"app": "web"});
    cluster.k8sm_with(&["create", "-f", "-"], &pod.to_string()).ok();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}});
    cluster.k8sm_with(&["create", "-f", "-"], &service.to_string()).ok();
    cluster.running("nginx");
    cluster.object("service", "web").expect("the service")
}

#[test]
fn a_service_is_reached_from_pods_and_by_its_node_port() {
    let cluster = Cluster::up("services");
    let service = nginx_with_service(&cluster);
    let address = service["spec"]["clusterIP"].as_str().expect("an address");
    let page = in_a_pod(&cluster, "client", &format!("wget -q -O- http://{address}/"));
    assert!(page.contains("nginx"), "{page}");

    let client = cluster.object("pod", "client").expect("the client");
    let own = client["status"]["podIP"].as_str().unwrap_or_default();
    wait_for("the client's own address in the server's log", || {
        let logs = cluster.k8sm(&["logs", "nginx"]);
        if logs.stdout.contains(own) { Ok(()) } else { Err(logs.to_string()) }
    });

    let port = service["spec"]["ports"][0]["nodePort"].as_u64().expect("a node port");
    for node in ["mesosslave1", "mesosslave2"] {
        let node = cluster.address(node, "pods");
        wait_for(&format!("the node port at {node}"), || match http::get(&format!("{node}:{port}"), "/")? {
            (200, _) => Ok(()),
            (code, body) => Err(format!("{code}: {body}")),
        });
    }

    cluster.k8sm(&["delete", "pod", "nginx", "--grace-period=1"]).ok();
    let script = format!("nc -w 5 {address} 80 < /dev/null 2>&1 | grep refused");
    let refused = in_a_pod(&cluster, "refused", &script);
    assert!(refused.contains("refused"), "{refused}");
}

#[test]
fn a_pod_reaches_the_api_server_as_its_service_account() {
    let cluster = Cluster::up("accounts");
    let secrets = "/var/run/secrets/kubernetes.io/serviceaccount";
    let script = format!(
        "cat {secrets}/namespace && echo && head -n 1 {secrets}/ca.crt && wc -c < {secrets}/token && \
         nc -w 3 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT < /dev/null && echo reached"
    );
    let said = in_a_pod(&cluster, "account", &script);
    assert!(said.contains("default\n-----BEGIN CERTIFICATE-----\n"), "{said}");
    assert!(said.ends_with("reached\n"), "{said}");
}

#[test]
fn the_dns_addon_answers_as_the_documents_tell() {
    let cluster = Cluster::up("dns");
    let said = cluster.k8sm(&["addons", "dns"]);
    assert!(said.stderr.contains("answers at 10.10.10.10"), "{said}");
    let again = cluster.k8sm(&["addons", "dns"]);
    assert!(again.stderr.contains("configured"), "{again}");
    let table = cluster.kubectl(&["get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "--no-headers"]).ok();
    assert!(table.contains("3/3"), "{table}");
    let answer = in_a_pod(&cluster, "lookup", "nslookup kubernetes.default.svc.cluster.local");
    assert!(answer.contains("10.10.10.10"), "the server: {answer}");
    assert!(answer.contains("10.10.10.1\n"), "the name: {answer}");
}
