//! The agent's decisions, without disk, processes or network.

use std::time::{Duration, Instant};

use mesos::container::ContainerType;
use mesos::executor::{Action, Call, Event, Subscribe, Update};
use mesos::framework::FrameworkCapabilityType;
use mesos::{
    AgentInfo, Bytes, CommandInfo, ContainerInfo, ExecutorInfo, FrameworkInfo, Reason, Source, TaskInfo, TaskState,
    TaskStatus,
};

use super::{Core, Refusal, Settings};
use crate::agent::checkpoint::{Recovered, RecoveredExecutor, RecoveredFramework, RecoveredTask};
use crate::agent::effect::{Effect, Record};
use crate::agent::executor::Phase;
use crate::agent::flags::Flags;
use crate::agent::paths::{Paths, Run};
use crate::agent::process::Identity;
use crate::link::{FromAgent, RunTask, ToAgent};

/// A core that is linked, and what it wanted done so far.
struct Agent {
    core: Core,
    now: Instant,
}

impl Agent {
    fn new() -> Self {
        let flags = Flags::read(vec!["--master=m:5050".into(), "--work_dir=/w".into()]).unwrap();
        let settings =
            Settings { flags, paths: Paths::new("/w"), ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 5051 };
        let mut core = Core::new(settings, AgentInfo { hostname: "h".into(), ..AgentInfo::default() });
        core.link("a-S0".into());
        Self { core, now: Instant::now() }
    }

    fn effects(&mut self) -> Vec<Effect> {
        self.core.take_effects(self.now)
    }

    fn order(&mut self, order: ToAgent) -> Vec<Effect> {
        self.core.obey(self.now, order);
        self.effects()
    }

    fn launch(&mut self, task: &str) -> Vec<Effect> {
        self.order(ToAgent::RunTask(Box::new(RunTask {
            framework: framework(),
            task: task_of(task),
            launch_executor: true,
        })))
    }

    fn call(&mut self, action: Action) -> Result<Vec<Effect>, Refusal> {
        let call = Call { executor_id: "e".into(), framework_id: "f".into(), action };
        self.core.admit(&call)?;
        self.core.serve(self.now, call);
        Ok(self.effects())
    }

    fn subscribe(&mut self) -> Vec<Effect> {
        self.call(Action::Subscribe(Subscribe::default())).unwrap()
    }

    fn update(&mut self, task: &str, state: TaskState, uuid: u128) -> Vec<Effect> {
        self.call(Action::Update(Update { status: status(task, state, uuid) })).unwrap()
    }

    fn acknowledge(&mut self, task: &str, uuid: u128) -> Vec<Effect> {
        self.order(ToAgent::Acknowledge { framework_id: "f".into(), task_id: task.into(), uuid: bytes(uuid) })
    }

    fn run(&self) -> Run {
        self.core.executors().next().unwrap().1.run.clone()
    }

    /// Acknowledges all updates in the effects, as a scheduler does, until there are none.
    fn settle(&mut self, mut effects: Vec<Effect>) {
        while let Some(status) = reported(&effects).first().cloned() {
            let (task_id, uuid) = (status.task_id, status.uuid.unwrap());
            effects = self.order(ToAgent::Acknowledge { framework_id: "f".into(), task_id, uuid });
        }
    }
}

fn framework() -> FrameworkInfo {
    FrameworkInfo {
        id: Some("f".into()),
        checkpoint: true,
        capabilities: [FrameworkCapabilityType::PartitionAware, FrameworkCapabilityType::ReservationRefinement]
            .map(Into::into)
            .to_vec(),
        ..FrameworkInfo::default()
    }
}

fn task_of(task: &str) -> TaskInfo {
    let executor = ExecutorInfo {
        executor_id: "e".into(),
        command: Some(CommandInfo { value: Some("run".into()), ..CommandInfo::default() }),
        ..ExecutorInfo::default()
    };
    TaskInfo { task_id: task.into(), executor: Some(executor), ..TaskInfo::default() }
}

fn bytes(uuid: u128) -> Bytes {
    Bytes(uuid.to_be_bytes().to_vec())
}

fn status(task: &str, state: TaskState, uuid: u128) -> TaskStatus {
    let (source, uuid) = (Some(Source::Executor), Some(bytes(uuid)));
    TaskStatus { task_id: task.into(), state, source, uuid, ..TaskStatus::default() }
}

