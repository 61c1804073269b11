//! `-o jsonpath=TEMPLATE`: text with `{.fields}`, indices, `[*]`, `['a','b.c']`, `[?(@.a=="b")]`, `{range …}{end}` and
//! `{"strings"}`.

use std::str::FromStr;

use serde_json::Value;

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Values(Vec<Step>),
    Range(Vec<Step>, Vec<Self>),
}

/// One step from a value to the values below it.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    Equal {
        path: Vec<Self>,
        value: String,
        wanted: bool,
    },
    /// What each of several paths finds, one path after the other.
    Union(Vec<Vec<Self>>),
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text };
        let pieces = reader.pieces(false)?;
        Ok(Self(pieces))
    }
}

impl Template {
    /// A single path: `.metadata.name`, with or without its first dot and its braces.
    ///
    /// # Errors
    /// Text that is no path.
    pub(crate) fn path(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'));
        let inner = inner.filter(|path| !path.is_empty()).ok_or_else(|| format!("{text:?} is no path of a field"))?;
        Ok(Self(vec![Piece::Values(steps(inner)?)]))
    }

    /// The values that its paths find.
    pub(crate) fn values<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let paths = self.0.iter().filter_map(|piece| match piece {
            Piece::Values(path) => Some(path),
            _ => None,
        });
        paths.flat_map(|path| walk(path, value)).collect()
    }

    /// The text that the template makes of a value. What is not there is left out.
    pub(crate) fn render(&self, value: &Value) -> String {
        let mut out = String::new();
        render(&self.0, value, &mut out);
        out
    }
}

fn render(pieces: &[Piece], value: &Value, out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Values(path) => {
                let texts: Vec<String> = walk(path, value).into_iter().map(text).collect();
                out.push_str(&texts.join(" "));
            }
            Piece::Range(path, inner) => walk(path, value).into_iter().for_each(|each| render(inner, each, out)),
        }
    }
}

fn walk<'v>(path: &[Step], value: &'v Value) -> Vec<&'v Value> {
    walk_all(path, vec![value])
}

fn walk_all<'v>(path: &[Step], values: Vec<&'v Value>) -> Vec<&'v Value> {
    path.iter().fold(values, |values, step| match step {
        Step::Union(paths) => paths.iter().flat_map(|path| walk_all(path, values.clone())).collect(),
        step => values.into_iter().flat_map(|value| below(step, value)).collect(),
    })
}

fn below<'v>(step: &Step, value: &'v Value) -> Vec<&'v Value> {
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => {
            let index = if *index < 0 { items.len() as i64 + index } else { *index };
            usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
        }
        (Step::All, Value::Array(items)) => items.iter().collect(),
        (Step::All, Value::Object(fields)) => fields.values().collect(),
        (Step::Equal { path, value: text_wanted, wanted }, Value::Array(items)) => items
            .iter()
            .filter(|item| walk(path, item).iter().any(|value| text(value) == *text_wanted) == *wanted)
            .collect(),
        _ => Vec::new(),
    }
}

/// A value as it stands in text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    /// Reads pieces to the end, or in a range to its `{end}`.
    fn pieces(&mut self, in_range: bool) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        loop {
            let Some(open) = self.rest.find('{') else {
                if in_range {
                    return Err("{range} without {end}".to_owned());
                }
                pieces.extend((!self.rest.is_empty()).then(|| Piece::Text(self.rest.to_owned())));
                return Ok(pieces);
            };
            if open > 0 {
                pieces.push(Piece::Text(self.rest[..open].to_owned()));
            }
            self.rest = &self.rest[open + 1..];
            let action = self.action()?;
            match action.trim() {
                "end" if in_range => return Ok(pieces),
                "end" => return Err("{end} without {range}".to_owned()),
                quoted if quoted.starts_with(['"', '\'']) => pieces.push(Piece::Text(unquote(quoted)?)),
                action => match action.strip_prefix("range ") {
                    Some(path) => pieces.push(Piece::Range(steps(path.trim())?, self.pieces(true)?)),
                    None => pieces.push(Piece::Values(steps(action)?)),
                },
            }
        }
    }

    /// The text up to the closing brace, which does not count within quotes.
    fn action(&mut self) -> Result<String, String> {
        let mut quote = None;
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '}') => {
                    let action = self.rest[..at].to_owned();
                    self.rest = &self.rest[at + 1..];
                    return Ok(action);
                }
                (None, _) => {}
            }
        }
        Err("a { is not closed".to_owned())
    }
}

