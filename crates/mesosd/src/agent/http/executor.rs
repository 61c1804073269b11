//! `POST /api/v1/executor` (reference, section 5.3): checks in Mesos' order, and the stream of events.

use std::time::Duration;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use mesos::executor::{Action, Call as ExecutorCall, CallWire, Event};
use mesos::recordio::encode;
use mesos::{Source, TaskState, TaskStatus};
use tokio::sync::mpsc;

use super::Api;
use crate::agent::core::Refusal;
use crate::reply::{JSON, Received, Refused, bad_request, empty, read, require_json_accepted, text};

/// How often an executor hears something, to keep idle connections known to what lies between (section 1.7).
const HEARTBEAT: Duration = Duration::from_mins(30);

pub(super) async fn answer(api: &Api, call: Received) -> Response<Body> {
    let executor_call = match parse(&call) {
        Ok(executor_call) => executor_call,
        Err(response) => return *response,
    };
    if executor_call.action == Action::Heartbeat {
        return empty(StatusCode::ACCEPTED);
    }
    match api.agent.call(executor_call).await {
        Some(Ok(Some(events))) => stream(api, events),
        Some(Ok(None)) => empty(StatusCode::ACCEPTED),
        Some(Err(refusal)) => text(status(refusal), &refusal.to_string()),
        None => text(StatusCode::SERVICE_UNAVAILABLE, "The agent is ending"),
    }
}

fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::Recovering => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::UnknownFramework | Refusal::UnknownExecutor => StatusCode::BAD_REQUEST,
        Refusal::NotSubscribed => StatusCode::FORBIDDEN,
    }
}

fn parse(call: &Received) -> Result<ExecutorCall, Refused> {
    let wire: CallWire = read(call)?;
    let parsed = validate(wire).map_err(|why| bad_request(&why))?;
    if matches!(parsed.action, Action::Subscribe(_)) {
        require_json_accepted(call)?;
    }
    Ok(parsed)
}

/// A call whose parts fit together, or Mesos' sentence on why not.
fn validate(mut wire: CallWire) -> Result<ExecutorCall, String> {
    let absent: Vec<_> = [("executor_id", wire.executor_id.is_none()), ("framework_id", wire.framework_id.is_none())]
        .into_iter()
        .filter_map(|(name, is_absent)| is_absent.then_some(name))
        .collect();
    let (Some(executor_id), Some(framework_id)) = (wire.executor_id.take(), wire.framework_id.take()) else {
        return Err(format!(
            "Failed to convert JSON into Call protobuf: Missing required fields: {}",
            absent.join(", ")
        ));
    };
    let invalid = |why: String| format!("Failed to validate Executor::Call: {why}");
    let action = match Action::from_wire(&mut wire) {
        Ok(Action::Unknown) => return Err(invalid("Expecting 'type' to be present".to_owned())),
        Ok(action) => action,
        Err(error) => return Err(invalid(error.to_string())),
    };
    let call = ExecutorCall { executor_id, framework_id, action };
    match &call.action {
        Action::Update(update) => {
            validate_task(&update.status).and_then(|()| validate_update(&call, &update.status)).map_err(invalid)?;
        }
        Action::Subscribe(subscribe) => {
            let mut updates = subscribe.unacknowledged_updates.iter();
            updates.try_for_each(|update| validate_task(&update.status)).map_err(invalid)?;
        }
        _ => {}
    }
    Ok(call)
}

/// The task of an update names a directory in which the agent keeps it, and an executor may make any name up.
fn validate_task(status: &TaskStatus) -> Result<(), String> {
    mesos::id::validate(status.task_id.as_str()).map_err(|why| format!("TaskID in TaskStatus is invalid: {why}"))
}

