//! Arithmetic of resources (reference section 3.7).
//!
//! Inside, everything is in the format after reservation refinement: `reservations` is a stack, `role` is unset. Scalars
//! are fixed point with three decimals; ranges are sorted and joined. Two resources are of one *kind*, and add up, where
//! all but their value is equal.

mod display;
mod parse;
mod ranges;

pub use parse::{ParseError, parse_attributes, parse_resources};

use std::collections::BTreeMap;

use crate::resource::{AllocationInfo, ReservationInfo, ReservationType, Resource};
use crate::value::{Ranges, Scalar, Set, ValueType};

/// A set of resources, no two of one kind and none empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources(Vec<Resource>);

impl Resources {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The parts, one a kind, in the format after reservation refinement.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts as they are sent to a peer that understands reservation refinement.
    pub fn to_vec(&self) -> Vec<Resource> {
        self.0.clone()
    }

    /// The parts as they are sent to a peer of before reservation refinement: `role`, and `reservation` if dynamic.
    pub fn to_pre_refinement(&self) -> Vec<Resource> {
        self.0.iter().cloned().map(to_pre_refinement).collect()
    }

    /// The parts as endpoints show them: in both formats at once.
    pub fn to_endpoint(&self) -> Vec<Resource> {
        self.0
            .iter()
            .map(|part| Resource { reservations: part.reservations.clone(), ..to_pre_refinement(part.clone()) })
            .collect()
    }

    /// Adds one part.
    pub fn add_one(&mut self, part: Resource) {
        let part = normalize(part);
        if is_zero(&part) {
            return;
        }
        match self.0.iter_mut().find(|own| same_kind(own, &part) && is_divisible(&part)) {
            Some(own) => merge(own, &part),
            None => self.0.push(part),
        }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        for part in &other.0 {
            self.add_one(part.clone());
        }
    }

    /// Takes away what there is of `other`; never leaves less than nothing.
    pub fn subtract(&mut self, other: &Self) {
        for part in &other.0 {
            let Some(index) = self.0.iter().position(|own| same_kind(own, part) && holds_some(own, part)) else {
                continue;
            };
            remove(&mut self.0[index], part);
            if is_zero(&self.0[index]) {
                self.0.remove(index);
            }
        }
    }

    /// Whether all of `other` is in here.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|part| self.0.iter().any(|own| same_kind(own, part) && holds(own, part)))
    }

    /// The sum of all parts named `name` that are scalars, whoever they are reserved for.
    pub fn scalar(&self, name: &str) -> f64 {
        let milli: i64 =
            self.parts(name).filter_map(|part| part.scalar.as_ref()).map(|scalar| milli(scalar.value)).sum();
        from_milli(milli)
    }

    /// The ranges of all parts named `name`, both ends included, sorted.
    pub fn ranges(&self, name: &str) -> Vec<(u64, u64)> {
        let all =
            self.parts(name).filter_map(|part| part.ranges.as_ref()).flat_map(|ranges| ranges.range.iter().copied());
        ranges::join(all.collect()).into_iter().map(|range| (range.begin, range.end)).collect()
    }

    /// The sums of the scalars by name.
    pub fn scalars(&self) -> BTreeMap<&str, f64> {
        self.0
            .iter()
            .filter(|part| part.scalar.is_some())
            .map(|part| (part.name.as_str(), self.scalar(&part.name)))
            .collect()
    }

    /// Those parts that `keep` says yes to.
    pub fn filter(&self, keep: impl Fn(&Resource) -> bool) -> Self {
        Self(self.0.iter().filter(|part| keep(part)).cloned().collect())
    }

    /// The parts that are reserved for nobody.
    pub fn unreserved(&self) -> Self {
        self.filter(|part| part.reservations.is_empty())
    }

    /// The parts reserved for `role` itself.
    pub fn reserved_for(&self, role: &str) -> Self {
        self.filter(|part| reservation_role(part) == Some(role))
    }

    /// The parts that may be offered to `role`: the unreserved, its own, and those of the roles above it.
    pub fn allocatable_to(&self, role: &str) -> Self {
        self.filter(|part| reservation_role(part).is_none_or(|reserved| is_within(role, reserved)))
    }

    /// The same, allocated to `role`.
    pub fn allocated_to(&self, role: &str) -> Self {
        self.with_allocation(Some(AllocationInfo { role: Some(role.to_owned()) }))
    }

    /// The parts allocated to `role`.
    pub fn of_allocation(&self, role: &str) -> Self {
        self.filter(|part| part.allocation_info.as_ref().and_then(|info| info.role.as_deref()) == Some(role))
    }

    /// The same, without who it is allocated to.
    pub fn unallocated(&self) -> Self {
        self.with_allocation(None)
    }

    fn with_allocation(&self, allocation: Option<AllocationInfo>) -> Self {
        self.0.iter().cloned().map(|part| Resource { allocation_info: allocation.clone(), ..part }).collect()
    }

    fn parts(&self, name: &str) -> impl Iterator<Item = &Resource> {
        self.0.iter().filter(move |part| part.name == name)
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(parts: I) -> Self {
        let mut resources = Self::new();
        for part in parts {
            resources.add_one(part);
        }
        resources
    }
}

impl<'a> FromIterator<&'a Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = &'a Resource>>(parts: I) -> Self {
        parts.into_iter().cloned().collect()
    }
}

impl From<&[Resource]> for Resources {
    fn from(parts: &[Resource]) -> Self {
        parts.iter().collect()
    }
}

