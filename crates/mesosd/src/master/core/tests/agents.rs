//! Agents fall silent, come back, and bring to a new master what it does not know.

use super::*;

/// A world in which `t` runs on the agent of `link`.
fn world_with_task() -> (World, String, FrameworkID, Task) {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1280"));
    let (stream, framework_id, events) = world.framework(info(&["*"]));
    let Some(Event::Offers(offered)) = events.last() else { panic!("{events:?}") };
    world.launch(&stream, &offered.offers[0], vec![task("t", &offered.offers[0], "cpus:1;mem:64")]);
    world.update("link", &framework_id, "t", TaskState::Running);
    let task = world.task(&framework_id, "t").unwrap();
    world.pass(1);
    world.core.take_effects();
    (world, stream, framework_id, task)
}

/// What the agent says of itself when it comes back with its tasks.
fn back(task: &Task, tasks: &[Task]) -> Registration {
    let mut registration = agent(1, "cpus:4;mem:1280");
    registration.agent.id = Some(task.agent_id.clone());
    registration.frameworks = vec![FrameworkInfo { id: Some(task.framework_id.clone()), ..info(&["*"]) }];
    registration.executors = vec![ExecutorInfo { framework_id: Some(task.framework_id.clone()), ..executor("exec") }];
    registration.executors[0]
        .resources
        .iter_mut()
        .for_each(|part| part.allocation_info = task.resources[0].allocation_info.clone());
    registration.tasks = tasks.to_vec();
    registration
}

#[test]
fn an_agent_that_was_lost_is_offered_again_to_whom_declined_it() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.pass(10);
    let offered = offers(&world.core.take_effects(), &stream);
    let decline = Decline {
        offer_ids: offered.iter().map(|offer| offer.id.clone()).collect(),
        filters: Some(Filters { refuse_seconds: 3600.0 }),
    };
    world.call(&stream, &framework_id, Action::Decline(decline));
    world.core.link_closed(world.now, "link");
    world.pass(100);
    assert!(world.core.agents.is_empty(), "it counts as unreachable");
    world.core.take_effects();
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    assert_eq!(offers(&effects, &stream).len(), 1);
}

#[test]
fn a_link_that_breaks_rescinds_offers_and_loses_no_task() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.core.link_closed(world.now, "link");
    let effects = world.core.take_effects();
    assert_eq!(rescinded(&effects, &stream), 1);
    assert!(statuses(&effects, &stream).is_empty());
    world.pass(10);
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    assert!(statuses(&effects, &stream).is_empty(), "nobody had given it up");
    assert!(matches!(commands(&effects, "again")[0], ToAgent::Registered { .. }));
    assert_eq!(world.task(&framework_id, "t").unwrap().state, TaskState::Running);
    let agent = &world.core.agents[&task.agent_id];
    assert_eq!(agent.used.scalar("cpus"), 1.25);
    assert_eq!(offers(&effects, &stream).len(), 1);
}

#[test]
fn an_agent_that_stays_away_is_unreachable_until_it_is_back() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.core.link_closed(world.now, "link");
    world.pass(76);
    let effects = world.core.take_effects();
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Unreachable, Some(Reason::AgentRemoved)));
    assert_eq!(status.message.as_deref(), Some("health check timed out"));
    assert!(status.unreachable_time.is_some() && status.uuid.is_none());
    assert!(events(&effects, &stream).iter().any(|event| matches!(event, Event::Failure(_))));
    let effects = world.call(&stream, &framework_id, reconcile("t", task.agent_id.as_str()));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!(status.message.as_deref(), Some("Reconciliation: Task is unreachable"));
    assert!(status.unreachable_time.is_some());
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Running, Some(Reason::AgentReregistered)));
    assert_eq!(status.message.as_deref(), Some("Unreachable agent re-reregistered"));
    assert!(world.core.frameworks[&framework_id].unreachable_tasks.is_empty());
}

