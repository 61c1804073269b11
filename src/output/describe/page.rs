//! The layout of a description: `Name:  value` lines whose values stand under each other, and tables between them.

use jiff::Timestamp;
use kube_api::duration;
use serde_json::Value;

use super::text;

/// A page that is being written.
pub(super) struct Page {
    now: Timestamp,
    level: usize,
    lines: Vec<Line>,
}

enum Line {
    /// A name and its value, which is aligned with those around it.
    Field { level: usize, name: String, value: String },
    /// Text as it is, which parts the names above from those below.
    Text(String),
    /// Rows of cells, two spaces apart.
    Table { level: usize, rows: Vec<Vec<String>> },
}

impl Page {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, level: 0, lines: Vec::new() }
    }

    /// A name and its value.
    pub(super) fn field(&mut self, name: &str, value: impl Into<String>) {
        self.lines.push(Line::Field { level: self.level, name: name.to_owned(), value: value.into() });
    }

    /// A name whose value is the lines that `inner` writes below it.
    pub(super) fn section(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.field(name, "");
        self.level += 1;
        inner(self);
        self.level -= 1;
    }

    /// A line as it is. The values below it are not aligned with those above.
    pub(super) fn line(&mut self, text: &str) {
        self.lines.push(Line::Text(text.to_owned()));
    }

    /// A map, a pair a line.
    pub(super) fn pairs(&mut self, name: &str, map: &Value, between: &str) {
        let mut pairs =
            map.as_object().into_iter().flatten().map(|(key, value)| format!("{key}{between}{}", text(value)));
        self.field(name, pairs.next().unwrap_or_else(|| "<none>".to_owned()));
        pairs.for_each(|pair| self.field("", pair));
    }

    /// A table with its headings, each underlined.
    pub(super) fn table(&mut self, headings: &[&str], rows: Vec<Vec<String>>) {
        let mut all = vec![
            headings.iter().map(|&heading| heading.to_owned()).collect(),
            headings.iter().map(|heading| "-".repeat(heading.len())).collect(),
        ];
        all.extend(rows);
        self.lines.push(Line::Table { level: self.level + 1, rows: all });
    }

    /// Any value, a field a line.
    pub(super) fn tree(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                self.section(name, |page| fields.iter().for_each(|(name, value)| page.tree(name, value)));
            }
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                self.section(name, |page| {
                    items.iter().enumerate().for_each(|(index, item)| page.tree(&index.to_string(), item));
                });
            }
            Value::Array(items) => self.field(name, items.iter().map(text).collect::<Vec<_>>().join(", ")),
            _ => self.field(name, text(value)),
        }
    }

    /// How long ago an RFC 3339 time was.
    pub(super) fn age(&self, since: &Value) -> String {
        duration::age(since.as_str(), self.now)
    }

    /// The page's text.
    pub(super) fn finish(self) -> String {
        let mut out = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            match line {
                Line::Field { level, name, value } => {
                    let label = if name.is_empty() { String::new() } else { format!("{name}:") };
                    let width = if value.is_empty() { 0 } else { self.width_at(index, *level) };
                    out.push_str(format!("{}{label:width$}{value}", "  ".repeat(*level)).trim_end());
                    out.push('\n');
                }
                Line::Text(text) => out.push_str(&format!("{text}\n")),
                Line::Table { level, rows } => write_table(&mut out, *level, rows),
            }
        }
        out
    }

    /// The width of the names in the block of lines around `index`: those of its level, across what is nested below.
    fn width_at(&self, index: usize, level: usize) -> usize {
        let same = |line: &&Line| match line {
            Line::Field { level: other, .. } => *other >= level,
            Line::Table { .. } => true,
            Line::Text(_) => false,
        };
        let before = self.lines[..index].iter().rev().take_while(same);
        let after = self.lines[index..].iter().take_while(same);
        let names = before.chain(after).filter_map(|line| match line {
            // A nested field is written further in, and its value stands under the outer ones where it fits.
            Line::Field { level: other, name, .. } => Some(name.chars().count() + 2 * (other - level)),
            Line::Table { .. } | Line::Text(_) => None,
        });
        names.max().unwrap_or(0) + 3
    }
}

fn write_table(out: &mut String, level: usize, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        out.push_str(format!("{}{}", "  ".repeat(level), cells.join("  ")).trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_a_block_stand_under_each_other() {
        let mut page = Page::new(Timestamp::UNIX_EPOCH);
        page.field("Name", "a");
        page.pairs("Labels", &json!({"x": "y", "z": "1"}), "=");
        page.section("Containers", |page| page.section("c", |page| page.field("Image", "nginx")));
        page.table(&["Type", "Reason"], vec![vec!["Normal".to_owned(), "Ok".to_owned()]]);
        let text = page.finish();
        assert_eq!(
            text,
            "Name:        a\nLabels:      x=y\n             z=1\nContainers:\n  c:\n    Image:  nginx\n  Type    Reason\n  ----    ------\n  Normal  Ok\n"
        );
    }
}
