//! What the files of a volume hold: configmaps, secrets, fields of the pod, tokens of its service account.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::time::Duration;

use k8s_openapi::api::core::v1::{
    ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, ServiceAccountTokenProjection, Volume, VolumeProjection,
};

use tokio::time::Instant;

use super::atomic::File;
use super::{DEFAULT_MODE, VolumeError, token};
use crate::binding;
use crate::context::Context;
use crate::env::{self, Sources};
use crate::pod;
use crate::security;

/// A token's mode where its pod says whose it is.
const TOKEN_MODE: u32 = 0o600;

/// A volume's files, and for how long they are good where that is known.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub(super) files: Vec<File>,
    pub(super) renew: Option<Duration>,
}

/// The name of the volume's kind in paths, for kinds that are made of files.
pub(super) fn kind(volume: &Volume) -> Option<&'static str> {
    [
        (volume.config_map.is_some(), "kubernetes.io~configmap"),
        (volume.secret.is_some(), "kubernetes.io~secret"),
        (volume.downward_api.is_some(), "kubernetes.io~downward-api"),
        (volume.projected.is_some(), "kubernetes.io~projected"),
    ]
    .into_iter()
    .find_map(|(is, kind)| is.then_some(kind))
}

/// The volume's files as they are to be now.
///
/// # Errors
/// When something that they are made of is missing, or the API server does not answer.
pub(super) async fn of(context: &Context, pod: &Pod, volume: &Volume) -> Result<Payload, VolumeError> {
    let gather = Gather { context, pod, volume: &volume.name };
    let mut payload = Payload::default();
    if let Some(source) = &volume.config_map {
        let items = source.items.as_deref();
        payload.files = gather.config_map(&source.name, items, source.default_mode, source.optional).await?;
    } else if let Some(source) = &volume.secret {
        let (name, items) = (source.secret_name.as_deref().unwrap_or_default(), source.items.as_deref());
        payload.files = gather.secret(name, items, source.default_mode, source.optional).await?;
    } else if let Some(source) = &volume.downward_api {
        payload.files = gather.fields(source.items.as_deref(), source.default_mode)?;
    } else if let Some(projected) = &volume.projected {
        for source in projected.sources.iter().flatten() {
            gather.projection(source, projected.default_mode, &mut payload).await?;
        }
    }
    Ok(payload)
}

struct Gather<'a> {
    context: &'a Context,
    pod: &'a Pod,
    volume: &'a str,
}

impl Gather<'_> {
    async fn projection(
        &self,
        source: &VolumeProjection,
        mode: Option<i32>,
        payload: &mut Payload,
    ) -> Result<(), VolumeError> {
        let files = if let Some(source) = &source.config_map {
            self.config_map(&source.name, source.items.as_deref(), mode, source.optional).await?
        } else if let Some(source) = &source.secret {
            self.secret(&source.name, source.items.as_deref(), mode, source.optional).await?
        } else if let Some(source) = &source.downward_api {
            self.fields(source.items.as_deref(), mode)?
        } else if let Some(source) = &source.service_account_token {
            let (file, renew) = self.token(source, mode).await?;
            payload.renew = Some(payload.renew.map_or(renew, |other| other.min(renew)));
            vec![file]
        } else {
            return Err(VolumeError::Unsupported(self.volume.to_owned()));
        };
        payload.files.extend(files);
        Ok(())
    }

    async fn config_map(
        &self,
        name: &str,
        items: Option<&[KeyToPath]>,
        mode: Option<i32>,
        optional: Option<bool>,
    ) -> Result<Vec<File>, VolumeError> {
        let found = self.context.get::<ConfigMap>(pod::namespace(self.pod), name).await;
        let Some(map) = found.map_err(|error| self.api("configmap", error))? else {
            return self.absent(optional, format!("configmap \"{name}\" not found"));
        };
        let text = map.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes()));
        let bytes = map.binary_data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        select("config", text.chain(bytes).collect(), items, mode, optional).map_err(|message| self.source(message))
    }

    async fn secret(
        &self,
        name: &str,
        items: Option<&[KeyToPath]>,
        mode: Option<i32>,
        optional: Option<bool>,
    ) -> Result<Vec<File>, VolumeError> {
        let found = self.context.get::<Secret>(pod::namespace(self.pod), name).await;
        let Some(secret) = found.map_err(|error| self.api("secret", error))? else {
            return self.absent(optional, format!("secret \"{name}\" not found"));
        };
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        select("secret", data, items, mode, optional).map_err(|message| self.source(message))
    }

    /// Fields of the pod and resources of its containers.
    fn fields(&self, items: Option<&[DownwardAPIVolumeFile]>, mode: Option<i32>) -> Result<Vec<File>, VolumeError> {
        let sources = Sources {
            host_ip: self.context.placement.address.to_string(),
            node_limits: self.context.limits.clone(),
            ..Sources::default()
        };
        let file = |item: &DownwardAPIVolumeFile| {
            inside(&item.path)?;
            let content = match (&item.field_ref, &item.resource_field_ref) {
                (Some(field), _) => env::field(self.pod, &field.field_path, &sources)?,
                (None, Some(resource)) => {
                    let name = resource.container_name.as_deref().unwrap_or_default();
                    let container = pod::container(self.pod, name).ok_or_else(|| format!("no container {name:?}"))?;
                    let divisor = resource.divisor.as_ref().map(|divisor| divisor.0.as_str());
                    env::resource(&container, &resource.resource, divisor, &sources)?
                }
                (None, None) => return Err(format!("{} is made of nothing", item.path)),
            };
            Ok(File {
                path: item.path.clone(),
                content: content.into_bytes(),
                mode: mode_of(item.mode, mode),
                user: None,
            })
        };
        items
            .unwrap_or_default()
            .iter()
            .map(file)
            .collect::<Result<_, String>>()
            .map_err(|message| self.source(message))
    }

    /// A token of the pod's service account that ends with the pod, and when it is to be replaced.
    async fn token(
        &self,
        source: &ServiceAccountTokenProjection,
        mode: Option<i32>,
    ) -> Result<(File, Duration), VolumeError> {
        inside(&source.path).map_err(|message| self.source(message))?;
        let token = token::of(self.context, self.pod, source).await.map_err(|error| self.api("token", error))?;
        let token = token.ok_or_else(|| self.source("the API server gave no token".to_owned()))?;
        let user = security::common_user(self.pod);
        // who else than its owner may read it is its group's to say
        let own = user.is_some() || security::fs_group(self.pod).is_some();
        let mode = if own { TOKEN_MODE } else { mode_of(None, mode) };
        let renew = token.renew.saturating_duration_since(Instant::now());
        Ok((File { path: source.path.clone(), content: token.text.into_bytes(), mode, user }, renew))
    }

    fn absent(&self, optional: Option<bool>, message: String) -> Result<Vec<File>, VolumeError> {
        if optional == Some(true) { Ok(Vec::new()) } else { Err(self.source(message)) }
    }

    fn source(&self, message: String) -> VolumeError {
        VolumeError::Source(self.volume.to_owned(), message)
    }

    fn api(&self, what: &str, error: kube::Error) -> VolumeError {
        unavailable(self.volume, what, error)
    }
}

