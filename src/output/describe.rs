//! `k8sm describe`: an object for people, its events below.

mod controller;
mod data;
mod event;
mod node;
mod page;
mod pod;
mod service;

use jiff::Timestamp;
use kube_api::Kind;
use serde_json::Value;

use crate::client::applied::LAST_APPLIED;
use page::Page;

/// The description of an object: its own fields, then the events about it, oldest first.
pub(crate) fn describe(kind: &Kind, object: &Value, events: &[Value], now: Timestamp) -> String {
    let mut page = Page::new(now);
    match (kind.group, kind.kind) {
        ("", "Pod") => pod::write(&mut page, object),
        ("", "Node") => node::write(&mut page, object),
        ("", "ReplicationController") => controller::write(&mut page, object),
        ("", "Service") => service::write(&mut page, object),
        ("", "Endpoints") => service::write_endpoints(&mut page, object),
        ("", "Event") => event::write(&mut page, object),
        ("", "Secret") => data::write_secret(&mut page, object),
        ("", "ConfigMap") => data::write_config_map(&mut page, object),
        _ => write_any(&mut page, object),
    }
    if !["Event", "Secret"].contains(&kind.kind) {
        event::write_all(&mut page, events);
    }
    page.finish()
}

/// What every object has in front.
fn head(page: &mut Page, object: &Value) {
    let metadata = &object["metadata"];
    page.field("Name", text(&metadata["name"]));
    if let Some(namespace) = metadata["namespace"].as_str() {
        page.field("Namespace", namespace);
    }
}

fn labels_and_annotations(page: &mut Page, object: &Value) {
    page.pairs("Labels", &object["metadata"]["labels"], "=");
    let mut annotations = object["metadata"]["annotations"].clone();
    // The whole object once more: a Secret's values among the rest.
    annotations.as_object_mut().map(|annotations| annotations.remove(LAST_APPLIED));
    page.pairs("Annotations", &annotations, ": ");
}

/// A kind without a page of its own: its head, then every field as it is spelt in the API.
fn write_any(page: &mut Page, object: &Value) {
    head(page, object);
    labels_and_annotations(page, object);
    page.field("Created", text(&object["metadata"]["creationTimestamp"]));
    for (name, value) in object.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "metadata" | "apiVersion" | "kind") {
            page.tree(name, value);
        }
    }
}

/// A field's text: empty where it is absent.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The same, `<none>` where it is absent or empty.
fn or_none(value: &Value) -> String {
    let text = text(value);
    if text.is_empty() { "<none>".to_owned() } else { text }
}

/// The items of a list, none where it is absent.
fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-01-01T00:10:00Z".parse().expect("a time")
    }

    fn describe_kind(kind: &str, object: &Value, events: &[Value]) -> String {
        describe(kinds::lookup(kind).expect("served"), object, events, now())
    }

    #[test]
    fn a_pod_shows_its_containers_states_and_events() {
        let pod = json!({
            "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": "mesosslave1", "restartPolicy": "Always", "containers": [
                {"name": "c", "image": "nginx", "ports": [{"containerPort": 80, "protocol": "TCP"}], "env": [{"name": "A", "value": "b"}]}]},
            "status": {"phase": "Running", "podIP": "172.30.0.1", "hostIP": "172.30.0.2",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "c", "ready": true, "restartCount": 2, "containerID": "docker://1",
                    "state": {"running": {"startedAt": "2026-01-01T00:01:00Z"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "Error"}}}]},
        });
        let events = [json!({"type": "Normal", "reason": "Started", "message": "Started container c", "count": 3,
            "firstTimestamp": "2026-01-01T00:01:00Z", "lastTimestamp": "2026-01-01T00:09:00Z", "source": {"component": "kubelet", "host": "mesosslave1"}})];
        let text = describe_kind("pod", &pod, &events);
        for line in [
            "Name:               web",
            "Node:               mesosslave1/172.30.0.2",
            "Status:             Running",
            "  c:",
            "    Image:          nginx",
            "    State:          Running",
            "    Last State:     Terminated",
            "      Exit Code:    137",
            "    Restart Count:  2",
            "  Normal  Started  60s (x3 over 9m)  kubelet, mesosslave1  Started container c",
        ] {
            assert!(text.contains(line), "{line:?} is missing in\n{text}");
        }
    }

    #[test]
    fn what_was_applied_last_is_not_shown() {
        let annotations = json!({LAST_APPLIED: "{\"data\":{\"password\":\"czNjcmV0\"}}", "mine": "1"});
        for kind in ["secret", "pod", "configmap", "ns", "node"] {
            let text = describe_kind(kind, &json!({"metadata": {"name": "a", "annotations": annotations}}), &[]);
            assert!(text.contains("mine: 1") && !text.contains("czNjcmV0"), "{text}");
        }
    }

    #[test]
    fn no_events_are_said() {
        let text = describe_kind("ns", &json!({"metadata": {"name": "a"}, "status": {"phase": "Active"}}), &[]);
        assert!(text.starts_with("Name:         a\n"), "{text}");
        assert!(text.ends_with("Events:       <none>\n"), "{text}");
        assert!(text.contains("  phase:  Active"), "{text}");
    }

    #[test]
    fn a_service_shows_where_its_ports_go() {
        let service = json!({"metadata": {"name": "s", "namespace": "d"}, "spec": {"type": "ClusterIP", "clusterIP": "10.10.10.3",
            "selector": {"app": "web"}, "ports": [{"name": "http", "port": 8000, "targetPort": 80, "protocol": "TCP"}]}});
        let text = describe_kind("svc", &service, &[]);
        assert!(text.contains("Selector:          app=web"), "{text}");
        assert!(text.contains("Port:              http  8000/TCP"), "{text}");
        assert!(text.contains("TargetPort:        80/TCP"), "{text}");
    }
}
