//! What can be asked of each kind: paths, methods, bodies and answers, in neither dialect of OpenAPI.

use super::parameters::{self, Parameter};
use super::root;
use crate::kinds::{self, Kind, Subresource};

/// One path with its operations.
pub(super) struct Path {
    pub(super) path: String,
    pub(super) operations: Vec<Operation>,
}

/// One method of a path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) description: String,
    /// The verb, in OpenAPI's words.
    pub(super) action: &'static str,
    /// Group, version and kind of what is read or written.
    pub(super) kind: (&'static str, &'static str, &'static str),
    pub(super) query: Vec<&'static Parameter>,
    pub(super) body: Body,
    pub(super) answer: Answer,
    /// Whether it creates: 201 and 202 are answers too.
    pub(super) codes: &'static [&'static str],
}

/// What is sent.
pub(super) enum Body {
    None,
    /// An object of the type.
    Object(String),
    /// A patch of any type.
    Patch,
    /// Options, which may be left out.
    Options,
}

/// What comes back.
pub(super) enum Answer {
    /// An object of the type.
    Object(String),
    /// Text, or whatever is connected to.
    Text,
    /// Text or events of a watch, which end when the client or the server ends them.
    Events,
    /// The words of a log.
    Log,
    /// A document about the server, in this format alone; an object of the type, where it is one.
    Document(&'static str, Option<&'static str>),
}

/// A document about the server itself, and the name under which version 3 publishes its path.
pub(super) struct Root {
    /// The name, such as `apis/apps`.
    pub(super) name: String,
    pub(super) path: Path,
}

/// The documents that lead to all others, and those about the server.
pub(super) fn roots() -> Vec<Root> {
    let mut roots: Vec<Root> = ROOTS
        .iter()
        .map(|&(name, id, tag, description, answer)| {
            root_path(name.to_owned(), id.to_owned(), tag, description, answer)
        })
        .collect();
    let mut groups: Vec<&str> = kinds::group_versions().into_iter().map(|(group, _)| group).collect();
    groups.dedup();
    for group in groups.into_iter().filter(|group| !group.is_empty()) {
        let id = format!("get{}APIGroup", capitalise(&group_name(group)));
        let answer = ("application/json", Some("meta/v1.APIGroup"));
        roots.push(root_path(format!("apis/{group}"), id, &group_name(group), "get information of a group", answer));
    }
    roots
}

/// A document's format, and its type where it is an object.
type Document = (&'static str, Option<&'static str>);

/// Name, operation, tag, description and answer of the documents that are not of a group.
const ROOTS: &[(&str, &str, &str, &str, Document)] = &[
    (
        "api",
        "getCoreAPIVersions",
        "core",
        "get available API versions",
        ("application/json", Some("meta/v1.APIVersions")),
    ),
    (
        "apis",
        "getAPIVersions",
        "apis",
        "get available API versions",
        ("application/json", Some("meta/v1.APIGroupList")),
    ),
    (
        "version",
        "getCodeVersion",
        "version",
        "get the version information for this server",
        ("application/json", Some(super::definitions::VERSION_INFO)),
    ),
    (
        ".well-known/openid-configuration",
        "getServiceAccountIssuerOpenIDConfiguration",
        "WellKnown",
        "get where and how the tokens of service accounts can be verified",
        ("application/json", None),
    ),
    (
        "openid/v1/jwks",
        "getServiceAccountIssuerOpenIDKeyset",
        "openid",
        "get the keys by which the tokens of service accounts can be verified",
        ("application/jwk-set+json", None),
    ),
];

fn root_path(name: String, id: String, tag: &str, description: &str, (format, ty): Document) -> Root {
    let operation = Operation {
        method: "get",
        id,
        tag: tag.to_owned(),
        description: description.to_owned(),
        action: "",
        kind: ("", "", ""),
        query: Vec::new(),
        body: Body::None,
        answer: Answer::Document(format, ty),
        codes: &["200"],
    };
    Root { path: Path { path: format!("/{name}/"), operations: vec![operation] }, name }
}

/// All paths below a group and version.
pub(super) fn paths(group: &'static str, version: &'static str) -> Vec<Path> {
    let tag = format!("{}_{version}", group_name(group));
    let id = format!("get{}APIResources", tag_name(group, version));
    let answer = ("application/json", Some("meta/v1.APIResourceList"));
    let resources = root_path(root(group, version), id, &tag, "get available resources", answer);
    let of = kinds::all().iter().filter(|k| k.group == group && k.version == version);
    std::iter::once(resources.path).chain(of.flat_map(kind_paths)).collect()
}

