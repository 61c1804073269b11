//! Pods: what their status says in one word, how many containers are ready, and how often they were restarted.

use jiff::Timestamp;
use serde_json::Value;

use super::{AGE, NAME, Printer, age, column, count, items, name, or, text, wide};
use crate::duration;

pub(super) static PODS: Printer = Printer {
    columns: &[
        NAME,
        column("Ready", "Containers that are ready, of all containers of the pod."),
        column("Status", "What the pod is doing, or why it does not."),
        column("Restarts", "How often containers of the pod were restarted, and when last."),
        AGE,
        wide("IP", "The pod's address."),
        wide("Node", "The node that the pod is bound to."),
        wide("Nominated Node", "The node that is being cleared for the pod."),
        wide("Readiness Gates", "Conditions that hold, of those that the pod's readiness waits for."),
    ],
    cells,
};

fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summarise(pod);
    let address = match or(&pod["status"]["podIPs"][0]["ip"], "") {
        "" => or(&pod["status"]["podIP"], "<none>"),
        first => first,
    };
    vec![
        name(pod),
        format!("{}/{}", summary.ready, summary.containers).into(),
        summary.reason.into(),
        summary.restarts.text(now).into(),
        age(pod, now),
        address.into(),
        or(&pod["spec"]["nodeName"], "<none>").into(),
        or(&pod["status"]["nominatedNodeName"], "<none>").into(),
        gates(pod).into(),
    ]
}

struct Summary {
    reason: String,
    containers: usize,
    ready: usize,
    restarts: Restarts,
}

#[derive(Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += count(&status["restartCount"]);
        let ended = status["lastState"]["terminated"]["finishedAt"].as_str().and_then(|t| t.parse().ok());
        self.last = self.last.max(ended);
    }

    fn text(&self, now: Timestamp) -> String {
        match self.last {
            Some(last) if self.count != 0 => {
                format!("{} ({} ago)", self.count, duration::human(now.as_second() - last.as_second()))
            }
            _ => self.count.to_string(),
        }
    }
}

/// Kubernetes' rules: init containers that are not done speak first, then containers, then deletion.
fn summarise(pod: &Value) -> Summary {
    let status = &pod["status"];
    let mut reason = or(&status["reason"], text(&status["phase"])).to_owned();
    let gated = |c: &Value| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated";
    if items(&status["conditions"]).any(gated) {
        "SchedulingGated".clone_into(&mut reason);
    }
    let sidecars = items(&pod["spec"]["initContainers"]).filter(|c| c["restartPolicy"] == "Always").count();
    let mut summary = Summary {
        reason,
        containers: items(&pod["spec"]["containers"]).count() + sidecars,
        ready: 0,
        restarts: Restarts::default(),
    };
    let sidecar_restarts = initialisation(pod, &mut summary);
    if let Some(sidecar_restarts) = sidecar_restarts {
        summary.restarts = sidecar_restarts;
        containers(pod, &mut summary);
    }
    if pod["metadata"]["deletionTimestamp"].is_string() {
        if status["reason"] == "NodeLost" {
            "Unknown".clone_into(&mut summary.reason);
        } else if !matches!(text(&status["phase"]), "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut summary.reason);
        }
    }
    summary
}

