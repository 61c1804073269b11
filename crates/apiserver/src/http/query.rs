//! The parameters of a request.

use std::time::Duration;

use kube_api::Status;
use kube_api::decode::FieldValidation;
use kube_api::status::{Cause, Details, quote};
use serve::duration;

use super::path::unescape_bytes;

/// A request's parameters, decoded; the first of a name counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    /// The kind of the options that these are (`CreateOptions`), as refusals name it.
    pub(crate) options: &'static str,
}

impl Query {
    /// From what follows the question mark. Pairs that cannot be decoded are left out, as Go does; what is no UTF-8 in one is
    /// replaced, so that it is refused as whatever it stands for.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |part| Some(String::from_utf8_lossy(&unescape_bytes(part, true)?).into_owned());
            Some((text(name)?, text(value)?))
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

    /// A parameter that is there, even an empty one.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A number, which may be below 0.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        let read = |text: &str| text.parse().map_err(|_| Status::bad_request(not_a_number("Int", text)));
        self.given(name).map(read).transpose()
    }

    /// `resourceVersion`: `None` where it is not given.
    pub(crate) fn resource_version(&self) -> Result<Option<u64>, Status> {
        let read = |text: &str| {
            let why = || format!("resourceVersion: Invalid value: {}: {}", quote(text), not_a_number("Uint", text));
            text.parse().map_err(|_| Status::bad_request(why()))
        };
        self.get("resourceVersion").map(read).transpose()
    }

    /// `timeoutSeconds` of a watch.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>, Status> {
        let seconds = self.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok());
        Ok(seconds.filter(|&seconds| seconds > 0).map(Duration::from_secs))
    }

    /// `timeout`: how long the client waits for any answer; `None` where it does not say, or waits for ever.
    pub(crate) fn patience(&self) -> Result<Option<Duration>, Status> {
        let Some(text) = self.get("timeout") else { return Ok(None) };
        let seconds = duration::seconds(text)
            .map_err(|why| Status::bad_request(format!("invalid timeout specified in the request URL - {why}")))?;
        Ok((seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
    }

    /// `limit`, where there is one.
    pub(crate) fn limit(&self) -> Result<Option<usize>, Status> {
        let limit = self.number("limit")?.and_then(|limit| usize::try_from(limit).ok());
        Ok(limit.filter(|&limit| limit > 0))
    }

    /// `dryRun`: whether nothing is to be stored.
    pub(crate) fn dry_run(&self) -> Result<bool, Status> {
        let values: Vec<&str> = self.all("dryRun").collect();
        if values.iter().any(|&value| value != "All") {
            let shown: Vec<String> = values.iter().map(|value| quote(value)).collect();
            let message = format!("Unsupported value: []string{{{}}}: supported values: \"All\"", shown.join(", "));
            return Err(invalid(self.options, "dryRun", "FieldValueNotSupported", message));
        }
        Ok(!values.is_empty())
    }

    /// `fieldValidation`.
    pub(crate) fn field_validation(&self) -> Result<FieldValidation, Status> {
        match self.get("fieldValidation") {
            None | Some("Warn") => Ok(FieldValidation::Warn),
            Some("Ignore") => Ok(FieldValidation::Ignore),
            Some("Strict") => Ok(FieldValidation::Strict),
            Some(other) => {
                let supported = "supported values: \"Ignore\", \"Warn\", \"Strict\"";
                let message = format!("Unsupported value: {}: {supported}", quote(other));
                Err(invalid(self.options, "fieldValidation", "FieldValueNotSupported", message))
            }
        }
    }
}

/// An option whose value it cannot have; `kind` is the kind of the options.
pub(crate) fn invalid(kind: &str, field: &str, reason: &'static str, message: String) -> Status {
    let text = format!("{kind}.meta.k8s.io \"\" is invalid: {field}: {message}");
    let cause = Cause { reason, message, field: field.to_owned() };
    let about = Details { group: "meta.k8s.io".to_owned(), kind: kind.to_owned(), ..Details::default() };
    Status::new(422, "Invalid", text).with_details(about).with_causes(vec![cause])
}

/// Why Go does not read a text as a number of that type.
fn not_a_number(of: &str, text: &str) -> String {
    let digits = text.strip_prefix('-').filter(|_| of == "Int").unwrap_or(text);
    let digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let why = if digits { "value out of range" } else { "invalid syntax" };
    format!("strconv.Parse{of}: parsing {}: {why}", quote(text))
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
        let limit = |text| Query::parse(Some(text)).limit();
        assert_eq!((limit("limit=-1"), limit("limit=5"), limit("")), (Ok(None), Ok(Some(5)), Ok(None)));
        for (text, why) in [("limit=x", "syntax"), ("limit=", "syntax"), ("limit=99999999999999999999", "range")] {
            assert!(limit(text).unwrap_err().message.ends_with(why), "{text}");
        }
        assert_eq!(Query::parse(Some("a=%ff")).get("a"), Some("\u{fffd}"));
        assert!(Query::parse(Some("dryRun=Some")).dry_run().is_err());
        let patience = |text| Query::parse(Some(text)).patience();
        assert_eq!(patience("timeout=1m"), Ok(Some(Duration::from_secs(60))));
        assert_eq!((patience("timeout=0"), patience("timeout=-1s"), patience("")), (Ok(None), Ok(None), Ok(None)));
        assert_eq!(patience("timeout=99999999999999999999h"), Ok(Some(Duration::MAX)));
        let why = "invalid timeout specified in the request URL - time: invalid duration \"abc\"";
        assert_eq!(patience("timeout=abc").unwrap_err().message, why);
        let version = Query::parse(Some("resourceVersion=%00%C2%A0")).resource_version().unwrap_err().message;
        let parsed =
            r#"resourceVersion: Invalid value: "\x00\u00a0": strconv.ParseUint: parsing "\x00\u00a0": invalid syntax"#;
        assert_eq!(version, parsed);
    }
}