fn kind_paths(kind: &'static Kind) -> Vec<Path> {
    let base = format!("/{}", root(kind.group, kind.version));
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{base}{scope}/{}", kind.plural);
    let mut paths = vec![Path { path: collection.clone(), operations: collection_operations(kind) }];
    let item = format!("{collection}/{{name}}");
    paths.push(Path { path: item.clone(), operations: item_operations(kind) });
    for subresource in kind.subresources {
        let path = format!("{item}/{}", subresource.name);
        paths.push(Path { path: path.clone(), operations: subresource_operations(kind, subresource, "") });
        if subresource.name == "proxy" {
            paths.push(Path {
                path: format!("{path}/{{path}}"),
                operations: subresource_operations(kind, subresource, "WithPath"),
            });
        }
    }
    if kind.namespaced && kind.allows("list") {
        let id = format!("list{}{}ForAllNamespaces", tag_name(kind.group, kind.version), kind.kind);
        let list = Operation { id, ..list(kind) };
        paths.push(Path { path: format!("{base}/{}", kind.plural), operations: vec![list] });
    }
    if kind.allows("watch") {
        paths.extend(watch_paths(kind, &base, scope));
    }
    paths.retain(|p| !p.operations.is_empty());
    paths
}

/// The paths of old by which a kind is watched.
fn watch_paths(kind: &'static Kind, base: &str, scope: &str) -> Vec<Path> {
    let watch = |path: String, action: &'static str, suffix: &str, what: &str| {
        let mut watch =
            operation(kind, "watch", "get", action, format!("watch {what}; deprecated: list with watch=true"));
        watch.id.push_str(suffix);
        watch.query = parameters::LIST.iter().collect();
        watch.answer = Answer::Events;
        Path { path, operations: vec![watch] }
    };
    let collection = format!("{base}/watch{scope}/{}", kind.plural);
    let mut paths = vec![
        watch(collection.clone(), "watchlist", "List", &format!("all objects of kind {}", kind.kind)),
        watch(format!("{collection}/{{name}}"), "watch", "", &format!("a {}", kind.kind)),
    ];
    if kind.namespaced {
        let mut all = watch(
            format!("{base}/watch/{}", kind.plural),
            "watchlist",
            "",
            &format!("objects of kind {} in all namespaces", kind.kind),
        );
        all.operations[0].id = format!("watch{}{}ListForAllNamespaces", tag_name(kind.group, kind.version), kind.kind);
        paths.push(all);
    }
    paths
}

/// `CoreV1`, `RbacAuthorizationV1`: the group and version within an operation's id.
fn tag_name(group: &str, version: &str) -> String {
    format!("{}{}", capitalise(&group_name(group)), capitalise(version))
}

/// `core`, `rbacAuthorization`.
fn group_name(group: &str) -> String {
    if group.is_empty() {
        return "core".to_owned();
    }
    let mut parts = group.trim_end_matches(".k8s.io").split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &capitalise(part))
}

fn capitalise(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

fn scope(kind: &Kind) -> &'static str {
    if kind.namespaced { "Namespaced" } else { "" }
}

fn operation(kind: &Kind, verb: &str, method: &'static str, action: &'static str, description: String) -> Operation {
    Operation {
        method,
        id: format!("{verb}{}{}{}", tag_name(kind.group, kind.version), scope(kind), kind.kind),
        tag: format!("{}_{}", group_name(kind.group), kind.version),
        description,
        action,
        kind: (kind.group, kind.version, kind.kind),
        query: Vec::new(),
        body: Body::None,
        answer: Answer::Object(kind.schema.to_owned()),
        codes: &["200"],
    }
}

fn list(kind: &Kind) -> Operation {
    Operation {
        query: parameters::LIST.iter().collect(),
        answer: Answer::Object(format!("{}List", kind.schema)),
        ..operation(kind, "list", "get", "list", format!("list or watch objects of kind {}", kind.kind))
    }
}

fn collection_operations(kind: &Kind) -> Vec<Operation> {
    let mut operations = Vec::new();
    if kind.allows("list") {
        operations.push(list(kind));
    }
    if kind.allows("create") {
        operations.push(Operation {
            query: parameters::WRITE.iter().collect(),
            body: Body::Object(kind.schema.to_owned()),
            codes: &["200", "201", "202"],
            ..operation(kind, "create", "post", "post", format!("create a {}", kind.kind))
        });
    }
    if kind.allows("deletecollection") {
        let id = format!("delete{}Collection{}{}", tag_name(kind.group, kind.version), scope(kind), kind.kind);
        operations.push(Operation {
            id,
            query: parameters::DELETE_COLLECTION.iter().chain(parameters::DELETE).collect(),
            body: Body::Options,
            answer: Answer::Object("meta/v1.Status".to_owned()),
            ..operation(kind, "", "delete", "deletecollection", format!("delete all {} that are selected", kind.plural))
        });
    }
    operations
}

