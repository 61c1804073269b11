//! Namespaces, quotas, leases and what else belongs to the cluster as a whole.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, column, items, name, number, or, text};

pub(super) static NAMESPACES: Printer = Printer {
    columns: &[NAME, column("Status", "Whether the namespace is in use or being deleted."), AGE],
    cells: |object, now| vec![name(object), text(&object["status"]["phase"]).into(), age(object, now)],
};

pub(super) static LEASES: Printer = Printer {
    columns: &[NAME, column("Holder", "Who holds the lease."), AGE],
    cells: |object, now| vec![name(object), text(&object["spec"]["holderIdentity"]).into(), age(object, now)],
};

pub(super) static RUNTIME_CLASSES: Printer = Printer {
    columns: &[NAME, column("Handler", "What nodes know the class by."), AGE],
    cells: |object, now| vec![name(object), text(&object["handler"]).into(), age(object, now)],
};

pub(super) static PRIORITY_CLASSES: Printer = Printer {
    columns: &[
        NAME,
        number("Value", "The priority of pods of the class."),
        Column { kind: "boolean", ..column("Global-Default", "Whether pods without a class get this one.") },
        AGE,
        column("PreemptionPolicy", "Whether pods of the class make room for themselves."),
    ],
    cells: |object, now| {
        vec![
            name(object),
            object["value"].as_i64().unwrap_or(0).into(),
            (object["globalDefault"] == true).into(),
            age(object, now),
            or(&object["preemptionPolicy"], "PreemptLowerPriority").into(),
        ]
    },
};

pub(super) static COMPONENT_STATUSES: Printer = Printer {
    columns: &[
        NAME,
        column("Status", "Whether the component is healthy."),
        column("Message", "What the component says."),
        column("Error", "What is wrong."),
    ],
    cells: |object, _| {
        let condition = items(&object["conditions"]).find(|c| c["type"] == "Healthy");
        let (status, message, error) = condition.map_or(("Unknown", "", ""), |c| {
            let status = match text(&c["status"]) {
                "True" => "Healthy",
                "False" => "Unhealthy",
                _ => "Unknown",
            };
            (status, text(&c["message"]), text(&c["error"]))
        });
        vec![name(object), status.into(), message.into(), error.into()]
    },
};

pub(super) static RESOURCE_QUOTAS: Printer = Printer {
    columns: &[
        NAME,
        AGE,
        column("Request", "What may be asked for or counted, and how much of it is used."),
        column("Limit", "What limits may add up to, and how much of it is used."),
    ],
    cells: |object, now| {
        let (requests, limits) = usage(&object["status"]);
        vec![name(object), age(object, now), requests.into(), limits.into()]
    },
};

fn usage(status: &Value) -> (String, String) {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in status["hard"].as_object().into_iter().flatten() {
        let line = format!("{resource}: {}/{}", or(&status["used"][resource], "0"), text(hard));
        if resource.starts_with("limits.") { limits.push(line) } else { requests.push(line) }
    }
    (requests.join(", "), limits.join(", "))
}

#[cfg(test)]
mod tests {
    use super::usage;
    use serde_json::json;

    #[test]
    fn quotas_show_what_is_used_of_what() {
        let status = json!({"hard": {"pods": "10", "limits.cpu": "2", "requests.cpu": "1"}, "used": {"pods": "3", "limits.cpu": "500m"}});
        assert_eq!(usage(&status), ("pods: 3/10, requests.cpu: 0/1".to_owned(), "limits.cpu: 500m/2".to_owned()));
    }
}
