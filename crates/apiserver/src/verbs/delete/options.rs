//! How a deletion is meant: what its request says in parameters or in a body.

use kube_api::{Status, validate};
use serde_json::{Value, json};

use crate::http::query::{self, Query};

/// How a deletion is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) grace: Option<u64>,
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) propagation: Option<String>,
    pub(crate) dry: bool,
}

impl Options {
    /// From a request's parameters and, which wins, its body.
    pub(crate) fn parse(query: &Query, body: &Value) -> Result<Self, Status> {
        let mut options = Self {
            grace: query.number("gracePeriodSeconds")?.map(seconds),
            propagation: query.get("propagationPolicy").map(str::to_owned),
            dry: query.dry_run()?,
            ..Self::default()
        };
        if !body.is_null() {
            options.merge(body)?;
            return Ok(options);
        }
        let orphan = query.get("orphanDependents").map(|_| query.flag("orphanDependents"));
        check(&json!({"propagationPolicy": options.propagation, "orphanDependents": orphan}))?;
        if let Some(orphan) = orphan {
            options.propagation = Some(if orphan { "Orphan" } else { "Background" }.to_owned());
        }
        Ok(options)
    }

    /// Takes over what a DeleteOptions says.
    pub(crate) fn merge(&mut self, value: &Value) -> Result<(), Status> {
        if !value.is_object() || !matches!(value["kind"].as_str(), None | Some("DeleteOptions")) {
            return Err(Status::bad_request("the body of a deletion must be a DeleteOptions"));
        }
        check(value)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match &value["gracePeriodSeconds"] {
            Value::Null => {}
            given => {
                let bad = || Status::bad_request("gracePeriodSeconds must be a whole number of seconds");
                self.grace = Some(seconds(given.as_i64().ok_or_else(bad)?));
            }
        }
        self.uid = text(&value["preconditions"]["uid"]);
        self.version = text(&value["preconditions"]["resourceVersion"]);
        self.propagation = text(&value["propagationPolicy"]).or(self.propagation.take());
        if let Some(orphan) = value["orphanDependents"].as_bool() {
            self.propagation = Some(if orphan { "Orphan" } else { "Background" }.to_owned());
        }
        self.dry |= value["dryRun"].as_array().is_some_and(|all| all.contains(&json!("All")));
        Ok(())
    }
}

/// Refuses options that contradict each other, or that are not known.
fn check(options: &Value) -> Result<(), Status> {
    match validate::delete_options(options).into_iter().next() {
        None => Ok(()),
        Some(error) => Err(query::invalid("DeleteOptions", &error.field, error.reason, error.message)),
    }
}

/// A grace period; one below 0 is a second.
fn seconds(given: i64) -> u64 {
    u64::try_from(given).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_or_refused() {
        let query = Query::parse(Some("gracePeriodSeconds=7"));
        let body = json!({"kind": "DeleteOptions", "preconditions": {"uid": "x"}});
        let options = Options::parse(&query, &body).unwrap();
        assert_eq!((options.grace, options.uid.as_deref()), (Some(7), Some("x")));
        assert_eq!(Options::parse(&query, &json!({"gracePeriodSeconds": -5})).unwrap().grace, Some(1));
        for bad in [
            json!({"gracePeriodSeconds": "x"}),
            json!({"propagationPolicy": "Sideways"}),
            json!({"propagationPolicy": "Orphan", "orphanDependents": true}),
            json!({"dryRun": ["Some"]}),
            json!({"kind": "Pod"}),
        ] {
            assert!(Options::parse(&query, &bad).is_err(), "{bad}");
        }
    }
}
