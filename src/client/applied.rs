//! What was applied last, as an annotation of the object says it, and kubectl too writes and reads it.

use serde_json::{Value, json};

/// The annotation.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object as it is to be applied: in its namespace, where its kind has one, and with itself in its annotation.
pub(crate) fn with_itself(mut object: Value, namespace: Option<&str>) -> Value {
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    let annotations = &mut object["metadata"]["annotations"];
    if annotations.is_null() {
        *annotations = json!({});
    }
    annotations.as_object_mut().map(|annotations| annotations.remove(LAST_APPLIED));
    let text = as_go(&object);
    object["metadata"]["annotations"][LAST_APPLIED] = text.into();
    object
}

/// What was applied to the object last, if anybody did.
pub(crate) fn last(object: &Value) -> Option<Value> {
    serde_json::from_str(object["metadata"]["annotations"][LAST_APPLIED].as_str()?).ok()
}

/// JSON as Go writes it, so that the annotation is the same whoever writes it: in one line, without what HTML takes for its own.
fn as_go(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => text.push(other),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_carries_itself_as_kubectl_writes_it() {
        let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"x": "<&>"}});
        let applied = with_itself(object, Some("default"));
        let text = r#"{"apiVersion":"v1","data":{"x":"\u003c\u0026\u003e"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a","namespace":"default"}}"#;
        assert_eq!(applied["metadata"]["annotations"][LAST_APPLIED], format!("{text}\n"));
        assert_eq!(last(&applied).expect("itself")["data"], applied["data"]);
        assert_eq!(with_itself(applied.clone(), Some("default")), applied, "once and not one in another");
        assert_eq!(last(&json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}})), None);
    }
}
