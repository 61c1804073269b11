//! Tokens that are kept: a secret of type `kubernetes.io/service-account-token` names an account, and gets a token of it.
//!
//! The token is one as `kubectl create token` makes it, for as long as the API server allows and bound to the secret: it ends
//! with the secret, and with the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;

use crate::answer::accept;
use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::store::{Key, key, split};

/// The type of such secrets.
pub const TYPE: &str = "kubernetes.io/service-account-token";
/// The annotation that names the account.
const ACCOUNT: &str = "kubernetes.io/service-account.name";
/// The annotation that says which of the accounts of that name it is.
const UID: &str = "kubernetes.io/service-account.uid";
/// The longest that a token may be asked for, in seconds: 136 years.
const SECONDS: i64 = 1 << 32;

/// Starts the controller's listeners; the future does its work until shutdown. `root_ca` is the certificate authority in
/// PEM, where there is one to publish.
pub fn start(context: Context, root_ca: Option<String>) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<Key>::new("serviceaccount-token", &context.queues));
    let own = Arc::clone(&queue);
    context.token_secrets.listen(move |change| {
        if let Some(secret) = change.new {
            own.add(key(&**secret));
        }
    });
    let (own, secrets) = (Arc::clone(&queue), Arc::clone(&context.token_secrets));
    context.accounts.listen(move |change| {
        let Some(account) = change.old.filter(|old| change.new.is_none_or(|new| new.uid() != old.uid())) else {
            return;
        };
        let of = |secret: &Secret| {
            secret.namespace() == account.namespace() && secret.annotations().get(ACCOUNT) == Some(&account.name_any())
        };
        for secret in secrets.select(of) {
            own.add(key(&*secret));
        }
    });
    let shutdown = context.shutdown.clone();
    let root_ca = root_ca.map(Arc::new);
    queue.work(2, shutdown, move |key| {
        let (context, root_ca) = (context.clone(), root_ca.clone());
        async move { reconcile(&context, &key, root_ca.as_ref().map(|pem| pem.as_str())).await }
    })
}

async fn reconcile(context: &Context, key: &str, root_ca: Option<&str>) -> anyhow::Result<Next> {
    let Some(secret) = context.token_secrets.get(key) else { return Ok(Next::Wait) };
    let Some(name) = secret.annotations().get(ACCOUNT) else { return Ok(Next::Wait) };
    if secret.metadata.deletion_timestamp.is_some() || secret.immutable == Some(true) {
        return Ok(Next::Wait);
    }
    let accounts: Api<ServiceAccount> = Api::namespaced(context.client.clone(), split(key).0);
    // not from the store, which may lag: a wrong answer here would cost the secret its life
    let account = accounts.get_opt(name).await.with_context(|| format!("cannot read service account {name}"))?;
    let Some(account) = account.filter(|account| is_of(&secret, account)) else {
        remove(context, &secret).await.with_context(|| format!("cannot delete secret {key}"))?;
        return Ok(Next::Wait);
    };
    let mut data = lacking(&secret, root_ca);
    if is_empty(&secret, "token") {
        let token = token(&accounts, name, &secret).await.with_context(|| format!("no token for secret {key}"))?;
        data.insert("token", ByteString(token.into_bytes()));
    }
    if !data.is_empty() || secret.annotations().get(UID) != account.uid().as_ref() {
        fill(context, &secret, &account, &data).await.with_context(|| format!("cannot fill secret {key}"))?;
    }
    Ok(Next::Wait)
}

/// Whether the secret means this account, of those of its name.
fn is_of(secret: &Secret, account: &ServiceAccount) -> bool {
    let uid = secret.annotations().get(UID).filter(|uid| !uid.is_empty());
    uid.is_none_or(|uid| account.uid().as_ref() == Some(uid))
}

fn is_empty(secret: &Secret, name: &str) -> bool {
    secret.data.as_ref().and_then(|data| data.get(name)).is_none_or(|value| value.0.is_empty())
}

