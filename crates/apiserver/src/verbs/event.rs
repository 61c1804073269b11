//! One event of a watch, as it is written: a line of JSON, or a frame of protobuf.

use bytes::{BufMut, BytesMut};
use kube_api::decode::Format;
use kube_api::protobuf;
use serde_json::Value;

/// Writes an event whose object is encoded already: as JSON, or as protobuf in its envelope.
pub(crate) fn object(out: &mut BytesMut, format: Format, event: &str, object: &[u8]) {
    if format == Format::Protobuf {
        return out.put_slice(&protobuf::event(event, object));
    }
    out.reserve(object.len() + 40);
    begin(out, event);
    out.put_slice(object);
    out.put_slice(b"}\n");
}

/// Writes an event with this object. What has no protobuf form (a table) is not agreed on in protobuf.
pub(crate) fn value(out: &mut BytesMut, format: Format, event: &str, value: &Value) {
    if format == Format::Protobuf {
        return object(out, format, event, &protobuf::object(value).unwrap_or_default());
    }
    begin(out, event);
    serde_json::to_writer(out.writer(), value).expect("writing into a buffer cannot fail");
    out.put_slice(b"}\n");
}

fn begin(out: &mut BytesMut, event: &str) {
    out.put_slice(b"{\"type\":\"");
    out.put_slice(event.as_bytes());
    out.put_slice(b"\",\"object\":");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_lines_or_frames() {
        let (mut lines, mut same) = (BytesMut::new(), BytesMut::new());
        let status = json!({"kind": "Status", "apiVersion": "v1", "code": 410});
        value(&mut lines, Format::Json, "ERROR", &status);
        object(&mut same, Format::Json, "ERROR", status.to_string().as_bytes());
        assert_eq!(lines, same);
        assert_eq!(serde_json::from_slice::<Value>(&lines).unwrap(), json!({"type": "ERROR", "object": status}));
        let mut frame = BytesMut::new();
        value(&mut frame, Format::Protobuf, "ERROR", &status);
        assert_eq!(frame.len(), 4 + usize::from(frame[3]), "the length comes first");
        assert!(frame[4..].starts_with(b"\x0a\x05ERROR\x12"));
    }
}