impl From<&Vec<Resource>> for Resources {
    fn from(parts: &Vec<Resource>) -> Self {
        parts.iter().collect()
    }
}

/// Whether `role` is `above` or below it in the hierarchy (`a/b` is within `a`).
pub fn is_within(role: &str, above: &str) -> bool {
    role == above || role.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// The role that a part in the refined format is reserved for, if any.
pub fn reservation_role(part: &Resource) -> Option<&str> {
    part.reservations.last().and_then(|reservation| reservation.role.as_deref())
}

/// `part` in the format after reservation refinement, its value as it is.
pub fn to_refined(mut part: Resource) -> Resource {
    if part.reservations.is_empty()
        && let Some(role) = part.role.as_deref().filter(|role| *role != "*")
    {
        let kind = if part.reservation.is_some() { ReservationType::Dynamic } else { ReservationType::Static };
        let given = part.reservation.take().unwrap_or_default();
        part.reservations = vec![ReservationInfo { r#type: Some(kind), role: Some(role.to_owned()), ..given }];
    }
    (part.role, part.reservation) = (None, None);
    part
}

/// `part` in the format after reservation refinement, its value in canonical form.
fn normalize(part: Resource) -> Resource {
    let mut part = to_refined(part);
    if let Some(scalar) = &mut part.scalar {
        scalar.value = from_milli(milli(scalar.value));
    }
    if let Some(ranges) = &mut part.ranges {
        ranges.range = ranges::join(std::mem::take(&mut ranges.range));
    }
    if let Some(set) = &mut part.set {
        set.item.sort();
        set.item.dedup();
    }
    part
}

/// A part in the format from before reservation refinement; of a stack of reservations the last one stays.
fn to_pre_refinement(mut part: Resource) -> Resource {
    let reservation = part.reservations.pop();
    part.reservations.clear();
    part.role = Some("*".to_owned());
    if let Some(reservation) = reservation {
        part.role = reservation.role;
        if reservation.r#type == Some(ReservationType::Dynamic) {
            part.reservation = Some(ReservationInfo {
                principal: reservation.principal,
                labels: reservation.labels,
                ..ReservationInfo::default()
            });
        }
    }
    part
}

fn milli(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

fn from_milli(milli: i64) -> f64 {
    milli as f64 / 1000.0
}

/// Whether all but the values of two parts is equal.
fn same_kind(a: &Resource, b: &Resource) -> bool {
    a.name == b.name
        && a.r#type == b.r#type
        && a.allocation_info == b.allocation_info
        && a.reservations == b.reservations
        && a.disk == b.disk
        && a.revocable == b.revocable
        && a.shared == b.shared
        && a.provider_id == b.provider_id
}

/// Whether parts of this kind may be split and joined; persistent volumes and whole disks may not.
fn is_divisible(part: &Resource) -> bool {
    part.disk.as_ref().is_none_or(|disk| disk.persistence.is_none() && disk.source.is_none())
}

fn is_zero(part: &Resource) -> bool {
    match part.r#type {
        ValueType::Scalar => part.scalar.as_ref().is_none_or(|scalar| milli(scalar.value) <= 0),
        ValueType::Ranges => part.ranges.as_ref().is_none_or(|ranges| ranges.range.is_empty()),
        ValueType::Set => part.set.as_ref().is_none_or(|set| set.item.is_empty()),
        ValueType::Text => true,
    }
}

fn merge(own: &mut Resource, part: &Resource) {
    if let (Some(a), Some(b)) = (&mut own.scalar, &part.scalar) {
        a.value = from_milli(milli(a.value) + milli(b.value));
    }
    if let (Some(a), Some(b)) = (&mut own.ranges, &part.ranges) {
        a.range.extend(&b.range);
        a.range = ranges::join(std::mem::take(&mut a.range));
    }
    if let (Some(a), Some(b)) = (&mut own.set, &part.set) {
        a.item.extend(b.item.iter().cloned());
        a.item.sort();
        a.item.dedup();
    }
}

fn remove(own: &mut Resource, part: &Resource) {
    if !is_divisible(part) {
        own.scalar = None;
        return;
    }
    if let (Some(Scalar { value: a }), Some(Scalar { value: b })) = (&mut own.scalar, part.scalar) {
        *a = from_milli(milli(*a) - milli(b));
    }
    if let (Some(Ranges { range: a }), Some(Ranges { range: b })) = (&mut own.ranges, &part.ranges) {
        *a = ranges::without(a, b);
    }
    if let (Some(Set { item: a }), Some(Set { item: b })) = (&mut own.set, &part.set) {
        a.retain(|item| !b.contains(item));
    }
}

/// Whether `own` has all of `part`'s value.
fn holds(own: &Resource, part: &Resource) -> bool {
    if !is_divisible(part) {
        return own.scalar == part.scalar;
    }
    match (&own.scalar, &part.scalar, &own.ranges, &part.ranges, &own.set, &part.set) {
        (Some(a), Some(b), ..) => milli(a.value) >= milli(b.value),
        (_, _, Some(a), Some(b), ..) => ranges::contain(&a.range, &b.range),
        (.., Some(a), Some(b)) => b.item.iter().all(|item| a.item.contains(item)),
        _ => false,
    }
}

/// Whether taking `part` from `own` makes a difference; what cannot be divided is taken whole or not at all.
fn holds_some(own: &Resource, part: &Resource) -> bool {
    is_divisible(part) || holds(own, part)
}

#[cfg(test)]
mod tests;