/// What the secret has to say beside its token, where it does not.
fn lacking(secret: &Secret, root_ca: Option<&str>) -> BTreeMap<&'static str, ByteString> {
    let namespace = secret.namespace().unwrap_or_default();
    let wanted = [("namespace", Some(namespace.as_str())), ("ca.crt", root_ca)];
    let known = |name: &str| secret.data.as_ref().and_then(|data| data.get(name)).map(|value| value.0.as_slice());
    let wanted = wanted.into_iter().filter_map(|(name, value)| Some((name, value?.as_bytes())));
    wanted
        .filter(|(name, value)| known(name) != Some(*value))
        .map(|(name, value)| (name, ByteString(value.to_vec())))
        .collect()
}

async fn token(accounts: &Api<ServiceAccount>, name: &str, secret: &Secret) -> anyhow::Result<String> {
    let bound = BoundObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        name: Some(secret.name_any()),
        uid: secret.uid(),
    };
    let spec = TokenRequestSpec {
        bound_object_ref: Some(bound),
        expiration_seconds: Some(SECONDS),
        ..TokenRequestSpec::default()
    };
    let asked = TokenRequest { spec, ..TokenRequest::default() };
    let answer = accounts.create_token_request(name, &PostParams::default(), &asked).await?;
    Ok(answer.status.context("the API server answered without a token")?.token)
}

/// Writes over the very secret that was looked at.
async fn fill(
    context: &Context,
    secret: &Secret,
    account: &ServiceAccount,
    data: &BTreeMap<&str, ByteString>,
) -> Result<(), kube::Error> {
    let metadata = json!({"uid": secret.uid(), "resourceVersion": secret.resource_version(),
        "annotations": {UID: account.uid()}});
    let patch = Patch::Merge(json!({"metadata": metadata, "data": data}));
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &secret.namespace().unwrap_or_default());
    if let Some(written) = accept(api.patch(&secret.name_any(), &PatchParams::default(), &patch).await)? {
        context.token_secrets.wrote(written);
    }
    Ok(())
}

/// A secret whose account is gone is nothing any more.
async fn remove(context: &Context, secret: &Secret) -> Result<(), kube::Error> {
    let preconditions = Some(Preconditions { uid: secret.uid(), resource_version: None });
    let params = DeleteParams { preconditions, ..DeleteParams::default() };
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &secret.namespace().unwrap_or_default());
    accept(api.delete(&secret.name_any(), &params).await).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(annotations: serde_json::Value, data: &[(&str, &str)]) -> Secret {
        let metadata = json!({"name": "s", "namespace": "team", "annotations": annotations});
        let mut secret: Secret = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
        let data = data.iter().map(|(name, value)| ((*name).to_owned(), ByteString(value.as_bytes().to_vec())));
        secret.data = Some(data.collect());
        secret
    }

    #[test]
    fn only_what_is_missing_or_wrong_is_written() {
        let names = |secret: &Secret| lacking(secret, Some("pem")).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&secret(json!({}), &[])), ["ca.crt", "namespace"]);
        assert_eq!(names(&secret(json!({}), &[("ca.crt", "old"), ("namespace", "team")])), ["ca.crt"]);
        assert!(names(&secret(json!({}), &[("ca.crt", "pem"), ("namespace", "team")])).is_empty());
        assert!(is_empty(&secret(json!({}), &[("token", "")]), "token"));
    }

    #[test]
    fn the_next_account_of_the_name_is_another_one() {
        let account = serde_json::from_value(json!({"metadata": {"name": "robot", "uid": "2"}})).unwrap();
        assert!(is_of(&secret(json!({}), &[]), &account));
        assert!(is_of(&secret(json!({UID: "2"}), &[]), &account));
        assert!(!is_of(&secret(json!({UID: "1"}), &[]), &account));
    }
}
