//! ServiceAccount: every pod acts as an account of its namespace, and finds a token of it in its containers.
//!
//! Where no namespace has its account `default` nobody makes them (there is no controller manager), and pods that name no
//! account stay as they are.

use std::time::Duration;

use kube_api::{Status, meta};
use serde_json::{Value, json};

use super::Review;
use crate::api::{Api, key, refuse};
use crate::storage::StorageError;

/// The account of a pod that names none.
const DEFAULT: &str = "default";
/// Where containers find token, certificate authority and namespace.
const MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What Kubernetes asks for: an hour, told apart from one that a user asked for.
const TOKEN_SECONDS: u32 = 3607;
/// How long a pod waits for the account of a namespace that was made a moment ago.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gives a new pod its account, the account's pull secrets, and a token.
///
/// # Errors
/// When there is no such account.
pub(super) async fn admit(review: &Review<'_>, pod: &mut Value) -> Result<(), Status> {
    let Review { api, kind, namespace, .. } = *review;
    if !review.is_pod() {
        return Ok(());
    }
    let named = pod["spec"]["serviceAccountName"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    let made = |key: &str| key.rsplit('/').next() == Some(DEFAULT);
    let nobody = api.store.shelf("serviceaccounts").is_none_or(|shelf| !shelf.any(|key, _| made(key)));
    // a mirror of what a node runs by itself has no account
    let mirror = pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string();
    if api.tokens.is_none() || (nobody && named.is_none()) || mirror {
        return Ok(());
    }
    let name = named.unwrap_or_else(|| DEFAULT.to_owned());
    let waited = tokio::time::timeout(PATIENCE, find(api, &key(namespace, &name))).await;
    let account = match waited {
        Ok(found) => found.map_err(|error| refuse(kind, meta::name(pod), error))?,
        Err(_) => {
            let why = format!(
                "error looking up service account {namespace}/{name}: serviceaccount {:?} not found",
                name.as_str()
            );
            return Err(review.forbidden(pod, &why));
        }
    };
    let suffix: u32 = rand::random();
    apply(&account, &name, pod, &meta::generate_name("kube-api-access-", suffix.into()));
    Ok(())
}

/// The account, as soon as there is one.
async fn find(api: &Api, key: &str) -> Result<Value, StorageError> {
    let Some(shelf) = api.store.shelf("serviceaccounts") else { return Err(StorageError::NotFound) };
    let mut changes = shelf.subscribe();
    loop {
        if let Some(entry) = shelf.get(key) {
            return Ok(entry.value());
        }
        // memory may be a moment behind
        match api.store.get("serviceaccounts", key).await {
            Ok(entry) => return Ok(entry.value()),
            Err(StorageError::NotFound) => {}
            Err(error) => return Err(error),
        }
        if changes.changed().await.is_err() {
            return Err(StorageError::NotFound);
        }
    }
}

/// Sets in the pod what follows from its account; `volume` is the name of the token's volume.
fn apply(account: &Value, name: &str, pod: &mut Value, volume: &str) {
    let spec = &mut pod["spec"];
    spec["serviceAccountName"] = name.into();
    spec["serviceAccount"] = name.into();
    let own = spec["imagePullSecrets"].as_array().is_some_and(|secrets| !secrets.is_empty());
    if let Some(secrets) = account["imagePullSecrets"].as_array().filter(|secrets| !own && !secrets.is_empty()) {
        spec["imagePullSecrets"] = secrets.clone().into();
    }
    const AUTOMOUNT: &str = "automountServiceAccountToken";
    let automount = spec[AUTOMOUNT].as_bool().or_else(|| account[AUTOMOUNT].as_bool());
    if automount != Some(false) && mount(spec, volume) {
        append(spec, "volumes", token_volume(volume));
    }
}

/// Mounts the volume in every container that has nothing of its own there; whether there was one.
fn mount(spec: &mut Value, volume: &str) -> bool {
    let mut any = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = container.get("volumeMounts").and_then(Value::as_array);
            if mounts.is_some_and(|mounts| mounts.iter().any(|mount| mount["mountPath"] == MOUNT)) {
                continue;
            }
            append(container, "volumeMounts", json!({"mountPath": MOUNT, "name": volume, "readOnly": true}));
            any = true;
        }
    }
    any
}

fn append(object: &mut Value, field: &str, item: Value) {
    match object.get_mut(field).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => object[field] = json!([item]),
    }
}

fn token_volume(name: &str) -> Value {
    json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(account: Value, spec: Value) -> Value {
        let mut pod = json!({"spec": spec});
        apply(&account, "robot", &mut pod, "kube-api-access-x");
        pod["spec"].clone()
    }

    #[test]
    fn containers_find_a_token() {
        let own = json!({"name": "own", "volumeMounts": [{"mountPath": MOUNT, "name": "mine"}]});
        let spec = applied(json!({}), json!({"containers": [{"name": "c"}, own], "volumes": [{"name": "mine"}]}));
        assert_eq!(spec["serviceAccount"], "robot");
        let mount = json!([{"mountPath": MOUNT, "name": "kube-api-access-x", "readOnly": true}]);
        assert_eq!(spec["containers"][0]["volumeMounts"], mount);
        assert_eq!(spec["containers"][1], own, "has something else there");
        assert_eq!(spec["volumes"][1]["projected"]["sources"].as_array().unwrap().len(), 3);
        assert!(spec.get("initContainers").is_none());
    }

    #[test]
    fn the_pod_has_the_last_word_on_its_token() {
        let none = json!({"containers": [{"name": "c"}], "automountServiceAccountToken": false});
        assert!(
            applied(json!({"automountServiceAccountToken": true}), none)["containers"][0].get("volumeMounts").is_none()
        );
        let silent = json!({"containers": [{"name": "c"}]});
        assert!(applied(json!({"automountServiceAccountToken": false}), silent).get("volumes").is_none());
    }

    #[test]
    fn pull_secrets_are_the_accounts_where_the_pod_has_none() {
        let account = json!({"imagePullSecrets": [{"name": "a"}]});
        assert_eq!(applied(account.clone(), json!({}))["imagePullSecrets"], json!([{"name": "a"}]));
        let own = json!({"imagePullSecrets": [{"name": "b"}]});
        assert_eq!(applied(account, own)["imagePullSecrets"], json!([{"name": "b"}]));
    }
}
