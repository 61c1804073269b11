//! The machine's story, event by event: what it hears and what it then wants done.

use super::agents::{REFUSE_OTHER, REFUSE_UNTOLD};
use super::kills::KILL_AGAIN;
use super::*;
use mesos::{Offer, Source, TaskInfo, TaskState, TaskStatus};
use serde_json::{Value, json};

use crate::annotations as keys;
use crate::effect::EventKind;

/// A machine with a clock of its own, on whose ear events are told.
struct Story {
    machine: Machine,
    now: Instant,
    offers: u32,
}

impl Story {
    fn begin(prelaunch: bool) -> Self {
        let roles = vec!["*".to_owned()];
        let settings = Settings {
            charges: Charges {
                cpus: 250,
                mem: 64_000,
                framework_roles: roles.clone(),
                pod_roles: roles,
                wildcard_ports: false,
            },
            executor: (250, 128_000),
            prelaunch,
            offer_ttl: Duration::from_secs(5),
            discovery: false,
            reconcile_interval: None,
        };
        let line = ["--api-servers=https://a:6443", "--km-path=file:///km"].map(str::to_owned).to_vec();
        let template = Template::of(&serve::flags::parse("scheduler", line, &[]).unwrap(), "");
        let mut story =
            Self { machine: Machine::new(settings, template, Metrics::default()), now: Instant::now(), offers: 0 };
        story.machine.pods_listed(Vec::new(), story.now);
        story.machine.nodes_listed(vec![node("slave1"), node("slave2")], story.now);
        story.machine.subscribed(story.now);
        story.effects();
        story
    }

    /// Lets time pass and returns what is to be done by then.
    fn after(&mut self, time: Duration) -> Vec<Effect> {
        self.now += time;
        self.effects()
    }

    /// What is to be done once a burst has been gathered.
    fn effects(&mut self) -> Vec<Effect> {
        self.now += GATHER;
        self.machine.tick(self.now);
        self.machine.take_effects()
    }

    fn offer(&mut self, host: &str, executors: &[&str]) -> Vec<Effect> {
        self.offer_of(host, &format!("agent-of-{host}"), executors)
    }

    fn offer_of(&mut self, host: &str, agent: &str, executors: &[&str]) -> Vec<Effect> {
        self.offers += 1;
        let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
        let ids: Vec<Value> = executors.iter().map(|id| json!({ "value": id })).collect();
        let offer: Offer = serde_json::from_value(json!({
            "id": {"value": format!("O{}", self.offers)}, "framework_id": {"value": "f"}, "agent_id": {"value": agent},
            "hostname": host, "resources": [scalar("cpus", 4.0), scalar("mem", 1280.0)], "executor_ids": ids
        }))
        .unwrap();
        self.machine.offered(&[offer], self.now);
        self.effects()
    }

    fn pod(&mut self, pod: Value) -> Vec<Effect> {
        self.machine.pod(serde_json::from_value(pod).unwrap(), self.now);
        self.effects()
    }

    fn status(&mut self, task: &TaskInfo, state: TaskState, source: Source, message: &str) -> Vec<Effect> {
        let status = TaskStatus {
            task_id: task.task_id.clone(),
            agent_id: Some(task.agent_id.clone()),
            state,
            source: Some(source),
            message: Some(message.to_owned()),
            uuid: Some(mesos::Bytes::uuid()),
            ..TaskStatus::default()
        };
        self.machine.update(&status, self.now);
        self.effects()
    }

    /// A pod that runs on slave1, as the API server then shows it, and its task.
    fn running(&mut self, name: &str) -> (Value, TaskInfo) {
        self.pod(pod(name));
        let task = tasks(&self.offer("slave1", &[])).remove(0);
        self.status(&task, TaskState::Starting, Source::Executor, "create-binding-success");
        self.status(&task, TaskState::Running, Source::Executor, "pod-running");
        let mut bound: Value = serde_json::from_slice(&task.data.clone().unwrap().0).unwrap();
        bound["spec"]["nodeName"] = json!("slave1");
        bound["status"] = json!({"phase": "Running"});
        self.pod(bound.clone());
        (bound, task)
    }
}

fn node(name: &str) -> Node {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})).unwrap()
}

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}")},
           "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Pending"}})
}

