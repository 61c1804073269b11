//! The OpenAPI documents, v2 and v3, made from the table of kinds and the schemas.
//!
//! [`operations`] says what can be asked of each kind, in neither dialect; [`v2`] and [`v3`] write it down. Making a
//! document takes some milliseconds: whoever serves them keeps the bytes.

mod definitions;
mod gnostic;
mod operations;
mod parameters;
mod swagger;
mod three;

use serde_json::Value;

use crate::kinds;
use operations::{Answer, Operation, Path};

/// The version that the documents and `/version` name.
pub const KUBERNETES_VERSION: &str = "v1.33.1";

/// The OpenAPI v2 document of everything served.
#[must_use]
pub fn v2() -> Value {
    swagger::document()
}

/// The same document in protobuf. Clients ask for `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`; the
/// answer's content type has a dot in place of the `@`, which is no character of media types.
#[must_use]
pub fn v2_protobuf() -> Vec<u8> {
    gnostic::encode(&v2())
}

/// The paths under `/openapi/v3/` that have a document, such as `api/v1` and `apis/coordination.k8s.io/v1`.
#[must_use]
pub fn v3_paths() -> Vec<String> {
    let versions = kinds::group_versions().into_iter().map(|(group, version)| root(group, version));
    versions.chain(operations::roots().into_iter().map(|root| root.name)).collect()
}

/// The OpenAPI v3 document at one of [`v3_paths`].
#[must_use]
pub fn v3(path: &str) -> Option<Value> {
    if let Some((group, version)) = kinds::group_versions().into_iter().find(|(g, v)| root(g, v) == path) {
        return Some(three::document(group, version));
    }
    let about = operations::roots().into_iter().find(|root| root.name == path)?;
    Some(three::root(about.path))
}

/// Where a group and version is served, without the leading slash.
fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

const FORMATS: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const WATCH_FORMATS: [&str; 2] = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/// The formats in which an operation answers.
fn produced(operation: &Operation) -> Vec<&'static str> {
    match operation.answer {
        Answer::Object(_) if operation.action == "list" => [&FORMATS[..], &WATCH_FORMATS].concat(),
        Answer::Object(_) => FORMATS.to_vec(),
        Answer::Events => [&FORMATS[..], &WATCH_FORMATS].concat(),
        Answer::Log => [&["text/plain"], &FORMATS[..]].concat(),
        Answer::Text => vec!["*/*"],
        Answer::Document(format, _) => vec![format],
    }
}

/// Whether a path's operations understand the options that all requests for objects do.
fn takes_options(path: &Path) -> bool {
    path.operations.iter().all(|operation| !matches!(operation.answer, Answer::Text | Answer::Document(..)))
}

/// Says which verb an operation is, and of which kind.
fn extensions(operation: &Operation, out: &mut Value) {
    if operation.action.is_empty() {
        return;
    }
    let (group, version, kind) = operation.kind;
    out["x-kubernetes-action"] = operation.action.into();
    out["x-kubernetes-group-version-kind"] = serde_json::json!({"group": group, "kind": kind, "version": version});
}

/// How to authenticate, in both dialects.
fn security_scheme() -> Value {
    serde_json::json!({"BearerToken": {"description": "Bearer Token authentication", "in": "header",
        "name": "authorization", "type": "apiKey"}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let mut documents = vec![v2()];
        documents.extend(v3_paths().iter().map(|p| v3(p).expect("served")));
        let mut seen = 0;
        for document in &documents {
            let mut found = Vec::new();
            references(document, &mut found);
            // documents that are no objects refer to nothing
            seen += found.len();
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("local");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        }
        assert!(seen > 1000, "{seen} references");
        assert_eq!(v3("apis/nope/v1"), None);
    }

    #[test]
    fn kubectl_finds_that_fields_are_validated_here() {
        let document = v3("api/v1").expect("served");
        let patch = &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"], json!({"group": "", "kind": "Pod", "version": "v1"}));
        let parameters = patch["parameters"].as_array().expect("list");
        assert!(parameters.iter().any(|p| p["name"] == "fieldValidation" && p["in"] == "query"));
    }
}