fn validate_update(call: &ExecutorCall, status: &TaskStatus) -> Result<(), String> {
    let (executor, framework) = (&call.executor_id, &call.framework_id);
    let Some(uuid) = &status.uuid else { return Err("Expecting 'uuid' to be present".to_owned()) };
    if uuid.as_uuid().is_none() {
        return Err("Not a valid UUID".to_owned());
    }
    if let Some(other) = status.executor_id.as_ref().filter(|other| *other != executor) {
        return Err(format!("ExecutorID in Call: {executor} does not match ExecutorID in TaskStatus: {other}"));
    }
    if status.source != Some(Source::Executor) {
        return Err(format!(
            "Received Call from executor {executor} of framework {framework} with invalid source, expecting 'SOURCE_EXECUTOR'"
        ));
    }
    if status.state == TaskState::Staging {
        return Err(format!(
            "Received TASK_STAGING from executor {executor} of framework {framework} which is not allowed"
        ));
    }
    if status.check_status.as_ref().is_some_and(|check| check.r#type.is_none()) {
        return Err("Expecting 'check_status.type' to be present".to_owned());
    }
    Ok(())
}

/// The stream of an executor's events, until the agent ends it or itself.
fn stream(api: &Api, events: mpsc::Receiver<Event>) -> Response<Body> {
    let records = futures::stream::unfold((events, api.stop.clone()), |(mut events, stop)| async move {
        let event = tokio::select! {
            event = events.recv() => event?,
            () = tokio::time::sleep(HEARTBEAT) => Event::Heartbeat,
            () = stop.cancelled() => return None,
        };
        let record = encode(&mesos::json::to_vec(&event));
        Some((Ok::<_, std::convert::Infallible>(record), (events, stop)))
    });
    let mut response = Response::new(Body::from_stream(records));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refusal(call: Value) -> String {
        let wire = mesos::json::from_slice(call.to_string().as_bytes()).unwrap();
        validate(wire).unwrap_err()
    }

    fn update(change: impl Fn(&mut Value)) -> String {
        let mut call = json!({
            "type": "UPDATE", "framework_id": {"value": "f"}, "executor_id": {"value": "e"},
            "update": {"status": {"task_id": {"value": "t"}, "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR",
                                  "uuid": "bZ1QHppERUqXO2lFJ+WdPQ=="}},
        });
        change(&mut call["update"]["status"]);
        refusal(call)
    }

    #[test]
    fn calls_without_ids_or_type_are_refused_as_recorded() {
        assert_eq!(
            refusal(json!({"type": "SUBSCRIBE"})),
            "Failed to convert JSON into Call protobuf: Missing required fields: executor_id, framework_id"
        );
        let with = |more: &str| json!({"type": more, "framework_id": {"value": "f"}, "executor_id": {"value": "e"}});
        let validation = "Failed to validate Executor::Call: Expecting";
        assert_eq!(refusal(with("DANCE")), format!("{validation} 'type' to be present"));
        assert_eq!(refusal(with("SUBSCRIBE")), format!("{validation} 'subscribe' to be present"));
        assert_eq!(refusal(with("MESSAGE")), format!("{validation} 'message' to be present"));
    }

    #[test]
    fn tasks_whose_names_lead_out_of_the_agents_directory_are_refused() {
        for id in ["/etc/cron.d/x", "../../x", "..", "", "a/b", &"x".repeat(256)] {
            let id = json!({"value": id});
            assert!(
                update(|status| status["task_id"] = id.clone()).contains("TaskID in TaskStatus is invalid"),
                "{id}"
            );
            let update = json!({"status": {"task_id": id, "state": "TASK_RUNNING"}});
            let call = json!({"type": "SUBSCRIBE", "framework_id": {"value": "f"}, "executor_id": {"value": "e"},
                "subscribe": {"unacknowledged_updates": [update]}});
            assert!(refusal(call).contains("TaskID in TaskStatus is invalid"), "{id}");
        }
    }

    #[test]
    fn updates_have_to_be_an_executors() {
        assert!(update(|status| status["uuid"] = json!(null)).contains("'uuid'"));
        assert!(update(|status| status["uuid"] = json!("YQ==")).contains("Not a valid UUID"));
        assert!(update(|status| status["source"] = json!("SOURCE_AGENT")).contains("SOURCE_EXECUTOR"));
        assert!(update(|status| status["state"] = json!("TASK_STAGING")).contains("TASK_STAGING"));
        assert!(update(|status| status["executor_id"] = json!({"value": "x"})).contains("does not match"));
        assert!(update(|status| status["check_status"] = json!({})).contains("check_status"));
    }
}