fn actions(effects: &[Effect]) -> Vec<&Action> {
    effects.iter().filter_map(|effect| if let Effect::Mesos(action) = effect { Some(action) } else { None }).collect()
}

fn tasks(effects: &[Effect]) -> Vec<TaskInfo> {
    let accepts = actions(effects).into_iter().filter_map(|action| match action {
        Action::Accept(accept) => Some(accept.operations[0].launch.clone().unwrap().task_infos),
        _ => None,
    });
    accepts.flatten().collect()
}

fn calls(effects: &[Effect]) -> Vec<&'static str> {
    actions(effects).into_iter().map(Action::type_name).collect()
}

fn deletes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::DeletePod(_)))
}

#[test]
fn pods_that_wait_share_the_first_offer() {
    let mut story = Story::begin(false);
    assert!(actions(&story.pod(pod("a"))).is_empty());
    story.pod(pod("b"));
    let effects = story.offer("slave1", &[]);
    assert_eq!(calls(&effects), ["ACCEPT"]);
    let tasks = tasks(&effects);
    assert_eq!(tasks.iter().map(|task| task.name.as_str()).collect::<Vec<_>>(), ["a.default.pod", "b.default.pod"]);
    assert_eq!(tasks[0].executor, tasks[1].executor, "one executor, to the byte");
    let scheduled =
        |e: &&Effect| matches!(e, Effect::Event(_, EventKind::Scheduled, text) if text.ends_with("to slave1"));
    assert_eq!(effects.iter().filter(scheduled).count(), 2);
}

#[test]
fn a_later_task_names_the_executor_as_it_runs() {
    let mut story = Story::begin(false);
    story.pod(pod("a"));
    let first = tasks(&story.offer("slave1", &[])).remove(0).executor.unwrap();
    story.after(Duration::from_secs(10));
    story.pod(pod("b"));
    let id = first.executor_id.value.clone();
    assert_eq!(tasks(&story.offer("slave1", &[&id]))[0].executor.as_ref(), Some(&first));
}

#[test]
fn an_offer_that_comes_before_its_node_does_not_fix_what_is_known_of_the_executor() {
    let mut story = Story::begin(false);
    let id = story.machine.template.id.value.clone();
    // as after a scheduler's restart: Mesos is quicker than the API server
    story.machine.nodes_listed(Vec::new(), story.now);
    story.offer("slave1", &[&id]);
    let recorded =
        json!([{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.25}, "allocation_info": {"role": "public"}}]);
    let mut known = node("slave1");
    let annotations = [(keys::EXECUTOR_ID, id), (keys::EXECUTOR_RESOURCES, recorded.to_string())];
    known.metadata.annotations = Some(annotations.map(|(key, value)| (key.to_owned(), value)).into());
    story.machine.nodes_listed(vec![known], story.now);
    let task = tasks(&story.pod(pod("a"))).remove(0);
    assert_eq!(serde_json::to_value(task.executor.unwrap().resources).unwrap(), recorded);
}

#[test]
fn an_agent_with_another_versions_executor_is_offered_again_once_the_pods_are_known() {
    let mut story = Story::begin(true);
    let refused = |effects: &[Effect]| match actions(effects)[..] {
        [.., Action::Decline(decline)] => decline.filters.unwrap().refuse_seconds,
        ref other => panic!("{other:?}"),
    };
    story.machine.pods_known = false;
    let early = story.offer("slave1", &["other"]);
    assert_eq!((calls(&early), refused(&early)), (vec!["DECLINE"], REFUSE_UNTOLD));
    story.machine.pods_listed(Vec::new(), story.now);
    story.effects();
    let effects = story.offer("slave1", &["other"]);
    assert_eq!((calls(&effects), refused(&effects)), (vec!["SHUTDOWN", "DECLINE"], REFUSE_OTHER));
}

#[test]
fn idle_offers_are_given_back_for_long_and_wanted_again_by_the_next_pod() {
    let mut story = Story::begin(false);
    story.offer("slave1", &[]);
    let effects = story.after(Duration::from_secs(5));
    assert!(matches!(actions(&effects)[0], Action::Decline(d) if d.filters.unwrap().refuse_seconds == REFUSE_IDLE));
    assert_eq!(calls(&story.pod(pod("a"))), ["REVIVE"]);
    assert!(calls(&story.after(Duration::from_secs(3))).is_empty(), "once is enough");
}

