//! Fits a value to a type: refuses wrong types in Go's words, takes out what the type does not know, and brings what it
//! knows into the form in which Kubernetes would print it.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::quantity::Quantity;
use crate::schema::{Field, Shape, Type};
use crate::status::quote;

/// Base64 as Go reads it: bits behind the last byte say nothing.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Fits the object to the type. Gives the paths of unknown fields, which are gone from the object.
///
/// # Errors
/// The first value of a wrong type, as Go words it.
pub(super) fn conform(ty: &'static Type, object: &mut Value) -> Result<Vec<String>, String> {
    let mut walk = Walk { path: Vec::new(), structs: Vec::new(), unknown: Vec::new() };
    walk.object(ty, object)?;
    Ok(walk.unknown)
}

/// What Go's messages call a JSON value.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

enum Step {
    Field(&'static str),
    Index(usize),
    Key(String),
}

struct Walk {
    path: Vec<Step>,
    /// The types around the value, whose innermost one Go's messages name.
    structs: Vec<&'static Type>,
    unknown: Vec<String>,
}

impl Walk {
    fn object(&mut self, ty: &'static Type, value: &mut Value) -> Result<(), String> {
        let Value::Object(map) = value else {
            let go = format!("{}.{}", ty.package.version(), ty.name);
            return Err(self.mismatch(json_type(value), &go));
        };
        self.structs.push(ty);
        let mut failed = None;
        map.retain(|key, value| match ty.field(key) {
            None => {
                let path = self.path_to(key);
                self.unknown.push(path);
                false
            }
            Some(field) => {
                if failed.is_none() && !value.is_null() {
                    self.path.push(Step::Field(field.name));
                    failed = self.value(&field.shape, value).err();
                    self.path.pop();
                }
                !is_silent(field, value)
            }
        });
        self.structs.pop();
        failed.map_or(Ok(()), Err)
    }

    fn value(&mut self, shape: &'static Shape, value: &mut Value) -> Result<(), String> {
        let fits = match shape {
            Shape::Any => true,
            Shape::String => value.is_string(),
            Shape::Bool => value.is_boolean(),
            Shape::Int32 => return self.integer(value, i64::from(i32::MIN), i64::from(i32::MAX), shape),
            Shape::Int64 => return self.integer(value, i64::MIN, i64::MAX, shape),
            Shape::Double => value.is_number(),
            Shape::Quantity => return quantity(value),
            Shape::IntOrString => return int_or_string(value),
            Shape::Time => return self.time(value, false),
            Shape::MicroTime => return self.time(value, true),
            Shape::Bytes => return self.bytes(value),
            Shape::Struct(ty) => return self.object(ty.get(), value),
            Shape::List(of) => return self.list(shape, of, value),
            Shape::Map(of) => return self.map(shape, of, value),
        };
        if fits { Ok(()) } else { Err(self.mismatch(json_type(value), &shape.go_name())) }
    }

    fn list(&mut self, shape: &Shape, of: &'static Shape, value: &mut Value) -> Result<(), String> {
        let Value::Array(items) = value else {
            return Err(self.mismatch(json_type(value), &shape.go_name()));
        };
        for (index, item) in items.iter_mut().enumerate() {
            if item.is_null() {
                *item = zero(of);
                continue;
            }
            self.path.push(Step::Index(index));
            self.value(of, item)?;
            self.path.pop();
        }
        Ok(())
    }

    fn map(&mut self, shape: &Shape, of: &'static Shape, value: &mut Value) -> Result<(), String> {
        let Value::Object(map) = value else {
            return Err(self.mismatch(json_type(value), &shape.go_name()));
        };
        for (key, item) in map.iter_mut() {
            if item.is_null() {
                *item = zero(of);
                continue;
            }
            self.path.push(Step::Key(key.clone()));
            self.value(of, item)?;
            self.path.pop();
        }
        Ok(())
    }

    fn integer(&self, value: &Value, least: i64, most: i64, shape: &Shape) -> Result<(), String> {
        match value {
            Value::Number(n) if n.as_i64().is_some_and(|n| (least..=most).contains(&n)) => Ok(()),
            Value::Number(n) => Err(self.mismatch(&format!("number {n}"), &shape.go_name())),
            other => Err(self.mismatch(json_type(other), &shape.go_name())),
        }
    }

