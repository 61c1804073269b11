//! The cluster's DNS: deployed by `up` and by `k8sm addons dns`, every kind of record, and changes that it follows.

use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::harness::dns::{self, Answer};
use crate::harness::{Cluster, in_a_pod, wait_for};

const DOMAIN: &str = "default.svc.cluster.local.";

#[test]
fn up_deploys_a_dns_that_answers_every_kind_of_name() {
    let cluster = Cluster::new("dns");
    assert!(cluster.k8sm(&["up", "--dry-run"]).ok().contains("+ addon dns 10.10.10.10"));
    let up = cluster.k8sm(&["up"]);
    assert!(up.stderr.contains("DNS answers"), "{up}");
    let server = server(&cluster, None);
    let found = dns::ask(&server, "kubernetes.default.svc.cluster.local.", RecordType::A).expect("an answer at once");
    assert_eq!(found.data, ["10.10.10.1"]);
    nobody_else_gets_its_address(&cluster);
    as_the_documents_tell(&cluster);

    records(&server, &names(&cluster));
    a_change_is_followed(&cluster, &server, "lean");
}

#[test]
fn the_addon_changes_between_its_flavors() {
    let cluster = Cluster::up("flavors");
    let said = cluster.k8sm(&["addons", "dns"]);
    assert!(said.stderr.contains("answers at 10.10.10.10"), "{said}");
    let first = server(&cluster, Some("3/3"));
    let names = names(&cluster);
    records(&first, &names);
    a_change_is_followed(&cluster, &first, "full");
    let again = cluster.k8sm(&["addons", "dns"]);
    assert!(again.stderr.contains("configured") && !again.stderr.contains("deleted"), "{again}");
    assert_eq!(server(&cluster, Some("3/3")), first, "a second time changes nothing");

    let lean = cluster.k8sm(&["addons", "dns", "--flavor", "lean"]);
    assert!(lean.stderr.contains("of an earlier template deleted"), "{lean}");
    records(&server(&cluster, Some("1/1")), &names);
    as_the_documents_tell(&cluster);
    // what is there already is no matter of `up`'s
    let up = cluster.k8sm(&["up"]);
    assert!(up.stderr.contains("nothing to do"), "{up}");
}

/// Where the DNS pod answers; its containers are counted as `ready`, where that matters.
#[track_caller]
fn server(cluster: &Cluster, ready: Option<&str>) -> String {
    wait_for("one DNS pod", || {
        let words = ["get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "--no-headers", "-o", "wide"];
        let table = cluster.kubectl(&words).ok();
        let mut lines = table.lines();
        match (lines.next(), lines.next()) {
            (Some(line), None) if ready.is_none_or(|ready| line.contains(ready)) => {
                Ok(format!("{}:53", line.split_whitespace().nth(5).unwrap_or_default()))
            }
            _ => Err(table),
        }
    })
}

fn nobody_else_gets_its_address(cluster: &Cluster) {
    let thief = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "thief"},
        "spec": {"clusterIP": "10.10.10.10", "ports": [{"port": 53}]}});
    let refused = cluster.k8sm_with(&["create", "-f", "-"], &thief.to_string());
    assert!(refused.code != 0 && refused.stderr.contains("10.10.10.10"), "{refused}");
}

fn as_the_documents_tell(cluster: &Cluster) {
    let answer = in_a_pod(cluster, "nslookup kubernetes.default.svc.cluster.local");
    assert!(answer.contains("10.10.10.10"), "the server: {answer}");
    assert!(answer.contains("10.10.10.1\n"), "the name: {answer}");
    // this nslookup goes through the whole search list and fails where one name is not there
    in_a_pod(cluster, "nslookup kubernetes | grep '^Address: 10.10.10.1$'");
}

