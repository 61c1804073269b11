//! Version 3: a document for each group and version.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::definitions::{self, Dialect, definitions};
use super::operations::{Answer, Body, Operation, Path, paths};
use super::parameters::{PRETTY, Parameter};
use super::{KUBERNETES_VERSION, security_scheme};
use crate::kinds;

const PATCH_FORMATS: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

/// The document of a group and version.
pub(super) fn document(group: &'static str, version: &'static str) -> Value {
    let all = paths(group, version);
    let types = types(Some((group, version)), &all);
    write(&all, &types)
}

/// The document of one path about the server.
pub(super) fn root(path: Path) -> Value {
    let all = [path];
    let types = types(None, &all);
    write(&all, &types)
}

fn write(all: &[Path], types: &BTreeSet<String>) -> Value {
    let items: Map<String, Value> = all.iter().map(|path| (path.path.clone(), item(path))).collect();
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
        "paths": items,
        "components": {"schemas": definitions(Dialect::Three, types), "securitySchemes": security_scheme()},
    })
}

/// The types that the document refers to, by its operations and because they are kinds of the group.
fn types(of: Option<(&str, &str)>, paths: &[Path]) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    if let Some((group, version)) = of {
        let always = ["DeleteOptions", "Status", "WatchEvent", "APIResourceList"];
        types.extend(always.into_iter().map(|name| format!("meta/v1.{name}")));
        let kinds = kinds::all().iter().filter(|k| k.group == group && k.version == version);
        types.extend(kinds.map(|kind| kind.schema.to_owned()));
    }
    for operation in paths.iter().flat_map(|p| &p.operations) {
        if let Body::Object(ty) = &operation.body {
            types.insert(ty.clone());
        }
        match &operation.answer {
            Answer::Object(ty) => drop(types.insert(ty.clone())),
            Answer::Document(_, Some(ty)) => drop(types.insert((*ty).to_owned())),
            Answer::Text | Answer::Log | Answer::Events | Answer::Document(_, None) => {}
        }
    }
    types
}

fn item(path: &Path) -> Value {
    let mut item: Map<String, Value> = path.operations.iter().map(|o| (o.method.to_owned(), operation(o))).collect();
    let mut parameters: Vec<Value> = ["name", "namespace", "path"]
        .into_iter()
        .filter(|name| path.path.contains(&format!("{{{name}}}")))
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "description": path_description(name),
                "schema": {"type": "string", "uniqueItems": true}})
        })
        .collect();
    if super::takes_options(path) {
        parameters.push(query(&PRETTY));
    }
    item.insert("parameters".to_owned(), parameters.into());
    item.into()
}

/// What a part of a path stands for.
pub(super) fn path_description(name: &str) -> &'static str {
    match name {
        "name" => "The object's name.",
        "namespace" => "The object's namespace.",
        _ => "The path to ask for.",
    }
}

/// What an answer's code means.
pub(super) fn code_description(code: &str) -> &'static str {
    match code {
        "201" => "Created",
        "202" => "Accepted",
        _ => "OK",
    }
}

fn query(parameter: &Parameter) -> Value {
    json!({"name": parameter.name, "in": "query", "description": parameter.description,
        "schema": {"type": parameter.kind, "uniqueItems": true}})
}

fn contents(formats: &[&str], schema: &Value) -> Value {
    formats.iter().map(|format| ((*format).to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>().into()
}

fn operation(operation: &Operation) -> Value {
    let parameters: Vec<Value> = operation.query.iter().map(|p| query(p)).collect();
    let schema = match &operation.answer {
        Answer::Object(ty) => Dialect::Three.reference_to(ty),
        Answer::Document(_, Some(ty)) => Dialect::Three.reference_to(ty),
        Answer::Events => Dialect::Three.reference_to("meta/v1.WatchEvent"),
        Answer::Text | Answer::Log | Answer::Document(_, None) => json!({"type": "string"}),
    };
    let content = contents(&super::produced(operation), &schema);
    let mut responses: Map<String, Value> = operation
        .codes
        .iter()
        .map(|code| ((*code).to_owned(), json!({"description": code_description(code), "content": content})))
        .collect();
    responses.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    let mut out = json!({
        "description": operation.description,
        "operationId": operation.id,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": responses,
    });
    super::extensions(operation, &mut out);
    let body = match &operation.body {
        Body::None => return out,
        Body::Object(ty) => json!({"required": true, "content": contents(&["*/*"], &Dialect::Three.reference_to(ty))}),
        Body::Patch => {
            let schema = Dialect::Three.reference(definitions::PATCH);
            json!({"required": true, "content": contents(&PATCH_FORMATS, &schema)})
        }
        Body::Options => json!({"content": contents(&["*/*"], &Dialect::Three.reference_to("meta/v1.DeleteOptions"))}),
    };
    out["requestBody"] = body;
    out
}
