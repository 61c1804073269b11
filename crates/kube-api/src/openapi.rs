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
    kinds::group_versions().into_iter().map(|(group, version)| root(group, version)).collect()
}

/// The OpenAPI v3 document at one of [`v3_paths`].
#[must_use]
pub fn v3(path: &str) -> Option<Value> {
    let (group, version) = kinds::group_versions().into_iter().find(|(g, v)| root(g, v) == path)?;
    Some(three::document(group, version))
}

/// Where a group and version is served, without the leading slash.
fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
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
        for document in &documents {
            let mut found = Vec::new();
            references(document, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("local");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        }
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

    /// Names, verbs and actions are facts that upstream publishes; every operation of ours must be one of theirs.
    #[test]
    fn operations_agree_with_upstream() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kube-openapi/swagger-1.33.1.json");
        let bytes = std::fs::read(path).expect("shared/ lies beside the checkout");
        let theirs: Value = serde_json::from_slice(&bytes).expect("JSON");
        let ours = v2();
        for (path, item) in ours["paths"].as_object().expect("map") {
            for (method, operation) in item.as_object().expect("map") {
                let Some(operation) = operation.as_object() else { continue };
                if method == "parameters" {
                    continue;
                }
                let upstream = &theirs["paths"][path][method];
                let at = format!("{method} {path}");
                assert_eq!(Some(&upstream["operationId"]), operation.get("operationId"), "{at}");
                // The published document names the object's kind where servers, as here, name that of the options.
                let connects = operation["x-kubernetes-action"] == "connect";
                for key in ["x-kubernetes-action", "x-kubernetes-group-version-kind"]
                    .into_iter()
                    .take(2 - usize::from(connects))
                {
                    assert_eq!(upstream.get(key), operation.get(key), "{at} {key}");
                }
                let codes = |o: &Value| o.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>());
                assert_eq!(codes(&upstream["responses"]), codes(&operation["responses"]), "{at}");
            }
        }
        for (name, definition) in ours["definitions"].as_object().expect("map") {
            let upstream = &theirs["definitions"][name];
            assert!(upstream.is_object(), "{name}");
            let keys = |d: &Value| d["properties"].as_object().map(|m| m.keys().cloned().collect::<Vec<_>>());
            assert_eq!(keys(upstream), keys(definition), "{name}");
        }
    }
}
