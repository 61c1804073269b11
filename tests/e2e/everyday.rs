//! The everyday pod on a real cluster with real kubectl: probes, hooks, sidecars, limits, volumes, and what goes wrong with
//! them. One cluster for all of it.

mod placed;

use serde_json::{Value, json};

use crate::harness::docker::{self, docker};
use crate::harness::{Cluster, wait_for};

/// A container of busybox that runs `script`, with `more` of its spec.
fn container(name: &str, script: &str, more: Value) -> Value {
    let mut container = json!({"name": name, "image": "busybox", "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script]});
    container.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    container
}

/// Sleeps, and ends at once when it is told to.
const SLEEP: &str = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

#[track_caller]
fn create(cluster: &Cluster, name: &str, spec: Value) {
    let mut spec = spec;
    if spec["terminationGracePeriodSeconds"].is_null() {
        spec["terminationGracePeriodSeconds"] = json!(5);
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    cluster.kubectl_with(&["create", "-f", "-"], &pod.to_string()).ok();
}

/// Waits until `kubectl describe` of the pod says all of `words`.
#[track_caller]
fn described(cluster: &Cluster, pod: &str, words: &[&str]) {
    wait_for(&format!("pod {pod} described with {words:?}"), || {
        let text = cluster.kubectl(&["describe", "pod", pod]);
        if words.iter().all(|word| text.stdout.contains(word)) { Ok(()) } else { Err(text.to_string()) }
    });
}

/// Waits until the pod passes `test`, and gives it.
#[track_caller]
fn until(cluster: &Cluster, pod: &str, what: &str, test: impl Fn(&Value) -> bool) -> Value {
    wait_for(&format!("pod {pod}: {what}"), || {
        let object = cluster.object("pod", pod)?;
        if test(&object) { Ok(object) } else { Err(object["status"].to_string()) }
    })
}

fn first(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

#[test]
fn everyday_pods_do_what_they_do_on_any_kubernetes() {
    let cluster = Cluster::up("everyday");
    probes(&cluster);
    sidecars_and_hooks(&cluster);
    limits(&cluster);
    volumes(&cluster);
    bad_input(&cluster);
    looked_into(&cluster);
    placed::at_ports(&cluster);
    placed::near_others(&cluster);
    placed::by_classes(&cluster);
    restarts(&cluster);
}

fn probes(cluster: &Cluster) {
    let ready = json!({"readinessProbe": {"httpGet": {"path": "/ok", "port": "web"}, "periodSeconds": 1},
        "startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 60},
        "ports": [{"name": "web", "containerPort": 8080}]});
    let server = "mkdir -p /www; exec httpd -f -p 8080 -h /www";
    create(cluster, "ready", json!({"containers": [container("c", server, ready)]}));
    described(cluster, "ready", &["Readiness probe failed: HTTP probe failed with statuscode: 404", "Unhealthy"]);
    cluster.kubectl(&["exec", "ready", "--", "touch", "/www/ok"]).ok();
    cluster.running("ready");

    let hangs = json!({"livenessProbe": {"exec": {"command": ["sleep", "1000"]}, "periodSeconds": 1, "failureThreshold": 1,
        "terminationGracePeriodSeconds": 1}});
    create(cluster, "hangs", json!({"containers": [container("c", SLEEP, hangs)]}));
    described(cluster, "hangs", &["Container c failed liveness probe, will be restarted", "Killing"]);
    until(cluster, "hangs", "restarted", |pod| first(pod)["restartCount"].as_u64() > Some(0));
    cluster.kubectl(&["delete", "pod", "hangs", "--timeout=60s"]).ok();
}

fn sidecars_and_hooks(cluster: &Cluster) {
    let say = |name: &str| {
        let script = format!(
            "trap 'echo {name} ends >> /log/order; exit 0' TERM; echo {name} begins >> /log/order; \
                              while :; do sleep 1 & wait $!; done"
        );
        container(name, &script, json!({"volumeMounts": [{"name": "log", "mountPath": "/log"}]}))
    };
    let (mut sidecar, mut main) = (say("side"), say("main"));
    sidecar["restartPolicy"] = json!("Always");
    sidecar["startupProbe"] = json!({"exec": {"command": ["grep", "side", "/log/order"]}, "periodSeconds": 1});
    main["lifecycle"] = json!({"postStart": {"exec": {"command": ["sh", "-c", "echo hook begins >> /log/hooks"]}},
        "preStop": {"exec": {"command": ["sh", "-c", "echo hook ends >> /log/order"]}}});
    create(
        cluster,
        "ordered",
        json!({"nodeSelector": {"kubernetes.io/hostname": "mesosslave1"},
        "initContainers": [sidecar], "containers": [main],
        "volumes": [{"name": "log", "hostPath": {"path": "/ordered"}}]}),
    );
    cluster.running("ordered");
    cluster.kubectl(&["delete", "pod", "ordered", "--timeout=60s"]).ok();
    let read =
        container("c", "cat /log/order /log/hooks", json!({"volumeMounts": [{"name": "log", "mountPath": "/log"}]}));
    create(
        cluster,
        "reader",
        json!({"restartPolicy": "Never", "nodeSelector": {"kubernetes.io/hostname": "mesosslave1"},
        "containers": [read], "volumes": [{"name": "log", "hostPath": {"path": "/ordered", "type": "Directory"}}]}),
    );
    until(cluster, "reader", "succeeded", |pod| pod["status"]["phase"] == "Succeeded");
    let order = cluster.kubectl(&["logs", "reader"]).ok();
    assert_eq!(order, "side begins\nmain begins\nhook ends\nmain ends\nside ends\nhook begins\n");
}

fn limits(cluster: &Cluster) {
    let non_root = json!({"securityContext": {"runAsNonRoot": true}});
    create(cluster, "root", json!({"containers": [container("c", SLEEP, non_root)]}));
    described(
        cluster,
        "root",
        &["container has runAsNonRoot and image will run as root", "CreateContainerConfigError"],
    );
    let greedy = json!({"resources": {"limits": {"memory": "16Mi", "cpu": "100m"}}});
    let script = "dd if=/dev/zero of=/dev/null bs=200M count=1";
    create(cluster, "greedy", json!({"restartPolicy": "Never", "containers": [container("c", script, greedy)]}));
    described(cluster, "greedy", &["OOMKilled", "QoS Class:", "Guaranteed"]);
    create(cluster, "late", json!({"activeDeadlineSeconds": 1, "containers": [container("c", SLEEP, json!({}))]}));
    described(cluster, "late", &["DeadlineExceeded", "Pod was active on the node longer than the specified deadline"]);
    let bomb = "bomb() { bomb | bomb & }; bomb; exec sleep 1000";
    create(
        cluster,
        "bomb",
        json!({"containers": [container("c", bomb, json!({
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}}}))]}),
    );
    until(cluster, "bomb", "begun", |pod| pod["status"]["phase"] == "Running");
    // everything else goes on beside it
    create(cluster, "beside", json!({"containers": [container("c", SLEEP, json!({}))]}));
    cluster.running("beside");
    cluster.kubectl(&["delete", "pod", "bomb", "beside", "greedy", "root", "--grace-period=1", "--timeout=60s"]).ok();
}

fn volumes(cluster: &Cluster) {
    cluster.kubectl(&["create", "configmap", "settings", "--from-literal=key=old"]).ok();
    let mounts = json!({"volumeMounts": [{"name": "m", "mountPath": "/memory"}, {"name": "s", "mountPath": "/settings"},
        {"name": "m2", "mountPath": "/part", "subPath": "a/b"}, {"name": "m", "mountPath": "/memory-part", "subPath": "c/d"}]});
    create(
        cluster,
        "volumes",
        json!({"containers": [container("c", SLEEP, mounts)], "volumes": [
        {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}, {"name": "m2", "emptyDir": {}},
        {"name": "s", "configMap": {"name": "settings"}}]}),
    );
    cluster.running("volumes");
    let exec = |words: &[&str]| cluster.kubectl(&[&["exec", "volumes", "--"], words].concat());
    assert!(exec(&["df", "-P", "/memory"]).ok().contains(" 8192 "));
    exec(&["touch", "/part/x"]).ok();
    exec(&["touch", "/memory-part/y"]).ok();
    assert_eq!(exec(&["ls", "/memory/c/d"]).ok(), "y\n");
    assert_eq!(exec(&["cat", "/settings/key"]).ok(), "old");
    cluster.kubectl(&["patch", "configmap", "settings", "--type=merge", "-p", r#"{"data":{"key":"new"}}"#]).ok();
    wait_for("the changed configmap in the pod", || {
        let seen = exec(&["cat", "/settings/key"]);
        if seen.stdout == "new" { Ok(()) } else { Err(seen.to_string()) }
    });
    cluster.kubectl(&["delete", "configmap", "settings"]).ok();
    assert_eq!(exec(&["cat", "/settings/key"]).ok(), "new", "what a pod has stays");
}

fn bad_input(cluster: &Cluster) {
    create(
        cluster,
        "command",
        json!({"containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent",
        "command": ["/no/such"]}]}),
    );
    described(cluster, "command", &["/no/such", "Failed"]);
    create(
        cluster,
        "image",
        json!({"containers": [{"name": "c", "image": "busybox:no-such-tag", "imagePullPolicy": "Never"}]}),
    );
    described(cluster, "image", &["ErrImageNeverPull"]);
    let mounts = json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    create(
        cluster,
        "source",
        json!({"containers": [container("c", SLEEP, mounts.clone())],
        "volumes": [{"name": "v", "configMap": {"name": "not-yet"}}]}),
    );
    described(
        cluster,
        "source",
        &["FailedMount", "MountVolume.SetUp failed for volume \"v\" : configmap \"not-yet\" not found"],
    );
    cluster.kubectl(&["create", "configmap", "not-yet", "--from-literal=a=b"]).ok();
    cluster.running("source");
    let link = "ln -s /etc /v/out; exec sleep 1000";
    create(
        cluster,
        "link",
        json!({"containers": [container("c", link, mounts)],
        "volumes": [{"name": "v", "hostPath": {"path": "/links"}}], "nodeSelector": {"kubernetes.io/hostname": "mesosslave1"}}),
    );
    cluster.running("link");
    let through = json!({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "out"}]});
    create(
        cluster,
        "through",
        json!({"containers": [container("c", SLEEP, through)],
        "volumes": [{"name": "v", "hostPath": {"path": "/links"}}], "nodeSelector": {"kubernetes.io/hostname": "mesosslave1"}}),
    );
    described(cluster, "through", &["failed to prepare subPath for volumeMount \"v\" of container \"c\""]);
    create(
        cluster,
        "deaf",
        json!({"containers": [container("c", "trap '' TERM; while :; do sleep 1; done", json!({}))]}),
    );
    cluster.running("deaf");
    cluster.kubectl(&["delete", "pod", "deaf", "--grace-period=1", "--timeout=60s"]).ok();
    for pod in ["command", "image", "source", "link", "through"] {
        cluster.kubectl(&["delete", "pod", pod, "--grace-period=1", "--timeout=60s"]).ok();
    }
}

