//! What is served, told to clients: versions, groups and resources, in the plain and the aggregated form.

mod resources;

use std::sync::LazyLock;

use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use kube_api::kinds::{self, Kind};
use kube_api::{Status, openapi};
use serde_json::{Value, json};
use serve::version::{COMMIT, KUBERNETES, architecture};
use sha2::{Digest, Sha256};

use crate::api::Api;
use crate::http::accept;
use crate::http::body::{Body, full};
use crate::http::reply::{self, Answer};
use resources::Resources;

/// The version of Kubernetes that is spoken, in the parts that clients read as numbers.
const VERSION: (&str, &str) = ("1", "33");

/// Answers `/version`.
pub(crate) fn version() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let (major, minor) = VERSION;
        json!({"major": major, "minor": minor, "gitVersion": KUBERNETES,
            "emulationMajor": major, "emulationMinor": minor, "minCompatibilityMajor": major, "minCompatibilityMinor": "32",
            "gitCommit": COMMIT, "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none",
            "compiler": "rustc", "platform": format!("{}/{}", std::env::consts::OS, architecture())})
    });
    &DOCUMENT
}

/// Answers a path of discovery.
pub(crate) fn answer<B>(api: &Api, request: &Request<B>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Status::method_not_allowed());
    }
    let path = request.uri().path().trim_end_matches('/');
    let aggregated = Aggregated::of(request.headers());
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (parts.as_slice(), aggregated) {
        ([] | [""], _) => Ok(reply::document(StatusCode::OK, &roots())),
        (["api"], Some(form)) => Ok(form.show(request.headers(), true)),
        (["apis"], Some(form)) => Ok(form.show(request.headers(), false)),
        (["api"], None) => show(request.headers(), &api_versions(api)),
        (["api", "v1"], _) => resources(request.headers(), "", "v1"),
        (["apis"], None) => {
            show(request.headers(), &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups()}))
        }
        (["apis", group], _) => {
            let found = groups().into_iter().find(|document| document["name"] == *group);
            let Some(mut document) = found else { return Ok(no_such_page()) };
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            show(request.headers(), &document)
        }
        (["apis", group, version], _) if !group.is_empty() => resources(request.headers(), group, version),
        (["api", ..], _) => Err(Status::no_such_path()),
        (["apis", ..], _) => Ok(no_such_page()),
        _ => Ok(reply::document(StatusCode::NOT_FOUND, &roots())),
    }
}

/// The answer to a path of a group or version that is not there: words of Go's HTTP library, not a Status.
pub(crate) fn no_such_page() -> Response<Body> {
    reply::text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn show(headers: &HeaderMap, document: &Value) -> Answer {
    let accept = accept::negotiate(headers)?;
    Ok(reply::value(StatusCode::OK, document, accept))
}

fn roots() -> Value {
    let groups = groups();
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in &groups {
        let name = group["name"].as_str().unwrap_or_default();
        paths.push(format!("/apis/{name}"));
        paths.extend(
            group["versions"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|version| Some(format!("/apis/{}", version["groupVersion"].as_str()?))),
        );
    }
    paths.extend(
        [
            "/.well-known/openid-configuration",
            "/healthz",
            "/livez",
            "/metrics",
            "/metrics/slis",
            "/openapi/v2",
            "/openapi/v3",
            "/openid/v1/jwks",
            "/readyz",
            "/version",
        ]
        .map(str::to_owned),
    );
    paths.extend(openapi::v3_paths().into_iter().map(|path| format!("/openapi/v3/{path}")));
    paths.sort_unstable();
    json!({"paths": paths})
}

fn api_versions(api: &Api) -> Value {
    let host = &api.options.external_hostname;
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs":
        [{"clientCIDR": "0.0.0.0/0", "serverAddress": format!("{host}:{}", api.options.secure_port)}]})
}

