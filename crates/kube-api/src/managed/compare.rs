//! What a write added, changed and removed, by the rules of structured merge and diff: lists and maps that merge are compared
//! element by element, those that do not, as one.

use serde_json::{Map, Value};

use super::set::{FieldSet, Step};
use crate::schema::{Field, Merge, Shape, Type};

/// What the server gives, and what says what an object is: nobody's fields.
const NOBODYS: &[&str] = &["apiVersion", "kind"];
const NOBODYS_METADATA: &[&str] =
    &["creationTimestamp", "generation", "managedFields", "name", "namespace", "resourceVersion", "selfLink", "uid"];

/// How an object differs from what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Fields that were not there.
    pub added: FieldSet,
    /// Fields that have another value.
    pub modified: FieldSet,
    /// Fields that are not there any more.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether the two are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Adds the comparison of what lies behind a step, which `step` writes if there is anything.
    fn graft(&mut self, below: Self, step: impl Fn() -> Step) {
        let Self { added, modified, removed } = below;
        for (ours, below) in [(&mut self.added, added), (&mut self.modified, modified), (&mut self.removed, removed)] {
            if !below.is_empty() {
                ours.graft(step(), below);
            }
        }
    }
}

/// Compares two objects of a type, but for `skipped` fields of theirs. What the server gives to every object is left out.
#[must_use]
pub fn compare(ty: &Type, old: &Value, new: &Value, skipped: &[&str]) -> Comparison {
    let mut out = Comparison::default();
    for field in ty.fields.iter().filter(|field| !NOBODYS.contains(&field.name) && !skipped.contains(&field.name)) {
        let (old, new) = (old.get(field.name), new.get(field.name));
        let below = match field.shape.innermost() {
            Some(metadata) if field.name == "metadata" => {
                let mut below = fields(metadata, old, new, NOBODYS_METADATA);
                below.added.subtract(&FieldSet::leaf());
                below
            }
            _ => value(&field.shape, Rule::of(field), old, new),
        };
        out.graft(below, || Step::field(field.name));
    }
    out
}

/// The object that Go's types hold where nothing was said: what a creation is compared with.
#[must_use]
pub fn zero(ty: &Type) -> &Value {
    ty.zero.get_or_init(|| make_zero(ty))
}

fn make_zero(ty: &Type) -> Value {
    let fields = ty.fields.iter().filter_map(|field| {
        let value = match &field.shape {
            Shape::Struct(inner) if field.by_value => zero(inner.get()).clone(),
            _ if !(field.required || field.by_value) => return None,
            Shape::String => "".into(),
            Shape::Bool => false.into(),
            Shape::Int32 | Shape::Int64 | Shape::Double => 0.into(),
            _ => Value::Null,
        };
        Some((field.name.to_owned(), value))
    });
    fields.collect::<Map<_, _>>().into()
}

/// How elements are told apart.
#[derive(Clone, Copy)]
enum Rule<'s> {
    /// As one value.
    Whole,
    /// Field by field, or key by key.
    Parts,
    /// Elements of a list by these fields.
    Keys(&'s [&'static str], &'s Shape),
    /// Elements of a list by their values.
    Values,
}

impl<'s> Rule<'s> {
    /// What a field says of its value.
    fn of(field: &'s Field) -> Self {
        match (&field.shape, &field.merge) {
            (Shape::List(of), Merge::Map(keys)) => Rule::Keys(keys, of),
            (Shape::List(_), Merge::Set) => Rule::Values,
            (Shape::List(of), Merge::Unsaid) if field.patch.merge => match &field.patch.key {
                Some(key) => Rule::Keys(std::slice::from_ref(key), of),
                None => Rule::Values,
            },
            (Shape::Map(_) | Shape::Struct(_), Merge::Granular) => Rule::Parts,
            (Shape::Map(_), Merge::Unsaid) => Rule::Parts,
            (Shape::Struct(ty), Merge::Unsaid) if !ty.get().atomic => Rule::Parts,
            _ => Rule::Whole,
        }
    }

    /// What is said of an element, which is nothing: lists within lists are one value, maps and objects are not.
    fn of_element(shape: &Shape) -> Self {
        match shape {
            Shape::Struct(ty) if !ty.get().atomic => Rule::Parts,
            Shape::Map(_) => Rule::Parts,
            _ => Rule::Whole,
        }
    }
}