    fn bytes(&self, value: &mut Value) -> Result<(), String> {
        let Value::String(text) = value else {
            return Err(self.mismatch(json_type(value), "[]uint8"));
        };
        if STANDARD.decode(&*text).is_err() {
            *text = canonical_base64(text)?;
        }
        Ok(())
    }

    fn time(&self, value: &mut Value, micro: bool) -> Result<(), String> {
        let Value::String(text) = &*value else {
            return Err(format!("json: cannot unmarshal {} into Go value of type string", json_type(value)));
        };
        let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { RFC_3339 };
        let time = parse_time(text).ok_or_else(|| no_time(text, layout))?;
        *value = if micro { format!("{time:.6}") } else { format!("{time:.0}") }.into();
        Ok(())
    }

    /// Go's words for a value of the wrong type, with the path (without indices) and the innermost type.
    fn mismatch(&self, found: &str, go_type: &str) -> String {
        let fields: Vec<&str> = self
            .path
            .iter()
            .filter_map(|step| match step {
                Step::Field(name) => Some(*name),
                Step::Index(_) | Step::Key(_) => None,
            })
            .collect();
        match self.structs.last() {
            Some(ty) if !fields.is_empty() => format!(
                "json: cannot unmarshal {found} into Go struct field {}.{} of type {go_type}",
                ty.name,
                fields.join(".")
            ),
            _ => format!("json: cannot unmarshal {found} into Go value of type {go_type}"),
        }
    }

    fn path_to(&self, key: &str) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Field(name) => join(&mut path, name),
                Step::Key(name) => join(&mut path, name),
            }
        }
        join(&mut path, key);
        path
    }
}

fn join(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Whether Kubernetes would leave the field out when it prints the object: nothing, an empty string, list or map, or a zero
/// that says no more than nothing would.
fn is_silent(field: &Field, value: &Value) -> bool {
    match (value, &field.shape) {
        (Value::Null, _) => true,
        (_, Shape::Any) => false,
        (Value::String(text), _) => text.is_empty() && !field.required && !field.keeps_empty,
        (Value::Array(list), _) => list.is_empty() && !field.required,
        (Value::Object(map), Shape::Map(_)) => map.is_empty() && !field.required,
        (Value::Bool(flag), _) => field.omits_zero && !flag,
        (Value::Number(number), _) => field.omits_zero && number.as_i64() == Some(0),
        _ => false,
    }
}

/// What Go makes of `null` as an element.
fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::String | Shape::Bytes => "".into(),
        Shape::Bool => false.into(),
        Shape::Int32 | Shape::Int64 | Shape::Double | Shape::IntOrString => 0.into(),
        Shape::Quantity => "0".into(),
        Shape::Struct(_) | Shape::Map(_) => Value::Object(Map::new()),
        Shape::List(_) => Value::Array(Vec::new()),
        Shape::Time | Shape::MicroTime | Shape::Any => Value::Null,
    }
}

/// Base64 as it is printed: on one line, whatever lines it was broken into.
pub(super) fn canonical_base64(text: &str) -> Result<String, String> {
    let is_break = |c: char| matches!(c, '\r' | '\n');
    let kept = text.replace(is_break, "");
    let at = match LENIENT.decode(&kept) {
        Ok(bytes) => return Ok(STANDARD.encode(bytes)),
        Err(base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _)) => {
            // counted in what the client sent
            text.match_indices(|c| !is_break(c)).nth(at).map_or(text.len(), |(at, _)| at)
        }
        Err(_) => text.len() - kept.len() % 4,
    };
    Err(format!("illegal base64 data at input byte {at}"))
}

fn quantity(value: &mut Value) -> Result<(), String> {
    let text = match &*value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    *value = Quantity::canonical(&text).map_err(|e| e.to_string())?.into();
    Ok(())
}

fn int_or_string(value: &Value) -> Result<(), String> {
    match value {
        Value::String(_) => Ok(()),
        Value::Number(n) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => Ok(()),
        Value::Number(n) => Err(format!("json: cannot unmarshal number {n} into Go value of type int32")),
        other => Err(format!("json: cannot unmarshal {} into Go value of type int32", json_type(other))),
    }
}

/// The layout of times, in Go's notation.
const RFC_3339: &str = "2006-01-02T15:04:05Z07:00";

