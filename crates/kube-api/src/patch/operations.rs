//! RFC 6902 as Kubernetes' library has it: operation by operation, a test for null where nothing is, and no more copied than fits
//! a request.

use serde_json::Value;

/// What all copies of a patch may come to, as JSON. Each may double an object, and a patch has room for thousands.
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// The object with the operations applied, one after the other; `None` where one does not fit.
pub(super) fn apply(original: &Value, operations: &[Value]) -> Option<Value> {
    let mut object = original.clone();
    let mut room = MOST_COPIED;
    for operation in operations {
        let text = |field: &str| operation[field].as_str();
        if text("op") == Some("test") && misses(&object, operation) {
            continue;
        }
        if text("op") == Some("copy") {
            room = room.checked_sub(size(object.pointer(text("from")?)?))?;
        }
        let operation = serde_json::from_value(operation.clone()).ok()?;
        json_patch::patch(&mut object, &[operation]).ok()?;
    }
    Some(object)
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
