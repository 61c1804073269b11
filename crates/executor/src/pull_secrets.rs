//! Credentials of registries, from the secrets that a pod names as its imagePullSecrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use k8s_openapi::api::core::v1::{Pod, Secret};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::pod;

/// Docker's own registry, by the names that configurations and images give it.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_NAMES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// The credentials that the pod's secrets have for the registry of `image`, and the names of secrets that could not be had.
pub async fn credentials(context: &Context, pod: &Pod, image: &str) -> (Vec<DockerCredentials>, Vec<String>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for reference in pod::spec(pod).image_pull_secrets.iter().flatten() {
        match context.get::<Secret>(pod::namespace(pod), &reference.name).await {
            Ok(Some(secret)) => found.extend(of(&secret, registry(image))),
            Ok(None) => missing.push(reference.name.clone()),
            Err(error) => {
                tracing::warn!(%error, secret = reference.name, "cannot fetch an image pull secret");
                missing.push(reference.name.clone());
            }
        }
    }
    (found, missing)
}

/// What a secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg has for `registry`.
fn of(secret: &Secret, registry: &str) -> Vec<DockerCredentials> {
    let data = |key: &str| {
        let bytes = secret.data.as_ref()?.get(key)?;
        serde_json::from_slice::<Value>(&bytes.0).ok()
    };
    let new = data(".dockerconfigjson").and_then(|config| config["auths"].as_object().cloned());
    let old = || data(".dockercfg").and_then(|config| config.as_object().cloned());
    let all: Map<String, Value> = new.or_else(old).unwrap_or_default();
    let matching = all.iter().filter(|(server, _)| host(server) == registry);
    matching.filter_map(|(server, entry)| entry_of(server, entry)).collect()
}

fn entry_of(server: &str, entry: &Value) -> Option<DockerCredentials> {
    let text = |key: &str| entry[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let joined = text("auth").and_then(|auth| String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok());
    let (user, password) = match (joined.as_deref().and_then(|auth| auth.split_once(':')), text("username")) {
        (_, Some(user)) => (user, text("password")?),
        (Some((user, password)), None) => (user.to_owned(), password.to_owned()),
        (None, None) => return None,
    };
    Some(DockerCredentials {
        username: Some(user),
        password: Some(password),
        email: text("email"),
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    })
}

/// The registry of an image's name.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => host(first),
        _ => DOCKER_HUB,
    }
}

/// A registry's host and port, from the URL or name that a configuration has it by.
fn host(server: &str) -> &str {
    let bare = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = bare.split('/').next().unwrap_or(bare);
    if DOCKER_HUB_NAMES.contains(&host) { DOCKER_HUB } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(key: &str, config: Value) -> Secret {
        let data = [(key.to_owned(), ByteString(config.to_string().into_bytes()))];
        Secret { data: Some(data.into()), ..Secret::default() }
    }

    fn users(secret: &Secret, image: &str) -> Vec<(String, String)> {
        let all = of(secret, registry(image)).into_iter();
        all.map(|found| (found.username.unwrap(), found.password.unwrap())).collect()
    }

    #[test]
    fn the_registrys_own_entry_is_taken() {
        let auths = serde_json::json!({"auths": {
            "https://index.docker.io/v1/": {"auth": STANDARD.encode("hub:pass:word")},
            "registry.example:5000": {"username": "me", "password": "secret"}}});
        let secret = secret(".dockerconfigjson", auths);
        let pair = |user: &str, password: &str| vec![(user.to_owned(), password.to_owned())];
        assert_eq!(users(&secret, "nginx"), pair("hub", "pass:word"));
        assert_eq!(users(&secret, "library/nginx:1"), pair("hub", "pass:word"));
        assert_eq!(users(&secret, "registry.example:5000/a/b"), pair("me", "secret"));
        assert_eq!(users(&secret, "registry.example/a"), []);
    }

    #[test]
    fn the_old_form_is_read_and_nonsense_is_nothing() {
        let old = secret(".dockercfg", serde_json::json!({"r.example": {"auth": STANDARD.encode("a:b")}}));
        assert_eq!(users(&old, "r.example/x"), [("a".to_owned(), "b".to_owned())]);
        let bad = secret(".dockerconfigjson", serde_json::json!({"auths": {"r.example": {"auth": "!"}}}));
        assert_eq!(users(&bad, "r.example/x"), []);
        assert_eq!(users(&Secret::default(), "r.example/x"), []);
    }
}