/// Checks that a text is a time.
pub(super) fn time(text: &str) -> Result<(), String> {
    parse_time(text).map(drop).ok_or_else(|| no_time(text, RFC_3339))
}

fn no_time(text: &str, layout: &str) -> String {
    format!("parsing time {0} as {1}: cannot parse {0} as {2}", quote(text), quote(layout), quote("2006"))
}

/// An RFC 3339 time with its offset, as Go's layout wants it: `T` between date and time, seconds given.
fn parse_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20 && bytes[10] == b'T' && bytes[13] == b':' && bytes[16] == b':';
    if shaped { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    fn pod(spec: Value) -> Result<Value, String> {
        let mut object = json!({"spec": spec});
        conform(schema::find("core/v1.Pod").expect("known"), &mut object)?;
        Ok(object["spec"].take())
    }

    #[test]
    fn wrong_types_are_refused_in_gos_words() {
        for (spec, message) in [
            (
                json!({"containers": [{"ports": [{"containerPort": "80"}]}]}),
                "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
            ),
            (
                json!({"containers": {}}),
                "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
            ),
            (
                json!({"nodeSelector": {"a": 1}}),
                "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeSelector of type string",
            ),
            (
                json!({"priority": 3_000_000_000_i64}),
                "json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32",
            ),
            (json!([]), "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"),
            (
                json!({"containers": [{"resources": {"limits": {"cpu": "one"}}}]}),
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
        ] {
            assert_eq!(pod(spec).expect_err(message), message);
        }
    }

    #[test]
    fn values_are_brought_into_the_form_that_is_printed() {
        let spec = pod(json!({
            "nodeName": "", "nodeSelector": {}, "volumes": [{"name": "v", "emptyDir": {}, "nfs": null}],
            "containers": [{"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}, "env": [null]}],
        }));
        assert_eq!(
            spec.expect("valid"),
            json!({"volumes": [{"name": "v", "emptyDir": {}}],
                "containers": [{"resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}, "env": [{}]}]})
        );
    }

    #[test]
    fn a_zero_is_kept_where_it_differs_from_nothing() {
        let spec = pod(json!({"hostNetwork": false, "hostUsers": false, "terminationGracePeriodSeconds": 0,
            "containers": [{"tty": false, "ports": [{"containerPort": 0, "hostPort": 0}]}]}));
        assert_eq!(
            spec.expect("valid"),
            json!({"hostUsers": false, "terminationGracePeriodSeconds": 0,
                "containers": [{"ports": [{"containerPort": 0}]}]})
        );
    }

    #[test]
    fn times_are_stored_in_utc() {
        let mut lease = json!({"metadata": {"creationTimestamp": "2026-01-02T03:04:05.6+02:00"},
            "spec": {"renewTime": "2026-01-02T03:04:05.1234567Z"}});
        conform(schema::find("coordination/v1.Lease").expect("known"), &mut lease).expect("valid");
        assert_eq!(lease["metadata"]["creationTimestamp"], "2026-01-02T01:04:05Z");
        assert_eq!(lease["spec"]["renewTime"], "2026-01-02T03:04:05.123456Z");
        let mut wrong = json!({"metadata": {"creationTimestamp": "yesterday"}});
        let error = conform(schema::find("core/v1.Pod").expect("known"), &mut wrong).expect_err("no time");
        assert_eq!(
            error,
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""
        );
    }

    #[test]
    fn bytes_must_be_base64() {
        let mut secret = json!({"data": {"a": "***"}});
        let error = conform(schema::find("core/v1.Secret").expect("known"), &mut secret).expect_err("no base64");
        assert_eq!(error, "illegal base64 data at input byte 0");
    }

    #[test]
    fn base64_may_be_broken_into_lines() {
        for (given, stored) in
            [("aGVsbG8=\n", Ok("aGVsbG8=")), ("aGVs\r\nbG9\n", Err(7)), ("aG\nVs\nb*8=", Err(7)), ("YR==", Ok("YQ=="))]
        {
            let mut secret = json!({"data": {"a": given}});
            let fits = conform(schema::find("core/v1.Secret").expect("known"), &mut secret);
            match stored {
                Ok(text) => assert_eq!((fits, &secret["data"]["a"]), (Ok(vec![]), &json!(text)), "{given:?}"),
                Err(at) => assert_eq!(fits, Err(format!("illegal base64 data at input byte {at}")), "{given:?}"),
            }
        }
    }
}
