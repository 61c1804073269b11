//! `--sort-by`: objects in the order of a field. Numbers go by their value, texts as people count: `pod-2` before `pod-10`.

use std::cmp::Ordering;

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
        (Some(Value::String(one)), Some(Value::String(other))) => natural(one, other),
        (Some(one), Some(other)) => natural(&one.to_string(), &other.to_string()),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Runs of digits compare as numbers, all else by character.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let ((a, rest_a), (b, rest_b)) = match (chunk(one), chunk(other)) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let number = |text: &str| text.parse::<u128>().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit()));
        let order = match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest_a, rest_b);
    }
}

/// The run of digits, or of anything else, at the start, and the rest.
fn chunk(text: &str) -> Option<(&str, &str)> {
    let digits = text.chars().next()?.is_ascii_digit();
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    Some(text.split_at(end))
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
    fn texts_are_counted_and_numbers_are_by_value() {
        let names = sorted(".n", vec![json!({"n": "pod-10"}), json!({"n": "pod-2"}), json!({"n": "a"})]);
        assert_eq!(names, [json!({"n": "a"}), json!({"n": "pod-2"}), json!({"n": "pod-10"})]);
        let numbers = sorted("{.n}", vec![json!({"n": 10}), json!({"n": 9.5}), json!({})]);
        assert_eq!(numbers, [json!({}), json!({"n": 9.5}), json!({"n": 10})]);
    }

    #[test]
    fn moments_are_in_their_order() {
        let moments = sorted("t", vec![json!({"t": "2026-02-01T00:00:00Z"}), json!({"t": "2026-01-31T23:59:59Z"})]);
        assert_eq!(moments[0]["t"], "2026-01-31T23:59:59Z");
    }
}
