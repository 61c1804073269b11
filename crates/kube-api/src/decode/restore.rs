//! Why a value that a strategic merge patch made does not fit its type. Kubernetes fills Go's types from such a value without writing
//! JSON in between, and has words of its own for what does not fit.

use serde_json::{Number, Value};

use super::conform::canonical_base64;
use crate::schema::{Shape, Type};

/// The first mismatch, by the names of the fields. Shapes that read JSON themselves (quantities, times) are not looked at: of them
/// Kubernetes says here what it says everywhere.
pub(super) fn mismatch(ty: &Type, value: &Value) -> Option<String> {
    let Value::Object(map) = value else {
        return Some(format!("cannot restore struct from: {}", go_kind(value)));
    };
    ty.fields.iter().find_map(|field| shaped(&field.shape, map.get(field.name)?))
}

fn shaped(shape: &Shape, value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    match shape {
        Shape::Quantity | Shape::IntOrString | Shape::Time | Shape::MicroTime | Shape::Any => None,
        Shape::String | Shape::Bool | Shape::Int32 | Shape::Int64 | Shape::Double => scalar(shape, value),
        Shape::Bytes => match value {
            Value::String(text) => canonical_base64(text).err().map(|why| format!("error decoding from json: {why}")),
            other => Some(format!("cannot restore slice from {}", go_kind(other))),
        },
        Shape::Struct(ty) => mismatch(ty.get(), value),
        Shape::List(of) => match value {
            Value::Array(items) => items.iter().find_map(|item| shaped(of, item)),
            other => Some(format!("cannot restore slice from {}", go_kind(other))),
        },
        Shape::Map(of) => match value {
            Value::Object(map) => map.values().find_map(|item| shaped(of, item)),
            other => Some(format!("cannot restore map from {}", go_kind(other))),
        },
    }
}

/// Go converts numbers into each other where nothing is lost, and knows that an integer could be a letter; all else is strange to it.
fn scalar(shape: &Shape, value: &Value) -> Option<String> {
    let integer = matches!(shape, Shape::Int32 | Shape::Int64);
    match value {
        Value::String(_) if *shape == Shape::String => None,
        Value::Bool(_) if *shape == Shape::Bool => None,
        Value::Number(_) if *shape == Shape::Double => None,
        Value::Number(number) if integer && whole(number) => None,
        Value::Number(number) if integer || (*shape == Shape::String && number.is_i64()) => {
            Some(format!("cannot convert {} to {}", go_number(number), shape.go_name()))
        }
        _ => Some(format!("unrecognized type: {}", shape.go_name())),
    }
}

fn whole(number: &Number) -> bool {
    number.is_i64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn go_number(number: &Number) -> &'static str {
    if number.is_i64() { "int64" } else { "float64" }
}

/// What Go calls a value that was read from JSON.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) => go_number(number),
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_named_by_gos_kinds() {
        let pod = schema::find("core/v1.Pod").expect("known");
        for (object, message) in [
            (json!({"metadata": {"labels": "x"}}), "cannot restore map from string"),
            (json!({"metadata": {"labels": {"a": 1}}}), "cannot convert int64 to string"),
            (json!({"metadata": {"labels": {"a": true}}}), "unrecognized type: string"),
            (json!({"metadata": {"labels": {"a": 1.5}}}), "unrecognized type: string"),
            (json!({"spec": {"containers": "x"}}), "cannot restore slice from string"),
            (json!({"spec": {"containers": [{"ports": [7]}]}}), "cannot restore struct from: int64"),
            (json!({"spec": []}), "cannot restore struct from: slice"),
            (json!({"spec": {"hostNetwork": {}}}), "unrecognized type: bool"),
            (json!({"spec": {"priority": "x"}}), "unrecognized type: int32"),
            (json!({"spec": {"priority": 1.5}}), "cannot convert float64 to int32"),
            (json!({"spec": {"terminationGracePeriodSeconds": "x"}}), "unrecognized type: int64"),
        ] {
            assert_eq!(mismatch(pod, &object).as_deref(), Some(message), "{object}");
        }
        let secret = schema::find("core/v1.Secret").expect("known");
        let data = |value: Value| mismatch(secret, &json!({"data": {"a": value}}));
        assert_eq!(
            data(json!("***")).as_deref(),
            Some("error decoding from json: illegal base64 data at input byte 0")
        );
        assert_eq!(data(json!(1)).as_deref(), Some("cannot restore slice from int64"));
    }

    #[test]
    fn what_fits_or_reads_json_itself_is_not_named() {
        let pod = schema::find("core/v1.Pod").expect("known");
        let object = json!({"metadata": {"labels": {"a": null}, "creationTimestamp": 7, "unknown": []},
            "spec": {"priority": 1.0, "containers": [null, {"resources": {"limits": {"cpu": "x"}}}]}});
        assert_eq!(mismatch(pod, &object), None);
    }
}
