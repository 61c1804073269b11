//! Reading the recordings.

use kube_api::{Kind, kinds};
use serde_json::Value;

/// The exchanges of one file of recordings, without its note.
pub(crate) fn read(file: &str) -> Vec<Value> {
    let path = format!("{}/../../../shared/kube-recordings/{file}", env!("CARGO_MANIFEST_DIR"));
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("shared/ lies beside the checkout: {path}: {e}"));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    lines.filter(|line| line["case"].is_string()).collect()
}

/// The kind that a path of a collection or object names, if it is served, and what follows it.
pub(crate) fn kind_at(path: &str) -> Option<(&'static Kind, Vec<String>)> {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, version) = if parts[0] == "api" { ("", parts[1]) } else { (parts[1], parts[2]) };
    parts.drain(..if group.is_empty() { 2 } else { 3 });
    if parts.first() == Some(&"namespaces") && parts.len() > 2 {
        parts.drain(..2);
    }
    let kind = kinds::find(group, version, parts.first()?)?;
    Some((kind, parts[1..].iter().map(|&s| s.to_owned()).collect()))
}
