//! YAML as kubectl writes it, which is as Go's library does: so that the texts are the same, and whoever reads YAML 1.1 (as
//! kubectl does) reads texts such as `y` and `1_000` as the texts that they are.

mod order;
mod resolve;
mod scalar;

use serde_json::Value;

/// A value as a document.
pub(crate) fn document(value: &Value) -> String {
    let mut out = String::new();
    node(&mut out, value, 0);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Writes a value at the end of a line that is begun, or the first of a document; what follows stands at `indent`.
fn node(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_by(|one, other| order::natural(one.0, other.0));
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    line(out, indent);
                }
                scalar::key(out, name);
                out.push(':');
                field(out, value, indent);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    line(out, indent);
                }
                out.push_str("- ");
                node(out, item, indent + 2);
            }
        }
        Value::String(text) => scalar::text(out, text, indent),
        other => out.push_str(&other.to_string()),
    }
}

/// The value of a field whose name stands at `indent`: lists stand as far in as the name, objects further.
fn field(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            line(out, indent);
            node(out, value, indent);
        }
        Value::Object(map) if !map.is_empty() => {
            line(out, indent + 2);
            node(out, value, indent + 2);
        }
        _ => {
            out.push(' ');
            node(out, value, indent + 2);
        }
    }
}

/// Begins a line.
fn line(out: &mut String, indent: usize) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::document;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn lists_stand_below_their_names_and_objects_further_in() {
        let value = json!({"spec": {"list": [{"b": 1, "a": [true, null]}, "x", [1, 2], {}], "empty": {}, "none": []}, "kind": "K"});
        let text = "kind: K\nspec:\n  empty: {}\n  list:\n  - a:\n    - true\n    - null\n    b: 1\n  - x\n  - - 1\n    - 2\n  - {}\n  none: []\n";
        assert_eq!(document(&value), text);
        assert_eq!(document(&json!({})), "{}\n");
        assert_eq!(document(&json!("a\nb\n")), "|\n  a\n  b\n");
    }

    /// Texts of what is awkward in YAML, and of anything.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[-a?:#,&*!|>'\"%@` \t\n\r\u{85}\u{2028}\u{1f600}é.~_0-9{}\\[\\]\\\\]{0,12}",
            "([a-z:' ]{1,9} ?){0,40}",
            any::<String>()
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            texts in prop::collection::vec(text(), 0..4),
            fields in prop::collection::btree_map(text(), text(), 0..4),
        ) {
            let value = json!({"texts": texts, "fields": fields, "deep": [{"list": [texts]}]});
            let read = serde_yaml::from_str::<serde_json::Value>(&document(&value));
            prop_assert_eq!(read.map_err(|error| error.to_string()), Ok(value));
        }
    }
}
