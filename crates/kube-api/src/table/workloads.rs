//! What makes pods: replication controllers and pod templates.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, column, count, items, join, labels, name, number, text, wide};

pub(super) static REPLICATION_CONTROLLERS: Printer = Printer {
    columns: &[
        NAME,
        number("Desired", "How many pods there shall be."),
        number("Current", "How many pods there are."),
        number("Ready", "How many of them are ready."),
        AGE,
        wide("Containers", "The containers of each pod."),
        wide("Images", "Their images."),
        wide("Selector", "The labels by which the controller knows its pods."),
    ],
    cells: |rc, now| {
        let (spec, status) = (&rc["spec"], &rc["status"]);
        vec![
            name(rc),
            count(&spec["replicas"]).into(),
            count(&status["replicas"]).into(),
            count(&status["readyReplicas"]).into(),
            age(rc, now),
            containers(&spec["template"]["spec"], "name").into(),
            containers(&spec["template"]["spec"], "image").into(),
            labels(&spec["selector"]).into(),
        ]
    },
};

pub(super) static SCALES: Printer = Printer {
    columns: &[
        Column { format: "", ..NAME },
        number("Desired", "How many pods there shall be."),
        number("Available", "How many pods there are."),
        AGE,
    ],
    cells: |scale, now| {
        let replicas = |part: &str| count(&scale[part]["replicas"]).into();
        vec![name(scale), replicas("spec"), replicas("status"), age(scale, now)]
    },
};

pub(super) static POD_TEMPLATES: Printer = Printer {
    columns: &[
        NAME,
        column("Containers", "The containers of a pod made from the template."),
        column("Images", "Their images."),
        column("Pod Labels", "The labels of such a pod."),
    ],
    cells: |object, _| {
        let template = &object["template"];
        vec![
            name(object),
            containers(&template["spec"], "name").into(),
            containers(&template["spec"], "image").into(),
            labels(&template["metadata"]["labels"]).into(),
        ]
    },
};

/// One field of each container.
fn containers(spec: &Value, field: &str) -> String {
    join(items(&spec["containers"]).map(|c| text(&c[field])), ",")
}
