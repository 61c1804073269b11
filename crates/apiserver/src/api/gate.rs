//! Who may pass: authentication, then authorization.

use std::sync::Arc;

use http::{Method, Request};
use jiff::Timestamp;
use kube_api::Status;
use serde_json::{Value, json};
use serve::http::Peer;

use super::{Api, Call};
use crate::auth::{Shown, User};

impl Api {
    /// Who sent the request; nobody without credentials comes further.
    pub(super) async fn authenticate<B>(&self, request: &Request<B>) -> Result<Arc<User>, Status> {
        let peer = request.extensions().get::<Peer>().ok_or_else(|| Status::internal("a request without its peer"))?;
        match self.authenticator.look(request.headers(), peer) {
            Shown::User(user) => Ok(user),
            Shown::Token(token) => self.service_account(&token).map(Arc::new).ok_or_else(Status::unauthorized),
            Shown::Nothing | Shown::Wrong => Err(Status::unauthorized()),
        }
    }

    /// The service account whose token this is, as long as it and what the token is bound to are there.
    fn service_account(&self, token: &str) -> Option<User> {
        let own = self.options.service_account_issuer.as_str();
        self.service_account_for(token, &[own]).map(|(user, _)| user)
    }

    /// The same for a token that may be meant for others than this server: the account, and the audiences that it is for.
    pub(crate) fn service_account_for(&self, token: &str, audiences: &[&str]) -> Option<(User, Vec<String>)> {
        let claims = self.tokens.as_ref()?.verify(token, Timestamp::now().as_second())?;
        let meant = self.meant_for(&claims, audiences);
        if meant.is_empty() {
            return None;
        }
        let bound = Bound::of(&claims)?;
        let key = format!("{}/{}", bound.namespace, bound.name);
        let there = |resource: &str, key: &str, uid: &str| {
            let entry = self.store.shelf(resource).and_then(|shelf| shelf.get(key));
            entry.is_some_and(|entry| entry.field("metadata.uid") == Some(uid))
        };
        if !there("serviceaccounts", &key, bound.uid) {
            return None;
        }
        for (resource, object) in bound.to {
            let key =
                if resource == "nodes" { object.0.to_owned() } else { format!("{}/{}", bound.namespace, object.0) };
            if !there(resource, &key, object.1) {
                return None;
            }
        }
        let groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{}", bound.namespace)];
        let name = format!("system:serviceaccount:{}:{}", bound.namespace, bound.name);
        let mut user = User::known(name, bound.uid, groups);
        for (of, part) in [("pod", "name"), ("pod", "uid"), ("node", "name"), ("node", "uid")] {
            let value = &claims["kubernetes.io"][of][part];
            if value.is_string() {
                user.extra.insert(format!("authentication.kubernetes.io/{of}-{part}"), json!([value]));
            }
        }
        if let Some(id) = claims["jti"].as_str() {
            let id = format!("JTI={id}");
            user.extra.insert("authentication.kubernetes.io/credential-id".to_owned(), json!([id]));
        }
        Some((user, meant))
    }

    /// Which of the audiences the token is for. One that names none is for this server.
    fn meant_for(&self, claims: &Value, audiences: &[&str]) -> Vec<String> {
        let own = self.options.service_account_issuer.as_str();
        let named: Vec<&str> = match &claims["aud"] {
            Value::Null => vec![own],
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        audiences.iter().filter(|audience| named.contains(audience)).map(|&audience| audience.to_owned()).collect()
    }

    /// Whether the user may do what the call asks for.
    pub(super) async fn authorize(&self, call: &Call) -> Result<(), Status> {
        crate::authorize::resource(self, &call.user, &crate::authorize::Attributes::of(call)).await
    }

    /// Whether the user may ask for a path that is no resource.
    pub(super) fn authorize_path(&self, user: &User, method: &Method, path: &str) -> Result<(), Status> {
        crate::authorize::path(self, user, &method.as_str().to_ascii_lowercase(), path)
    }
}

/// What a service account's token says it is for.
struct Bound<'c> {
    namespace: &'c str,
    name: &'c str,
    uid: &'c str,
    /// Resources, names and UIDs of objects without which the token is nothing.
    to: Vec<(&'static str, (&'c str, &'c str))>,
}

impl<'c> Bound<'c> {
    /// From the claims of today's tokens, or of those kept in secrets.
    fn of(claims: &'c Value) -> Option<Self> {
        let old = |name: &str| claims.get(format!("kubernetes.io/serviceaccount/{name}"))?.as_str();
        if let Some(namespace) = old("namespace") {
            let (name, uid) = (old("service-account.name")?, old("service-account.uid")?);
            return Some(Self { namespace, name, uid, to: Vec::new() });
        }
        let claims = &claims["kubernetes.io"];
        let account = &claims["serviceaccount"];
        let reference = |object: &'c Value| Some((object["name"].as_str()?, object["uid"].as_str()?));
        let mut to = Vec::new();
        for (claim, resource) in [("pod", "pods"), ("secret", "secrets"), ("node", "nodes")] {
            match claims.get(claim) {
                // of a pod's node it is only said which one it is: the pod's end is the token's
                Some(_) if claim == "node" && claims.get("pod").is_some() => {}
                Some(object) => to.push((resource, reference(object)?)),
                None => {}
            }
        }
        let (name, uid) = reference(account)?;
        Some(Self { namespace: claims["namespace"].as_str()?, name, uid, to })
    }
}
