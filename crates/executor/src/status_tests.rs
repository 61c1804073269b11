//! Statuses of pods in the situations that kubectl shows.

use super::*;
use k8s_openapi::api::core::v1::{EphemeralContainer, PodCondition, PodReadinessGate};

use crate::health::Health;
use crate::observed::Sandbox;
use crate::plan::{Action, Cause, Start};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn pod(policy: &str) -> Pod {
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {"restartPolicy": policy, "containers": [{"name": "c", "image": "nginx"}]},
    }))
    .unwrap()
}

fn observed(state: Option<State>) -> Observed {
    let sandbox =
        Sandbox { id: "s".into(), attempt: 0, running: true, started: at(0), address: Some([10, 0, 0, 7].into()) };
    let container = |state| Container {
        id: "abc".into(),
        name: "c".into(),
        attempt: 2,
        hash: String::new(),
        sandbox: "s".into(),
        image_id: "sha256:00".into(),
        state,
    };
    Observed { sandboxes: vec![sandbox], containers: state.map(container).into_iter().collect() }
}

fn status(pod: &Pod, observed: &Observed, plan: &Plan, previous: &PodStatus, now: Timestamp) -> PodStatus {
    let host = [10, 0, 0, 2].into();
    let (image_ids, messages, replaced) = (&BTreeMap::new(), &BTreeMap::new(), &HashSet::from(["abc".to_owned()]));
    of(pod, Facts { observed, health: &Healths::default(), messages, replaced, plan, previous, host, image_ids, now })
}

fn condition<'a>(status: &'a PodStatus, type_: &str) -> &'a PodCondition {
    status.conditions.as_ref().unwrap().iter().find(|condition| condition.type_ == type_).unwrap()
}

fn exited(code: i32, oom_killed: bool) -> State {
    State::Exited(Exit { code, started: at(0), finished: at(5), oom_killed, error: String::new() })
}

#[test]
fn a_pod_being_made_is_pending() {
    let status = status(&pod("Always"), &Observed::default(), &Plan::default(), &PodStatus::default(), at(0));
    assert_eq!(status.phase.as_deref(), Some("Pending"));
    assert_eq!(status.host_ip.as_deref(), Some("10.0.0.2"));
    assert_eq!((status.pod_ip.clone(), status.qos_class.as_deref()), (None, Some("BestEffort")));
    let waiting = status.container_statuses.as_ref().unwrap()[0].state.clone().unwrap().waiting.unwrap();
    assert_eq!(waiting.reason.as_deref(), Some("ContainerCreating"));
    let ready = condition(&status, "Ready");
    assert_eq!((ready.status.as_str(), ready.reason.as_deref()), ("False", Some("ContainersNotReady")));
    assert_eq!(ready.message.as_deref(), Some("containers with unready status: [c]"));
    assert_eq!(condition(&status, "PodReadyToStartContainers").status, "False");
    assert_eq!(condition(&status, "PodScheduled").status, "True");
}

#[test]
fn a_running_pod_is_ready_and_keeps_the_times_of_what_did_not_change() {
    let pending = status(&pod("Always"), &observed(None), &Plan::default(), &PodStatus::default(), at(0));
    let running = observed(Some(State::Running(at(3))));
    let status = status(&pod("Always"), &running, &Plan::default(), &pending, at(4));
    assert_eq!((status.phase.as_deref(), status.pod_ip.as_deref()), (Some("Running"), Some("10.0.0.7")));
    let container = &status.container_statuses.as_ref().unwrap()[0];
    assert!(container.ready && container.started == Some(true));
    assert_eq!(container.restart_count, 2);
    assert_eq!(container.container_id.as_deref(), Some("docker://abc"));
    assert_eq!(container.image, "nginx:latest");
    assert_eq!(condition(&status, "Ready").last_transition_time, Some(Time(at(4))));
    assert_eq!(condition(&status, "Initialized").last_transition_time, Some(Time(at(0))));
    assert_eq!(status.start_time, Some(Time(at(0))));
    let again = self::status(&pod("Always"), &running, &Plan::default(), &status, at(99));
    assert_eq!(again, status, "nothing changed, so there is nothing to send");
}

