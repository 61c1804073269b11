//! Sets of fields of objects, and the form in which they are written: `FieldsV1`.
//!
//! A set is a tree. Its edges are the steps of a path: `f:name` to a field, `k:{…}` to the element of a list that these keys
//! identify, `v:…` to the element of a set that has this value, `i:…` to the element at this place. A node is in the set
//! itself or not; written down it is an object of its edges, with the member `.` where it is in the set and has edges.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What says that a node with edges is in the set itself.
const ITSELF: &str = ".";

/// A set of the fields of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether the field at which this tree begins is in the set.
    itself: bool,
    /// What lies below it, by step; none of them is empty.
    below: BTreeMap<String, Self>,
}

impl FieldSet {
    /// The set of the field itself, without what is below.
    #[must_use]
    pub fn leaf() -> Self {
        Self { itself: true, below: BTreeMap::new() }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.itself && self.below.is_empty()
    }

    /// Adds the field itself.
    pub fn add_itself(&mut self) {
        self.itself = true;
    }

    /// Puts a set below this one's field; `step` is not there yet.
    pub(super) fn graft(&mut self, step: &str, set: Self) {
        if !set.is_empty() {
            self.below.insert(step.to_owned(), set);
        }
    }

    /// Adds what is in the other.
    pub fn unite(&mut self, other: Self) {
        self.itself |= other.itself;
        if self.below.is_empty() {
            self.below = other.below;
            return;
        }
        for (step, set) in other.below {
            self.below.entry(step).or_default().unite(set);
        }
    }

    /// Takes out what is in the other.
    pub fn subtract(&mut self, other: &Self) {
        self.itself &= !other.itself;
        // whichever has fewer steps is walked
        if other.below.len() <= self.below.len() {
            for (step, theirs) in &other.below {
                if let Some(ours) = self.below.get_mut(step) {
                    ours.subtract(theirs);
                    if ours.is_empty() {
                        self.below.remove(step);
                    }
                }
            }
        } else {
            self.below.retain(|step, ours| {
                if let Some(theirs) = other.below.get(step) {
                    ours.subtract(theirs);
                }
                !ours.is_empty()
            });
        }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let below = self.below.iter().filter_map(|(step, ours)| {
            let both = ours.intersection(other.below.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Self { itself: self.itself && other.itself, below: below.collect() }
    }

    /// The set as `FieldsV1`. Whether the object itself is in the set cannot be written.
    #[must_use]
    pub fn into_value(self) -> Value {
        let below = self.below.into_iter().map(|(step, set)| {
            let itself = set.itself;
            let Value::Object(mut written) = set.into_value() else { return (step, Value::Null) };
            if itself && !written.is_empty() {
                written.insert(ITSELF.to_owned(), Value::Object(Map::new()));
            }
            (step, Value::Object(written))
        });
        Value::Object(below.collect())
    }

    /// The set that a `FieldsV1` writes. Steps of a kind that is not known are left out.
    ///
    /// # Errors
    /// What is no object, or has a step that is not of the form above.
    pub fn from_value(value: &Value) -> Result<Self, Malformed> {
        let fields = value.as_object().ok_or(Malformed)?;
        let mut set = Self { itself: fields.contains_key(ITSELF), below: BTreeMap::new() };
        for (step, value) in fields.iter().filter(|(step, _)| *step != ITSELF) {
            let Some(step) = canonical(step)? else { continue };
            let mut inner = Self::from_value(value)?;
            inner.itself |= inner.below.is_empty();
            set.below.entry(step).or_default().unite(inner);
        }
        Ok(set)
    }
}

/// A `FieldsV1` that writes no set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A step as it is written here, whatever the order and spacing in which a client writes keys; `None` for a kind of step
/// that is not known.
fn canonical(step: &str) -> Result<Option<String>, Malformed> {
    let (kind, rest) = step.split_once(':').filter(|(kind, _)| kind.len() == 1).ok_or(Malformed)?;
    let json = || serde_json::from_str::<Value>(rest).map_err(|_| Malformed);
    match kind {
        "f" => Ok(Some(step.to_owned())),
        "k" => json()?.is_object().then(|| json().map(|keys| Some(format!("k:{keys}")))).ok_or(Malformed)?,
        "v" => Ok(Some(format!("v:{}", json()?))),
        "i" => rest.parse::<i64>().map(|place| Some(format!("i:{place}"))).map_err(|_| Malformed),
        _ => Ok(None),
    }
}
