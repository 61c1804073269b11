//! What memory knows of an object without decoding it: its labels, and the fields that selectors look at.
//!
//! Thousands of objects are read at a start and each of them is kept, so that only these parts are decoded, straight into
//! the pieces of text as which they are kept.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The parts of an object that are looked at: what some kind's field selector may name, labels, the UID, and whether a
/// priority class is the default. [`kube_api::selector::field_value`] says the same of a decoded object.
const PARTS: Part<'static> = Part::Within(&[
    (
        "metadata",
        Part::Within(&[
            ("name", Part::Text(NAME)),
            ("namespace", Part::Text("metadata.namespace")),
            ("uid", Part::Text("metadata.uid")),
            ("labels", Part::Labels),
        ]),
    ),
    (
        "spec",
        Part::Within(&[
            ("nodeName", Part::Text("spec.nodeName")),
            ("restartPolicy", Part::Text("spec.restartPolicy")),
            ("schedulerName", Part::Text("spec.schedulerName")),
            ("serviceAccountName", Part::Text("spec.serviceAccountName")),
            ("hostNetwork", Part::Flag("spec.hostNetwork")),
            ("unschedulable", Part::Flag("spec.unschedulable")),
            ("clusterIP", Part::Text("spec.clusterIP")),
            ("type", Part::Text("spec.type")),
        ]),
    ),
    (
        "status",
        Part::Within(&[
            ("phase", Part::Text("status.phase")),
            ("podIP", Part::Text("status.podIP")),
            ("podIPs", Part::Addresses("status.podIPs")),
            ("nominatedNodeName", Part::Text("status.nominatedNodeName")),
            ("replicas", Part::Count("status.replicas")),
        ]),
    ),
    (
        "involvedObject",
        Part::Within(&[
            ("kind", Part::Text("involvedObject.kind")),
            ("namespace", Part::Text("involvedObject.namespace")),
            ("name", Part::Text("involvedObject.name")),
            ("uid", Part::Text("involvedObject.uid")),
            ("apiVersion", Part::Text("involvedObject.apiVersion")),
            ("resourceVersion", Part::Text("involvedObject.resourceVersion")),
            ("fieldPath", Part::Text("involvedObject.fieldPath")),
        ]),
    ),
    ("reason", Part::Text("reason")),
    ("reportingComponent", Part::Text(REPORTER)),
    ("source", Part::Within(&[("component", Part::Text(SOURCE))])),
    ("type", Part::Text("type")),
    ("globalDefault", Part::Flag("globalDefault")),
]);
const NAME: &str = "metadata.name";
/// How many bytes the pairs of most objects take.
const ROOM: usize = 512;
/// Where an event comes from: from its reporter, where it does not say.
const SOURCE: &str = "source";
const REPORTER: &str = "reportingComponent";
/// An element of a list of addresses.
const ADDRESS: Part<'static> = Part::Within(&[("ip", Part::Text("ip"))]);

/// What is kept of a part, and as which field. A part of another form is passed over.
#[derive(Clone, Copy, Debug)]
enum Part<'k> {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Count(&'static str),
    /// A flag, if it is set.
    Flag(&'static str),
    /// The addresses of a list, in one.
    Addresses(&'static str),
    /// All labels.
    Labels,
    /// The value of the label with this key.
    Label(&'k str),
    /// These members of an object.
    Within(&'static [(&'static str, Part<'static>)]),
}

/// An object's labels and fields.
#[derive(Clone, Debug, Default)]
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
        let mut seen = Self { labels: Pairs::with_room(), fields: Pairs::with_room() };
        let mut decoder = serde_json::Deserializer::from_slice(json);
        let read = Reader { part: PARTS, seen: &mut seen }.deserialize(&mut decoder);
        read.and_then(|()| decoder.end()).map_err(|error| error.to_string())?;
        if seen.field(NAME).is_none() {
            return Err("it has no metadata.name".to_owned());
        }
        let reporter = seen.field(REPORTER).filter(|_| seen.field(SOURCE).is_none()).map(str::to_owned);
        if let Some(reporter) = reporter {
            seen.fields.push(SOURCE, &reporter);
        }
        Ok(Self { labels: seen.labels.exact(), fields: seen.fields.exact() })
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
#[derive(Clone, Debug, Default)]
struct Pairs(String);

impl Pairs {
    /// No pairs, with room for what most objects have: the text need not grow step by step.
    fn with_room() -> Self {
        Self(String::with_capacity(ROOM))
    }

    /// The same in no more memory than it takes.
    fn exact(&self) -> Self {
        Self(String::from(self.0.as_str()))
    }

    /// A pair in which somebody wrote a NUL is left out: no selector can name it.
    fn push(&mut self, key: &str, value: &str) {
        if !key.contains('\0') && !value.contains('\0') {
            self.0.extend([key, "\0", value, "\0"]);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split('\0');
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    fn get(&self, wanted: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value)
    }
}

/// Reads a part into what is seen of its object.
struct Reader<'k, 's> {
    part: Part<'k>,
    seen: &'s mut Seen,
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, decoder: D) -> Result<(), D::Error> {
        decoder.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { part, seen } = self;
        while let Some(Key(key)) = map.next_key()? {
            let part = match part {
                Part::Labels => Some(Part::Label(&key)),
                Part::Within(members) => members.iter().find(|(name, _)| *name == key).map(|(_, part)| *part),
                _ => None,
            };
            match part {
                Some(part) => map.next_value_seed(Reader { part, seen: &mut *seen })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Part::Addresses(field) = self.part else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let mut found = Seen::default();
        while items.next_element_seed(Reader { part: ADDRESS, seen: &mut found })?.is_some() {}
        let addresses: Vec<&str> = found.fields.iter().map(|(_, address)| address).collect();
        if !addresses.is_empty() {
            self.seen.fields.push(field, &addresses.join(","));
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.part {
            Part::Text(field) if !text.is_empty() => self.seen.fields.push(field, text),
            Part::Label(key) => self.seen.labels.push(key, text),
            _ => {}
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, set: bool) -> Result<(), E> {
        if let (Part::Flag(field), true) = (self.part, set) {
            self.seen.fields.push(field, "true");
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<(), E> {
        if let Part::Count(field) = self.part {
            self.seen.fields.push(field, &count.to_string());
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A member's name, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::selector::field_value;
    use serde_json::{Value, json};

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
    fn selectors_see_what_they_see_of_a_decoded_object() {
        let event = json!({"metadata": {"name": "e"}, "reportingComponent": "r", "source": {"host": "h"}, "type": "Normal",
            "involvedObject": {"kind": "Pod", "resourceVersion": "7", "fieldPath": "spec", "apiVersion": "v1"}});
        let controller = json!({"metadata": {"name": "c"}, "status": {"replicas": 3}, "spec": {"replicas": 4}});
        let node =
            json!({"metadata": {"name": "n"}, "spec": {"unschedulable": true, "type": "", "hostNetwork": false}});
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"restartPolicy": "Never",
            "schedulerName": "s", "serviceAccountName": "a"}, "status": {"podIP": "::1", "nominatedNodeName": "n"}});
        for object in [event, controller, node, pod] {
            let seen = seen(&object);
            for field in kube_api::kinds::all().iter().flat_map(kube_api::selector::supported) {
                let missing = field_value(&Value::Null, field);
                assert_eq!(seen.field(field).unwrap_or(&missing), field_value(&object, field), "{field}");
            }
        }
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
