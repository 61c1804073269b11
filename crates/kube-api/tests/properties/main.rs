//! Whatever a client sends, the way of an object through this room ends with an answer: it is decoded or refused, and what is
//! decoded is completed, checked, selected, patched and shown without a panic.

mod pass;

use std::collections::BTreeMap;

use kube_api::decode::{self, FieldValidation, Format};
use kube_api::managed::{self, FieldSet, Writer};
use kube_api::patch::{self, PatchType};
use kube_api::schema::{self, Shape, Type};
use kube_api::selector::{FieldSelector, LabelSelector};
use kube_api::{Kind, kinds};
use pass::pass;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Choices, taken from bytes that proptest makes and shrinks.
struct Tape<'a>(std::slice::Iter<'a, u8>);

/// Texts that some field or other means something by.
const WORDS: &[&str] = &[
    "",
    "a",
    "A b",
    "ClusterIP",
    "ExternalName",
    "Always",
    "None",
    "10.10.10.5",
    "fe80::1",
    "1",
    "-1",
    "1Gi",
    "1e400",
    "0.0.0.0/0",
    "2020-01-01T00:00:00Z",
    "kubernetes.io/tls",
    "a/b/c",
    "\u{0}",
    "🦀",
    "../..",
    "$(X)",
    "TCP",
];

impl Tape<'_> {
    fn next(&mut self) -> usize {
        self.0.next().copied().map_or(0, usize::from)
    }

    fn word(&mut self) -> Value {
        WORDS[self.next() % WORDS.len()].into()
    }

    /// Mostly what the shape asks for, now and then something else.
    fn value(&mut self, shape: &Shape, depth: usize) -> Value {
        if self.next() % 16 == 15 {
            return [json!(null), json!(-1), json!([]), json!({}), json!(""), json!(true), json!(1e300)]
                [self.next() % 7]
                .clone();
        }
        match shape {
            Shape::Bool => (self.next() % 2 == 1).into(),
            Shape::Int32 | Shape::Int64 | Shape::Double => {
                [0, 1, -1, 80, 70_000, i64::MAX, i64::MIN][self.next() % 7].into()
            }
            Shape::IntOrString if self.next().is_multiple_of(2) => 80.into(),
            Shape::Any => json!({"f:a": {}}),
            Shape::Struct(ty) => self.object(ty.get(), depth + 1),
            Shape::List(of) => (0..self.next() % 4).map(|_| self.value(of, depth + 1)).collect(),
            Shape::Map(of) => {
                let pairs = 0..self.next() % 3;
                Value::Object(
                    pairs
                        .map(|_| (self.word().as_str().unwrap_or_default().to_owned(), self.value(of, depth + 1)))
                        .collect(),
                )
            }
            _ => self.word(),
        }
    }

    fn object(&mut self, ty: &Type, depth: usize) -> Value {
        let mut object = Map::new();
        let wanted = if depth < 10 { self.next() % 8 } else { 0 };
        for _ in 0..wanted.min(ty.fields.len()) {
            let field = &ty.fields[self.next() % ty.fields.len()];
            object.insert(field.name.to_owned(), self.value(&field.shape, depth));
        }
        for field in ty.fields.iter().filter(|field| field.required && depth < 10) {
            if !object.contains_key(field.name) && self.next() % 8 != 7 {
                object.insert(field.name.to_owned(), self.value(&field.shape, depth));
            }
        }
        Value::Object(object)
    }

    fn of_kind(&mut self, kind: &Kind) -> Value {
        let mut object = self.object(schema::of(kind), 0);
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.kind.into();
        object
    }
}

