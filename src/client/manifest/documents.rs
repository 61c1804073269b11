//! The text of one manifest, split into documents, and each document into its objects.

use kube_api::decode::{self, Format};
use kube_api::{Kind, kinds};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Document;
use crate::failure::Failure;

/// Splits the text of one file into documents.
///
/// # Errors
/// Text that is neither JSON nor YAML, or a document that is no object of a known kind.
pub(crate) fn parse(file: &str, text: &str) -> Result<Vec<Document>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // between documents in JSON there may be YAML's lines, and all JSON is YAML
    let json = text.trim_start().starts_with('{') && !text.lines().any(|line| line.trim_end() == "---");
    let (values, format) =
        if json { (json_documents(file, text)?, Format::Json) } else { (yaml_documents(file, text)?, Format::Yaml) };
    let several = values.len() > 1;
    let mut documents = Vec::new();
    for (place, json) in values {
        let place = if several { place } else { file.to_owned() };
        documents.extend(objects(&place, json, format)?);
    }
    Ok(documents)
}

type Placed = (String, Vec<u8>);

fn placed(file: &str, index: usize) -> String {
    format!("{file}: document {}", index + 1)
}

/// JSON documents, one behind another, kept as they were written: the server finds fields that are there twice.
fn json_documents(file: &str, text: &str) -> Result<Vec<Placed>, Failure> {
    let mut documents = Vec::new();
    for (index, document) in serde_json::Deserializer::from_str(text).into_iter::<Box<RawValue>>().enumerate() {
        let place = placed(file, index);
        let raw = document.map_err(|error| Failure::failed(format!("{place}: not JSON")).because(error))?;
        documents.push((place, raw.get().as_bytes().to_vec()));
    }
    Ok(documents)
}

fn yaml_documents(file: &str, text: &str) -> Result<Vec<Placed>, Failure> {
    let mut documents = Vec::new();
    for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let place = placed(file, index);
        let value = Value::deserialize(document)
            .map_err(|error| Failure::failed(format!("{place}: not YAML")).because(error))?;
        // Nothing between two `---`, or comments alone.
        if !value.is_null() {
            documents.push((place, value.to_string().into_bytes()));
        }
    }
    Ok(documents)
}

/// The object of a document, which was in that format, or the objects of a List.
fn objects(place: &str, json: Vec<u8>, format: Format) -> Result<Vec<Document>, Failure> {
    let wrong = |what: &str| Failure::failed(format!("{place}: {what}"));
    let value: Value = serde_json::from_slice(&json).map_err(|error| wrong("not JSON").because(error))?;
    if !value.is_object() {
        return Err(wrong("not an object, but a bare value").hint("a manifest begins with apiVersion and kind"));
    }
    let text = |field: &str| match &value[field] {
        Value::String(text) if !text.is_empty() => Ok(text.as_str()),
        Value::Null | Value::String(_) => Err(wrong(&format!("{field} is not set"))),
        _ => Err(wrong(&format!("{field} is not a text"))),
    };
    let (kind_name, api_version) = (text("kind")?, text("apiVersion")?);
    if api_version == "v1" && (kind_name == "List" || kind_name.ends_with("List")) && value["items"].is_array() {
        return items(place, &value, format);
    }
    let Some(kind) = kinds::of(api_version, kind_name) else {
        return Err(wrong(&format!("kind {kind_name:?} of apiVersion {api_version:?} is not served"))
            .hint("`kubectl api-resources` lists what is served"));
    };
    let json = if format == Format::Yaml { as_of_yaml_1_1(kind, &value) } else { json };
    let metadata = &value["metadata"];
    let field = |name: &str| metadata[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let name = field("name").unwrap_or_default();
    Ok(vec![Document { place: place.to_owned(), kind, name, namespace: field("namespace"), json }])
}

/// The object with the flags and numbers that kubectl reads in YAML.
fn as_of_yaml_1_1(kind: &Kind, object: &Value) -> Vec<u8> {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        decode::yaml::as_of_1_1(kube_api::schema::of(kind), fields);
    }
    object.to_string().into_bytes()
}

fn items(place: &str, list: &Value, format: Format) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for (index, item) in list["items"].as_array().into_iter().flatten().enumerate() {
        documents.extend(objects(&format!("{place}: item {}", index + 1), item.to_string().into_bytes(), format)?);
    }
    Ok(documents)
}
