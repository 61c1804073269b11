//! What YAML 1.1, which kubectl and Kubernetes read, takes for a flag or a number where YAML 1.2, which our parser reads, sees a
//! text: `hostNetwork: yes`, `defaultMode: 0644`.
//!
//! Only where the schema has a flag or a whole number: elsewhere a text is what its writer meant. A text in quotes cannot
//! be told from one without; it is taken for what fits as well.

use serde_json::{Map, Value};

use crate::schema::{Shape, Type};

const TRUE: &[&str] = &["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
const FALSE: &[&str] = &["n", "N", "no", "No", "NO", "off", "Off", "OFF"];

/// Puts flags and numbers into an object of the type that was read from YAML.
pub fn as_of_1_1(ty: &Type, object: &mut Map<String, Value>) {
    for (name, value) in object {
        if let Some(field) = ty.field(name) {
            resolve(&field.shape, value);
        }
    }
}

fn resolve(shape: &Shape, value: &mut Value) {
    match (shape, &mut *value) {
        (Shape::Struct(ty), Value::Object(fields)) => as_of_1_1(ty.get(), fields),
        (Shape::List(of), Value::Array(items)) => items.iter_mut().for_each(|item| resolve(of, item)),
        (Shape::Map(of), Value::Object(items)) => items.values_mut().for_each(|item| resolve(of, item)),
        (Shape::Bool, Value::String(text)) => {
            if let Some(set) = flag(text) {
                *value = set.into();
            }
        }
        (Shape::Int32 | Shape::Int64, Value::String(text)) => {
            if let Some(number) = integer(text) {
                *value = number.into();
            }
        }
        _ => {}
    }
}

fn flag(text: &str) -> Option<bool> {
    if TRUE.contains(&text) { Some(true) } else { FALSE.contains(&text).then_some(false) }
}

/// A whole number in base 10, or in the base that its first characters tell: `0644` and `0o644`, `0x1a4`, `0b11`; with `_` between
/// digits.
fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let bases = [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8), ("0", 8)];
    let told = bases.iter().find_map(|(prefix, base)| Some((digits.strip_prefix(prefix)?, *base)));
    let (digits, base) = told.filter(|(digits, _)| !digits.is_empty()).unwrap_or((digits, 10));
    let is_digit = |digit: char| digit.is_digit(base);
    if !digits.starts_with(is_digit) { None } else { i64::from_str_radix(&format!("{sign}{digits}"), base).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    #[test]
    fn flags_and_numbers_are_read_where_the_schema_has_them() {
        let mut pod = json!({"metadata": {"name": "yes", "labels": {"a": "0644"}, "generation": "1_0"}, "spec": {
            "hostNetwork": "yes", "automountServiceAccountToken": "Off", "nodeName": "on", "priority": "-0x10",
            "containers": [{"name": "0644", "tty": "maybe", "ports": [{"containerPort": "0120"}]}],
            "volumes": [{"configMap": {"defaultMode": "0644", "name": "n"}}, {"secret": {"defaultMode": "0o400"}}]}});
        as_of_1_1(schema::find("core/v1.Pod").expect("known"), pod.as_object_mut().expect("an object"));
        assert_eq!(
            pod,
            json!({"metadata": {"name": "yes", "labels": {"a": "0644"}, "generation": 10}, "spec": {
                "hostNetwork": true, "automountServiceAccountToken": false, "nodeName": "on", "priority": -16,
                "containers": [{"name": "0644", "tty": "maybe", "ports": [{"containerPort": 80}]}],
                "volumes": [{"configMap": {"defaultMode": 420, "name": "n"}}, {"secret": {"defaultMode": 256}}]}})
        );
    }

    #[test]
    fn what_is_no_number_stays_a_text() {
        for text in ["", "0x", "089", "0b2", "1.5", "+", "-", "--1", "0-1", "99999999999999999999", "ten"] {
            assert_eq!(integer(text), None, "{text}");
        }
        for (text, number) in [("0", 0), ("00", 0), ("+7", 7), ("-010", -8), ("1_000", 1000)] {
            assert_eq!(integer(text), Some(number), "{text}");
        }
    }
}
