//! Keeps the volumes of a running pod as their sources are: configmaps, secrets, fields of the pod, and tokens, which end.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Volume};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{make, payload};
use crate::context::Context;
use crate::pod;

/// How often configmaps and secrets are asked for: a node may get the ones of its pods and watch none.
const SYNC: Duration = Duration::from_secs(10);
/// When a token whose time is not known is replaced: that of a pod that was here before the executor.
const FIRST: Duration = Duration::from_secs(60);
/// The wait after something could not be had.
const AGAIN: Duration = Duration::from_secs(10);

/// Keeps a pod's volumes until it is dropped.
#[derive(Debug)]
pub struct Keeper {
    pod: watch::Sender<Arc<Pod>>,
    _tasks: JoinSet<()>,
}

impl Keeper {
    /// For the pod, if it has a volume that changes.
    #[must_use]
    pub fn start(context: &Arc<Context>, pod: &Arc<Pod>) -> Self {
        let (sender, _) = watch::channel(Arc::clone(pod));
        let mut tasks = JoinSet::new();
        for volume in pod::spec(pod).volumes.iter().flatten().filter(|volume| payload::kind(volume).is_some()) {
            tasks.spawn(keep(Arc::clone(context), volume.clone(), sender.subscribe()));
        }
        Self { pod: sender, _tasks: tasks }
    }

    /// The pod's labels and annotations may be others now.
    pub fn tell(&self, pod: &Arc<Pod>) {
        self.pod.send_if_modified(|known| {
            let (old, new) = (&known.metadata, &pod.metadata);
            let differs = old.labels != new.labels || old.annotations != new.annotations;
            *known = Arc::clone(pod);
            differs
        });
    }
}

/// Keeps one volume. It was made a moment ago, or by an executor before this one.
async fn keep(context: Arc<Context>, volume: Volume, mut pod: watch::Receiver<Arc<Pod>>) {
    let made_of = MadeOf::volume(&volume);
    let mut renew = FIRST;
    loop {
        let wait = match made_of {
            MadeOf { token: true, .. } => Some(renew),
            MadeOf { objects: true, .. } => Some(SYNC),
            MadeOf { fields: true, .. } => None,
            MadeOf { .. } => return,
        };
        tokio::select! {
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            changed = pod.changed(), if made_of.fields => {
                if changed.is_err() {
                    return;
                }
            }
        }
        renew = remake(&context, &pod, &volume).await.unwrap_or(AGAIN);
    }
}

/// What a volume is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MadeOf {
    token: bool,
    objects: bool,
    fields: bool,
}

impl MadeOf {
    fn volume(volume: &Volume) -> Self {
        let projected = || volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        Self {
            token: projected().any(|source| source.service_account_token.is_some()),
            objects: volume.config_map.is_some()
                || volume.secret.is_some()
                || projected().any(|source| source.config_map.is_some() || source.secret.is_some()),
            fields: volume.downward_api.is_some() || projected().any(|source| source.downward_api.is_some()),
        }
    }
}

async fn remake(context: &Context, pod: &watch::Receiver<Arc<Pod>>, volume: &Volume) -> Option<Duration> {
    let pod = Arc::clone(&pod.borrow());
    match make(context, &pod, volume).await {
        Ok(renew) => renew,
        Err(error) => {
            tracing::warn!(pod = pod::name(&pod), volume = volume.name, %error, "the volume stays as it is");
            Some(AGAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_volume_is_made_of() {
        let of = |volume: serde_json::Value| {
            let MadeOf { token, objects, fields } = MadeOf::volume(&serde_json::from_value(volume).unwrap());
            (token, objects, fields)
        };
        assert_eq!(of(serde_json::json!({"name": "v", "secret": {"secretName": "s"}})), (false, true, false));
        assert_eq!(of(serde_json::json!({"name": "v", "emptyDir": {}})), (false, false, false));
        let access = serde_json::json!({"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}},
            {"configMap": {"name": "c"}}, {"downwardAPI": {"items": []}}]}});
        assert_eq!(of(access), (true, true, true));
    }
}
