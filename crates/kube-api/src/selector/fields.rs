//! Field selectors: `metadata.name=a,status.phase!=Running`, over the few fields that each kind offers.

use std::borrow::Cow;

use serde_json::Value;

use super::SelectorError;
use crate::kinds::Kind;

/// A parsed field selector of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: &'static str,
    equal: bool,
    value: String,
}

impl FieldSelector {
    /// Parses `metadata.name=a,status.phase!=Running` and checks that the kind offers these fields.
    ///
    /// # Errors
    /// A text that is no selector, or a field that the kind does not offer.
    pub fn parse(kind: &Kind, text: &str) -> Result<Self, SelectorError> {
        let offered = |(field, equal, value): (&str, bool, String)| {
            let field = supported(kind).find(|f| *f == field).ok_or_else(|| SelectorError(unsupported(kind, field)))?;
            Ok(Term { field, equal, value })
        };
        let terms = field_terms(text)?.into_iter().map(offered).collect::<Result<_, SelectorError>>()?;
        Ok(Self { terms })
    }

    /// Whether everything matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an object of the kind matches.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|t| (field_value(object, t.field) == t.value) == t.equal)
    }

    /// Whether an object matches whose fields are given as a look-up, in the form of [`field_value`]; `None` stands for a
    /// field that the object does not have.
    pub fn matches_with<'a>(&self, field: impl Fn(&str) -> Option<&'a str>) -> bool {
        let matches = |term: &Term| match field(term.field) {
            Some(value) => value == term.value,
            None => field_value(&Value::Null, term.field) == term.value,
        };
        self.terms.iter().all(|term| matches(term) == term.equal)
    }

    /// The value that the selector demands of a field by equality (`metadata.name` makes a list a get).
    #[must_use]
    pub fn required(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|t| t.equal && t.field == field).map(|t| t.value.as_str())
    }
}

/// The terms of a selector of any kind: a field, whether it has a value or another one, and the value.
///
/// # Errors
/// A text that is no selector.
pub fn field_terms(text: &str) -> Result<Vec<(&str, bool, String)>, SelectorError> {
    let terms = split_terms(text).into_iter().filter(|term| !term.is_empty());
    let read = terms.map(|term| {
        let (field, equal, value) = split_term(term)
            .ok_or_else(|| SelectorError(format!("invalid selector: '{text}'; can't understand '{term}'")))?;
        Ok((field, equal, unescape(value)?))
    });
    read.collect()
}

/// The fields that can be selected by.
pub fn supported(kind: &Kind) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match (kind.group, kind.kind) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Node") => &["spec.unschedulable"],
        ("", "Namespace") => &["status.phase"],
        ("", "ReplicationController") => &["status.replicas"],
        ("", "Secret") => &["type"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "Event") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        _ => &[],
    };
    ["metadata.name", "metadata.namespace"].into_iter().chain(own.iter().copied())
}

/// The value that a field of an object has for a selector.
#[must_use]
pub fn field_value<'a>(object: &'a Value, field: &str) -> Cow<'a, str> {
    let at = |path: &str| path.split('.').try_fold(object, |value, key| value.get(key));
    match field {
        "source" => {
            let source = at("source.component").and_then(Value::as_str).filter(|s| !s.is_empty());
            source.or_else(|| at("reportingComponent").and_then(Value::as_str)).unwrap_or_default().into()
        }
        "spec.unschedulable" | "spec.hostNetwork" => (at(field) == Some(&Value::Bool(true))).to_string().into(),
        "status.podIPs" => {
            let ips = at("status.podIPs").and_then(Value::as_array).into_iter().flatten();
            ips.filter_map(|ip| ip["ip"].as_str()).collect::<Vec<_>>().join(",").into()
        }
        _ => match at(field) {
            Some(Value::String(text)) => text.as_str().into(),
            Some(Value::Number(number)) => number.to_string().into(),
            _ if field == "status.replicas" => "0".into(),
            _ => "".into(),
        },
    }
}

/// Kinds with fields of their own word the refusal in another way than the others.
fn unsupported(kind: &Kind, field: &str) -> String {
    match (kind.group, kind.kind) {
        ("", "Pod" | "Node" | "ReplicationController" | "Event" | "Namespace" | "Secret" | "Service")
        | ("events.k8s.io", "Event") => format!("field label not supported: {field}"),
        _ => format!(
            "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            crate::status::quote(field)
        ),
    }
}

/// Splits at commas that no backslash escapes.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.find(['=', '!'])?;
    let (field, rest) = term.split_at(at);
    [("!=", false), ("==", true), ("=", true)]
        .into_iter()
        .find_map(|(operator, equal)| rest.strip_prefix(operator).map(|value| (field, equal, value)))
}

fn unescape(text: &str) -> Result<String, SelectorError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(SelectorError(format!("invalid field selector: invalid escape sequence: \\{other}")));
                }
            },
            ',' | '=' => {
                return Err(SelectorError(format!(
                    "invalid field selector: unescaped character in value: {}",
                    u32::from(c)
                )));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use serde_json::json;

    fn pods(text: &str) -> Result<FieldSelector, SelectorError> {
        FieldSelector::parse(kinds::find("", "v1", "pods").expect("served"), text)
    }

    #[test]
    fn pods_are_selected_by_node_and_phase() {
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        for (text, yes) in [
            ("", true),
            ("spec.nodeName=n1", true),
            ("spec.nodeName==n1,status.phase!=Pending", true),
            ("spec.nodeName=", false),
            ("metadata.name!=a", false),
            ("spec.hostNetwork=false", true),
            ("status.podIP=", true),
        ] {
            assert_eq!(pods(text).expect(text).matches(&pod), yes, "{text}");
        }
        assert_eq!(pods("metadata.name=a").expect("valid").required("metadata.name"), Some("a"));
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert_eq!(pods("spec.nope=x").expect_err("no field").0, "field label not supported: spec.nope");
        assert_eq!(pods("x").expect_err("no term").0, "invalid selector: 'x'; can't understand 'x'");
        assert!(pods("metadata.name=a\\x").is_err());
        let maps = kinds::find("", "v1", "configmaps").expect("served");
        assert_eq!(
            FieldSelector::parse(maps, "data=x").expect_err("no field").0,
            "\"data\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
    }

    #[test]
    fn events_are_selected_by_their_object_and_source() {
        let events = kinds::find("", "v1", "events").expect("served");
        let event = json!({"involvedObject": {"name": "p1"}, "reportingComponent": "kubelet"});
        let selector = FieldSelector::parse(events, "involvedObject.name=p1,source=kubelet").expect("valid");
        assert!(selector.matches(&event));
    }
}