/// What a pod is told of itself, what it may set, and who looks into it.
fn looked_into(cluster: &Cluster) {
    let sysctl = |name: &str, value: &str| json!({"sysctls": [{"name": name, "value": value}]});
    let script = "cat /proc/sys/net/ipv4/ip_local_port_range; hostname -f; grep first /etc/hosts | wc -l";
    create(
        cluster,
        "first",
        json!({"restartPolicy": "Never", "subdomain": "db", "containers": [container("c", script, json!({}))],
        "securityContext": sysctl("net.ipv4.ip_local_port_range", "32770 60998")}),
    );
    until(cluster, "first", "succeeded", |pod| pod["status"]["phase"] == "Succeeded");
    let said = cluster.kubectl(&["logs", "first"]).ok();
    assert_eq!(said, "32770\t60998\nfirst.db.default.svc.cluster.local\n1\n");
    create(
        cluster,
        "greedy",
        json!({"containers": [container("c", SLEEP, json!({}))], "securityContext": sysctl("kernel.msgmax", "65536")}),
    );
    described(cluster, "greedy", &["SysctlForbidden", "forbidden sysctl: \"kernel.msgmax\" not allowlisted"]);
    create(
        cluster,
        "outside",
        json!({"hostNetwork": true, "hostIPC": true, "containers": [container("c", SLEEP, json!({
            "volumeMounts": [{"name": "h", "mountPath": "/of-node"}]}))],
        "volumes": [{"name": "h", "hostPath": {"path": "/etc/hosts", "type": "File"}}]}),
    );
    cluster.running("outside");
    let hosts =
        cluster.kubectl(&["exec", "outside", "--", "sh", "-c", "head -n 1 /etc/hosts; grep -c . /of-node"]).ok();
    assert!(hosts.starts_with("# Kubernetes-managed hosts file (host network).\n"), "{hosts}");

    create(cluster, "looked-into", json!({"containers": [container("c", SLEEP, json!({}))]}));
    cluster.running("looked-into");
    let debug = ["debug", "looked-into", "-i", "--image=busybox", "--image-pull-policy=IfNotPresent"];
    let debug = [&debug[..], &["--profile=general", "--target=c", "-c", "debugger", "--", "sh"]].concat();
    let answer = cluster.kubectl_with(&debug, "ps | grep -c 'sleep 1$'; exit\n").ok();
    assert_eq!(answer.lines().last(), Some("1"), "{answer}");
    let ended = |pod: &Value| pod["status"]["ephemeralContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0;
    until(cluster, "looked-into", "its debugger ended", ended);
    let said = cluster.kubectl(&["logs", "looked-into", "-c", "debugger"]).ok();
    assert_eq!(said, "1\n", "the debugger sees the container's processes");
    cluster.running("looked-into");
    for pod in ["first", "greedy", "outside", "looked-into"] {
        cluster.kubectl(&["delete", "pod", pod, "--grace-period=1", "--timeout=60s"]).ok();
    }
}

/// What runs with probes, hooks and sidecars is adopted by the next executor, and by the next slave's.
fn restarts(cluster: &Cluster) {
    let probe = json!({"exec": {"command": ["true"]}, "periodSeconds": 1});
    let mut sidecar = container("side", SLEEP, json!({"startupProbe": probe, "readinessProbe": probe}));
    sidecar["restartPolicy"] = json!("Always");
    let main = container(
        "main",
        SLEEP,
        json!({"livenessProbe": probe, "readinessProbe": probe,
        "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "echo begun >> /begun"]}}}}),
    );
    create(cluster, "stays", json!({"initContainers": [sidecar], "containers": [main]}));
    cluster.running("stays");
    docker(&["kill", &cluster.pod_container("stays", "main").id]);
    until(cluster, "stays", "restarted", |pod| first(pod)["restartCount"] == 1 && first(pod)["ready"] == true);
    let before = [cluster.pod_container("stays", "main"), cluster.pod_container("stays", "side")];
    let node =
        cluster.object("pod", "stays").expect("the pod")["spec"]["nodeName"].as_str().expect("a node").to_owned();
    let slave = cluster.container(&node);
    for program in ["km executor", "km minion", ""] {
        match program {
            "" => drop(docker(&["restart", "-t", "0", &slave])),
            program => {
                let pids = docker::pids(&slave, program);
                assert!(!pids.is_empty(), "no {program} runs on {slave}");
                pids.into_iter().for_each(docker::kill);
            }
        }
        cluster.nodes_ready();
        cluster.running("stays");
        create(
            cluster,
            "after",
            json!({"nodeSelector": {"kubernetes.io/hostname": node},
            "containers": [container("c", SLEEP, json!({}))]}),
        );
        cluster.running("after");
        cluster.kubectl(&["delete", "pod", "after", "--grace-period=1", "--timeout=60s"]).ok();
        let after = [cluster.pod_container("stays", "main"), cluster.pod_container("stays", "side")];
        assert_eq!(after, before, "after the end of {program:?}");
        let pod = cluster.object("pod", "stays").expect("the pod");
        assert_eq!(first(&pod)["restartCount"], 1, "{pod:#}");
    }
    let address = || cluster.object("pod", "stays").expect("the pod")["status"]["podIP"].clone();
    let before = address();
    docker(&["kill", &cluster.pod_container("stays", "POD").id]);
    until(cluster, "stays", "restarted in a new sandbox", |pod| {
        first(pod)["restartCount"] == 2 && first(pod)["ready"] == true
    });
    assert_eq!(address(), before, "the address outlives the sandbox");
    let begun = cluster.kubectl(&["exec", "stays", "-c", "main", "--", "cat", "/begun"]).ok();
    assert_eq!(begun, "begun\n", "the hook of a container that goes on is not run again");
}
