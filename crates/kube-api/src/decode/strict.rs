//! What strict decoding has to say of a body: fields that its type does not know, and fields that are there twice.

use std::collections::HashSet;

use super::duplicates;
use crate::status::quote;

/// Kubernetes names a hundred such fields at most.
const MOST: usize = 100;

/// The paths of fields that a body has twice.
#[derive(Default)]
pub(super) struct Duplicates<'b> {
    pub(super) paths: Vec<String>,
    /// The body, where it is JSON: its errors are told as they stand in it.
    pub(super) json: Option<&'b [u8]>,
}

impl Duplicates<'_> {
    /// The errors, with the paths of `unknown` fields. YAML's are told duplicates first and then sorted, as Kubernetes does, which
    /// makes JSON with sorted keys of it.
    pub(super) fn errors(self, unknown: Vec<String>) -> Vec<String> {
        let of_duplicate = |path: &String| format!("duplicate field {}", quote(path));
        let of_unknown = |path: &String| format!("unknown field {}", quote(path));
        match self.json {
            Some(json) if self.paths.len() + unknown.len() > 1 => {
                // nobody looks for their places where there is nothing to be put in order
                let unknown: HashSet<String> = unknown.into_iter().collect();
                let keys = duplicates::keys(&String::from_utf8_lossy(json));
                let told = keys.iter().filter_map(|(path, again)| match again {
                    true => Some(of_duplicate(path)),
                    false => unknown.contains(path).then(|| of_unknown(path)),
                });
                told.take(MOST).collect()
            }
            _ => self.paths.iter().map(of_duplicate).chain(unknown.iter().map(of_unknown)).take(MOST).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(json: &str, unknown: &[&str]) -> String {
        let (_, paths) = duplicates::json(json).expect("valid");
        let unknown = unknown.iter().map(|path| (*path).to_owned()).collect();
        Duplicates { paths, json: Some(json.as_bytes()) }.errors(unknown).join(", ")
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
