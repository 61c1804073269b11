use super::*;

fn resources(text: &str) -> Resources {
    Resources::from(&parse_resources(text).unwrap())
}

#[test]
fn scalars_are_fixed_point() {
    let mut sum = Resources::new();
    for _ in 0..10 {
        sum.add(&resources("cpus:0.1"));
    }
    assert_eq!(sum.scalar("cpus"), 1.0);
    sum.subtract(&resources("cpus:1"));
    assert!(sum.is_empty());
}

#[test]
fn ranges_are_taken_out_of_the_middle_and_put_back() {
    let mut ports = resources("ports:[8000-8010,31000-31010]");
    ports.subtract(&resources("ports:[8003-8004,31000-31000]"));
    assert_eq!(ports.ranges("ports"), [(8000, 8002), (8005, 8010), (31001, 31010)]);
    assert!(!ports.contains(&resources("ports:[8002-8005]")));
    ports.add(&resources("ports:[8003-8004]"));
    assert_eq!(ports.ranges("ports"), [(8000, 8010), (31001, 31010)]);
}

#[test]
fn what_is_reserved_is_of_another_kind() {
    let all = resources("cpus:4;cpus(public):2;mem:64");
    assert_eq!(all.scalar("cpus"), 6.0);
    assert_eq!(all.unreserved().scalar("cpus"), 4.0);
    assert_eq!(all.reserved_for("public").scalar("cpus"), 2.0);
    assert_eq!(all.allocatable_to("*").scalar("cpus"), 4.0);
    assert_eq!(all.allocatable_to("public").scalar("cpus"), 6.0);
    assert_eq!(all.allocatable_to("public/team").scalar("cpus"), 6.0);
    assert_eq!(all.allocatable_to("publicity").scalar("cpus"), 4.0);
    assert!(!all.contains(&resources("cpus:5")));
}

#[test]
fn both_formats_mean_the_same() {
    let refined = resources("cpus:4;cpus(public):2");
    let old = refined.to_pre_refinement();
    assert_eq!(old.iter().map(|part| part.role.as_deref()).collect::<Vec<_>>(), [Some("*"), Some("public")]);
    assert!(old.iter().all(|part| part.reservations.is_empty() && part.reservation.is_none()));
    assert_eq!(Resources::from(&old), refined);
    assert_eq!(Resources::from(&refined.to_endpoint()), refined);
}

#[test]
fn a_dynamic_reservation_keeps_its_principal_in_both_formats() {
    let part: Resource = crate::json::from_slice(
        br#"{"name":"mem","type":"SCALAR","scalar":{"value":8},"role":"a","reservation":{"principal":"p"}}"#,
    )
    .unwrap();
    let resources: Resources = [part.clone()].into_iter().collect();
    assert_eq!(resources.iter().next().unwrap().reservations[0].r#type, Some(ReservationType::Dynamic));
    assert_eq!(resources.to_pre_refinement(), [part]);
}

#[test]
fn allocation_is_part_of_the_kind() {
    let own = resources("cpus:4").allocated_to("*");
    assert!(own.contains(&resources("cpus:4").allocated_to("*")));
    assert!(!own.contains(&resources("cpus:4")));
    assert_eq!(own.unallocated(), resources("cpus:4"));
}

#[test]
fn they_are_printed_as_mesos_does() {
    let text = resources("ports:[8000-21099];cpus:3.25;cpus(public):2").allocated_to("*").to_string();
    let expected = "ports(allocated: *):[8000-21099]; cpus(allocated: *):3.25; cpus(allocated: *)(reservations: [(STATIC,public)]):2";
    assert_eq!(text, expected);
}

#[test]
fn bad_resources_and_attributes_are_refused_by_name() {
    for bad in [
        "cpus",
        "cpus:",
        "cpus:x",
        "cpus:-1",
        "cpus:inf",
        ":4",
        "ports:[5-1]",
        "ports:[1-5",
        "cpus(public:4",
        "ports:{a",
    ] {
        assert!(parse_resources(bad).unwrap_err().to_string().contains(bad), "{bad}");
    }
    assert!(parse_attributes("rack:{a,b}").is_err());
    assert!(parse_attributes("rack").is_err());
}

#[test]
fn attributes_have_the_type_of_their_form() {
    let attributes = parse_attributes("rack:1; zone:west:1\nkeys:[1000-1500]").unwrap();
    assert_eq!(attributes[0].scalar.unwrap().value, 1.0);
    assert_eq!(attributes[1].text.as_ref().unwrap().value, "west:1");
    assert_eq!(attributes[2].ranges.as_ref().unwrap().range, [crate::value::Range { begin: 1000, end: 1500 }]);
}

proptest::proptest! {
    #[test]
    fn what_is_taken_and_put_back_is_as_before(
        own in proptest::collection::vec((0u64..2000, 0u64..50), 1..6),
        taken in proptest::collection::vec((0u64..2000, 0u64..50), 1..6),
        cpus in 0u32..10_000,
    ) {
        let build = |ranges: &[(u64, u64)]| -> Resources {
            [Resource::ranges("ports", ranges.iter().map(|(begin, length)| (*begin, begin + length))),
             Resource::scalar("cpus", f64::from(cpus) / 1000.0)].into_iter().collect()
        };
        let (own, taken) = (build(&own), build(&taken));
        let mut all = own.clone();
        all.add(&taken);
        proptest::prop_assert!(all.contains(&own) && all.contains(&taken));
        let mut rest = all.clone();
        rest.subtract(&taken);
        let shared: Vec<_> = rest.ranges("ports").into_iter()
            .filter(|(begin, end)| taken.ranges("ports").iter().any(|(b, e)| begin <= e && b <= end)).collect();
        proptest::prop_assert!(shared.is_empty());
        rest.add(&taken);
        proptest::prop_assert_eq!(rest.ranges("ports"), all.ranges("ports"));
    }
}
