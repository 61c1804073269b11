//! Whatever happens in whatever order, the books stay right.

use std::collections::BTreeMap;

use mesos::{AgentID, Resources};
use proptest::prelude::*;

use super::*;

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Subscribe { roles: u8, again: Option<u8> },
    CloseStream(u8),
    Teardown(u8),
    Register(u8),
    CloseLink(u8),
    Leave(u8),
    Launch { offer: u8, second: Option<u8>, cpus: u8, executor: u8 },
    Decline { offer: u8, seconds: u8 },
    Update { task: u8, state: u8 },
    Acknowledge(u8),
    ExecutorExit(u8),
    Kill(u8),
    Reconcile(u8),
    Revive(u8),
    Pass(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let any = || any::<u8>();
    prop_oneof![
        (any(), proptest::option::of(any())).prop_map(|(roles, again)| Step::Subscribe { roles, again }),
        any().prop_map(Step::CloseStream),
        any().prop_map(Step::Teardown),
        any().prop_map(Step::Register),
        any().prop_map(Step::Register),
        any().prop_map(Step::CloseLink),
        any().prop_map(Step::Leave),
        (any(), proptest::option::of(any()), any(), any()).prop_map(|(offer, second, cpus, executor)| Step::Launch {
            offer,
            second,
            cpus,
            executor
        }),
        (any(), any(), any()).prop_map(|(offer, cpus, executor)| Step::Launch { offer, second: None, cpus, executor }),
        (any(), any()).prop_map(|(offer, seconds)| Step::Decline { offer, seconds }),
        (any(), any()).prop_map(|(task, state)| Step::Update { task, state }),
        any().prop_map(Step::Acknowledge),
        any().prop_map(Step::ExecutorExit),
        any().prop_map(Step::Kill),
        any().prop_map(Step::Reconcile),
        any().prop_map(Step::Revive),
        any().prop_map(Step::Pass),
    ]
}

fn choose<T>(items: Vec<T>, number: u8) -> Option<T> {
    let count = items.len();
    items.into_iter().nth(usize::from(number) % count.max(1))
}

/// A world, and what its agents hold: that lives on when the master forgets it.
struct Play {
    world: World,
    launched: u32,
    links: u32,
    held: BTreeMap<AgentID, Registration>,
}

impl Play {
    fn stream(&self, number: u8) -> Option<(String, FrameworkID)> {
        let connected = self.world.core.frameworks.iter();
        let connected = connected.filter_map(|(id, framework)| Some((framework.stream()?.to_owned(), id.clone())));
        choose(connected.collect(), number)
    }

    fn task(&self, number: u8) -> Option<Task> {
        let tasks = self.world.core.frameworks.values().flat_map(|framework| framework.tasks.values());
        choose(tasks.map(|live| live.task.clone()).collect(), number)
    }

