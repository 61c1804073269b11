//! The OpenAPI document against the one that upstream publishes for 1.33.1: the same paths, operations, parameters and types for all
//! that is served. Descriptions are our own words.

use std::collections::{BTreeMap, BTreeSet};

use kube_api::{kinds, openapi};
use serde_json::{Value, json};

/// Paths of upstream that are not served, by their beginnings, and why.
const ABSENT: &[(&str, &str)] = &[
    ("/logs/", "the log files of a control plane's machine are not the API's"),
    ("/api/v1/namespaces/{namespace}/pods/{name}/resize", "what a running pod is given does not change yet"),
];

/// What upstream's documents say and ours do not, wherever it stands, and why.
const UNSAID: &[(&str, &str)] = &[
    ("application/cbor", "an experiment of Kubernetes'"),
    ("application/cbor-seq", "an experiment of Kubernetes'"),
    ("application/apply-patch+cbor", "an experiment of Kubernetes'"),
    ("application/apply-patch+yaml", "server-side apply is not served yet"),
];

/// Keys of one place where upstream's document cannot mean what it says, and why.
const ODD: &[(&str, &str)] = &[(
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status properties details x-kubernetes-",
    "an object that is said to be a list",
)];

fn upstream() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kube-openapi/swagger-1.33.1.json");
    let bytes = std::fs::read(path).expect("shared/ lies beside the checkout");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Whether upstream's path is of a group, or about the server, that is served here.
fn served(path: &str) -> bool {
    if ABSENT.iter().any(|(absent, _)| path.starts_with(absent)) {
        return false;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["apis", group] => kinds::group_versions().iter().any(|(served, _)| served == group),
        ["apis", group, version, ..] => kinds::group_versions().contains(&(*group, *version)),
        _ => true,
    }
}

/// A value without what the two documents do not share: words, and groups that are not served.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| !(*key == "description" && value.is_string()) && *key != "enum")
            .map(|(key, value)| (key.clone(), bare(value)))
            .collect(),
        Value::Array(list) => {
            let unserved = |item: &&Value| match (item["group"].as_str(), item["version"].as_str()) {
                (Some(group), Some(version)) => !kinds::group_versions().contains(&(group, version)),
                _ => false,
            };
            let ours = |item: &&Value| !UNSAID.iter().any(|(unsaid, _)| *item == unsaid);
            let mut list: Vec<Value> =
                list.iter().filter(ours).filter(|item| list.len() == 1 || !unserved(item)).map(bare).collect();
            // the order in which names are listed says nothing
            if list.iter().all(Value::is_string) {
                list.sort_by_key(|item| item.as_str().map(str::to_owned));
            }
            list.into()
        }
        other => other.clone(),
    }
}

/// An operation's parameters by place and name, those of its path included and references followed.
fn parameters(document: &Value, item: &Value, operation: &Value) -> BTreeMap<String, Value> {
    let all = [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
    all.map(|parameter| {
        let reference = parameter["$ref"].as_str().and_then(|at| document.pointer(at.strip_prefix('#')?));
        let parameter = bare(reference.unwrap_or(parameter));
        (format!("{} {}", parameter["in"], parameter["name"]), parameter)
    })
    .collect()
}

fn operation(document: &Value, item: &Value, operation: &Value) -> Value {
    let mut out = bare(operation);
    out["parameters"] = parameters(document, item, operation).into_values().collect();
    // the published document names the object's kind where servers, as here, name that of the options
    if out["x-kubernetes-action"] == "connect" {
        out["x-kubernetes-group-version-kind"] = json!(null);
    }
    // what is told of the server has no body
    if out.get("x-kubernetes-action").is_none() {
        for formats in ["consumes", "produces"] {
            out[formats] = json!(null);
        }
    }
    out
}

#[test]
fn paths_and_operations_are_those_of_upstream() {
    let (theirs, ours) = (upstream(), openapi::v2());
    let names = |document: &Value, of: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        document["paths"].as_object().expect("map").keys().filter(|path| of(path)).cloned().collect()
    };
    let (their_paths, our_paths) = (names(&theirs, &served), names(&ours, &|_| true));
    let mut wrong: Vec<String> =
        their_paths.symmetric_difference(&our_paths).map(|path| format!("{path}: in one of the two alone")).collect();
    for path in their_paths.intersection(&our_paths) {
        let (their_item, our_item) = (&theirs["paths"][path], &ours["paths"][path]);
        let methods: BTreeSet<&String> =
            [their_item, our_item].into_iter().filter_map(Value::as_object).flat_map(|item| item.keys()).collect();
        for method in methods.into_iter().filter(|method| *method != "parameters") {
            let their_operation = operation(&theirs, their_item, &their_item[method]);
            let our_operation = operation(&ours, our_item, &our_item[method]);
            differences(&format!("{method} {path}"), &our_operation, &their_operation, &mut wrong);
        }
    }
    assert!(their_paths.len() > 150, "{}", their_paths.len());
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn types_are_those_of_upstream() {
    let (theirs, ours) = (upstream(), openapi::v2());
    let mut wrong = Vec::new();
    for (name, ours) in ours["definitions"].as_object().expect("map") {
        differences(name, &bare(ours), &bare(&theirs["definitions"][name]), &mut wrong);
        for (field, property) in ours["properties"].as_object().into_iter().flatten() {
            if property["description"].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{name} {field}: nothing says what it is for"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Where the two differ, and how.
fn differences(place: &str, ours: &Value, theirs: &Value, wrong: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                differences(&format!("{place} {key}"), &ours[key], &theirs[key], wrong);
            }
        }
        _ if ours == theirs || ODD.iter().any(|(odd, _)| place.starts_with(odd)) => {}
        _ => wrong.push(format!("{place}: {ours}, upstream {theirs}")),
    }
}

/// Upstream's published document leaves the values of enumerations out (its servers do not); they are held to the validation.
#[test]
fn enumerations_are_published() {
    let (two, three) = (openapi::v2(), openapi::v3("api/v1").expect("served"));
    let container = |schemas: &Value| schemas["io.k8s.api.core.v1.Container"]["properties"]["imagePullPolicy"].clone();
    for schema in [container(&two["definitions"]), container(&three["components"]["schemas"])] {
        assert_eq!(schema["enum"], json!(["Always", "IfNotPresent", "Never"]));
        assert!(
            schema["description"].as_str().is_some_and(|text| text.contains("Possible enum values:\n - `\"Always\"`"))
        );
    }
    let claims = &three["components"]["schemas"]["io.k8s.api.core.v1.PersistentVolumeClaimSpec"]["properties"];
    assert_eq!(claims["accessModes"]["items"]["enum"][0], "ReadOnlyMany");
    assert_eq!(claims["accessModes"]["items"]["default"], "");
    let port = &three["components"]["schemas"]["io.k8s.api.core.v1.ServicePort"]["properties"];
    assert_eq!((&port["protocol"]["default"], &port["port"]["default"]), (&json!("TCP"), &json!(0)));
    assert!(two["definitions"]["io.k8s.api.core.v1.ServicePort"]["properties"]["port"].get("default").is_none());
}
