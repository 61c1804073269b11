//! Tasks: launched or refused, updated, killed, reconciled.

use super::*;

/// A world with one agent and one framework that holds its offer.
fn world_with_offer() -> (World, String, FrameworkID, Offer) {
    let mut world = World::new();
    world.register("link", agent(1, "cpus:4;mem:1280;disk:25600;ports:[8000-21099]"));
    let (stream, framework_id, events) = world.framework(info(&["*"]));
    let Some(Event::Offers(offered)) = events.last() else { panic!("{events:?}") };
    let offer = offered.offers[0].clone();
    (world, stream, framework_id, offer)
}

#[test]
fn tasks_of_one_offer_share_an_executor() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    let tasks = vec![task("a", &offer, "cpus:0.5;mem:64;ports:[8000-8000]"), task("b", &offer, "cpus:0.5;mem:64")];
    let effects = world.launch(&stream, &offer, tasks);
    let commands = commands(&effects, "link");
    let [ToAgent::RunTask(run), ToAgent::RunTask(second)] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!((run.launch_executor, second.launch_executor), (true, false), "it is started once");
    assert_eq!(run.framework.id.as_ref(), Some(&framework_id));
    assert_eq!(run.task.executor.as_ref().unwrap().framework_id.as_ref(), Some(&framework_id));
    assert!(run.task.resources.iter().all(|part| part.allocation_info.as_ref().unwrap().role.as_deref() == Some("*")));
    let agent = world.core.agents.values().next().unwrap();
    assert_eq!((agent.used.scalar("cpus"), agent.used.scalar("mem")), (1.25, 256.0), "the executor counts once");
    world.pass(1);
    let left = offers(&world.core.take_effects(), &stream);
    let resources = mesos::Resources::from(&left[0].resources);
    assert_eq!((resources.scalar("cpus"), resources.ranges("ports")), (2.75, vec![(8001, 21099)]));
    assert_eq!(left[0].executor_ids, ["exec".into()]);
}

#[test]
fn too_large_a_task_is_an_error_in_mesos_words() {
    let (mut world, stream, _, offer) = world_with_offer();
    let effects = world.launch(&stream, &offer, vec![task("toobig", &offer, "cpus:99;mem:64")]);
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Error, Some(Reason::TaskInvalid)));
    assert_eq!(
        status.message.unwrap(),
        "Total resources cpus(allocated: *):99.25; mem(allocated: *):192 required by task and its executor is more than \
         available cpus(allocated: *):4; mem(allocated: *):1280; disk(allocated: *):25600; ports(allocated: *):[8000-21099]"
    );
    assert_eq!(status.uuid, None, "nobody acknowledges it");
}

#[test]
fn a_stale_offer_drops_its_tasks_and_burns_the_others() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    world.register("other", agent(2, "cpus:4;mem:1024"));
    let second = world.core.offers.keys().find(|id| **id != offer.id).unwrap().clone();
    let accept = Accept {
        offer_ids: vec![second.clone(), "gone".into()],
        operations: vec![Operation::launch(vec![task("stale", &offer, "cpus:1;mem:64")])],
        filters: None,
    };
    let effects = world.call(&stream, &framework_id, Action::Accept(accept));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Dropped, Some(Reason::InvalidOffers)));
    assert_eq!(status.message.unwrap(), "Task launched with invalid offers: Offer gone is no longer valid");
    assert!(!world.core.offers.contains_key(&second));
}

#[test]
fn offers_of_two_agents_cannot_be_accepted_together() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    world.register("other", agent(2, "cpus:4;mem:1024"));
    let accept = Accept { offer_ids: world.core.offers.keys().cloned().collect(), ..Accept::default() };
    let accept = Accept { operations: vec![Operation::launch(vec![task("t", &offer, "cpus:1;mem:64")])], ..accept };
    let effects = world.call(&stream, &framework_id, Action::Accept(accept));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert!(status.message.unwrap().contains("must belong to one single agent"));
}

#[test]
fn bad_tasks_are_refused_one_by_one() {
    let (mut world, stream, _, offer) = world_with_offer();
    let good = || task("good", &offer, "cpus:0.1;mem:32");
    let other_executor = ExecutorInfo { data: Some(Bytes(b"other".to_vec())), ..executor("exec") };
    let cases = [
        (TaskInfo { task_id: "a/b".into(), ..good() }, "invalid"),
        (TaskInfo { resources: Vec::new(), ..good() }, "Task uses no resources"),
        (TaskInfo { agent_id: "other".into(), ..good() }, "Task uses invalid agent other while agent"),
        (TaskInfo { executor: None, ..good() }, "at least one (but not both)"),
        (TaskInfo { command: Some(CommandInfo::default()), ..good() }, "at least one (but not both)"),
        (TaskInfo { command: Some(CommandInfo::default()), executor: None, ..good() }, "`CommandInfo` is invalid"),
        (TaskInfo { resources: parse_resources("cpus:0;mem:32").unwrap(), ..good() }, "value <= 0"),
        (TaskInfo { resources: parse_resources("ports:[1-5,3-9];mem:32").unwrap(), ..good() }, "overlapping ranges"),
    ];
    let expected: Vec<&str> = cases.iter().map(|(_, message)| *message).collect();
    let mut tasks: Vec<TaskInfo> = cases.into_iter().map(|(task, _)| task).collect();
    tasks.push(good());
    tasks.push(good());
    tasks.push(TaskInfo { task_id: "changed".into(), executor: Some(other_executor), ..good() });
    let effects = world.launch(&stream, &offer, tasks);
    let messages: Vec<String> = statuses(&effects, &stream).into_iter().map(|status| status.message.unwrap()).collect();
    let more = [
        "Task has duplicate ID: good",
        "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID",
    ];
    let expected: Vec<&str> = expected.into_iter().chain(more).collect();
    assert_eq!(messages.len(), expected.len(), "{messages:#?}");
    for (message, expected) in messages.iter().zip(expected) {
        assert!(message.contains(expected), "{message}: {expected}");
    }
    assert_eq!(commands(&effects, "link").len(), 1, "only the good one is run");
}

