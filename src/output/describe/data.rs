//! Secrets and config maps: what they hold, a key each. Of a secret's values the length alone is shown, as a page is read by
//! whoever stands behind the reader too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::page::Page;
use super::{head, labels_and_annotations, text};

/// The type of a secret that holds the token of a service account, and the token's key in it.
const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";
const TOKEN: &str = "token";

pub(super) fn write_secret(page: &mut Page, secret: &Value) {
    head(page, secret);
    labels_and_annotations(page, secret);
    page.line("");
    page.field("Type", text(&secret["type"]));
    heading(page, "Data");
    for (key, value) in sorted(&secret["data"]) {
        // As with kubectl: whoever describes such a secret is after the token.
        let is_token = key == TOKEN && secret["type"] == TOKEN_TYPE;
        let token = decoded(value).filter(|_| is_token).and_then(|bytes| String::from_utf8(bytes).ok());
        page.field(key, token.unwrap_or_else(|| length(value)));
    }
}

pub(super) fn write_config_map(page: &mut Page, map: &Value) {
    head(page, map);
    labels_and_annotations(page, map);
    heading(page, "Data");
    for (key, value) in sorted(&map["data"]) {
        page.line(&format!("{key}:\n----\n{}\n", text(value)));
    }
    heading(page, "BinaryData");
    for (key, value) in sorted(&map["binaryData"]) {
        page.line(&format!("{key}: {}", length(value)));
    }
    page.line("");
}

fn heading(page: &mut Page, name: &str) {
    page.line("");
    page.line(name);
    page.line("====");
}

fn sorted(map: &Value) -> Vec<(&str, &Value)> {
    let mut pairs: Vec<_> = map.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
    pairs.sort_by_key(|(key, _)| *key);
    pairs
}

fn decoded(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

fn length(value: &Value) -> String {
    format!("{} bytes", decoded(value).map_or(0, |bytes| bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn page(write: impl FnOnce(&mut Page, &Value), object: &Value) -> String {
        let mut page = Page::new(Timestamp::UNIX_EPOCH);
        write(&mut page, object);
        page.finish()
    }

    #[test]
    fn a_secret_s_values_are_not_shown() {
        let secret = json!({"metadata": {"name": "s", "namespace": "d"}, "type": "Opaque",
            "data": {"password": "czNjcmV0", "a": ""}});
        assert_eq!(
            page(write_secret, &secret),
            "Name:         s\nNamespace:    d\nLabels:       <none>\nAnnotations:  <none>\n\nType:  Opaque\n\n\
             Data\n====\na:         0 bytes\npassword:  6 bytes\n"
        );
        let token = json!({"metadata": {"name": "s"}, "type": TOKEN_TYPE, "data": {"token": "dG9r", "ca.crt": "YQ=="}});
        assert!(page(write_secret, &token).ends_with("Data\n====\nca.crt:  1 bytes\ntoken:   tok\n"));
    }

    #[test]
    fn a_config_map_s_values_are_shown_below_their_keys() {
        let map =
            json!({"metadata": {"name": "m"}, "data": {"b": "two\nlines\n", "a": "1"}, "binaryData": {"c": "YWJj"}});
        let text = page(write_config_map, &map);
        let data = "\nData\n====\na:\n----\n1\n\nb:\n----\ntwo\nlines\n\n\n\nBinaryData\n====\nc: 3 bytes\n\n";
        assert!(text.ends_with(data), "{text:?}");
    }
}
