//! Hand-made messages, round trips over values of every kind, and bytes that are none.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::decode::{self as bodies, FieldValidation, Format};
use crate::kinds;
use crate::schema::Shape;

/// A length-delimited field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 128 {
        out.push((length % 128) as u8 | 128);
        length /= 128;
    }
    out.push(length as u8);
    [out, bytes.to_vec()].concat()
}

fn body(kind: &str, message: &[u8]) -> Vec<u8> {
    let meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &meta), field(2, message), field(3, b""), field(4, b"")].concat()
}

fn ty(name: &str) -> &'static Type {
    schema::find(name).expect(name)
}

fn stored(resource: &str, body: &[u8]) -> Result<Value, crate::Status> {
    let kind = kinds::find("", "v1", resource).expect(resource);
    bodies::object(kind, Format::Protobuf, body, FieldValidation::Strict).map(|decoded| decoded.object)
}

#[test]
fn what_go_writes_is_read_as_its_json_would_be() {
    // empty texts, the zero time and zero numbers are written by Go and mean nothing
    let metadata = [
        field(1, b"a"),
        field(2, b""),
        vec![0x38, 0x00],
        field(8, b""),
        field(11, &[field(1, b"l"), field(2, b"m")].concat()),
    ];
    let message = [field(1, &metadata.concat()), field(2, &[field(1, b"k"), field(2, b"v")].concat())].concat();
    assert_eq!(
        stored("configmaps", &body("ConfigMap", &message)).expect("valid"),
        json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "labels": {"l": "m"}},
            "data": {"k": "v"}})
    );
}

#[test]
fn special_messages_are_read() {
    let volume = [field(1, b"v"), field(2, &field(1, &field(1, b"/data")))].concat();
    let port = [0x08, 0x01, 0x10, 0x00, 0x1a, 0x01, b'h'];
    let probe =
        [field(1, &field(2, &[field(1, b"/"), field(2, &port)].concat())), vec![0x10, 0x05, 0x20, 0x00]].concat();
    let requests = field(2, &[field(1, b"cpu"), field(2, &field(1, b"0.5"))].concat());
    let container = [field(1, b"c"), field(8, &requests), field(10, &probe)].concat();
    // supplementalGroups packed, and one that is not
    let security = [field(4, &[0x01, 0x80, 0x01]), vec![0x20, 0x07]].concat();
    let spec = [field(1, &volume), field(2, &container), vec![0x20, 0x1e, 0x58, 0x00], field(14, &security)].concat();
    let pod = stored("pods", &body("Pod", &field(2, &spec))).expect("valid");
    assert_eq!(pod["spec"]["volumes"], json!([{"name": "v", "hostPath": {"path": "/data"}}]));
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["livenessProbe"], json!({"httpGet": {"path": "/", "port": "h"}, "initialDelaySeconds": 5}));
    assert_eq!(container["resources"]["requests"], json!({"cpu": "500m"}));
    assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 30);
    assert_eq!(pod["spec"].get("hostNetwork"), None, "false is nothing here");
    assert_eq!(pod["spec"]["securityContext"]["supplementalGroups"], json!([1, 128, 7]));
}

#[test]
fn unknown_fields_and_groups_are_skipped_and_messages_merged() {
    let group = [0xf3, 0x01, 0x08, 0x01, 0xf4, 0x01];
    let message = [field(1, &field(1, b"a")), group.to_vec(), field(15, b"unknown"), field(1, &field(3, b"ns"))];
    let object = stored("configmaps", &body("ConfigMap", &message.concat())).expect("valid");
    assert_eq!(object["metadata"], json!({"name": "a", "namespace": "ns"}));
}

