//! The strategic merge patch between what was applied last, what is to be applied and what is there: `apply`'s.
//!
//! Fields that are to be and are not so are set; fields that were applied and are to be no more go away; whatever nobody applied
//! stays as it is. Lists with a merge key are compared element by element.

use serde_json::{Map, Value, json};

use super::strategic::{DELETE_FROM, ORDER, PATCH, RETAIN, id, ids, object_type};
use crate::schema::{Field, Type};

/// What makes of `current` what `modified` says, empty where it is so already. `original` was applied last, null where nothing was.
pub(super) fn patch(
    ty: Option<&'static Type>,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (name, wanted) in fields(modified) {
        let field = ty.and_then(|ty| ty.field(name));
        let (before, now) = (&original[name], &current[name]);
        match (wanted, now) {
            (Value::Object(_), Value::Object(_)) => {
                let inner = field.and_then(|field| object_type(&field.shape).or(field.shape.innermost()));
                let mut inner = self::patch(inner, before, wanted, now);
                if !inner.is_empty() {
                    retain(field, wanted, &mut inner);
                    patch.insert(name.clone(), inner.into());
                }
            }
            (Value::Array(wanted), Value::Array(now)) => {
                let before = before.as_array().map_or(&[][..], Vec::as_slice);
                list(name, field, [before, wanted, now], &mut patch);
            }
            _ if wanted == now => {}
            _ => drop(patch.insert(name.clone(), wanted.clone())),
        }
    }
    for (name, _) in fields(original) {
        if modified[name].is_null() && !current[name].is_null() {
            patch.insert(name.clone(), Value::Null);
        }
    }
    patch
}

/// The fields of an object that say something.
fn fields(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null())
}

/// Says which fields shall be left, where another one may take their place.
fn retain(field: Option<&Field>, wanted: &Value, patch: &mut Map<String, Value>) {
    if field.is_some_and(|field| field.patch.retain_keys) {
        patch.insert(RETAIN.to_owned(), fields(wanted).map(|(name, _)| Value::from(name.as_str())).collect());
    }
}

/// The part of a patch for one list: what was applied last, what is wanted, what is there.
fn list(name: &str, field: Option<&Field>, lists: [&[Value]; 3], patch: &mut Map<String, Value>) {
    let [before, wanted, now] = lists;
    let Some(field) = field.filter(|field| field.patch.merge) else {
        if wanted != now {
            patch.insert(name.to_owned(), wanted.into());
        }
        return;
    };
    match field.patch.key {
        None => plain(name, lists, patch),
        Some(key) if lists.into_iter().all(|list| are_told_apart(list, key)) => keyed(name, field, key, lists, patch),
        // ports of one number and two protocols: the key does not tell them apart, so that they are replaced together
        Some(_) => {
            let part = |index: usize| {
                let last = before.get(index).unwrap_or(&Value::Null);
                self::patch(field.shape.innermost(), last, &wanted[index], &now[index])
            };
            if wanted.len() != now.len() || (0..wanted.len()).any(|index| !part(index).is_empty()) {
                let replace = std::iter::once(json!({PATCH: "replace"}));
                patch.insert(name.to_owned(), replace.chain(wanted.iter().cloned()).collect());
            }
        }
    }
}

/// A list of plain values that merges: values are added, and taken away.
fn plain(name: &str, [before, wanted, now]: [&[Value]; 3], patch: &mut Map<String, Value>) {
    let added: Vec<Value> = wanted.iter().filter(|value| !now.contains(value)).cloned().collect();
    let gone: Vec<Value> =
        before.iter().filter(|value| !wanted.contains(value) && now.contains(value)).cloned().collect();
    if !added.is_empty() {
        patch.insert(name.to_owned(), added.into());
    }
    if !gone.is_empty() {
        patch.insert(format!("{DELETE_FROM}{name}"), gone.into());
    }
}

/// A list of objects that merge by their key.
fn keyed(name: &str, field: &Field, key: &str, [before, wanted, now]: [&[Value]; 3], patch: &mut Map<String, Value>) {
    let find = |list: &[Value], item: &Value| list.iter().find(|other| other[key] == item[key]).cloned();
    let mut items = Vec::new();
    for item in wanted {
        let Some(there) = find(now, item) else {
            items.push(item.clone());
            continue;
        };
        let last = find(before, item).unwrap_or_default();
        let mut inner = self::patch(field.shape.innermost(), &last, item, &there);
        if !inner.is_empty() {
            retain(Some(field), item, &mut inner);
            inner.insert(key.to_owned(), item[key].clone());
            items.push(inner.into());
        }
    }
    let gone = before.iter().filter(|item| find(wanted, item).is_none() && find(now, item).is_some());
    items.extend(gone.map(|item| json!({PATCH: "delete", key: item[key]})));
    let order: Vec<Value> = wanted.iter().map(|item| id(item, Some(key))).collect();
    let mut there = ids(now, Some(key));
    there.retain(|id| order.contains(id));
    if items.is_empty() && there == order {
        return;
    }
    let order = order.into_iter().map(|id| json!({key: id}));
    patch.insert(format!("{ORDER}{name}"), order.collect());
    if !items.is_empty() {
        patch.insert(name.to_owned(), items.into());
    }
}

/// Whether every element has the key, and no two the same.
fn are_told_apart(list: &[Value], key: &str) -> bool {
    let ids = ids(list, Some(key));
    ids.iter().enumerate().all(|(index, id)| !id.is_null() && !ids[..index].contains(id))
}