fn value(shape: &Shape, rule: Rule<'_>, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    if old.is_none() && new.is_none() {
        return Comparison::default();
    }
    let whole = matches!(rule, Rule::Whole) || (is_empty(old) && is_empty(new));
    match (shape, rule) {
        _ if whole => leaf(old, new),
        (Shape::Struct(ty), Rule::Parts) => fields(ty.get(), old, new, &[]),
        (Shape::Map(of), Rule::Parts) => inner(old, new, keys(of, old, new)),
        (Shape::List(_), Rule::Keys(keys, of)) => {
            inner(old, new, elements(old, new, &|element| key_step(of, keys, element), of))
        }
        (Shape::List(of), Rule::Values) => inner(old, new, elements(old, new, &Step::value, of)),
        _ => leaf(old, new),
    }
}

/// Nothing, null, or no elements: then there is nothing to look into.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}

/// The comparison of what is one value.
fn leaf(old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let mut out = Comparison::default();
    match (old, new) {
        // Go prints some times and lists that are not there as null
        (None, Some(Value::Null)) | (Some(Value::Null), None) => {}
        (None, Some(_)) => out.added.add_itself(),
        (Some(_), None) => out.removed.add_itself(),
        (Some(old), Some(new)) if old != new => out.modified.add_itself(),
        _ => {}
    }
    out
}

/// The comparison of what has parts, which are compared: it came or went itself.
fn inner(old: Option<&Value>, new: Option<&Value>, mut parts: Comparison) -> Comparison {
    match (old, new) {
        (None, Some(_)) => parts.added.add_itself(),
        (Some(_), None) => parts.removed.add_itself(),
        _ => {}
    }
    parts
}

fn fields(ty: &Type, old: Option<&Value>, new: Option<&Value>, skipped: &[&str]) -> Comparison {
    let mut out = Comparison::default();
    for field in &ty.fields {
        if skipped.contains(&field.name) {
            continue;
        }
        let (old, new) = (old.and_then(|old| old.get(field.name)), new.and_then(|new| new.get(field.name)));
        let below = value(&field.shape, Rule::of(field), old, new);
        out.graft(below, || Step::field(field.name));
    }
    inner(old, new, out)
}

fn keys(of: &Shape, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let mut out = Comparison::default();
    let none = Map::new();
    let before = old.and_then(Value::as_object).unwrap_or(&none);
    let after = new.and_then(Value::as_object).unwrap_or(&none);
    let rule = Rule::of_element(of);
    for (key, old) in before {
        out.graft(value(of, rule, Some(old), after.get(key)), || Step::field(key.clone()));
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        out.graft(value(of, rule, None, Some(new)), || Step::field(key.clone()));
    }
    out
}

/// The step to an element that these fields identify. A field that the element does not have counts with its default.
fn key_step(of: &Shape, keys: &[&'static str], element: &Value) -> Step {
    let default = |key: &str| of.innermost().and_then(|ty| ty.field(key)).and_then(|field| field.default);
    let parts = keys.iter().filter_map(|&key| {
        let value = element.get(key).cloned().or_else(|| default(key).map(Value::from))?;
        Some((key.to_owned(), value))
    });
    Step::keys(Value::Object(parts.collect()).to_string())
}

/// Compares lists element by element, whatever their order. Several of one identity are one value together.
fn elements(old: Option<&Value>, new: Option<&Value>, step: &dyn Fn(&Value) -> Step, of: &Shape) -> Comparison {
    let list = |value: Option<&Value>| -> Vec<(Step, usize)> {
        let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut steps: Vec<(Step, usize)> = items.iter().enumerate().map(|(at, item)| (step(item), at)).collect();
        steps.sort();
        steps
    };
    let (before, after) = (list(old), list(new));
    let mut out = Comparison::default();
    let (mut a, mut b) = (&before[..], &after[..]);
    while let Some(next) = [a.first(), b.first()].into_iter().flatten().map(|(step, _)| step).min() {
        let olds = run(&mut a, next);
        let news = run(&mut b, next);
        let at = |value: Option<&'_ Value>, places: &[(Step, usize)]| -> Vec<Value> {
            places.iter().filter_map(|(_, at)| value?.get(*at).cloned()).collect()
        };
        let below = match (olds, news) {
            ([] | [_], [] | [_]) => {
                let (old, new) =
                    (olds.first().and_then(|(_, at)| old?.get(*at)), news.first().and_then(|(_, at)| new?.get(*at)));
                value(of, Rule::of_element(of), old, new)
            }
            _ => {
                let (old, new) = (Value::from(at(old, olds)), Value::from(at(new, news)));
                leaf((!olds.is_empty()).then_some(&old), (!news.is_empty()).then_some(&new))
            }
        };
        out.graft(below, || next.clone());
    }
    out
}

/// Takes the elements of that identity from the front.
fn run<'s>(steps: &mut &'s [(Step, usize)], step: &Step) -> &'s [(Step, usize)] {
    let count = steps.iter().take_while(|(other, _)| other == step).count();
    let (run, rest) = steps.split_at(count);
    *steps = rest;
    run
}
