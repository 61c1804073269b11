//! Rules for new objects, as `new.txt` lists them.

use kube_api::{kinds, validate};
use serde_json::{Value, json};

use crate::{good, kind, ready, with};

/// The errors that a good object of the kind gives with a value put into it.
fn errors(name: &str, pointer: &str, value: Value) -> String {
    let kind = kind(name);
    let object = ready(kind, with(good(name), pointer, value));
    let errors: Vec<String> = validate::create(kind, &object).iter().map(ToString::to_string).collect();
    if errors.is_empty() { "taken".to_owned() } else { errors.join("; ") }
}

#[test]
fn each_rule_refuses_what_breaks_it() {
    let lines: Vec<&str> = include_str!("new.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let mut wrong = Vec::new();
    for case in lines.chunks(2) {
        let [change, expected] = case else { panic!("a case has two lines: {case:?}") };
        let mut parts = change.splitn(3, ' ');
        let (name, pointer) = (parts.next().expect("a kind"), parts.next().expect("a place"));
        let value = serde_json::from_str(parts.next().expect("a value")).expect(change);
        let found = errors(name, pointer, value);
        let expected = expected.trim();
        if !expected.strip_suffix('…').map_or(found == expected, |beginning| found.starts_with(beginning)) {
            wrong.push(format!("{change}\n    {expected}\n    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines.len() > 160, "{} lines", lines.len());
}

#[test]
fn objects_have_a_largest_size() {
    let large = |bytes: usize| json!({"a": "x".repeat(bytes)});
    let found = errors("pods", "/metadata/annotations", large(263_000));
    assert_eq!(found, "metadata.annotations: Too long: may not be more than 262144 bytes");
    let found = errors("configmaps", "/data", large(1_048_577));
    assert_eq!(found, "[]: Too long: may not be more than 1048576 bytes");
}

#[test]
fn good_objects_are_taken() {
    for kind in kinds::all().iter().filter(|k| k.allows("list") && k.allows("create") && k.kind != "Event") {
        let name =
            if kind.group.is_empty() { kind.plural.to_owned() } else { format!("{}/{}", kind.group, kind.plural) };
        assert_eq!(validate::create(kind, &ready(kind, good(&name))), [], "{name}");
    }
}
