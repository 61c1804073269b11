//! Objects themselves, in JSON, YAML or by their fields.

use serde_json::Value;

use super::{Format, columns, own_cells, yaml};
use crate::failure::Failure;

/// One value as `format` has it. Who wrote which fields is left out, as kubectl does, unless `managers` are asked for, or a
/// field by its path.
///
/// # Errors
/// The value cannot be written.
pub(crate) fn one(format: &Format, value: &Value, managers: bool) -> Result<String, Failure> {
    let shown = || if managers { value.clone() } else { without_managers(value) };
    let written = match format {
        Format::Yaml => Ok(yaml::document(&shown())),
        Format::JsonPath(template) => Ok(template.render(value)),
        Format::Columns(own) => {
            let headings = own.iter().map(|(heading, _)| heading.clone()).collect();
            Ok(columns::lay_out(&[headings, own_cells(own, value)]))
        }
        _ => four_spaces(&shown()).map_err(anyhow::Error::from),
    };
    written.map_err(|error| Failure::failed("write the objects").because(error))
}

/// What a command says of an object that it changed: `name` alone, or the object, where `format` asks for it, else `sentence`.
///
/// # Errors
/// The object cannot be written.
pub(crate) fn changed(format: Option<&Format>, name: &str, object: &Value, sentence: &str) -> Result<String, Failure> {
    match format {
        Some(Format::Name) => Ok(format!("{name}\n")),
        Some(format) if !format.is_table() => one(format, object, false),
        _ => Ok(format!("{name} {sentence}\n")),
    }
}

/// An object, or a list and its objects, without `managedFields`.
fn without_managers(value: &Value) -> Value {
    let mut value = value.clone();
    let items = value.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
    let bare = |mut object: Value| {
        object.get_mut("metadata").and_then(Value::as_object_mut).map(|metadata| metadata.remove("managedFields"));
        object
    };
    match items {
        Some(items) => value["items"] = items.into_iter().map(bare).collect(),
        None => value = bare(value),
    }
    value
}

/// JSON indented as kubectl does.
fn four_spaces(value: &Value) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_wrote_what_is_shown_only_where_it_is_asked_for() {
        let object = json!({"kind": "Pod", "metadata": {"managedFields": [{"manager": "m"}], "name": "a"}});
        assert_eq!(one(&Format::Yaml, &object, false).expect("prints"), "kind: Pod\nmetadata:\n  name: a\n");
        let list = json!({"items": [&object]});
        for value in [&object, &list] {
            assert!(!one(&Format::Json, value, false).expect("prints").contains("managedFields"));
            assert!(one(&Format::Json, value, true).expect("prints").contains("\"manager\": \"m\""));
        }
        let path = Format::JsonPath("{.metadata.managedFields[0].manager}".parse().expect("valid"));
        assert_eq!(one(&path, &object, false).expect("prints"), "m");
    }
}