#[test]
fn what_is_malformed_is_refused_in_kubernetes_words() {
    let deep = "the object provided is unrecognized (must be of type ConfigMap): ";
    let prefix = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
    for (bytes, why) in [
        (b"".to_vec(), format!("{deep}empty data (<empty>)")),
        (b"{}".to_vec(), format!("{deep}{prefix} ({{}})")),
        (b"k8s\0".to_vec(), format!("{deep}empty body (6b387300)")),
        (b"k8s\0\x12\xff\x01x".to_vec(), format!("{deep}unexpected EOF (6b38730012ff0178)")),
    ] {
        let status = stored("configmaps", &bytes).expect_err("malformed");
        assert_eq!((status.code, status.message), (400, why));
    }
    for (message, why) in [
        (vec![0x08, 0x01], "proto: wrong wireType = 0 for field metadata"),
        (vec![0x00, 0x01], "proto: illegal tag 0 (wire type 0)"),
        (vec![0x0e], "proto: illegal wireType 6"),
        (vec![0x0c], "proto: illegal wireType 4"),
        ([&[0xf8, 0x01][..], &[0xff; 10]].concat(), "proto: integer overflow"),
        (field(1, &field(1, b"\xff")), "proto: field name contains invalid UTF-8"),
        (
            field(1, &field(8, &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])),
            "the time creationTimestamp is out of range",
        ),
    ] {
        let status = stored("configmaps", &body("ConfigMap", &message)).expect_err(why);
        let expected = format!("ConfigMap in version \"v1\" cannot be handled as a ConfigMap: {why}");
        assert_eq!((status.code, status.message), (400, expected));
    }
    let other = stored("configmaps", &body("Secret", b"")).expect_err("another kind");
    assert!(other.message.starts_with("Secret in version \"v1\" cannot be handled as a ConfigMap: converting"));
}

#[test]
fn the_verbs_of_a_resource_are_a_message_of_their_own() {
    let resource = json!({"name": "pods", "singularName": "pod", "kind": "Pod", "verbs": ["get", "list"]});
    let resources =
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": [resource]});
    let verbs = [field(1, b"get"), field(1, b"list")].concat();
    let message = [field(1, b"pods"), field(3, b"Pod"), field(4, &verbs), field(6, b"pod")].concat();
    let list = [field(1, b"v1"), field(2, &message)].concat();
    assert_eq!(object(&resources).expect("known"), body("APIResourceList", &list));
}

#[test]
fn objects_lists_and_events_are_sealed() {
    let config = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": "v"}});
    let message = [field(1, &field(1, b"a")), field(2, &[field(1, b"k"), field(2, b"v")].concat())].concat();
    assert_eq!(object(&config).expect("known"), body("ConfigMap", &message));

    let items =
        json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": [config]});
    let listed = [field(1, &field(2, b"7")), field(2, &message)].concat();
    assert_eq!(object(&items).expect("known"), body("ConfigMapList", &listed));
    assert_eq!(
        list("v1", "ConfigMapList", &items["metadata"], [&message[..]].into_iter()),
        body("ConfigMapList", &listed)
    );

    let partial = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "a"}});
    let sealed = object(&partial).expect("known");
    let envelope = Envelope::open(&sealed).expect("valid");
    assert_eq!((envelope.api_version, envelope.kind), ("meta.k8s.io/v1", "PartialObjectMetadata"));
    assert_eq!(envelope.raw, field(1, &field(1, b"a")));
    let partials = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": {}, "items": [partial]});
    assert_eq!(
        Envelope::open(&object(&partials).expect("known")).expect("valid").raw,
        [field(1, b""), field(2, &field(1, &field(1, b"a")))].concat()
    );

    assert_eq!(object(&json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": []})), None);
    assert_eq!(object(&json!({"kind": "Nope", "apiVersion": "v1"})), None);

    let frame = event("ADDED", b"object");
    assert_eq!(frame, [vec![0, 0, 0, 17], field(1, b"ADDED"), field(2, &field(1, b"object"))].concat());
}

#[test]
fn times_and_negative_numbers_survive() {
    let lease = json!({"metadata": {"name": "a", "creationTimestamp": "1969-12-31T23:59:59Z"},
        "spec": {"renewTime": "1969-12-31T23:59:58.500000Z", "leaseDurationSeconds": -1}});
    let bytes = message(ty("coordination/v1.Lease"), &lease);
    assert_eq!(Value::Object(decode::message(ty("coordination/v1.Lease"), &bytes).expect("valid")), lease);
    let status = crate::Status::too_many_requests("wait", 3).to_value();
    let sealed = object(&status).expect("known");
    assert_eq!(super::decode(ty("meta/v1.Status"), &sealed).expect("valid"), status);
}

/// Choices, taken from bytes that proptest makes and shrinks.
struct Tape<'a>(std::slice::Iter<'a, u8>);

