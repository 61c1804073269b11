//! `--resources` and `--attributes` of an agent (reference section 9.4).

use crate::Resource;
use crate::resource::{ReservationInfo, ReservationType};
use crate::value::{Attribute, Range, Ranges, Scalar, Set, Text, ValueType};

/// Why a list of resources or attributes cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read '{item}': {reason}")]
pub struct ParseError {
    item: String,
    reason: String,
}

fn refuse(item: &str, reason: impl Into<String>) -> ParseError {
    ParseError { item: item.to_owned(), reason: reason.into() }
}

/// `cpus:4;mem:1280;ports:[8000-21099,31000-32000];cpus(public):2`, or a JSON list of resources, in the format after
/// reservation refinement. A role in parentheses is a static reservation.
///
/// # Errors
/// The item that is not understood, and why.
pub fn parse_resources(text: &str) -> Result<Vec<Resource>, ParseError> {
    if text.trim_start().starts_with('[') {
        let parts: Vec<Resource> =
            crate::json::from_slice(text.as_bytes()).map_err(|error| refuse(text, error.to_string()))?;
        return Ok(super::Resources::from(&parts).to_vec());
    }
    text.split(';').map(str::trim).filter(|item| !item.is_empty()).map(parse_resource).collect()
}

fn parse_resource(item: &str) -> Result<Resource, ParseError> {
    let (name, value) = item.split_once(':').ok_or_else(|| refuse(item, "a resource is NAME:VALUE"))?;
    let (name, role) = match name.trim().split_once('(') {
        None => (name.trim(), None),
        Some((name, rest)) => {
            let role = rest.trim_end().strip_suffix(')').ok_or_else(|| refuse(item, "the role's ')' is missing"))?;
            (name.trim(), Some(role.trim()))
        }
    };
    if name.is_empty() {
        return Err(refuse(item, "the name is missing"));
    }
    let reservations = role.filter(|role| *role != "*").map(|role| ReservationInfo {
        r#type: Some(ReservationType::Static),
        role: Some(role.to_owned()),
        ..ReservationInfo::default()
    });
    let mut resource =
        Resource { name: name.to_owned(), reservations: reservations.into_iter().collect(), ..Resource::default() };
    let value = value.trim();
    if let Some(list) = value.strip_prefix('[') {
        (resource.r#type, resource.ranges) = (ValueType::Ranges, Some(parse_ranges(item, list)?));
    } else if let Some(list) = value.strip_prefix('{') {
        let list = list.strip_suffix('}').ok_or_else(|| refuse(item, "the set's '}' is missing"))?;
        let words = list.split(',').map(|word| word.trim().to_owned()).collect();
        (resource.r#type, resource.set) = (ValueType::Set, Some(Set { item: words }));
    } else {
        let number: f64 = value.parse().map_err(|_| refuse(item, format!("'{value}' is no number")))?;
        if !number.is_finite() || number < 0.0 {
            return Err(refuse(item, "an amount is finite and not negative"));
        }
        resource.scalar = Some(Scalar { value: number });
    }
    Ok(resource)
}

/// The ranges of `list`, which stood in `item` behind a `[`.
fn parse_ranges(item: &str, list: &str) -> Result<Ranges, ParseError> {
    let list = list.strip_suffix(']').ok_or_else(|| refuse(item, "the ranges' ']' is missing"))?;
    let range = |text: &str| {
        let (begin, end) = text.split_once('-')?;
        let range = Range { begin: begin.trim().parse().ok()?, end: end.trim().parse().ok()? };
        (range.begin <= range.end).then_some(range)
    };
    let ranges = list.split(',').map(|text| range(text).ok_or_else(|| refuse(item, format!("'{text}' is no range"))));
    Ok(Ranges { range: ranges.collect::<Result<_, _>>()? })
}

/// `rack:1;zone:west;keys:[1000-1500]`: numbers are scalars, lists in brackets ranges, all else is text.
///
/// # Errors
/// The item that is not understood, and why.
pub fn parse_attributes(text: &str) -> Result<Vec<Attribute>, ParseError> {
    text.split([';', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(parse_attribute).collect()
}

fn parse_attribute(item: &str) -> Result<Attribute, ParseError> {
    let (name, value) = item.split_once(':').ok_or_else(|| refuse(item, "an attribute is NAME:VALUE"))?;
    let (name, value) = (name.trim().to_owned(), value.trim());
    if let Some(list) = value.strip_prefix('[') {
        let ranges = Some(parse_ranges(item, list)?);
        return Ok(Attribute { name, r#type: ValueType::Ranges, ranges, ..Attribute::default() });
    }
    if value.starts_with('{') {
        return Err(refuse(item, "sets are not supported in attributes"));
    }
    if let Some(number) = value.parse().ok().filter(|number: &f64| number.is_finite()) {
        return Ok(Attribute { name, scalar: Some(Scalar { value: number }), ..Attribute::default() });
    }
    let text = Some(Text { value: value.to_owned() });
    Ok(Attribute { name, r#type: ValueType::Text, text, ..Attribute::default() })
}
