//! Config maps and secrets.

use base64::Engine;
use serde_json::Value;

use super::error::Errors;
use super::names;
use super::tree::Node;

/// As much as one object may hold.
const MOST_BYTES: usize = 1024 * 1024;

/// A config map.
pub(super) fn config_map(root: &Node, errors: &mut Errors) {
    let (data, binary) = (root.at("data"), root.at("binaryData"));
    let mut bytes = 0;
    for (key, value) in data.entries() {
        errors.named_value(&value, key, names::config_key(key));
        if binary.key(key).is_present() {
            errors.invalid_value(&value, &key.into(), "duplicate of key present in binaryData");
        }
        bytes += value.text().len();
    }
    for (key, value) in binary.entries() {
        errors.named_value(&value, key, names::config_key(key));
        bytes += decoded(&value);
    }
    if bytes > MOST_BYTES {
        errors.too_long(root, MOST_BYTES);
    }
}

fn decoded(value: &Node) -> usize {
    value.text().len() / 4 * 3
}

/// A secret; its type says what it must hold.
pub(super) fn secret(root: &Node, errors: &mut Errors) {
    let data = root.at("data");
    let mut bytes = 0;
    for (key, value) in data.entries() {
        errors.named_value(&value, key, names::config_key(key));
        bytes += decoded(&value);
    }
    if bytes > MOST_BYTES {
        errors.too_long(&data, MOST_BYTES);
    }
    let need = |errors: &mut Errors, key: &str| {
        if !data.key(key).is_present() {
            errors.required(&data.key(key), "");
        }
    };
    match root.at("type").text() {
        "kubernetes.io/service-account-token" => {
            let metadata = root.at("metadata");
            let annotations = metadata.at("annotations");
            let account = annotations.key("kubernetes.io/service-account.name");
            errors.need(&account);
        }
        "kubernetes.io/dockercfg" => docker(&data, ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => docker(&data, ".dockerconfigjson", errors),
        "kubernetes.io/basic-auth" if !data.key("username").is_present() && !data.key("password").is_present() => {
            need(errors, "username");
            need(errors, "password");
        }
        "kubernetes.io/ssh-auth" if data.key("ssh-privatekey").is_empty() => {
            errors.required(&data.key("ssh-privatekey"), "");
        }
        "kubernetes.io/tls" => {
            need(errors, "tls.crt");
            need(errors, "tls.key");
        }
        _ => {}
    }
}

fn docker(data: &Node, key: &str, errors: &mut Errors) {
    let config = data.key(key);
    if !config.is_present() {
        errors.required(&config, "");
        return;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(config.text()).unwrap_or_default();
    if let Err(error) = serde_json::from_slice::<Value>(&bytes) {
        let text = String::from_utf8_lossy(&bytes);
        let why = crate::decode::json_error(text.as_bytes()).unwrap_or_else(|| error.to_string());
        errors.invalid_value(&config, &"<secret contents redacted>".into(), &why);
    }
}

/// What is immutable stays so, and stays what it is.
pub(super) fn changed(root: &Node, old: &Node, errors: &mut Errors) {
    if !old.at("immutable").is_true() {
        return;
    }
    if !root.at("immutable").is_true() {
        errors.forbidden(&root.at("immutable"), "field is immutable when `immutable` is set");
    }
    for field in ["data", "binaryData"] {
        if root.at(field).value() != old.at(field).value() {
            errors.forbidden(&root.at(field), "field is immutable when `immutable` is set");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{create, update};
    use crate::kinds;
    use serde_json::json;

    #[test]
    fn secrets_hold_what_their_type_says() {
        let secrets = kinds::find("", "v1", "secrets").expect("served");
        for (kind, data, fields) in [
            ("kubernetes.io/tls", json!({"tls.crt": ""}), vec!["data[tls.key]"]),
            ("kubernetes.io/basic-auth", json!({}), vec!["data[username]", "data[password]"]),
            ("kubernetes.io/basic-auth", json!({"username": "eA=="}), vec![]),
            ("kubernetes.io/ssh-auth", json!({}), vec!["data[ssh-privatekey]"]),
            ("kubernetes.io/dockerconfigjson", json!({".dockerconfigjson": "e25v"}), vec!["data[.dockerconfigjson]"]),
            (
                "kubernetes.io/service-account-token",
                json!({}),
                vec!["metadata.annotations[kubernetes.io/service-account.name]"],
            ),
        ] {
            let errors = create(secrets, &json!({"metadata": {"name": "s"}, "type": kind, "data": data}));
            assert_eq!(errors.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), fields, "{kind}");
        }
    }

    #[test]
    fn immutable_data_stays() {
        let maps = kinds::find("", "v1", "configmaps").expect("served");
        let old = json!({"metadata": {"name": "a"}, "immutable": true, "data": {"a": "b"}});
        let new = json!({"metadata": {"name": "a"}, "data": {"a": "c"}});
        let fields: Vec<String> = update(maps, &new, &old).into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["immutable", "data"]);
    }
}
