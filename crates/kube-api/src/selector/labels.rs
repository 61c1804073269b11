//! Label selectors: `a=b,c!=d,e in (f,g),!h`, and the `LabelSelector` objects of specs.

use std::fmt;

use serde_json::{Map, Value};

use super::{SelectorError, parser};
use crate::status::quote;
use crate::validate::names;

/// A parsed label selector: all of its requirements must hold. Without any, everything matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
    /// What matches no object at all, whatever its labels.
    nothing: bool,
}

/// What is demanded of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What about it.
    pub operator: Operator,
    /// The values, sorted, without duplicates.
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equals,
    /// `==`
    DoubleEquals,
    /// `!=`: another value, or none
    NotEquals,
    /// `in`
    In,
    /// `notin`: another value, or none
    NotIn,
    /// The key alone
    Exists,
    /// `!key`
    DoesNotExist,
    /// `>`, as integers
    GreaterThan,
    /// `<`, as integers
    LessThan,
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

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

impl Requirement {
    /// Checks key, operator and values together.
    ///
    /// # Errors
    /// What Kubernetes would refuse, in its words.
    pub fn new(key: &str, operator: Operator, mut values: Vec<String>) -> Result<Self, SelectorError> {
        let invalid =
            |field: &str, value: &str, why: &str| SelectorError(format!("{field}: Invalid value: {value}: {why}"));
        if let Some(why) = names::qualified_name(key).first() {
            return Err(invalid("key", &quote(key), why));
        }
        let list = || format!("[]string{{{}}}", values.iter().map(|v| quote(v)).collect::<Vec<_>>().join(", "));
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                return Err(invalid("values", "[]string{}", "for 'in', 'notin' operators, values set can't be empty"));
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals if values.len() != 1 => {
                return Err(invalid("values", &list(), "exact-match compatibility requires one single value"));
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                return Err(invalid("values", &list(), "values set must be empty for exists and does not exist"));
            }
            Operator::GreaterThan | Operator::LessThan => {
                if values.len() != 1 {
                    return Err(invalid("values", &list(), "for 'Gt', 'Lt' operators, exactly one value is required"));
                }
                if values[0].parse::<i64>().is_err() {
                    return Err(invalid(
                        "values[0]",
                        &quote(&values[0]),
                        "for 'Gt', 'Lt' operators, the value must be an integer",
                    ));
                }
            }
            _ => {}
        }
        for (index, value) in values.iter().enumerate() {
            if let Some(why) = names::label_value(value).first() {
                return Err(invalid(&format!("values[{index}][{key}]"), &quote(value), why));
            }
        }
        values.sort_unstable();
        values.dedup();
        Ok(Self { key: key.to_owned(), operator, values })
    }

    fn matches(&self, value: Option<&str>) -> bool {
        let among = |value: &str| self.values.iter().any(|v| v == value);
        let number = |text: Option<&str>| text.and_then(|t| t.parse::<i64>().ok());
        let bound = number(self.values.first().map(String::as_str));
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => value.is_some_and(among),
            Operator::NotEquals | Operator::NotIn => !value.is_some_and(among),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => number(value).zip(bound).is_some_and(|(v, b)| v > b),
            Operator::LessThan => number(value).zip(bound).is_some_and(|(v, b)| v < b),
        }
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
        ] {
            assert_eq!(LabelSelector::parse(text).expect_err(text).0, message, "{text}");
        }
        // no value is the empty one
        assert!(matches("a in ()", &json!({"a": ""})) && !matches("a in ()", &json!({"a": "b"})));
        assert!(LabelSelector::parse("a=b!").expect_err("value").0.starts_with("found '!'"));
        assert!(
            LabelSelector::parse("-a=b")
                .expect_err("key")
                .0
                .contains("key: Invalid value: \"-a\": name part must consist of")
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
