//! Custom resource definitions: there are none, and kubectl wants to hear so. Before it sends an object of a kind that has no path of its own
//! (a `ServiceList`), it looks whether a custom resource is meant, and gives up where that is not answered.

use http::{Method, Request, StatusCode};
use serde_json::json;

use super::Api;
use crate::auth::User;
use crate::authorize::{self, Attributes};
use crate::http::accept::{self, Form};
use crate::http::query::Query;
use crate::http::reply::{self, Answer};

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Whether all definitions are asked for. Nothing else is known of them: they are not to be discovered, watched or made.
pub(super) fn asked<B>(request: &Request<B>) -> bool {
    let watches = || Query::parse(request.uri().query()).flag("watch");
    request.method() == Method::GET && request.uri().path() == PATH && !watches()
}

/// The list of none, for who may have it.
pub(super) async fn answer<B>(api: &Api, user: &User, request: &Request<B>) -> Answer {
    let (verb, group, resource) = ("list".to_owned(), GROUP.to_owned(), PLURAL.to_owned());
    authorize::resource(api, user, &Attributes { verb, group, resource, ..Attributes::default() }).await?;
    let accept = accept::negotiate(request.headers())?;
    if matches!(accept.form, Form::Table(_)) {
        return Err(accept::without_tables());
    }
    let metadata = json!({"resourceVersion": api.store.revision().to_string()});
    let none = json!({"kind": "CustomResourceDefinitionList", "apiVersion": format!("{GROUP}/v1"), "metadata": metadata,
        "items": []});
    Ok(reply::value(StatusCode::OK, &none, accept))
}
