//! Values that compose files write in more than one form.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A string, number or truth value, as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number, true or false")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// A command: a list of words, or one string that is split at blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of words")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                if text.contains(['"', '\'', '\\']) {
                    return Err(E::custom("quotes in a command need the form of a list"));
                }
                Ok(Words(text.split_whitespace().map(str::to_owned).collect()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(Scalar(word)) = seq.next_element()? {
                    words.push(word);
                }
                Ok(Words(words))
            }
        }
        deserializer.deserialize_any(List)
    }
}

/// Environment or labels: a mapping, or a list of `KEY=value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Table;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping, or a list of KEY=value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut table = BTreeMap::new();
                while let Some((key, Scalar(value))) = map.next_entry()? {
                    table.insert(key, value);
                }
                Ok(Table(table))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Table, A::Error> {
                let mut table = BTreeMap::new();
                while let Some(pair) = seq.next_element::<String>()? {
                    let (key, value) = pair
                        .split_once('=')
                        .ok_or_else(|| de::Error::custom(format!("`{pair}` has no value, expected KEY=value")))?;
                    table.insert(key.to_owned(), value.to_owned());
                }
                Ok(Table(table))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

/// How a service is attached to one network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attachment {
    /// Further names on that network.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// A fixed address, where the file's author chose one.
    #[serde(default)]
    pub(crate) ipv4_address: Option<String>,
}

/// The networks of a service: a list of names, or a mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attachments(pub(crate) BTreeMap<String, Attachment>);

impl<'de> Deserialize<'de> for Attachments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Networks;
        impl<'de> Visitor<'de> for Networks {
            type Value = Attachments;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of networks, or a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attachments, A::Error> {
                let mut networks = BTreeMap::new();
                while let Some((name, attachment)) = map.next_entry::<String, Option<Attachment>>()? {
                    networks.insert(name, attachment.unwrap_or_default());
                }
                Ok(Attachments(networks))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Attachments, A::Error> {
                let mut networks = BTreeMap::new();
                while let Some(name) = seq.next_element::<String>()? {
                    networks.insert(name, Attachment::default());
                }
                Ok(Attachments(networks))
            }
        }
        deserializer.deserialize_any(Networks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: serde::de::DeserializeOwned>(yaml: &str) -> T {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn both_forms_are_one() {
        assert_eq!(parse::<Table>("{A: 1, B: true}"), parse::<Table>("[A=1, B=true]"));
        assert_eq!(parse::<Words>("km pause"), parse::<Words>("[km, pause]"));
        assert_eq!(parse::<Attachments>("[control]"), parse::<Attachments>("{control: }"));
    }

    #[test]
    fn a_pair_without_value_is_refused() {
        assert!(serde_yaml::from_str::<Table>("[A]").is_err());
    }
}
