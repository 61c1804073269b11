//! `POST /api/v1`: the operator's calls to an agent (reference, section 6.5). Those that are not served are refused by name.

use axum::body::Body;
use http::{Response, StatusCode};
use mesos::time::DurationInfo;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, files};
use crate::agent::view;
use crate::reply::{Received, Refused, json as json_reply, read, require_json_accepted, text};

/// A call; bodies of calls that are not served are not read.
#[derive(Deserialize)]
struct OperatorCall {
    #[serde(rename = "type")]
    kind: Option<String>,
    get_metrics: Option<GetMetrics>,
    list_files: Option<ListFiles>,
    read_file: Option<ReadFile>,
}

#[derive(Deserialize)]
struct GetMetrics {
    /// Our metrics are there at once.
    #[serde(rename = "timeout")]
    _timeout: Option<DurationInfo>,
}

#[derive(Deserialize)]
struct ListFiles {
    path: String,
}

#[derive(Deserialize)]
struct ReadFile {
    path: String,
    offset: u64,
    length: Option<u64>,
}

/// Calls of Mesos' own that this agent knows and does not serve.
const NOT_SERVED: &[&str] = &[
    "SET_LOGGING_LEVEL",
    "LAUNCH_NESTED_CONTAINER",
    "WAIT_NESTED_CONTAINER",
    "KILL_NESTED_CONTAINER",
    "REMOVE_NESTED_CONTAINER",
    "LAUNCH_NESTED_CONTAINER_SESSION",
    "ATTACH_CONTAINER_INPUT",
    "ATTACH_CONTAINER_OUTPUT",
    "LAUNCH_CONTAINER",
    "WAIT_CONTAINER",
    "KILL_CONTAINER",
    "REMOVE_CONTAINER",
    "ADD_RESOURCE_PROVIDER_CONFIG",
    "UPDATE_RESOURCE_PROVIDER_CONFIG",
    "REMOVE_RESOURCE_PROVIDER_CONFIG",
    "MARK_RESOURCE_PROVIDER_GONE",
    "PRUNE_IMAGES",
];

pub(super) async fn answer(api: &Api, call: Received) -> Response<Body> {
    let operator_call = match read::<OperatorCall>(&call).and_then(|read| require_json_accepted(&call).map(|()| read)) {
        Ok(operator_call) => operator_call,
        Err(response) => return *response,
    };
    match body(api, operator_call).await {
        Ok((kind, body)) => {
            let field = kind.to_lowercase();
            let answer = match body {
                Some(body) => json!({"type": kind, field: body}),
                None => json!({"type": kind}),
            };
            json_reply(&Ordered(answer), "")
        }
        Err(response) => *response,
    }
}

/// serde_json sorts keys; `type` comes first all the same, as Mesos has it.
struct Ordered(Value);

impl serde::Serialize for Ordered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let Some(fields) = self.0.as_object() else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, value) in fields.iter().filter(|(name, _)| *name == "type") {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in fields.iter().filter(|(name, _)| *name != "type") {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn refuse<T>(status: StatusCode, why: &str) -> Result<T, Refused> {
    Err(Box::new(text(status, why)))
}

fn missing<T>(field: &str) -> Result<T, Refused> {
    refuse(StatusCode::BAD_REQUEST, &format!("Failed to validate agent::Call: Expecting '{field}' to be present"))
}

/// The body of the answer to a call, under the call's name.
async fn body(api: &Api, call: OperatorCall) -> Result<(String, Option<Value>), Refused> {
    let Some(kind) = call.kind else { return missing("type") };
    let seen = match kind.as_str() {
        "GET_HEALTH" => Some(json!({"healthy": true})),
        "GET_VERSION" => Some(json!({"version_info": view::version()})),
        "GET_FLAGS" => api.agent.view(view::flag_list).await,
        "GET_LOGGING_LEVEL" => Some(json!({"level": 0})),
        "GET_METRICS" if call.get_metrics.is_none() => return missing("get_metrics"),
        "GET_METRICS" => api.agent.view(view::metrics::list).await,
        "GET_STATE" => api.agent.view(view::v1::state).await,
        "GET_FRAMEWORKS" => api.agent.view(view::v1::frameworks).await,
        "GET_EXECUTORS" => api.agent.view(view::v1::executors).await,
        "GET_TASKS" => api.agent.view(view::v1::tasks).await,
        "GET_AGENT" => api.agent.view(view::v1::agent).await,
        "GET_CONTAINERS" => api.agent.view(view::v1::containers).await,
        "GET_OPERATIONS" | "GET_RESOURCE_PROVIDERS" => return Ok((kind, Some(json!({})))),
        "LIST_FILES" => match call.list_files {
            Some(list) => Some(files::list(api, &list.path).await?),
            None => return missing("list_files"),
        },
        "READ_FILE" => match call.read_file {
            Some(read) => Some(files::read_base64(api, &read.path, read.offset, read.length).await?),
            None => return missing("read_file"),
        },
        other if NOT_SERVED.contains(&other) => {
            return refuse(StatusCode::NOT_IMPLEMENTED, &format!("{other} is not served by this agent"));
        }
        _ => return missing("type"),
    };
    match seen {
        Some(seen) => Ok((kind, Some(seen))),
        None => refuse(StatusCode::SERVICE_UNAVAILABLE, "The agent is ending"),
    }
}