/// A pod with something of every kind of list and map.
fn pod() -> Value {
    json!({"metadata": {"labels": {"a": "1", "b": "2"}, "annotations": {"x": "y"}, "finalizers": ["a/b", "c/d"],
            "ownerReferences": [{"uid": "u", "name": "n", "kind": "K", "apiVersion": "v1"}]},
        "spec": {"nodeName": "n", "nodeSelector": {"k": "v"}, "hostNetwork": true, "securityContext": {"runAsUser": 1},
            "containers": [
                {"name": "c", "image": "i", "args": ["1", "2"], "resources": {"limits": {"cpu": "1"}},
                 "env": [{"name": "E", "value": "v"}, {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                 "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]},
                {"name": "d", "livenessProbe": {"httpGet": {"port": 80}}}],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "secret": {"secretName": "s"}}],
            "tolerations": [{"key": "t"}]},
        "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "conditions": [{"type": "Ready", "status": "True"}]}})
}

/// The value with some of it left out and some of it changed, but for what tells the elements of lists apart.
fn thinned(value: &Value, tape: &mut Tape<'_>) -> Value {
    const IDENTITY: &[&str] = &["name", "containerPort", "protocol", "uid", "type", "ip"];
    match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                let identity = IDENTITY.contains(&key.as_str());
                let whole = ["metadata", "spec", "status", "containers"].contains(&key.as_str());
                if identity {
                    out.insert(key.clone(), value.clone());
                } else if whole || tape.next() % 4 != 3 {
                    out.insert(key.clone(), thinned(value, tape));
                }
            }
            out.into()
        }
        Value::Array(list) => {
            let kept: Vec<&Value> = list.iter().filter(|value| value["image"] == "i" || tape.next() % 4 != 3).collect();
            kept.into_iter().map(|value| if value.is_object() { thinned(value, tape) } else { value.clone() }).collect()
        }
        Value::String(text) => format!("{text}{}", tape.next() % 2).into(),
        other => other.clone(),
    }
}

