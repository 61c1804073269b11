//! Bad input, and how it was refused.

use kube_api::decode::{self, FieldValidation, Format};
use kube_api::{Kind, Status, defaults, validate};
use serde_json::Value;

use crate::record;

/// Cases that 1.33 words otherwise, or refuses for another reason.
const NEWER: &[(&str, &str)] = &[
    ("pod: string for int", "1.33's decoder words it as Go's own"),
    ("pod: int for string", "1.33's decoder words it as Go's own"),
    ("pod: object for list", "1.33's decoder words it as Go's own"),
    ("pod: run as non root wrong type", "1.33's decoder words it as Go's own"),
    ("bad yaml", "the YAML parser's own words"),
    ("pod: bad quantity", "1.33's decoder names no place"),
    ("quota: quantity", "1.33's decoder names no place"),
    ("secret: not base64", "1.33's decoder names no place"),
    ("pod: requests over limits", "1.33 names the limit's amount"),
    ("pod: env name", "1.33 takes all printable ASCII but ="),
    ("pod: probe port name", "1.33 asks for a letter"),
    ("service: target port name", "1.33 asks for a letter"),
    ("service: port 0", "the target port is defaulted from the port's zero: one error, not two"),
];

/// Cases whose answer needs what is stored, and one of YAML 1.1, where `y` is true: here it is a text.
const STORED: &[&str] = &[
    "yaml",
    "missing namespace",
    "exists",
    "other namespace in body",
    "pod: priority class",
    "pod: unknown field",
    "service: address outside",
    "service: address taken",
    "service: node port outside",
];

fn refusal(kind: &Kind, body: &Value) -> Option<Status> {
    let bytes = body.as_str().map_or_else(|| serde_json::to_vec(body).expect("JSON"), |text| text.as_bytes().to_vec());
    let format = if bytes.starts_with(b"a") { Format::Yaml } else { Format::Json };
    let mut object = match decode::object(kind, format, &bytes, FieldValidation::Warn) {
        Ok(decoded) => decoded.object,
        Err(status) => return Some(status),
    };
    defaults::apply(kind, &mut object);
    defaults::stored(kind, &mut object);
    let errors = validate::create(kind, &object);
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    (!errors.is_empty()).then(|| Status::invalid(kind, name, &errors))
}

#[test]
fn bad_objects_are_refused_as_kubernetes_does() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for exchange in record::read("4-refusals.jsonl") {
        let case = exchange["case"].as_str().expect("text");
        let request = &exchange["request"];
        let Some((kind, rest)) = record::kind_at(request["path"].as_str().expect("text")) else { continue };
        let text =
            request["headers"]["Content-Type"] == "text/plain" || request["path"].as_str().expect("text").contains('?');
        if request["method"] != "POST" || !rest.is_empty() || text || STORED.contains(&case) {
            continue;
        }
        let theirs = &exchange["response"];
        let ours = refusal(kind, &request["body"]);
        checked += 1;
        let Some(ours) = ours else {
            if theirs["status"] != 201 {
                wrong.push(format!("{case}: taken, not {}", theirs["body"]["message"]));
            }
            continue;
        };
        let same_place =
            |cause: &Value, ours: &Value| cause["field"] == ours["field"] && cause["reason"] == ours["reason"];
        let ours = ours.to_value();
        if NEWER.iter().any(|(name, _)| *name == case) {
            let (a, b) = (&theirs["body"]["details"]["causes"][0], &ours["details"]["causes"][0]);
            if ours["code"] != theirs["body"]["code"] || !same_place(a, b) {
                wrong.push(format!("{case}: {ours}"));
            }
        } else if case == "deep json" {
            // The recording holds the beginning of the body only.
        } else if ours != theirs["body"] {
            wrong.push(format!("{case}:\n  ours   {ours}\n  theirs {}", theirs["body"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {checked}\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 55, "{checked} cases");
}