#[test]
fn a_crashing_container_waits_and_shows_how_it_ended() {
    let waiting = Waiting { reason: "CrashLoopBackOff".into(), message: Some("back-off".into()) };
    let plan = Plan { waiting: [("c".to_owned(), waiting)].into(), ..Plan::default() };
    let status = status(&pod("Always"), &observed(Some(exited(137, true))), &plan, &PodStatus::default(), at(9));
    assert_eq!(status.phase.as_deref(), Some("Running"));
    let container = &status.container_statuses.as_ref().unwrap()[0];
    let state = container.state.as_ref().unwrap().waiting.as_ref().unwrap();
    assert_eq!(state.reason.as_deref(), Some("CrashLoopBackOff"));
    let last = container.last_state.as_ref().unwrap().terminated.as_ref().unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (137, Some("OOMKilled")));
    assert!(!container.ready);
}

#[test]
fn an_ended_pod_says_how_and_keeps_its_address() {
    let running =
        status(&pod("Never"), &observed(Some(State::Running(at(0)))), &Plan::default(), &PodStatus::default(), at(0));
    for (outcome, code, phase, reason) in
        [(Outcome::Succeeded, 0, "Succeeded", "PodCompleted"), (Outcome::Failed, 3, "Failed", "PodFailed")]
    {
        let plan = Plan { outcome: Some(outcome), ..Plan::default() };
        let gone = Observed { sandboxes: Vec::new(), ..observed(Some(exited(code, false))) };
        let status = status(&pod("Never"), &gone, &plan, &running, at(9));
        assert_eq!(status.phase.as_deref(), Some(phase));
        assert_eq!(status.pod_ip.as_deref(), Some("10.0.0.7"));
        assert_eq!(condition(&status, "Ready").reason.as_deref(), Some(reason));
        let ended = status.container_statuses.unwrap()[0].state.clone().unwrap().terminated.unwrap();
        assert_eq!(ended.reason.as_deref(), Some(if code == 0 { "Completed" } else { "Error" }));
    }
}

#[test]
fn a_readiness_gate_that_is_shut_holds_the_pod_back_and_not_its_containers() {
    let mut pod = pod("Always");
    pod.spec.as_mut().unwrap().readiness_gates =
        Some(vec![PodReadinessGate { condition_type: "example.com/gate".into() }]);
    let running = observed(Some(State::Running(at(0))));
    let now = |pod: &Pod| status(pod, &running, &Plan::default(), &PodStatus::default(), at(0));
    let shut = now(&pod);
    assert_eq!(condition(&shut, "ContainersReady").status, "True");
    let ready = condition(&shut, "Ready");
    assert_eq!((ready.status.as_str(), ready.reason.as_deref()), ("False", Some("ReadinessGatesNotReady")));
    let open = PodCondition { type_: "example.com/gate".into(), status: "True".into(), ..PodCondition::default() };
    pod.status = Some(PodStatus { conditions: Some(vec![open]), ..PodStatus::default() });
    let open = now(&pod);
    assert_eq!(condition(&open, "Ready").status, "True");
    assert!(open.conditions.unwrap().iter().all(|condition| condition.type_ != "example.com/gate"), "it is not ours");
}

#[test]
fn a_container_is_ready_when_its_probes_say_so() {
    let running = observed(Some(State::Running(at(0))));
    let now = |health: Health| {
        let mut healths = Healths::default();
        healths.insert("abc".into(), health);
        let (image_ids, messages) = (&BTreeMap::new(), &BTreeMap::new());
        let (plan, previous, host) = (&Plan::default(), &PodStatus::default(), [10, 0, 0, 2].into());
        let facts = Facts {
            observed: &running,
            health: &healths,
            messages,
            replaced: &HashSet::new(),
            plan,
            previous,
            host,
            image_ids,
            now: at(1),
        };
        of(&pod("Always"), facts)
    };
    let started = now(Health { ready: false, ..Health::WELL });
    let container = &started.container_statuses.as_ref().unwrap()[0];
    assert!(!container.ready && container.started == Some(true));
    assert_eq!(condition(&started, "Ready").message.as_deref(), Some("containers with unready status: [c]"));
    let begins = now(Health { begins: true, started: false, ready: false, fatal: None });
    let state = begins.container_statuses.as_ref().unwrap()[0].state.clone().unwrap();
    assert_eq!(state.waiting.unwrap().reason.as_deref(), Some("ContainerCreating"), "its postStart hook is running");
    assert_eq!(begins.phase.as_deref(), Some("Pending"));
}