#[cfg(test)]
mod tests {
    use crate::kinds;
    use crate::patch::{PatchType, apply_value, three_way};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn patch(original: Value, modified: Value, current: Value) -> Value {
        let pods = kinds::find("", "v1", "pods").expect("served");
        let wrap = |spec: Value| if spec.is_null() { spec } else { json!({ "spec": spec }) };
        three_way(pods, &wrap(original), &wrap(modified), &wrap(current))["spec"].clone()
    }

    #[test]
    fn what_nobody_applied_stays_and_what_was_applied_goes() {
        let current = json!({"nodeName": "n", "hostname": "old", "subdomain": "s", "priority": 1});
        let made = patch(json!({"hostname": "old", "subdomain": "s"}), json!({"hostname": "new"}), current.clone());
        assert_eq!(made, json!({"hostname": "new", "subdomain": null}));
        assert_eq!(patch(Value::Null, json!({"nodeName": "n", "tolerations": null}), current), Value::Null);
    }

    #[test]
    fn elements_are_merged_by_their_key() {
        let containers =
            json!([{"name": "a", "image": "1", "tty": false}, {"name": "b", "image": "1"}, {"name": "injected"}]);
        let current = json!({"containers": containers});
        let original = json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]});
        assert_eq!(patch(original.clone(), original.clone(), current.clone()), Value::Null);
        let modified = json!({"containers": [{"name": "c", "image": "1"}, {"name": "a", "image": "2"}]});
        assert_eq!(
            patch(original.clone(), modified, current.clone()),
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                "containers": [{"name": "c", "image": "1"}, {"name": "a", "image": "2"}, {"$patch": "delete", "name": "b"}]})
        );
        let turned = json!({"containers": [{"name": "b", "image": "1"}, {"name": "a", "image": "1"}]});
        let order = json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]});
        assert_eq!(patch(original, turned, current), order);
    }

    #[test]
    fn one_source_of_a_volume_takes_another_s_place() {
        let volumes = |source: &str| json!({"volumes": [{"name": "v", source: {}}]});
        let made = patch(volumes("emptyDir"), volumes("configMap"), volumes("emptyDir"));
        assert_eq!(made["volumes"][0]["$retainKeys"], json!(["configMap", "name"]));
        let current = json!({"spec": volumes("emptyDir")});
        let pods = kinds::find("", "v1", "pods").expect("served");
        let patched = apply_value(pods, PatchType::Strategic, &current, json!({ "spec": made })).expect("valid");
        assert_eq!(patched["spec"], volumes("configMap"));
    }

    #[test]
    fn ports_that_the_key_does_not_tell_apart_are_replaced_together() {
        let services = kinds::find("", "v1", "services").expect("served");
        let ports =
            |name: &str| json!({"spec": {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "name": name}]}});
        let made = |modified: &Value| three_way(services, &Value::Null, modified, &ports("a"));
        assert_eq!(made(&ports("a")), json!({}));
        let patched = apply_value(services, PatchType::Strategic, &ports("a"), made(&ports("b"))).expect("valid");
        assert_eq!(patched, ports("b"));
    }

    #[test]
    fn plain_values_are_added_and_taken_away() {
        let finalizers = |values: &[&str]| json!({"metadata": {"finalizers": values}});
        let pods = kinds::find("", "v1", "pods").expect("served");
        let made = three_way(pods, &finalizers(&["a", "b"]), &finalizers(&["b", "c"]), &finalizers(&["a", "b", "own"]));
        assert_eq!(made["metadata"], json!({"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}));
    }

    fn spec() -> impl Strategy<Value = Value> {
        let env = prop::collection::btree_map("[a-c]", "[x-z]", 0..3).prop_map(|env| {
            env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()
        });
        let container = (env, prop::option::of("[x-z]"), prop::option::of(prop::collection::vec("[x-z]", 1..3)));
        let containers = prop::collection::hash_map("[a-d]", container, 0..4).prop_map(|all| {
            let one = |(name, (env, image, args))| json!({"name": name, "env": env, "image": image, "args": args});
            all.into_iter().map(one).collect::<Vec<_>>()
        });
        let selector = prop::collection::btree_map("[a-c]", "[x-z]", 0..3);
        (containers, selector)
            .prop_map(|(all, selector)| json!({"spec": {"containers": all, "nodeSelector": selector}}))
    }

    proptest! {
        #[test]
        fn applying_the_patch_leaves_nothing_to_apply(original in spec(), modified in spec(), current in spec()) {
            let pods = kinds::find("", "v1", "pods").expect("served");
            let patch = three_way(pods, &original, &modified, &current);
            let patched = apply_value(pods, PatchType::Strategic, &current, patch).expect("it is a patch");
            let left = three_way(pods, &original, &modified, &patched);
            prop_assert_eq!(left, json!({}), "{}", patched);
        }

        #[test]
        fn nothing_is_left_of_what_was_applied_alone(original in spec(), modified in spec()) {
            let pods = kinds::find("", "v1", "pods").expect("served");
            let patch = three_way(pods, &original, &modified, &original);
            let patched = apply_value(pods, PatchType::Strategic, &original, patch).expect("it is a patch");
            let back = three_way(pods, &patched, &patched, &modified);
            prop_assert_eq!(back, json!({}), "{}", patched);
        }
    }
}
