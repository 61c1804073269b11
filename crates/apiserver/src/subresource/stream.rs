//! What a pod's node is asked for: logs.

use http::StatusCode;
use kube_api::validate::FieldError;
use kube_api::{Kind, Status, decode, kinds};
use serde_json::Value;

use crate::api::{Api, Call};
use crate::http::reply::{self, Answer};
use crate::verbs::read;

/// Parameters of a log that the kubelet understands.
const LOG_PARAMETERS: &[&str] =
    &["follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream"];

/// A container's log.
pub(crate) async fn log(api: &Api, call: &Call) -> Answer {
    check(call)?;
    let pod = read::find(api, call).await?.value();
    let container = container(call, &pod)?;
    let name = &call.target.name;
    let Some(node) = pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty()) else {
        // nothing has run, so nothing was said
        return Ok(reply::text(StatusCode::NO_CONTENT, ""));
    };
    let parameters: Vec<(&str, &str)> = LOG_PARAMETERS.iter().filter_map(|&p| Some((p, call.query.get(p)?))).collect();
    let path = format!("/containerLogs/{}/{name}/{container}", call.target.namespace);
    let node = self::node(api, node)?;
    api.kubelet.get(&node, &path, &parameters, &api.shutdown).await
}

/// Refuses options of a log that make no sense.
fn check(call: &Call) -> Result<(), Status> {
    let query = &call.query;
    let mut errors = Vec::new();
    for (option, least, why) in [
        ("tailLines", 0, "must be greater than or equal to 0"),
        ("limitBytes", 1, "must be greater than 0"),
        ("sinceSeconds", 1, "must be greater than 0"),
    ] {
        let number = query.number(option)?;
        if let Some(number) = number.filter(|&number| number < least) {
            errors.push(FieldError::invalid(option, &number.into(), why));
        }
    }
    if let Some(time) = query.get("sinceTime") {
        decode::time(time).map_err(Status::bad_request)?;
        if query.given("sinceSeconds").is_some() {
            // Kubernetes names no field here
            errors.push(FieldError::forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let options = Kind { kind: "PodLogOptions", ..*call.kind() };
    Err(Status::invalid(&options, &call.target.name, &errors))
}

/// The container that is meant: the one named, or the only one that is neither an init nor an ephemeral container.
pub(super) fn container(call: &Call, pod: &Value) -> Result<String, Status> {
    let all: Vec<&str> = ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .filter_map(|list| pod["spec"][*list].as_array())
        .flatten()
        .filter_map(|container| container["name"].as_str())
        .collect();
    let name = &call.target.name;
    match call.query.get("container") {
        Some(container) if all.contains(&container) => Ok(container.to_owned()),
        Some(container) => Err(Status::bad_request(format!("container {container} is not valid for pod {name}"))),
        None => match pod["spec"]["containers"].as_array().map(Vec::as_slice) {
            Some([only]) => Ok(only["name"].as_str().unwrap_or_default().to_owned()),
            _ => Err(Status::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                all.join(" ")
            ))),
        },
    }
}

/// The node of that name.
pub(super) fn node(api: &Api, name: &str) -> Result<Value, Status> {
    let nodes = kinds::find("", "v1", "nodes").expect("the table of kinds has nodes");
    let entry = api.store.shelf("nodes").and_then(|shelf| shelf.get(name));
    entry.map(|entry| entry.value()).ok_or_else(|| Status::not_found(nodes, name))
}