/// Services of every type, and a pod with a name of its own; gives the address of the one and of the other.
fn names(cluster: &Cluster) -> (String, String) {
    let service = |name: &str, spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec});
    let ports = json!([{"name": "http", "port": 80, "protocol": "TCP"}]);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "first", "labels": {"app": "db"}}, "spec": {
        "hostname": "first", "subdomain": "db", "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "web", "image": "nginx", "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80}]}]}});
    for object in [
        pod,
        service("web", json!({"selector": {"app": "db"}, "ports": ports})),
        service("db", json!({"clusterIP": "None", "selector": {"app": "db"}, "ports": ports})),
        service("near", json!({"type": "ExternalName", "externalName": "web.default.svc.cluster.local"})),
        service("far", json!({"type": "ExternalName", "externalName": "www.example.test"})),
    ] {
        cluster.k8sm_with(&["create", "-f", "-"], &object.to_string()).ok();
    }
    let pod = cluster.running("first")["status"]["podIP"].as_str().unwrap_or_default().to_owned();
    let service = cluster.object("service", "web").expect("the service");
    (service["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned(), pod)
}

fn records(server: &str, (service, pod): &(String, String)) {
    let is = |name: &str, kind: RecordType, wanted: &[&str]| {
        let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.{DOMAIN}") };
        wait_for(&format!("{kind} of {name} at {server}"), || {
            let answer = dns::ask(server, &name, kind)?;
            let same = answer.data.len() == wanted.len() && answer.data.iter().zip(wanted).all(|(a, b)| a.ends_with(b));
            if same { Ok(answer) } else { Err(format!("{answer:?}")) }
        })
    };
    let reversed = |address: &str| address.rsplit('.').collect::<Vec<_>>().join(".") + ".in-addr.arpa.";
    is("web", RecordType::A, &[service]);
    is("db", RecordType::A, &[pod]);
    is("first.db", RecordType::A, &[pod]);
    is(&format!("{}.default.pod.cluster.local.", pod.replace('.', "-")), RecordType::A, &[pod]);
    is("_http._tcp.web", RecordType::SRV, &[".web.default.svc.cluster.local."]);
    let srv = is("_http._tcp.db", RecordType::SRV, &["10 10 80 first.db.default.svc.cluster.local."]);
    assert_eq!(srv.message.additionals.len(), 1, "the target's address comes with it: {srv:?}");
    is(&reversed(service), RecordType::PTR, &["web.default.svc.cluster.local."]);
    is("near", RecordType::CNAME, &["web.default.svc.cluster.local."]);
    is("near", RecordType::A, &[service, "web.default.svc.cluster.local."]);
    is("far", RecordType::CNAME, &["www.example.test."]);
    is("*", RecordType::CNAME, &[]);
    is("web.*.svc.cluster.local.", RecordType::A, &[service]);
    negative(&is("web", RecordType::AAAA, &[]), ResponseCode::NoError);
    negative(&is("nobody", RecordType::A, &[]), ResponseCode::NXDomain);
    let by_tcp = dns::ask_tcp(server, &format!("web.{DOMAIN}"), RecordType::A).expect("an answer by TCP");
    assert_eq!(by_tcp.data, [service.as_str()]);
    assert!(by_tcp.message.edns.is_none(), "who does not speak EDNS is not spoken to with it");
}

/// An answer without records says for how long it holds.
fn negative(answer: &Answer, code: ResponseCode) {
    assert_eq!(answer.message.response_code, code, "{answer:?}");
    assert!(answer.message.authorities.iter().any(|record| record.record_type() == RecordType::SOA), "{answer:?}");
    assert!(answer.message.edns.is_some(), "{answer:?}");
}

/// A service is there and gone in the answers as soon as in the API; how soon is printed, not judged.
fn a_change_is_followed(cluster: &Cluster, server: &str, flavor: &str) {
    let name = format!("brief.{DOMAIN}");
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "brief"}, "spec": {"ports": [{"port": 80}]}});
    let follow = |what: &str, code: ResponseCode| {
        let began = Instant::now();
        while dns::ask(server, &name, RecordType::A).expect("an answer").message.response_code != code {
            assert!(began.elapsed() < crate::harness::PATIENCE, "{what} was never seen");
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("{flavor}: {what} was answered after {} ms", began.elapsed().as_millis());
    };
    follow("nothing", ResponseCode::NXDomain);
    cluster.k8sm_with(&["create", "-f", "-"], &service.to_string()).ok();
    follow("a new service", ResponseCode::NoError);
    cluster.k8sm(&["delete", "service", "brief"]).ok();
    follow("a deleted service", ResponseCode::NXDomain);
}
