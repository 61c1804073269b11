//! Parses JSON and YAML to a value, noting keys that an object has twice (the last one counts).

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::key::Key;
use super::syntax;
use crate::status::quote;

/// What is deeper in a JSON text than any object of a kind is skipped: values are made by calls within calls, and dropped so.
const SKIPPED_FROM: usize = 100;

/// The value of a JSON text, and the paths of duplicate keys. What is deeper than [`SKIPPED_FROM`] is null.
///
/// # Errors
/// A text that is no JSON, or is nested too deeply for Go too.
pub(super) fn json(text: &str) -> Result<(Value, Vec<String>), serde_json::Error> {
    let found = Found { skips: true, ..Found::default() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed { at: &Path::Root, depth: 0, found: &found }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    // what was skipped was not measured
    match found.skipped.get().then(|| syntax::explain(text)).flatten() {
        Some(why) => Err(serde_json::Error::custom(why)),
        None => Ok((value, found.duplicates())),
    }
}

/// The paths of all keys of a JSON text as they stand in it, and whether each was there before.
pub(super) fn keys(text: &str) -> Vec<(String, bool)> {
    let found = Found { all: true, skips: true, ..Found::default() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // what cannot be read to its end was refused before
    let _ = Seed { at: &Path::Root, depth: 0, found: &found }.deserialize(&mut deserializer);
    found.keys.into_inner()
}

/// The value of a YAML text with one document, and its duplicate keys.
///
/// # Errors
/// A text that is no YAML.
pub(super) fn yaml(text: &str) -> Result<(Value, Vec<Again>), serde_yaml::Error> {
    let found = Found::default();
    let value =
        Seed { at: &Path::Root, depth: 0, found: &found }.deserialize(serde_yaml::Deserializer::from_str(text))?;
    Ok((value, found.again.into_inner()))
}

/// A key of a YAML text that was there before.
pub(super) struct Again {
    /// How many such keys begin before it.
    number: usize,
    /// The key as Go prints it.
    key: String,
}

/// The texts that are read once more for the lines of duplicate keys may be that long together.
const READ_AGAIN: usize = 16 << 20;

/// The duplicate keys as Go's YAML tells them: with the line where the value begins. The parser says where it is to errors alone, so
/// the text is read once more for each key; of a long text with many not all are told.
pub(super) fn lines<'a>(text: &'a str, keys: &'a [Again]) -> impl Iterator<Item = String> + 'a {
    let most = (READ_AGAIN / text.len().max(1)).max(1);
    keys.iter().take(most).map(|Again { number, key }| {
        let found = Found { stop: Some(*number), ..Found::default() };
        let read =
            Seed { at: &Path::Root, depth: 0, found: &found }.deserialize(serde_yaml::Deserializer::from_str(text));
        let line = read.err().and_then(|error| error.location()).map_or(0, |place| place.line());
        format!("line {line}: key {key} already set in map")
    })
}

/// What is noted on the way.
#[derive(Default)]
struct Found {
    /// Whether all keys are, and not those alone that were there before.
    all: bool,
    /// Paths of keys, and whether they were there before.
    keys: RefCell<Vec<(String, bool)>>,
    /// Keys that were there before, those within the value of another before it.
    again: RefCell<Vec<Again>>,
    /// How many of them began.
    begun: Cell<usize>,
    /// At the value of which of them it ends, with an error.
    stop: Option<usize>,
    /// Whether what is very deep is skipped, and whether anything was.
    skips: bool,
    skipped: Cell<bool>,
}

impl Found {
    fn duplicates(self) -> Vec<String> {
        self.keys.into_inner().into_iter().map(|(path, _)| path).collect()
    }
}

/// Where a value is. Becomes text only where a key is noted.
enum Path<'p> {
    Root,
    Key(&'p Self, &'p str),
    Index(&'p Self, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(within, key) => write!(f, "{within}.{key}"),
            Self::Index(within, index) => write!(f, "{within}[{index}]"),
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    at: &'a Path<'a>,
    depth: usize,
    found: &'a Found,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.found.skips && self.depth == SKIPPED_FROM {
            self.found.skipped.set(true);
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Value, E> {
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("json: unsupported value"))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let at = &Path::Index(self.at, items.len());
            match access.next_element_seed(Seed { at, depth: self.depth + 1, ..self })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(Key { key, is_text }) = access.next_key()? {
            let at = &Path::Key(self.at, &key);
            let again = map.contains_key(&key);
            if again || self.found.all {
                self.found.keys.borrow_mut().push((at.to_string(), again));
            }
            let number = self.found.begun.get();
            if again {
                if self.found.stop == Some(number) {
                    return access.next_value_seed(Stop);
                }
                self.found.begun.set(number + 1);
            }
            let value = access.next_value_seed(Seed { at, depth: self.depth + 1, ..self })?;
            if again {
                let key = if is_text { quote(&key) } else { key.clone() };
                self.found.again.borrow_mut().push(Again { number, key });
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Takes no value at all: the error says where it is.
struct Stop;

impl<'de> DeserializeSeed<'de> for Stop {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Stop {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn duplicates_are_found_at_any_depth() {
        let (value, found) = json(r#"{"a":[{"b":1,"b":2}],"a":3}"#).expect("valid");
        assert_eq!((value, found), (serde_json::json!({"a": 3}), vec!["a[0].b".to_owned(), "a".to_owned()]));
        assert!(json("{} x").is_err());
    }

    #[test]
    fn what_is_very_deep_is_skipped_and_may_not_be_deeper_than_in_go() {
        let deep = |levels: usize| format!(r#"{{"a":{}{},"b":1}}"#, "[".repeat(levels), "]".repeat(levels));
        for levels in [99, 100, 101, 9_999] {
            let (value, _) = json(&deep(levels)).expect("deep");
            assert_eq!(value["b"], 1, "{levels}");
        }
        let (value, _) = json(&deep(99)).expect("deep");
        assert_eq!(value, serde_json::from_str::<Value>(&deep(99)).expect("deep"), "nothing is skipped");
        assert!(json(&deep(10_000)).is_err());
        assert!(json(&format!("{}{}", "[".repeat(500), "]".repeat(499))).is_err());
        assert!(json(&"[".repeat(1 << 20)).is_err());
        assert_eq!(keys(&deep(9_999)).len(), 2);
    }

    #[test]
    fn keys_are_told_as_they_stand() {
        let told = [("z", false), ("z.b", false), ("a", false), ("a[0].c", false), ("z", true)];
        let told = told.map(|(path, again)| (path.to_owned(), again));
        assert_eq!(keys(r#"{"z":{"b":1},"a":[{"c":2}],"z":3}"#), told);
    }

    #[test]
    fn keys_of_yaml_are_told_with_the_line_of_their_value() {
        let told = |text: &str| {
            let (_, keys) = yaml(text).expect("YAML");
            lines(text, &keys).collect::<Vec<_>>()
        };
        let text = "a: 1\nb:\n  c: 1\n  c: >\n    text\na:\n  d: 1\n  d: 2\nb:\n- x\nb: {e: 1, e: 2}\n1: x\n1: y\n";
        let line = |line: usize, key: &str| format!("line {line}: key {key} already set in map");
        assert_eq!(
            told(text),
            [(4, "\"c\""), (8, "\"d\""), (7, "\"a\""), (10, "\"b\""), (11, "\"e\""), (11, "\"b\""), (13, "1")]
                .map(|(at, key)| line(at, key))
        );
        assert_eq!(told("a:\n- b: 1\n  b: 2\n"), [line(3, "\"b\"")]);
        assert_eq!(told("{\"a\": 1,\n \"a\":\n  null}"), [line(3, "\"a\"")]);
        let many = format!("{}x: {}", "k: v\n".repeat(1000), "y".repeat(READ_AGAIN / 2));
        assert_eq!(told(&many).len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_as_serde_json_does(text in "[\\[\\]{}:,\"a0-9. -]{0,40}") {
            let theirs: Option<Value> = serde_json::from_str(&text).ok();
            prop_assert_eq!(json(&text).ok().map(|(value, _)| value), theirs);
        }
    }
}
