//! The fields of each kind: their types, which are required, and how lists and maps merge.
//!
//! The facts are text files under `schema/`, one a package, in the notation of [`notation`]. They are parsed once, on
//! first use, and drive decoding, patches, explain and OpenAPI.

mod notation;

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// A group and version whose types are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// How types of other packages name it: `core/v1`.
    pub short: &'static str,
    /// The prefix of its types in OpenAPI: `io.k8s.api.core.v1`.
    pub openapi: &'static str,
    /// The API group of its kinds.
    pub group: &'static str,
}

impl Package {
    /// The version that its kinds have, and its name in Go's type names.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.short.rsplit_once('/').map_or(self.short, |(_, version)| version)
    }
}

/// A type with fields.
#[derive(Debug)]
pub struct Type {
    /// Where it is defined.
    pub package: &'static Package,
    /// Its name within the package.
    pub name: &'static str,
    /// What it is, for people; may be empty.
    pub description: &'static str,
    /// Whether it is a kind: has `apiVersion` and `kind` of its own.
    pub is_kind: bool,
    /// Whether it is replaced as a whole by apply.
    pub atomic: bool,
    /// Its fields, sorted by name.
    pub fields: Vec<Field>,
    /// The fields that protobuf knows, by number, as places in `fields`.
    numbers: Vec<(Number, usize)>,
    /// What Go's type holds where nothing was said, once somebody asked for it.
    pub(crate) zero: OnceLock<serde_json::Value>,
}

/// Where protobuf writes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// The number of the field, or of the embedded message that holds it.
    pub outer: u32,
    /// The field's number within that message. JSON shows its fields as the type's own.
    pub inner: Option<u32>,
}

/// One field of a type.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// How a strategic merge patch treats it.
    pub patch: Patch,
    /// How apply treats it.
    pub merge: Merge,
    /// Whether an empty string is a value of its own here, and is stored.
    pub keeps_empty: bool,
    /// Whether zero or false says nothing here, and is not stored.
    pub omits_zero: bool,
    /// Whether the value is there even where nothing is said of it: Go's types hold it, and print it.
    pub by_value: bool,
    /// The values that a text may have, sorted; of a list's or map's elements where it is one. None: any.
    pub choices: Vec<&'static str>,
    /// The value that is meant where there is none, as a JSON scalar without its quotes.
    pub default: Option<&'static str>,
    /// Its place in protobuf; none for `apiVersion` and `kind` of a kind, which the envelope tells.
    pub number: Option<Number>,
    /// What it is for, for people; may be empty.
    pub description: &'static str,
}

/// How a strategic merge patch treats a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patch {
    /// Whether lists are merged instead of replaced.
    pub merge: bool,
    /// The key by which elements of a merged list are the same; none for lists of plain values.
    pub key: Option<&'static str>,
    /// Whether `$retainKeys` is understood.
    pub retain_keys: bool,
}

/// How apply merges a list or a map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Merge {
    /// Nothing is said.
    #[default]
    Unsaid,
    /// Replaced as a whole.
    Atomic,
    /// A map or object that merges part by part, also where its type says otherwise.
    Granular,
    /// A list without duplicates.
    Set,
    /// A list of objects that these fields identify.
    Map(Vec<&'static str>),
}

/// What a value looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    String,
    /// `true` or `false`.
    Bool,
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A number.
    Double,
    /// A resource quantity: a string, or a number on the way in.
    Quantity,
    /// A number of 32 bits or a string.
    IntOrString,
    /// An RFC 3339 time, to the second.
    Time,
    /// An RFC 3339 time, to the microsecond.
    MicroTime,
    /// Bytes in base64.
    Bytes,
    /// Any JSON.
    Any,
    /// An object of a type.
    Struct(TypeRef),
    /// A list.
    List(Box<Self>),
    /// An object with any keys.
    Map(Box<Self>),
}

/// A reference to a type of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeRef(usize);

impl TypeRef {
    /// The type.
    #[must_use]
    pub fn get(self) -> &'static Type {
        &SCHEMA.types[self.0]
    }
}

impl Type {
    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|f| f.name.cmp(name)).ok().map(|i| &self.fields[i])
    }

    /// The fields that protobuf knows, in the order of their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (Number, &Field)> {
        self.numbers.iter().map(|&(number, index)| (number, &self.fields[index]))
    }

    /// The field of that number; the number within the embedded message where it is in one.
    pub(crate) fn numbered_as(&self, outer: u32, inner: Option<u32>) -> Option<&Field> {
        let place = self.numbers.binary_search_by_key(&(outer, inner), |(number, _)| (number.outer, number.inner));
        place.ok().map(|place| &self.fields[self.numbers[place].1])
    }

    /// Whether fields of this type are in a message that is embedded under that number.
    pub(crate) fn embeds(&self, outer: u32) -> bool {
        let first = self.numbers.partition_point(|(number, _)| number.outer < outer);
        self.numbers.get(first).is_some_and(|(number, _)| number.outer == outer && number.inner.is_some())
    }

    /// The name in OpenAPI documents: `io.k8s.api.core.v1.Pod`.
    #[must_use]
    pub fn openapi_name(&self) -> String {
        format!("{}.{}", self.package.openapi, self.name)
    }
}

