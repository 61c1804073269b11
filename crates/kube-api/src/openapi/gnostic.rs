//! The version 2 document in protobuf, the only form that kubectl before 1.27 asks for.
//!
//! The messages are those of gnostic's OpenAPIv2.proto; numbers here are its field numbers.

use serde_json::Value;

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push((n & 0x7f) as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.varint(u64::from(number) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A text, left out where there is none.
    fn text(&mut self, number: u32, value: &Value) {
        if let Some(text) = value.as_str() {
            self.bytes(number, text.as_bytes());
        }
    }

    fn texts(&mut self, number: u32, value: &Value) {
        value.as_array().into_iter().flatten().for_each(|v| self.text(number, v));
    }

    fn flag(&mut self, number: u32, value: &Value) {
        if value == &Value::Bool(true) {
            self.varint(u64::from(number) << 3);
            self.varint(1);
        }
    }

    fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(number, &inner.0);
    }

    /// A list of names with their messages, as protobuf writes maps.
    fn named(&mut self, number: u32, map: &Value, write: impl Fn(&mut Self, &Value)) {
        for (name, value) in map.as_object().into_iter().flatten() {
            self.message(number, |entry| {
                entry.bytes(1, name.as_bytes());
                entry.message(2, |inner| write(inner, value));
            });
        }
    }

    /// Fields that begin with `x-`, as YAML (which JSON is).
    fn extensions(&mut self, number: u32, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-")) {
            self.message(number, |entry| {
                entry.bytes(1, name.as_bytes());
                entry.message(2, |any| any.bytes(2, value.to_string().as_bytes()));
            });
        }
    }
}

/// The document, from its JSON form.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, &document["swagger"]);
    out.message(2, |info| {
        info.text(1, &document["info"]["title"]);
        info.text(2, &document["info"]["version"]);
    });
    out.message(8, |paths| paths.named(2, &document["paths"], path_item));
    out.message(9, |definitions| definitions.named(1, &document["definitions"], schema));
    out.message(13, |definitions| {
        definitions.named(1, &document["securityDefinitions"], |item, scheme| {
            item.message(2, |key| {
                for (number, field) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
                    key.text(number, &scheme[field]);
                }
            });
        });
    });
    out.0
}

fn path_item(out: &mut Message, item: &Value) {
    for (number, method) in
        [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options"), (7, "head"), (8, "patch")]
    {
        if item[method].is_object() {
            out.message(number, |inner| operation(inner, &item[method]));
        }
    }
    parameters(out, 9, &item["parameters"]);
}

fn operation(out: &mut Message, operation: &Value) {
    out.texts(1, &operation["tags"]);
    out.text(3, &operation["description"]);
    out.text(5, &operation["operationId"]);
    out.texts(6, &operation["produces"]);
    out.texts(7, &operation["consumes"]);
    parameters(out, 8, &operation["parameters"]);
    out.message(9, |responses| {
        responses.named(1, &operation["responses"], |value, response| {
            value.message(1, |inner| {
                inner.text(1, &response["description"]);
                if response["schema"].is_object() {
                    inner.message(2, |item| item.message(1, |s| schema(s, &response["schema"])));
                }
            });
        });
    });
    out.texts(10, &operation["schemes"]);
    out.extensions(13, operation);
}

fn parameters(out: &mut Message, number: u32, list: &Value) {
    for parameter in list.as_array().into_iter().flatten() {
        out.message(number, |item| item.message(1, |inner| self::parameter(inner, parameter)));
    }
}

fn parameter(out: &mut Message, parameter: &Value) {
    if parameter["in"] == "body" {
        out.message(1, |body| {
            body.text(2, &parameter["name"]);
            body.text(3, &parameter["in"]);
            body.flag(4, &parameter["required"]);
            body.message(5, |inner| schema(inner, &parameter["schema"]));
        });
        return;
    }
    let in_path = parameter["in"] == "path";
    // Parameters of paths have no `allowEmptyValue`, which shifts the numbers behind it.
    let (kind, of_type) = if in_path { (4, 5) } else { (3, 6) };
    out.message(2, |other| {
        other.message(kind, |inner| {
            inner.flag(1, &parameter["required"]);
            for (number, field) in [(2, "in"), (3, "description"), (4, "name"), (of_type, "type")] {
                inner.text(number, &parameter[field]);
            }
        });
    });
}

fn schema(out: &mut Message, of: &Value) {
    for (number, field) in [(1, "$ref"), (2, "format"), (4, "description")] {
        out.text(number, &of[field]);
    }
    out.texts(19, &of["required"]);
    if of["additionalProperties"].is_object() {
        out.message(21, |item| item.message(1, |inner| schema(inner, &of["additionalProperties"])));
    }
    if of["type"].is_string() {
        out.message(22, |item| item.text(1, &of["type"]));
    }
    if of["items"].is_object() {
        out.message(23, |item| item.message(1, |inner| schema(inner, &of["items"])));
    }
    if of["properties"].is_object() {
        out.message(25, |properties| properties.named(1, &of["properties"], schema));
    }
    out.extensions(31, of);
}

#[cfg(test)]
mod tests {
    use super::encode;
    use serde_json::json;

    #[test]
    fn a_document_is_written_field_by_field() {
        let document = json!({"swagger": "2.0", "info": {"title": "t", "version": "v"}, "paths": {},
            "definitions": {"a": {"type": "object", "x-b": [1]}}});
        let expected = b"\x0a\x032.0\x12\x06\x0a\x01t\x12\x01v\x42\x00\
            \x4a\x21\x0a\x1f\x0a\x01a\x12\x1a\xb2\x01\x08\x0a\x06object\xfa\x01\x0c\x0a\x03x-b\x12\x05\x12\x03[1]\x6a\x00";
        let found = encode(&document);
        assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}
