//! From JSON to a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::wire::Writer;
use crate::schema::{Field, Number, Shape, Type};

/// Writes an object's fields in the order of their numbers. What the type does not know, or what has another form than it
/// says, is left out: objects are checked when they are stored, not when they are read.
///
/// Go writes the zeros of fields that are no pointers; whoever reads takes what is not written as zero, so that they
/// need not be here.
pub(super) fn fields(ty: &Type, object: &Map<String, Value>, out: &mut Writer) {
    let numbered: Vec<(Number, &Field)> = ty.numbered().filter(|(_, field)| object.contains_key(field.name)).collect();
    for message in numbered.chunk_by(|a, b| a.0.outer == b.0.outer) {
        let number = message[0].0;
        if number.inner.is_some() {
            out.nested(number.outer, |out| {
                for (number, field) in message {
                    put(&field.shape, number.inner.unwrap_or(number.outer), &object[field.name], out);
                }
            });
        } else {
            put(&message[0].1.shape, number.outer, &object[message[0].1.name], out);
        }
    }
}

/// A field: once, or once an item where it is a list or a map.
fn put(shape: &Shape, number: u32, value: &Value, out: &mut Writer) {
    match (shape, value) {
        (Shape::List(of), Value::Array(items)) => items.iter().for_each(|item| one(of, number, item, out)),
        (Shape::Map(of), Value::Object(map)) => {
            for (key, item) in map {
                out.nested(number, |entry| {
                    entry.bytes(1, key.as_bytes());
                    one(of, 2, item, entry);
                });
            }
        }
        _ => one(shape, number, value, out),
    }
}

fn one(shape: &Shape, number: u32, value: &Value, out: &mut Writer) {
    match (shape, value) {
        (_, Value::Null) => {}
        (Shape::String, Value::String(text)) => out.bytes(number, text.as_bytes()),
        (Shape::Bool, Value::Bool(flag)) => out.number(number, i64::from(*flag)),
        (Shape::Int32 | Shape::Int64, Value::Number(value)) => {
            if let Some(value) = value.as_i64() {
                out.number(number, value);
            }
        }
        (Shape::Double, Value::Number(value)) => out.double(number, value.as_f64().unwrap_or_default()),
        (Shape::Quantity, Value::String(text)) => out.nested(number, |quantity| quantity.bytes(1, text.as_bytes())),
        (Shape::Quantity, Value::Number(value)) => {
            out.nested(number, |quantity| quantity.bytes(1, value.to_string().as_bytes()));
        }
        (Shape::IntOrString, _) => int_or_string(number, value, out),
        (Shape::Time | Shape::MicroTime, Value::String(text)) => time(number, text, out),
        (Shape::Bytes, Value::String(text)) => {
            if let Ok(bytes) = STANDARD.decode(text) {
                out.bytes(number, &bytes);
            }
        }
        (Shape::Any, _) => out.nested(number, |any| any.bytes(1, value.to_string().as_bytes())),
        (Shape::Struct(ty), Value::Object(object)) => out.nested(number, |inner| fields(ty.get(), object, inner)),
        // a list within a list or a map is a message of its own, with the items as field 1
        (Shape::List(_), Value::Array(_)) | (Shape::Map(_), Value::Object(_)) => {
            out.nested(number, |inner| put(shape, 1, value, inner));
        }
        _ => {}
    }
}

/// All three fields, as Go writes them: which of the values counts the first says.
fn int_or_string(number: u32, value: &Value, out: &mut Writer) {
    let (form, int, text) = match value {
        Value::Number(int) => (0, int.as_i64().unwrap_or_default(), ""),
        Value::String(text) => (1, 0, text.as_str()),
        _ => return,
    };
    out.nested(number, |either| {
        either.number(1, form);
        either.number(2, int);
        either.bytes(3, text.as_bytes());
    });
}

fn time(number: u32, text: &str, out: &mut Writer) {
    if let Ok(time) = text.parse::<Timestamp>() {
        // protobuf's nanoseconds count forwards, also before 1970
        let (seconds, nanos) = match (time.as_second(), time.subsec_nanosecond()) {
            (seconds, nanos) if nanos < 0 => (seconds - 1, nanos + 1_000_000_000),
            both => both,
        };
        out.nested(number, |timestamp| {
            timestamp.number(1, seconds);
            timestamp.number(2, i64::from(nanos));
        });
    }
}
