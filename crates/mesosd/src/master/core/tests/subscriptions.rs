//! Frameworks come, fail over and end.

use super::*;

#[test]
fn the_first_event_is_subscribed_and_the_second_a_heartbeat() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (_, framework_id, events) = world.framework(info(&["*"]));
    assert_eq!(framework_id.as_str(), format!("{MASTER}-0000"));
    assert!(matches!(&events[..], [Event::Subscribed(_), Event::Heartbeat, Event::Offers(_)]), "{events:?}");
}

#[test]
fn heartbeats_come_every_fifteen_seconds() {
    let mut world = World::new();
    let (stream, ..) = world.framework(info(&["*"]));
    world.pass(46);
    let effects = world.core.take_effects();
    assert_eq!(events(&effects, &stream).iter().filter(|event| matches!(event, Event::Heartbeat)).count(), 3);
}

#[test]
fn a_second_scheduler_fences_the_first() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (old, framework_id, _) = world.framework(info(&["*"]));
    let (new, effects) = world.subscribe(FrameworkInfo { id: Some(framework_id.clone()), ..info(&["*"]) });
    let Some(Event::Error(error)) = events(&effects, &old).pop() else { panic!("{effects:?}") };
    assert_eq!(error.message, "Framework failed over");
    assert!(effects.contains(&Effect::EndStream { stream: old.clone() }));
    assert_eq!(rescinded(&effects, &old), 0, "offers are withdrawn without a word");
    assert_eq!(offers(&effects, &new).len(), 1, "and made anew");
    let call = Call { framework_id: Some(framework_id.clone()), action: Action::Revive(Roles::default()) };
    let refusal = world.core.call(world.now, Some(&old), call).unwrap_err();
    assert!(refusal.to_string().contains("didn't match the stream ID currently associated"), "{refusal}");
    world.core.stream_closed(world.now, &old);
    assert_eq!(world.core.framework_of(&new), Some(&framework_id), "the end of the old stream does not matter");
}

#[test]
fn calls_of_strangers_are_refused() {
    let mut world = World::new();
    let (stream, framework_id, _) = world.framework(info(&["*"]));
    let call = |id: &str| Call { framework_id: Some(id.into()), action: Action::Revive(Roles::default()) };
    assert_eq!(world.core.call(world.now, Some(&stream), call("nobody")), Err(Refusal::UnknownFramework));
    assert_eq!(world.core.call(world.now, None, call(framework_id.as_str())), Err(Refusal::NoStreamId));
    world.core.stream_closed(world.now, &stream);
    assert_eq!(world.core.call(world.now, Some(&stream), call(framework_id.as_str())), Err(Refusal::NotSubscribed));
}

#[test]
fn a_framework_without_its_scheduler_lives_for_its_failover_timeout() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (stream, framework_id, _) = world.framework(info(&["*"]));
    world.core.stream_closed(world.now, &stream);
    assert!(world.core.offers.is_empty());
    world.pass(599);
    assert!(world.core.frameworks.contains_key(&framework_id));
    world.pass(2);
    assert!(world.core.frameworks.is_empty());
    let (stream, effects) = world.subscribe(FrameworkInfo { id: Some(framework_id), ..info(&["*"]) });
    let Some(Event::Error(error)) = events(&effects, &stream).pop() else { panic!("{effects:?}") };
    assert_eq!(error.message, "Framework has been removed");
}

#[test]
fn without_failover_timeout_the_end_of_the_stream_is_the_end() {
    let mut world = World::new();
    let (stream, ..) = world.framework(FrameworkInfo { failover_timeout: 0.0, ..info(&["*"]) });
    world.core.stream_closed(world.now, &stream);
    assert!(world.core.frameworks.is_empty());
}

#[test]
fn teardown_ends_the_stream_without_a_word_and_shuts_executors_down() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1024"));
    let (stream, framework_id, events_) = world.framework(info(&["*"]));
    let Some(Event::Offers(offered)) = events_.last() else { panic!("{events_:?}") };
    world.launch(&stream, &offered.offers[0], vec![task("t", &offered.offers[0], "cpus:1;mem:64")]);
    let effects = world.call(&stream, &framework_id, Action::Teardown);
    assert!(events(&effects, &stream).is_empty());
    assert!(effects.contains(&Effect::EndStream { stream }));
    assert_eq!(commands(&effects, "link"), [ToAgent::ShutdownFramework { framework_id }]);
    let agent = world.core.agents.values().next().unwrap();
    assert!(agent.used.is_empty() && agent.offered.is_empty());
    assert_eq!(world.core.completed[0].completed_tasks[0].state, TaskState::Killed);
}

#[test]
fn what_does_not_fit_is_refused_on_the_stream() {
    let mut world = World::new();
    for (info, message) in [
        (
            FrameworkInfo { role: Some("a".to_owned()), ..info(&["*"]) },
            "must not be set when the framework is MULTI_ROLE capable",
        ),
        (info(&["a/../b"]), "Role 'a/../b' cannot include '..' as a component"),
        (FrameworkInfo { failover_timeout: -1.0, ..info(&["*"]) }, "failover_timeout"),
    ] {
        let (stream, effects) = world.subscribe(info);
        let Some(Event::Error(error)) = events(&effects, &stream).pop() else { panic!("{effects:?}") };
        assert!(error.message.contains(message), "{}", error.message);
        assert!(effects.contains(&Effect::EndStream { stream }));
    }
    let (_, framework_id, _) = world.framework(info(&["*"]));
    let other = FrameworkInfo { id: Some(framework_id), principal: Some("other".to_owned()), ..info(&["*"]) };
    let (stream, effects) = world.subscribe(other);
    assert!(matches!(events(&effects, &stream)[..], [Event::Error(_)]));
}

#[test]
fn an_id_of_another_master_is_accepted() {
    let mut world = World::new();
    let (_, framework_id, _) = world.framework(FrameworkInfo { id: Some("elsewhere-0000".into()), ..info(&["*"]) });
    assert_eq!(framework_id.as_str(), "elsewhere-0000");
}
