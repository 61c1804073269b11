//! Selectors in questions about access: what is asked is a list of these objects alone.
//!
//! What cannot be read is left out, which asks for more, and is told.

use kube_api::selector::{LabelSelector, field_terms};
use serde_json::Value;

/// The one value that a field must have by the question's field selector, in whichever form it comes.
pub(super) fn required(asked: &Value, field: &str) -> Option<String> {
    let of_field = |(key, equal, value)| (key == field && equal).then_some(value);
    field_requirements(&asked["fieldSelector"]).into_iter().flatten().find_map(of_field)
}

/// What of the question's selectors was left out; nothing where all was understood.
pub(super) fn ignored(asked: &Value) -> String {
    let labels = label_requirements(&asked["labelSelector"]);
    let fields = field_requirements(&asked["fieldSelector"]).into_iter().map(|read| read.is_some()).collect();
    let told = [("fieldSelector", fields), ("labelSelector", labels)].into_iter().filter_map(|(name, read)| {
        let read: Vec<bool> = read;
        let partially = if read.contains(&true) { "partially " } else { "" };
        let why = format!("spec.resourceAttributes.{name} {partially}ignored due to parse error");
        read.contains(&false).then_some(why)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Each requirement of fields: a field, whether it has a value or another one, and the value. `None` for one that is not
/// understood, as a text is as a whole.
fn field_requirements(selector: &Value) -> Vec<Option<(String, bool, String)>> {
    if let Some(raw) = raw(selector) {
        return match field_terms(raw) {
            Ok(terms) => terms.into_iter().map(|(key, equal, value)| Some((key.to_owned(), equal, value))).collect(),
            Err(_) => vec![None],
        };
    }
    let understood = |requirement: &Value| {
        let equal = match requirement["operator"].as_str()? {
            "In" => true,
            "NotIn" => false,
            _ => return None,
        };
        match requirement["values"].as_array()?.as_slice() {
            [value] => Some((requirement["key"].as_str()?.to_owned(), equal, value.as_str()?.to_owned())),
            _ => None,
        }
    };
    requirements(selector).iter().map(understood).collect()
}

/// Whether each requirement of labels is understood.
fn label_requirements(selector: &Value) -> Vec<bool> {
    if let Some(raw) = raw(selector) {
        return vec![LabelSelector::parse(raw).is_ok()];
    }
    let understood = |requirement: &Value| {
        LabelSelector::from_object(&serde_json::json!({"matchExpressions": [requirement]})).is_ok()
    };
    requirements(selector).iter().map(understood).collect()
}

fn raw(selector: &Value) -> Option<&str> {
    selector["rawSelector"].as_str().filter(|raw| !raw.is_empty())
}

fn requirements(selector: &Value) -> &[Value] {
    selector["requirements"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_selector_has_two_forms() {
        let node = |selector: Value| required(&json!({"fieldSelector": selector}), "spec.nodeName");
        let requirement = json!({"key": "spec.nodeName", "operator": "In", "values": ["n1"]});
        assert_eq!(node(json!({"requirements": [requirement]})).as_deref(), Some("n1"));
        assert_eq!(node(json!({"rawSelector": "spec.nodeName=n1,any.field!=Failed"})).as_deref(), Some("n1"));
        assert_eq!(node(json!({"rawSelector": "spec.nodeName!=n1"})), None);
        assert_eq!(node(json!({"rawSelector": "nonsense"})), None);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let raw = |fields: &str, labels: &str| {
            ignored(&json!({"fieldSelector": {"rawSelector": fields}, "labelSelector": {"rawSelector": labels}}))
        };
        assert_eq!((ignored(&json!({})), raw("a=b", "a in (b)")), (String::new(), String::new()));
        let fields = "spec.resourceAttributes.fieldSelector ignored due to parse error";
        let labels = "spec.resourceAttributes.labelSelector ignored due to parse error";
        assert_eq!(raw("nonsense", "a"), fields);
        assert_eq!(raw("a=b,nonsense", "a in"), format!("{fields}; {labels}"));
        let one = |operator: &str, values: Value| json!({"key": "k", "operator": operator, "values": values});
        let listed = |selector: &str, list: Value| ignored(&json!({(selector): {"requirements": list}}));
        for wrong in [one("In", json!(["a", "b"])), one("Exists", Value::Null), one("New", json!(["a"]))] {
            assert_eq!(listed("fieldSelector", json!([wrong])), fields);
            let partially = listed("fieldSelector", json!([wrong, one("NotIn", json!(["a"]))]));
            assert_eq!(partially, fields.replace("ignored", "partially ignored"));
        }
        assert_eq!(listed("labelSelector", json!([one("In", json!(["a", "b"])), one("Exists", Value::Null)])), "");
        let partially = listed("labelSelector", json!([one("New", json!(["a"])), one("Exists", Value::Null)]));
        assert_eq!(partially, labels.replace("ignored", "partially ignored"));
    }
}