#[test]
fn why_a_pod_waits_is_told_once_and_repeated_by_its_backoff() {
    let mut story = Story::begin(false);
    let mut picky = pod("a");
    picky["spec"]["nodeSelector"] = json!({"rack": "9"});
    let effects = story.pod(picky);
    let told = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. \
                preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    assert!(effects.iter().any(|e| matches!(e, Effect::Unschedulable(_, text) if text == told)), "{effects:?}");
    let again = story.after(Duration::from_secs(2));
    assert!(!again.iter().any(|e| matches!(e, Effect::Unschedulable(..))), "{again:?}");
    assert!(again.iter().any(|e| matches!(e, Effect::Event(_, EventKind::FailedScheduling, text) if text == told)));
}

fn told(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Unschedulable(..) | Effect::Event(_, EventKind::FailedScheduling, _)))
}

#[test]
fn the_next_offer_is_awaited_in_silence_for_a_while() {
    let mut story = Story::begin(false);
    let mut heard = story.pod(pod("a"));
    heard.extend(story.after(Duration::from_secs(2)));
    assert!(!told(&heard), "{heard:?}");
    assert!(told(&story.after(Duration::from_secs(2))), "Mesos had its time");
    story.offer("slave1", &[]);

    story.pod(pod("b"));
    let heard = story.offer("slave1", &[]);
    assert!(!told(&heard), "{heard:?}");
    assert_eq!(tasks(&heard).len(), 1);
    assert!(!told(&story.after(Duration::from_secs(10))));
}

