//! Objects as rows of a `Table`, as Kubernetes prints them for `kubectl get`.

mod access;
mod cluster;
mod config;
mod endpoints;
mod events;
mod nodes;
mod pods;
mod services;
mod volumes;
mod workloads;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::duration;
use crate::kinds::Kind;

/// One column of a kind's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub name: &'static str,
    /// The type of its cells: `string`, `integer`, `date`…
    pub kind: &'static str,
    /// `name` for the column that names the object, else empty.
    pub format: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// 0 is always shown, 1 with `-o wide`.
    pub priority: u8,
}

/// How a kind is printed.
struct Printer {
    columns: &'static [Column],
    cells: fn(&Value, Timestamp) -> Vec<Value>,
}

/// The columns of a kind.
#[must_use]
pub fn columns(kind: &Kind) -> &'static [Column] {
    printer(kind).columns
}

/// The `columnDefinitions` of a kind's table.
#[must_use]
pub fn definitions(kind: &Kind) -> Value {
    columns(kind)
        .iter()
        .map(|c| {
            json!({"name": c.name, "type": c.kind, "format": c.format, "description": c.description,
                "priority": c.priority})
        })
        .collect()
}

/// The cells of one object's row, one a column; ages are those at `now`.
#[must_use]
pub fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    (printer(kind).cells)(object, now)
}

/// The `conditions` of one object's row, which let clients grey out pods that are done; most have none.
#[must_use]
pub fn conditions(kind: &Kind, object: &Value) -> Vec<Value> {
    let done = |reason: &str, message: &str| {
        vec![json!({"type": "Completed", "status": "True", "reason": reason, "message": message})]
    };
    match (kind.group, kind.kind, object["status"]["phase"].as_str()) {
        ("", "Pod", Some("Succeeded")) => done("Succeeded", "The pod has completed successfully."),
        ("", "Pod", Some("Failed")) => done("Failed", "The pod failed."),
        _ => Vec::new(),
    }
}

fn printer(kind: &Kind) -> &'static Printer {
    match (kind.group, kind.kind) {
        ("", "Pod") => &pods::PODS,
        ("", "PodTemplate") => &workloads::POD_TEMPLATES,
        ("", "ReplicationController") => &workloads::REPLICATION_CONTROLLERS,
        ("autoscaling", "Scale") => &workloads::SCALES,
        ("", "Service") => &services::SERVICES,
        ("", "Endpoints") => &endpoints::ENDPOINTS,
        ("discovery.k8s.io", "EndpointSlice") => &endpoints::ENDPOINT_SLICES,
        ("", "Node") => &nodes::NODES,
        ("", "Namespace") => &cluster::NAMESPACES,
        ("", "ComponentStatus") => &cluster::COMPONENT_STATUSES,
        ("", "ResourceQuota") => &cluster::RESOURCE_QUOTAS,
        ("coordination.k8s.io", "Lease") => &cluster::LEASES,
        ("node.k8s.io", "RuntimeClass") => &cluster::RUNTIME_CLASSES,
        ("scheduling.k8s.io", "PriorityClass") => &cluster::PRIORITY_CLASSES,
        ("", "Event") => &events::EVENTS,
        ("events.k8s.io", "Event") => &events::NEW_EVENTS,
        ("", "ConfigMap") => &config::CONFIG_MAPS,
        ("", "Secret") => &config::SECRETS,
        ("", "ServiceAccount") => &config::SERVICE_ACCOUNTS,
        ("", "PersistentVolume") => &volumes::PERSISTENT_VOLUMES,
        ("", "PersistentVolumeClaim") => &volumes::PERSISTENT_VOLUME_CLAIMS,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => &access::ROLE_BINDINGS,
        _ => &DEFAULT,
    }
}

static DEFAULT: Printer = Printer {
    columns: &[NAME, Column { kind: "date", ..column("Created At", "When the object was created.") }],
    cells: |object, _| vec![name(object), object["metadata"]["creationTimestamp"].clone()],
};

const NAME: Column = Column {
    name: "Name",
    kind: "string",
    format: "name",
    description: "The object's name, unique among those of its kind and namespace.",
    priority: 0,
};

const AGE: Column = column("Age", "How long ago the object was created.");

/// A column of texts.
const fn column(name: &'static str, description: &'static str) -> Column {
    Column { name, kind: "string", format: "", description, priority: 0 }
}

/// A column of texts that only `-o wide` shows.
const fn wide(name: &'static str, description: &'static str) -> Column {
    Column { priority: 1, ..column(name, description) }
}

/// A column of integers.
const fn number(name: &'static str, description: &'static str) -> Column {
    Column { kind: "integer", ..column(name, description) }
}

fn name(object: &Value) -> Value {
    object["metadata"]["name"].clone()
}

fn age(object: &Value, now: Timestamp) -> Value {
    duration::age(object["metadata"]["creationTimestamp"].as_str(), now).into()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The text, or another where there is none.
fn or<'a>(value: &'a Value, otherwise: &'a str) -> &'a str {
    value.as_str().filter(|t| !t.is_empty()).unwrap_or(otherwise)
}

fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn items(value: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn size(value: &Value) -> usize {
    value.as_object().map_or(0, Map::len)
}

fn join<'a>(texts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    texts.collect::<Vec<_>>().join(separator)
}

/// Labels as `a=b,c=d`.
fn labels(labels: &Value) -> String {
    match labels.as_object() {
        Some(map) if !map.is_empty() => {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}={}", text(v))).collect();
            pairs.join(",")
        }
        _ => "<none>".to_owned(),
    }
}

/// The first three, and how many more there are.
fn abridged(texts: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = texts.iter().take(SHOWN).map(String::as_str);
    match texts.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} + {more} more...", join(shown, ",")),
        _ => join(shown, ","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        for kind in crate::kinds::all() {
            let cells = cells(kind, &json!({"metadata": {"name": "a"}}), Timestamp::UNIX_EPOCH);
            assert_eq!(cells.len(), columns(kind).len(), "{}", kind.kind);
            assert!(columns(kind).iter().any(|c| c.format == "name"), "{}", kind.kind);
            assert!(columns(kind).iter().all(|c| !c.description.is_empty()), "{}", kind.kind);
        }
    }

    #[test]
    fn long_lists_are_abridged() {
        let texts: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(abridged(&texts), "a,b,c + 2 more...");
        assert_eq!(abridged(&texts[..3]), "a,b,c");
        assert_eq!(abridged(&[]), "");
    }
}
