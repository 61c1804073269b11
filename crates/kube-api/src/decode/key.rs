//! A key of an object in JSON or YAML.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

/// A key: YAML allows any scalar, which becomes its text.
pub(super) struct Key {
    pub(super) key: String,
    pub(super) is_text: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

impl Key {
    fn of(other: impl ToString) -> Self {
        Self { key: other.to_string(), is_text: false }
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, v: &str) -> Result<Key, E> {
        Ok(Key { key: v.to_owned(), is_text: true })
    }

    fn visit_bool<E>(self, v: bool) -> Result<Key, E> {
        Ok(Key::of(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Key, E> {
        Ok(Key::of(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Key, E> {
        Ok(Key::of(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Key, E> {
        Ok(Key::of(v))
    }
}