#[test]
fn a_pod_that_was_ended_says_why() {
    let cause = Cause { reason: "DeadlineExceeded", message: "too long".into() };
    let plan = Plan { outcome: Some(Outcome::Failed), cause: Some(cause), ..Plan::default() };
    let ended = observed(Some(exited(137, false)));
    let status = status(&pod("Always"), &ended, &plan, &PodStatus::default(), at(9));
    assert_eq!((status.phase.as_deref(), status.reason.as_deref()), (Some("Failed"), Some("DeadlineExceeded")));
    assert_eq!(status.message.as_deref(), Some("too long"));
}

#[test]
fn a_pod_that_is_over_keeps_how_its_containers_ended() {
    let pod = pod("Never");
    let plan = Plan { outcome: Some(Outcome::Failed), ..Plan::default() };
    let ended = status(&pod, &observed(Some(exited(3, false))), &plan, &PodStatus::default(), at(9));
    let pruned = status(&pod, &Observed::default(), &plan, &ended, at(20));
    assert_eq!(pruned.container_statuses, ended.container_statuses, "the engine has it no more");
    assert_eq!(pruned.phase.as_deref(), Some("Failed"));
}

#[test]
fn a_container_whose_end_nobody_saw_has_ended_all_the_same() {
    let mut pod = pod("Always");
    let plan = Plan { outcome: Some(Outcome::Failed), ..Plan::default() };
    let running = status(&pod, &observed(Some(State::Running(at(0)))), &Plan::default(), &PodStatus::default(), at(0));
    for previous in [running, PodStatus::default()] {
        let ended = status(&pod, &Observed::default(), &plan, &previous, at(9));
        let container = &ended.container_statuses.unwrap()[0];
        let state = container.state.as_ref().unwrap().terminated.as_ref().unwrap();
        assert_eq!((state.exit_code, state.reason.as_deref()), (137, Some("ContainerStatusUnknown")));
        let before = previous.container_statuses.map_or(0, |before| before[0].restart_count);
        assert_eq!((container.ready, container.restart_count), (false, before));
    }
    pod.spec.as_mut().unwrap().init_containers = Some(vec![Spec { name: "i".into(), ..Spec::default() }]);
    let never = status(&pod, &Observed::default(), &plan, &PodStatus::default(), at(9));
    let waits = |status: &[ContainerStatus]| status[0].state.as_ref().unwrap().waiting.is_some();
    assert!(waits(&never.container_statuses.unwrap()) && waits(&never.init_container_statuses.unwrap()));
}

#[test]
fn an_init_container_that_is_gone_has_ended_and_its_pod_is_ready() {
    let mut pod = pod("Always");
    pod.spec.as_mut().unwrap().init_containers = Some(vec![Spec { name: "i".into(), ..Spec::default() }]);
    let mut both = observed(Some(State::Running(at(3))));
    let init = Container { id: "init".into(), name: "i".into(), state: exited(0, false), ..both.containers[0].clone() };
    both.containers.push(init);
    let before = status(&pod, &both, &Plan::default(), &PodStatus::default(), at(4));
    both.containers.pop();
    let after = status(&pod, &both, &Plan::default(), &before, at(5));
    assert_eq!(after, before);
}

#[test]
fn a_container_that_is_gone_and_not_run_again_has_ended_as_it_did() {
    let mut pod = pod("Never");
    pod.spec.as_mut().unwrap().containers.push(Spec { name: "d".into(), ..Spec::default() });
    let mut both = observed(Some(exited(3, false)));
    let other =
        Container { id: "d".into(), name: "d".into(), state: State::Running(at(3)), ..both.containers[0].clone() };
    both.containers.push(other);
    let before = status(&pod, &both, &Plan::default(), &PodStatus::default(), at(6));
    both.containers.remove(0);
    assert_eq!(status(&pod, &both, &Plan::default(), &before, at(7)), before);
}

