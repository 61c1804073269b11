//! Strategic merge patches: lists of objects are merged by the key that the schema names, and directives in the patch
//! say what a plain merge cannot.
//!
//! | directive | where | means |
//! |---|---|---|
//! | `$patch: replace` | an object | the object is replaced, not merged |
//! | `$patch: delete` | an object, an element of a list | it goes away |
//! | `$patch: replace` | a list's element of its own | the list is replaced by the other elements |
//! | `$retainKeys: [k…]` | an object | keys that are not named go away |
//! | `$deleteFromPrimitiveList/f: [v…]` | beside list `f` | these values go away |
//! | `$setElementOrder/f: [k…]` | beside list `f` | the order of the merged list |

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::keyed::Keyed;
use crate::decode::json_type;
use crate::schema::{Field, Shape, Type};
use crate::status::Status;

pub(super) const PATCH: &str = "$patch";
pub(super) const RETAIN: &str = "$retainKeys";
pub(super) const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
pub(super) const ORDER: &str = "$setElementOrder/";

/// The object with the patch merged into it by the type's rules.
///
/// # Errors
/// `BadRequest` for directives that make no sense, worded as Kubernetes does.
pub(super) fn apply(ty: &'static Type, original: &Value, patch: Map<String, Value>) -> Result<Value, Status> {
    let mut object = match original {
        Value::Object(map) => map.clone(),
        _ => Map::new(),
    };
    merge_map(&mut object, patch, Some(ty))?;
    Ok(Value::Object(object))
}

fn bad(message: impl Into<String>) -> Status {
    Status::bad_request(message)
}

