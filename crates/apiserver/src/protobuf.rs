//! Kubernetes' protobuf on the way in: kubectl and client-go send it to create built-in kinds.
//!
//! A body is the magic `k8s\0` and a `runtime.Unknown`, whose raw bytes are the object. The fields' numbers are in
//! `numbers.txt`, their shapes in kube-api's schema; from both an object becomes the JSON that any other client sends.

mod wire;

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kube_api::Status;
use kube_api::schema::{self, Field, Shape, Type};
use serde_json::{Map, Value};

use wire::{Malformed, Reader, Wire};

const MAGIC: &[u8] = b"k8s\0";
/// Messages nested deeper than this are refused.
const MAX_DEPTH: usize = 64;

/// What a field's number stands for.
enum Slot {
    /// A field of that name.
    Field(&'static str),
    /// A message whose fields are this type's own in JSON.
    Embedded(HashMap<u32, &'static str>),
}

static NUMBERS: LazyLock<HashMap<&'static str, HashMap<u32, Slot>>> = LazyLock::new(|| {
    let lines = include_str!("protobuf/numbers.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(name, fields)| (name, slots(fields))).collect()
});

fn slots(fields: &'static str) -> HashMap<u32, Slot> {
    let mut slots = HashMap::new();
    for (name, number) in fields.split_whitespace().filter_map(|field| field.split_once('=')) {
        let (outer, inner) = number.split_once('.').map_or((number, None), |(outer, inner)| (outer, Some(inner)));
        let parse = |text: &str| text.parse().expect("numbers.txt holds numbers");
        match inner {
            None => drop(slots.insert(parse(outer), Slot::Field(name))),
            Some(inner) => {
                if let Slot::Embedded(fields) =
                    slots.entry(parse(outer)).or_insert_with(|| Slot::Embedded(HashMap::new()))
                {
                    fields.insert(parse(inner), name);
                }
            }
        }
    }
    slots
}

/// The object of a body, as JSON with its apiVersion and kind; `schema` names its type (`core/v1.Pod`).
pub(crate) fn decode(schema: &str, body: &[u8]) -> Result<Value, Status> {
    let refuse = |error: Malformed| Status::bad_request(format!("the body is no protobuf of {schema}: {error}"));
    let ty = schema::find(schema).ok_or_else(Status::no_such_path)?;
    let unknown = body.strip_prefix(MAGIC).ok_or(Malformed("it does not begin with the magic \"k8s\\0\""));
    let (api_version, kind, raw) = unwrap(unknown.map_err(refuse)?).map_err(refuse)?;
    let mut object = message(ty, raw, 0).map_err(refuse)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

/// What a `runtime.Unknown` holds: apiVersion, kind, and the object's bytes.
fn unwrap(bytes: &[u8]) -> Result<(String, String, &[u8]), Malformed> {
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Reader::new(bytes) {
        match field? {
            (1, Wire::Bytes(meta)) => {
                for field in Reader::new(meta) {
                    match field? {
                        (1, wire) => api_version = wire.text()?.to_owned(),
                        (2, wire) => kind = wire.text()?.to_owned(),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(object)) => raw = object,
            (3, wire) if !wire.text()?.is_empty() => return Err(Malformed("its content is encoded")),
            _ => {}
        }
    }
    Ok((api_version, kind, raw))
}

fn message(ty: &Type, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, Malformed> {
    let mut out = Map::new();
    let slots = NUMBERS.get(format!("{}.{}", ty.package.short, ty.name).as_str());
    let slots = slots.ok_or(Malformed("a type without numbers"))?;
    if depth > MAX_DEPTH {
        return Err(Malformed("it is nested too deeply"));
    }
    for field in Reader::new(bytes) {
        let (number, wire) = field?;
        match slots.get(&number) {
            Some(Slot::Field(name)) => put(ty, name, wire, &mut out, depth)?,
            Some(Slot::Embedded(names)) => {
                for field in Reader::new(wire.bytes()?) {
                    let (number, wire) = field?;
                    if let Some(name) = names.get(&number) {
                        put(ty, name, wire, &mut out, depth)?;
                    }
                }
            }
            None => {}
        }
    }
    Ok(out)
}

/// Sets a field, or adds to it where it is a list or map.
fn put(ty: &Type, name: &str, wire: Wire<'_>, out: &mut Map<String, Value>, depth: usize) -> Result<(), Malformed> {
    let Some(field) = ty.fields.iter().find(|field| field.name == name) else { return Ok(()) };
    match &field.shape {
        Shape::List(item) => {
            let item = value(item, wire, depth)?;
            let list = out.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut().ok_or(Malformed("a list that is none"))?.push(item);
        }
        Shape::Map(item) => {
            let (key, item) = entry(item, wire, depth)?;
            let map = out.entry(name).or_insert_with(|| Value::Object(Map::new()));
            map.as_object_mut().ok_or(Malformed("a map that is none"))?.insert(key, item);
        }
        shape => {
            let value = value(shape, wire, depth)?;
            if !silent(field, &value) {
                out.insert(name.to_owned(), value);
            }
        }
    }
    Ok(())
}

/// Protobuf writes empty strings and times that JSON leaves out.
fn silent(field: &Field, value: &Value) -> bool {
    value.is_null() || (*value == "" && !field.keeps_empty)
}

fn entry(item: &Shape, wire: Wire<'_>, depth: usize) -> Result<(String, Value), Malformed> {
    let (mut key, mut found) = (String::new(), None);
    for field in Reader::new(wire.bytes()?) {
        match field? {
            (1, wire) => key = wire.text()?.to_owned(),
            (2, wire) => found = Some(value(item, wire, depth + 1)?),
            _ => {}
        }
    }
    let absent = || match item {
        Shape::Struct(_) | Shape::Map(_) => Value::Object(Map::new()),
        Shape::List(_) => Value::Array(Vec::new()),
        _ => Value::from(""),
    };
    Ok((key, found.unwrap_or_else(absent)))
}

fn value(shape: &Shape, wire: Wire<'_>, depth: usize) -> Result<Value, Malformed> {
    Ok(match shape {
        Shape::String => wire.text()?.into(),
        Shape::Bool => (wire.number()? != 0).into(),
        Shape::Int32 | Shape::Int64 => wire.number()?.into(),
        Shape::Double => wire.double()?.into(),
        Shape::Bytes => STANDARD.encode(wire.bytes()?).into(),
        Shape::Quantity => part(wire, 1)?.map_or(Ok("0"), |wire| wire.text())?.into(),
        Shape::IntOrString => match part(wire, 1)?.map_or(Ok(0), |wire| wire.number())? {
            0 => part(wire, 2)?.map_or(Ok(0), |wire| wire.number())?.into(),
            _ => part(wire, 3)?.map_or(Ok(""), |wire| wire.text())?.into(),
        },
        Shape::Time => time(wire, "%Y-%m-%dT%H:%M:%SZ")?,
        Shape::MicroTime => time(wire, "%Y-%m-%dT%H:%M:%S.%6fZ")?,
        Shape::Any => match part(wire, 1)? {
            Some(raw) => serde_json::from_slice(raw.bytes()?).map_err(|_| Malformed("a raw value is no JSON"))?,
            None => Value::Null,
        },
        Shape::Struct(ty) => Value::Object(message(ty.get(), wire.bytes()?, depth + 1)?),
        // a list within a list or map is a message of its own, with the items as field 1
        Shape::List(item) => {
            let items = Reader::new(wire.bytes()?).map(|field| value(item, field?.1, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Shape::Map(item) => Value::Object(Map::from_iter([entry(item, wire, depth)?])),
    })
}

/// The last field of that number in a small message.
fn part(wire: Wire<'_>, number: u32) -> Result<Option<Wire<'_>>, Malformed> {
    let mut found = None;
    for field in Reader::new(wire.bytes()?) {
        let (field, wire) = field?;
        if field == number {
            found = Some(wire);
        }
    }
    Ok(found)
}

/// A time; null for the zero time.
fn time(wire: Wire<'_>, format: &str) -> Result<Value, Malformed> {
    let seconds = part(wire, 1)?.map_or(Ok(0), |wire| wire.number())?;
    let nanos = part(wire, 2)?.map_or(Ok(0), |wire| wire.number())?;
    if (seconds, nanos) == (0, 0) {
        return Ok(Value::Null);
    }
    let nanos = i32::try_from(nanos).map_err(|_| Malformed("a time out of range"))?;
    let time = Timestamp::new(seconds, nanos).map_err(|_| Malformed("a time out of range"))?;
    Ok(time.strftime(format).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A length-delimited field.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut length = bytes.len();
        let mut out = vec![number << 3 | 2];
        while length >= 128 {
            out.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        out.push(u8::try_from(length).unwrap());
        [out, bytes.to_vec()].concat()
    }

    fn body(kind: &str, object: &[u8]) -> Vec<u8> {
        let meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, object), field(3, b""), field(4, b"")].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata =
            [field(1, b"a"), field(2, b""), field(8, b""), field(11, &[field(1, b"l"), field(2, b"m")].concat())];
        let data = [field(1, b"k"), field(2, b"v")].concat();
        let object = [field(1, &metadata.concat()), field(2, &data)].concat();
        assert_eq!(
            decode("core/v1.ConfigMap", &body("ConfigMap", &object)).unwrap(),
            json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "labels": {"l": "m"}}, "data": {"k": "v"}})
        );
    }

    #[test]
    fn embedded_messages_quantities_and_ports_are_read() {
        let volume = [field(1, b"v"), field(2, &field(1, &field(1, b"/data")))].concat();
        let probe = field(1, &field(2, &[field(1, b"/"), field(2, &[0x08, 0x01, 0x1a, 0x01, b'h'])].concat()));
        let requests = field(2, &[field(1, b"cpu"), field(2, &field(1, b"1"))].concat());
        let container = [field(1, b"c"), field(8, &requests), field(10, &probe)].concat();
        let spec = [field(1, &volume), field(2, &container), vec![0x20, 0x1e]].concat();
        let pod = decode("core/v1.Pod", &body("Pod", &field(2, &spec))).unwrap();
        assert_eq!(pod["spec"]["volumes"], json!([{"name": "v", "hostPath": {"path": "/data"}}]));
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["livenessProbe"]["httpGet"], json!({"path": "/", "port": "h"}));
        assert_eq!(container["resources"]["requests"], json!({"cpu": "1"}));
        assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 30);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for bad in
            [&b""[..], b"k8s", b"{}", b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"k8s\0\x12\xff\x01x"]
        {
            assert_eq!(decode("core/v1.Pod", bad).unwrap_err().code, 400, "{bad:?}");
        }
        let invalid = body("Pod", &field(1, &field(1, b"\xff")));
        assert_eq!(decode("core/v1.Pod", &invalid).unwrap_err().code, 400);
    }

    #[test]
    fn every_number_names_a_field_of_the_schema() {
        for (name, slots) in NUMBERS.iter() {
            let ty = schema::find(name).unwrap_or_else(|| panic!("{name}"));
            let names = slots.values().flat_map(|slot| match slot {
                Slot::Field(name) => vec![*name],
                Slot::Embedded(names) => names.values().copied().collect(),
            });
            for field in names {
                assert!(ty.fields.iter().any(|f| f.name == field), "{name}.{field}");
            }
        }
    }
}
