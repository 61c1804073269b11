//! Tokens for service accounts, bound to a time, an audience and perhaps a pod.

use http::StatusCode;
use jiff::Timestamp;
use kube_api::{Status, kinds, meta, validate};
use serde_json::{Value, json};

use crate::admission::{self, node_restriction};
use crate::api::{Api, Call, key};
use crate::http::Incoming;
use crate::http::reply::{self, Answer};
use crate::verbs::{create, read};

/// How long a token is valid where the client does not say, in seconds.
const SECONDS: i64 = 3600;

/// Answers a TokenRequest.
pub(crate) async fn request(api: &Api, call: &Call, body: Incoming) -> Answer {
    let mut review = create::decode_body(&call.of_kind("TokenRequest")?, body).await?.object;
    admission::check_namespace(api, call.kind(), &call.target.namespace, &call.target.name).await?;
    let account = read::find(api, call).await?.value();
    let tokens = api.tokens.as_ref().ok_or_else(|| Status::unavailable("no key of service account tokens is given"))?;
    let errors = validate::token_request(&review);
    if !errors.is_empty() {
        return Err(Status::invalid(call.of_kind("TokenRequest")?.kind(), "", &errors));
    }
    let seconds = review["spec"]["expirationSeconds"].as_i64().unwrap_or(SECONDS);
    let audiences = match review["spec"]["audiences"].as_array() {
        Some(given) if !given.is_empty() => Value::from(given.clone()),
        _ => json!([api.options.service_account_issuer]),
    };
    let now = Timestamp::now().as_second();
    let mut own = json!({"namespace": call.target.namespace,
        "serviceaccount": {"name": call.target.name, "uid": meta::uid(&account)}});
    bind(api, call, &review["spec"]["boundObjectRef"], &account, &mut own).await?;
    let claims = json!({"iss": api.options.service_account_issuer, "aud": audiences, "iat": now, "nbf": now,
        "exp": now + seconds, "jti": uuid::Uuid::new_v4().to_string(), "kubernetes.io": own,
        "sub": format!("system:serviceaccount:{}:{}", call.target.namespace, call.target.name)});
    let token =
        tokens.sign(&claims).ok_or_else(|| Status::unavailable("this server has no key to sign tokens with"))?;
    let expires = Timestamp::from_second(now + seconds).unwrap_or(Timestamp::MAX);
    review["kind"] = "TokenRequest".into();
    review["apiVersion"] = "authentication.k8s.io/v1".into();
    review["metadata"] = json!({"name": call.target.name, "namespace": call.target.namespace,
        "creationTimestamp": create::now()});
    review["spec"]["audiences"] = audiences;
    review["spec"]["expirationSeconds"] = seconds.into();
    let expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    review["status"] = json!({"token": token, "expirationTimestamp": expires});
    Ok(reply::value(StatusCode::CREATED, &review, call.accept))
}

/// Binds the token to a pod, secret or node: it ends with it. A node has none but for its own pods.
async fn bind(api: &Api, call: &Call, reference: &Value, account: &Value, claims: &mut Value) -> Result<(), Status> {
    let restricted = |pod: Option<&Value>| match call.user.node() {
        Some(node) => node_restriction::token(node, reference, pod)
            .map_err(|why| Status::forbidden(call.kind(), meta::name(account), &why)),
        None => Ok(()),
    };
    let Some(name) = reference["name"].as_str() else { return restricted(None) };
    let (claim, resource) = match reference["kind"].as_str() {
        Some("Pod") => ("pod", "pods"),
        Some("Secret") => ("secret", "secrets"),
        Some("Node") => ("node", "nodes"),
        other => {
            let version = reference["apiVersion"].as_str().unwrap_or_default();
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            let of = format!("{group}/{version}, Kind={}", other.unwrap_or_default());
            return Err(Status::bad_request(format!("cannot bind token for serviceaccount to object of type {of}")));
        }
    };
    let kind = kinds::find("", "v1", resource).expect("the table of kinds has pods, secrets and nodes");
    let namespace = if kind.namespaced { call.target.namespace.as_str() } else { "" };
    let entry = api.store.get(resource, &key(namespace, name)).await;
    let object = entry.map_err(|error| crate::api::refuse(kind, name, error))?.value();
    restricted(Some(&object))?;
    let uid = meta::uid(&object);
    if reference["uid"].as_str().is_some_and(|wanted| wanted != uid) {
        return Err(Status::conflict(
            kind,
            name,
            &format!(
                "the UID in the bound object reference ({}) does not match the UID in \
            record. The object might have been deleted and then recreated",
                reference["uid"].as_str().unwrap_or_default()
            ),
        ));
    }
    if claim == "pod" && object["spec"]["serviceAccountName"] != account["metadata"]["name"] {
        let why = format!(
            "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
            meta::name(account)
        );
        return Err(Status::forbidden(call.kind(), meta::name(account), &why));
    }
    claims[claim] = json!({"name": name, "uid": uid});
    if let Some(node) = object["spec"]["nodeName"].as_str().filter(|_| claim == "pod") {
        claims["node"] = json!({"name": node});
        let known = api.store.shelf("nodes").and_then(|nodes| nodes.get(&key("", node)));
        if let Some(uid) = known.as_ref().and_then(|node| node.field("metadata.uid")) {
            claims["node"]["uid"] = uid.into();
        }
    }
    Ok(())
}
