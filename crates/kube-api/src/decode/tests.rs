//! What bodies become, and why they are refused.

use super::*;
use serde_json::json;

fn pods() -> &'static Kind {
    kinds::find("", "v1", "pods").expect("served")
}

fn refused(body: &str) -> String {
    object(pods(), Format::Json, body.as_bytes(), FieldValidation::Strict).expect_err(body).message
}

#[test]
fn bodies_that_are_no_object_are_refused_in_kubernetes_words() {
    let prefix =
        "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: ";
    assert_eq!(refused(""), format!("{prefix}unexpected end of JSON input (<empty>)"));
    assert_eq!(
        refused("{nope"),
        format!("{prefix}invalid character 'n' looking for beginning of object key string ({{nope)")
    );
    assert!(refused("[]").ends_with("(5b5d)"));
    let deep = "{\"a\":".repeat(20_000);
    assert!(refused(&deep).contains("exceeded max depth ({\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\": ...)"));
}

#[test]
fn other_kinds_are_refused_by_name() {
    assert_eq!(
        refused(r#"{"apiVersion":"v1","kind":"Service"}"#),
        "Service in version \"v1\" cannot be handled as a Pod: converting (v1.Service) to (core.Pod): unknown conversion"
    );
    assert!(
        refused(r#"{"apiVersion":"v1","kind":"Nope"}"#)
            .starts_with("Nope in version \"v1\" cannot be handled as a Pod: no kind \"Nope\" is registered")
    );
}

#[test]
fn unknown_and_duplicate_fields_are_refused_warned_of_or_dropped() {
    let body = r#"{"kind":"Pod","spec":{"foo":1,"containers":[{"name":"a","bar":2,"image":"x","image":"y"}]}}"#;
    assert_eq!(
        refused(body),
        "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.foo\", \
         unknown field \"spec.containers[0].bar\", duplicate field \"spec.containers[0].image\""
    );
    let warned = object(pods(), Format::Json, body.as_bytes(), FieldValidation::Warn).expect("dropped");
    assert_eq!(warned.warnings.len(), 3);
    assert_eq!(warned.object["spec"], json!({"containers": [{"name": "a", "image": "y"}]}));
    assert_eq!(warned.object["apiVersion"], "v1");
    let deep = format!(r#"{{"metadata":{{"name":"a"}},"zzz":{}1{}}}"#, r#"{"y":"#.repeat(9_999), "}".repeat(9_999));
    let dropped = object(pods(), Format::Json, deep.as_bytes(), FieldValidation::Warn).expect("dropped");
    assert_eq!((dropped.warnings.join("; "), dropped.object.get("zzz")), ("unknown field \"zzz\"".to_owned(), None));
    let ignored = object(pods(), Format::Json, body.as_bytes(), FieldValidation::Ignore).expect("dropped");
    assert_eq!((ignored.warnings.len(), ignored.object), (0, warned.object));
}

#[test]
fn yaml_bodies_are_read_too() {
    let body = b"kind: Pod\nmetadata:\n  labels: {a: b}\nspec:\n  containers:\n  - name: c\n    ports: [{containerPort: 80}]\n";
    let decoded = object(pods(), Format::Yaml, body, FieldValidation::Strict).expect("valid");
    assert_eq!(decoded.object["spec"]["containers"][0]["ports"][0]["containerPort"], 80);
    let old = object(pods(), Format::Yaml, b"spec: {hostNetwork: yes, priority: 010}", FieldValidation::Strict);
    assert_eq!(old.expect("YAML 1.1").object["spec"], json!({"hostNetwork": true, "priority": 8}));
    let twice = b"kind: Pod\nzzz: 1\nspec:\n  hostname: a\n  hostname: b\n  hostname: c";
    let refused = object(pods(), Format::Yaml, twice, FieldValidation::Strict).expect_err("duplicates").message;
    let first =
        "strict decoding error: yaml: unmarshal errors:\n  line 5: key \"hostname\" already set in map\n  line 6: ";
    assert!(refused.contains(first) && refused.ends_with("already set in map, unknown field \"zzz\""), "{refused}");
    let warned = object(pods(), Format::Yaml, twice, FieldValidation::Warn).expect("the last counts");
    assert_eq!(warned.object["spec"]["hostname"], "c");
    let line = |line: usize| format!("line {line}: key \"hostname\" already set in map");
    assert_eq!(warned.warnings, [line(5), line(6), "unknown field \"zzz\"".to_owned()]);
    assert!(
        object(pods(), Format::Yaml, b"a: b: c", FieldValidation::Warn)
            .expect_err("no YAML")
            .message
            .ends_with("(613a20623a2063)")
    );
}

#[test]
fn subresource_bodies_have_types_of_their_own() {
    let scale = typed("autoscaling/v1.Scale", Format::Json, br#"{"spec":{"replicas":3}}"#, FieldValidation::Strict);
    assert_eq!(
        scale.expect("valid").object,
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}})
    );
}
