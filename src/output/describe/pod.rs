//! A pod: where it is, each container with its states, conditions, volumes.

use serde_json::Value;

use super::page::Page;
use super::{head, items, labels_and_annotations, or_none, text};

pub(super) fn write(page: &mut Page, pod: &Value) {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    head(page, pod);
    if let Some(account) = spec["serviceAccountName"].as_str() {
        page.field("Service Account", account);
    }
    page.field("Node", node(spec, status));
    page.field("Start Time", text(&status["startTime"]));
    labels_and_annotations(page, pod);
    page.field("Status", state(pod));
    for name in ["reason", "message"] {
        if let Some(value) = status[name].as_str() {
            page.field(if name == "reason" { "Reason" } else { "Message" }, value);
        }
    }
    page.field("IP", text(&status["podIP"]));
    if let Some(owner) = items(&pod["metadata"]["ownerReferences"]).iter().find(|owner| owner["controller"] == true) {
        page.field("Controlled By", format!("{}/{}", text(&owner["kind"]), text(&owner["name"])));
    }
    page.field("Restart Policy", text(&spec["restartPolicy"]));
    containers(page, "Init Containers", &spec["initContainers"], &status["initContainerStatuses"]);
    containers(page, "Containers", &spec["containers"], &status["containerStatuses"]);
    let conditions =
        items(&status["conditions"]).iter().map(|c| vec![text(&c["type"]), text(&c["status"]), text(&c["reason"])]);
    page.section("Conditions", |_| {});
    page.table(&["Type", "Status", "Reason"], conditions.collect());
    volumes(page, &spec["volumes"]);
    page.pairs("Node-Selectors", &spec["nodeSelector"], "=");
}

fn node(spec: &Value, status: &Value) -> String {
    match (spec["nodeName"].as_str(), status["hostIP"].as_str()) {
        (None | Some(""), _) => "<none>".to_owned(),
        (Some(name), Some(address)) => format!("{name}/{address}"),
        (Some(name), None) => format!("{name}/"),
    }
}

fn state(pod: &Value) -> String {
    match pod["metadata"]["deletionTimestamp"].as_str() {
        Some(since) => format!(
            "Terminating (since {since}, grace period {}s)",
            text(&pod["metadata"]["deletionGracePeriodSeconds"])
        ),
        None => text(&pod["status"]["phase"]),
    }
}

fn containers(page: &mut Page, heading: &str, specs: &Value, statuses: &Value) {
    if items(specs).is_empty() {
        return;
    }
    page.section(heading, |page| {
        for spec in items(specs) {
            let status = items(statuses).iter().find(|status| status["name"] == spec["name"]).unwrap_or(&Value::Null);
            page.section(&text(&spec["name"]), |page| container(page, spec, status));
        }
    });
}

fn container(page: &mut Page, spec: &Value, status: &Value) {
    page.field("Container ID", text(&status["containerID"]));
    page.field("Image", text(&spec["image"]));
    page.field("Image ID", text(&status["imageID"]));
    page.field(
        "Port",
        list(&spec["ports"], |port| format!("{}/{}", text(&port["containerPort"]), text(&port["protocol"]))),
    );
    page.field(
        "Host Port",
        list(&spec["ports"], |port| format!("{}/{}", port["hostPort"].as_u64().unwrap_or(0), text(&port["protocol"]))),
    );
    for (name, words) in [("Command", &spec["command"]), ("Args", &spec["args"])] {
        if !items(words).is_empty() {
            page.field(name, list(words, text));
        }
    }
    write_state(page, "State", &status["state"]);
    if status["lastState"].as_object().is_some_and(|state| !state.is_empty()) {
        write_state(page, "Last State", &status["lastState"]);
    }
    page.field("Ready", if status["ready"] == true { "True" } else { "False" });
    page.field("Restart Count", status["restartCount"].as_u64().unwrap_or(0).to_string());
    for (name, amounts) in [("Limits", &spec["resources"]["limits"]), ("Requests", &spec["resources"]["requests"])] {
        if amounts.as_object().is_some_and(|amounts| !amounts.is_empty()) {
            page.pairs(name, amounts, ": ");
        }
    }
    page.field("Environment", list(&spec["env"], environment));
    page.field(
        "Mounts",
        list(&spec["volumeMounts"], |mount| format!("{} from {}", text(&mount["mountPath"]), text(&mount["name"]))),
    );
}

fn write_state(page: &mut Page, name: &str, state: &Value) {
    let Some((kind, details)) = state.as_object().and_then(|state| state.iter().next()) else {
        return page.field(name, "Waiting");
    };
    let mut title = kind.clone();
    title[..1].make_ascii_uppercase();
    page.field(name, title);
    let fields = [
        ("reason", "Reason"),
        ("message", "Message"),
        ("exitCode", "Exit Code"),
        ("signal", "Signal"),
        ("startedAt", "Started"),
        ("finishedAt", "Finished"),
    ];
    for (key, label) in fields {
        if !details[key].is_null() {
            page.field(&format!("  {label}"), text(&details[key]));
        }
    }
}

fn environment(variable: &Value) -> String {
    match variable["valueFrom"].as_object().and_then(|from| from.iter().next()) {
        Some((kind, reference)) => {
            let (name, key) = (text(&reference["name"]), text(&reference["key"]));
            format!("{}=<{kind} {name}{key}{}>", text(&variable["name"]), text(&reference["fieldPath"]))
        }
        None => format!("{}={}", text(&variable["name"]), text(&variable["value"])),
    }
}

fn volumes(page: &mut Page, volumes: &Value) {
    if items(volumes).is_empty() {
        return page.field("Volumes", "<none>");
    }
    page.section("Volumes", |page| {
        for volume in items(volumes) {
            let source = volume.as_object().into_iter().flatten().find(|(key, _)| *key != "name");
            page.section(&or_none(&volume["name"]), |page| {
                if let Some((kind, value)) = source {
                    page.tree(kind, value);
                }
            });
        }
    });
}

fn list(values: &Value, each: impl Fn(&Value) -> String) -> String {
    let texts: Vec<String> = items(values).iter().map(each).collect();
    if texts.is_empty() { "<none>".to_owned() } else { texts.join(", ") }
}
