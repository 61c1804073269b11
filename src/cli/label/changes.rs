//! What shall become of an object's labels or annotations, and whether it may.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::What;
use crate::failure::Failure;

/// `KEY=VALUE…` and `KEY-…`: what is set, and what goes (none).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changes(BTreeMap<String, Option<String>>);

/// What the changes are to one object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The merge patch of the map, empty where nothing is to change.
    pub(super) patch: Map<String, Value>,
    /// What was to go and is not there.
    pub(super) missing: Vec<String>,
}

/// Splits what is typed into the words that name objects and the changes behind them.
///
/// # Errors
/// No change, an object behind a change, or a key that is set and taken away.
pub(super) fn split(what: What, words: &[String]) -> Result<(&[String], Changes), Failure> {
    let is_change = |word: &String| word.contains('=') || word.ends_with('-');
    let begin = words.iter().position(is_change).unwrap_or(words.len());
    let (objects, typed) = words.split_at(begin);
    let mut changes = BTreeMap::new();
    for word in typed {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None if word.ends_with('-') => (&word[..word.len() - 1], None),
            None => {
                return Err(Failure::usage(format!("all resources must be specified before {what} changes: {word}")));
            }
        };
        if key.is_empty() {
            return Err(Failure::usage(format!("{word:?} has no key")).hint("KEY=VALUE sets, and KEY- takes away"));
        }
        let twice = changes.insert(key.to_owned(), value.clone());
        if twice.is_some_and(|before| before.is_none() != value.is_none()) {
            return Err(Failure::usage(format!("can not both modify and remove {what} {key:?} in the same command")));
        }
    }
    if changes.is_empty() {
        return Err(Failure::usage(format!("at least one {what} update is required"))
            .hint("KEY=VALUE sets, and KEY- takes away"));
    }
    Ok((objects, Changes(changes)))
}

impl Changes {
    /// What they are to an object that has `current`.
    ///
    /// # Errors
    /// A key has another value already, which they may not `overwrite`.
    pub(super) fn plan(&self, current: &Value, overwrite: bool) -> Result<Plan, String> {
        let mut plan = Plan { patch: Map::new(), missing: Vec::new() };
        for (key, value) in &self.0 {
            match (current[key].as_str(), value) {
                (None, None) => plan.missing.push(key.clone()),
                (Some(_), None) => drop(plan.patch.insert(key.clone(), Value::Null)),
                (Some(now), Some(value)) if now == value => {}
                (Some(now), Some(_)) if !overwrite => {
                    return Err(format!("'{key}' already has a value ({now}), and --overwrite is false"));
                }
                (_, Some(value)) => drop(plan.patch.insert(key.clone(), value.as_str().into())),
            }
        }
        Ok(plan)
    }
}

impl Plan {
    /// The word for what was done, as kubectl has it.
    pub(super) fn word(&self, what: What, overwrite: bool) -> &'static str {
        match what {
            What::Annotation => "annotated",
            What::Label if self.patch.is_empty() => "not labeled",
            What::Label if !overwrite && self.patch.values().all(Value::is_null) => "unlabeled",
            What::Label => "labeled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(line: &str) -> Result<(Vec<String>, Changes), String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (objects, changes) = split(What::Label, &words).map_err(|failure| failure.line())?;
        Ok((objects.to_vec(), changes))
    }

    fn planned(line: &str, overwrite: bool) -> Result<(Value, &'static str), String> {
        let plan = read(line)?.1.plan(&json!({"a": "1", "b": "2"}), overwrite)?;
        let word = plan.word(What::Label, overwrite);
        Ok((plan.patch.into(), word))
    }

    #[test]
    fn changes_stand_behind_objects() {
        let (objects, changes) = read("pod x-1 y a=b=c d=").expect("valid");
        assert_eq!(objects, ["pod", "x-1", "y"]);
        assert_eq!(changes.0["a"].as_deref(), Some("b=c"));
        assert_eq!(changes.0["d"].as_deref(), Some(""));
        assert_eq!(read("pod x a- b=1").expect("valid").1.0["a"], None);
        for wrong in ["pod x", "pod a=1 x", "pod x =1", "pod x -", "pod x a=1 a-", "pod x a- a=1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_overwritten_only_where_that_is_said() {
        assert_eq!(planned("a=1", false).expect("it has it"), (json!({}), "not labeled"));
        assert_eq!(planned("c=3", false).expect("new"), (json!({"c": "3"}), "labeled"));
        assert_eq!(
            planned("a=2", false).expect_err("another"),
            "'a' already has a value (1), and --overwrite is false"
        );
        assert_eq!(planned("a=2", true).expect("overwritten"), (json!({"a": "2"}), "labeled"));
        assert_eq!(planned("a- z-", false).expect("away"), (json!({"a": null}), "unlabeled"));
        let plan = read("z-").expect("valid").1.plan(&Value::Null, false).expect("nothing");
        assert_eq!((plan.missing, plan.patch.len()), (vec!["z".to_owned()], 0));
    }
}
