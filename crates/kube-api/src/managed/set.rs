//! Sets of fields of objects, and the form in which they are written: `FieldsV1`.
//!
//! A set is a tree. Its edges are the steps of a path: `f:name` to a field, `k:{…}` to the element of a list that these keys
//! identify, `v:…` to the element of a set that has this value, `i:…` to the element at this place. A node is in the set
//! itself or not; written down it is an object of its edges, with the member `.` where it is in the set and has edges.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What says that a node with edges is in the set itself.
const ITSELF: &str = ".";

/// A step of a path. Steps are ordered as they are when they are written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    /// `f`, `k`, `v` or `i`.
    kind: char,
    rest: Cow<'static, str>,
}

impl Step {
    /// To a field, or to the value of a map's key.
    pub(super) fn field(name: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: 'f', rest: name.into() }
    }

    /// To the element of a list that these keys identify, written as a JSON object.
    pub(super) fn keys(keys: String) -> Self {
        Self { kind: 'k', rest: keys.into() }
    }

    /// To the element of a set that has this value.
    pub(super) fn value(value: &Value) -> Self {
        Self { kind: 'v', rest: value.to_string().into() }
    }

    /// The step that a text writes, whatever the order and spacing in which a client writes keys; `None` for a kind of step that
    /// is not known.
    fn read(text: &str) -> Result<Option<Self>, Malformed> {
        let (kind, rest) = text.split_once(':').filter(|(kind, _)| kind.len() == 1).ok_or(Malformed)?;
        let json = || serde_json::from_str::<Value>(rest).map_err(|_| Malformed);
        Ok(Some(match kind {
            "f" => Self::field(rest.to_owned()),
            "k" => Self::keys(json().ok().filter(Value::is_object).ok_or(Malformed)?.to_string()),
            "v" => Self::value(&json()?),
            "i" => Self { kind: 'i', rest: rest.parse::<i64>().map_err(|_| Malformed)?.to_string().into() },
            _ => return Ok(None),
        }))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.rest)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A set of the fields of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether the field at which this tree begins is in the set.
    itself: bool,
    /// What lies below it, ordered by step; none of them is empty.
    below: Vec<(Step, Self)>,
}

impl FieldSet {
    /// The set of the field itself, without what is below.
    #[must_use]
    pub fn leaf() -> Self {
        Self { itself: true, below: Vec::new() }
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
    pub(super) fn graft(&mut self, step: Step, set: Self) {
        if set.is_empty() {
            return;
        }
        // most come in order
        let behind = self.below.last().is_none_or(|(last, _)| *last < step);
        let at = if behind { self.below.len() } else { self.below.partition_point(|(other, _)| *other < step) };
        self.below.insert(at, (step, set));
    }

    /// Adds what is in the other.
    pub fn unite(&mut self, other: Self) {
        self.itself |= other.itself;
        if self.below.is_empty() || other.below.is_empty() {
            self.below.extend(other.below);
            return;
        }
        let both = Vec::with_capacity(self.below.len() + other.below.len());
        let mut ours = std::mem::replace(&mut self.below, both).into_iter().peekable();
        let mut theirs = other.below.into_iter().peekable();
        while let (Some((a, _)), Some((b, _))) = (ours.peek(), theirs.peek()) {
            let next = match a.cmp(b) {
                Ordering::Less => ours.next(),
                Ordering::Greater => theirs.next(),
                Ordering::Equal => ours.next().zip(theirs.next()).map(|((step, mut set), (_, other))| {
                    set.unite(other);
                    (step, set)
                }),
            };
            self.below.extend(next);
        }
        self.below.extend(ours.chain(theirs));
    }

    /// Takes out what is in the other.
    pub fn subtract(&mut self, other: &Self) {
        self.itself &= !other.itself;
        if other.below.is_empty() {
            return;
        }
        self.below.retain_mut(|(step, ours)| {
            if let Some(theirs) = other.find(step) {
                ours.subtract(theirs);
            }
            !ours.is_empty()
        });
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let below = self.below.iter().filter_map(|(step, ours)| {
            let both = ours.intersection(other.find(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Self { itself: self.itself && other.itself, below: below.collect() }
    }

    fn find(&self, step: &Step) -> Option<&Self> {
        self.below.binary_search_by(|(other, _)| other.cmp(step)).ok().map(|at| &self.below[at].1)
    }

    /// The set that a `FieldsV1` writes. Steps of a kind that is not known are left out.
    ///
    /// # Errors
    /// What is no object, or has a step that is not of the form above.
    pub fn from_value(value: &Value) -> Result<Self, Malformed> {
        let fields = value.as_object().ok_or(Malformed)?;
        let mut set = Self { itself: fields.contains_key(ITSELF), below: Vec::with_capacity(fields.len()) };
        for (step, value) in fields.iter().filter(|(step, _)| *step != ITSELF) {
            let Some(step) = Step::read(step)? else { continue };
            let mut inner = Self::from_value(value)?;
            inner.itself |= inner.below.is_empty();
            match set.below.binary_search_by(|(other, _)| other.cmp(&step)) {
                Ok(at) => set.below[at].1.unite(inner),
                Err(at) => set.below.insert(at, (step, inner)),
            }
        }
        Ok(set)
    }
}

/// As `FieldsV1`. Whether the object itself is in the set cannot be written.
impl Serialize for FieldSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Tree { set: self, marked: false }.serialize(serializer)
    }
}

/// A set as it is written; `marked` where it says that the field itself is in it, which goes without saying if nothing else is.
struct Tree<'s> {
    set: &'s FieldSet,
    marked: bool,
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.marked && !self.set.below.is_empty() {
            map.serialize_entry(ITSELF, &Map::new())?;
        }
        for (step, set) in &self.set.below {
            map.serialize_entry(step, &Tree { set, marked: set.itself })?;
        }
        map.end()
    }
}

/// A `FieldsV1` that writes no set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;
