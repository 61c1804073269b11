//! Services: every type and protocol, from pods, from nodes and from the Docker host. One cluster, many cases.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::harness::cluster::in_such_a_pod;
use crate::harness::{Cluster, dns, docker, http, in_a_pod, repository, run, wait_for};

#[test]
fn services_are_reached_from_everywhere_and_only_while_they_serve() {
    let port = free_port();
    let cluster = Cluster::up_with("services", &["--publish", &format!("{port}:30080")]);
    for name in ["one", "two"] {
        create(&cluster, &server(name, "web"));
    }
    let selector = json!({"app": "web"});
    for (name, spec) in [
        ("web", json!({"type": "NodePort", "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080}]})),
        ("sticky", json!({"sessionAffinity": "ClientIP", "ports": [{"port": 80, "targetPort": 8080}]})),
        ("outside", json!({"externalIPs": ["192.0.2.80"], "ports": [{"port": 80, "targetPort": 8080}]})),
        ("headless", json!({"clusterIP": "None", "ports": [{"port": 8080}]})),
    ] {
        let mut spec = spec;
        spec["selector"] = selector.clone();
        create(&cluster, &service(name, spec));
    }
    create(
        &cluster,
        &service("alias", json!({"type": "ExternalName", "externalName": "web.default.svc.cluster.local"})),
    );
    cluster.running_pods("app=web", 2);

    from_pods(&cluster);
    from_nodes_and_the_host(&cluster, port);
    over_udp(&cluster);
    by_other_ports_and_hands(&cluster);
    under_another_type(&cluster);
    while_all_end(&cluster);
    while_nobody_serves(&cluster);
}

/// A pod that tells its own name to everybody, and does not end when it is asked to.
fn server(name: &str, app: &str) -> Value {
    let script = "trap '' TERM; mkdir /tmp/www && hostname > /tmp/www/index.html && httpd -f -p 8080 -h /tmp/www";
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": app}}, "spec": {
        "terminationGracePeriodSeconds": 60,
        "containers": [{"name": "web", "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]}]}})
}

fn service(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

#[track_caller]
fn create(cluster: &Cluster, object: &Value) {
    cluster.k8sm_with(&["create", "-f", "-"], &object.to_string()).ok();
}

fn address(cluster: &Cluster, service: &str) -> String {
    let service = cluster.object("service", service).expect("the service");
    service["spec"]["clusterIP"].as_str().expect("an address").to_owned()
}

/// A free port of this machine, as far as one can know.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

/// The last address of the service range that no service has: the server gives them by chance.
fn nobodys_address(cluster: &Cluster) -> String {
    let services = cluster.kubectl(&["get", "services", "-A", "-o", "jsonpath={.items[*].spec.clusterIP}"]).ok();
    let taken = names(&services);
    let mut all = (1..255).rev().map(|last| format!("10.10.10.{last}"));
    all.find(|address| !taken.contains(address.as_str())).expect("a free address")
}

/// A script that ends well when that address refuses the connection; what else it says is shown.
fn refused(host: &str, port: u16) -> String {
    format!("nc -w 5 {host} {port} < /dev/null 2>&1 | tee /dev/stderr | grep refused")
}

fn names(said: &str) -> BTreeSet<&str> {
    said.split_whitespace().collect()
}

fn from_pods(cluster: &Cluster) {
    let many = |host: &str, times: u32| format!("for i in $(seq {times}); do wget -qO- http://{host} || exit 1; done");
    let both = BTreeSet::from(["one", "two"]);
    for host in ["web", "alias", "192.0.2.80", "headless:8080"] {
        assert_eq!(names(&in_a_pod(cluster, &many(host, 24))), both, "{host}");
    }
    assert_eq!(names(&in_a_pod(cluster, &many("sticky", 24))).len(), 1, "a client stays where it is");
    let on_host = json!({"hostNetwork": true});
    assert_eq!(
        names(&in_such_a_pod(cluster, &many(&address(cluster, "web"), 24), on_host)),
        both,
        "from the node's network"
    );
    // a server that asks for the service that it is itself
    let script = many(&address(cluster, "web"), 24);
    let hairpin = cluster.kubectl(&["exec", "one", "--", "sh", "-c", &script]).ok();
    assert_eq!(names(&hairpin), both, "a server may be its own client");
}

fn from_nodes_and_the_host(cluster: &Cluster, port: u16) {
    let nodes = ["mesosslave1", "mesosslave2"].map(|node| format!("{}:30080", cluster.address(node, "pods")));
    for place in nodes.iter().chain([&format!("127.0.0.1:{port}")]) {
        wait_for(&format!("the node port at {place}"), || match http::get(place, "/")? {
            (200, _) => Ok(()),
            (code, body) => Err(format!("{code}: {body}")),
        });
    }
    let port = port.to_string();
    let other = Cluster::new("taken");
    let refused = other.k8sm(&["up", "--publish", &format!("{port}:30080")]).fails(3);
    assert!(refused.contains(&port) && refused.contains("hint: "), "{refused}");
    other.k8sm(&["up", "--publish", "8080:80"]).fails(2);
    cluster.k8sm(&["up", "--publish", "18080:30081"]).fails(5);
}

/// The cluster's own DNS is a UDP service; here it has a node port too.
fn over_udp(cluster: &Cluster) {
    let spec = json!({"type": "NodePort", "selector": {"k8s-app": "kube-dns"},
        "ports": [{"port": 53, "protocol": "UDP", "nodePort": 30053}]});
    let mut service = service("dns", spec);
    service["metadata"]["namespace"] = "kube-system".into();
    cluster.k8sm_with(&["create", "-n", "kube-system", "-f", "-"], &service.to_string()).ok();
    let place = format!("{}:30053", cluster.address("mesosslave2", "pods"));
    wait_for("an answer by UDP through a node port", || {
        let answer = dns::ask(&place, "kubernetes.default.svc.cluster.local.", RecordType::A)?;
        if answer.data == ["10.10.10.1"] { Ok(()) } else { Err(format!("{answer:?}")) }
    });
}

/// Several ports, a policy, pods that are not ready, and endpoints that somebody writes by hand.
fn by_other_ports_and_hands(cluster: &Cluster) {
    let both = BTreeSet::from(["one", "two"]);
    let ports = json!([{"name": "a", "port": 80, "targetPort": 8080}, {"name": "b", "port": 81, "targetPort": 8080}]);
    create(cluster, &service("ports", json!({"selector": {"app": "web"}, "ports": ports})));
    let script =
        "for i in $(seq 24); do wget -qO- http://ports && wget -qO- http://ports:81 || exit 1; done 2> /dev/null";
    assert_eq!(names(&in_a_pod(cluster, script)), both);

    let near = json!({"selector": {"app": "web"}, "internalTrafficPolicy": "Local", "ports": [{"port": 80, "targetPort": 8080}]});
    create(cluster, &service("near", near));
    for name in ["one", "two"] {
        let node = cluster.object("pod", name).expect("the pod")["spec"]["nodeName"].clone();
        let local: BTreeSet<&str> = both
            .iter()
            .filter(|other| cluster.object("pod", other).expect("the pod")["spec"]["nodeName"] == node)
            .copied()
            .collect();
        let script = "for i in $(seq 24); do wget -qO- http://near || exit 1; done 2> /dev/null";
        let on_node = json!({ "nodeName": node });
        assert_eq!(names(&in_such_a_pod(cluster, script, on_node)), local, "from {node}");
    }

    let mut late = server("late", "late");
    late["spec"]["containers"][0]["readinessProbe"] = json!({"exec": {"command": ["false"]}, "periodSeconds": 1});
    create(cluster, &late);
    let early = json!({"selector": {"app": "late"}, "publishNotReadyAddresses": true, "ports": [{"port": 80, "targetPort": 8080}]});
    create(cluster, &service("early", early));
    create(
        cluster,
        &service("waiting", json!({"selector": {"app": "late"}, "ports": [{"port": 80, "targetPort": 8080}]})),
    );
    assert_eq!(in_a_pod(cluster, "wget -qO- http://early 2> /dev/null").trim(), "late");
    assert!(in_a_pod(cluster, &refused("waiting", 80)).contains("refused"));

    create(cluster, &service("hand", json!({"ports": [{"port": 80}]})));
    let ip = cluster.object("pod", "one").expect("the pod")["status"]["podIP"].clone();
    create(
        cluster,
        &json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "hand"},
        "subsets": [{"addresses": [{"ip": ip}], "ports": [{"port": 8080}]}]}),
    );
    assert_eq!(in_a_pod(cluster, "wget -qO- http://hand 2> /dev/null").trim(), "one");
    cluster.k8sm(&["delete", "pod", "late", "--grace-period=0", "--force"]).ok();
}

/// A name becomes an address, then a node port, then a name again; its address is nobody's then.
fn under_another_type(cluster: &Cluster) {
    let patch = |spec: Value| {
        let patch = json!({ "spec": spec }).to_string();
        cluster.kubectl(&["patch", "service", "alias", "--type=merge", "-p", &patch]).ok();
    };
    patch(json!({"type": "ClusterIP", "externalName": null, "selector": {"app": "web"},
        "ports": [{"port": 82, "targetPort": 8080}]}));
    in_a_pod(cluster, "wget -qO- http://alias:82");
    let own = address(cluster, "alias");
    patch(json!({"type": "NodePort", "ports": [{"port": 82, "targetPort": 8080, "nodePort": 30082}]}));
    let place = format!("{}:30082", cluster.address("mesosslave1", "pods"));
    wait_for("the node port", || http::get(&place, "/").map(drop));
    patch(json!({"type": "ExternalName", "externalName": "web.default.svc.cluster.local", "clusterIP": null,
        "clusterIPs": null, "ports": [{"port": 82, "targetPort": 8080}]}));
    in_a_pod(cluster, "wget -qO- http://alias");
    in_a_pod(cluster, &refused(&own, 82));
    wait_for("the node port to be closed", || match http::get(&place, "/") {
        Err(_) => Ok(()),
        Ok(answer) => Err(format!("{answer:?}")),
    });
}

/// Pods that end serve as long as they do, where no other is ready.
fn while_all_end(cluster: &Cluster) {
    cluster.k8sm(&["delete", "pod", "one", "two", "--wait=false"]).ok();
    wait_for("endpoints that end", || {
        let ran = cluster.kubectl(&["get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o", "json"]);
        let list: Value = serde_json::from_str(&ran.stdout).map_err(|error| error.to_string())?;
        let endpoints = list["items"][0]["endpoints"].as_array().cloned().unwrap_or_default();
        let wanted = json!({"ready": false, "serving": true, "terminating": true});
        let all = endpoints.len() == 2 && endpoints.iter().all(|endpoint| endpoint["conditions"] == wanted);
        if all { Ok(()) } else { Err(format!("{endpoints:?}")) }
    });
    let place = format!("{}:30080", cluster.address("mesosslave1", "pods"));
    assert_eq!(http::get(&place, "/").expect("they still serve").0, 200);
}

/// A service without endpoints is refused at once, as what nobody has is, and its range leaks nowhere.
fn while_nobody_serves(cluster: &Cluster) {
    cluster.k8sm(&["delete", "pod", "one", "two", "--grace-period=0", "--force"]).ok();
    let address = address(cluster, "web");
    let nobodys = nobodys_address(cluster);
    for address in [address.as_str(), &nobodys] {
        assert!(in_a_pod(cluster, &refused(address, 80)).contains("refused"), "{address}");
        let on_host = json!({"hostNetwork": true});
        assert!(in_such_a_pod(cluster, &refused(address, 80), on_host).contains("refused"), "{address} from the node");
    }
    for node in ["mesosslave1", "mesosslave2"] {
        let pid = docker::pid(&cluster.container(node)).to_string();
        let route = ["-t", &pid, "-n", "ip", "route", "get", &nobodys];
        let way = run(std::process::Command::new("nsenter").args(route), "").ok();
        assert!(way.starts_with(&format!("local {nobodys} dev lo")), "{node}: {way}");
    }
}

#[test]
fn a_server_sees_its_client_and_ports_are_forwarded() {
    let cluster = Cluster::up("clients");
    let mut pod: Value =
        serde_json::from_str(&std::fs::read_to_string(repository("examples/v1/pod-nginx.json")).expect("the example"))
            .expect("JSON");
    pod["metadata"]["labels"] = json!({"app": "nginx"});
    pod["spec"]["containers"][0]["ports"][0]["name"] = "http".into();
    create(&cluster, &pod);
    create(&cluster, &service("nginx", json!({"selector": {"app": "nginx"}, "ports": [{"port": 80}]})));
    cluster.running("nginx");
    let script = format!("wget -qO- http://{} > /dev/null && hostname -i", address(&cluster, "nginx"));
    let own = in_a_pod(&cluster, &script);
    wait_for("the client's own address in the server's log", || {
        let logs = cluster.k8sm(&["logs", "nginx"]);
        if logs.stdout.contains(own.trim()) { Ok(()) } else { Err(logs.to_string()) }
    });
    a_pod_reaches_the_api_server_as_its_service_account(&cluster);

    let forwarding = cluster.follow(&["port-forward", "nginx", ":80", ":81"]);
    let ports: Vec<String> = wait_for("two forwarded ports", || {
        let said = forwarding.output();
        let of = |line: &str| Some(line.strip_prefix("Forwarding from ")?.split(' ').next()?.to_owned());
        let ports: Vec<String> = said.lines().filter_map(of).collect();
        if ports.len() == 2 { Ok(ports) } else { Err(said) }
    });
    for _ in 0..3 {
        assert!(http::get(&ports[0], "/").expect("an answer").1.contains("nginx"));
    }
    assert!(http::get(&ports[1], "/").is_err(), "nobody listens there");
    cluster.k8sm(&["port-forward", "nobody", ":80"]).fails(5);
    a_service_s_port_is_forwarded_to_where_it_leads(&cluster);
}

/// By the target's name or its number, as with kubectl.
fn a_service_s_port_is_forwarded_to_where_it_leads(cluster: &Cluster) {
    let ports = json!([{"name": "web", "port": 8080, "targetPort": "http"}, {"name": "plain", "port": 8081, "targetPort": 80},
        {"name": "lost", "port": 8082, "targetPort": "nobody"}, {"name": "dns", "port": 53, "protocol": "UDP"}]);
    create(cluster, &service("named", json!({"selector": {"app": "nginx"}, "ports": ports})));
    for words in [["service/named", ":8080"], ["svc/named", ":web"], ["service/named", ":8081"]] {
        let words = ["port-forward", words[0], words[1]];
        let (ours, theirs) = (cluster.follow(&words), cluster.follow_kubectl(&words));
        let [place, remote] = wait_for("a forwarded port of each client", || {
            let of = |said: &str| {
                let line = said.lines().find_map(|line| line.strip_prefix("Forwarding from "))?;
                line.split_once(" -> ").map(|(place, remote)| [place.to_owned(), remote.to_owned()])
            };
            let said = [ours.output(), theirs.output()];
            match (of(&said[0]), of(&said[1])) {
                (Some(one), Some(other)) if one[1] == other[1] => Ok(one),
                _ => Err(said.join("\n")),
            }
        });
        assert_eq!(remote, "80", "{words:?}");
        assert!(http::get(&place, "/").expect("an answer").1.contains("nginx"), "{words:?}");
    }
    for (port, why) in [
        ("80", "service named does not have a port 80"),
        (":http", "service named does not have a port named \"http\""),
        (":lost", "pod nginx does not have a port named \"nobody\""),
        (":dns", "port 53 of service named is UDP"),
    ] {
        let refused = cluster.k8sm(&["port-forward", "svc/named", port]).fails(1);
        assert!(refused.contains(why) && refused.contains("hint: "), "{refused}");
        assert_ne!(cluster.kubectl(&["port-forward", "svc/named", port]).code, 0, "{port}");
    }
    assert!(cluster.k8sm(&["port-forward", "svc/kubernetes", ":443"]).fails(1).contains("selects no pods"));
}

fn a_pod_reaches_the_api_server_as_its_service_account(cluster: &Cluster) {
    let secrets = "/var/run/secrets/kubernetes.io/serviceaccount";
    let script = format!(
        "cat {secrets}/namespace && echo && head -n 1 {secrets}/ca.crt && wc -c < {secrets}/token && \
         nc -w 3 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT < /dev/null && echo reached"
    );
    let said = in_a_pod(cluster, &script);
    assert!(said.contains("default\n-----BEGIN CERTIFICATE-----\n"), "{said}");
    assert!(said.ends_with("reached\n"), "{said}");
}

#[test]
fn the_guestbook_of_the_examples_is_signed_and_read() {
    let cluster = Cluster::up_with("guestbook", &[]);
    cluster.kubectl(&["create", "-f", &repository("examples/v1/guestbook.yaml")]).ok();
    cluster.running_pods("name=redis-slave", 2);
    cluster.running_pods("name=frontend", 3);
    let frontend = address(&cluster, "frontend");
    let page = |query: &str| format!("wget -qO- 'http://{frontend}/cgi-bin/guestbook{query}'");
    in_a_pod(&cluster, &page("?entry=hello+from+a+test"));
    let read = in_a_pod(&cluster, &format!("{} | grep hello", page("")));
    assert!(read.contains("hello from a test"), "{read}");
}
