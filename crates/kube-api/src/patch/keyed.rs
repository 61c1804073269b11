//! A list of objects that are found by the value of one of their fields, in time that does not grow with the list.

use std::collections::HashMap;

use serde_json::Value;

/// The list while a patch is merged into it.
pub(super) struct Keyed {
    /// The elements; what is deleted leaves its place empty.
    items: Vec<Option<Value>>,
    /// Where the elements with each value are, the first one first: ports may share a number.
    places: HashMap<Value, Vec<usize>>,
}

impl Keyed {
    /// Of a list whose elements are known by `key`.
    pub(super) fn new(list: Vec<Value>, key: &str) -> Self {
        let mut places: HashMap<Value, Vec<usize>> = HashMap::with_capacity(list.len());
        for (place, item) in list.iter().enumerate() {
            if let Some(id) = item.get(key) {
                places.entry(id.clone()).or_default().push(place);
            }
        }
        Self { items: list.into_iter().map(Some).collect(), places }
    }

    /// The first element with the value.
    pub(super) fn first(&mut self, id: &Value) -> Option<&mut Value> {
        let place = *self.places.get(id)?.first()?;
        self.items[place].as_mut()
    }

    /// Deletes all elements with the value.
    pub(super) fn delete(&mut self, id: &Value) {
        for place in self.places.remove(id).into_iter().flatten() {
            self.items[place] = None;
        }
    }

    /// Appends an element.
    pub(super) fn push(&mut self, id: Value, item: Value) {
        self.places.entry(id).or_default().push(self.items.len());
        self.items.push(Some(item));
    }

    /// The list as it is now.
    pub(super) fn into_list(self) -> Vec<Value> {
        self.items.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_are_found_deleted_and_found_again() {
        let mut list = Keyed::new(vec![json!({"k": 1, "n": "a"}), json!({"k": 1, "n": "b"}), json!({"n": "c"})], "k");
        assert_eq!(list.first(&json!(1)), Some(&mut json!({"k": 1, "n": "a"})));
        list.delete(&json!(1));
        assert_eq!(list.first(&json!(1)), None);
        list.push(json!(1), json!({"k": 1, "n": "d"}));
        assert_eq!(list.first(&json!(1)), Some(&mut json!({"k": 1, "n": "d"})));
        assert_eq!(list.into_list(), [json!({"n": "c"}), json!({"k": 1, "n": "d"})]);
    }
}
