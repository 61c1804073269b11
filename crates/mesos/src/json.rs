//! Decoding of JSON as Mesos does it (reference section 2.2): forgiving in what every peer relies on.
//!
//! Beside what serde accepts: quoted numbers and booleans, `null` for an absent field, a single value where a list is
//! expected, and bare `Infinity` and `NaN`. A list where a single value is expected is refused.

use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

/// Why a body is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON at all.
    #[error("Failed to parse body into JSON: {0}")]
    Syntax(String),
    /// JSON, but not of this message.
    #[error("{0}")]
    Convert(String),
}

/// A message whose parts do not fit together, in Mesos' words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// The field that is needed is not there.
    pub fn missing(field: &str) -> Self {
        Self(format!("Expecting '{field}' to be present"))
    }
}

/// Decodes one message.
///
/// # Errors
/// Where `bytes` is not JSON, or is not a `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    from_value(parse(bytes)?)
}

/// Decodes one message out of parsed JSON.
///
/// # Errors
/// Where `value` is not a `T`.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Lenient(value)).map_err(|error| Error::Convert(error.to_string()))
}

/// Encodes one message. Never fails for messages of this crate: their keys are texts.
pub fn to_vec<T: serde::Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have string keys and infallible serializers")
}

/// Parses JSON, with bare `Infinity`, `-Infinity` and `NaN` outside of strings read as those words quoted.
fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let Some(quoted) = std::str::from_utf8(bytes).ok().and_then(quote_bare_words) else {
        return Err(Error::Syntax(error.to_string()));
    };
    serde_json::from_str(&quoted).map_err(|_| Error::Syntax(error.to_string()))
}

/// `text` with bare words for numbers that JSON lacks put in quotes; `None` where there are none.
fn quote_bare_words(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let mut quoted = String::with_capacity(text.len() + 16);
    let (mut rest, mut in_string, mut found) = (text, false, false);
    while let Some(next) = rest.chars().next() {
        let mut taken = next.len_utf8();
        if in_string && next == '\\' {
            taken += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if next == '"' {
            in_string = !in_string;
        } else if let Some(word) = WORDS.iter().find(|word| !in_string && rest.starts_with(**word)) {
            quoted.push_str(&format!("\"{word}\""));
            rest = &rest[word.len()..];
            found = true;
            continue;
        }
        quoted.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    found.then_some(quoted)
}

/// Why a value is not of the type asked for.
#[derive(Debug, thiserror::Error)]
enum Mismatch {
    /// A value of another kind than the field's.
    #[error("{}", unexpected(kind, field.as_deref()))]
    Unexpected { kind: &'static str, field: Option<String> },
    /// A required field that is not there, with its path.
    #[error("Missing required fields: {0}")]
    Missing(String),
    /// A text that is no base64.
    #[error("Failed to base64 decode bytes field '{field}': {reason}")]
    Base64 { field: String, reason: String },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

fn unexpected(kind: &str, field: Option<&str>) -> String {
    match field {
        Some(field) => format!("Not expecting a JSON {kind} for field '{field}'"),
        None => "Expecting a JSON object".to_owned(),
    }
}

impl de::Error for Mismatch {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field.to_owned())
    }
}

impl Mismatch {
    fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }

    /// Says in which field it happened.
    fn within(self, field: &str) -> Self {
        match self {
            Self::Missing(path) => Self::Missing(format!("{field}.{path}")),
            Self::Unexpected { kind, field: None } => Self::Unexpected { kind, field: Some(field.to_owned()) },
            Self::Other(text) => match text.strip_prefix(crate::bytes::NOT_BASE64) {
                Some(reason) => Self::Base64 { field: field.to_owned(), reason: reason.to_owned() },
                None => Self::Other(text),
            },
            named => named,
        }
    }
}

/// A value that is decoded leniently.
struct Lenient(Value);

impl Lenient {
    /// Refuses a value of another kind than the field's.
    fn expect(&self, fits: bool) -> Result<(), Mismatch> {
        let kind = match &self.0 {
            _ if fits => return Ok(()),
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        Err(Mismatch::Unexpected { kind, field: None })
    }

    /// A quoted number as the number.
    fn number(self) -> Result<Value, Mismatch> {
        self.expect(self.0.is_number() || self.0.is_string())?;
        let Value::String(text) = &self.0 else { return Ok(self.0) };
        serde_json::from_str::<serde_json::Number>(text)
            .map(Value::Number)
            .map_err(|_| Mismatch::other(format!("Failed to parse '{text}' as a number")))
    }
}

macro_rules! numbers {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            whole(self.number()?).$method(visitor).map_err(Mismatch::other)
        })+
    };
}

/// A number without its fraction where an integer is expected, as clients whose language knows one kind of number write
/// them: `31000.0`.
fn whole(number: Value) -> Value {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.abs() < 9.0e15 => Value::from(float as i64),
        _ => number,
    }
}

