//! The server's Tables as lines of cells.

use serde_json::Value;

/// What to show of a Table.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Columns of a priority above 0 too.
    pub(crate) wide: bool,
    /// Put the namespace in front.
    pub(crate) namespaces: bool,
    /// Put all labels behind.
    pub(crate) labels: bool,
    /// Put these labels' values behind, each in a column.
    pub(crate) label_columns: Vec<String>,
    /// Put this in front of names: `pod/`.
    pub(crate) prefix: Option<String>,
    /// Leave the headings out.
    pub(crate) no_headers: bool,
}

/// A Table's rows as cells, its headings first where they are shown.
///
/// An answer that is no Table (a server without this kind's columns) is shown by name and age-less.
pub(crate) fn rows(table: &Value, view: &View, headings: bool) -> Vec<Vec<String>> {
    let shown = shown_columns(table, view);
    let mut rows = Vec::new();
    if headings && !view.no_headers {
        rows.push(heading(table, &shown, view));
    }
    for row in table["rows"].as_array().into_iter().flatten() {
        rows.push(cells(row, table, &shown, view));
    }
    rows
}

/// How many objects a Table holds.
pub(crate) fn len(table: &Value) -> usize {
    table["rows"].as_array().map_or(0, Vec::len)
}

fn shown_columns(table: &Value, view: &View) -> Vec<usize> {
    let definitions = table["columnDefinitions"].as_array().map_or(&[][..], Vec::as_slice);
    let shown = definitions.iter().enumerate();
    shown.filter(|(_, c)| view.wide || c["priority"].as_i64().unwrap_or(0) == 0).map(|(index, _)| index).collect()
}

fn heading(table: &Value, shown: &[usize], view: &View) -> Vec<String> {
    let mut cells = Vec::new();
    if view.namespaces {
        cells.push("NAMESPACE".to_owned());
    }
    for &index in shown {
        cells.push(table["columnDefinitions"][index]["name"].as_str().unwrap_or_default().to_uppercase());
    }
    // A label's column is headed by the last part of its key, as kubectl heads it.
    cells.extend(view.label_columns.iter().map(|key| key.rsplit('/').next().unwrap_or(key).to_uppercase()));
    if view.labels {
        cells.push("LABELS".to_owned());
    }
    cells
}

fn cells(row: &Value, table: &Value, shown: &[usize], view: &View) -> Vec<String> {
    let metadata = &row["object"]["metadata"];
    let mut cells = Vec::new();
    if view.namespaces {
        cells.push(metadata["namespace"].as_str().unwrap_or_default().to_owned());
    }
    for &index in shown {
        let named = table["columnDefinitions"][index]["format"] == "name"
            || table["columnDefinitions"][index]["name"] == "Name";
        let text = cell(&row["cells"][index]);
        cells.push(match &view.prefix {
            Some(prefix) if named => format!("{prefix}{text}"),
            _ => text,
        });
    }
    for key in &view.label_columns {
        cells.push(metadata["labels"][key].as_str().unwrap_or_default().to_owned());
    }
    if view.labels {
        cells.push(labels(&metadata["labels"]));
    }
    cells
}

/// A cell's text. A line break would tear the table apart: the first line stands for the rest.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "<none>".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.split_once(['\n', '\r']) {
        Some((first, _)) => format!("{first}..."),
        None => text,
    }
}

/// Labels as `a=b,c=d`, `<none>` where there are none.
pub(crate) fn labels(labels: &Value) -> String {
    let pairs = labels.as_object().into_iter().flatten();
    let text: Vec<String> = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    if text.is_empty() { "<none>".to_owned() } else { text.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::columns::lay_out;
    use serde_json::json;

    fn table() -> Value {
        json!({
            "kind": "Table",
            "columnDefinitions": [
                {"name": "Name", "format": "name", "priority": 0},
                {"name": "Restarts", "format": "", "priority": 0},
                {"name": "Node", "format": "", "priority": 1},
            ],
            "rows": [
                {"cells": ["a", 0, "n1"], "object": {"metadata": {"namespace": "x", "labels": {"app": "web", "k/tier": "front"}}}},
                {"cells": ["bee", "two\nlines", null], "object": {"metadata": {"namespace": "y"}}},
            ],
        })
    }

    #[test]
    fn columns_of_higher_priority_are_for_wide() {
        assert_eq!(lay_out(&rows(&table(), &View::default(), true)), "NAME   RESTARTS\na      0\nbee    two...\n");
        let wide = View { wide: true, ..View::default() };
        assert_eq!(
            lay_out(&rows(&table(), &wide, true)),
            "NAME   RESTARTS   NODE\na      0          n1\nbee    two...     <none>\n"
        );
    }

    #[test]
    fn namespaces_labels_and_prefixes_are_added_by_the_client() {
        let view = View {
            namespaces: true,
            labels: true,
            label_columns: vec!["k/tier".to_owned()],
            prefix: Some("pod/".to_owned()),
            no_headers: true,
            ..View::default()
        };
        assert_eq!(
            rows(&table(), &view, true),
            [vec!["x", "pod/a", "0", "front", "app=web,k/tier=front"], vec!["y", "pod/bee", "two...", "", "<none>"]]
        );
        assert_eq!(
            rows(&table(), &View { no_headers: false, ..view }, true)[0],
            ["NAMESPACE", "NAME", "RESTARTS", "TIER", "LABELS"]
        );
    }
}
