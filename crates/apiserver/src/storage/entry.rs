//! A stored object: its bytes as they are sent, and the few parts that selectors look at.
//!
//! In etcd an object is JSON that begins `{"kind":…,"apiVersion":…,"metadata":{` and holds no resourceVersion. The
//! revision is spliced in once, behind that beginning; from then on get, list and watch share the same bytes.

use std::sync::OnceLock;

use bytes::Bytes;
use kube_api::{Kind, protobuf, schema};
use serde_json::{Map, Value};

use super::error::StorageError;
use super::seen::Seen;

/// Where in the objects' JSON the metadata begins.
const METADATA: &[u8] = b"\"metadata\":{";
const VERSION: &str = "\"resourceVersion\":\"";

/// An object at one revision.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The revision of its last change: its resourceVersion.
    pub(crate) revision: u64,
    /// The whole object, resourceVersion included, and the end of its line.
    bytes: Bytes,
    /// The object's protobuf message, once somebody asked for it.
    message: OnceLock<Bytes>,
    /// Where `"metadata"` begins in `bytes`.
    metadata: usize,
    /// The parts that selectors look at, once it was read; one that only answers its writer never is.
    seen: OnceLock<Seen>,
}

impl Entry {
    /// From what etcd holds under `key` since `revision`.
    pub(crate) fn new(key: &str, stored: &[u8], revision: u64) -> Result<Self, StorageError> {
        let corrupt = |reason: String| StorageError::Corrupt { key: key.to_owned(), reason };
        if let Some(entry) = Self::written(stored, revision) {
            return entry.check().map(|()| entry).map_err(corrupt);
        }
        let seen = OnceLock::from(Seen::of(stored).map_err(corrupt)?);
        // written by something else than us: brought into our form
        let object: Value = serde_json::from_slice(stored).map_err(|error| corrupt(error.to_string()))?;
        let entry = Self::written(&encode(&object), revision);
        entry.map(|entry| Self { seen, ..entry }).ok_or_else(|| corrupt("it has no metadata".to_owned()))
    }

    /// The same of one among thousands: what begins as [`encode`] writes it is not read until somebody looks at it, or
    /// [`Entry::check`].
    pub(crate) fn unread(key: &str, stored: &[u8], revision: u64) -> Result<Self, StorageError> {
        Self::written(stored, revision).map_or_else(|| Self::new(key, stored, revision), Ok)
    }

    /// Reads it, if that was not done yet.
    ///
    /// # Errors
    /// Where it is no object.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.seen.get().is_none() {
            // who looked meanwhile has seen the same
            let _ = self.seen.set(Seen::of(&self.bytes)?);
        }
        Ok(())
    }

    /// From what [`encode`] wrote at `revision`, which is not read again; `None` where it is not in that form.
    pub(crate) fn written(stored: &[u8], revision: u64) -> Option<Self> {
        let metadata = metadata_at(stored)?;
        let bytes = splice(stored, metadata, revision);
        Some(Self { revision, bytes, message: OnceLock::new(), metadata, seen: OnceLock::new() })
    }

    /// The object as JSON, with its resourceVersion.
    pub(crate) fn object(&self) -> &[u8] {
        self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes)
    }

    /// The same as the line that answers a request.
    pub(crate) fn line(&self) -> &Bytes {
        &self.bytes
    }

    /// The object as an item of a list, without kind and apiVersion, which the list names: what follows `{`.
    pub(crate) fn item(&self) -> &[u8] {
        &self.object()[self.metadata..]
    }

    /// The object, decoded; null where it is none, which its check is about to find.
    pub(crate) fn value(&self) -> Value {
        let decoded = serde_json::from_slice(&self.bytes);
        decoded.inspect_err(|error| tracing::error!(%error, "a stored object is no JSON")).unwrap_or_default()
    }

    /// The object as a protobuf message of its kind, made on first use and then shared.
    pub(crate) fn message(&self, kind: &Kind) -> &[u8] {
        self.message.get_or_init(|| protobuf::message(schema::of(kind), &self.value()).into())
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.seen().label(key)
    }

    /// The value of one of the fields that selectors look at; `None` where the object does not have it.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.seen().field(name)
    }

    fn seen(&self) -> &Seen {
        // what turns out to be no object has nothing to see, until its check takes it away
        self.seen.get_or_init(|| Seen::of(&self.bytes).unwrap_or_default())
    }

    /// The same object at another revision: how a deletion shows an object's last state.
    pub(crate) fn at(&self, revision: u64) -> Self {
        let start = self.metadata + METADATA.len();
        let end = start + VERSION.len() + decimal_len(self.revision) + "\",".len();
        let object = self.object();
        let stored = [&object[..start], &object[end..]].concat();
        Self {
            revision,
            bytes: splice(&stored, self.metadata, revision),
            message: OnceLock::new(),
            metadata: self.metadata,
            seen: self.seen.clone(),
        }
    }

    /// The same with bytes that are no JSON any more.
    #[cfg(test)]
    pub(crate) fn undecodable(self) -> Self {
        Self { bytes: Bytes::from_static(b"no JSON"), ..self }
    }

    /// About how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.message.get().map_or(0, Bytes::len)
    }
}

