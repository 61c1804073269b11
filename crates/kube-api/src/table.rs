//! Objects as rows of a `Table`, as Kubernetes prints them.

use jiff::Timestamp;
use serde_json::{Value, json};

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

/// The columns of a kind.
#[must_use]
pub fn columns(kind: &Kind) -> &'static [Column] {
    let _ = kind;
    DEFAULT
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

/// The cells of one object's row, one a column.
#[must_use]
pub fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let _ = (kind, now);
    vec![object["metadata"]["name"].clone(), object["metadata"]["creationTimestamp"].clone()]
}

const DEFAULT: &[Column] = &[
    Column { name: "Name", kind: "string", format: "name", description: "The object's name.", priority: 0 },
    Column { name: "Created At", kind: "date", format: "", description: "When the object was created.", priority: 0 },
];
