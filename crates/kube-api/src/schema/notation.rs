//! The notation of the files under `schema/`.
//!
//! ```text
//! package core/v1 io.k8s.api.core.v1
//!
//! Pod kind -- What the type is.
//!   metadata meta/v1.ObjectMeta #1
//!   containers! [Container] #2 merge(name) retainKeys map(name) -- What the field is for.
//!   hostNetwork bool #11 omitzero
//! ```
//!
//! A package line names the package, its OpenAPI prefix and its API group (none for core). A line at the margin begins
//! a type (`kind`: it has a group, version and kind; `atomic`: apply replaces it whole); indented lines are its fields,
//! sorted: name (`!`: required), shape, and flags. `[X]` is a list and `{X}` a map; other shapes are the scalars of
//! [`Shape`] in lower case or the name of a type, with its package if that is another. `merge(key)` and `retainKeys`
//! are a strategic merge patch's, `map(keys)`, `set`, `atomic` and `granular` are apply's, `ptr` marks a string whose empty value
//! means something, `omitzero` a number or flag whose zero means nothing, `value` what is there even where nothing
//! is said of it. `enum(A|B)` names the only values, `default(A)` the one that is meant by none. `#5` is the field's number in protobuf, `#2.5`
//! its number in the message that is embedded as field 2 (`apiVersion` and `kind` of a kind have none).

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{Field, Merge, Number, Package, Patch, Shape, Type, TypeRef};

/// A line that is not in the notation.
#[derive(Debug, thiserror::Error)]
#[error("schema line {line:?}: {why}")]
pub(super) struct NotationError {
    line: &'static str,
    why: &'static str,
}

/// Parses the files to their types and the index of `package.Type` to a type's place.
pub(super) fn parse(files: &[&'static str]) -> Result<(Vec<Type>, HashMap<String, usize>), NotationError> {
    let index = index(files);
    let mut types: Vec<Type> = Vec::with_capacity(index.len());
    for file in files {
        let mut package = None;
        for line in lines(file) {
            let (text, description) = line.split_once(" -- ").unwrap_or((line, ""));
            if let Some(field) = text.strip_prefix("  ") {
                let ty = types.last_mut().ok_or(NotationError { line, why: "a field before any type" })?;
                ty.fields.push(parse_field(line, field, description, ty.package, &index)?);
            } else if text.starts_with("package ") {
                package = Some(parse_package(line)?);
            } else {
                let package = package.ok_or(NotationError { line, why: "a type before any package" })?;
                let mut words = text.split_whitespace();
                let name = words.next().unwrap_or_default();
                let flags: Vec<&str> = words.collect();
                let (is_kind, atomic) = (flags.contains(&"kind"), flags.contains(&"atomic"));
                let (fields, numbers, zero) = (Vec::new(), Vec::new(), OnceLock::new());
                types.push(Type { package, name, description, is_kind, atomic, fields, numbers, zero });
            }
        }
    }
    for ty in &mut types {
        let fields = ty.fields.iter().enumerate();
        ty.numbers = fields.filter_map(|(index, field)| Some((field.number?, index))).collect();
        ty.numbers.sort_unstable_by_key(|(number, _)| (number.outer, number.inner));
    }
    Ok((types, index))
}

fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// Types are referred to before they are defined, so a first pass gives each its place.
fn index(files: &[&'static str]) -> HashMap<String, usize> {
    let mut index = HashMap::new();
    for file in files {
        let mut package = "";
        for line in lines(file).filter(|l| !l.starts_with(' ')) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("package") => package = words.next().unwrap_or_default(),
                Some(name) => {
                    let place = index.len();
                    index.insert(format!("{package}.{name}"), place);
                }
                None => {}
            }
        }
    }
    index
}

