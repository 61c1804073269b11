//! What memory knows of an object without decoding it: its labels, and the fields that selectors look at.
//!
//! Thousands of objects are read at a start and each of them is kept, so that only these parts are decoded, and they are
//! kept as one piece of text.

use std::borrow::Cow;
use std::fmt;

use kube_api::selector::field_value;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The parts of an object that are looked at.
const PARTS: Part = Part::Within(&[
    (
        "metadata",
        Part::Within(&[
            ("name", Part::Whole),
            ("namespace", Part::Whole),
            ("uid", Part::Whole),
            ("labels", Part::Whole),
        ]),
    ),
    (
        "spec",
        Part::Within(&[
            ("nodeName", Part::Whole),
            ("restartPolicy", Part::Whole),
            ("schedulerName", Part::Whole),
            ("serviceAccountName", Part::Whole),
            ("hostNetwork", Part::Whole),
            ("unschedulable", Part::Whole),
            ("clusterIP", Part::Whole),
            ("type", Part::Whole),
        ]),
    ),
    (
        "status",
        Part::Within(&[
            ("phase", Part::Whole),
            ("podIP", Part::Whole),
            ("podIPs", Part::Whole),
            ("nominatedNodeName", Part::Whole),
            ("replicas", Part::Whole),
        ]),
    ),
    ("involvedObject", Part::Whole),
    ("reason", Part::Whole),
    ("reportingComponent", Part::Whole),
    ("source", Part::Whole),
    ("type", Part::Whole),
]);

/// The fields that are kept: those that some kind's field selector may name, and the UID.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "spec.unschedulable",
    "spec.clusterIP",
    "spec.type",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
    "status.replicas",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// An object's labels and fields.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    labels: Pairs,
    fields: Pairs,
}

impl Seen {
    /// Of an object's JSON.
    ///
    /// # Errors
    /// Where it is no JSON, or has no name.
    pub(crate) fn of(json: &[u8]) -> Result<Self, String> {
        let mut decoder = serde_json::Deserializer::from_slice(json);
        let object = PARTS.deserialize(&mut decoder).and_then(|object| decoder.end().map(|()| object));
        let object = object.map_err(|error| error.to_string())?;
        if !object["metadata"]["name"].is_string() {
            return Err("it has no metadata.name".to_owned());
        }
        let labels = object["metadata"]["labels"].as_object();
        let labels = labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        let fields = FIELDS.iter().map(|field| (*field, field_value(&object, field)));
        let fields = fields.filter(|(field, value)| *value != field_value(&Value::Null, field));
        Ok(Self { labels: Pairs::new(labels), fields: Pairs::new(fields) })
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key)
    }

    /// The value that a field has for selectors, where that is not the value of a field that is missing.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }
}

/// A few pairs of text in one: each key and value ends with a NUL.
#[derive(Clone, Debug)]
struct Pairs(Box<str>);

impl Pairs {
    /// Pairs in which somebody wrote a NUL are left out: no selector can name them.
    fn new<K: AsRef<str>, V: AsRef<str>>(pairs: impl Iterator<Item = (K, V)>) -> Self {
        let mut text = String::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            if !key.contains('\0') && !value.contains('\0') {
                text.extend([key, "\0", value, "\0"]);
            }
        }
        Self(text.into())
    }

    fn get(&self, wanted: &str) -> Option<&str> {
        let mut parts = self.0.split('\0');
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            if key == wanted {
                return Some(value);
            }
        }
        None
    }
}

/// How much of a value is decoded.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// All of it.
    Whole,
    /// These members, where it is an object; else nothing.
    Within(&'static [(&'static str, Self)]),
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, decoder: D) -> Result<Value, D::Error> {
        match self {
            Self::Whole => serde::Deserialize::deserialize(decoder),
            Self::Within(members) => decoder.deserialize_any(Members(members)),
        }
    }
}

/// Decodes some members of an object; what is no object is null.
struct Members(&'static [(&'static str, Part)]);

impl<'de> Visitor<'de> for Members {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(Key(key)) = map.next_key()? {
            match self.0.iter().find(|(name, _)| *name == key) {
                Some((name, part)) => drop(found.insert((*name).to_owned(), map.next_value_seed(*part)?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// A member's name, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(object: &Value) -> Seen {
        Seen::of(object.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn labels_and_fields_of_selectors_are_known() {
        let pod = seen(&json!({"kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": "a", "namespace": "b", "uid": "c", "labels": {"app": "x\"y", "empty": ""}},
            "spec": {"nodeName": "n", "hostNetwork": true, "containers": [{"name": "m"}]},
            "status": {"phase": "Running", "podIPs": [{"ip": "1.2.3.4"}, {"ip": "::1"}]}}));
        assert_eq!((pod.label("app"), pod.label("empty"), pod.label("x")), (Some("x\"y"), Some(""), None));
        for (field, value) in [
            ("metadata.name", Some("a")),
            ("metadata.uid", Some("c")),
            ("spec.nodeName", Some("n")),
            ("spec.hostNetwork", Some("true")),
            ("status.podIPs", Some("1.2.3.4,::1")),
            ("status.podIP", None),
            ("spec.unschedulable", None),
        ] {
            assert_eq!(pod.field(field), value, "{field}");
        }
        let event = seen(&json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"},
            "source": {"component": "kubelet"}}));
        assert_eq!((event.field("involvedObject.name"), event.field("source")), (Some("p"), Some("kubelet")));
    }

    #[test]
    fn parts_of_another_shape_do_no_harm() {
        for spec in [json!([1, {"a": []}]), json!("text"), json!(1.5), json!(-1), json!(true), json!(null)] {
            let object = seen(&json!({"metadata": {"name": "a", "labels": {"n": 1}}, "spec": spec, "type": {"b": 2}}));
            assert_eq!((object.field("spec.type"), object.field("type"), object.label("n")), (None, None, None));
        }
        for bad in ["", "{}", "[]", r#"{"metadata":{"name":1}}"#, r#"{"metadata":{"name":"a"}} x"#, r#"{"metadata":"#] {
            assert!(Seen::of(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