/// What the volume is made of could not be had: the API server refuses it, or does not answer.
fn unavailable(volume: &str, what: &str, error: kube::Error) -> VolumeError {
    match &error {
        kube::Error::Api(status) if !binding::is_transient(&error) => {
            VolumeError::Refused(volume.to_owned(), format!("failed to fetch {what}: {}", status.message))
        }
        _ => VolumeError::Api(volume.to_owned(), Box::new(error)),
    }
}

/// A file's mode: its own, its volume's, or Kubernetes' default.
fn mode_of(own: Option<i32>, volume: Option<i32>) -> u32 {
    own.or(volume).unwrap_or(DEFAULT_MODE) as u32 & 0o777
}

/// Refuses a path that leads out of the volume.
fn inside(path: &str) -> Result<(), String> {
    let parts = || Path::new(path).components();
    if path.is_empty() || path.starts_with("..") || parts().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(format!("path {path} must be relative and must not contain \"..\""));
    }
    Ok(())
}

/// All keys, or those that `items` names, under the names it gives them: one key may have several. `what` is how Kubernetes calls
/// the keys.
fn select(
    what: &str,
    data: BTreeMap<String, Vec<u8>>,
    items: Option<&[KeyToPath]>,
    mode: Option<i32>,
    optional: Option<bool>,
) -> Result<Vec<File>, String> {
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        let all = data.into_iter().map(|(path, content)| File { path, content, mode: mode_of(None, mode), user: None });
        return Ok(all.collect());
    };
    let mut files = Vec::new();
    for item in items {
        inside(&item.path)?;
        match data.get(&item.key) {
            Some(content) => {
                let (path, content, mode) = (item.path.clone(), content.clone(), mode_of(item.mode, mode));
                files.push(File { path, content, mode, user: None });
            }
            None if optional == Some(true) => {}
            None => return Err(format!("references non-existent {what} key: {}", item.key)),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_choose_and_rename_keys() {
        let data = || BTreeMap::from([("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b"2".to_vec())]);
        let item = |key: &str, path: &str| KeyToPath { key: key.into(), path: path.into(), mode: Some(0o400) };
        assert_eq!(select("config", data(), None, None, None).unwrap().len(), 2);
        assert_eq!(
            select("config", data(), Some(&[item("a", "x/y")]), None, None).unwrap(),
            [File { path: "x/y".to_owned(), content: b"1".to_vec(), mode: 0o400, user: None }]
        );
        let missing = select("secret", data(), Some(&[item("c", "c")]), None, None);
        assert_eq!(missing.unwrap_err(), "references non-existent secret key: c");
        assert!(select("config", data(), Some(&[item("c", "c")]), None, Some(true)).unwrap().is_empty());
        assert!(select("config", data(), Some(&[item("a", "../a")]), None, None).is_err());
        assert!(select("config", data(), Some(&[item("a", "..data")]), None, None).is_err());
    }

    #[test]
    fn one_key_may_be_at_two_paths() {
        let data = BTreeMap::from([("a".to_owned(), b"1".to_vec())]);
        let items = ["x", "y"].map(|path| KeyToPath { key: "a".into(), path: path.into(), mode: None });
        let files = select("config", data, Some(&items), None, None).unwrap();
        let found: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.content.as_slice())).collect();
        assert_eq!(found, [("x", b"1".as_slice()), ("y", b"1".as_slice())]);
    }

    #[test]
    fn what_the_api_server_refuses_is_told_in_its_words() {
        let answered = |code: u16| {
            let status = serde_json::json!({"status": "Failure", "message": "serviceaccounts \"robot\" not found",
                "reason": "", "code": code});
            let status = serde_json::from_value(status).unwrap();
            unavailable("v", "token", kube::Error::Api(Box::new(status))).to_string()
        };
        let told =
            "MountVolume.SetUp failed for volume \"v\" : failed to fetch token: serviceaccounts \"robot\" not found";
        assert_eq!(answered(404), told);
        assert!(answered(503).ends_with("the API server did not answer"));
    }
}
