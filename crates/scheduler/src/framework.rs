//! Who the scheduler is to Mesos, and where its ID is kept: ConfigMap `kube-system/k8sm-framework`.

use std::time::Duration;

use anyhow::Context;
use axum::http::HeaderValue;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use mesos::framework::FrameworkCapabilityType;
use mesos::{FrameworkID, FrameworkInfo};
use serde_json::json;

use crate::flags::Flags;

/// Name of the ConfigMap.
const NAME: &str = "k8sm-framework";
/// The most between two attempts to reach the API server.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// The framework as the flags describe it.
#[must_use]
pub fn info(flags: &Flags, id: Option<FrameworkID>) -> FrameworkInfo {
    use FrameworkCapabilityType::{MultiRole, PartitionAware, ReservationRefinement};
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let own = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    FrameworkInfo {
        user: given(&flags.mesos_user).unwrap_or_else(|| "root".to_owned()),
        name: flags.framework_name.trim().to_owned(),
        id,
        failover_timeout: flags.failover_timeout.max(0.0),
        checkpoint: flags.checkpoint,
        roles: flags.mesos_framework_roles.clone(),
        hostname: given(&flags.hostname_override).or_else(own),
        principal: given(&flags.mesos_authentication_principal),
        webui_url: given(&flags.framework_weburi),
        capabilities: vec![MultiRole.into(), ReservationRefinement.into(), PartitionAware.into()],
        ..FrameworkInfo::default()
    }
}

/// What the framework says to masters that ask who it is.
///
/// # Errors
/// When the secret's file cannot be read or used.
pub fn authorization(flags: &Flags) -> anyhow::Result<Option<HeaderValue>> {
    let path = &flags.mesos_authentication_secret_file;
    if path.is_empty() {
        return Ok(None);
    }
    let secret = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read --mesos-authentication-secret-file {path}"))?;
    // editors end a file with a line's end, which is no part of the secret
    let secret = secret.trim_end_matches(['\r', '\n']);
    let value = mesos::http::basic(&flags.mesos_authentication_principal, secret);
    Ok(Some(value.with_context(|| format!("cannot use the secret of --mesos-authentication-secret-file {path}"))?))
}

/// Keeps the framework's ID.
#[derive(Clone)]
pub struct Store {
    api: Api<ConfigMap>,
    key: String,
}

impl Store {
    /// In the API server that `client` talks to; a key for each framework name.
    #[must_use]
    pub fn new(client: Client, framework_name: &str) -> Self {
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let key = framework_name.trim().chars().map(|c| if valid(c) { c } else { '_' }).collect();
        Self { api: Api::namespaced(client, "kube-system"), key }
    }

    /// The ID kept, if any. Waits until the API server answers.
    pub async fn load(&self) -> Option<FrameworkID> {
        let map = retry("read the framework ID", async || self.api.get_opt(NAME).await).await?;
        map.data?.remove(&self.key).filter(|id| !id.is_empty()).map(Into::into)
    }

    /// Keeps `id`; waits until it is kept. `None` forgets it.
    pub async fn save(&self, id: Option<&FrameworkID>) {
        let value = id.map(|id| id.value.clone());
        retry("keep the framework ID", async || {
            let data = json!({ "data": { self.key.clone(): value } });
            match self.api.patch(NAME, &PatchParams::default(), &Patch::Merge(&data)).await {
                Err(Error::Api(status)) if status.code == 404 => {
                    let mut map = ConfigMap {
                        data: value.clone().map(|id| [(self.key.clone(), id)].into()),
                        ..ConfigMap::default()
                    };
                    map.metadata.name = Some(NAME.to_owned());
                    self.api.create(&PostParams::default(), &map).await.map(drop)
                }
                other => other.map(drop),
            }
        })
        .await;
    }
}

/// Tries until it works: nothing can be scheduled before.
async fn retry<T>(what: &str, attempt: impl AsyncFn() -> Result<T, Error>) -> T {
    let mut wait = Duration::from_millis(100);
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => tracing::warn!(error = error.to_string(), "cannot {what} yet"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(MOST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_what_the_file_holds_without_its_last_lines_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        let line = format!(
            "--mesos-authentication-principal=k8sm --mesos-authentication-secret-file={}",
            file.path().display()
        );
        let flags = serve::flags::parse("scheduler", line.split(' ').map(str::to_owned).collect(), &[]).unwrap();
        assert_eq!(authorization(&flags).unwrap().unwrap(), "Basic azhzbTpzZWNyZXQ=");
        std::fs::write(file.path(), "a:b").unwrap();
        assert!(format!("{:#}", authorization(&flags).unwrap_err()).contains("colon"));
    }
}
