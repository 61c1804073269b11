//! `--sort-by`: objects in the order of a field. Numbers and quantities go by their value, texts by character, as
//! kubectl has it.

use std::cmp::Ordering;

use kube_api::quantity::Quantity;
use serde_json::Value;

use super::jsonpath::Template;

/// Sorts by the field that `path` names, those without it first; `object` gives an item's object.
pub(crate) fn by<T>(items: &mut [T], path: &Template, object: impl Fn(&T) -> &Value) {
    items.sort_by(|one, other| compare(first(path, object(one)), first(path, object(other))));
}

fn first<'v>(path: &Template, object: &'v Value) -> Option<&'v Value> {
    path.values(object).into_iter().next()
}

fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            one.as_f64().unwrap_or(0.0).total_cmp(&other.as_f64().unwrap_or(0.0))
        }
        (Some(Value::String(one)), Some(Value::String(other))) => texts(one, other),
        (Some(one), Some(other)) => texts(&one.to_string(), &other.to_string()),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// By value where both are quantities, else by character, as kubectl does.
fn texts(one: &str, other: &str) -> Ordering {
    match (one.parse::<Quantity>(), other.parse::<Quantity>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => one.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sorted(path: &str, mut values: Vec<Value>) -> Vec<Value> {
        by(&mut values, &Template::path(path).unwrap(), |value| value);
        values
    }

    #[test]
    fn texts_go_by_character_and_numbers_by_value() {
        let names = sorted(".n", vec![json!({"n": "pod-2"}), json!({"n": "pod-10"}), json!({"n": "a"})]);
        assert_eq!(names, [json!({"n": "a"}), json!({"n": "pod-10"}), json!({"n": "pod-2"})]);
        let quantities = sorted(".n", vec![json!({"n": "1Ki"}), json!({"n": "10"}), json!({"n": "9"})]);
        assert_eq!(quantities, [json!({"n": "9"}), json!({"n": "10"}), json!({"n": "1Ki"})]);
        let numbers = sorted("{.n}", vec![json!({"n": 10}), json!({"n": 9.5}), json!({})]);
        assert_eq!(numbers, [json!({}), json!({"n": 9.5}), json!({"n": 10})]);
    }

    #[test]
    fn moments_are_in_their_order() {
        let moments = sorted("t", vec![json!({"t": "2026-02-01T00:00:00Z"}), json!({"t": "2026-01-31T23:59:59Z"})]);
        assert_eq!(moments[0]["t"], "2026-01-31T23:59:59Z");
    }
}