impl Shape {
    /// The type that Go's messages name: `[]v1.Container`, `map[string]string`, `int32`.
    #[must_use]
    pub fn go_name(&self) -> String {
        match self {
            Self::String => "string".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Int32 => "int32".to_owned(),
            Self::Int64 => "int64".to_owned(),
            Self::Double => "float64".to_owned(),
            Self::Quantity => "resource.Quantity".to_owned(),
            Self::IntOrString => "intstr.IntOrString".to_owned(),
            Self::Time => "v1.Time".to_owned(),
            Self::MicroTime => "v1.MicroTime".to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Any => "runtime.RawExtension".to_owned(),
            Self::Struct(type_ref) => {
                let ty = type_ref.get();
                format!("{}.{}", ty.package.version(), ty.name)
            }
            Self::List(of) => format!("[]{}", of.go_name()),
            Self::Map(of) => format!("map[string]{}", of.go_name()),
        }
    }

    /// The type of an object, or of a list's or map's elements.
    #[must_use]
    pub fn innermost(&self) -> Option<&'static Type> {
        match self {
            Self::Struct(type_ref) => Some(type_ref.get()),
            Self::List(of) | Self::Map(of) => of.innermost(),
            _ => None,
        }
    }
}

/// The type of that name, written as `core/v1.Pod`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Type> {
    SCHEMA.index.get(name).map(|&i| &SCHEMA.types[i])
}

/// The type of objects that call themselves so: `v1` and `Pod`, `policy/v1` and `Eviction`.
#[must_use]
pub fn named(api_version: &str, kind: &str) -> Option<&'static Type> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    types()
        .iter()
        .find(|ty| ty.is_kind && ty.name == kind && ty.package.group == group && ty.package.version() == version)
}

/// All types, package by package.
#[must_use]
pub fn types() -> &'static [Type] {
    &SCHEMA.types
}

/// The type of a kind's objects.
///
/// # Panics
/// Never for an entry of the table of kinds: a test holds that each has its type.
#[must_use]
pub fn of(kind: &crate::Kind) -> &'static Type {
    find(kind.schema).expect("every kind of the table has a type in the schema")
}

struct Schema {
    types: Vec<Type>,
    index: HashMap<String, usize>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let (types, index) = notation::parse(&[
        include_str!("../schema/core.txt"),
        include_str!("../schema/meta.txt"),
        include_str!("../schema/authentication.txt"),
        include_str!("../schema/authorization.txt"),
        include_str!("../schema/autoscaling.txt"),
        include_str!("../schema/coordination.txt"),
        include_str!("../schema/discovery.txt"),
        include_str!("../schema/events.txt"),
        include_str!("../schema/node.txt"),
        include_str!("../schema/policy.txt"),
        include_str!("../schema/rbac.txt"),
        include_str!("../schema/scheduling.txt"),
    ])
    .expect("the schema files are part of the program, and a test parses them");
    Schema { types, index }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_type() {
        for kind in crate::kinds::all() {
            let ty = find(kind.schema).expect(kind.schema);
            assert_eq!((ty.name, ty.package.group, ty.package.version()), (kind.kind, kind.group, kind.version));
            assert!(ty.is_kind, "{}", kind.schema);
        }
    }

    #[test]
    fn fields_carry_what_patches_need() {
        let spec = find("core/v1.PodSpec").expect("known");
        let volumes = spec.field("volumes").expect("a field");
        assert_eq!(volumes.patch, Patch { merge: true, key: Some("name"), retain_keys: true });
        assert_eq!(volumes.merge, Merge::Map(vec!["name"]));
        assert_eq!(volumes.shape.go_name(), "[]v1.Volume");
        assert!(spec.field("containers").expect("a field").required);
        assert!(spec.field("nope").is_none());
    }

    #[test]
    fn every_field_has_a_number_of_its_own() {
        for ty in types() {
            for field in &ty.fields {
                let told_by_envelope = ty.is_kind && matches!(field.name, "apiVersion" | "kind");
                assert!(field.number.is_some() || told_by_envelope, "{}.{}", ty.name, field.name);
                let scalar = matches!(field.shape, Shape::Bool | Shape::Int32 | Shape::Int64);
                assert!(!field.omits_zero || scalar, "{}.{}", ty.name, field.name);
            }
            let unique = ty.numbers.windows(2).all(|pair| {
                let (a, b) = (pair[0].0, pair[1].0);
                (a.outer, a.inner) < (b.outer, b.inner) && (a.outer != b.outer || a.inner.is_some())
            });
            assert!(unique, "{}", ty.name);
        }
        let volume = find("core/v1.Volume").expect("known");
        assert_eq!(volume.numbered_as(2, Some(1)).map(|f| f.name), Some("hostPath"));
        assert!(volume.embeds(2) && !volume.embeds(1) && !volume.embeds(3));
        assert_eq!(named("v1", "Status").map(|ty| ty.package.short), Some("meta/v1"));
        assert!(named("v2", "Pod").is_none() && named("v1", "PodSpec").is_none());
    }

    /// The files hold facts of Kubernetes 1.33.1; this compares them with what upstream publishes.
    #[test]
    fn the_schema_agrees_with_upstream() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kube-openapi/swagger-1.33.1.json");
        let bytes = std::fs::read(path).expect("shared/ lies beside the checkout");
        let swagger: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        for ty in types() {
            let theirs = &swagger["definitions"][ty.openapi_name()];
            let properties = theirs["properties"].as_object();
            assert_eq!(properties.map_or(0, serde_json::Map::len), ty.fields.len(), "{}", ty.openapi_name());
            for field in &ty.fields {
                let property = &theirs["properties"][field.name];
                let at = format!("{}.{}", ty.openapi_name(), field.name);
                assert_eq!(property["x-kubernetes-patch-merge-key"].as_str(), field.patch.key, "{at}");
                let required = theirs["required"].as_array().is_some_and(|r| r.iter().any(|n| n == field.name));
                assert_eq!(required, field.required, "{at}");
                assert_eq!(property["type"] == "array", matches!(field.shape, Shape::List(_)), "{at}");
            }
        }
    }
}
