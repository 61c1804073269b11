use std::net::SocketAddrV4;

use super::*;

fn service(json: &str) -> Service {
    named("web", json)
}

fn named(name: &str, json: &str) -> Service {
    serde_json::from_str(&format!(r#"{{"metadata":{{"name":"{name}","namespace":"default"}},{json}}}"#)).unwrap()
}

fn slice(name: &str, endpoints: &str) -> EndpointSlice {
    serde_json::from_str(&format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"default","labels":{{"kubernetes.io/service-name":"web"}}}},
            "addressType":"IPv4","ports":[{{"name":"http","port":8080,"protocol":"TCP"}}],"endpoints":[{endpoints}]}}"#
    ))
    .unwrap()
}

fn web() -> Service {
    service(
        r#""spec":{"clusterIP":"10.10.10.51","ports":[{"name":"http","port":80,"protocol":"TCP","nodePort":30080}]}"#,
    )
}

fn key(address: [u8; 4], port: u16) -> Key {
    Key { protocol: 6, address: address.into(), port }
}

const WEB: [u8; 4] = [10, 10, 10, 51];
const NODE_PORT: [u8; 4] = [0, 0, 0, 0];

/// What the tables hold, kept by differences alone, as the kernel's are.
#[derive(Default)]
struct Kept {
    services: Services,
    pods: BTreeMap<Key, Arc<Target>>,
    node: BTreeMap<Key, Arc<Target>>,
}

impl Kept {
    fn on(node: &str) -> Self {
        Self { services: Services::on(node), ..Self::default() }
    }

    fn update(&mut self) {
        let difference = self.services.take_difference();
        for (table, changes) in [(&mut self.pods, &difference.pods), (&mut self.node, &difference.node)] {
            for (key, target) in changes {
                match target {
                    Some(target) => drop(table.insert(*key, Arc::clone(target))),
                    None => drop(table.remove(key)),
                }
            }
        }
    }

    fn service(&mut self, service: &Service) {
        self.services.apply_service(service);
        self.update();
    }

    fn slice(&mut self, slice: &EndpointSlice) {
        self.services.apply_slice(slice);
        self.update();
    }

    fn for_pods(&self, address: [u8; 4], port: u16) -> Vec<String> {
        text(&self.pods[&key(address, port)].endpoints)
    }

    fn for_node(&self, address: [u8; 4], port: u16) -> Vec<String> {
        text(&self.node[&key(address, port)].endpoints)
    }
}

fn text(endpoints: &[SocketAddrV4]) -> Vec<String> {
    endpoints.iter().map(ToString::to_string).collect()
}