/// The groups but core, as an APIGroupList holds them.
fn groups() -> Vec<Value> {
    let group_versions = kinds::group_versions();
    let mut names: Vec<&str> = Vec::new();
    for (group, _) in &group_versions {
        if !group.is_empty() && !names.contains(group) {
            names.push(group);
        }
    }
    let versions = |name: &str| -> Vec<Value> {
        let of_group = group_versions.iter().filter(|(group, _)| *group == name);
        of_group
            .map(|(group, version)| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
            .collect()
    };
    names
        .iter()
        .map(|name| json!({"name": name, "versions": versions(name), "preferredVersion": versions(name)[0]}))
        .collect()
}

/// The APIResourceList of a version.
fn resources(headers: &HeaderMap, group: &str, version: &str) -> Answer {
    let Some(resources) = Resources::of(group, version) else { return Ok(no_such_page()) };
    Ok(reply::ordered(StatusCode::OK, &resources, accept::negotiate(headers)?))
}

fn names(resource: &mut Value, kind: &Kind) {
    if !kind.short_names.is_empty() {
        resource["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        resource["categories"] = json!(kind.categories);
    }
}

/// The aggregated form that a client accepts: everything in one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Aggregated {
    version: &'static str,
}

impl Aggregated {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get(ACCEPT)?.to_str().ok()?;
        accept.split(',').find_map(|range| {
            let parts: Vec<&str> = range.split(';').map(str::trim).collect();
            if !parts.contains(&"application/json") || !parts.contains(&"g=apidiscovery.k8s.io") {
                return None;
            }
            ["v2", "v2beta1"]
                .into_iter()
                .find(|v| parts.contains(&format!("v={v}").as_str()))
                .map(|version| Self { version })
        })
    }

    /// The groups under `/api` (core) or `/apis`, with an ETag.
    fn show(self, headers: &HeaderMap, core: bool) -> Response<Body> {
        let mut items: Vec<Value> = Vec::new();
        for (group, version) in kinds::group_versions().into_iter().filter(|(group, _)| group.is_empty() == core) {
            let kinds = kinds::all().iter().filter(|k| k.group == group && k.version == version);
            let mut resources: Vec<Value> = kinds.map(aggregated_resource).collect();
            resources.sort_by(|a, b| a["resource"].as_str().cmp(&b["resource"].as_str()));
            let told = json!({"version": version, "resources": resources, "freshness": "Current"});
            let metadata = if core {
                json!({"creationTimestamp": null})
            } else {
                json!({"name": group, "creationTimestamp": null})
            };
            match items.iter_mut().find(|item| item["metadata"]["name"] == *group) {
                Some(item) => item["versions"].as_array_mut().into_iter().for_each(|all| all.push(told.clone())),
                None => items.push(json!({"metadata": metadata, "versions": [told]})),
            }
        }
        let document = json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{}", self.version),
            "metadata": {}, "items": items});
        let content_type =
            format!("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", self.version);
        tagged(headers, reply::to_bytes(&document), &content_type)
    }
}

fn aggregated_resource(kind: &Kind) -> Value {
    let scope = if kind.namespaced { "Namespaced" } else { "Cluster" };
    let response = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut resource = json!({"resource": kind.plural, "responseKind": response(kind.group, kind.version, kind.kind),
        "scope": scope, "singularResource": kind.singular, "verbs": kind.verbs});
    names(&mut resource, kind);
    if !kind.subresources.is_empty() {
        let subresources = kind.subresources.iter().map(|sub| {
            json!({"subresource": sub.name, "responseKind": response(sub.group, sub.version, sub.kind), "verbs": sub.verbs})
        });
        resource["subresources"] = subresources.collect();
    }
    resource
}

/// A document with its ETag, or only the word that the client has it already.
pub(crate) fn tagged(headers: &HeaderMap, bytes: bytes::Bytes, content_type: &str) -> Response<Body> {
    let hash = Sha256::digest(&bytes);
    let tag = format!("\"{}\"", hash.iter().take(16).map(|byte| format!("{byte:02X}")).collect::<String>());
    let has = headers.get_all(IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    let mut response = Response::new(full(if has { bytes::Bytes::new() } else { bytes }));
    if has {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let insert = |response: &mut Response<Body>, name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            response.headers_mut().insert(name, value);
        }
    };
    insert(&mut response, ETAG, &tag);
    insert(&mut response, VARY, "Accept");
    insert(&mut response, CONTENT_TYPE, content_type);
    response
}
