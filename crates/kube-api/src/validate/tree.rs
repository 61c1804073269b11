//! A place in an object: its value, and the path that leads there.

use std::fmt;

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// A value within an object. Makes its path only when an error asks for it. Values live as long as the object (`'v`),
/// paths as long as the nodes that they lead through (`'p`).
#[derive(Clone, Copy)]
pub(super) struct Node<'v, 'p> {
    value: &'v Value,
    parent: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Field(&'p str),
    Index(usize),
    Key(&'p str),
}

impl<'v, 'p> Node<'v, 'p> {
    /// The object itself.
    pub(super) fn root(value: &'v Value) -> Self {
        Self { value, parent: None, step: Step::Root }
    }

    fn child<'c>(&'c self, value: Option<&'v Value>, step: Step<'c>) -> Node<'v, 'c> {
        Node { value: value.unwrap_or(&NULL), parent: Some(self), step }
    }

    /// A field, which may be absent.
    pub(super) fn at<'c>(&'c self, name: &'c str) -> Node<'v, 'c> {
        self.child(self.value.get(name), Step::Field(name))
    }

    /// A value from elsewhere as a field of this one.
    pub(super) fn with<'c>(&'c self, name: &'c str, value: &'v Value) -> Node<'v, 'c> {
        self.child(Some(value), Step::Field(name))
    }

    /// A key of a map, which may be absent.
    pub(super) fn key<'c>(&'c self, key: &'c str) -> Node<'v, 'c> {
        self.child(self.value.get(key), Step::Key(key))
    }

    /// An element of a list, which may be absent.
    pub(super) fn index(&self, index: usize) -> Node<'v, '_> {
        self.child(self.value.get(index), Step::Index(index))
    }

    /// The elements of a list.
    pub(super) fn items<'c>(&'c self) -> impl Iterator<Item = Node<'v, 'c>> {
        let list = self.value.as_array().into_iter().flatten().enumerate();
        list.map(|(index, value)| self.child(Some(value), Step::Index(index)))
    }

    /// The keys and values of a map.
    pub(super) fn entries<'c>(&'c self) -> impl Iterator<Item = (&'v str, Node<'v, 'c>)>
    where
        'v: 'c,
    {
        let map = self.value.as_object().into_iter().flatten();
        map.map(|(key, value)| (key.as_str(), self.child(Some(value), Step::Key(key))))
    }

    /// The value.
    pub(super) fn value(&self) -> &'v Value {
        self.value
    }

    /// Whether it is there.
    pub(super) fn is_present(&self) -> bool {
        !self.value.is_null()
    }

    /// Whether there is nothing: null, or an empty text, list or map.
    pub(super) fn is_empty(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The text, empty if there is none.
    pub(super) fn text(&self) -> &'v str {
        self.value.as_str().unwrap_or_default()
    }

    /// The number, if there is one.
    pub(super) fn int(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// Whether it is `true`.
    pub(super) fn is_true(&self) -> bool {
        self.value == &Value::Bool(true)
    }

    /// How many elements or keys there are.
    pub(super) fn len(&self) -> usize {
        self.value.as_array().map_or_else(|| self.value.as_object().map_or(0, Map::len), Vec::len)
    }
}

impl fmt::Display for Node<'_, '_> {
    /// The path: `spec.containers[0].image`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
            Step::Field(name) => {
                let first = self.parent.is_none_or(|p| matches!(p.step, Step::Root));
                if first { f.write_str(name) } else { write!(f, ".{name}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Node;
    use serde_json::json;

    #[test]
    fn paths_are_written_as_kubernetes_does() {
        let object = json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "1"}}}]}});
        let root = Node::root(&object);
        let (spec, index) = (root.at("spec"), 0);
        let containers = spec.at("containers");
        let container = containers.index(index);
        let resources = container.at("resources");
        let limits = resources.at("limits");
        assert_eq!(limits.key("cpu").to_string(), "spec.containers[0].resources.limits[cpu]");
        assert_eq!(limits.key("cpu").text(), "1");
        assert!(!root.at("nope").at("deeper").is_present());
    }
}
