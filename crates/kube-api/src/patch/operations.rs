//! RFC 6902 as Kubernetes' library has it: operation by operation, places counted from the end of a list, and no more copied than
//! fits a request.

use serde_json::Value;

/// What all copies of a patch may come to, as JSON. Each may double an object, and a patch has room for thousands.
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// The object with the operations applied, one after the other; `None` where one does not fit.
pub(super) fn apply(original: &Value, operations: &[Value]) -> Option<Value> {
    let mut object = original.clone();
    let mut room = MOST_COPIED;
    for operation in operations {
        let operation = settled(&object, operation);
        let text = |field: &str| operation[field].as_str();
        if text("op") == Some("test") && misses(&object, &operation) {
            continue;
        }
        if text("op") == Some("copy") {
            room = room.checked_sub(size(object.pointer(text("from")?)?))?;
        }
        let operation = serde_json::from_value(operation).ok()?;
        json_patch::patch(&mut object, &[operation]).ok()?;
    }
    Some(object)
}

/// The operation with places as they are counted from the beginning.
fn settled(object: &Value, operation: &Value) -> Value {
    let mut settled = operation.clone();
    let adds = matches!(operation["op"].as_str(), Some("add" | "copy" | "move"));
    for (field, grows) in [("from", false), ("path", adds)] {
        if let Some(pointer) = operation[field].as_str().filter(|pointer| pointer.contains("/-")) {
            settled[field] = forward(object, pointer, grows).into();
        }
    }
    settled
}

/// The pointer with `-1` and below, in lists, as the place from the beginning; a list that grows has one place more.
fn forward(object: &Value, pointer: &str, grows: bool) -> String {
    let (mut at, mut out) = (Some(object), String::new());
    let mut tokens = pointer.split('/').skip(1).peekable();
    while let Some(token) = tokens.next() {
        let last = tokens.peek().is_none();
        let length = at.and_then(Value::as_array).map(|list| list.len() + usize::from(last && grows));
        let back = token.strip_prefix('-').and_then(|digits| digits.parse::<usize>().ok());
        let place = length.zip(back).and_then(|(length, back)| length.checked_sub(back));
        let step = place.map_or_else(|| format!("/{token}"), |place| format!("/{place}"));
        at = at.and_then(|value| value.pointer(&step));
        out += &step;
    }
    out
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
    fn places_are_counted_from_the_end_too() {
        let list = |operation: Value| patched(json!([operation])).map(|object| object["list"].clone());
        assert_eq!(list(json!({"op": "add", "path": "/list/-1", "value": 3})), Some(json!([1, 2, {"k": "v"}, 3])));
        assert_eq!(list(json!({"op": "add", "path": "/list/-4", "value": 0})), Some(json!([0, 1, 2, {"k": "v"}])));
        assert_eq!(list(json!({"op": "remove", "path": "/list/-1"})), Some(json!([1, 2])));
        assert_eq!(list(json!({"op": "replace", "path": "/list/-1/k", "value": 3})), Some(json!([1, 2, {"k": 3}])));
        assert_eq!(
            list(json!({"op": "copy", "from": "/list/-3", "path": "/list/-"})),
            Some(json!([1, 2, {"k": "v"}, 1]))
        );
        for path in ["/list/-4", "/list/-5", "/a/-1"] {
            assert_eq!(list(json!({"op": "remove", "path": path})), None, "{path}");
        }
        let key = apply(&json!({"-1": 5}), &[json!({"op": "remove", "path": "/-1"})]);
        assert_eq!(key, Some(json!({})), "a key is no place");
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
