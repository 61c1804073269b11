//! The life of a pod, step by step, without Docker.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::health::probe::Kind;
use crate::health::{Fatal, Health};
use crate::observed::{Exit, Sandbox};

const SANDBOX: &str = "sandbox0";

/// A pod and a pretended Docker that does what the plan says.
struct World {
    pod: Pod,
    observed: Observed,
    restarts: Backoffs,
    failures: HashMap<String, Failure>,
    now: Timestamp,
    intent: Intent,
    health: Healths,
    known: PodStatus,
}

fn world(spec: serde_json::Value) -> World {
    let pod = serde_json::json!({"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": spec});
    World {
        pod: serde_json::from_value(pod).unwrap(),
        observed: Observed::default(),
        restarts: Backoffs::default(),
        failures: HashMap::new(),
        now: Timestamp::from_second(1_700_000_000).unwrap(),
        intent: Intent::Run,
        health: Healths::default(),
        known: PodStatus::default(),
    }
}

fn one(policy: &str) -> World {
    world(serde_json::json!({"restartPolicy": policy, "containers": [{"name": "c", "image": "i"}]}))
}

impl World {
    fn plan(&self) -> Plan {
        next(Input {
            pod: &self.pod,
            observed: &self.observed,
            health: &self.health,
            known: &self.known,
            evicted: None,
            intent: self.intent,
            restarts: &self.restarts,
            failures: &self.failures,
            now: self.now,
        })
    }

    /// Takes the plan's steps; says what it started, as `name/attempt`.
    fn step(&mut self) -> Vec<String> {
        let mut started = Vec::new();
        for action in self.plan().actions {
            match action {
                Action::Sandbox { attempt } => {
                    let id = format!("sandbox{attempt}");
                    self.observed
                        .sandboxes
                        .insert(0, Sandbox { id, attempt, running: true, started: self.now, address: None });
                    started.push(format!("POD/{attempt}"));
                }
                Action::RemoveSandbox { id } => self.observed.sandboxes.retain(|sandbox| sandbox.id != id),
                Action::Start(Start { name, attempt, ended }) => {
                    if let Some(ended) = ended {
                        self.restarts.tried(&name, ended, self.now);
                    }
                    started.push(format!("{name}/{attempt}"));
                    let hash = pod::hash(&pod::container(&self.pod, &name).unwrap());
                    let sandbox = self.observed.live_sandbox().unwrap().id.clone();
                    let (id, image_id) = (format!("{name}{attempt}"), String::new());
                    let state = State::Running(self.now);
                    let made = Container { id, name, attempt, hash, sandbox, image_id, state };
                    self.observed.containers.insert(0, made);
                }
                Action::Stop { waits: true, .. } => {}
                Action::Stop { id, .. } => self.exit(&id, 137),
                Action::Remove { id } => self.observed.containers.retain(|container| container.id != id),
            }
        }
        started
    }

    fn exit(&mut self, id: &str, code: i32) {
        let now = self.now;
        let container = self.observed.containers.iter_mut().find(|container| container.id == id).unwrap();
        container.state =
            State::Exited(Exit { code, started: now, finished: now, oom_killed: false, error: String::new() });
    }

    fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }
}