fn merge_map(
    target: &mut Map<String, Value>,
    mut patch: Map<String, Value>,
    ty: Option<&'static Type>,
) -> Result<(), Status> {
    match patch.get(PATCH).map(|d| d.as_str().unwrap_or_default()) {
        None | Some("merge") => patch.remove(PATCH),
        Some("replace") => {
            patch.remove(PATCH);
            *target = strip_map(patch);
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some(_) => return Err(unknown_directive(&patch)),
    };
    if let Some(keys) = patch.remove(RETAIN) {
        retain_keys(target, &patch, &keys)?;
    }
    let (orders, deletions, fields) = sort_out(patch)?;
    for (name, values) in deletions {
        if let Some(Value::Array(list)) = target.get_mut(&name) {
            let values: HashSet<Value> = values.into_iter().collect();
            list.retain(|item| !values.contains(item));
        }
    }
    for (name, order) in &orders {
        check_order(order, fields.get(name), key_of(ty, name))?;
    }
    let servers: Vec<Vec<Value>> =
        orders.iter().map(|(name, _)| ids(list_of(target, name), key_of(ty, name))).collect();
    for (name, value) in fields {
        merge_field(target, name, value, ty)?;
    }
    for ((name, order), server) in orders.iter().zip(&servers) {
        if let Some(Value::Array(list)) = target.get_mut(name) {
            let key = key_of(ty, name);
            reorder(list, &ids(order, key), server, key);
        }
    }
    Ok(())
}

fn no_key(item: &Map<String, Value>, key: &str) -> Status {
    bad(format!("map: {} does not contain declared merge key: {key}", go_map(item)))
}

/// An order must name its elements by their key, and those of the patch's list as they follow each other there.
fn check_order(order: &[Value], list: Option<&Value>, key: Option<&str>) -> Result<(), Status> {
    if let Some(key) = key {
        let keyless = order.iter().filter_map(Value::as_object).find(|item| !item.contains_key(key));
        if let Some(item) = keyless {
            return Err(no_key(item, key));
        }
    }
    let Some(Value::Array(list)) = list else { return Ok(()) };
    let kept = |item: &&Value| item.get(PATCH).is_none();
    let mut wanted = order.iter().map(|item| id(item, key));
    if list.iter().filter(kept).all(|item| wanted.any(|wanted| wanted == id(item, key))) {
        return Ok(());
    }
    let (list, order) = (go(&Value::from(list.clone())), go(&Value::from(order.to_vec())));
    Err(bad(format!("The order in patch list:\n{list}\n doesn't match $setElementOrder list:\n{order}\n")))
}

fn unknown_directive(map: &Map<String, Value>) -> Status {
    let directive = map.get(PATCH).map(go).unwrap_or_default();
    bad(format!("unknown patch type: {directive} in map: {}", go_map(map)))
}

/// A value as Go's `%v` prints it.
pub(super) fn go(value: &Value) -> String {
    match value {
        Value::Object(map) => go_map(map),
        Value::Array(list) => format!("[{}]", list.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn go_map(map: &Map<String, Value>) -> String {
    let mut fields: Vec<String> = map.iter().map(|(name, value)| format!("{name}:{}", go(value))).collect();
    fields.sort_unstable();
    format!("map[{}]", fields.join(" "))
}

fn key_of(ty: Option<&'static Type>, name: &str) -> Option<&'static str> {
    ty.and_then(|t| t.field(name)).and_then(|f| f.patch.key)
}

type Lists = Vec<(String, Vec<Value>)>;

/// Splits a patch into its orders, its deletions from lists of plain values, and its fields.
fn sort_out(patch: Map<String, Value>) -> Result<(Lists, Lists, Map<String, Value>), Status> {
    let (mut orders, mut deletions, mut fields) = (Vec::new(), Vec::new(), Map::new());
    for (key, value) in patch {
        let (to, name, directive) = if let Some(name) = key.strip_prefix(ORDER) {
            (&mut orders, name, "SetElementOrder")
        } else if let Some(name) = key.strip_prefix(DELETE_FROM) {
            (&mut deletions, name, "DeleteFromPrimitiveList")
        } else {
            fields.insert(key, value);
            continue;
        };
        match value {
            Value::Array(values) => to.push((name.to_owned(), values)),
            other if directive == "SetElementOrder" => {
                let found = json_type(&other);
                return Err(bad(format!("expected a []interface {{}}, but received a {found}")));
            }
            _ => return Err(bad("invalid patch format of DeleteFromPrimitiveList list")),
        }
    }
    Ok((orders, deletions, fields))
}

fn merge_field(
    target: &mut Map<String, Value>,
    name: String,
    value: Value,
    ty: Option<&'static Type>,
) -> Result<(), Status> {
    if value.is_null() {
        target.remove(&name);
        return Ok(());
    }
    let field = ty.and_then(|t| t.field(&name));
    let inner = field.and_then(|f| f.shape.innermost());
    match (target.get_mut(&name), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let deleted = new.get(PATCH).is_some_and(|d| d == "delete");
            let inner = field.and_then(|f| object_type(&f.shape)).or(inner);
            merge_map(old, new, inner)?;
            if deleted {
                target.remove(&name);
            }
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            let merged = merge_list(std::mem::take(old), new, field)?;
            *old = merged;
        }
        (_, Value::Object(new)) => {
            if new.get(PATCH).is_some_and(|d| d == "delete") {
                target.remove(&name);
            } else {
                target.insert(name, Value::Object(strip_map(new)));
            }
        }
        (_, Value::Array(new)) => {
            // A list that is not there yet: a merge with nothing drops the directives.
            let merged = merge_list(Vec::new(), new, field)?;
            target.insert(name, Value::Array(merged));
        }
        (_, new) => {
            target.insert(name, new);
        }
    }
    Ok(())
}

/// The type of an object's value; a map's values have types of their own, which its keys lead to.
pub(super) fn object_type(shape: &Shape) -> Option<&'static Type> {
    match shape {
        Shape::Struct(ty) => Some(ty.get()),
        _ => None,
    }
}

fn merge_list(old: Vec<Value>, new: Vec<Value>, field: Option<&Field>) -> Result<Vec<Value>, Status> {
    let Some(field) = field.filter(|f| f.patch.merge) else {
        return Ok(new.into_iter().map(strip).collect());
    };
    let Some(key) = field.patch.key else {
        return Ok(merge_plain(old, &new));
    };
    if new.iter().any(|item| is_directive(item, "replace")) {
        return Ok(new.into_iter().filter(|item| !is_directive(item, "replace")).map(strip).collect());
    }
    let inner = field.shape.innermost();
    let (order, server) = (ids(&new, Some(key)), ids(&old, Some(key)));
    let mut merged = Keyed::new(old, key);
    for item in new {
        let Value::Object(mut item) = item else {
            let found = json_type(&item);
            return Err(bad(format!("invalid patch: cannot merge a {found} into the list {}", field.name)));
        };
        let Some(id) = item.get(key).cloned() else {
            return Err(no_key(&item, key));
        };
        let directive = item.get(PATCH).map(|d| d.as_str().unwrap_or_default().to_owned());
        match (directive.as_deref(), merged.first(&id)) {
            (Some("delete"), _) => merged.delete(&id),
            (Some("replace"), Some(old)) => *old = Value::Object(strip_map(item)),
            (None | Some("merge"), Some(old)) => {
                item.remove(PATCH);
                if let Value::Object(old) = old {
                    merge_map(old, item, inner)?;
                }
            }
            (None | Some("merge" | "replace"), None) => {
                let mut fresh = Map::new();
                item.remove(PATCH);
                merge_map(&mut fresh, item, inner)?;
                merged.push(id, Value::Object(fresh));
            }
            (Some(_), _) => return Err(unknown_directive(&item)),
        }
    }
    let mut merged = merged.into_list();
    reorder(&mut merged, &order, &server, Some(key));
    Ok(merged)
}

/// Lists of plain values become one, without duplicates.
fn merge_plain(old: Vec<Value>, new: &[Value]) -> Vec<Value> {
    let mut merged = old.clone();
    let mut known: HashSet<&Value> = old.iter().collect();
    merged.extend(new.iter().filter(|item| known.insert(*item)).cloned());
    reorder(&mut merged, new, &old, None);
    merged
}

/// An element that is nothing but a directive for its list.
fn is_directive(item: &Value, directive: &str) -> bool {
    item.as_object().is_some_and(|map| map.len() == 1 && map.get(PATCH).is_some_and(|d| d == directive))
}

fn retain_keys(target: &mut Map<String, Value>, patch: &Map<String, Value>, keys: &Value) -> Result<(), Status> {
    let Value::Array(keys) = keys else {
        return Err(bad("invalid patch format of retainKeys"));
    };
    let keys: HashSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    for name in patch.iter().filter(|(k, v)| !k.starts_with('$') && !v.is_null()).map(|(k, _)| k) {
        if !keys.contains(name.as_str()) {
            return Err(bad("invalid patch format of retainKeys"));
        }
    }
    target.retain(|name, _| keys.contains(name.as_str()));
    Ok(())
}

/// What an element is known by in its list: its key, or itself where there is none.
pub(super) fn id(item: &Value, key: Option<&str>) -> Value {
    key.map_or_else(|| item.clone(), |k| item.get(k).cloned().unwrap_or(Value::Null))
}

/// The same of all elements.
pub(super) fn ids(list: &[Value], key: Option<&str>) -> Vec<Value> {
    list.iter().map(|item| id(item, key)).collect()
}

/// The list that a field holds, empty if it holds none.
pub(super) fn list_of<'m>(map: &'m Map<String, Value>, name: &str) -> &'m [Value] {
    map.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Puts the elements that are wanted into their order. An element that only the server knows stays before those of
/// them that it stood before on the server, and comes after what the server does not know.
fn reorder(list: &mut Vec<Value>, wanted: &[Value], server: &[Value], key: Option<&str>) {
    let (mut named, mut others) = (Vec::new(), Vec::new());
    let (wanted, server) = (places(wanted), places(server));
    for item in std::mem::take(list) {
        let id = id(&item, key);
        let place = server.get(&id).copied();
        match wanted.get(&id).copied() {
            Some(rank) => named.push((rank, place, item)),
            None => others.push((place, item)),
        }
    }
    named.sort_by_key(|(rank, ..)| *rank);
    let mut others = others.into_iter().peekable();
    for (_, place, item) in named {
        while let Some((_, other)) = others.next_if(|(other, _)| other.zip(place).is_some_and(|(o, p)| o < p)) {
            list.push(other);
        }
        list.push(item);
    }
    list.extend(others.map(|(_, item)| item));
}

/// Where each is first.
fn places(ids: &[Value]) -> HashMap<&Value, usize> {
    let mut places = HashMap::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        places.entry(id).or_insert(place);
    }
    places
}

/// A value that takes the place of nothing: without directives and nulls.
fn strip(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(strip_map(map)),
        Value::Array(items) => {
            let kept = items.into_iter().filter(|item| !is_directive(item, "replace") && !is_deletion(item));
            Value::Array(kept.map(strip).collect())
        }
        other => other,
    }
}