/// The form in which an object is stored: kind, apiVersion, metadata without resourceVersion, and then the rest.
pub(crate) fn encode(object: &Value) -> Vec<u8> {
    encode_with(object, None)
}

/// The same of an object whose `managedFields` are beside it, as JSON.
pub(crate) fn encode_with(object: &Value, managed_fields: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    let empty = Map::new();
    let fields = object.as_object().unwrap_or(&empty);
    out.push(b'{');
    for name in ["kind", "apiVersion"] {
        if let Some(value) = fields.get(name) {
            member(&mut out, name, value);
        }
    }
    name_of(&mut out, "metadata");
    match fields.get("metadata") {
        Some(Value::Object(metadata)) => {
            out.push(b'{');
            for (name, value) in metadata.iter().filter(|(name, _)| *name != "resourceVersion") {
                member(&mut out, name, value);
            }
            if let Some(fields) = managed_fields {
                name_of(&mut out, "managedFields");
                out.extend_from_slice(fields.as_bytes());
            }
            out.push(b'}');
        }
        other => write(&mut out, other.unwrap_or(&Value::Null)),
    }
    for (name, value) in fields.iter().filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion" | "metadata"))
    {
        member(&mut out, name, value);
    }
    out.push(b'}');
    out
}

fn member(out: &mut Vec<u8>, name: &str, value: &Value) {
    name_of(out, name);
    write(out, value);
}

fn name_of(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    write(out, name);
    out.push(b':');
}

fn write(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("writing into a vector cannot fail");
}

/// Where `"metadata"` begins, if the bytes are in the form of [`encode`] and have metadata to splice into.
fn metadata_at(stored: &[u8]) -> Option<usize> {
    if !stored.starts_with(b"{\"kind\":\"") {
        return None;
    }
    // kind and apiVersion are strings without escapes: the first braces after the outer ones are metadata's
    let inner = stored.iter().skip(1).position(|&b| b == b'{')? + 1;
    let at = (inner + 1).checked_sub(METADATA.len())?;
    (&stored[at..=inner] == METADATA && stored.get(inner + 1) == Some(&b'"')).then_some(at)
}

fn splice(stored: &[u8], metadata: usize, revision: u64) -> Bytes {
    let at = metadata + METADATA.len();
    // what a dry run shows has no version
    let version = if revision == 0 { String::new() } else { format!("{VERSION}{revision}\",") };
    [&stored[..at], version.as_bytes(), &stored[at..], b"\n"].concat().into()
}

fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_revision_is_spliced_in_and_replaced() {
        let object = json!({"data": {"metadata": "{\"metadata\":{"}, "metadata": {"name": "a", "resourceVersion": "1",
            "labels": {"app": "x"}}, "kind": "ConfigMap", "apiVersion": "v1"});
        let entry = Entry::new("k", &encode(&object), 77).unwrap();
        let text = std::str::from_utf8(entry.object()).unwrap();
        assert!(
            text.starts_with(r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"77","#),
            "{text}"
        );
        assert!(entry.item().starts_with(b"\"metadata\":{"));
        assert_eq!(entry.label("app"), Some("x"));
        let later = entry.at(1234);
        let mut expected = object;
        expected["metadata"]["resourceVersion"] = "1234".into();
        assert_eq!(later.value(), expected);
        assert_eq!(later.line().strip_suffix(b"\n"), Some(later.object()));
    }

    #[test]
    fn an_object_among_thousands_is_read_when_somebody_looks() {
        let stored = br#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"app":"x"}}}"#;
        let entry = Entry::unread("k", stored, 5).unwrap();
        assert!(entry.seen.get().is_none());
        assert_eq!(entry.label("app"), Some("x"));
        assert_eq!(entry.check(), Ok(()));
        let broken =
            Entry::unread("k", br#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels"#, 5).unwrap();
        assert!(broken.check().is_err());
        assert_eq!((broken.label("app"), broken.value()), (None, Value::Null));
        assert!(Entry::unread("k", b"nonsense", 5).is_err(), "it is in no form of ours");
    }

    #[test]
    fn bytes_of_other_writers_are_brought_into_form() {
        let entry = Entry::new("k", br#"{"metadata":{"name":"a"},"apiVersion":"v1","kind":"Secret"}"#, 5).unwrap();
        assert_eq!(entry.value()["metadata"]["resourceVersion"], "5");
        assert!(matches!(Entry::new("k", b"{}", 5), Err(StorageError::Corrupt { .. })));
        assert!(Entry::new("k", b"nonsense", 5).is_err());
    }
}
