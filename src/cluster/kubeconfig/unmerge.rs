//! Taking our entries out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_yaml::Value;

use super::SECTIONS;
use super::block::{Lines, Region, Shape, render, value_of};
use super::entry::{self, Memory};

/// What is left of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmerged {
    /// This text.
    Text(String),
    /// Nothing that the user had: `up` made the file.
    Nothing {
        /// Whether it made the directory as well.
        directory: bool,
    },
}

const CURRENT: &str = "current-context";

/// The text without the entries called `name`; none where there is no such context, or it is not ours.
pub(crate) fn unmerge(text: &str, name: &str) -> Option<Unmerged> {
    let parsed: Value = serde_yaml::from_str(text).ok()?;
    let memory = up_to_date(entry::memory(entry::find(&parsed, "contexts", name)?)?, &parsed);
    let left = unmerge_value(parsed, name, &memory);
    if let Some(made) = memory.created.as_deref().filter(|_| is_bare(&left)) {
        return Some(Unmerged::Nothing { directory: made == "directory" });
    }
    if let Some(original) = memory.original.as_deref().and_then(decode)
        && equal(&original, &left)
    {
        return Some(Unmerged::Text(original));
    }
    let edited = unmerge_text(text, name, &memory).filter(|edited| equal(edited, &left));
    Some(Unmerged::Text(edited.unwrap_or_else(|| serde_yaml::to_string(&left).unwrap_or_default())))
}

/// A memory without the context that was current before, where somebody took that out of the file since.
fn up_to_date(mut memory: Memory, file: &Value) -> Memory {
    let gone = |previous: &String| entry::find(file, "contexts", previous).is_none();
    if !memory.previous_absent && memory.previous_context.as_ref().is_some_and(gone) {
        memory.previous_context = None;
        memory.current_line = memory.current_line.map(|_| format!("{CURRENT}: \"\"\n"));
    }
    memory
}

fn decode(original: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(original).ok()?).ok()
}

/// Whether a text says the same; an empty list, nothing at all and an absent key are one.
fn equal(text: &str, value: &Value) -> bool {
    let Ok(parsed) = serde_yaml::from_str::<Value>(text) else { return false };
    normal(parsed) == normal(value.clone())
}

