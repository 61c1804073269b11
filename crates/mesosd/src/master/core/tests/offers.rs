//! Who is offered what, and when again.

use super::*;

fn total(offers: &[Offer], name: &str) -> f64 {
    offers.iter().map(|offer| mesos::Resources::from(&offer.resources).scalar(name)).sum()
}

fn decline(offer: &Offer, seconds: f64) -> Action {
    let filters = Some(Filters { refuse_seconds: seconds });
    Action::Decline(Decline { offer_ids: vec![offer.id.clone()], filters })
}

#[test]
fn a_new_agent_is_offered_at_once_and_whole() {
    let mut world = World::new();
    let (stream, ..) = world.framework(info(&["*"]));
    let effects = world.register("link", agent(1, "cpus:4;mem:1024;ports:[8000-8010]"));
    let offered = offers(&effects, &stream);
    assert_eq!(offered.len(), 1);
    let resources = mesos::Resources::from(&offered[0].resources);
    assert_eq!((resources.scalar("cpus"), resources.ranges("ports")), (4.0, vec![(8000, 8010)]));
    assert_eq!(offered[0].url.as_ref().unwrap().path.as_deref(), Some("/slave(1)"));
    assert!(offered[0].resources.iter().all(|part| part.allocation_info.is_some()));
}

#[test]
fn what_was_declined_comes_again_after_its_filter() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (stream, framework_id, events_) = world.framework(info(&["*"]));
    let Some(Event::Offers(offered)) = events_.last() else { panic!("{events_:?}") };
    world.call(&stream, &framework_id, decline(&offered.offers[0], 10.0));
    world.pass(9);
    assert!(offers(&world.core.take_effects(), &stream).is_empty());
    world.pass(2);
    assert_eq!(offers(&world.core.take_effects(), &stream).len(), 1);
}

#[test]
fn a_decline_without_filter_is_no_hot_loop() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (stream, framework_id, events_) = world.framework(info(&["*"]));
    let Some(Event::Offers(offered)) = events_.last() else { panic!("{events_:?}") };
    let effects = world.call(&stream, &framework_id, decline(&offered.offers[0], 0.0));
    assert!(offers(&effects, &stream).is_empty(), "not at once");
    world.pass(1);
    assert_eq!(offers(&world.core.take_effects(), &stream).len(), 1, "but in the next round");
}

#[test]
fn revive_forgets_filters_and_suppress_stops_offers() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (stream, framework_id, events_) = world.framework(info(&["*"]));
    let Some(Event::Offers(offered)) = events_.last() else { panic!("{events_:?}") };
    world.call(&stream, &framework_id, decline(&offered.offers[0], 3600.0));
    let effects = world.call(&stream, &framework_id, Action::Revive(Roles::default()));
    let offered = offers(&effects, &stream);
    assert_eq!(offered.len(), 1);
    world.call(&stream, &framework_id, Action::Suppress(Roles::default()));
    world.call(&stream, &framework_id, decline(&offered[0], 0.0));
    world.pass(50);
    assert!(offers(&world.core.take_effects(), &stream).is_empty());
    let wrong = Roles { roles: vec!["*".to_owned(), "other".to_owned()] };
    let effects = world.call(&stream, &framework_id, Action::Revive(wrong));
    assert!(offers(&effects, &stream).is_empty(), "a wrong role drops the whole call");
    let effects = world.call(&stream, &framework_id, Action::Revive(Roles::default()));
    assert_eq!(offers(&effects, &stream).len(), 1);
}

#[test]
fn frameworks_share_by_what_they_hold() {
    let mut world = World::new();
    let (first, first_id, _) = world.framework(info(&["*"]));
    let (second, ..) = world.framework(info(&["*"]));
    let effects = world.register("link", agent(1, "cpus:4;mem:1024"));
    let offered = offers(&effects, &first);
    assert_eq!((offered.len(), offers(&effects, &second).len()), (1, 0));
    world.launch(&first, &offered[0], vec![task("t", &offered[0], "cpus:2;mem:512")]);
    world.pass(1);
    let effects = world.core.take_effects();
    assert_eq!((offers(&effects, &first).len(), offers(&effects, &second).len()), (0, 1), "the poorer is next");
    assert_eq!(world.core.frameworks[&first_id].tasks.len(), 1);
    let effects = world.register("other", agent(2, "cpus:4;mem:1024"));
    assert_eq!((offers(&effects, &first).len(), offers(&effects, &second).len()), (0, 1), "by what is offered too");
}

#[test]
fn reserved_resources_go_to_their_role_alone() {
    let mut world = World::new();
    let (plain, ..) = world.framework(info(&["*"]));
    let (public, ..) = world.framework(info(&["public"]));
    let effects = world.register("link", agent(1, "cpus:4;mem:1024;cpus(public):2;mem(public):512"));
    assert_eq!(total(&offers(&effects, &plain), "cpus"), 4.0);
    assert_eq!(total(&offers(&effects, &public), "cpus"), 2.0);
}

#[test]
fn an_old_framework_is_offered_the_old_format() {
    let mut world = World::new();
    let old = FrameworkInfo {
        user: "root".to_owned(),
        name: "old".to_owned(),
        role: Some("public".to_owned()),
        ..FrameworkInfo::default()
    };
    let (stream, ..) = world.framework(old);
    let effects = world.register("link", agent(1, "cpus:4;mem:1024;cpus(public):2"));
    let offered = offers(&effects, &stream);
    assert_eq!(offered[0].allocation_info, None);
    let roles: Vec<_> = offered[0].resources.iter().map(|part| part.role.as_deref()).collect();
    assert_eq!(roles, [Some("*"), Some("*"), Some("public")]);
    assert!(offered[0].resources.iter().all(|part| part.reservations.is_empty() && part.allocation_info.is_none()));
}

#[test]
fn offers_expire_where_a_timeout_is_set() {
    let mut world = World::new();
    world.core.settings.offer_timeout = Some(Duration::from_secs(30));
    let (stream, ..) = world.framework(info(&["*"]));
    world.register("link", agent(1, "cpus:4;mem:1024"));
    world.pass(29);
    assert_eq!(rescinded(&world.core.take_effects(), &stream), 0);
    world.pass(2);
    assert_eq!(rescinded(&world.core.take_effects(), &stream), 1);
}

#[test]
fn an_agent_with_gpus_is_for_those_who_know_them() {
    let mut world = World::new();
    let (stream, ..) = world.framework(info(&["*"]));
    let effects = world.register("link", agent(1, "cpus:4;mem:1024;gpus:1"));
    assert!(offers(&effects, &stream).is_empty());
}