/// A `FieldsV1`.
fn fields() -> impl Strategy<Value = Value> {
    let steps = prop::sample::select(vec!["f:a", "f:b", "k:{\"name\":\"x\"}", "v:\"y\"", "i:0"]);
    let leaf = Just(json!({}));
    let tree = leaf.prop_recursive(4, 24, 4, move |inner| {
        (prop::collection::btree_map(steps.clone(), inner, 1..4), any::<bool>()).prop_map(|(below, itself)| {
            let mut map: Map<String, Value> = below.into_iter().map(|(step, set)| (step.to_owned(), set)).collect();
            if itself {
                map.insert(".".to_owned(), json!({}));
            }
            map.into()
        })
    });
    // whether the object itself is in a set cannot be written
    tree.prop_map(|mut value: Value| {
        value.as_object_mut().map(|map| map.remove("."));
        value
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn objects_of_every_kind_pass(
        which in 0..kinds::all().len(),
        first in prop::collection::vec(any::<u8>(), 0..400),
        second in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let kind = &kinds::all()[which];
        let (first, second) = (Tape(first.iter()).of_kind(kind), Tape(second.iter()).of_kind(kind));
        let read = |object: &Value| decode::value_of(kind, object.clone(), FieldValidation::Warn).ok();
        let old = read(&first).map(|decoded| pass(kind, decoded.object, None));
        if let Some(new) = read(&second) {
            let again = read(&new.object).expect("what was decoded can be decoded");
            prop_assert_eq!(&again.object, &new.object);
            let new = pass(kind, new.object, old.as_ref());
            if let Some(old) = old {
                for patch_type in [PatchType::Merge, PatchType::Strategic] {
                    let Ok(patched) = patch::apply_value(kind, patch_type, &old, new.clone()) else { continue };
                    if let Some(decoded) = read(&patched) {
                        pass(kind, decoded.object, Some(&old));
                    }
                }
            }
        }
    }

    /// Whoever writes whatever of an object, in whatever order: each field belongs to whom changed it last, and to nobody else.
    #[test]
    fn fields_belong_to_their_last_writer(writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..14)) {
        let kind = kinds::find("", "v1", "pods").expect("served");
        let ty = schema::of(kind);
        let mut object = managed::zero(ty).clone();
        let mut owners: BTreeMap<String, FieldSet> = BTreeMap::new();
        let mut stored = Value::Null;
        for (turn, tape) in writes.iter().enumerate() {
            let mut tape = Tape(tape.iter());
            let manager = format!("m{}", tape.next() % 5);
            let new = thinned(&pod(), &mut tape);
            let comparison = managed::compare(ty, &object, &new, &[]);
            let writer = Writer { manager: &manager, api_version: "v1", subresource: "", time: &format!("{turn:02}") };
            stored = managed::after(&writer, &stored, &Value::Null, turn == 0, |_| Some(comparison.clone())).into_value();
            if turn == 0 && stored.is_null() {
                // nothing was said, so that nothing is kept of it
                return Ok(());
            }
            // the same, told by the rules one by one
            for owned in owners.values_mut() {
                for gone in [&comparison.added, &comparison.modified, &comparison.removed] {
                    owned.subtract(gone);
                }
            }
            let mut written = comparison.added.clone();
            written.unite(comparison.modified.clone());
            owners.entry(manager).or_default().unite(written);
            owners.retain(|_, owned| !owned.is_empty());
            let found: BTreeMap<String, FieldSet> = stored.as_array().into_iter().flatten().map(|entry| {
                let name = entry["manager"].as_str().expect("a name").to_owned();
                (name, FieldSet::from_value(&entry["fieldsV1"]).expect("a set"))
            }).collect();
            if stored.is_null() {
                return Ok(());
            }
            prop_assert_eq!(&found, &owners);
            // all of them together own what is there, as if one had written it at once
            let mut all = FieldSet::default();
            for (name, owned) in &found {
                for (_, other) in found.iter().filter(|(other, _)| *other > name) {
                    prop_assert!(owned.intersection(other).is_empty());
                }
                all.unite(owned.clone());
            }
            let whole = managed::compare(ty, managed::zero(ty), &new, &[]);
            let mut expected = whole.added;
            expected.unite(whole.modified);
            prop_assert_eq!(all, expected);
            object = new;
        }
    }

    #[test]
    fn sets_of_fields_are_sets(a in fields(), b in fields()) {
        let read = |value: &Value| FieldSet::from_value(value).expect("a set");
        let (a, b) = (read(&a), read(&b));
        prop_assert_eq!(&read(&serde_json::to_value(&a).expect("JSON")), &a);
        let union = { let mut union = a.clone(); union.unite(b.clone()); union };
        let difference = { let mut difference = a.clone(); difference.subtract(&b); difference };
        let both = a.intersection(&b);
        prop_assert_eq!(&union.intersection(&a), &a);
        prop_assert!(difference.intersection(&b).is_empty());
        let mut again = difference;
        again.unite(both);
        prop_assert_eq!(&again, &a);
        let mut nothing = a;
        nothing.subtract(&union);
        prop_assert!(nothing.is_empty());
    }

    #[test]
    fn bytes_of_every_format_are_read_or_refused(
        which in 0..kinds::all().len(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "[ \\t\\n{}\\[\\]\":,&*!|>a-c0-9#%-]{0,80}",
    ) {
        let kind = &kinds::all()[which];
        for format in [Format::Json, Format::Yaml, Format::Protobuf] {
            for body in [bytes.as_slice(), text.as_bytes()] {
                if let Err(status) = decode::object(kind, format, body, FieldValidation::Strict) {
                    prop_assert!((400..500).contains(&status.code), "{}", status);
                }
                for patch_type in [PatchType::Json, PatchType::Merge, PatchType::Strategic] {
                    if let Err(status) = patch::apply(kind, patch_type, &json!({"metadata": {"name": "a"}}), body) {
                        prop_assert!((400..500).contains(&status.code), "{}", status);
                    }
                }
            }
        }
    }

    #[test]
    fn selectors_are_read_or_refused(text in "[a-c=!,() <>./\\\\-]{0,24}|\\PC{0,24}", which in 0..kinds::all().len()) {
        let object = json!({"metadata": {"name": "a", "labels": {"a": "b", "c": "1"}}});
        if let Ok(selector) = LabelSelector::parse(&text) {
            let _ = selector.matches(&object);
        }
        if let Ok(selector) = FieldSelector::parse(&kinds::all()[which], &text) {
            let _ = selector.matches(&object);
        }
    }
}