#[test]
fn task_groups_are_refused_by_name() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    let group = mesos::offer::LaunchGroup {
        executor: executor("exec"),
        task_group: mesos::TaskGroupInfo { tasks: vec![task("t", &offer, "cpus:1;mem:64")] },
    };
    let kind = Some(mesos::offer::OperationType::LaunchGroup);
    let operation = Operation { r#type: kind, launch_group: Some(group), ..Operation::default() };
    let accept = Accept { offer_ids: vec![offer.id], operations: vec![operation], filters: None };
    let effects = world.call(&stream, &framework_id, Action::Accept(accept));
    let status = statuses(&effects, &stream).pop().unwrap();
    assert_eq!((status.state, status.reason), (TaskState::Error, Some(Reason::TaskGroupInvalid)));
}

#[test]
fn a_task_lives_until_its_end_is_acknowledged_but_its_resources_do_not() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    world.launch(&stream, &offer, vec![task("t", &offer, "cpus:1;mem:64")]);
    assert_eq!(world.task(&framework_id, "t").unwrap().state, TaskState::Staging);
    let (uuid, effects) = world.update("link", &framework_id, "t", TaskState::Running);
    assert_eq!(statuses(&effects, &stream)[0].uuid.as_ref(), Some(&uuid));
    let running = world.task(&framework_id, "t").unwrap();
    let effects = world.acknowledge(&stream, &framework_id, &running, uuid);
    assert!(matches!(&commands(&effects, "link")[..], [ToAgent::Acknowledge { .. }]));
    let (uuid, _) = world.update("link", &framework_id, "t", TaskState::Finished);
    let agent = world.core.agents.values().next().unwrap();
    assert_eq!(agent.used.scalar("cpus"), 0.25, "only the executor's are used");
    assert!(world.task(&framework_id, "t").is_some());
    world.acknowledge(&stream, &framework_id, &running, uuid);
    assert!(world.task(&framework_id, "t").is_none());
    assert_eq!(world.core.frameworks[&framework_id].completed_tasks.len(), 1);
    let exited = FromAgent::ExecutorExited { framework_id, executor_id: "exec".into(), status: 0 };
    let effects = world.says("link", exited);
    assert!(matches!(&events(&effects, &stream)[..], [Event::Failure(_)]));
    assert!(world.core.agents.values().next().unwrap().used.is_empty());
}

#[test]
fn kill_goes_to_the_agent_or_asks_what_is_known() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    world.launch(&stream, &offer, vec![task("t", &offer, "cpus:1;mem:64")]);
    let kill = |task_id: &str, agent_id: Option<&str>| {
        Action::Kill(Kill { task_id: task_id.into(), agent_id: agent_id.map(Into::into), kill_policy: None })
    };
    let effects = world.call(&stream, &framework_id, kill("t", None));
    assert!(matches!(&commands(&effects, "link")[..], [ToAgent::KillTask { .. }]));
    assert!(world.call(&stream, &framework_id, kill("t", Some("other"))).is_empty());
    let effects = world.call(&stream, &framework_id, kill("never", Some(offer.agent_id.as_str())));
    assert_eq!(statuses(&effects, &stream)[0].state, TaskState::Gone);
}

#[test]
fn reconciliation_answers_as_mesos_does() {
    let (mut world, stream, framework_id, offer) = world_with_offer();
    world.launch(&stream, &offer, vec![task("t", &offer, "cpus:1;mem:64")]);
    world.update("link", &framework_id, "t", TaskState::Running);
    let agent_id = offer.agent_id.as_str();
    for (task_id, agent_id, state, message) in [
        ("t", agent_id, TaskState::Running, "Reconciliation: Latest task state"),
        ("never", agent_id, TaskState::Gone, "Reconciliation: Task is unknown to the agent"),
        ("elsewhere", "no-such-agent", TaskState::Unknown, "Reconciliation: Task is unknown"),
    ] {
        let effects = world.call(&stream, &framework_id, reconcile(task_id, agent_id));
        let status = statuses(&effects, &stream).pop().unwrap();
        assert_eq!((status.state, status.message.as_deref()), (state, Some(message)));
        assert_eq!((status.reason, status.uuid), (Some(Reason::Reconciliation), None));
    }
    let effects = world.call(&stream, &framework_id, Action::Reconcile(Reconcile::default()));
    let all = statuses(&effects, &stream);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].executor_id.clone(), all[0].healthy), (Some("exec".into()), Some(true)));
}
