//! The rules for names, labels and their kin. Each check gives Kubernetes' messages, none for a valid text.

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation \
is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// `must be no more than N characters`, Kubernetes' words for what is too long.
#[must_use]
pub fn too_long(most: usize) -> String {
    format!("must be no more than {most} characters")
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

/// Whether the first and last byte pass `edge`, and all others `edge` or one of `middle`.
fn shaped(text: &str, edge: fn(u8) -> bool, middle: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    edge(first) && edge(last) && bytes.iter().all(|&b| edge(b) || middle.contains(&b))
}

fn checked(text: &str, most: usize, ok: bool, message: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > most {
        errors.push(too_long(most));
    }
    if !ok {
        errors.push(message.to_owned());
    }
    errors
}

/// An RFC 1123 label: namespaces, containers, volumes, ports.
#[must_use]
pub fn dns1123_label(text: &str) -> Vec<String> {
    checked(text, 63, shaped(text, lower, b"-"), LABEL)
}

/// An RFC 1123 subdomain: most objects' names.
#[must_use]
pub fn dns1123_subdomain(text: &str) -> Vec<String> {
    checked(text, 253, is_subdomain(text), SUBDOMAIN)
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|part| shaped(part, lower, b"-"))
}

/// An RFC 1035 label: services.
#[must_use]
pub fn dns1035_label(text: &str) -> Vec<String> {
    let ok = shaped(text, lower, b"-") && text.as_bytes()[0].is_ascii_lowercase();
    checked(text, 63, ok, DNS_1035)
}

/// `[prefix/]name`: the keys of labels, annotations and extended resources.
#[must_use]
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let mut parts = text.split('/');
    let name = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => name,
        (Some(prefix), Some(name), None) => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                errors.extend(dns1123_subdomain(prefix).into_iter().map(|e| format!("prefix part {e}")));
            }
            name
        }
        _ => {
            return vec![format!(
                "a qualified name {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", too_long(63)));
    }
    if !shaped(name, alphanumeric, b"-_.") {
        errors.push(format!("name part {QUALIFIED}"));
    }
    errors
}

/// A label's value.
#[must_use]
pub fn label_value(text: &str) -> Vec<String> {
    checked(text, 63, text.is_empty() || shaped(text, alphanumeric, b"-_."), LABEL_VALUE)
}

/// A key of a ConfigMap or Secret.
#[must_use]
pub fn config_key(text: &str) -> Vec<String> {
    let ok = !text.is_empty() && text.bytes().all(|b| alphanumeric(b) || b"-_.".contains(&b));
    let mut errors = checked(text, 253, ok, CONFIG_KEY);
    if text == "." {
        errors.push("must not be '.'".to_owned());
    } else if text == ".." {
        errors.push("must not be '..'".to_owned());
    } else if text.starts_with("..") {
        errors.push("must not start with '..'".to_owned());
    }
    errors
}

/// The name of a port in a pod.
#[must_use]
pub fn port_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 15 {
        errors.push("must be no more than 15 characters".to_owned());
    }
    if !text.bytes().all(|b| lower(b) || b == b'-') || text.is_empty() {
        errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_owned());
    }
    errors
}

/// A path segment name, all that RBAC asks of its objects' names.
#[must_use]
pub fn path_segment(text: &str) -> Vec<String> {
    match text {
        "." | ".." => vec![format!("may not be '{text}'")],
        _ => ["/", "%"].iter().filter(|c| text.contains(**c)).map(|c| format!("may not contain '{c}'")).collect(),
    }
}

/// The name of an environment variable, as Kubernetes 1.33 takes it: printable ASCII without `=`.
#[must_use]
pub fn env_var_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=') {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_or_refused() {
        type Check = fn(&str) -> Vec<String>;
        let cases: &[(Check, &[&str], &[&str])] = &[
            (dns1123_label, &["a", "1-a"], &["", "A", "-a", "a-", "a.b"]),
            (dns1123_subdomain, &["a.b", "1"], &["a..b", ".a", "A", ""]),
            (dns1035_label, &["a", "a-1"], &["1a", "a-", ""]),
            (qualified_name, &["a/b", "App_1.x"], &["/a", "a/", "a/b/c", "A/b", "-a"]),
            (label_value, &["", "A_b.c"], &["-a", "a b"]),
            (config_key, &["a.b", "..data_"[2..].trim()], &["a b", "..", "..a", ""]),
            (port_name, &["http", "a-1"], &["123", "a--b", "-a", "A", "abcdefghijklmnop"]),
            (path_segment, &["system:node"], &["a/b", "..", "a%"]),
            (env_var_name, &["A", "1.x y"], &["", "a=b", "é"]),
        ];
        for (index, (check, good, bad)) in cases.iter().enumerate() {
            for text in *good {
                assert_eq!(check(text), Vec::<String>::new(), "{index}: {text}");
            }
            for text in *bad {
                assert!(!check(text).is_empty(), "{index}: {text}");
            }
        }
        assert_eq!(dns1123_label(&"a".repeat(64)), vec![too_long(63)]);
    }
}
