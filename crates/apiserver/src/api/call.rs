//! A request for a resource, understood but for its body.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method};
use hyper::upgrade::OnUpgrade;
use kube_api::kinds::{self, Subresource};
use kube_api::status::quote;
use kube_api::{Kind, Status};

use crate::auth::User;
use crate::http::accept::{self, Accept, Form};
use crate::http::indent;
use crate::http::path::{self, Target};
use crate::http::query::Query;
use crate::subresource::proxy;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Read one object.
    Get,
    /// Read many.
    List,
    /// Follow their changes.
    Watch,
    /// Make one.
    Create,
    /// Replace one.
    Update,
    /// Change a part of one.
    Patch,
    /// Delete one.
    Delete,
    /// Delete many.
    DeleteCollection,
}

impl Verb {
    /// The verb as authorizers and discovery name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// The kind of the options that the verb's parameters are.
    fn options(self) -> &'static str {
        match self {
            Self::Get => "GetOptions",
            Self::List | Self::Watch => "ListOptions",
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
            Self::Patch => "PatchOptions",
            Self::Delete | Self::DeleteCollection => "DeleteOptions",
        }
    }

    fn of(method: &Method, target: &Target, query: &Query) -> Option<Self> {
        let one = !target.name.is_empty();
        match method.as_str() {
            "GET" if target.watch => Some(Self::Watch),
            // the old paths that watch do nothing else: whoever deletes there deletes nothing
            _ if target.watch => None,
            "GET" if one => Some(Self::Get),
            "GET" if query.flag("watch") => Some(Self::Watch),
            "GET" => Some(Self::List),
            "POST" => Some(Self::Create),
            "PUT" if one => Some(Self::Update),
            "PATCH" if one => Some(Self::Patch),
            "DELETE" if one => Some(Self::Delete),
            "DELETE" => Some(Self::DeleteCollection),
            _ => None,
        }
    }
}

/// A request for a resource.
pub(crate) struct Call {
    pub(crate) target: Target,
    pub(crate) verb: Verb,
    pub(crate) query: Query,
    pub(crate) accept: Accept,
    pub(crate) user: Arc<User>,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// The query as it came, for what is passed on.
    pub(crate) raw_query: Option<String>,
    /// The connection itself, where the client asks for another protocol on it.
    pub(crate) upgrade: Option<OnUpgrade>,
}

impl Call {
    /// Understands a request's head.
    pub(crate) fn new(mut parts: Parts, user: Arc<User>) -> Result<Self, Status> {
        if !path::is_encoded(parts.uri.path()) {
            return Err(Status::bad_request("the path holds a percent sign that escapes nothing"));
        }
        let target = path::parse(parts.uri.path()).ok_or_else(Status::no_such_path)?;
        let mut query = Query::parse(parts.uri.query());
        let proxied = target.subresource.is_some_and(|sub| sub.name == "proxy") && proxy::passes(&parts.method);
        let verb = Verb::of(&parts.method, &target, &query).or(proxied.then_some(Verb::Get));
        let verb = verb.ok_or_else(Status::method_not_allowed)?;
        query.options = verb.options();
        let verbs = target.subresource.map_or(target.kind.verbs, |sub| sub.verbs);
        // objects that are never there have no path
        let by_name = ["get", "update", "patch", "delete"];
        if target.subresource.is_none() && !target.name.is_empty() && !by_name.iter().any(|verb| verbs.contains(verb)) {
            return Err(Status::no_such_path());
        }
        let creates_object = verb == Verb::Create && target.subresource.is_none() && !target.name.is_empty();
        // what spans all namespaces is read alone
        let spans = target.kind.namespaced && target.namespace.is_empty();
        let spans = spans && matches!(verb, Verb::Create | Verb::DeleteCollection);
        if creates_object || spans || !(verbs.contains(&verb.name()) || proxied) {
            return Err(Status::method_not_allowed());
        }
        check_name(&target.name)?;
        check_parameters(verb, &target, &query)?;
        // what a kubelet or a proxied server answers has a format of its own
        let passed_on = target
            .subresource
            .is_some_and(|sub| matches!(sub.name, "log" | "proxy" | "exec" | "attach" | "portforward"));
        let accept = accept::negotiate(&parts.headers);
        // what is made and not kept has no rows
        let rows = target.subresource.map_or(target.kind.verbs, |sub| sub.verbs).contains(&"get");
        let accept = accept.and_then(|accept| match accept.form {
            Form::Table(_) if !rows => Err(accept::without_tables()),
            _ => Ok(accept),
        });
        let mut accept = if passed_on { accept.unwrap_or(accept::PLAIN) } else { accept? };
        // what people are to read is written as they read it
        accept.gzip &= !indent::wanted(parts.uri.query(), &parts.headers);
        check_form(verb, target.kind, accept.form, &query)?;
        let raw_query = parts.uri.query().map(str::to_owned);
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let (method, headers) = (parts.method, parts.headers);
        Ok(Self { target, verb, query, accept, user, method, headers, raw_query, upgrade })
    }