impl Tape<'_> {
    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.next() % 200) + 1;
        ["x", "ä", "\u{1F980}", "/"][usize::from(self.next() % 4)].repeat(length)
    }

    fn number(&mut self) -> i32 {
        i32::from_le_bytes([self.next(), self.next(), self.next(), self.next()])
    }

    /// An object of the type in the form that decoding gives: what is there is not empty.
    fn object(&mut self, ty: &Type, depth: usize) -> Value {
        let mut object = Map::new();
        for _ in 0..self.next() % 5 {
            let field = &ty.fields[usize::from(self.next()) % ty.fields.len()];
            if field.number.is_some() && depth < 12 {
                object.insert(field.name.to_owned(), self.value(&field.shape, depth));
            }
        }
        Value::Object(object)
    }

    fn value(&mut self, shape: &Shape, depth: usize) -> Value {
        match shape {
            Shape::String => self.text().into(),
            Shape::Bool => (self.next() % 2 == 1).into(),
            Shape::Int32 => self.number().into(),
            Shape::Int64 => (i64::from(self.number()) << 31).into(),
            Shape::Double => f64::from(self.number()).into(),
            Shape::Quantity => format!("{}m", self.number()).into(),
            Shape::IntOrString if self.next().is_multiple_of(2) => self.number().into(),
            Shape::IntOrString => self.text().into(),
            Shape::Time => format!("{:.0}", self.time(0)).into(),
            Shape::MicroTime => {
                let micros = i32::from(self.next()) * 1000;
                format!("{:.6}", self.time(micros)).into()
            }
            Shape::Bytes => ["", "AA==", "/+8="][usize::from(self.next() % 3)].into(),
            Shape::Any => json!({"f:a": {".": {}, "n": self.number()}}),
            Shape::Struct(ty) => self.object(ty.get(), depth + 1),
            Shape::List(of) => (0..=self.next() % 3).map(|_| self.value(of, depth + 1)).collect(),
            Shape::Map(of) => {
                Value::Object((0..=self.next() % 3).map(|_| (self.text(), self.value(of, depth + 1))).collect())
            }
        }
    }

    fn time(&mut self, nanos: i32) -> jiff::Timestamp {
        jiff::Timestamp::new(i64::from(self.number()), 0).expect("in range")
            + jiff::SignedDuration::from_nanos(i64::from(nanos))
    }
}

proptest! {
    #[test]
    fn every_type_comes_back(which in 0..schema::types().len(), tape in proptest::collection::vec(any::<u8>(), 0..600)) {
        let ty = &schema::types()[which];
        let value = Tape(tape.iter()).object(ty, 0);
        let sealed = seal("v1", ty.name, &message(ty, &value));
        let envelope = Envelope::open(&sealed).expect("sealed just now");
        prop_assert_eq!(Value::Object(envelope.object(ty).expect("a message of the type")), value);
    }

    #[test]
    fn no_bytes_bring_it_down(
        which in 0..schema::types().len(),
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        tape in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let ty = &schema::types()[which];
        drop((Envelope::open(&bytes), decode::message(ty, &bytes)));
        let mut message = message(ty, &Tape(tape.iter()).object(ty, 0));
        if !message.is_empty() {
            let at = at.index(message.len());
            message[at] = byte;
            drop(decode::message(ty, &message));
            drop(decode::message(ty, &message[..at]));
            drop(super::decode(ty, &seal("v1", "Pod", &message)));
        }
    }
}
