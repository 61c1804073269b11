use super::*;

fn service(json: &str) -> Service {
    serde_json::from_str(&format!(r#"{{"metadata":{{"name":"web","namespace":"default"}},{json}}}"#)).unwrap()
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

fn endpoints(services: &Services) -> Vec<String> {
    services.rules()[&key([10, 10, 10, 51], 80)].endpoints.iter().map(ToString::to_string).collect()
}

#[test]
fn a_service_is_served_on_its_address_and_node_port() {
    let mut services = Services::default();
    assert!(services.apply_service(&web()));
    assert!(services.apply_slice(&slice("a", r#"{"addresses":["10.1.0.2"],"conditions":{"ready":true}}"#)));
    let rules = services.rules();
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[&key([10, 10, 10, 51], 80)], rules[&key([0, 0, 0, 0], 30080)]);
    assert_eq!(endpoints(&services), ["10.1.0.2:8080"]);
}

#[test]
fn ready_endpoints_come_before_terminating_ones() {
    let mut services = Services::default();
    services.apply_service(&web());
    let ending = r#"{"addresses":["10.1.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true}}"#;
    services.apply_slice(&slice("a", ending));
    assert_eq!(endpoints(&services), ["10.1.0.3:8080"]);
    services.apply_slice(&slice(
        "b",
        r#"{"addresses":["10.1.0.4"]},{"addresses":["10.1.0.5"],"conditions":{"ready":false}}"#,
    ));
    assert_eq!(endpoints(&services), ["10.1.0.4:8080"]);
}

#[test]
fn what_changes_nothing_says_so() {
    let mut services = Services::default();
    assert!(services.apply_service(&web()));
    assert!(!services.apply_service(&web()));
    let one = slice("a", r#"{"addresses":["10.1.0.2"]}"#);
    assert!(services.apply_slice(&one));
    assert!(!services.apply_slice(&one));
    assert!(services.delete_slice(&one));
    assert!(!services.delete_slice(&one));
    assert!(endpoints(&services).is_empty());
}

#[test]
fn headless_and_external_names_have_no_rules() {
    let mut services = Services::default();
    services.apply_service(&service(r#""spec":{"clusterIP":"None","ports":[{"port":80}]}"#));
    services.apply_service(&service(r#""spec":{"type":"ExternalName","externalName":"example.org"}"#));
    assert!(services.rules().is_empty());
}

#[test]
fn a_fresh_list_forgets_what_it_does_not_name() {
    let mut services = Services::default();
    services.apply_service(&web());
    services.apply_slice(&slice("a", r#"{"addresses":["10.1.0.2"]}"#));
    let named = |name: &str| BTreeSet::from([("default".to_owned(), name.to_owned())]);
    assert!(!services.retain(Some(&named("web")), Some(&named("a"))));
    assert!(services.retain(None, Some(&named("b"))));
    assert!(services.retain(Some(&BTreeSet::new()), None));
    assert!(services.rules().is_empty());
}

#[test]
fn affinity_has_kubernetes_default() {
    let mut services = Services::default();
    services.apply_service(&service(
        r#""spec":{"clusterIP":"10.10.10.51","sessionAffinity":"ClientIP","ports":[{"port":80}]}"#,
    ));
    assert_eq!(services.rules()[&key([10, 10, 10, 51], 80)].affinity_seconds, 10_800);
}
