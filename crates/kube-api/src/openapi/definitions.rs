//! Types as JSON schemas, in either dialect.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::kinds;
use crate::schema::{self, Field, Merge, Shape, Type};

/// Which OpenAPI is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Two,
    Three,
}

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const RAW: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const FIELDS_V1: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";
/// The name of the definition of what `/version` answers.
pub(super) const VERSION_INFO: &str = "io.k8s.apimachinery.pkg.version.Info";
/// The name of the definition of patches.
pub(super) const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";

impl Dialect {
    /// A reference to a definition.
    pub(super) fn reference(self, name: &str) -> Value {
        match self {
            Self::Two => json!({"$ref": format!("#/definitions/{name}")}),
            Self::Three => json!({"$ref": format!("#/components/schemas/{name}")}),
        }
    }

    /// The reference to a type named as `core/v1.Pod` or its list, `core/v1.PodList`.
    pub(super) fn reference_to(self, name: &str) -> Value {
        self.reference(&openapi_name(name))
    }
}

/// The OpenAPI name of a type named as `core/v1.Pod`, or of the list of a kind.
fn openapi_name(name: &str) -> String {
    if let Some(ty) = schema::find(name) {
        return ty.openapi_name();
    }
    let item = name.strip_suffix("List").and_then(schema::find);
    item.map_or_else(|| name.to_owned(), |ty| format!("{}List", ty.openapi_name()))
}

/// The definitions that a document needs which refers to these types: theirs, and whatever they refer to.
pub(super) fn definitions(dialect: Dialect, roots: &BTreeSet<String>) -> Map<String, Value> {
    let mut out = Map::new();
    let mut waiting: Vec<&'static Type> = Vec::new();
    for root in roots {
        if let Some(ty) = schema::find(root) {
            waiting.push(ty);
        } else if let Some(item) = root.strip_suffix("List").and_then(schema::find) {
            out.insert(format!("{}List", item.openapi_name()), list(dialect, item));
            waiting.push(item);
            waiting.extend(schema::find("meta/v1.ListMeta"));
        }
    }
    while let Some(ty) = waiting.pop() {
        let name = ty.openapi_name();
        if out.contains_key(&name) {
            continue;
        }
        out.insert(name, definition(dialect, ty));
        waiting.extend(ty.fields.iter().filter_map(|f| f.shape.innermost()));
    }
    for (name, value) in scalars(dialect) {
        out.insert(name.to_owned(), value);
    }
    out
}

fn scalars(dialect: Dialect) -> Vec<(&'static str, Value)> {
    let (quantity, int_or_string) = match dialect {
        Dialect::Two => (json!({"type": "string"}), json!({"type": "string", "format": "int-or-string"})),
        Dialect::Three => (
            json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
        ),
    };
    let described = |mut schema: Value, text: &str| {
        schema["description"] = text.into();
        schema
    };
    vec![
        (QUANTITY, described(quantity, "An amount of a resource, such as 100m, 1Gi or 1e3.")),
        (INT_OR_STRING, described(int_or_string, "A number, or a name or percentage.")),
        (TIME, described(json!({"type": "string", "format": "date-time"}), "A time in RFC 3339.")),
        (
            MICRO_TIME,
            described(json!({"type": "string", "format": "date-time"}), "A time in RFC 3339, to the microsecond."),
        ),
        (RAW, described(json!({"type": "object"}), "An object of any kind.")),
        (
            FIELDS_V1,
            described(json!({"type": "object"}), "A set of fields, as a tree whose keys begin with f:, k: or v:."),
        ),
        (VERSION_INFO, version_info()),
        (PATCH, described(json!({"type": "object"}), "A change to an object; its content type says how it is meant.")),
    ]
}