macro_rules! texts {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.expect(self.0.is_string())?;
            self.0.$method(visitor).map_err(Mismatch::other)
        })+
    };
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Mismatch;

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }
    texts! { deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.0.deserialize_any(visitor).map_err(Mismatch::other)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.0 {
            Value::String(text) if text == "true" => visitor.visit_bool(true),
            Value::String(text) if text == "false" => visitor.visit_bool(false),
            _ => {
                self.expect(self.0.is_boolean())?;
                self.0.deserialize_bool(visitor).map_err(Mismatch::other)
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.as_str() {
            Some("Infinity") => visitor.visit_f64(f64::INFINITY),
            Some("-Infinity") => visitor.visit_f64(f64::NEG_INFINITY),
            Some("NaN") => visitor.visit_f64(f64::NAN),
            _ => self.number()?.deserialize_f64(visitor).map_err(Mismatch::other),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let items = match self.0 {
            Value::Array(items) => items,
            single => vec![single],
        };
        visitor.visit_seq(Items(items.into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.expect(self.0.is_object())?;
        let Value::Object(fields) = self.0 else { unreachable!("checked to be an object") };
        visitor.visit_map(Fields { fields: fields.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.expect(self.0.is_string())?;
        let Value::String(name) = self.0 else { unreachable!("checked to be a string") };
        visitor.visit_enum(UnitVariant(name))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! { unit_struct tuple tuple_struct }
}

/// The elements of a list.
struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        self.0.next().map(|value| seed.deserialize(Lenient(value))).transpose()
    }
}

/// The fields of an object; those that are `null` are absent.
struct Fields {
    fields: <Map<String, Value> as IntoIterator>::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((key, value)) = self.fields.by_ref().find(|(_, value)| !value.is_null()) else { return Ok(None) };
        let deserializer: StringDeserializer<Mismatch> = key.clone().into_deserializer();
        self.value = Some((key, value));
        seed.deserialize(deserializer).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let (key, value) = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(Lenient(value)).map_err(|error| error.within(&key))
    }
}

/// An enum's value by its name.
struct UnitVariant(String);

impl<'de> EnumAccess<'de> for UnitVariant {
    type Error = Mismatch;
    type Variant = <StringDeserializer<Mismatch> as EnumAccess<'de>>::Variant;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Mismatch> {
        let deserializer: StringDeserializer<Mismatch> = self.0.into_deserializer();
        deserializer.variant_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandInfo, Filters, FrameworkInfo, Resource, TaskStatus};

    fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        from_slice(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn quoted_numbers_and_booleans_are_read() {
        let filters: Filters = decode(r#"{"refuse_seconds": "1.5"}"#).unwrap();
        assert_eq!(filters.refuse_seconds, 1.5);
        let framework: FrameworkInfo = decode(r#"{"user":"u","name":"n","checkpoint":"true"}"#).unwrap();
        assert!(framework.checkpoint);
    }

    #[test]
    fn an_integer_may_be_written_as_a_float() {
        let ranges: crate::Ranges = decode(r#"{"range":{"begin":31000.0,"end":"31005.0"}}"#).unwrap();
        assert_eq!((ranges.range[0].begin, ranges.range[0].end), (31000, 31005));
        assert!(decode::<crate::Ranges>(r#"{"range":{"begin":-1.0,"end":1}}"#).is_err());
    }

    #[test]
    fn null_is_absent_and_unknown_fields_are_ignored() {
        let command: CommandInfo = decode(r#"{"value":null,"uris":null,"shell":null,"new":{"a":[1]}}"#).unwrap();
        assert_eq!(command, CommandInfo::default());
    }

    #[test]
    fn a_single_value_is_a_list_of_one_but_a_list_is_no_value() {
        let framework: FrameworkInfo = decode(r#"{"user":"u","name":"n","roles":"r"}"#).unwrap();
        assert_eq!(framework.roles, ["r"]);
        let refusal = decode::<FrameworkInfo>(r#"{"user":["u"],"name":"n"}"#).unwrap_err();
        assert_eq!(refusal, "Not expecting a JSON array for field 'user'");
    }

    #[test]
    fn what_is_missing_is_named_with_its_path() {
        let refusal = decode::<TaskStatus>(r#"{"task_id":{},"state":"TASK_RUNNING"}"#).unwrap_err();
        assert_eq!(refusal, "Missing required fields: task_id.value");
    }

    #[test]
    fn infinity_stands_bare_or_quoted_but_not_inside_of_strings() {
        for text in [
            r#"{"name":"x","type":"SCALAR","scalar":{"value":Infinity}}"#,
            r#"{"name":"x","type":"SCALAR","scalar":{"value":"Infinity"}}"#,
        ] {
            let resource: Resource = decode(text).unwrap();
            assert_eq!(resource.scalar.unwrap().value, f64::INFINITY);
            let again: Resource = from_slice(&to_vec(&resource)).unwrap();
            assert_eq!(again, resource);
        }
        let resource: Resource =
            decode(r#"{"name":"\"Infinity NaN","type":"SCALAR","scalar":{"value":-Infinity}}"#).unwrap();
        assert_eq!(resource.name, "\"Infinity NaN");
        assert!(decode::<Resource>(r#"{"name":Infinite}"#).is_err());
    }

    #[test]
    fn unknown_names_of_optional_enums_are_no_error_but_of_required_ones_are() {
        assert!(
            decode::<TaskStatus>(r#"{"task_id":{"value":"t"},"state":"TASK_RUNNING","reason":"REASON_NEW"}"#).is_ok()
        );
        assert!(decode::<TaskStatus>(r#"{"task_id":{"value":"t"},"state":"TASK_NEW"}"#).is_err());
    }

    #[test]
    fn base64_needs_no_padding() {
        let status: TaskStatus = decode(r#"{"task_id":{"value":"t"},"state":"TASK_RUNNING","data":"aGk"}"#).unwrap();
        assert_eq!(status.data.unwrap().0, b"hi");
    }
}
