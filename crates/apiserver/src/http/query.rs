//! The parameters of a request.

use std::time::Duration;

use kube_api::Status;
use kube_api::decode::FieldValidation;
use kube_api::status::{Cause, Details};

use super::path::unescape;

/// A request's parameters, decoded; the first of a name counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    /// The kind of the options that these are (`CreateOptions`), as refusals name it.
    pub(crate) options: &'static str,
}

impl Query {
    /// From what follows the question mark. Pairs that cannot be decoded are left out, as Go does.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(name, true)?, unescape(value, true)?))
        });
        Self { pairs: decoded.collect(), options: "" }
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether a switch is on, read as Go reads it: `true`, `1`, or there without a value.
    pub(crate) fn flag(&self, name: &str) -> bool {
        let value = self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        value.is_some_and(|v| !matches!(v.to_ascii_lowercase().as_str(), "false" | "0" | "f"))
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Status> {
        self.get(name).map(|text| text.parse().map_err(|_| not_a_number(text))).transpose()
    }

    /// `resourceVersion`: `None` where it is not given.
    pub(crate) fn resource_version(&self) -> Result<Option<u64>, Status> {
        self.get("resourceVersion").map(|text| text.parse().map_err(|_| bad_version(text))).transpose()
    }

    /// `timeoutSeconds` of a watch.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>, Status> {
        Ok(self.number("timeoutSeconds")?.filter(|&seconds| seconds > 0).map(Duration::from_secs))
    }

    /// `dryRun`: whether nothing is to be stored.
    pub(crate) fn dry_run(&self) -> Result<bool, Status> {
        let mut dry = false;
        for value in self.all("dryRun") {
            if value != "All" {
                let message = format!("Unsupported value: []string{{{value:?}}}: supported values: \"All\"");
                return Err(invalid(self.options, "dryRun", message));
            }
            dry = true;
        }
        Ok(dry)
    }

    /// `fieldValidation`.
    pub(crate) fn field_validation(&self) -> Result<FieldValidation, Status> {
        match self.get("fieldValidation") {
            None | Some("Warn") => Ok(FieldValidation::Warn),
            Some("Ignore") => Ok(FieldValidation::Ignore),
            Some("Strict") => Ok(FieldValidation::Strict),
            Some(other) => {
                let supported = "supported values: \"Ignore\", \"Warn\", \"Strict\"";
                Err(invalid(self.options, "fieldValidation", format!("Unsupported value: {other:?}: {supported}")))
            }
        }
    }
}

/// An option whose value is none of those that are supported; `kind` is the kind of the options.
pub(crate) fn invalid(kind: &str, field: &str, message: String) -> Status {
    let text = format!("{kind}.meta.k8s.io \"\" is invalid: {field}: {message}");
    let cause = Cause { reason: "FieldValueNotSupported", message, field: field.to_owned() };
    let about = Details { group: "meta.k8s.io".to_owned(), kind: kind.to_owned(), ..Details::default() };
    Status::new(422, "Invalid", text).with_details(about).with_causes(vec![cause])
}

fn not_a_number(text: &str) -> Status {
    Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
}

fn bad_version(text: &str) -> Status {
    Status::bad_request(format!(
        "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse(Some("labelSelector=a%3Db%2Cc&watch=1&limit=&x=a+b&bad=%zz&follow"));
        assert_eq!(query.get("labelSelector"), Some("a=b,c"));
        assert_eq!(query.get("x"), Some("a b"));
        assert_eq!((query.get("limit"), query.get("bad")), (None, None));
        assert!(query.flag("watch") && query.flag("follow") && !query.flag("previous"));
        assert!(Query::parse(Some("limit=x")).number("limit").is_err());
        assert!(Query::parse(Some("dryRun=Some")).dry_run().is_err());
        assert!(Query::parse(Some("resourceVersion=abc")).resource_version().is_err());
    }
}
