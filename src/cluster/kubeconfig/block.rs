//! A kubeconfig as lines: its sections and their items, in YAML's block style.

use serde_yaml::Value;

/// A file as lines, each with its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines(pub(crate) Vec<String>);

/// Where a section is: its first line, and the first line after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What stands behind a section's key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Items in block style; their indentation.
    Items(usize),
    /// Nothing, `[]`, `null` or `~`.
    Empty,
    /// Anything else.
    Other,
}

impl Lines {
    /// Splits a text.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.split_inclusive('\n').map(str::to_owned).collect())
    }

    /// The text again.
    pub(crate) fn text(&self) -> String {
        self.0.concat()
    }

    /// The region of a top-level key.
    pub(crate) fn region(&self, key: &str) -> Option<Region> {
        let start = self.0.iter().position(|line| value_of(line, key).is_some())?;
        let inside = |line: &String| {
            let line = line.trim_end();
            line.is_empty() || line.starts_with([' ', '\t', '#']) || (line.starts_with('-') && !line.starts_with("---"))
        };
        let length = self.0[start + 1..].iter().take_while(|line| inside(line)).count();
        let mut end = start + 1 + length;
        // Blank lines and comments before the next key belong to that.
        while end > start + 1 && is_talk(&self.0[end - 1]) {
            end -= 1;
        }
        Some(Region { start, end })
    }

    /// What a section holds.
    pub(crate) fn shape(&self, region: Region, key: &str) -> Shape {
        let value = value_of(&self.0[region.start], key).unwrap_or_default();
        let first = self.0[region.start + 1..region.end].iter().find(|line| !is_talk(line));
        match (value, first) {
            ("", Some(line)) if line.trim_start().starts_with("- ") || line.trim() == "-" => Shape::Items(indent(line)),
            ("" | "[]" | "null" | "~", None) => Shape::Empty,
            _ => Shape::Other,
        }
    }

    /// The lines of each item of a section, with what it says.
    pub(crate) fn items(&self, region: Region, indentation: usize) -> Vec<(Region, Value)> {
        let mut items = Vec::new();
        let mut at = region.start + 1;
        while at < region.end {
            let begins = |line: &str| indent(line) == indentation && line.trim_start().starts_with('-');
            if !begins(&self.0[at]) {
                at += 1;
                continue;
            }
            let rest = self.0[at + 1..region.end].iter().take_while(|line| !begins(line));
            let mut end = at + 1 + rest.count();
            while is_talk(&self.0[end - 1]) {
                end -= 1;
            }
            let value: Value = serde_yaml::from_str(&self.0[at..end].concat()).unwrap_or_default();
            items.push((Region { start: at, end }, value.get(0).cloned().unwrap_or_default()));
            at = end;
        }
        items
    }

    /// Replaces lines.
    pub(crate) fn replace(&mut self, region: Region, with: Vec<String>) {
        self.0.splice(region.start..region.end, with);
    }

    /// Ends the last line with a newline; gives whether it had none.
    pub(crate) fn terminate(&mut self) -> bool {
        match self.0.last_mut() {
            Some(last) if !last.ends_with('\n') => {
                last.push('\n');
                true
            }
            _ => false,
        }
    }
}

/// An item as lines of a section whose items are indented so.
pub(crate) fn render(item: &Value, indentation: usize) -> Vec<String> {
    let text = serde_yaml::to_string(&[item]).expect("an entry of strings and lists is YAML");
    text.lines().map(|line| format!("{:indentation$}{line}\n", "")).collect()
}

/// What stands behind a top-level `key:`, without comment; none where the line is not that key's.
pub(crate) fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(key)?.strip_prefix(':')?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t', '\r', '\n']) {
        return None;
    }
    let rest = rest.trim();
    let comment = if rest.starts_with('#') { Some(0) } else { rest.find(" #") };
    Some(comment.map_or(rest, |at| rest[..at].trim()))
}

/// Whether a line is blank or a comment.
fn is_talk(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