/// What an effect is, in a word.
fn word(effect: &Effect) -> &'static str {
    match effect {
        Effect::Store(Record::Framework { .. }) => "store framework",
        Effect::Store(Record::Executor { .. }) => "store executor",
        Effect::Store(Record::Task { .. }) => "store task",
        Effect::Store(Record::Update { .. }) => "store update",
        Effect::Store(Record::Acknowledged { .. }) => "store acknowledgement",
        Effect::Store(Record::Subscribed(_)) => "store subscribed",
        Effect::Store(Record::Terminated(_)) => "store terminated",
        Effect::Store(Record::ForgetRun(_)) => "forget run",
        Effect::Store(Record::ForgetFramework { .. }) => "forget framework",
        Effect::Launch(_) => "launch",
        Effect::Destroy { .. } => "destroy",
        Effect::Watch { .. } => "watch",
        Effect::Tell { event, .. } => event.type_name(),
        Effect::HangUp(_) => "hang up",
        Effect::Report(FromAgent::Update { .. }) => "report update",
        Effect::Report(FromAgent::ExecutorExited { .. }) => "report exit",
        Effect::Report(_) => "report",
        Effect::End(_) => "end",
    }
}

fn words(effects: &[Effect]) -> Vec<&'static str> {
    effects.iter().map(word).collect()
}

fn reported(effects: &[Effect]) -> Vec<TaskStatus> {
    let updates = effects.iter().filter_map(|effect| match effect {
        Effect::Report(FromAgent::Update { status, .. }) => Some((**status).clone()),
        _ => None,
    });
    updates.collect()
}

fn outcome(effects: &[Effect]) -> Vec<(String, TaskState, Option<Reason>, Option<String>)> {
    let reported = reported(effects).into_iter();
    reported.map(|status| (status.task_id.value, status.state, status.reason, status.message)).collect()
}

fn ended(
    task: &str,
    state: TaskState,
    reason: Reason,
    message: &str,
) -> (String, TaskState, Option<Reason>, Option<String>) {
    (task.to_owned(), state, Some(reason), Some(message.to_owned()))
}