fn is_deletion(item: &Value) -> bool {
    item.get(PATCH).is_some_and(|d| d == "delete")
}

fn strip_map(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter()
        .filter(|(key, value)| !is_directive_key(key) && !value.is_null() && !is_deletion(value))
        .map(|(key, value)| (key, strip(value)))
        .collect()
}

fn is_directive_key(key: &str) -> bool {
    key == PATCH || key == RETAIN || key.starts_with(ORDER) || key.starts_with(DELETE_FROM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    fn patched(original: Value, patch: Value) -> Result<Value, Status> {
        let Value::Object(patch) = patch else { panic!("a patch is a map") };
        apply(schema::find("core/v1.Pod").expect("known"), &original, patch)
    }

    fn containers(list: &Value) -> Value {
        json!({"spec": {"containers": list}})
    }

    #[test]
    fn lists_merge_by_their_key() {
        let pod =
            containers(&json!([{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]));
        let patch =
            containers(&json!([{"name": "a", "image": "2", "env": [{"name": "Y", "value": "2"}]}, {"name": "c"}]));
        assert_eq!(
            patched(pod, patch).expect("valid"),
            containers(&json!([
                {"name": "a", "image": "2", "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]},
                {"name": "c"}, {"name": "b"}
            ]))
        );
    }

    #[test]
    fn directives_delete_and_replace() {
        let pod = containers(&json!([{"name": "a"}, {"name": "b"}]));
        let patch = containers(&json!([{"name": "a", "$patch": "delete"}]));
        assert_eq!(patched(pod.clone(), patch).expect("valid"), containers(&json!([{"name": "b"}])));
        let patch = containers(&json!([{"$patch": "replace"}, {"name": "z"}]));
        assert_eq!(patched(pod.clone(), patch).expect("valid"), containers(&json!([{"name": "z"}])));
        let patch = json!({"spec": {"$patch": "replace", "nodeName": "n"}});
        assert_eq!(patched(pod.clone(), patch).expect("valid"), json!({"spec": {"nodeName": "n"}}));
        let patch = json!({"spec": {"$patch": "delete"}});
        assert_eq!(patched(pod.clone(), patch).expect("valid"), json!({}));
        let error = patched(pod, json!({"spec": {"$patch": "burn"}})).expect_err("unknown");
        assert_eq!(error.message, "unknown patch type: burn in map: map[$patch:burn]");
    }

    #[test]
    fn retained_keys_drop_the_others() {
        let pod = json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}});
        let patch = json!({"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}});
        let result = patched(pod, patch).expect("valid");
        assert_eq!(result, json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}}));
    }

    #[test]
    fn plain_lists_merge_and_shrink() {
        let pod = json!({"metadata": {"finalizers": ["a", "b"]}});
        let patch = json!({"metadata": {"finalizers": ["b", "c"], "$deleteFromPrimitiveList/finalizers": ["a"]}});
        assert_eq!(patched(pod, patch).expect("valid"), json!({"metadata": {"finalizers": ["b", "c"]}}));
    }

    #[test]
    fn what_is_new_comes_before_what_only_the_server_has() {
        let patch = containers(&json!([{"name": "d"}]));
        assert_eq!(
            patched(containers(&json!([{"name": "c"}])), patch).expect("valid"),
            containers(&json!([{"name": "d"}, {"name": "c"}]))
        );
        let pod = json!({"metadata": {"finalizers": ["a", "b", "c"]}});
        let patch = json!({"metadata": {"finalizers": ["n", "b"]}});
        assert_eq!(patched(pod, patch).expect("valid"), json!({"metadata": {"finalizers": ["n", "a", "b", "c"]}}));
    }

    #[test]
    fn an_element_order_is_kept() {
        let pod = containers(&json!([{"name": "a"}, {"name": "b"}, {"name": "s"}]));
        let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
            "containers": [{"name": "c"}]}});
        let result = patched(pod, patch).expect("valid");
        let names: Vec<&str> =
            result["spec"]["containers"].as_array().expect("list").iter().filter_map(|c| c["name"].as_str()).collect();
        assert_eq!(names, ["c", "b", "a", "s"]);
    }

    #[test]
    fn an_element_without_its_key_is_refused() {
        let error = patched(containers(&json!([])), containers(&json!([{"image": "x"}]))).expect_err("no key");
        assert_eq!(error.message, "map: map[image:x] does not contain declared merge key: name");
    }

    #[test]
    fn maps_and_atomic_lists() {
        let pod = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"tolerations": [{"key": "x"}]}});
        let patch = json!({"metadata": {"labels": {"a": null, "c": "3"}}, "spec": {"tolerations": [{"key": "y"}]}});
        let result = patched(pod, patch).expect("valid");
        assert_eq!(
            result,
            json!({"metadata": {"labels": {"b": "2", "c": "3"}}, "spec": {"tolerations": [{"key": "y"}]}})
        );
    }

    /// A list costs what it is long, for others wait meanwhile: looked through for each element, this one takes minutes.
    #[test]
    fn long_lists_are_merged_one_by_one() {
        let items = |from: usize| (from..from + 40_000).map(|n| json!({"name": format!("c{n}")})).collect::<Vec<_>>();
        let merged = patched(containers(&items(0).into()), containers(&items(20_000).into())).expect("valid");
        assert_eq!(merged["spec"]["containers"].as_array().map(Vec::len), Some(60_000));
        let names = |from: usize| (from..from + 40_000).map(|n| format!("a.b/{n}")).collect::<Vec<_>>();
        let patch = json!({"metadata": {"finalizers": names(20_000), "$deleteFromPrimitiveList/finalizers": names(0)}});
        let merged = patched(json!({"metadata": {"finalizers": names(0)}}), patch).expect("valid");
        assert_eq!(merged["metadata"]["finalizers"].as_array().map(Vec::len), Some(40_000));
    }
}