fn unquote(text: &str) -> Result<String, String> {
    let inner = text.get(1..text.len().saturating_sub(1)).filter(|_| text.len() >= 2 && text.ends_with(&text[..1]));
    let inner = inner.ok_or_else(|| format!("{text} is not a whole string"))?;
    Ok(inner.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Reads `.a.b[0]['c.d'][*].e` (the first dot, and `$` or `@` before it, may be left out).
fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut rest = text.trim_start_matches(['$', '@']);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = closing(inner).ok_or_else(|| format!("a [ is not closed in {text}"))?;
            steps.push(subscript(inner[..end].trim())?);
            rest = &inner[end + 1..];
        } else {
            let field = rest.strip_prefix('.').unwrap_or(rest);
            let (name, end) = field_name(field);
            match name.as_str() {
                "" if field.is_empty() || field.starts_with('[') => {}
                "" => return Err(format!("a field has no name in {text}")),
                "*" => steps.push(Step::All),
                _ => steps.push(Step::Field(name)),
            }
            rest = &field[end..];
        }
    }
    Ok(steps)
}

/// A field's name up to the next `.` or `[`, with `\.` for a dot of its own, and how long it was.
fn field_name(text: &str) -> (String, usize) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '.' | '[' => return (name, at),
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            _ => name.push(c),
        }
    }
    (name, text.len())
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn subscript(text: &str) -> Result<Step, String> {
    if text == "*" {
        return Ok(Step::All);
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        let (split, wanted) = match (filter.find("=="), filter.find("!=")) {
            (Some(at), _) => (at, true),
            (None, Some(at)) => (at, false),
            (None, None) => return Err(format!("the filter {filter} compares by neither == nor !=")),
        };
        let value = filter[split + 2..].trim();
        let value = if value.starts_with(['"', '\'']) { unquote(value)? } else { value.to_owned() };
        return Ok(Step::Equal { path: steps(filter[..split].trim())?, value, wanted });
    }
    let parts = listed(text);
    if parts.len() > 1 {
        return parts.into_iter().map(member).collect::<Result<_, _>>().map(Step::Union);
    }
    if text.starts_with(['"', '\'']) {
        return Ok(Step::Field(unquote(text)?));
    }
    text.parse().map(Step::Index).map_err(|_| format!("[{text}] is neither an index, *, a name nor a filter"))
}

/// A text parted at its commas, but for those within quotes.
fn listed(text: &str) -> Vec<&str> {
    let mut quote = None;
    let parts = text.split(|c| {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        quote.is_none() && c == ','
    });
    parts.map(str::trim).collect()
}

/// One of several subscripts. As with kubectl, a dotted name among them is a path.
fn member(text: &str) -> Result<Vec<Step>, String> {
    if text.starts_with(['"', '\'']) { steps(&unquote(text)?) } else { Ok(vec![subscript(text)?]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(template: &str) -> String {
        let value = json!({
            "status": {"podIP": "10.0.0.1", "phase": "Running"},
            "metadata": {"labels": {"a.b/c": "d"}, "name": "x"},
            "items": [{"n": "one", "v": 1}, {"n": "two", "v": 2}],
        });
        template.parse::<Template>().expect("valid").render(&value)
    }

    #[test]
    fn fields_indices_and_wildcards() {
        assert_eq!(render("{.status.podIP}"), "10.0.0.1");
        assert_eq!(render("{status.phase} {.nothing}"), "Running ");
        assert_eq!(render("{.items[*].n}"), "one two");
        assert_eq!(render("{.items[-1].v}/{.items[0]}"), r#"2/{"n":"one","v":1}"#);
        assert_eq!(render(r"{.metadata.labels.a\.b/c}{.metadata.labels['a.b/c']}"), "dd");
    }

    #[test]
    fn several_names_are_found_one_after_the_other() {
        assert_eq!(render("{.items[*]['n', 'v']}"), "one two 1 2");
        assert_eq!(render("{['metadata.name','status.phase']}"), "x Running");
        assert_eq!(render("{.items[0,1].n}"), "one two");
        assert_eq!(render(r#"{range .items[*]}{["n","v"]}{"\n"}{end}"#), "one 1\ntwo 2\n");
        assert!("{.items[*]['n',]}".parse::<Template>().is_err());
    }

    #[test]
    fn ranges_strings_and_filters() {
        assert_eq!(render(r#"{range .items[*]}{.n}={.v}{"\n"}{end}"#), "one=1\ntwo=2\n");
        assert_eq!(render(r#"{.items[?(@.n=="two")].v}"#), "2");
        assert_eq!(render("{.items[?(@.v!=1)].n}"), "two");
        assert_eq!(render(r#"{"{}"}"#), "{}");
    }

    #[test]
    fn templates_that_cannot_be_read_are_refused() {
        for bad in ["{.a", "{range .a}", "{end}", "{.a[x]}", "{.a[?(@.b)]}", "{.a[0}"] {
            assert!(bad.parse::<Template>().is_err(), "{bad}");
        }
    }
}