#[test]
fn a_command_that_wants_a_container_is_not_run_without_it() {
    let mut agent = Agent::new();
    let command = Some(CommandInfo { value: Some("rm -rf /tmp/x".into()), shell: true, ..CommandInfo::default() });
    let container = Some(ContainerInfo { r#type: ContainerType::Docker, ..ContainerInfo::default() });
    let task = TaskInfo { task_id: "t".into(), command, container: container.clone(), ..TaskInfo::default() };
    let run = RunTask { framework: framework(), task, launch_executor: true };
    let effects = agent.order(ToAgent::RunTask(Box::new(run)));
    let launched = effects.iter().find_map(|effect| match effect {
        Effect::Launch(launch) => Some(launch.executor.container.clone()),
        _ => None,
    });
    assert_eq!(launched, Some(container), "the launcher, which refuses it, hears of it");
}

#[test]
fn tasks_wait_until_their_executor_subscribes() {
    let mut agent = Agent::new();
    assert_eq!(words(&agent.launch("t1")), ["store framework", "store executor", "launch"]);
    assert!(agent.launch("t2").is_empty());
    let expected = ["store subscribed", "SUBSCRIBED", "store task", "LAUNCH", "store task", "LAUNCH"];
    assert_eq!(words(&agent.subscribe()), expected);
    assert_eq!(words(&agent.launch("t3")), ["store task", "LAUNCH"]);
    assert!(agent.launch("t3").is_empty(), "a task is launched once");
}

#[test]
fn an_update_is_stored_before_it_is_acknowledged_and_completed_by_the_scheduler() {
    let mut agent = Agent::new();
    agent.launch("t1");
    agent.subscribe();
    assert_eq!(words(&agent.update("t1", TaskState::Running, 1)), ["store update", "ACKNOWLEDGED", "report update"]);
    assert_eq!(words(&agent.update("t1", TaskState::Running, 1)), ["ACKNOWLEDGED"], "the executor did not hear it");
    assert_eq!(words(&agent.update("t1", TaskState::Finished, 2)), ["store update", "ACKNOWLEDGED"]);
    assert_eq!(words(&agent.acknowledge("t1", 1)), ["store acknowledgement", "report update"]);
    assert_eq!(agent.core.executors().next().unwrap().1.tasks.len(), 1, "it is here until its end is acknowledged");
    assert_eq!(words(&agent.acknowledge("t1", 2)), ["store acknowledgement"]);
    assert!(agent.core.executors().next().unwrap().1.tasks.is_empty());
    assert_eq!(words(&agent.update("t1", TaskState::Failed, 3)), ["ACKNOWLEDGED"], "what is over is over");
}

#[test]
fn the_agent_says_where_a_task_runs() {
    let mut agent = Agent::new();
    agent.launch("t1");
    let run = agent.run();
    agent.core.started(&run, Identity { pid: 7, started: 1, boot: String::new() });
    agent.subscribe();
    let status = reported(&agent.update("t1", TaskState::Running, 1)).remove(0);
    assert_eq!((status.agent_id, status.executor_id), (Some("a-S0".into()), Some("e".into())));
    let container = status.container_status.unwrap();
    assert_eq!(container.executor_pid, Some(7));
    assert_eq!(container.container_id.unwrap().value, run.container);
    assert_eq!(container.network_infos[0].ip_addresses[0].ip_address.as_deref(), Some("127.0.0.1"));
}

#[test]
fn an_executors_end_ends_its_tasks_as_recorded() {
    let mut agent = Agent::new();
    agent.launch("t1");
    agent.subscribe();
    agent.update("t1", TaskState::Running, 1);
    agent.acknowledge("t1", 1);
    let run = agent.run();
    agent.core.exited(&run, Some(768));
    let effects = agent.effects();
    assert!(matches!(&effects[1], Effect::Report(FromAgent::ExecutorExited { status: 768, .. })), "{effects:?}");
    let failed = ended("t1", TaskState::Failed, Reason::ExecutorTerminated, "Executor terminated");
    assert_eq!(outcome(&effects), [failed]);
    assert_eq!(reported(&effects)[0].container_status, None);
    agent.settle(effects);
    assert!(agent.core.frameworks.is_empty(), "nothing is left to wait for");
    assert_eq!(agent.core.completed[0].completed[0].completed.len(), 1);
}

/// The master put the executor on its books anew while its last run is still waiting for acknowledgements here. Without a second
/// report it would name that executor in its offers for ever.
#[test]
fn an_executor_that_is_not_started_for_its_last_run_is_reported_as_gone() {
    let mut agent = Agent::new();
    agent.launch("t1");
    agent.subscribe();
    agent.core.exited(&agent.run(), Some(0));
    agent.effects();
    let effects = agent.launch("t2");
    let dropped = ended("t2", TaskState::Dropped, Reason::ExecutorTerminated, "Executor terminated");
    assert_eq!(outcome(&effects), [dropped]);
    assert!(words(&effects).contains(&"report exit"), "{effects:?}");
    let (framework, task) = (framework(), task_of("t3"));
    let effects = agent.order(ToAgent::RunTask(Box::new(RunTask { framework, task, launch_executor: false })));
    assert!(!words(&effects).contains(&"report exit"), "the master knows, or will: {effects:?}");
}

#[test]
fn an_executor_that_does_not_register_or_start_fails_its_tasks() {
    let mut agent = Agent::new();
    agent.launch("t1");
    agent.now = agent.core.next_deadline().unwrap();
    agent.core.expire(agent.now);
    assert_eq!(words(&agent.effects()), ["destroy"]);
    let run = agent.run();
    agent.core.exited(&run, None);
    let timeout =
        ended("t1", TaskState::Failed, Reason::ExecutorRegistrationTimeout, "Executor did not register within 1mins");
    let effects = agent.effects();
    assert_eq!(outcome(&effects), [timeout]);
    agent.settle(effects);

    agent.launch("t2");
    let run = agent.run();
    agent.core.launch_failed(&run, "no such file");
    let failed =
        ended("t2", TaskState::Failed, Reason::ContainerLaunchFailed, "Failed to launch container: no such file");
    assert_eq!(outcome(&agent.effects()), [failed]);
}

#[test]
fn a_kill_reaches_the_executor_or_ends_what_waits_for_it() {
    let mut agent = Agent::new();
    let kill = |task: &str| ToAgent::KillTask { framework_id: "f".into(), task_id: task.into(), kill_policy: None };
    agent.launch("t1");
    let message = "Killed before delivery to the executor";
    let killed = ended("t1", TaskState::Killed, Reason::TaskKilledDuringLaunch, message);
    assert_eq!(outcome(&agent.order(kill("t1"))), [killed]);
    assert_eq!(words(&agent.subscribe()), ["SHUTDOWN"], "an executor without a task has nothing to do");

    let mut agent = Agent::new();
    agent.launch("t1");
    agent.subscribe();
    assert_eq!(words(&agent.order(kill("t1"))), ["KILL"]);
    let dropped = ended("t9", TaskState::Dropped, Reason::ExecutorTerminated, "Cannot find executor");
    assert_eq!(outcome(&agent.order(kill("t9"))), [dropped]);
}

#[test]
fn a_shutdown_has_a_grace_period() {
    let mut agent = Agent::new();
    agent.launch("t1");
    agent.subscribe();
    let shutdown = ToAgent::ShutdownExecutor { framework_id: "f".into(), executor_id: "e".into() };
    assert_eq!(words(&agent.order(shutdown)), ["SHUTDOWN"]);
    assert_eq!(agent.core.next_deadline().unwrap() - agent.now, Duration::from_secs(5));
    let late = ended("t2", TaskState::Dropped, Reason::ExecutorTerminated, "Executor terminating");
    assert_eq!(outcome(&agent.launch("t2")), [late]);
    agent.now += Duration::from_secs(5);
    agent.core.expire(agent.now);
    assert_eq!(words(&agent.effects()), ["destroy"]);
}

#[test]
fn a_framework_that_is_over_leaves_nothing_behind() {
    let mut agent = Agent::new();
    agent.launch("t1");
    agent.subscribe();
    agent.update("t1", TaskState::Running, 1);
    assert_eq!(words(&agent.order(ToAgent::ShutdownFramework { framework_id: "f".into() })), ["SHUTDOWN"]);
    agent.update("t1", TaskState::Killed, 2);
    let run = agent.run();
    agent.core.exited(&run, Some(0));
    let effects = words(&agent.effects());
    assert_eq!(effects, ["hang up", "report exit", "store terminated", "forget run", "forget framework"]);
    assert_eq!(agent.core.next_deadline(), None);
    assert!(agent.core.registration().frameworks.is_empty());
}

#[test]
fn a_command_runs_under_the_agents_own_executor() {
    let mut agent = Agent::new();
    let command = Some(CommandInfo { value: Some("exit 0".into()), ..CommandInfo::default() });
    let task = TaskInfo { task_id: "c".into(), command, ..TaskInfo::default() };
    let effects =
        agent.order(ToAgent::RunTask(Box::new(RunTask { framework: framework(), task, launch_executor: true })));
    let Some(Effect::Launch(launch)) = effects.last() else { panic!("{effects:?}") };
    assert!(launch.is_command);
    assert_eq!(launch.executor.executor_id, "c".into());
    assert_eq!(launch.executor.name.as_deref(), Some("Command Executor (Task: c) (Command: sh -c 'exit 0')"));
    assert_eq!(agent.core.registration().executors, [], "the master knows its task alone");
    let run = agent.run();
    agent.core.exited(&run, Some(0));
    assert!(!words(&agent.effects()).contains(&"report exit"));
}

#[test]
fn calls_of_strangers_are_refused() {
    let mut agent = Agent::new();
    let message = || Action::Message(mesos::executor::Message::default());
    assert_eq!(agent.call(message()).unwrap_err(), Refusal::UnknownFramework);
    agent.launch("t1");
    assert_eq!(agent.call(message()).unwrap_err(), Refusal::NotSubscribed);
    agent.subscribe();
    assert_eq!(words(&agent.call(message()).unwrap()), ["report"]);
    let call = Call { executor_id: "x".into(), framework_id: "f".into(), action: message() };
    assert_eq!(agent.core.admit(&call), Err(Refusal::UnknownExecutor));
}

/// What an agent that was killed left: one executor with a task that runs, and one that it was never given.
fn left_behind(process: Option<Identity>) -> Recovered {
    let run = Run { agent: "a-S0".into(), framework: "f".into(), executor: "e".into(), container: "c".into() };
    let task = |task: &str, updates| RecoveredTask { info: task_of(task), updates, acknowledged: Vec::new() };
    let tasks = vec![task("t1", vec![status("t1", TaskState::Running, 1)]), task("t2", Vec::new())];
    let info = ExecutorInfo { framework_id: Some("f".into()), ..task_of("t1").executor.unwrap() };
    let executor = RecoveredExecutor { info, run, is_command: false, process, is_terminated: false, tasks };
    let framework = RecoveredFramework { info: framework(), executors: vec![executor] };
    Recovered { agent: Some("a-S0".into()), frameworks: vec![framework], errors: 0 }
}

fn restarted(process: Option<Identity>) -> Agent {
    let mut agent = Agent::new();
    agent.core.unlink();
    agent.core.recover(agent.now, left_behind(process));
    agent
}

#[test]
fn a_live_executor_is_taken_up_again() {
    let me = Identity::of(i32::try_from(std::process::id()).unwrap());
    let mut agent = restarted(me);
    assert!(agent.core.is_recovering());
    assert_eq!(words(&agent.effects()), ["watch"]);
    let call = Action::Update(Update { status: status("t1", TaskState::Finished, 2) });
    assert_eq!(agent.call(call).unwrap_err(), Refusal::Recovering);
    let effects = agent.subscribe();
    assert_eq!(words(&effects), ["store update", "store subscribed", "SUBSCRIBED"]);
    assert!(!agent.core.is_recovering());
    let registration = agent.core.registration();
    let states: Vec<_> = registration.tasks.iter().map(|task| (task.task_id.as_str(), task.state)).collect();
    assert_eq!(states, [("t1", TaskState::Running), ("t2", TaskState::Dropped)]);
    assert_eq!(registration.tasks[0].status_update_uuid, Some(bytes(1)));
    agent.core.link("a-S0".into());
    let lost = ended("t2", TaskState::Dropped, Reason::AgentRestarted, "Task launched during agent restart");
    assert!(outcome(&agent.effects()).contains(&lost));
}

#[test]
fn an_executor_that_does_not_come_back_is_ended() {
    let mut agent = restarted(Identity::of(i32::try_from(std::process::id()).unwrap()));
    agent.effects();
    agent.now = agent.core.next_deadline().unwrap();
    agent.core.expire(agent.now);
    assert_eq!(words(&agent.effects()), ["destroy"]);
    let run = agent.run();
    agent.core.exited(&run, None);
    agent.core.link("a-S0".into());
    let effects = agent.effects();
    let running = reported(&effects).remove(0);
    assert_eq!(running.state, TaskState::Running, "its earlier update was never acknowledged and comes first");
    let next = agent.acknowledge("t1", 1);
    let message = "Executor did not reregister within 2secs";
    assert_eq!(outcome(&next), [ended("t1", TaskState::Gone, Reason::ExecutorReregistrationTimeout, message)]);
}

#[test]
fn an_executor_that_died_with_the_agent_has_failed_its_tasks() {
    let dead = Identity { pid: i32::MAX, started: 1, boot: "another boot".into() };
    for process in [Some(dead), None] {
        let mut agent = restarted(process);
        assert!(!agent.core.is_recovering());
        assert!(agent.core.executors().all(|(_, executor)| executor.phase == Phase::Terminated));
        agent.core.link("a-S0".into());
        let effects = agent.effects();
        let failed = ended("t2", TaskState::Failed, Reason::ExecutorTerminated, "Executor terminated");
        assert!(outcome(&effects).contains(&failed));
        for status in reported(&effects) {
            let (task_id, uuid) = (status.task_id, status.uuid.unwrap());
            let more = agent.order(ToAgent::Acknowledge { framework_id: "f".into(), task_id, uuid });
            agent.settle(more);
        }
        assert!(agent.core.frameworks.is_empty());
    }
}

#[test]
fn events_for_an_executor_that_is_away_are_not_kept() {
    let mut agent = Agent::new();
    agent.launch("t1");
    let message = ToAgent::Message { framework_id: "f".into(), executor_id: "e".into(), data: Bytes::default() };
    assert!(agent.order(message.clone()).is_empty());
    agent.subscribe();
    let effects = agent.order(message);
    assert!(matches!(&effects[0], Effect::Tell { event, .. } if matches!(**event, Event::Message(_))));
}