    fn link(&self, agent_id: &AgentID) -> Option<String> {
        self.world.core.agents.get(agent_id).and_then(super::super::Agent::link).map(str::to_owned)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Subscribe { roles, again } => {
                let roles: &[&str] = [&["*"][..], &["public"], &["*", "public"]][usize::from(roles) % 3];
                let id = again.and_then(|number| choose(self.world.core.frameworks.keys().cloned().collect(), number));
                self.world.subscribe(FrameworkInfo { id, ..info(roles) });
            }
            Step::CloseStream(number) => {
                if let Some((stream, _)) = self.stream(number) {
                    self.world.core.stream_closed(self.world.now, &stream);
                }
            }
            Step::Teardown(number) if number < 60 => {
                if let Some((stream, id)) = self.stream(number) {
                    self.world.call(&stream, &id, Action::Teardown);
                }
            }
            Step::Register(number) => self.register(number),
            Step::CloseLink(number) => {
                let agents: Vec<_> = self.world.core.agents.keys().cloned().collect();
                if let Some(link) = choose(agents, number).and_then(|id| self.link(&id)) {
                    self.world.core.link_closed(self.world.now, &link);
                }
            }
            Step::Leave(number) if number < 60 => {
                let agents: Vec<_> = self.world.core.agents.keys().cloned().collect();
                if let Some(link) = choose(agents, number).and_then(|id| self.link(&id)) {
                    self.world.says(&link, FromAgent::Unregister);
                }
            }
            Step::Launch { offer, second, cpus, executor } => self.launch(offer, second, cpus, executor),
            Step::Decline { offer, seconds } => {
                let offers: Vec<_> = self.world.core.offers.values().map(|open| open.offer.clone()).collect();
                if let Some(offer) = choose(offers, offer)
                    && let Some(stream) = self.world.core.frameworks[&offer.framework_id].stream().map(str::to_owned)
                {
                    let filters = Some(Filters { refuse_seconds: f64::from(seconds) });
                    let decline = Decline { offer_ids: vec![offer.id], filters };
                    self.world.call(&stream, &offer.framework_id, Action::Decline(decline));
                }
            }
            Step::Update { task, state } => {
                let states = [TaskState::Starting, TaskState::Running, TaskState::Finished, TaskState::Failed];
                if let Some(task) = self.task(task)
                    && let Some(link) = self.link(&task.agent_id)
                {
                    let state = states[usize::from(state) % states.len()];
                    self.world.update(&link, &task.framework_id, task.task_id.as_str(), state);
                }
            }
            Step::Acknowledge(number) => {
                if let Some(task) = self.task(number)
                    && let Some(stream) = self.world.core.frameworks[&task.framework_id].stream().map(str::to_owned)
                    && let Some(uuid) = task.status_update_uuid.clone()
                {
                    self.world.acknowledge(&stream, &task.framework_id, &task, uuid);
                }
            }
            Step::ExecutorExit(number) => {
                if let Some(task) = self.task(number)
                    && let Some(link) = self.link(&task.agent_id)
                {
                    let executor_id = task.executor_id.unwrap();
                    let exited = FromAgent::ExecutorExited { framework_id: task.framework_id, executor_id, status: 0 };
                    self.world.says(&link, exited);
                }
            }
            Step::Kill(number) => {
                if let Some((stream, id)) = self.stream(number) {
                    let task_id = self.task(number).map_or_else(|| "never".into(), |task| task.task_id);
                    self.world.call(&stream, &id, Action::Kill(Kill { task_id, agent_id: None, kill_policy: None }));
                }
            }
            Step::Reconcile(number) => {
                if let Some((stream, id)) = self.stream(number) {
                    self.world.call(&stream, &id, Action::Reconcile(Reconcile::default()));
                }
            }
            Step::Revive(number) => {
                if let Some((stream, id)) = self.stream(number) {
                    self.world.call(&stream, &id, Action::Revive(Roles::default()));
                }
            }
            Step::Pass(seconds) => self.world.pass(u64::from(seconds) / 2),
            Step::Teardown(_) | Step::Leave(_) => {}
        }
    }

    /// An agent comes: a new one, or one that was here before with all or some of what it holds.
    fn register(&mut self, number: u8) {
        self.links += 1;
        let link = format!("link-{}", self.links);
        let known: Vec<_> = self.held.values().cloned().collect();
        let registration = match choose(known, number) {
            Some(mut registration) if !number.is_multiple_of(4) => {
                if number % 4 == 1 {
                    registration.tasks.pop();
                }
                registration
            }
            _ => {
                agent(i32::from(number) % 5 + 5051, "cpus:4;mem:1024;ports:[1000-1999];cpus(public):2;mem(public):512")
            }
        };
        self.world.register(&link, registration);
    }

    fn launch(&mut self, offer: u8, second: Option<u8>, cpus: u8, executor_id: u8) {
        let offers: Vec<_> = self.world.core.offers.values().map(|open| open.offer.clone()).collect();
        let Some(offer) = choose(offers.clone(), offer) else { return };
        let Some(stream) = self.world.core.frameworks[&offer.framework_id].stream().map(str::to_owned) else { return };
        self.launched += 1;
        let reserved = offer.resources.iter().any(|part| !part.reservations.is_empty());
        let role = if reserved && cpus.is_multiple_of(2) { "(public)" } else { "" };
        let resources = format!("cpus{role}:{};mem{role}:{}", f64::from(cpus % 8 + 1) / 4.0, u32::from(cpus) + 1);
        let mut task = task(&format!("t{}", self.launched), &offer, &resources);
        task.executor = Some(executor(&format!("e{}", executor_id % 3)));
        let mut offer_ids = vec![offer.id.clone()];
        offer_ids.extend(second.and_then(|number| choose(offers, number)).map(|offer| offer.id));
        let accept = Accept { offer_ids, operations: vec![Operation::launch(vec![task])], filters: None };
        self.world.call(&stream, &offer.framework_id, Action::Accept(accept));
    }

    /// Remembers what the agents hold, as the master knows it now.
    fn remember(&mut self) {
        let core = &self.world.core;
        for (id, known) in &core.agents {
            let mut registration =
                agent(known.info.port, "cpus:4;mem:1024;ports:[1000-1999];cpus(public):2;mem(public):512");
            registration.agent.id = Some(id.clone());
            registration.executors = known.executors.values().cloned().collect();
            for framework in core.frameworks.values() {
                registration.frameworks.push(framework.info.clone());
                let own = framework.tasks.values().filter(|live| live.task.agent_id == *id);
                registration.tasks.extend(own.map(|live| live.task.clone()));
            }
            self.held.insert(id.clone(), registration);
        }
    }
}

/// All that the books have to agree in.
fn check(core: &Core) {
    for (id, agent) in &core.agents {
        let tasks = core.frameworks.values().flat_map(|framework| framework.tasks.values());
        let tasks = tasks.filter(|live| live.task.agent_id == *id && !live.task.state.is_terminal());
        let mut used: Resources = tasks.flat_map(|live| live.task.resources.iter()).collect();
        agent.executors.values().for_each(|info| used.add(&Resources::from(&info.resources)));
        let offers = core.offers.values().filter(|open| open.offer.agent_id == *id);
        let mut offered = Resources::new();
        offers.for_each(|open| offered.add(&open.resources));
        for (what, own, sum) in [("used", &agent.used, &used), ("offered", &agent.offered, &offered)] {
            assert!(own.contains(sum) && sum.contains(own), "{what} at {id}: {own} is not {sum}");
        }
        let mut all = used.unallocated();
        all.add(&offered.unallocated());
        assert!(agent.total.contains(&all), "{id} has {} and gave {all}", agent.total);
        assert!(agent.executors.keys().all(|(framework_id, _)| core.frameworks.contains_key(framework_id)));
    }
    for open in core.offers.values() {
        assert!(core.frameworks[&open.offer.framework_id].stream().is_some(), "offers are made to who listens");
        assert!(core.agents[&open.offer.agent_id].link().is_some(), "offers are made of who is there");
    }
    for framework in core.frameworks.values() {
        assert!(
            framework.tasks.values().all(|live| core.agents.contains_key(&live.task.agent_id)),
            "tasks run somewhere"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn the_books_are_right_after_every_step(steps in proptest::collection::vec(step(), 1..80)) {
        let mut play = Play { world: World::new(), launched: 0, links: 0, held: BTreeMap::new() };
        for step in steps {
            play.take(step);
            play.remember();
            play.world.core.take_effects();
            check(&play.world.core);
        }
    }
}