    /// The resource's kind.
    pub(crate) fn kind(&self) -> &'static Kind {
        self.target.kind
    }

    /// The same call with a body of another kind, as subresources have.
    pub(crate) fn of_kind(&self, kind: &str) -> Result<Self, Status> {
        let subresource = self.target.subresource.filter(|sub| sub.kind == kind).ok_or_else(Status::no_such_path)?;
        let body = body_kind(subresource).ok_or_else(Status::no_such_path)?;
        let target = Target { kind: body, ..self.target.clone() };
        let (query, user, headers) = (self.query.clone(), Arc::clone(&self.user), self.headers.clone());
        let (method, raw_query) = (self.method.clone(), self.raw_query.clone());
        let (verb, accept) = (self.verb, self.accept);
        Ok(Self { target, verb, query, accept, user, method, headers, raw_query, upgrade: None })
    }

    /// The object's key in storage.
    pub(crate) fn key(&self) -> String {
        key(&self.target.namespace, &self.target.name)
    }

    /// What the keys of the collection begin with.
    pub(crate) fn prefix(&self) -> String {
        if self.target.namespace.is_empty() { String::new() } else { format!("{}/", self.target.namespace) }
    }

    /// Whether the answer has no end by itself, so that no limit of time or number applies.
    pub(crate) fn stays_open(&self) -> bool {
        let stream = self
            .target
            .subresource
            .is_some_and(|sub| matches!(sub.name, "log" | "proxy" | "exec" | "attach" | "portforward"));
        self.verb == Verb::Watch || stream
    }
}

/// Refuses a name that would lead elsewhere in storage.
fn check_name(name: &str) -> Result<(), Status> {
    let why = match name {
        "." | ".." => format!("may not be '{name}'"),
        _ if name.contains('%') => "may not contain '%'".to_owned(),
        _ => return Ok(()),
    };
    Err(Status::bad_request(format!("Name parameter invalid: {}: {why}", quote(name))))
}

/// Refuses parameters that cannot be read, whether or not they are used.
fn check_parameters(verb: Verb, target: &Target, query: &Query) -> Result<(), Status> {
    if target.subresource.is_none() && matches!(verb, Verb::List | Verb::Watch | Verb::DeleteCollection) {
        query.number("limit")?;
        query.number("timeoutSeconds")?;
    }
    Ok(())
}

/// Refuses a form that the answer does not have.
fn check_form(verb: Verb, kind: &Kind, form: Form, query: &Query) -> Result<(), Status> {
    let group = kind.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
    let (asked, why) = match (form, verb) {
        (Form::Metadata(_), Verb::List) => ("PartialObjectMetadata", format!("is a list (*{group}.{}List)", kind.kind)),
        (Form::MetadataList(_), Verb::Get) => {
            ("PartialObjectMetadataList", format!("is not a list (*{group}.{})", kind.kind))
        }
        (Form::Table(_), _) if !matches!(query.get("includeObject"), None | Some("Metadata" | "Object" | "None")) => {
            let given = query.get("includeObject").unwrap_or_default();
            return Err(Status::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', \
                 'Object', 'None', or empty",
                quote(given)
            )));
        }
        _ => return Ok(()),
    };
    Err(Status::new(406, "NotAcceptable", format!("you requested {asked}, but the requested object {why}")))
}

/// An object's key in storage.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// The kind of a subresource's body, which may have no path of its own.
fn body_kind(subresource: &Subresource) -> Option<&'static Kind> {
    static TOKEN_REQUEST: Kind = Kind {
        group: "authentication.k8s.io",
        version: "v1",
        kind: "TokenRequest",
        plural: "tokenrequests",
        singular: "tokenrequest",
        short_names: &[],
        categories: &[],
        namespaced: true,
        verbs: &["create"],
        subresources: &[],
        schema: "authentication/v1.TokenRequest",
    };
    if subresource.kind == TOKEN_REQUEST.kind {
        return Some(&TOKEN_REQUEST);
    }
    kinds::by_kind(subresource.group, subresource.version, subresource.kind)
}
