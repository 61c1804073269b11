//! Binding a pod to its node: the scheduler's (here: the executor's) word that it runs there.

use http::StatusCode;
use kube_api::status::quote;
use kube_api::{Status, kinds, meta};
use serde_json::{Value, json};

use crate::admission;
use crate::api::{Api, Call, key};
use crate::http::reply::{self, Answer};
use crate::verbs::create::{no_claims, now};
use crate::verbs::modify::{Decision, Place, modify};

/// Binds the pod that the path, or the binding itself, names; its annotations go to the pod.
pub(crate) async fn bind(api: &Api, call: &Call, binding: &Value) -> Answer {
    let pods = kinds::find("", "v1", "pods").expect("the table of kinds has pods");
    let name = if call.target.name.is_empty() { meta::name(binding) } else { &call.target.name };
    admission::check_namespace(api, call.kind(), &call.target.namespace, name).await?;
    if meta::name(binding) != name {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    let node = check_target(binding, name)?;
    if let Some(own) = call.user.node().filter(|own| *own != node) {
        let why = format!("node {own:?} can bind pods to itself alone, not to {node:?}");
        return Err(Status::forbidden(pods, name, &why));
    }
    let key = key(&call.target.namespace, name);
    let place = Place { kind: pods, key: &key, name };
    modify(api, place, call.query.dry_run()?, |pod| decide(pod, binding, &node)).await?;
    let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(reply::value(StatusCode::CREATED, &done, call.accept))
}

fn check_target(binding: &Value, name: &str) -> Result<String, Status> {
    let kind = kinds::find("", "v1", "bindings").expect("the table of kinds has bindings");
    let target = &binding["target"];
    let error = |field: &str, reason: &'static str, message: String| {
        let error = kube_api::validate::FieldError { reason, field: field.to_owned(), message };
        Status::invalid(kind, name, &[error])
    };
    match target["kind"].as_str() {
        None | Some("" | "Node" | "Minion") => {}
        Some(other) => {
            let message = format!("Unsupported value: {}: supported values: \"Node\", \"<empty>\"", quote(other));
            return Err(error("target.kind", "FieldValueNotSupported", message));
        }
    }
    match target["name"].as_str() {
        None | Some("") => Err(error("target.name", "FieldValueRequired", "Required value".to_owned())),
        Some(node) => Ok(node.to_owned()),
    }
}

fn decide(pod: &Value, binding: &Value, node: &str) -> Result<Decision, Status> {
    let pods = kinds::find("", "v1", "pods").expect("the table of kinds has pods");
    let name = meta::name(pod);
    let conflict = |why: String| Status::conflict(&BINDING_TARGET, name, &why);
    let (uid, version) = (meta::uid(binding), meta::resource_version(binding));
    if !uid.is_empty() && uid != meta::uid(pod) {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", meta::uid(pod));
        return Err(Status::conflict(pods, name, &why));
    }
    if !version.is_empty() && version != meta::resource_version(pod) {
        return Err(Status::modified(pods, name));
    }
    if meta::deleting(pod) {
        return Err(conflict(format!("pod {name} is being deleted, cannot be assigned to a host")));
    }
    if let Some(bound) = pod["spec"]["nodeName"].as_str().filter(|bound| !bound.is_empty()) {
        return Err(conflict(format!("pod {name} is already assigned to node {bound:?}")));
    }
    if pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
        return Err(conflict(format!("pod {name} has non-empty .spec.schedulingGates")));
    }
    let mut bound = pod.clone();
    bound["spec"]["nodeName"] = node.into();
    if let Some(annotations) = binding["metadata"]["annotations"].as_object().filter(|all| !all.is_empty()) {
        if !bound["metadata"]["annotations"].is_object() {
            bound["metadata"]["annotations"] = json!({});
        }
        for (key, value) in annotations {
            bound["metadata"]["annotations"][key] = value.clone();
        }
    }
    scheduled(&mut bound);
    Ok(Decision::Put(bound, no_claims()))
}

/// Kubernetes names pods/binding in these conflicts.
const BINDING_TARGET: kube_api::Kind = {
    let verbs: &[&str] = &[];
    kube_api::Kind {
        group: "",
        version: "v1",
        kind: "Binding",
        plural: "pods/binding",
        singular: "binding",
        short_names: verbs,
        categories: verbs,
        namespaced: true,
        verbs,
        subresources: &[],
        schema: "core/v1.Binding",
    }
};

/// Sets the condition that says the pod has its node.
fn scheduled(pod: &mut Value) {
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now()});
    let mut conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    match conditions.iter_mut().find(|condition| condition["type"] == "PodScheduled") {
        Some(there) if there["status"] == "True" => {}
        Some(there) => *there = condition,
        None => conditions.push(condition),
    }
    pod["status"]["conditions"] = conditions.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_bound_once() {
        let pod = json!({"metadata": {"name": "p", "uid": "u", "annotations": {"a": "1"}}, "spec": {}, "status": {}});
        let binding = json!({"metadata": {"name": "p", "annotations": {"b": "2"}}, "target": {"name": "n"}});
        let Ok(Decision::Put(bound, _)) = decide(&pod, &binding, "n") else { panic!("bound") };
        assert_eq!(bound["spec"]["nodeName"], "n");
        assert_eq!(bound["metadata"]["annotations"], json!({"a": "1", "b": "2"}));
        assert_eq!(bound["status"]["conditions"][0]["type"], "PodScheduled");
        let refusal = decide(&bound, &binding, "m").err().unwrap();
        assert_eq!((refusal.code, refusal.reason), (409, "Conflict"));
        assert!(refusal.message.contains("already assigned to node \"n\""), "{}", refusal.message);
        assert_eq!(check_target(&json!({"target": {}}), "p").unwrap_err().code, 422);
    }
}