fn item_operations(kind: &Kind) -> Vec<Operation> {
    let mut operations = Vec::new();
    if kind.allows("get") {
        operations.push(operation(kind, "read", "get", "get", format!("read a {}", kind.kind)));
    }
    if kind.allows("update") {
        operations.push(Operation {
            query: parameters::WRITE.iter().collect(),
            body: Body::Object(kind.schema.to_owned()),
            codes: &["200", "201"],
            ..operation(kind, "replace", "put", "put", format!("replace a {}", kind.kind))
        });
    }
    if kind.allows("patch") {
        operations.push(Operation {
            query: parameters::WRITE.iter().chain(parameters::PATCH).collect(),
            body: Body::Patch,
            codes: &["200", "201"],
            ..operation(kind, "patch", "patch", "patch", format!("change parts of a {}", kind.kind))
        });
    }
    if kind.allows("delete") {
        operations.push(Operation {
            query: parameters::DELETE.iter().collect(),
            body: Body::Options,
            answer: Answer::Object(deleted(kind).to_owned()),
            codes: &["200", "202"],
            ..operation(kind, "delete", "delete", "delete", format!("delete a {}", kind.kind))
        });
    }
    operations
}

/// What a deletion answers, as upstream's documents say it: some kinds the object itself.
fn deleted(kind: &Kind) -> &'static str {
    match (kind.group, kind.kind) {
        (
            "",
            "Pod"
            | "PodTemplate"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "ResourceQuota"
            | "Service"
            | "ServiceAccount",
        ) => kind.schema,
        _ => "meta/v1.Status",
    }
}

fn subresource_operations(kind: &Kind, subresource: &Subresource, suffix: &str) -> Vec<Operation> {
    if matches!(subresource.name, "attach" | "exec" | "portforward" | "proxy") {
        return connections(kind, subresource, suffix);
    }
    let schema = subresource_schema(kind, subresource);
    let what = format!("{} of a {}", subresource.name, kind.kind);
    let name = capitalise(subresource.name);
    let write = |verb: &str, method: &'static str, codes: &'static [&'static str]| Operation {
        query: parameters::WRITE.iter().collect(),
        body: Body::Object(schema.clone()),
        codes,
        ..operation(kind, verb, method, method, format!("{verb} the {what}"))
    };
    let of_verb = |verb: &str| match verb {
        "create" => write("create", "post", &["200", "201", "202"]),
        "update" => write("replace", "put", &["200", "201"]),
        "patch" => Operation {
            query: parameters::WRITE.iter().chain(parameters::PATCH).collect(),
            body: Body::Patch,
            ..write("patch", "patch", &["200", "201"])
        },
        _ => operation(kind, "read", "get", "get", format!("read the {what}")),
    };
    let finish = |mut operation: Operation| {
        operation.id.push_str(&name);
        operation.kind = (subresource.group, subresource.version, subresource.kind);
        operation.answer = Answer::Object(schema.clone());
        if subresource.name == "log" {
            operation.query = parameters::LOG.iter().collect();
            operation.answer = Answer::Log;
        }
        operation
    };
    subresource.verbs.iter().map(|verb| finish(of_verb(verb))).collect()
}

/// Subresources that connect the client to something, by whatever method.
fn connections(kind: &Kind, subresource: &Subresource, suffix: &str) -> Vec<Operation> {
    let proxied: &[&str] = if subresource.name == "proxy" { &["head", "options"] } else { &[] };
    let methods = subresource.verbs.iter().chain(proxied).map(|verb| match *verb {
        "create" => "post",
        "update" => "put",
        method => method,
    });
    let description = format!("connect to the {} of a {}", subresource.name, kind.kind);
    let connect = |method: &'static str| {
        let mut operation = operation(kind, "connect", method, "connect", description.clone());
        let (tag, name) = (tag_name(kind.group, kind.version), capitalise(subresource.name));
        operation.id = format!("connect{tag}{}{}{}{name}{suffix}", capitalise(method), scope(kind), kind.kind);
        // Its options', not the object's: kubectl takes any PATCH about a kind for the one that changes it.
        operation.kind = (subresource.group, subresource.version, subresource.kind);
        operation.query = parameters::connect(subresource.name).iter().collect();
        operation.answer = Answer::Text;
        operation
    };
    methods.map(connect).collect()
}

fn subresource_schema(kind: &Kind, subresource: &Subresource) -> String {
    if subresource.kind == kind.kind {
        return kind.schema.to_owned();
    }
    let package = match subresource.group {
        "" => "core",
        "authentication.k8s.io" => "authentication",
        other => other,
    };
    format!("{package}/{}.{}", subresource.version, subresource.kind)
}
