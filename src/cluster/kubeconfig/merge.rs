//! Putting our entries in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_yaml::{Mapping, Value};

use super::SECTIONS;
use super::block::{Lines, Region, Shape, render, value_of};
use super::entry::{Access, Memory};
use super::unmerge::{Unmerged, unmerge};

/// The text with our entries in it and our context current. `memory` holds what the caller knows (`created`, `mode`).
/// The text must not hold them yet, and must parse.
///
/// Taking them out again gives `original` back, to the byte: that is tried here, and where the file's style does not
/// allow it the original is put into the memory.
pub(crate) fn merge(original: &str, access: &Access, memory: Memory) -> String {
    let restores = |merged: &str| match unmerge(merged, &access.name) {
        Some(Unmerged::Text(text)) => text == original,
        Some(Unmerged::Nothing { .. }) => memory.created.is_some(),
        None => false,
    };
    if let Some(merged) = merge_text(original, access, memory.clone())
        && same(&merged, &merge_value(original, access, &memory))
        && restores(&merged)
    {
        return merged;
    }
    let memory = Memory { original: Some(STANDARD.encode(original)), ..memory };
    let value = merge_value(original, access, &memory);
    serde_yaml::to_string(&value).expect("what was parsed as YAML is YAML")
}

/// Whether a text says what `value` says, but for the memory, in which the two ways of merging differ.
fn same(text: &str, value: &Value) -> bool {
    let forget = |mut value: Value| {
        for context in value.get_mut("contexts").and_then(Value::as_sequence_mut).into_iter().flatten() {
            if let Some(memory) = super::entry::memory(context) {
                let memory = Memory { cluster: memory.cluster, ..Memory::default() };
                *context = super::entry::with_memory(context, &memory);
            }
        }
        // The order of keys and a missing `preferences` say nothing.
        value
    };
    let Ok(parsed) = serde_yaml::from_str::<Value>(text) else { return false };
    forget(parsed) == forget(value.clone())
}

/// The merge by structure: the measure of the merge by text, and its stand-in.
fn merge_value(original: &str, access: &Access, memory: &Memory) -> Value {
    let parsed: Value = serde_yaml::from_str(original).unwrap_or_default();
    let mut map = match parsed {
        Value::Mapping(map) => map,
        _ => fresh(),
    };
    let added = SECTIONS.into_iter().chain(["current-context"]).filter(|key| !map.contains_key(*key));
    let memory = Memory {
        cluster: access.cluster.clone(),
        previous_absent: current(&map).is_some_and(|name| !has_context(original, &name)),
        previous_context: current(&map),
        added: added.map(str::to_owned).collect(),
        ..memory.clone()
    };
    for section in SECTIONS {
        let entry = access.entry(section, &memory);
        match map.get_mut(section) {
            Some(Value::Sequence(items)) => items.push(entry),
            _ => {
                map.insert(section.into(), Value::Sequence(vec![entry]));
            }
        }
    }
    map.insert("current-context".into(), access.name.clone().into());
    Value::Mapping(map)
}

/// The current context; none where it is empty.
fn current(map: &Mapping) -> Option<String> {
    map.get("current-context").and_then(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn has_context(text: &str, name: &str) -> bool {
    let value: Value = serde_yaml::from_str(text).unwrap_or_default();
    super::entry::find(&value, "contexts", name).is_some()
}

/// What a kubeconfig says before anything is in it.
fn fresh() -> Mapping {
    Mapping::from_iter([("apiVersion".into(), "v1".into()), ("kind".into(), "Config".into())])
}

/// The merge by text; none where the style of the file is not block style.
fn merge_text(original: &str, access: &Access, mut memory: Memory) -> Option<String> {
    let parsed: Value = serde_yaml::from_str(original).ok()?;
    let mut lines = Lines::of(original);
    memory.cluster.clone_from(&access.cluster);
    memory.unterminated = lines.terminate();
    if parsed.is_null() {
        lines.0.extend(["apiVersion: v1\n".to_owned(), "kind: Config\n".to_owned()]);
        memory.added.extend(["apiVersion".to_owned(), "kind".to_owned()]);
    } else {
        memory.previous_context = current(parsed.as_mapping()?);
        memory.previous_absent = memory.previous_context.as_ref().is_some_and(|name| !has_context(original, name));
    }
    // The memory goes into the section of contexts, so all else is decided before.
    let shapes: Vec<(&str, Option<(Region, Shape)>)> = SECTIONS
        .into_iter()
        .map(|section| {
            let region = lines.region(section);
            (section, region.map(|region| (region, lines.shape(region, section))))
        })
        .collect();
    for (section, found) in &shapes {
        match found {
            None => memory.added.push((*section).to_owned()),
            Some((region, Shape::Empty)) => {
                memory.replaced.insert((*section).to_owned(), lines.0[region.start].clone());
            }
            Some((_, Shape::Items(_))) => {}
            Some((_, Shape::Other)) => return None,
        }
    }
    set_current(&mut lines, &access.name, &mut memory)?;
    for (section, _) in shapes {
        insert(&mut lines, section, &access.entry(section, &memory));
    }
    Some(lines.text())
}

/// Makes our context current.
fn set_current(lines: &mut Lines, name: &str, memory: &mut Memory) -> Option<()> {
    const KEY: &str = "current-context";
    let line = format!("{KEY}: {name}\n");
    match lines.0.iter_mut().find(|line| value_of(line, KEY).is_some()) {
        Some(there) => memory.current_line = Some(std::mem::replace(there, line)),
        None => {
            lines.0.push(line);
            memory.added.push(KEY.to_owned());
        }
    }
    // A value of several lines is none that we can put back.
    lines.region(KEY).filter(|region| region.end == region.start + 1).map(drop)
}

/// Puts an item at the end of a section, which is made where it is not there.
fn insert(lines: &mut Lines, section: &str, item: &Value) {
    let Some(region) = lines.region(section) else {
        lines.0.push(format!("{section}:\n"));
        lines.0.extend(render(item, 0));
        return;
    };
    let indentation = match lines.shape(region, section) {
        Shape::Items(indentation) => indentation,
        Shape::Empty | Shape::Other => {
            lines.0[region.start] = format!("{section}:\n");
            0
        }
    };
    lines.replace(Region { start: region.end, end: region.end }, render(item, indentation));
}

#[cfg(test)]
mod tests;
