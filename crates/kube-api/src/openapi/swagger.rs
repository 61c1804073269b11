//! Version 2: one document of everything.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::definitions::{self, Dialect, definitions};
use super::operations::{Answer, Body, Operation, Path, paths, roots};
use super::parameters::{PRETTY, Parameter};
use super::{KUBERNETES_VERSION, security_scheme};
use crate::kinds;
use crate::schema;

const PATCH_FORMATS: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

/// The document.
pub(super) fn document() -> Value {
    let mut all: Vec<Path> = kinds::group_versions().into_iter().flat_map(|(g, v)| paths(g, v)).collect();
    all.extend(roots().into_iter().map(|root| root.path));
    let items: Map<String, Value> = all.iter().map(|path| (path.path.clone(), item(path))).collect();
    let mut types: BTreeSet<String> =
        schema::types().iter().map(|ty| format!("{}.{}", ty.package.short, ty.name)).collect();
    types.extend(kinds::all().iter().filter(|k| k.allows("list")).map(|k| format!("{}List", k.schema)));
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
        "paths": items,
        "definitions": definitions(Dialect::Two, &types),
        "securityDefinitions": security_scheme(),
        "security": [{"BearerToken": []}],
    })
}

fn item(path: &Path) -> Value {
    let mut item: Map<String, Value> = path.operations.iter().map(|o| (o.method.to_owned(), operation(o))).collect();
    let mut parameters: Vec<Value> = ["name", "namespace", "path"]
        .into_iter()
        .filter(|name| path.path.contains(&format!("{{{name}}}")))
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "type": "string", "uniqueItems": true,
                "description": super::three::path_description(name)})
        })
        .collect();
    if super::takes_options(path) {
        parameters.push(query(&PRETTY));
    }
    item.insert("parameters".to_owned(), parameters.into());
    item.into()
}

fn query(parameter: &Parameter) -> Value {
    json!({"name": parameter.name, "in": "query", "type": parameter.kind, "uniqueItems": true,
        "description": parameter.description})
}

fn operation(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = operation.query.iter().map(|p| query(p)).collect();
    let body = match &operation.body {
        Body::None => None,
        Body::Object(ty) => Some((Dialect::Two.reference_to(ty), true)),
        Body::Patch => Some((Dialect::Two.reference(definitions::PATCH), true)),
        Body::Options => Some((Dialect::Two.reference_to("meta/v1.DeleteOptions"), false)),
    };
    if let Some((schema, required)) = body {
        let mut body = json!({"name": "body", "in": "body", "schema": schema});
        if required {
            body["required"] = true.into();
        }
        parameters.insert(0, body);
    }
    let answer = match &operation.answer {
        Answer::Object(ty) => Dialect::Two.reference_to(ty),
        Answer::Document(_, Some(ty)) => Dialect::Two.reference_to(ty),
        Answer::Events => Dialect::Two.reference_to("meta/v1.WatchEvent"),
        Answer::Text | Answer::Log | Answer::Document(_, None) => json!({"type": "string"}),
    };
    let mut responses: Map<String, Value> = operation
        .codes
        .iter()
        .map(|code| {
            ((*code).to_owned(), json!({"description": super::three::code_description(code), "schema": answer}))
        })
        .collect();
    responses.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    let consumes = match operation.body {
        Body::Patch => json!(PATCH_FORMATS),
        _ => json!(["*/*"]),
    };
    let mut out = json!({
        "description": operation.description,
        "operationId": operation.id,
        "tags": [operation.tag],
        "schemes": ["https"],
        "consumes": consumes,
        "produces": super::produced(operation),
        "parameters": parameters,
        "responses": responses,
    });
    super::extensions(operation, &mut out);
    out
}
