//! The objects of the first recording, listed as tables.

use jiff::Timestamp;
use kube_api::table;
use serde_json::{Value, json};

use crate::record;

/// What 1.33 prints otherwise.
fn newer(kind: &str, columns: &mut Vec<Value>, rows: &mut [Vec<Value>]) {
    match kind {
        // Restarts became a text, which says when the last one was.
        "Pod" => {
            columns[3][1] = "string".into();
            for row in rows {
                row[3] = row[3].to_string().into();
            }
        }
        "PriorityClass" => add(columns, rows, 4, json!(["PreemptionPolicy", "string", "", 0]), "PreemptLowerPriority"),
        "PersistentVolume" => add(columns, rows, 7, json!(["VolumeAttributesClass", "string", "", 0]), "<unset>"),
        "PersistentVolumeClaim" => add(columns, rows, 6, json!(["VolumeAttributesClass", "string", "", 0]), "<unset>"),
        _ => {}
    }
}

fn add(columns: &mut Vec<Value>, rows: &mut [Vec<Value>], at: usize, column: Value, cell: &str) {
    columns.insert(at, column);
    for row in rows {
        row.insert(at, cell.into());
    }
}

/// The objects as they were when the tables were made: what the first recording answered.
fn objects() -> Vec<Value> {
    record::read("1-defaults.jsonl").iter().map(|e| e["response"]["body"].clone()).collect()
}

#[test]
fn tables_are_those_of_kubernetes() {
    let objects = objects();
    let mut checked = 0;
    for exchange in record::read("2-tables.jsonl") {
        let case = exchange["case"].as_str().expect("text");
        let body = &exchange["response"]["body"];
        let Some((kind, _)) = record::kind_at(exchange["request"]["path"].as_str().expect("text")) else { continue };
        if body["kind"] != "Table" {
            continue;
        }
        let definitions = body["columnDefinitions"].as_array().expect("list");
        let mut columns: Vec<Value> =
            definitions.iter().map(|c| json!([c["name"], c["type"], c["format"], c["priority"]])).collect();
        let rows = body["rows"].as_array().expect("list");
        let mut cells: Vec<Vec<Value>> =
            rows.iter().map(|row| row["cells"].as_array().expect("list").clone()).collect();
        newer(kind.kind, &mut columns, &mut cells);
        let ours: Vec<Value> =
            table::columns(kind).iter().map(|c| json!([c.name, c.kind, c.format, c.priority])).collect();
        assert_eq!(ours, columns, "{case}");
        for (row, cells) in rows.iter().zip(cells) {
            let metadata = &row["object"]["metadata"];
            let is_it = |o: &&Value| o["kind"] == kind.kind && o["metadata"]["uid"] == metadata["uid"];
            let Some(object) = objects.iter().find(is_it) else { continue };
            let age = columns.iter().position(|c| c[0] == "Age").and_then(|at| cells[at].as_str());
            let seconds: i64 = age.map_or(0, |a| a.trim_end_matches('s').parse().expect("seconds"));
            let created: Timestamp = text(&metadata["creationTimestamp"]).parse().expect("a time");
            let now = Timestamp::from_second(created.as_second() + seconds).expect("in range");
            assert_eq!(table::cells(kind, object, now), cells, "{case}");
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked} rows");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