fn version_info() -> Value {
    let fields = [
        ("buildDate", "When the server was built."),
        ("compiler", "What the server was compiled with."),
        ("emulationMajor", "The major version that the server behaves as."),
        ("emulationMinor", "The minor version that the server behaves as."),
        ("gitCommit", "The commit that the server was built from."),
        ("gitTreeState", "Whether there was more than the commit: clean or dirty."),
        ("gitVersion", "The version of Kubernetes that the server is like."),
        ("goVersion", "The version of the compiler."),
        ("major", "The major version."),
        ("minCompatibilityMajor", "The least major version that the server can work with."),
        ("minCompatibilityMinor", "The least minor version that the server can work with."),
        ("minor", "The minor version."),
        ("platform", "The system and architecture that the server was built for."),
    ];
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, text)| ((*name).to_owned(), json!({"type": "string", "description": text})))
        .collect();
    let needed = |name: &str| !name.starts_with("emulation") && !name.starts_with("minCompatibility");
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).filter(|name| needed(name)).collect();
    json!({"description": "The version of the server.", "type": "object", "required": required, "properties": properties})
}

fn definition(dialect: Dialect, ty: &'static Type) -> Value {
    let mut out = Map::new();
    if !ty.description.is_empty() {
        out.insert("description".to_owned(), ty.description.into());
    }
    out.insert("type".to_owned(), "object".into());
    let required: Vec<&str> = ty.fields.iter().filter(|f| f.required).map(|f| f.name).collect();
    if !required.is_empty() {
        out.insert("required".to_owned(), required.into());
    }
    if !ty.fields.is_empty() {
        let properties: Map<String, Value> =
            ty.fields.iter().map(|field| (field.name.to_owned(), property(dialect, field))).collect();
        out.insert("properties".to_owned(), properties.into());
    }
    if ty.is_kind {
        out.insert("x-kubernetes-group-version-kind".to_owned(), group_version_kinds(ty));
    }
    if let Some(union) = union(ty) {
        out.insert("x-kubernetes-unions".to_owned(), union);
    }
    if ty.atomic {
        out.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    }
    out.into()
}

/// Types of which one field says which of the others counts.
fn union(ty: &Type) -> Option<Value> {
    let of = matches!((ty.package.short, ty.name), ("core/v1", "AppArmorProfile" | "SeccompProfile"));
    of.then(|| json!([{"discriminator": "type", "fields-to-discriminateBy": {"localhostProfile": "LocalhostProfile"}}]))
}

/// Options and watch events belong to every group; other kinds to their own.
fn group_version_kinds(ty: &Type) -> Value {
    let one = |group: &str, version: &str| json!({"group": group, "kind": ty.name, "version": version});
    match (ty.package.short, ty.name) {
        ("meta/v1", "DeleteOptions" | "WatchEvent") => {
            kinds::group_versions().into_iter().map(|(group, version)| one(group, version)).collect()
        }
        _ => json!([one(ty.package.group, ty.package.version())]),
    }
}

fn list(dialect: Dialect, item: &Type) -> Value {
    let kind = format!("{}List", item.name);
    let items =
        json!({"type": "array", "description": "The objects.", "items": wrap(dialect, &item.openapi_name(), true)});
    let mut metadata = wrap(dialect, "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta", true);
    metadata["description"] = "Of the list as a whole: its version, and where to go on.".into();
    json!({
        "description": format!("A list of {}.", item.name),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string", "description": "The version of the list's kind."},
            "kind": {"type": "string", "description": "The list's kind."},
            "metadata": metadata,
            "items": items,
        },
        "x-kubernetes-group-version-kind": [{"group": item.package.group, "kind": kind, "version": item.package.version()}],
    })
}

/// A reference that may have siblings: version 3 allows them only around it.
fn wrap(dialect: Dialect, name: &str, default: bool) -> Value {
    match dialect {
        Dialect::Two => dialect.reference(name),
        Dialect::Three if default => json!({"allOf": [dialect.reference(name)], "default": {}}),
        Dialect::Three => json!({"allOf": [dialect.reference(name)]}),
    }
}

