//! RFC 6902 as Kubernetes' library has it: operation by operation, a test for null where nothing is, and no more copied than fits
//! a request.

use serde_json::Value;

/// What all copies of a patch may come to, as JSON. Each may double an object, and a patch has room for thousands.
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// How deep a patched object may be; no kind's is. Values are dropped and written by calls within calls, and a patch that puts a value
/// into its own depths again and again makes one that no stack holds.
const DEEPEST: usize = 200;

/// How many values are looked at for that. A patch that moves large values about thousands of times is nobody's.
const MOST_MEASURED: usize = 10_000_000;

/// The object with the operations applied, one after the other; `None` where one does not fit.
pub(super) fn apply(original: &Value, operations: &[Value]) -> Option<Value> {
    let mut object = original.clone();
    let (mut room, mut measures) = (MOST_COPIED, MOST_MEASURED);
    for operation in operations {
        let text = |field: &str| operation[field].as_str();
        if text("op") == Some("test") && misses(&object, operation) {
            continue;
        }
        let put = match text("op")? {
            "copy" | "move" => Some(object.pointer(text("from")?)?),
            _ => operation.get("value"),
        };
        if let Some(put) = put {
            let above = text("path")?.matches('/').count();
            fits(put, above, &mut measures)?;
        }
        if text("op") == Some("copy") {
            room = room.checked_sub(size(put?))?;
        }
        let operation = serde_json::from_value(operation.clone()).ok()?;
        json_patch::patch(&mut object, &[operation]).ok()?;
    }
    Some(object)
}

/// Looks whether a value may lie below that many others.
fn fits(value: &Value, above: usize, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    if above > DEEPEST {
        return None;
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| fits(item, above + 1, left)),
        Value::Object(fields) => fields.values().try_for_each(|field| fits(field, above + 1, left)),
        _ => Some(()),
    }
}

/// Whether a test wants nothing to be where nothing is.
fn misses(object: &Value, test: &Value) -> bool {
    let Some(path) = test["path"].as_str() else { return false };
    let parent = path.rsplit_once('/').and_then(|(parent, _)| object.pointer(parent));
    test.get("value").is_some_and(Value::is_null)
        && parent.is_some_and(Value::is_object)
        && object.pointer(path).is_none_or(Value::is_null)
}

/// How long a value is as JSON.
fn size(value: &Value) -> usize {
    struct Counted(usize);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    // what is counted cannot fail to be written
    serde_json::to_writer(&mut counted, value).map_or(usize::MAX, |()| counted.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(operations: Value) -> Option<Value> {
        apply(&json!({"a": {"b": "c"}, "list": [1, 2, {"k": "v"}]}), operations.as_array().expect("a list"))
    }

    #[test]
    fn nothing_is_where_a_test_wants_nothing() {
        let holds = |path: &str, value: Value| patched(json!([{"op": "test", "path": path, "value": value}])).is_some();
        assert!(holds("/a/x", Value::Null) && holds("/a/b", json!("c")));
        assert!(!holds("/a/b", Value::Null) && !holds("/a/x", json!("c")) && !holds("/x/y", Value::Null));
    }

    /// Copies of a value into its own depths would make what no stack holds.
    #[test]
    fn depth_has_an_end() {
        let deep =
            |levels: usize| serde_json::from_str::<Value>(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        let mut operations = vec![json!({"op": "add", "path": "/a", "value": deep(100).expect("JSON")})];
        let path = |levels: usize| format!("/a{}/-", "/0".repeat(levels - 1));
        operations.extend((0..13).map(|n| json!({"op": "copy", "from": "/a", "path": path(100 << n)})));
        assert!(patched(operations[..2].into()).is_some());
        assert!(patched(operations.clone().into()).is_none());
        let moves = (0..3).flat_map(|_| {
            let (add, moved) =
                (json!({"op": "add", "path": "/b", "value": deep(100).expect("JSON")}), path(100).replace("/a", "/b"));
            [add, json!({"op": "move", "from": "/a", "path": moved}), json!({"op": "move", "from": "/b", "path": "/a"})]
        });
        let moves: Vec<Value> = operations[..1].iter().cloned().chain(moves).collect();
        assert!(patched(moves[..2].into()).is_some());
        assert!(patched(moves.into()).is_none());
    }

    /// Twenty copies of an object into itself would be a million of it.
    #[test]
    fn copies_have_an_end() {
        let copies = |count: usize| {
            let copies: Vec<Value> =
                (0..count).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/a/k{n}")})).collect();
            patched(copies.into())
        };
        assert!(copies(5).is_some());
        assert!(copies(40).is_none());
    }
}
