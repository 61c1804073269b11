//! Label selectors: `a=b,c!=d,e in (f,g),!h`, and the `LabelSelector` objects of specs.

use std::fmt;

use serde_json::{Map, Value};

use super::{Operator, Requirement, SelectorError, parser};
use crate::status::quote;

/// A parsed label selector: all of its requirements must hold. Without any, everything matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
    /// What matches no object at all, whatever its labels.
    nothing: bool,
}

impl LabelSelector {
    /// Parses `a=b,c!=d,e in (f,g),h,!i`.
    ///
    /// # Errors
    /// A text that is no selector, or names no valid label key or value.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = parser::parse(text)?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements, nothing: false })
    }

    /// The selector of a map of labels, all of which must be there.
    #[must_use]
    pub fn from_map(labels: &Map<String, Value>) -> Self {
        let requirements = labels
            .iter()
            .map(|(key, value)| Requirement {
                key: key.clone(),
                operator: Operator::Equals,
                values: vec![value.as_str().unwrap_or_default().to_owned()],
            })
            .collect();
        Self { requirements, nothing: false }
    }

    /// The selector of a `LabelSelector` object (`matchLabels`, `matchExpressions`): none matches nothing, an empty one
    /// everything.
    ///
    /// # Errors
    /// An operator that is not known, or wrong keys or values.
    pub fn from_object(selector: &Value) -> Result<Self, SelectorError> {
        let Value::Object(selector) = selector else {
            return Ok(Self { requirements: Vec::new(), nothing: true });
        };
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        let mut requirements = labels.map(|l| Self::from_map(l).requirements).unwrap_or_default();
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let operator = match expression["operator"].as_str().unwrap_or_default() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(SelectorError(format!("{} is not a valid label selector operator", quote(other)))),
            };
            let values = expression["values"].as_array().into_iter().flatten();
            let values = values.filter_map(|v| v.as_str().map(str::to_owned)).collect();
            requirements.push(Requirement::new(expression["key"].as_str().unwrap_or_default(), operator, values)?);
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements, nothing: false })
    }

    /// Whether everything matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }

    /// What is demanded, sorted by key.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether an object's `metadata.labels` match.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&object["metadata"]["labels"])
    }

    /// Whether labels match, given as an object (or null).
    #[must_use]
    pub fn matches_labels(&self, labels: &Value) -> bool {
        self.matches_with(|key| labels.get(key).and_then(Value::as_str))
    }

    /// Whether labels match, given as a look-up.
    pub fn matches_with<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        !self.nothing && self.requirements.iter().all(|r| r.matches(label(&r.key)))
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn matches(selector: &str, labels: &Value) -> bool {
        LabelSelector::parse(selector).expect(selector).matches_labels(labels)
    }

    #[test]
    fn each_operator_matches_as_kubernetes_says() {
        let labels = json!({"app": "web", "tier": "front", "n": "5", "empty": ""});
        for yes in [
            "",
            "app=web",
            "app==web",
            "app!=db",
            "nope!=x",
            "app in (web,db)",
            "app notin (db)",
            "nope notin (x)",
            "app",
            "!nope",
            "n>4",
            "n<6",
            "app=web,tier",
            "empty=",
            "in!=x",
            "app in (web)",
            "empty in (,x)",
        ] {
            assert!(matches(yes, &labels), "{yes}");
        }
        for no in [
            "app=db",
            "app!=web",
            "nope",
            "!app",
            "n>5",
            "n<5",
            "app=web,nope",
            "app notin (web)",
            "nope in (x)",
            "x>1",
        ] {
            assert!(!matches(no, &labels), "{no}");
        }
    }

    #[test]
    fn errors_are_worded_as_kubernetes_does() {
        for (text, message) in [
            ("a b c", "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'"),
            ("a in x", "unable to parse requirement: found 'x' expected: '('"),
            ("a=b,", "found '', expected: identifier after ','"),
            ("=", "found '=', expected: !, identifier, or 'end of string'"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            (
                "a>b",
                "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ] {
            assert_eq!(LabelSelector::parse(text).expect_err(text).0, message, "{text}");
        }
        // no value is the empty one
        assert!(matches("a in ()", &json!({"a": ""})) && !matches("a in ()", &json!({"a": "b"})));
        assert!(LabelSelector::parse("a=b!").expect_err("value").0.starts_with("found '!'"));
        for (text, begins) in [
            // the key is looked at before what follows it, and has no name yet
            ("-a b", "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of"),
            ("a in (c,-b)", "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be"),
            (
                "a>-",
                "unable to parse requirement: [values[0]: Invalid value: \"-\": for 'Gt', 'Lt' operators, the value must \
             be an integer, values[0][a]: Invalid value: \"-\": a valid label",
            ),
        ] {
            let said = LabelSelector::parse(text).expect_err(text).0;
            assert!(said.starts_with(begins), "{said}");
        }
        let long = format!("a=-{}", "b".repeat(63));
        let said = LabelSelector::parse(&long).expect_err("too long, and not a label").0;
        assert!(said.contains(": must be no more than 63 characters; a valid label must be"), "{said}");
        let object = json!({"matchExpressions": [{"key": "-a", "operator": "In"}]});
        let said = LabelSelector::from_object(&object).expect_err("key and values").0;
        assert!(
            said.starts_with("[key: Invalid value: \"-a\": ") && said.contains(", values: Invalid value: []string{}: ")
        );
    }

    #[test]
    fn objects_of_specs_select_too() {
        let selector = json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}]});
        let selector = LabelSelector::from_object(&selector).expect("valid");
        assert!(selector.matches_labels(&json!({"a": "b"})));
        assert!(!selector.matches_labels(&json!({"a": "b", "c": "d"})));
        assert!(!LabelSelector::from_object(&Value::Null).expect("valid").matches_labels(&json!({"a": "b"})));
        assert!(LabelSelector::from_object(&json!({})).expect("valid").is_everything());
    }

    proptest! {
        #[test]
        fn printed_selectors_parse_to_the_same(
            terms in prop::collection::vec(("[a-z]{1,5}", prop::sample::select(vec!["=", "!=", " in ", " notin "]), "[a-z0-9]{1,5}"), 0..5)
        ) {
            let text: Vec<String> = terms
                .iter()
                .map(|(k, op, v)| if op.contains("in") { format!("{k}{op}({v})") } else { format!("{k}{op}{v}") })
                .collect();
            let selector = LabelSelector::parse(&text.join(",")).expect("valid");
            prop_assert_eq!(&LabelSelector::parse(&selector.to_string()).expect("printed"), &selector);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z=!<>(), in]{0,30}") {
            let _ = LabelSelector::parse(&text);
        }
    }
}
