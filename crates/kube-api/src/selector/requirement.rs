//! What a label selector demands of one label.

use std::fmt;

use super::SelectorError;
use crate::status::quote;
use crate::validate::names;

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
    /// All that Kubernetes would refuse, in its words.
    pub fn new(key: &str, operator: Operator, mut values: Vec<String>) -> Result<Self, SelectorError> {
        let mut errors: Vec<String> = wrong_key("key", key).into_iter().collect();
        errors.extend(wrong_count(operator, &values));
        for (index, value) in values.iter().enumerate() {
            if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
                let why = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(invalid(&format!("values[{index}]"), &quote(value), why));
            }
        }
        for (index, value) in values.iter().enumerate() {
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                errors.push(invalid(&format!("values[{index}][{key}]"), &quote(value), &wrong.join("; ")));
            }
        }
        match errors.as_slice() {
            [] => {}
            [one] => return Err(SelectorError(one.clone())),
            several => return Err(SelectorError(format!("[{}]", several.join(", ")))),
        }
        values.sort_unstable();
        values.dedup();
        Ok(Self { key: key.to_owned(), operator, values })
    }

    /// Whether a label of that value, or none, is what is demanded.
    pub(super) fn matches(&self, value: Option<&str>) -> bool {
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

fn invalid(field: &str, value: &str, why: &str) -> String {
    format!("{field}: Invalid value: {value}: {why}")
}

/// What is wrong with a label's key that stands in that field.
pub(super) fn wrong_key(field: &str, key: &str) -> Option<String> {
    let wrong = names::qualified_name(key);
    (!wrong.is_empty()).then(|| invalid(field, &quote(key), &wrong.join("; ")))
}

/// What is wrong with the number of values.
fn wrong_count(operator: Operator, values: &[String]) -> Option<String> {
    let why = match (operator, values.len()) {
        (Operator::In | Operator::NotIn, 0) => "for 'in', 'notin' operators, values set can't be empty",
        (Operator::In | Operator::NotIn, _) => return None,
        (Operator::Exists | Operator::DoesNotExist, 0) => return None,
        (Operator::Exists | Operator::DoesNotExist, _) => "values set must be empty for exists and does not exist",
        (_, 1) => return None,
        (Operator::GreaterThan | Operator::LessThan, _) => "for 'Gt', 'Lt' operators, exactly one value is required",
        _ => "exact-match compatibility requires one single value",
    };
    let list: Vec<String> = values.iter().map(|value| quote(value)).collect();
    Some(invalid("values", &format!("[]string{{{}}}", list.join(", ")), why))
}
