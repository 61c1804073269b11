//! `exec`, `attach`, `portforward`, and `log` where it is asked for so: a pod's streams, over a connection that its node's kubelet serves.

use http::header::UPGRADE;
use kube_api::Status;

use super::stream;
use crate::api::{Api, Call};
use crate::http::reply::Answer;
use crate::upgrade::Onward;
use crate::verbs::read;

/// Passes the request on to the kubelet of the pod's node.
pub(super) async fn open(api: &Api, mut call: Call, what: &str) -> Answer {
    let pod = read::find(api, &call).await?.value();
    let (namespace, name) = (&call.target.namespace, &call.target.name);
    let path = match what {
        "exec" => format!("/exec/{namespace}/{name}/{}", stream::container(&call, &pod)?),
        "log" => format!("/containerLogs/{namespace}/{name}/{}", stream::container(&call, &pod)?),
        "attach" => format!("/attach/{namespace}/{name}/{}", stream::container(&call, &pod)?),
        _ => format!("/portForward/{namespace}/{name}"),
    };
    let Some(node) = pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty()) else {
        return Err(Status::bad_request(format!("pod {name} does not have a host assigned")));
    };
    if !call.headers.contains_key(UPGRADE) {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let node = stream::node(api, node)?;
    let client = call.upgrade.take().ok_or_else(|| Status::bad_request("this connection cannot be upgraded"))?;
    let path = match &call.raw_query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let onward = Onward { method: &call.method, headers: &call.headers, path: &path, client };
    api.kubelet.upgrade(&node, onward, &api.shutdown).await
}