fn parse_package(line: &'static str) -> Result<&'static Package, NotationError> {
    let mut words = line.split_whitespace().skip(1);
    let (Some(short), Some(openapi)) = (words.next(), words.next()) else {
        return Err(NotationError { line, why: "a package has a name and an OpenAPI prefix" });
    };
    // A handful of packages, made once for the life of the process.
    Ok(Box::leak(Box::new(Package { short, openapi, group: words.next().unwrap_or_default() })))
}

fn parse_field(
    line: &'static str,
    text: &'static str,
    description: &'static str,
    package: &Package,
    index: &HashMap<String, usize>,
) -> Result<Field, NotationError> {
    let mut words = text.split_whitespace();
    let (Some(name), Some(shape)) = (words.next(), words.next()) else {
        return Err(NotationError { line, why: "a field has a name and a shape" });
    };
    let (name, required) = name.strip_suffix('!').map_or((name, false), |n| (n, true));
    let shape = parse_shape(shape, package, index).ok_or(NotationError { line, why: "no such shape" })?;
    let mut field = Field {
        name,
        shape,
        required,
        patch: Patch::default(),
        merge: Merge::Unsaid,
        keeps_empty: false,
        omits_zero: false,
        by_value: false,
        choices: Vec::new(),
        default: None,
        number: None,
        description,
    };
    for flag in words {
        if let Some(number) = flag.strip_prefix('#') {
            field.number = Some(parse_number(number).ok_or(NotationError { line, why: "no such number" })?);
            continue;
        }
        let (word, argument) = flag.strip_suffix(')').and_then(|f| f.split_once('(')).unwrap_or((flag, ""));
        match word {
            "merge" => {
                field.patch.merge = true;
                field.patch.key = (!argument.is_empty()).then_some(argument);
            }
            "retainKeys" => field.patch.retain_keys = true,
            "map" => field.merge = Merge::Map(argument.split(',').collect()),
            "set" => field.merge = Merge::Set,
            "atomic" => field.merge = Merge::Atomic,
            "granular" => field.merge = Merge::Granular,
            "ptr" => field.keeps_empty = true,
            "omitzero" => field.omits_zero = true,
            "value" => field.by_value = true,
            "enum" => field.choices = argument.split('|').collect(),
            "default" => field.default = Some(argument),
            _ => return Err(NotationError { line, why: "no such flag" }),
        }
    }
    Ok(field)
}

fn parse_number(text: &str) -> Option<Number> {
    let (outer, inner) = text.split_once('.').map_or((text, None), |(outer, inner)| (outer, Some(inner)));
    let inner = inner.map(|number| number.parse().ok().filter(|&n| n > 0)).map_or(Some(None), |n| n.map(Some))?;
    Some(Number { outer: outer.parse().ok().filter(|&n| n > 0)?, inner })
}

fn parse_shape(text: &str, package: &Package, index: &HashMap<String, usize>) -> Option<Shape> {
    if let Some(of) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        return Some(Shape::List(Box::new(parse_shape(of, package, index)?)));
    }
    if let Some(of) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        return Some(Shape::Map(Box::new(parse_shape(of, package, index)?)));
    }
    Some(match text {
        "string" => Shape::String,
        "bool" => Shape::Bool,
        "int32" => Shape::Int32,
        "int64" => Shape::Int64,
        "double" => Shape::Double,
        "quantity" => Shape::Quantity,
        "intorstring" => Shape::IntOrString,
        "time" => Shape::Time,
        "microtime" => Shape::MicroTime,
        "bytes" => Shape::Bytes,
        "any" => Shape::Any,
        name => {
            let place =
                if name.contains('.') { index.get(name) } else { index.get(&format!("{}.{name}", package.short)) };
            Shape::Struct(TypeRef(*place?))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named() {
        for (file, why) in [
            ("  a string", "a field before any type"),
            ("A kind", "a type before any package"),
            ("package p/v1 q\nA\n  f Nope", "no such shape"),
            ("package p/v1 q\nA\n  f string loud", "no such flag"),
            ("package p/v1 q\nA\n  f string #2.x", "no such number"),
            ("package p/v1 q\nA\n  f string #0", "no such number"),
            ("package p/v1 q\nA\n  f", "a field has a name and a shape"),
        ] {
            assert_eq!(parse(&[file]).expect_err(file).why, why);
        }
    }

    #[test]
    fn shapes_nest_and_refer_forward() {
        let (types, _) =
            parse(&["package p/v1 q g\nA kind -- An a.\n  f! {[B]} merge(x) ptr -- Of a.\nB atomic\n  g string enum(|C|D) default(C)\n"]).expect("valid");
        let field = &types[0].fields[0];
        assert_eq!(field.shape, Shape::Map(Box::new(Shape::List(Box::new(Shape::Struct(TypeRef(1)))))));
        assert!(field.required && field.keeps_empty && types[0].is_kind && types[1].atomic);
        let choice = &types[1].fields[0];
        assert_eq!((&choice.choices[..], choice.default), (&["", "C", "D"][..], Some("C")));
        assert_eq!((field.description, field.patch.key, types[0].package.group), ("Of a.", Some("x"), "g"));
    }
}