fn normal(mut value: Value) -> Value {
    let Value::Mapping(map) = &mut value else { return value };
    for key in SECTIONS.into_iter().chain([CURRENT]) {
        let empty = map.get(key).is_some_and(|value| match value {
            Value::Null => true,
            Value::Sequence(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        });
        if empty {
            map.shift_remove(key);
        }
    }
    // Contexts remember differently after a relink by text and by structure.
    if map.is_empty() { Value::Null } else { value }
}

/// Whether a file holds no entry of anybody.
fn is_bare(value: &Value) -> bool {
    let value = normal(value.clone());
    let Value::Mapping(map) = value else { return true };
    map.iter().all(|(key, value)| match key.as_str() {
        Some("apiVersion" | "kind") => true,
        Some("preferences") => value.is_null() || value.as_mapping().is_some_and(serde_yaml::Mapping::is_empty),
        _ => false,
    })
}

/// The context that is current when ours, called `name`, goes.
fn next<'a>(current: Option<&'a str>, name: &str, memory: &'a Memory) -> Option<&'a str> {
    if current == Some(name) { memory.previous_context.as_deref() } else { current }
}

/// The memory of another of our contexts, which remembers `name` as the one before it.
fn relinked(other: &Memory, name: &str, memory: &Memory) -> Option<Memory> {
    (other.previous_context.as_deref() == Some(name)).then(|| Memory {
        previous_context: memory.previous_context.clone(),
        previous_absent: memory.previous_absent,
        current_line: memory.current_line.clone(),
        added: other.added.iter().chain(&memory.added).cloned().collect(),
        replaced: memory.replaced.clone().into_iter().chain(other.replaced.clone()).collect(),
        unterminated: other.unterminated || memory.unterminated,
        created: other.created.clone().or_else(|| memory.created.clone()),
        mode: memory.mode.clone().or_else(|| other.mode.clone()),
        // Its own holds our entries, which are no secret but no longer of use either.
        original: memory.original.clone(),
        cluster: other.cluster.clone(),
    })
}

/// The removal by structure: the measure of the removal by text, and its stand-in.
fn unmerge_value(mut value: Value, name: &str, memory: &Memory) -> Value {
    let Value::Mapping(map) = &mut value else { return value };
    for section in SECTIONS {
        let Some(Value::Sequence(items)) = map.get_mut(section) else { continue };
        items.retain(|item| !entry::named(item, name));
        for item in items.iter_mut() {
            if let Some(memory) = entry::memory(item).and_then(|other| relinked(&other, name, memory)) {
                *item = entry::with_memory(item, &memory);
            }
        }
        if items.is_empty() && memory.added.iter().any(|added| added == section) {
            map.shift_remove(section);
        }
    }
    let current = map.get(CURRENT).and_then(Value::as_str).map(str::to_owned);
    match next(current.as_deref(), name, memory) {
        Some(next) => map.insert(CURRENT.into(), next.into()),
        None if memory.added.iter().any(|added| added == CURRENT) => map.shift_remove(CURRENT),
        None => map.insert(CURRENT.into(), "".into()),
    };
    let empty = |map: &serde_yaml::Mapping| SECTIONS.iter().all(|section| map.get(section).is_none());
    for key in ["apiVersion", "kind"] {
        if memory.added.iter().any(|added| added == key) && empty(map) {
            map.shift_remove(key);
        }
    }
    value
}

/// The removal by text; none where the file is not as we left it.
fn unmerge_text(text: &str, name: &str, memory: &Memory) -> Option<String> {
    let mut lines = Lines::of(text);
    for section in SECTIONS {
        let region = lines.region(section)?;
        let Shape::Items(indentation) = lines.shape(region, section) else { return None };
        let items = lines.items(region, indentation);
        let others = items.len() - 1;
        // From the last one on, so that the lines before it stay where they are.
        for (region, item) in items.into_iter().rev() {
            if entry::named(&item, name) {
                lines.replace(region, Vec::new());
            } else if let Some(memory) = entry::memory(&item).and_then(|other| relinked(&other, name, memory)) {
                lines.replace(region, render(&entry::with_memory(&item, &memory), indentation));
            }
        }
        if others == 0 {
            close(&mut lines, section, memory)?;
        }
    }
    restore_current(&mut lines, name, memory);
    let others =
        SECTIONS.iter().any(|section| lines.region(section).is_some_and(|region| region.end > region.start + 1));
    for key in ["apiVersion", "kind"] {
        if !others && memory.added.iter().any(|added| added == key) {
            let at = lines.0.iter().position(|line| value_of(line, key).is_some())?;
            lines.0.remove(at);
        }
    }
    let mut text = lines.text();
    if memory.unterminated && text.ends_with('\n') {
        text.pop();
    }
    Some(text)
}

/// Gives a section that holds nothing more its first line back, or takes it away.
fn close(lines: &mut Lines, section: &str, memory: &Memory) -> Option<()> {
    let start = lines.region(section)?.start;
    if let Some(line) = memory.replaced.get(section) {
        lines.0[start].clone_from(line);
    } else if memory.added.iter().any(|added| added == section) {
        lines.replace(Region { start, end: start + 1 }, Vec::new());
    }
    Some(())
}

fn restore_current(lines: &mut Lines, name: &str, memory: &Memory) {
    let Some(at) = lines.0.iter().position(|line| value_of(line, CURRENT) == Some(name)) else { return };
    match &memory.current_line {
        Some(line) => lines.0[at].clone_from(line),
        None => {
            lines.0.remove(at);
        }
    }
}