#[test]
fn a_pod_is_started_in_one_step_and_then_left_alone() {
    let mut world =
        world(serde_json::json!({"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]}));
    assert_eq!(world.step(), ["POD/0", "a/0", "b/0"]);
    assert_eq!(world.plan(), Plan::default());
}

#[test]
fn what_runs_is_adopted_without_a_task_and_nothing_is_started() {
    let mut world = one("Always");
    world.step();
    world.intent = Intent::Keep;
    assert_eq!(world.plan(), Plan::default());
    world.exit("c0", 1);
    assert_eq!(world.plan().actions, []);
    world.observed = Observed::default();
    assert_eq!(world.plan().actions, []);
}

#[test]
fn a_container_that_crashes_is_restarted_at_once_then_with_backoff() {
    let mut world = one("Always");
    world.step();
    world.exit("c0", 1);
    assert_eq!(world.step(), ["c/1"]);
    world.exit("c1", 1);
    let plan = world.plan();
    assert_eq!(plan.actions, []);
    assert_eq!(plan.waiting["c"].reason, "CrashLoopBackOff");
    assert_eq!(plan.waiting["c"].message.as_deref(), Some("back-off 10s restarting failed container=c pod=p_n(u)"));
    assert_eq!(plan.wake, Some(world.now + SignedDuration::from_secs(10)));
    world.later(10);
    assert_eq!(world.step(), ["c/2"]);
    assert_eq!(world.plan().actions, [Action::Remove { id: "c0".into() }], "the last dead one is kept for its log");
}

#[test]
fn policies_say_what_is_started_again_and_how_the_pod_ends() {
    for (policy, code, started, outcome) in [
        ("Always", 0, vec!["c/1"], None),
        ("OnFailure", 1, vec!["c/1"], None),
        ("OnFailure", 0, vec![], Some(Outcome::Succeeded)),
        ("Never", 0, vec![], Some(Outcome::Succeeded)),
        ("Never", 3, vec![], Some(Outcome::Failed)),
    ] {
        let mut world = one(policy);
        world.step();
        world.exit("c0", code);
        assert_eq!(world.plan().outcome, outcome, "{policy} {code}");
        assert_eq!(world.step(), started, "{policy} {code}");
        assert_eq!(world.observed.sandboxes.is_empty(), outcome.is_some(), "an ended pod gives its address back");
        assert!(world.observed.containers.iter().any(|c| c.id == "c0"), "and keeps its containers");
    }
}

#[test]
fn init_containers_run_one_after_the_other() {
    let mut world = world(serde_json::json!({
        "initContainers": [{"name": "i", "image": "i"}, {"name": "side", "image": "i", "restartPolicy": "Always"},
                           {"name": "j", "image": "i"}],
        "containers": [{"name": "c", "image": "i"}],
    }));
    assert_eq!(world.step(), ["POD/0", "i/0"]);
    assert_eq!(world.step(), [""; 0]);
    world.exit("i0", 1);
    assert_eq!(world.step(), ["i/1"]);
    world.exit("i1", 0);
    assert_eq!(world.step(), ["side/0"]);
    assert_eq!(world.step(), ["j/0"]);
    world.exit("j0", 0);
    assert_eq!(world.step(), ["c/0"]);
    world.exit("side0", 0);
    assert_eq!(world.step(), ["side/1"], "a sidecar is restarted beside the containers");
    world.exit("c0", 0);
    assert_eq!(world.step(), ["c/1"], "and init containers are not run again for a restarted container");
}

#[test]
fn a_dead_sandbox_takes_its_containers_along_and_all_begins_anew() {
    let mut world = world(serde_json::json!({
        "initContainers": [{"name": "i", "image": "i"}], "containers": [{"name": "c", "image": "i"}],
    }));
    world.step();
    world.exit("i0", 0);
    world.step();
    world.observed.sandboxes[0].running = false;
    assert_eq!(world.step(), [""; 0], "first the container in the dead network ends");
    assert_eq!(world.step(), ["POD/1", "i/1"]);
    world.exit("i1", 0);
    assert_eq!(world.step(), ["c/1"]);
    assert_eq!(world.observed.sandboxes.len(), 1, "{SANDBOX} is gone");
}

#[test]
fn a_pod_that_is_never_restarted_ends_with_its_sandbox() {
    let mut world = one("Never");
    world.step();
    world.observed.sandboxes[0].running = false;
    world.step();
    assert_eq!(world.plan().outcome, Some(Outcome::Failed));
    assert_eq!(world.step(), [""; 0]);
}

#[test]
fn a_changed_image_replaces_the_container() {
    let mut world = one("Always");
    world.step();
    world.pod.spec.as_mut().unwrap().containers[0].image = Some("other".into());
    assert!(matches!(&world.plan().actions[..], [Action::Stop { name, .. }] if name == "c"));
    world.step();
    assert_eq!(world.step(), ["c/1"]);
}

#[test]
fn what_was_made_and_never_started_is_made_again() {
    let mut world = one("Always");
    world.step();
    world.observed.containers[0].state = State::Created;
    let plan = world.plan();
    let start = Start { name: "c".into(), attempt: 0, ended: None };
    assert_eq!(plan.actions, [Action::Remove { id: "c0".into() }, Action::Start(start)]);
}

#[test]
fn a_missing_image_is_waited_for() {
    let mut world = one("Always");
    world.step();
    world.observed.containers.clear();
    let failure = Failure {
        reason: "ErrImagePull",
        waiting: "ImagePullBackOff",
        message: "no such image".into(),
        waiting_message: "Back-off pulling image \"i\"".into(),
        at: world.now,
        retry: world.now + SignedDuration::from_secs(10),
        soon: false,
    };
    world.failures.insert("c".into(), failure);
    assert_eq!(world.plan().waiting["c"].reason, "ErrImagePull");
    world.later(5);
    assert_eq!(world.plan().waiting["c"].reason, "ImagePullBackOff");
    world.later(5);
    assert_eq!(world.step(), ["c/0"]);
}

#[test]
fn a_debugger_is_started_once_and_keeps_no_pod_running() {
    let mut world = one("Never");
    world.step();
    let debugger = serde_json::json!([{"name": "debugger", "image": "busybox", "targetContainerName": "c"}]);
    world.pod.spec.as_mut().unwrap().ephemeral_containers = serde_json::from_value(debugger).unwrap();
    assert_eq!(world.step(), ["debugger/0"]);
    world.exit("debugger0", 1);
    assert_eq!(world.plan().actions, []);
    world.observed.containers[0].state = State::Running(world.now);
    world.exit("c0", 0);
    let plan = world.plan();
    assert!(matches!(plan.actions.as_slice(), [Action::Stop { name, .. }] if name == "debugger"), "{plan:?}");
    world.step();
    assert_eq!(world.plan().outcome, Some(Outcome::Succeeded));
}

#[test]
fn a_pod_that_is_made_to_end_is_said_to_have_ended() {
    for (code, outcome) in [(0, Outcome::Succeeded), (137, Outcome::Failed)] {
        let mut world = one("Always");
        world.step();
        world.intent = Intent::End;
        assert_eq!(world.plan().outcome, None, "it still runs");
        world.exit("c0", code);
        assert_eq!(world.plan().outcome, Some(outcome));
    }
}

#[test]
fn a_pod_that_ends_loses_containers_first_and_then_its_sandbox() {
    let mut world = one("Always");
    world.step();
    world.intent = Intent::End;
    assert!(matches!(&world.plan().actions[..], [Action::Stop { .. }]));
    world.step();
    assert_eq!(
        world.plan().actions,
        [Action::Remove { id: "c0".into() }, Action::RemoveSandbox { id: SANDBOX.into() }]
    );
    world.step();
    assert!(world.observed.is_empty());
    assert_eq!(world.plan().actions, []);
}

impl World {
    fn health(&mut self, id: &str, health: Health) {
        self.health.insert(id.to_owned(), health);
    }

    /// Names of the containers that the plan stops now, and not after others.
    fn stopped(&self) -> Vec<String> {
        let stops = self.plan().actions.into_iter().filter_map(|action| match action {
            Action::Stop { name, waits: false, .. } => Some(name),
            _ => None,
        });
        stops.collect()
    }
}

fn with_sidecars() -> World {
    let sidecar = |name: &str| serde_json::json!({"name": name, "image": "i", "restartPolicy": "Always"});
    world(serde_json::json!({
        "restartPolicy": "Never", "initContainers": [sidecar("s"), sidecar("t")],
        "containers": [{"name": "c", "image": "i"}],
    }))
}

#[test]
fn what_follows_a_sidecar_waits_until_it_has_started() {
    let mut world = with_sidecars();
    assert_eq!(world.step(), ["POD/0", "s/0"]);
    world.health("s0", Health { started: false, ready: false, ..Health::WELL });
    assert_eq!(world.step(), [""; 0]);
    world.health("s0", Health { ready: false, ..Health::WELL });
    assert_eq!(world.step(), ["t/0"]);
    assert_eq!(world.step(), ["c/0"]);
}

#[test]
fn sidecars_end_last_and_in_reverse() {
    for intent in [Intent::End, Intent::Run] {
        let mut world = with_sidecars();
        (0..3).for_each(|_| drop(world.step()));
        world.intent = intent;
        if intent == Intent::End {
            assert_eq!(world.stopped(), ["c"]);
            assert_eq!(world.plan().actions.len(), 3, "all hooks run at once");
        }
        world.exit("c0", 0);
        for sidecar in ["t", "s"] {
            assert_eq!(world.stopped(), [sidecar], "{intent:?}");
            assert_eq!(world.plan().outcome, None, "something still runs");
            world.step();
        }
        assert_eq!(world.plan().outcome, Some(Outcome::Succeeded));
    }
}

#[test]
fn a_container_that_does_not_do_well_is_stopped_and_started_again() {
    for (policy, fatal, why, grace) in [
        (
            "Always",
            Fatal::Probe(Kind::Liveness, Some(3)),
            "Container c failed liveness probe, will be restarted",
            Some(3),
        ),
        ("Never", Fatal::Probe(Kind::Startup, None), "Container c failed startup probe", None),
        ("Always", Fatal::PostStart, "FailedPostStartHook", None),
    ] {
        let mut world = one(policy);
        world.step();
        world.health("c0", Health { fatal: Some(fatal), ..Health::WELL });
        let (id, name) = ("c0".to_owned(), "c".to_owned());
        assert_eq!(world.plan().actions, [Action::Stop { id, name, why: why.into(), grace, waits: false }]);
        world.step();
        assert_eq!(world.step(), if policy == "Never" { vec![] } else { vec!["c/1"] });
    }
}

#[test]
fn what_follows_a_post_start_hook_waits_until_it_is_done() {
    let hook = serde_json::json!({"postStart": {"sleep": {"seconds": 1}}});
    let mut world = world(serde_json::json!({"containers": [{"name": "a", "image": "i"},
        {"name": "b", "image": "i", "lifecycle": hook}, {"name": "c", "image": "i"}, {"name": "d", "image": "i"}]}));
    assert_eq!(world.step(), ["POD/0", "a/0", "b/0"], "those before it are not held up");
    world.health("b0", Health { begins: true, started: false, ready: false, fatal: None });
    assert_eq!(world.step(), [""; 0]);
    world.health("b0", Health::WELL);
    assert_eq!(world.step(), ["c/0", "d/0"]);
    world.exit("b0", 1);
    world.exit("d0", 1);
    assert_eq!(world.step(), ["b/1"], "and so it is when it is started again");
    world.exit("b1", 1);
    assert_eq!(world.step(), ["d/1"], "one that waits holds nobody up");
}

#[test]
fn what_was_counted_of_lost_containers_counts_still() {
    let mut world = one("Always");
    let told = |status: serde_json::Value| {
        let own = serde_json::json!({"containerStatuses": [status]});
        serde_json::from_value::<PodStatus>(own).unwrap()
    };
    let mut status = serde_json::json!({"name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0});
    world.known = told(status.clone());
    assert_eq!(world.step(), ["POD/0", "c/0"], "there has been none yet");
    world.observed.containers.clear();
    status["containerID"] = "docker://c0".into();
    world.known = told(status.clone());
    assert_eq!(world.step(), ["c/1"]);
    world.observed.containers.clear();
    (status["containerID"], status["restartCount"]) = (serde_json::Value::Null, 4.into());
    world.known = told(status);
    assert_eq!(world.step(), ["c/5"]);
    world.exit("c5", 1);
    world.later(10);
    assert_eq!(world.step(), ["c/6"], "the engine knows better than a status that lags");
}

#[test]
fn what_has_ended_for_good_is_not_run_again_though_it_is_lost() {
    let ended = |code: i32| {
        let state = serde_json::json!({"terminated": {"exitCode": code}});
        let own = serde_json::json!({"name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "containerID": "docker://c0", "state": state});
        serde_json::from_value::<PodStatus>(serde_json::json!({"containerStatuses": [own]})).unwrap()
    };
    for (policy, code, outcome, again) in [
        ("Never", 0, Some(Outcome::Succeeded), None),
        ("Never", 3, Some(Outcome::Failed), None),
        ("OnFailure", 0, Some(Outcome::Succeeded), None),
        ("OnFailure", 3, None, Some("c/1")),
        ("Always", 0, None, Some("c/1")),
    ] {
        let mut world = world(serde_json::json!({"restartPolicy": policy,
            "containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]}));
        assert_eq!(world.step(), ["POD/0", "c/0", "d/0"]);
        world.observed.containers.retain(|container| container.name != "c");
        world.known = ended(code);
        assert_eq!(world.step(), Vec::from_iter(again), "{policy} {code}");
        if again.is_none() {
            world.exit("d0", 0);
            assert_eq!(world.plan().outcome, outcome, "{policy} {code}");
        }
    }
}

#[test]
fn a_debugger_that_has_ended_and_is_lost_is_not_run_again() {
    let mut world = world(serde_json::json!({"containers": [{"name": "c", "image": "i"}],
        "ephemeralContainers": [{"name": "debugger", "image": "i"}]}));
    assert_eq!(world.step(), ["POD/0", "debugger/0", "c/0"]);
    world.observed.containers.retain(|container| container.name != "debugger");
    let ended = serde_json::json!({"name": "debugger", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0}}});
    world.known = serde_json::from_value(serde_json::json!({"ephemeralContainerStatuses": [ended]})).unwrap();
    assert_eq!(world.step(), [""; 0]);
}

#[test]
fn a_pod_that_is_active_for_too_long_ends() {
    let mut world = one("Always");
    world.pod.spec.as_mut().unwrap().active_deadline_seconds = Some(60);
    world.known.start_time = Some(Time(world.now));
    world.step();
    assert_eq!(world.plan().wake, Some(world.now + SignedDuration::from_secs(60)));
    world.later(60);
    assert_eq!((world.stopped(), world.plan().outcome), (vec!["c".to_owned()], None));
    world.step();
    let plan = world.plan();
    assert_eq!((plan.outcome, plan.cause.unwrap().reason), (Some(Outcome::Failed), "DeadlineExceeded"));
}
