use std::str::FromStr;

use hickory_proto::op::Query;

use super::*;

fn zone() -> Zone {
    let mut zone = Zone::default();
    for (at, host, port) in [
        ("ab.kubernetes.default.svc.cluster.local", "10.10.10.1", 0),
        ("cd._https._tcp.kubernetes.default.svc.cluster.local", "ab.kubernetes.default.svc.cluster.local", 443),
        ("ef.elsewhere.default.svc.cluster.local", "example.org", 0),
        ("12.near.default.svc.cluster.local", "kubernetes.default.svc.cluster.local", 0),
        ("34.round.default.svc.cluster.local", "round.default.svc.cluster.local", 0),
        ("1.10.10.10.in-addr.arpa", "kubernetes.default.svc.cluster.local", 0),
    ] {
        zone.insert(&path(at), Record::new(host, port));
    }
    zone
}

fn ask(name: &str, kind: RecordType) -> Outcome {
    let mut request = Message::new(7, MessageType::Query, OpCode::Query);
    request.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    answer(Some(&zone()), &Domain::parse("cluster.local.").unwrap(), &request)
}

fn answered(name: &str, kind: RecordType) -> Message {
    match ask(name, kind) {
        Outcome::Answer(message) => message,
        other => panic!("{name}: {other:?}"),
    }
}

fn data(message: &Message) -> Vec<String> {
    message.answers.iter().map(|answer| answer.data.to_string()).collect()
}

#[test]
fn a_service_has_its_address_in_any_case() {
    for name in ["kubernetes.default.svc.cluster.local.", "Kubernetes.Default.SVC.cluster.local."] {
        let message = answered(name, RecordType::A);
        assert_eq!(data(&message), ["10.10.10.1"]);
        assert!(message.authoritative);
        assert_eq!(message.answers[0].name.to_ascii(), name, "the question's own spelling is kept");
    }
}

#[test]
fn a_name_without_that_kind_of_record_is_no_error() {
    let message = answered("kubernetes.default.svc.cluster.local.", RecordType::AAAA);
    assert_eq!(
        (message.response_code, message.answers.len(), message.authorities.len()),
        (ResponseCode::NoError, 0, 1)
    );
}

#[test]
fn a_name_that_is_not_there_is_nxdomain_with_the_soa() {
    for name in ["nobody.default.svc.cluster.local.", "nobody.cluster.local."] {
        let message = answered(name, RecordType::A);
        assert_eq!((message.response_code, message.authorities.len()), (ResponseCode::NXDomain, 1), "{name}");
    }
}

#[test]
fn names_above_services_exist_and_are_empty() {
    for name in ["cluster.local.", "svc.cluster.local.", "default.svc.cluster.local."] {
        let message = answered(name, RecordType::A);
        assert_eq!((message.response_code, message.answers.len()), (ResponseCode::NoError, 0), "{name}");
    }
    assert_eq!(answered("cluster.local.", RecordType::SOA).answers.len(), 1);
    assert_eq!(answered("cluster.local.", RecordType::NS).answers.len(), 1);
}

#[test]
fn the_version_of_the_specification_is_told() {
    assert_eq!(data(&answered("DNS-version.cluster.local.", RecordType::TXT)), ["1.1.0"]);
    for (name, kind) in [("dns-version.cluster.local.", RecordType::A), ("cluster.local.", RecordType::TXT)] {
        let message = answered(name, kind);
        assert_eq!((message.response_code, message.answers.len()), (ResponseCode::NoError, 0), "{name}");
    }
    let below = answered("a.dns-version.cluster.local.", RecordType::TXT);
    assert_eq!(below.response_code, ResponseCode::NXDomain);
}

#[test]
fn srv_names_port_and_target_and_adds_the_address() {
    let message = answered("_https._tcp.kubernetes.default.svc.cluster.local.", RecordType::SRV);
    assert_eq!(data(&message), ["10 10 443 ab.kubernetes.default.svc.cluster.local."]);
    assert_eq!(message.additionals.len(), 1);
}

#[test]
fn aliases_are_followed_at_home_and_handed_on_elsewhere() {
    let message = answered("near.default.svc.cluster.local.", RecordType::A);
    assert_eq!(data(&message), ["kubernetes.default.svc.cluster.local.", "10.10.10.1"]);
    match ask("elsewhere.default.svc.cluster.local.", RecordType::A) {
        Outcome::Alias(message, target) => {
            assert_eq!((data(&message), target.to_ascii()), (vec!["example.org.".to_owned()], "example.org.".into()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_alias_to_itself_ends() {
    assert!(answered("round.default.svc.cluster.local.", RecordType::A).answers.len() <= MAX_ALIASES);
}

#[test]
fn pods_have_names_of_their_addresses() {
    assert_eq!(data(&answered("10-1-0-2.default.pod.cluster.local.", RecordType::A)), ["10.1.0.2"]);
    assert_eq!(answered("10-1-0.default.pod.cluster.local.", RecordType::A).response_code, ResponseCode::NXDomain);
}

#[test]
fn reverse_names_are_answered_where_they_are_known() {
    assert_eq!(data(&answered("1.10.10.10.in-addr.arpa.", RecordType::PTR)), ["kubernetes.default.svc.cluster.local."]);
    assert!(matches!(ask("9.9.9.9.in-addr.arpa.", RecordType::PTR), Outcome::Elsewhere));
    assert!(matches!(ask("example.org.", RecordType::A), Outcome::Elsewhere));
}

#[test]
fn before_the_zone_is_complete_no_name_is_said_to_be_missing() {
    let domain = Domain::parse("cluster.local").unwrap();
    let mut request = Message::new(7, MessageType::Query, OpCode::Query);
    request.add_query(Query::query(Name::from_ascii("web.default.svc.cluster.local.").unwrap(), RecordType::A));
    match answer(None, &domain, &request) {
        Outcome::Answer(message) => assert_eq!(message.response_code, ResponseCode::ServFail),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_later_edns_and_other_operations_are_refused() {
    let mut request = Message::new(7, MessageType::Query, OpCode::Query);
    request.add_query(Query::query(Name::from_str("svc.cluster.local.").unwrap(), RecordType::A));
    let mut edns = Edns::new();
    edns.set_version(1);
    request.set_edns(edns);
    let domain = Domain::parse("cluster.local").unwrap();
    match answer(Some(&zone()), &domain, &request) {
        Outcome::Answer(message) => assert_eq!(message.edns.unwrap().rcode_high(), 1),
        other => panic!("{other:?}"),
    }
    match answer(Some(&zone()), &domain, &Message::new(7, MessageType::Query, OpCode::Update)) {
        Outcome::Answer(message) => assert_eq!(message.response_code, ResponseCode::NotImp),
        other => panic!("{other:?}"),
    }
}