#[test]
fn one_who_knows_no_partitions_is_told_lost() {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1280"));
    let plain = FrameworkInfo { user: "u".to_owned(), failover_timeout: 60.0, ..FrameworkInfo::default() };
    let (stream, framework_id, events) = world.framework(plain);
    let Some(Event::Offers(offered)) = events.last() else { panic!("{events:?}") };
    world.launch(&stream, &offered.offers[0], vec![task("t", &offered.offers[0], "cpus:1;mem:64")]);
    world.core.link_closed(world.now, "link");
    world.pass(76);
    let status = statuses(&world.core.take_effects(), &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Lost, Some(Reason::AgentRemoved)));
    let effects = world.call(&stream, &framework_id, reconcile("t", status.agent_id.unwrap().as_str()));
    assert_eq!(statuses(&effects, &stream)[0].state, TaskState::Lost);
}

#[test]
fn an_agent_that_answers_no_ping_is_unreachable() {
    let (mut world, stream, ..) = world_with_task();
    world.pass(60);
    assert!(statuses(&world.core.take_effects(), &stream).is_empty());
    world.says("link", FromAgent::Pong);
    world.pass(60);
    assert!(statuses(&world.core.take_effects(), &stream).is_empty(), "the answer began a new count");
    world.pass(31);
    let effects = world.core.take_effects();
    assert_eq!(statuses(&effects, &stream)[0].state, TaskState::Unreachable);
    assert!(effects.contains(&Effect::EndLink { link: "link".to_owned() }));
}

#[test]
fn a_task_that_the_agent_does_not_name_is_asked_for() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.core.link_closed(world.now, "link");
    let effects = world.register("again", back(&task, &[]));
    let asked = ToAgent::Reconcile { framework_id: framework_id.clone(), tasks: vec!["t".into()] };
    assert!(commands(&effects, "again").contains(&asked), "{effects:?}");
    assert_eq!(world.core.agents[&task.agent_id].used.scalar("cpus"), 1.25, "it keeps its resources until then");
    let status = TaskStatus { task_id: "t".into(), state: TaskState::Dropped, ..TaskStatus::default() };
    let answer = FromAgent::Update {
        framework_id: framework_id.clone(),
        status: Box::new(status),
        latest_state: TaskState::Dropped,
    };
    let effects = world.says("again", answer);
    assert_eq!(statuses(&effects, &stream)[0].state, TaskState::Dropped);
    assert!(world.task(&framework_id, "t").is_none(), "what needs no acknowledgement is over at once");
}

#[test]
fn a_kill_that_the_agent_missed_is_repeated() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.core.link_closed(world.now, "link");
    let kill = Kill { task_id: "t".into(), agent_id: None, kill_policy: None };
    world.call(&stream, &framework_id, Action::Kill(kill));
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    let again = ToAgent::KillTask { framework_id, task_id: "t".into(), kill_policy: None };
    assert!(commands(&effects, "again").contains(&again), "{effects:?}");
}

#[test]
fn a_new_master_learns_everything_from_agents_and_schedulers() {
    let (_, _, framework_id, task) = world_with_task();
    let mut world = World::new();
    world.core.settings.info.id = "22222222-2222-4222-8222-222222222222".to_owned();
    let resubscription = FrameworkInfo { id: Some(framework_id.clone()), ..info(&["*"]) };
    let (stream, again, _) = world.framework(resubscription);
    assert_eq!(again, framework_id);
    let effects = world.call(&stream, &framework_id, reconcile("t", task.agent_id.as_str()));
    assert!(statuses(&effects, &stream).is_empty(), "its agent may yet come back");
    let effects = world.register("link", back(&task, std::slice::from_ref(&task)));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.message.as_deref()), (TaskState::Running, Some("Unknown agent reregistered")));
    let effects = world.call(&stream, &framework_id, Action::Reconcile(Reconcile::default()));
    assert_eq!(statuses(&effects, &stream).len(), 1);
    assert_eq!(world.core.agents[&task.agent_id].used.scalar("cpus"), 1.25);
}

