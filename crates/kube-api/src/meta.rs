//! Reading and making parts of `metadata`.

use std::collections::HashSet;

use serde_json::Value;

/// A name from a `generateName` prefix: the prefix, cut to leave room, and five characters of Kubernetes' alphabet.
/// `random` gives the entropy (five indices are taken from it).
#[must_use]
pub fn generate_name(prefix: &str, random: u64) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    const SUFFIX: usize = 5;
    const LONGEST: usize = 63;
    let mut end = prefix.len().min(LONGEST - SUFFIX);
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    let mut name = prefix[..end].to_owned();
    let mut rest = random;
    for _ in 0..SUFFIX {
        let index = usize::try_from(rest % 27).expect("a remainder of 27 fits");
        name.push(char::from(ALPHABET[index]));
        rest /= 27;
    }
    name
}

/// A string at a path of object keys, if it is there.
#[must_use]
pub fn text<'a>(object: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(object, |value, key| value.get(key))?.as_str()
}

/// `metadata.name`, or an empty string.
#[must_use]
pub fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"]).unwrap_or_default()
}

/// `metadata.namespace`, or an empty string.
#[must_use]
pub fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"]).unwrap_or_default()
}

/// `metadata.uid`, or an empty string.
#[must_use]
pub fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"]).unwrap_or_default()
}

/// `metadata.resourceVersion`, or an empty string.
#[must_use]
pub fn resource_version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"]).unwrap_or_default()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    strings(object, &["metadata", "finalizers"])
}

/// The strings of a list at a path of object keys.
pub fn strings<'a>(object: &'a Value, path: &[&str]) -> impl Iterator<Item = &'a str> {
    let list = path.iter().try_fold(object, |value, key| value.get(key)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether the object's deletion was asked for.
#[must_use]
pub fn deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The owner reference with `controller: true`.
#[must_use]
pub fn controller_of(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].as_array()?.iter().find(|r| r["controller"] == true)
}

/// Takes out owner references that say the same as one before, and gives the UIDs that they name.
pub fn dedupe_owners(object: &mut Value) -> Vec<String> {
    let Some(owners) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let mut kept = HashSet::new();
    let mut repeated = Vec::new();
    owners.retain(|owner| {
        let first = kept.insert(owner.clone());
        if !first {
            repeated.push(text(owner, &["uid"]).unwrap_or_default().to_owned());
        }
        first
    });
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn generated_names_fit_and_vary() {
        assert_eq!(generate_name("web-", 0), "web-bbbbb");
        assert_eq!(generate_name(&"a".repeat(80), 1).len(), 63);
        assert_ne!(generate_name("x-", 1), generate_name("x-", 2));
    }

    #[test]
    fn an_owner_is_named_once() {
        let [first, other] = ["a", "b"].map(|name| json!({"name": name, "uid": "u"}));
        let mut pod = json!({"metadata": {"ownerReferences": [first, first, other, first]}});
        assert_eq!(dedupe_owners(&mut pod), ["u", "u"]);
        assert_eq!(pod["metadata"]["ownerReferences"], json!([first, other]), "what differs in anything stays");
        assert_eq!(dedupe_owners(&mut pod), Vec::<String>::new());
        assert_eq!(dedupe_owners(&mut json!({})), Vec::<String>::new());
    }

    #[test]
    fn the_controller_is_the_owner_that_says_so() {
        let pod = json!({"metadata": {"ownerReferences": [{"name": "a"}, {"name": "b", "controller": true}]}});
        assert_eq!(controller_of(&pod).map(|r| &r["name"]), Some(&json!("b")));
        assert_eq!(finalizers(&pod).count(), 0);
    }
}