#[test]
fn a_pod_whose_containers_are_gone_goes_on_from_where_it_was() {
    let pod = pod("Always");
    let first = |status: &PodStatus| status.container_statuses.clone().unwrap().remove(0);
    for (state, code, reason) in
        [(exited(3, false), 3, "Error"), (State::Running(at(3)), 137, "ContainerStatusUnknown")]
    {
        let before = status(&pod, &observed(Some(state)), &Plan::default(), &PodStatus::default(), at(6));
        let mut after = before.clone();
        let start = Action::Start(Start { name: "c".to_owned(), attempt: 3, ended: None });
        let starts = Plan { actions: vec![start], ..Plan::default() };
        // it stays so however often it is looked at
        for plan in [starts, Plan::default()] {
            after = status(&pod, &observed(None), &plan, &after, at(7));
            assert_eq!(after.phase.as_deref(), Some("Running"));
            let container = first(&after);
            assert_eq!((container.restart_count, container.container_id), (2, None));
            let last = container.last_state.unwrap().terminated.unwrap();
            assert_eq!((last.exit_code, last.reason.as_deref()), (code, Some(reason)));
        }
        let mut again = observed(Some(State::Running(at(8))));
        again.containers[0].attempt = 3;
        again.containers[0].id = "def".into();
        for _ in 0..2 {
            after = status(&pod, &again, &Plan::default(), &after, at(8));
            let last = first(&after).last_state.unwrap().terminated.unwrap();
            assert_eq!((first(&after).restart_count, last.exit_code), (3, code), "and when it runs again");
        }
    }
}

#[test]
fn a_container_that_the_node_replaces_is_not_seen_ended() {
    let pod = pod("Always");
    let running = observed(Some(State::Running(at(3))));
    let before = status(&pod, &running, &Plan::default(), &PodStatus::default(), at(4));
    let start = Action::Start(Start { name: "c".to_owned(), attempt: 3, ended: Some(at(5)) });
    let starts = Plan { actions: vec![start], ..Plan::default() };
    let ended = observed(Some(exited(137, false)));
    assert_eq!(status(&pod, &ended, &starts, &before, at(5)).container_statuses, before.container_statuses);
    let waits = status(&pod, &ended, &Plan::default(), &before, at(5)).container_statuses.unwrap();
    assert!(waits[0].state.as_ref().unwrap().terminated.is_some(), "it is not started again at once");
}

#[test]
fn what_many_containers_say_is_cut_to_what_a_status_may_hold() {
    let mut pod = pod("Never");
    let init = (0..8).map(|index| Spec { name: format!("i{index}"), ..Spec::default() }).collect();
    pod.spec.as_mut().unwrap().init_containers = Some(init);
    pod.spec.as_mut().unwrap().ephemeral_containers =
        Some(vec![EphemeralContainer { name: "e".into(), ..EphemeralContainer::default() }]);
    let ended = observed(Some(exited(1, false)));
    let said = |message: &str| {
        let messages = BTreeMap::from([("abc".to_owned(), message.to_owned())]);
        let (plan, previous, image_ids) = (&Plan::default(), &PodStatus::default(), &BTreeMap::new());
        let (health, host) = (&Healths::default(), [10, 0, 0, 2].into());
        let facts = Facts {
            observed: &ended,
            health,
            messages: &messages,
            replaced: &HashSet::new(),
            plan,
            previous,
            host,
            image_ids,
            now: at(9),
        };
        let status = of(&pod, facts).container_statuses.unwrap().remove(0);
        status.state.unwrap().terminated.unwrap().message.unwrap()
    };
    assert_eq!(said(&format!("begin{}", "x".repeat(4000))), format!("begin{}", "x".repeat(1223)), "12288 / 10");
    assert_eq!(said(&"é".repeat(1000)), "é".repeat(614), "no character is cut in two");
    assert_eq!(said("short"), "short");
}
