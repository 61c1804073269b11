//! Limit ranges: what each limit is for, and the order in which its amounts stand.

use std::collections::{BTreeSet, HashSet};

use super::error::Errors;
use super::tree::Node;
use super::{names, resources};
use crate::quantity::Quantity;

/// What limits can be for without a domain in front.
const TYPES: [&str; 3] = ["Container", "Pod", "PersistentVolumeClaim"];
/// The lists of amounts that a limit has.
const AMOUNTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

/// A limit range: one limit a type, and no amount beyond another that bounds it.
pub(super) fn limit_range(root: &Node, errors: &mut Errors) {
    let spec = root.at("spec");
    let mut seen = HashSet::new();
    for item in spec.at("limits").items() {
        let kind = item.at("type");
        let wrong = names::qualified_name(kind.text());
        if !wrong.is_empty() {
            errors.named(&kind, wrong);
        } else if !kind.text().contains('/') && !TYPES.contains(&kind.text()) {
            errors.invalid(&kind, "must be a standard limit type or fully qualified");
        }
        if !seen.insert(kind.text().to_owned()) {
            errors.duplicate(&kind);
        }
        named(&item, errors);
        for name in item_names(&item) {
            order(&item, name, errors);
        }
    }
}

/// Pods have no defaults, claims have a least or most of storage, and amounts are of resources that the type has.
fn named(item: &Node, errors: &mut Errors) {
    let kind = item.at("type");
    for field in AMOUNTS {
        let amounts = item.at(field);
        if kind.text() == "Pod" && field.starts_with("default") {
            if !amounts.is_empty() {
                errors.forbidden(&amounts, "may not be specified when `type` is 'Pod'");
            }
            continue;
        }
        for (name, value) in amounts.entries() {
            match kind.text() {
                "Container" | "Pod" => resources::container_name(&value, name, errors),
                _ => resources::name(&value, name, errors),
            }
        }
    }
    let storage = |field: &str| item.at(field).key("storage").is_present();
    if kind.text() == "PersistentVolumeClaim" && !storage("min") && !storage("max") {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        errors.required(&item.at("limits"), why);
    }
}

fn item_names<'v>(item: &Node<'v, '_>) -> BTreeSet<&'v str> {
    AMOUNTS.iter().flat_map(|field| item.at(field).entries().map(|(name, _)| name).collect::<Vec<_>>()).collect()
}

/// The amounts of one resource. Which of two that contradict each other is named, and which is shown, is as Kubernetes has it.
fn order(item: &Node, name: &str, errors: &mut Errors) {
    const RULES: [(&str, &str, &str, &str, &str); 6] = [
        ("min", "max", "min", "min", "min value {} is greater than max value {}"),
        (
            "min",
            "defaultRequest",
            "defaultRequest",
            "defaultRequest",
            "min value {} is greater than default request value {}",
        ),
        (
            "defaultRequest",
            "max",
            "defaultRequest",
            "defaultRequest",
            "default request value {} is greater than max value {}",
        ),
        (
            "defaultRequest",
            "default",
            "defaultRequest",
            "defaultRequest",
            "default request value {} is greater than default limit value {}",
        ),
        ("min", "default", "default", "min", "min value {} is greater than default value {}"),
        ("default", "max", "default", "max", "default value {} is greater than max value {}"),
    ];
    let of_pod = item.at("type").text() == "Pod";
    let amount = |field: &str| match field {
        "default" | "defaultRequest" if of_pod => None,
        _ => resources::amount(&item.at(field).key(name)),
    };
    for (low, high, place, shown, why) in RULES {
        if let (Some(less), Some(more)) = (amount(low), amount(high))
            && less > more
        {
            let why = why.replacen("{}", &less.to_string(), 1).replacen("{}", &more.to_string(), 1);
            errors.invalid_value(&item.at(place).key(name), item.at(shown).key(name).value(), &why);
        }
    }
    ratio(&item.at("maxLimitRequestRatio").key(name), (amount("min"), amount("max")), errors);
    if let (Some(limit), Some(request)) = (amount("default"), amount("defaultRequest"))
        && limit != request
        && !resources::may_overcommit(name)
    {
        let why = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
        errors.invalid(&item.at("defaultRequest").key(name), &why);
    }
}

/// How much more than it asks for something may take: at least as much, and no more than the bounds allow.
fn ratio(node: &Node, bounds: (Option<Quantity>, Option<Quantity>), errors: &mut Errors) {
    let Some(ratio) = resources::amount(node) else { return };
    if ratio < Quantity::from_units(1) {
        errors.invalid(node, &format!("ratio {ratio} is less than 1"));
    }
    if let (Some(min), Some(max)) = bounds {
        let most = max.as_f64() / min.as_f64();
        if ratio.as_f64() > most {
            errors.invalid(node, &format!("ratio {ratio} is greater than max/min = {most:.6}"));
        }
    }
}