/// Looks at the init containers. Gives the restarts of those that go on running, or nothing while the pod initialises.
fn initialisation(pod: &Value, summary: &mut Summary) -> Option<Restarts> {
    let specs = &pod["spec"]["initContainers"];
    let is_sidecar =
        |status: &Value| items(specs).any(|c| c["name"] == status["name"] && c["restartPolicy"] == "Always");
    let mut sidecar_restarts = Restarts::default();
    let mut initialising = false;
    for (index, status) in items(&pod["status"]["initContainerStatuses"]).enumerate() {
        summary.restarts.add(status);
        let sidecar = is_sidecar(status);
        if sidecar {
            sidecar_restarts.add(status);
        }
        let (terminated, waiting) = (&status["state"]["terminated"], or(&status["state"]["waiting"]["reason"], ""));
        if terminated.is_object() && count(&terminated["exitCode"]) == 0 {
            continue;
        }
        if sidecar && status["started"] == true {
            summary.ready += usize::from(status["ready"] == true);
            continue;
        }
        summary.reason = if terminated.is_object() {
            format!("Init:{}", end_of(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", items(specs).count())
        };
        initialising = true;
        break;
    }
    let initialised = |c: &Value| c["type"] == "Initialized" && c["status"] == "True";
    (!initialising || items(&pod["status"]["conditions"]).any(initialised)).then_some(sidecar_restarts)
}

/// The first container that waits or has ended gives the reason, unless another one is running.
fn containers(pod: &Value, summary: &mut Summary) {
    let mut running = false;
    for status in items(&pod["status"]["containerStatuses"]).rev() {
        summary.restarts.add(status);
        let (state, waiting) = (&status["state"], or(&status["state"]["waiting"]["reason"], ""));
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.reason);
        } else if state["terminated"].is_object() {
            summary.reason = end_of(&state["terminated"]);
        } else if status["ready"] == true && state["running"].is_object() {
            running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" && running {
        let ready = |c: &Value| c["type"] == "Ready" && c["status"] == "True";
        let ready = items(&pod["status"]["conditions"]).any(ready);
        summary.reason = if ready { "Running" } else { "NotReady" }.to_owned();
    }
}

fn end_of(terminated: &Value) -> String {
    match (or(&terminated["reason"], ""), count(&terminated["signal"])) {
        ("", 0) => format!("ExitCode:{}", count(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn gates(pod: &Value) -> String {
    let gates = &pod["spec"]["readinessGates"];
    let all = items(gates).count();
    if all == 0 {
        return "<none>".to_owned();
    }
    let holds = |gate: &&Value| {
        items(&pod["status"]["conditions"]).any(|c| c["type"] == gate["conditionType"] && c["status"] == "True")
    };
    format!("{}/{all}", items(gates).filter(holds).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(pod: &Value) -> (String, String, String) {
        let now = "2026-01-01T01:00:00Z".parse().expect("a time");
        let cells = cells(pod, now);
        let cell = |at: usize| cells[at].as_str().expect("text").to_owned();
        (cell(1), cell(2), cell(3))
    }

    fn of(ready: &str, status: &str, restarts: &str) -> (String, String, String) {
        (ready.to_owned(), status.to_owned(), restarts.to_owned())
    }

    #[test]
    fn containers_say_what_a_pod_does() {
        let running = json!({"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}});
        let crashing = json!({"name": "b", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"finishedAt": "2026-01-01T00:55:00Z"}}});
        let done = json!({"name": "b", "ready": false, "restartCount": 0, "state": {"terminated": {"reason": "Completed", "exitCode": 0}}});
        let pod = |statuses: Value| json!({"spec": {"containers": [{}, {}]}, "status": {"phase": "Running", "containerStatuses": statuses}});
        assert_eq!(row(&pod(json!([running, running]))), of("2/2", "Running", "0"));
        assert_eq!(row(&pod(json!([running, crashing]))), of("1/2", "CrashLoopBackOff", "3 (5m ago)"));
        assert_eq!(row(&pod(json!([running, done]))), of("1/2", "NotReady", "0"));
        let killed = json!({"state": {"terminated": {"exitCode": 137, "signal": 9}}});
        assert_eq!(row(&pod(json!([killed]))).1, "Signal:9");
    }

    #[test]
    fn init_containers_speak_first() {
        let pod = |init: Value| {
            json!({"spec": {"initContainers": [{"name": "i"}, {"name": "j"}], "containers": [{}]},
                "status": {"phase": "Pending", "initContainerStatuses": [init],
                    "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}]}})
        };
        assert_eq!(row(&pod(json!({"name": "i", "state": {"running": {}}}))).1, "Init:0/2");
        assert_eq!(
            row(&pod(
                json!({"name": "i", "restartCount": 2, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}})
            )),
            of("0/1", "Init:Error", "2")
        );
        assert_eq!(row(&pod(json!({"name": "i", "state": {"terminated": {"exitCode": 0}}}))).1, "PodInitializing");
    }

    #[test]
    fn a_pod_that_is_deleted_terminates_unless_it_is_done() {
        let pod = |phase: &str| json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": phase}});
        assert_eq!(row(&pod("Running")).1, "Terminating");
        assert_eq!(row(&pod("Succeeded")).1, "Succeeded");
    }
}