#[test]
fn offers_that_do_not_suffice_are_told_of_at_once() {
    let mut story = Story::begin(false);
    let mut big = pod("a");
    big["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "100"}});
    assert!(!told(&story.pod(big)));
    assert!(!told(&story.offer("slave1", &[])), "slave2 may have them");
    assert!(told(&story.offer("slave2", &[])));
    let later: Vec<_> = (0..3).flat_map(|_| story.after(Duration::from_secs(1))).collect();
    assert!(!calls(&later).contains(&"REVIVE"), "no offer helps: {later:?}");
}

#[test]
fn a_pod_right_after_another_takes_what_is_left_as_soon_as_it_is_offered() {
    let mut story = Story::begin(false);
    story.offer("slave1", &[]);
    story.after(Duration::from_secs(5));
    assert_eq!(calls(&story.pod(pod("a"))), ["REVIVE"]);
    assert_eq!(calls(&story.offer("slave1", &[])), ["ACCEPT"]);
    assert!(actions(&story.pod(pod("b"))).is_empty(), "Mesos was asked less than a second ago");
    let effects = story.offer("slave1", &[&story.machine.template.id.value.clone()]);
    assert_eq!(calls(&effects), ["ACCEPT"], "the rest comes by itself");
    assert!(!told(&effects) && calls(&story.after(Duration::from_secs(2))).is_empty());
}

#[test]
fn a_node_task_starts_the_executor_before_the_first_pod_and_again_when_it_died() {
    let mut story = Story::begin(true);
    let task = tasks(&story.offer("slave1", &[])).remove(0);
    assert_eq!((task.name.as_str(), task.data.clone().unwrap().0), ("k8sm-node", br#"{"kind":"NodeTask"}"#.to_vec()));
    story.status(&task, TaskState::Running, Source::Executor, "");
    let executor = task.executor.clone().unwrap().executor_id.value;
    assert!(tasks(&story.offer("slave1", &[&executor])).is_empty());
    let effects = story.status(&task, TaskState::Failed, Source::Agent, "Executor terminated");
    assert_eq!(calls(&effects), ["ACKNOWLEDGE", "ACCEPT"], "an offer was held");
    assert_eq!(tasks(&effects)[0].name, "k8sm-node");
}

#[test]
fn a_pod_lost_with_its_executor_is_launched_again_on_its_node() {
    let mut story = Story::begin(false);
    let (_, task) = story.running("a");
    story.status(&task, TaskState::Failed, Source::Agent, "Executor terminated");
    assert!(tasks(&story.offer("slave2", &[])).is_empty(), "its containers are on slave1");
    let again = tasks(&story.offer("slave1", &[])).remove(0);
    assert_ne!(again.task_id, task.task_id);
    let data: Value = serde_json::from_slice(&again.data.unwrap().0).unwrap();
    assert_eq!(data["metadata"]["uid"], "uid-a");
    assert_eq!(data["metadata"]["annotations"]["k8s.mesosphere.io/taskId"], again.task_id.value);
}

#[test]
fn the_former_tasks_annotations_do_not_bring_it_back() {
    let mut story = Story::begin(false);
    let (bound, task) = story.running("a");
    story.status(&task, TaskState::Failed, Source::Agent, "Executor terminated");
    assert!(calls(&story.pod(bound.clone())).is_empty(), "a status write between loss and relaunch");
    let again = tasks(&story.offer("slave1", &[])).remove(0);
    story.pod(bound);
    assert!(story.machine.show_tasks().contains(&again.task_id.value));
    assert!(story.machine.kills.is_empty());
}

#[test]
fn a_deleted_pod_is_killed_with_its_grace_until_mesos_says_so() {
    let mut story = Story::begin(false);
    let (mut bound, task) = story.running("a");
    bound["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    bound["metadata"]["deletionGracePeriodSeconds"] = json!(7);
    let effects = story.pod(bound.clone());
    let Action::Kill(kill) = actions(&effects)[0] else { panic!("{effects:?}") };
    let grace = kill.kill_policy.as_ref().unwrap().grace_period.as_ref().unwrap().duration();
    assert_eq!((&kill.task_id, grace), (&task.task_id, Duration::from_secs(7)));
    assert!(story.pod(bound).is_empty(), "not for every change");
    assert_eq!(calls(&story.after(KILL_AGAIN)), ["KILL"]);
    let effects = story.status(&task, TaskState::Killed, Source::Executor, "pod-deleted");
    assert!(!deletes(&effects), "the executor deletes the pod");
    assert!(story.after(KILL_AGAIN).is_empty());
}

#[test]
fn a_pod_that_never_had_a_task_is_deleted_here() {
    let mut story = Story::begin(false);
    let mut waiting = pod("a");
    story.pod(waiting.clone());
    waiting["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(deletes(&story.pod(waiting)));
    assert!(tasks(&story.offer("slave1", &[])).is_empty());
}

#[test]
fn a_pod_that_ended_is_not_launched_again() {
    let mut story = Story::begin(false);
    let (_, task) = story.running("a");
    story.status(&task, TaskState::Finished, Source::Executor, "");
    assert!(tasks(&story.offer("slave1", &[])).is_empty());
}

#[test]
fn a_launch_that_failed_is_tried_again_later() {
    let mut story = Story::begin(false);
    story.pod(pod("a"));
    let task = tasks(&story.offer("slave1", &[])).remove(0);
    let effects = story.status(&task, TaskState::Failed, Source::Executor, "launch-task-failed: no network");
    assert!(effects.iter().any(|e| matches!(e, Effect::Event(_, EventKind::FailedScheduling, _))), "{effects:?}");
    let mut launched = tasks(&story.offer("slave1", &[]));
    for _ in 0..8 {
        launched.extend(tasks(&story.after(Duration::from_millis(250))));
    }
    assert_eq!(launched.len(), 1, "within the first backoff's second");
}

#[test]
fn tasks_of_an_earlier_scheduler_are_found_by_annotations_and_asked_for() {
    let mut first = Story::begin(false);
    let (bound, task) = first.running("a");
    let mut second = Story::begin(false);
    let effects = second.pod(bound);
    let Action::Reconcile(asked) = actions(&effects)[0] else { panic!("{effects:?}") };
    assert_eq!(asked.tasks[0].task_id, task.task_id);
    assert!(tasks(&second.offer("slave1", &[])).is_empty(), "it has a task");
    second.status(&task, TaskState::Running, Source::Master, "Reconciliation: Latest task state");
    assert!(second.machine.show_tasks().contains("\t1\t"));
}

#[test]
fn a_task_that_mesos_does_not_know_is_launched_again_on_its_node() {
    let mut first = Story::begin(false);
    let (bound, task) = first.running("a");
    let mut second = Story::begin(false);
    second.pod(bound);
    second.status(&task, TaskState::Unknown, Source::Master, "Reconciliation: Task is unknown");
    let again = tasks(&second.offer("slave1", &[])).remove(0);
    assert_eq!(again.name, "a.default.pod");
}

#[test]
fn a_task_that_no_pod_knows_is_killed_after_a_while() {
    let mut story = Story::begin(false);
    let stranger = TaskInfo { task_id: "pod.x".into(), agent_id: "agent-of-slave1".into(), ..TaskInfo::default() };
    assert_eq!(calls(&story.status(&stranger, TaskState::Running, Source::Master, "")), ["ACKNOWLEDGE"]);
    assert_eq!(calls(&story.after(STRAY)), ["KILL"]);
}

#[test]
fn an_agent_under_a_new_id_has_lost_its_tasks() {
    let mut story = Story::begin(false);
    let (_, task) = story.running("a");
    let effects = story.offer_of("slave1", "another-agent", &[]);
    let again = tasks(&effects).remove(0);
    assert_eq!(again.agent_id, "another-agent".into());
    assert_ne!(again.task_id, task.task_id);
}

#[test]
fn an_unreachable_agent_costs_no_pod_its_life() {
    let mut story = Story::begin(false);
    let (_, task) = story.running("a");
    story.status(&task, TaskState::Unreachable, Source::Master, "health check timed out");
    assert!(tasks(&story.offer("slave2", &[])).is_empty());
    story.status(&task, TaskState::Running, Source::Master, "");
    assert!(story.machine.show_tasks().contains(&task.task_id.value));
}

#[test]
fn agents_with_another_executor_are_left_alone() {
    let mut story = Story::begin(true);
    let effects = story.offer("slave1", &["another_k8sm-executor"]);
    assert_eq!(calls(&effects), ["SHUTDOWN", "DECLINE"], "it has no pods: it may go");
    assert!(tasks(&effects).is_empty());
}

#[test]
fn nodes_are_made_from_offers() {
    let mut story = Story::begin(false);
    let effects = story.offer("slave9", &[]);
    assert!(matches!(&effects[0], Effect::EnsureNode { name, .. } if name == "slave9"), "{effects:?}");
    assert!(story.offer("slave9", &[]).is_empty(), "asked for once");
    assert!(story.offer("slave1", &[]).is_empty(), "there already");
}

#[test]
fn nothing_is_done_without_a_master() {
    let mut story = Story::begin(false);
    story.offer("slave1", &[]);
    story.machine.disconnected();
    assert!(story.pod(pod("a")).is_empty());
    assert_eq!(story.machine.deadline(), None);
    story.machine.subscribed(story.now);
    assert!(tasks(&story.effects()).is_empty(), "old offers are void");
}

#[test]
fn a_pod_of_higher_priority_has_others_go_once_and_gets_their_place() {
    let mut story = Story::begin(false);
    let room = json!({"cpu": "300m", "memory": "100Mi", "pods": "110"});
    let mut slave = node("slave1");
    slave.status = Some(serde_json::from_value(json!({"allocatable": room})).unwrap());
    story.machine.nodes_listed(vec![slave], story.now);
    let (low, task) = story.running("low");
    let mut high = pod("high");
    high["spec"]["priority"] = json!(1000);
    let effects = story.pod(high.clone());
    let victims = |effects: &[Effect]| {
        effects.iter().filter(|e| matches!(e, Effect::Preempt(name, text) if name.name == "low" && text == "Preempted by pod uid-high on node slave1")).count()
    };
    assert_eq!(victims(&effects), 1, "{effects:?}");
    assert!(
        effects.iter().any(|e| matches!(e, Effect::Nominate(name, node) if name.name == "high" && node == "slave1"))
    );
    // the object is seen again before its deletion is, and after
    let mut going = low;
    going["status"]["conditions"] = json!([{"type": "DisruptionTarget", "status": "True"}]);
    assert_eq!(victims(&story.pod(going.clone())), 0);
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    going["metadata"]["deletionGracePeriodSeconds"] = json!(5);
    let effects = story.pod(going);
    assert_eq!((victims(&effects), calls(&effects)), (0, vec!["KILL"]));
    story.status(&task, TaskState::Killed, Source::Executor, "pod-deleted");
    let launched = tasks(&story.offer("slave1", &[]));
    assert_eq!(launched.iter().map(|task| task.name.as_str()).collect::<Vec<_>>(), ["high.default.pod"]);
}