#[test]
fn a_framework_known_from_agents_alone_stays_until_its_scheduler_is_back() {
    let (_, _, framework_id, task) = world_with_task();
    let mut world = World::new();
    let effects = world.register("link", back(&task, std::slice::from_ref(&task)));
    assert!(!commands(&effects, "link").iter().any(|command| matches!(command, ToAgent::ShutdownFramework { .. })));
    world.core.link_closed(world.now, "link");
    world.register("link", back(&task, std::slice::from_ref(&task)));
    for _ in 0..70 {
        world.pass(60);
        world.says("link", FromAgent::Pong);
    }
    assert!(world.core.frameworks.contains_key(&framework_id));
    let (_, again, _) = world.framework(FrameworkInfo { id: Some(framework_id.clone()), ..info(&["*"]) });
    assert_eq!(again, framework_id);
    assert!(world.task(&framework_id, "t").is_some());
}

#[test]
fn executors_of_a_framework_that_is_over_are_shut_down_when_their_agent_is_back() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.core.link_closed(world.now, "link");
    world.call(&stream, &framework_id, Action::Teardown);
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    assert!(commands(&effects, "again").contains(&ToAgent::ShutdownFramework { framework_id }), "{effects:?}");
    assert!(world.core.agents[&task.agent_id].used.is_empty());
}

#[test]
fn a_new_agent_at_the_same_address_replaces_the_old() {
    let (mut world, stream, _, task) = world_with_task();
    let effects = world.register("new", agent(1, "cpus:4;mem:1280"));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Lost, Some(Reason::AgentRemoved)));
    assert!(!world.core.agents.contains_key(&task.agent_id));
    assert_eq!(world.core.agents.len(), 1);
}

#[test]
fn an_old_link_says_nothing_any_more() {
    let (mut world, _, _, task) = world_with_task();
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    assert!(effects.contains(&Effect::EndLink { link: "link".to_owned() }));
    assert!(!world.core.agent_message(world.now, "link", FromAgent::Pong));
    world.core.link_closed(world.now, "link");
    assert!(world.core.agents[&task.agent_id].link().is_some());
}

#[test]
fn an_agent_that_an_operator_marked_gone_never_comes_back() {
    let (mut world, stream, framework_id, task) = world_with_task();
    assert!(!world.core.mark_gone(world.now, &"nobody".into()));
    assert!(world.core.mark_gone(world.now, &task.agent_id));
    let effects = world.core.take_effects();
    assert!(matches!(&commands(&effects, "link")[..], [ToAgent::Shutdown { .. }]), "{effects:?}");
    assert!(effects.contains(&Effect::EndLink { link: "link".to_owned() }));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::GoneByOperator, Some(Reason::AgentRemovedByOperator)));
    let effects = world.register("again", back(&task, std::slice::from_ref(&task)));
    assert!(matches!(&commands(&effects, "again")[..], [ToAgent::Shutdown { .. }]), "{effects:?}");
    assert!(world.core.agents.is_empty());
    let effects = world.call(&stream, &framework_id, reconcile("t", task.agent_id.as_str()));
    assert_eq!(statuses(&effects, &stream)[0].state, TaskState::GoneByOperator);
    assert!(world.core.mark_gone(world.now, &task.agent_id), "twice is harmless");
}

#[test]
fn tasks_out_of_reach_are_gone_with_their_agent() {
    let (mut world, stream, framework_id, task) = world_with_task();
    world.core.link_closed(world.now, "link");
    world.pass(76);
    world.core.take_effects();
    assert!(world.core.mark_gone(world.now, &task.agent_id));
    let status = statuses(&world.core.take_effects(), &stream).pop().unwrap();
    assert_eq!(status.state, TaskState::GoneByOperator);
    let framework = &world.core.frameworks[&framework_id];
    assert!(framework.tasks.is_empty() && framework.unreachable_tasks.is_empty());
}
