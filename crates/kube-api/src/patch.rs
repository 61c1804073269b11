//! The three kinds of patch: RFC 6902, RFC 7386, and Kubernetes' strategic merge.

mod keyed;
mod operations;
mod strategic;
mod three_way;

use serde_json::{Map, Value};

use crate::kinds::Kind;
use crate::schema;
use crate::status::Status;

/// How a patch is meant, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    /// `application/json-patch+json`, RFC 6902.
    Json,
    /// `application/merge-patch+json`, RFC 7386.
    Merge,
    /// `application/strategic-merge-patch+json`, Kubernetes' own, by the kind's merge keys.
    Strategic,
}

/// Kubernetes takes that many operations in one JSON patch.
const MOST_OPERATIONS: usize = 10_000;

impl PatchType {
    /// The type that a content type (without parameters) names.
    #[must_use]
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        match content_type {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/strategic-merge-patch+json" => Some(Self::Strategic),
            _ => None,
        }
    }
}

/// The object with the patch applied. `patch` is the request's body. The result may not fit the kind's schema any more:
/// [`crate::decode::value_of`] checks that.
///
/// # Errors
/// `BadRequest` for a body that is no patch, `Invalid` for one that does not fit this object.
pub fn apply(kind: &Kind, patch_type: PatchType, original: &Value, patch: &[u8]) -> Result<Value, Status> {
    // what is no UTF-8 is replaced, as in whole objects
    let text = String::from_utf8_lossy(patch);
    let (patch, _) = crate::decode::json(&text).map_err(|why| {
        Status::bad_request(if patch_type == PatchType::Merge { format!("error decoding patch: {why}") } else { why })
    })?;
    apply_value(kind, patch_type, original, patch)
}

/// The same for a patch that is parsed already.
///
/// # Errors
/// As [`apply`].
pub fn apply_value(kind: &Kind, patch_type: PatchType, original: &Value, patch: Value) -> Result<Value, Status> {
    match patch_type {
        PatchType::Json => json(original, patch),
        PatchType::Merge if patch.is_null() => Err(Status::bad_request("Invalid JSON Patch")),
        PatchType::Merge => {
            let patch = expect_map(patch).map_err(|why| Status::bad_request(format!("error decoding patch: {why}")))?;
            let mut object = original.clone();
            merge(&mut object, Value::Object(patch));
            Ok(object)
        }
        PatchType::Strategic => {
            strategic::apply(schema::of(kind), original, expect_map(patch).map_err(Status::bad_request)?)
        }
    }
}

/// The strategic merge patch that applies `modified` to `current`: `{}` where nothing is to change. `original` is what was applied
/// last, null where nothing was; what it says and `modified` does not goes away.
#[must_use]
pub fn three_way(kind: &Kind, original: &Value, modified: &Value, current: &Value) -> Value {
    three_way::patch(Some(schema::of(kind)), original, modified, current).into()
}

/// A patch as Kubernetes shows it in a refusal of what it makes of an object: a strategic one itself, of others the object.
#[must_use]
pub fn shown(patch_type: PatchType, patch: &[u8], patched: &Value) -> String {
    match crate::decode::json(&String::from_utf8_lossy(patch)) {
        Ok((patch, _)) if patch_type == PatchType::Strategic => strategic::go(&patch),
        _ => patched.to_string(),
    }
}

fn expect_map(patch: Value) -> Result<Map<String, Value>, String> {
    match patch {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => {
            let found = crate::decode::json_type(&other);
            Err(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
        }
    }
}

fn json(original: &Value, patch: Value) -> Result<Value, Status> {
    let unlike = |found: &Value, what: &str| {
        let found = crate::decode::json_type(found);
        Err(Status::bad_request(format!("json: cannot unmarshal {found} into Go value of type jsonpatch.{what}")))
    };
    if patch.is_null() {
        return Ok(original.clone());
    }
    let Value::Array(operations) = &patch else { return unlike(&patch, "Patch") };
    if let Some(other) = operations.iter().find(|operation| !operation.is_object()) {
        return unlike(other, "Operation");
    }
    if operations.len() > MOST_OPERATIONS {
        let count = operations.len();
        let why = format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {count}"
        );
        return Err(Status::new(413, "RequestEntityTooLarge", why));
    }
    let rejected = || {
        Status::new(422, "Invalid", "the server rejected our request due to an error in our request")
            .with_details(crate::status::Details::default())
    };
    operations::apply(original, operations).ok_or_else(rejected)
}

/// RFC 7386: objects merge, `null` removes, everything else replaces.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use proptest::prelude::*;
    use serde_json::json;

    fn patched(patch_type: PatchType, patch: &str) -> Result<Value, Status> {
        let pods = kinds::find("", "v1", "pods").expect("served");
        apply(pods, patch_type, &json!({"metadata": {"name": "a", "labels": {"x": "1"}}}), patch.as_bytes())
    }

    #[test]
    fn merge_patches_follow_rfc_7386() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut object = target.clone();
            merge(&mut object, patch.clone());
            assert_eq!(object, result, "{target} {patch}");
        }
    }

    #[test]
    fn json_patches_are_applied_or_rejected() {
        let patch = r#"[{"op":"replace","path":"/metadata/labels/x","value":"2"}]"#;
        assert_eq!(patched(PatchType::Json, patch).expect("valid")["metadata"]["labels"]["x"], "2");
        for bad in [r#"[{"op":"x","path":"/a"}]"#, r#"[{"op":"test","path":"/metadata/name","value":"z"}]"#] {
            let status = patched(PatchType::Json, bad).expect_err(bad);
            assert_eq!((status.code, status.reason), (422, "Invalid"));
        }
        let status = patched(PatchType::Json, "{}").expect_err("no list");
        assert_eq!(status.message, "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
    }

    #[test]
    fn bodies_that_are_no_patch_are_bad_requests() {
        let status = patched(PatchType::Strategic, "[]").expect_err("no map");
        assert_eq!(status.message, "json: cannot unmarshal array into Go value of type map[string]interface {}");
        let status = patched(PatchType::Merge, "{x").expect_err("no JSON");
        assert_eq!(
            (status.code, status.message.as_str()),
            (400, "error decoding patch: invalid character 'x' looking for beginning of object key string")
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i8>().prop_map(Value::from),
            "[a-c$]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(
                    "(name|spec|containers|env|a|\\$patch|\\$retainKeys|\\$setElementOrder/containers)",
                    inner,
                    0..4
                )
                .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(target in any_json(), patch in any_json()) {
            let mut once = target;
            merge(&mut once, patch.clone());
            let mut twice = once.clone();
            merge(&mut twice, patch);
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn no_patch_makes_it_panic(target in any_json(), patch in any_json()) {
            let pods = kinds::find("", "v1", "pods").expect("served");
            for patch_type in [PatchType::Json, PatchType::Merge, PatchType::Strategic] {
                let _ = apply_value(pods, patch_type, &target, patch.clone());
            }
        }
    }
}