fn property(dialect: Dialect, field: &Field) -> Value {
    let mut out = shape(dialect, &field.shape, field);
    if dialect == Dialect::Three
        && let Some(default) = default(field)
    {
        out["default"] = default;
    }
    let description = description(field);
    if !description.is_empty() {
        out["description"] = description.into();
    }
    match &field.merge {
        Merge::Unsaid => {}
        Merge::Atomic if matches!(field.shape, Shape::Map(_) | Shape::Struct(_)) => {
            out["x-kubernetes-map-type"] = "atomic".into();
        }
        Merge::Atomic => out["x-kubernetes-list-type"] = "atomic".into(),
        Merge::Granular => out["x-kubernetes-map-type"] = "granular".into(),
        Merge::Set => out["x-kubernetes-list-type"] = "set".into(),
        Merge::Map(keys) => {
            out["x-kubernetes-list-type"] = "map".into();
            out["x-kubernetes-list-map-keys"] = keys.clone().into();
        }
    }
    if let Some(key) = field.patch.key {
        out["x-kubernetes-patch-merge-key"] = key.into();
    }
    let strategy = match (field.patch.merge, field.patch.retain_keys) {
        (true, true) => "merge,retainKeys",
        (true, false) => "merge",
        (false, true) => "retainKeys",
        (false, false) => return out,
    };
    out["x-kubernetes-patch-strategy"] = strategy.into();
    out
}

/// What a field is for, with its values where they are few. A field of which nothing is said is what its type is.
fn description(field: &Field) -> String {
    let of_type = field.shape.innermost().map_or("", |ty| ty.description);
    let mut text = if field.description.is_empty() { of_type } else { field.description }.to_owned();
    if !field.choices.is_empty() {
        let lead = if text.is_empty() { "" } else { "\n\n" };
        text.push_str(lead);
        text.push_str("Possible enum values:");
        field.choices.iter().for_each(|choice| text.push_str(&format!("\n - `{choice:?}`")));
    }
    text
}

/// What version 3 says is meant where a field is missing: the value that Go's types hold then, where they hold one.
fn default(field: &Field) -> Option<Value> {
    if let Some(default) = field.default {
        return Some(if field.shape == Shape::Bool { (default == "true").into() } else { default.into() });
    }
    match &field.shape {
        Shape::Struct(_) if field.by_value => Some(json!({})),
        scalar if field.required || field.by_value => zero(scalar),
        _ => None,
    }
}

/// The zero of a scalar.
fn zero(shape: &Shape) -> Option<Value> {
    match shape {
        Shape::String => Some("".into()),
        Shape::Bool => Some(false.into()),
        Shape::Int32 | Shape::Int64 | Shape::Double => Some(0.into()),
        _ => None,
    }
}

/// The schema of an element of a list or map. Elements are held by value.
fn element(dialect: Dialect, of: &Shape, field: &Field) -> Value {
    match (dialect, of) {
        (_, Shape::Struct(ty)) => wrap(dialect, &ty.get().openapi_name(), true),
        (Dialect::Three, Shape::Quantity) => dialect.reference(QUANTITY),
        _ => {
            let mut out = shape(dialect, of, field);
            if dialect == Dialect::Three
                && let Some(zero) = zero(of)
            {
                out["default"] = zero;
            }
            out
        }
    }
}

fn shape(dialect: Dialect, of: &Shape, field: &Field) -> Value {
    match of {
        Shape::String if !field.choices.is_empty() => json!({"type": "string", "enum": field.choices}),
        Shape::String => json!({"type": "string"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Int32 => json!({"type": "integer", "format": "int32"}),
        Shape::Int64 => json!({"type": "integer", "format": "int64"}),
        Shape::Double => json!({"type": "number", "format": "double"}),
        Shape::Bytes => json!({"type": "string", "format": "byte"}),
        Shape::Quantity => wrap(dialect, QUANTITY, false),
        Shape::IntOrString => wrap(dialect, INT_OR_STRING, false),
        Shape::Time => wrap(dialect, TIME, false),
        Shape::MicroTime => wrap(dialect, MICRO_TIME, false),
        Shape::Any => wrap(dialect, if field.name == "fieldsV1" { FIELDS_V1 } else { RAW }, false),
        Shape::Struct(ty) => wrap(dialect, &ty.get().openapi_name(), false),
        Shape::List(items) => json!({"type": "array", "items": element(dialect, items, field)}),
        Shape::Map(values) => json!({"type": "object", "additionalProperties": element(dialect, values, field)}),
    }
}
