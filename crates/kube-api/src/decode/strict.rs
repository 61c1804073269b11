//! What strict decoding has to say of a body: fields that its type does not know, and fields that are there twice.

use std::collections::HashSet;
use std::fmt;

use super::duplicates::{self, Again};
use crate::status::quote;

/// Kubernetes names a hundred such fields at most.
const MOST: usize = 100;

/// The fields that a body has twice, and the body.
#[derive(Default)]
pub(super) enum Duplicates<'b> {
    /// A format that has no such fields.
    #[default]
    None,
    Json(Vec<String>, &'b [u8]),
    Yaml(Vec<Again>, &'b [u8]),
}

/// All that strict decoding has to say.
pub(super) struct Errors {
    /// Duplicates as YAML's parser told them, which come first.
    yaml: Vec<String>,
    fields: Vec<String>,
}

impl Duplicates<'_> {
    /// The errors, with the paths of `unknown` fields. JSON's are told as they stand in the body; YAML's unknown fields are sorted, as
    /// Kubernetes makes JSON with sorted keys of it.
    pub(super) fn errors(self, unknown: Vec<String>) -> Errors {
        let of_duplicate = |path: &String| format!("duplicate field {}", quote(path));
        let of_unknown = |path: &String| format!("unknown field {}", quote(path));
        let fields = match &self {
            Self::Json(paths, body) if paths.len() + unknown.len() > 1 => {
                // nobody looks for their places where there is nothing to be put in order
                let unknown: HashSet<String> = unknown.into_iter().collect();
                let keys = duplicates::keys(&String::from_utf8_lossy(body));
                let told = keys.iter().filter_map(|(path, again)| match again {
                    true => Some(of_duplicate(path)),
                    false => unknown.contains(path).then(|| of_unknown(path)),
                });
                told.take(MOST).collect()
            }
            Self::Json(paths, _) => paths.iter().map(of_duplicate).chain(unknown.iter().map(of_unknown)).collect(),
            Self::Yaml(..) | Self::None => unknown.iter().take(MOST).map(of_unknown).collect(),
        };
        let yaml = match &self {
            Self::Yaml(keys, body) => duplicates::lines(&String::from_utf8_lossy(body), keys).take(MOST).collect(),
            _ => Vec::new(),
        };
        Errors { yaml, fields }
    }
}

impl Errors {
    pub(super) fn is_empty(&self) -> bool {
        self.yaml.is_empty() && self.fields.is_empty()
    }

    /// Each error by itself.
    pub(super) fn warnings(self) -> Vec<String> {
        [self.yaml, self.fields].concat()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yaml = (!self.yaml.is_empty()).then(|| format!("yaml: unmarshal errors:\n  {}", self.yaml.join("\n  ")));
        let all: Vec<&str> = yaml.iter().chain(&self.fields).map(String::as_str).collect();
        write!(f, "strict decoding error: {}", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(json: &str, unknown: &[&str]) -> String {
        let (_, paths) = duplicates::json(json).expect("valid");
        let unknown = unknown.iter().map(|path| (*path).to_owned()).collect();
        Duplicates::Json(paths, json.as_bytes()).errors(unknown).warnings().join(", ")
    }

    #[test]
    fn errors_are_told_as_they_stand_in_the_body() {
        assert_eq!(
            errors(r#"{"spec":{"unknownField":"foo","replicas":2,"replicas":3}}"#, &["spec.unknownField"]),
            r#"unknown field "spec.unknownField", duplicate field "spec.replicas""#
        );
        assert_eq!(
            errors(r#"{"zzz":1,"metadata":{"uu":1},"aaa":2}"#, &["aaa", "metadata.uu", "zzz"]),
            r#"unknown field "zzz", unknown field "metadata.uu", unknown field "aaa""#
        );
        assert_eq!(errors(r#"{"a":1}"#, &["a"]), r#"unknown field "a""#);
    }
}
