//! From a message to JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::wire::{Malformed, Reader, Wire};
use crate::schema::{Field, Shape, Type};

/// Messages nested deeper than this are refused. No type of the schema nests as deeply; this bounds the stack whatever
/// types are added.
const MAX_DEPTH: usize = 64;

/// The fields of a message of that type.
pub(super) fn message(ty: &Type, bytes: &[u8]) -> Result<Map<String, Value>, Malformed> {
    let mut out = Map::new();
    merge(ty, bytes, &mut out, 0)?;
    Ok(out)
}

/// Adds a message's fields to those that are there: a message that is written twice is one.
fn merge(ty: &Type, bytes: &[u8], out: &mut Map<String, Value>, depth: usize) -> Result<(), Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::new("proto: the message is nested too deeply"));
    }
    for field in Reader::new(bytes) {
        let (number, wire) = field?;
        if let Some(field) = ty.numbered_as(number, None) {
            put(field, wire, out, depth)?;
        } else if ty.embeds(number) {
            for inner in Reader::new(wire.bytes(ty.name)?) {
                let (inner, wire) = inner?;
                if let Some(field) = ty.numbered_as(number, Some(inner)) {
                    put(field, wire, out, depth)?;
                }
            }
        }
    }
    Ok(())
}

/// Sets a field, or adds to it where it is a list, a map or a message.
fn put(field: &Field, wire: Wire<'_>, out: &mut Map<String, Value>, depth: usize) -> Result<(), Malformed> {
    let name = field.name;
    match &field.shape {
        Shape::List(of) => {
            let list = out.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            let list = list.as_array_mut().expect("a list is only ever set as one");
            append(of, wire, list, name, depth)
        }
        Shape::Map(of) => {
            let (key, item) = entry(of, wire, name, depth)?;
            let map = out.entry(name).or_insert_with(|| Value::Object(Map::new()));
            map.as_object_mut().expect("a map is only ever set as one").insert(key, item);
            Ok(())
        }
        Shape::Struct(ty) => {
            let object = out.entry(name).or_insert_with(|| Value::Object(Map::new()));
            let object = object.as_object_mut().expect("an object is only ever set as one");
            merge(ty.get(), wire.bytes(name)?, object, depth + 1)
        }
        shape => {
            out.insert(name.to_owned(), value(shape, wire, name, depth)?);
            Ok(())
        }
    }
}

/// Adds an item to a list, or the many of a packed field.
fn append(of: &Shape, wire: Wire<'_>, list: &mut Vec<Value>, name: &str, depth: usize) -> Result<(), Malformed> {
    if let (Shape::Int32 | Shape::Int64 | Shape::Bool, Wire::Bytes(bytes)) = (of, wire) {
        for number in Reader::packed(bytes) {
            list.push(scalar(of, number?));
        }
    } else {
        list.push(value(of, wire, name, depth)?);
    }
    Ok(())
}

/// An entry of a map: a message of key and value.
fn entry(of: &Shape, wire: Wire<'_>, name: &str, depth: usize) -> Result<(String, Value), Malformed> {
    let (mut key, mut found) = (String::new(), None);
    for field in Reader::new(wire.bytes(name)?) {
        match field? {
            (1, wire) => key = wire.text(name)?.to_owned(),
            (2, wire) => found = Some(value(of, wire, name, depth + 1)?),
            _ => {}
        }
    }
    // a value that is not written is its type's zero
    let found = found.map_or_else(|| value(of, zero(of), name, depth + 1), Ok)?;
    Ok((key, found))
}

fn zero(shape: &Shape) -> Wire<'static> {
    match shape {
        Shape::Bool | Shape::Int32 | Shape::Int64 => Wire::Varint(0),
        Shape::Double => Wire::Fixed64(0),
        _ => Wire::Bytes(b""),
    }
}

fn value(shape: &Shape, wire: Wire<'_>, name: &str, depth: usize) -> Result<Value, Malformed> {
    Ok(match shape {
        Shape::String => wire.text(name)?.into(),
        Shape::Bool | Shape::Int32 | Shape::Int64 => scalar(shape, wire.number(name)?),
        Shape::Double => wire.double(name)?.into(),
        Shape::Bytes => STANDARD.encode(wire.bytes(name)?).into(),
        Shape::Quantity => match part(wire, 1, name)?.map_or(Ok(""), |wire| wire.text(name))? {
            "" => "0".into(),
            text => text.into(),
        },
        Shape::IntOrString => int_or_string(wire, name)?,
        Shape::Time => time(wire, name, false)?,
        Shape::MicroTime => time(wire, name, true)?,
        Shape::Any => match part(wire, 1, name)?.map_or(Ok(&b""[..]), |wire| wire.bytes(name))? {
            b"" => Value::Null,
            raw => serde_json::from_slice(raw)
                .map_err(|error| Malformed::new(format!("the raw value of {name} is no JSON: {error}")))?,
        },
        Shape::Struct(ty) => {
            let mut object = Map::new();
            merge(ty.get(), wire.bytes(name)?, &mut object, depth + 1)?;
            Value::Object(object)
        }
        // a list within a list or a map is a message of its own, with the items as field 1
        Shape::List(of) => {
            let mut list = Vec::new();
            for field in Reader::new(wire.bytes(name)?) {
                if let (1, wire) = field? {
                    append(of, wire, &mut list, name, depth + 1)?;
                }
            }
            Value::Array(list)
        }
        Shape::Map(of) => {
            let mut map = Map::new();
            for field in Reader::new(wire.bytes(name)?) {
                if let (1, wire) = field? {
                    map.extend([entry(of, wire, name, depth + 1)?]);
                }
            }
            Value::Object(map)
        }
    })
}

/// A number or flag. Of a number of 32 bits Go keeps as many.
fn scalar(shape: &Shape, number: i64) -> Value {
    match shape {
        Shape::Bool => (number != 0).into(),
        Shape::Int32 => (number as i32).into(),
        _ => number.into(),
    }
}

/// The last field of that number in a small message.
fn part<'a>(wire: Wire<'a>, number: u32, name: &str) -> Result<Option<Wire<'a>>, Malformed> {
    let mut found = None;
    for field in Reader::new(wire.bytes(name)?) {
        let (field, wire) = field?;
        if field == number {
            found = Some(wire);
        }
    }
    Ok(found)
}

fn int_or_string(wire: Wire<'_>, name: &str) -> Result<Value, Malformed> {
    let number = |place| part(wire, place, name)?.map_or(Ok(0), |wire: Wire<'_>| wire.number(name));
    Ok(match number(1)? {
        0 => scalar(&Shape::Int32, number(2)?),
        1 => part(wire, 3, name)?.map_or(Ok(""), |wire| wire.text(name))?.into(),
        other => return Err(Malformed::new(format!("impossible IntOrString type {other}"))),
    })
}

/// A time; null where nothing is written, which is Go's zero time.
fn time(wire: Wire<'_>, name: &str, micro: bool) -> Result<Value, Malformed> {
    if wire.bytes(name)?.is_empty() {
        return Ok(Value::Null);
    }
    let range = || Malformed::new(format!("the time {name} is out of range"));
    let number = |place| part(wire, place, name)?.map_or(Ok(0), |wire: Wire<'_>| wire.number(name));
    // what clients write beyond the precision that JSON has is lost, as in Kubernetes
    let nanos = if micro { i32::try_from(number(2)?).map_err(|_| range())? / 1000 * 1000 } else { 0 };
    let time = Timestamp::new(number(1)?, nanos).map_err(|_| range())?;
    Ok(if micro { format!("{time:.6}") } else { format!("{time:.0}") }.into())
}