#[test]
fn a_service_is_served_on_its_address_and_node_port() {
    let mut kept = Kept::default();
    kept.service(&web());
    kept.slice(&slice("a", r#"{"addresses":["10.1.0.2"],"conditions":{"ready":true}}"#));
    assert_eq!((kept.pods.len(), kept.node.len()), (1, 2), "node ports are the node's alone");
    assert_eq!(kept.for_pods(WEB, 80), ["10.1.0.2:8080"]);
    assert_eq!(kept.for_node(WEB, 80), kept.for_node(NODE_PORT, 30080));
}

#[test]
fn ready_endpoints_come_before_terminating_ones() {
    let mut kept = Kept::default();
    kept.service(&web());
    let ending = r#"{"addresses":["10.1.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true}}"#;
    kept.slice(&slice("a", ending));
    assert_eq!(kept.for_pods(WEB, 80), ["10.1.0.3:8080"]);
    kept.slice(&slice("b", r#"{"addresses":["10.1.0.4"]},{"addresses":["10.1.0.5"],"conditions":{"ready":false}}"#));
    assert_eq!(kept.for_pods(WEB, 80), ["10.1.0.4:8080"]);
}

#[test]
fn endpoints_without_ports_are_sent_nothing() {
    let mut kept = Kept::default();
    kept.service(&web());
    let mut without = slice("a", r#"{"addresses":["10.1.0.2"]}"#);
    without.ports = Some(Vec::new());
    kept.slice(&without);
    assert!(kept.for_pods(WEB, 80).is_empty());
    kept.slice(&slice("b", r#"{"addresses":["10.1.0.3"]}"#));
    assert_eq!(kept.for_pods(WEB, 80), ["10.1.0.3:8080"]);
}

#[test]
fn what_changes_nothing_is_no_difference() {
    let mut services = Services::default();
    services.apply_service(&web());
    assert!(services.has_changed());
    let one = slice("a", r#"{"addresses":["10.1.0.2"]}"#);
    services.apply_slice(&one);
    assert_eq!(services.take_difference().pods.len(), 1);
    services.apply_service(&web());
    services.apply_slice(&one);
    assert!(!services.has_changed());
    services.delete_slice(&one);
    services.delete_slice(&one);
    assert!(services.take_difference().pods[&key(WEB, 80)].as_ref().unwrap().endpoints.is_empty());
}

#[test]
fn one_change_among_many_services_is_one_difference() {
    let mut services = Services::default();
    for number in 0..1000 {
        let (a, b) = (number / 250, number % 250);
        let spec = format!(r#""spec":{{"clusterIP":"10.20.{a}.{b}","ports":[{{"port":80}}]}}"#);
        services.apply_service(&named(&format!("s{number}"), &spec));
    }
    assert_eq!(services.take_difference().pods.len(), 1000);
    services.apply_service(&named("s7", r#""spec":{"clusterIP":"10.20.0.7","ports":[{"port":81}]}"#));
    let changes = services.take_difference().pods;
    assert_eq!(changes.len(), 2);
    assert!(changes[&key([10, 20, 0, 7], 80)].is_none() && changes[&key([10, 20, 0, 7], 81)].is_some());
}

#[test]
fn headless_and_external_names_have_no_rules() {
    let mut kept = Kept::default();
    kept.service(&service(r#""spec":{"clusterIP":"None","ports":[{"port":80}]}"#));
    assert!(kept.pods.is_empty() && kept.node.is_empty());
    kept.service(&web());
    assert!(!kept.pods.is_empty());
    // a service that becomes a name keeps, in the object, neither its address nor its places here
    kept.service(&service(r#""spec":{"type":"ExternalName","externalName":"example.org","ports":[{"port":80}]}"#));
    assert!(kept.pods.is_empty() && kept.node.is_empty());
}

#[test]
fn a_fresh_list_forgets_what_it_does_not_name() {
    let mut kept = Kept::default();
    kept.service(&web());
    kept.slice(&slice("a", r#"{"addresses":["10.1.0.2"]}"#));
    let named = |name: &str| BTreeSet::from([Name::from(format!("default/{name}"))]);
    kept.services.retain_services(&named("web"));
    kept.services.retain_slices(&named("a"));
    assert!(!kept.services.has_changed());
    kept.services.retain_slices(&named("b"));
    kept.update();
    assert!(kept.for_pods(WEB, 80).is_empty());
    kept.services.retain_services(&BTreeSet::new());
    kept.update();
    assert!(kept.pods.is_empty() && kept.node.is_empty());
}

#[test]
fn affinity_has_kubernetes_default() {
    let mut kept = Kept::default();
    kept.service(&service(r#""spec":{"clusterIP":"10.10.10.51","sessionAffinity":"ClientIP","ports":[{"port":80}]}"#));
    assert_eq!(kept.pods[&key(WEB, 80)].affinity_seconds, 10_800);
}

/// One endpoint on this node, one on another.
fn spread() -> EndpointSlice {
    slice("a", r#"{"addresses":["10.1.0.2"],"nodeName":"here"},{"addresses":["10.1.0.3"],"nodeName":"there"}"#)
}

#[test]
fn a_local_policy_keeps_to_this_nodes_endpoints() {
    let both = ["10.1.0.2:8080", "10.1.0.3:8080"];
    let mut kept = Kept::on("here");
    kept.slice(&spread());
    let spec = |policy: &str| {
        service(&format!(
            r#""spec":{{"clusterIP":"10.10.10.51","externalIPs":["192.0.2.1"],{policy}"ports":[{{"name":"http","port":80,"nodePort":30080}}]}}"#
        ))
    };
    kept.service(&spec(r#""internalTrafficPolicy":"Local","#));
    assert_eq!(kept.for_pods(WEB, 80), ["10.1.0.2:8080"]);
    assert_eq!(kept.for_node(NODE_PORT, 30080), both);
    kept.service(&spec(r#""externalTrafficPolicy":"Local","#));
    assert_eq!(kept.for_pods(WEB, 80), both);
    assert_eq!(kept.for_node(NODE_PORT, 30080), ["10.1.0.2:8080"]);
    assert_eq!(kept.for_node([192, 0, 2, 1], 80), ["10.1.0.2:8080"]);
    assert_eq!(kept.for_pods([192, 0, 2, 1], 80), both, "a pod takes the shorter way");
    let mut elsewhere = Kept::on("elsewhere");
    elsewhere.slice(&spread());
    elsewhere.service(&spec(r#""internalTrafficPolicy":"Local","#));
    assert!(elsewhere.for_pods(WEB, 80).is_empty());
}

#[test]
fn an_address_that_two_services_claim_is_the_firsts_until_it_goes() {
    let claiming = |name: &str, cluster: &str| {
        named(
            name,
            &format!(
                r#""spec":{{"clusterIP":"{cluster}","externalIPs":["192.0.2.1"],"sessionAffinity":"{}","ports":[{{"port":80}}]}}"#,
                if name == "a" { "None" } else { "ClientIP" }
            ),
        )
    };
    let shared = key([192, 0, 2, 1], 80);
    let mut kept = Kept::default();
    kept.service(&claiming("b", "10.10.10.2"));
    assert_eq!(kept.pods[&shared].affinity_seconds, 10_800);
    kept.service(&claiming("a", "10.10.10.1"));
    assert_eq!(kept.pods[&shared].affinity_seconds, 0);
    kept.services.delete_service(&claiming("a", "10.10.10.1"));
    kept.update();
    assert_eq!(kept.pods[&shared].affinity_seconds, 10_800);
}
