//! Keeps the volumes of a running pod as their sources are: configmaps, secrets, fields of the pod, and tokens, which end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Volume};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{VolumeError, make, payload};
use crate::context::Context;
use crate::objects::{self, Kind, Object, Subscription};
use crate::pod;

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
    /// For the pod, if it has a volume that changes. `watched` are the [`objects`] of its volumes, watched since before the
    /// volumes were made.
    #[must_use]
    pub fn start(context: &Arc<Context>, pod: &Arc<Pod>, watched: &HashMap<Object, Subscription>) -> Self {
        let (sender, _) = watch::channel(Arc::clone(pod));
        let mut tasks = JoinSet::new();
        for volume in pod::spec(pod).volumes.iter().flatten().filter(|volume| payload::kind(volume).is_some()) {
            let own = sources(volume, pod::namespace(pod));
            let own = own.iter().filter_map(|object| watched.get(object).cloned()).collect();
            tasks.spawn(keep(Arc::clone(context), volume.clone(), own, sender.subscribe()));
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
async fn keep(
    context: Arc<Context>,
    volume: Volume,
    mut sources: Vec<Subscription>,
    mut pod: watch::Receiver<Arc<Pod>>,
) {
    let made_of = MadeOf::volume(&volume);
    let mut again = made_of.token.then_some(FIRST);
    loop {
        tokio::select! {
            () = sleep(again.unwrap_or_default()), if again.is_some() => {}
            () = objects::any_changed(&mut sources) => {}
            changed = pod.changed(), if made_of.fields => {
                if changed.is_err() {
                    return;
                }
            }
        }
        again = remake(&context, &pod, &volume).await;
    }
}

/// What changes a volume beside objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MadeOf {
    token: bool,
    fields: bool,
}

impl MadeOf {
    fn volume(volume: &Volume) -> Self {
        let projected = || volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        Self {
            token: projected().any(|source| source.service_account_token.is_some()),
            fields: volume.downward_api.is_some() || projected().any(|source| source.downward_api.is_some()),
        }
    }
}

/// The configmaps and secrets that the pod's volumes are made of.
#[must_use]
pub fn objects(pod: &Pod) -> HashSet<Object> {
    let volumes = pod::spec(pod).volumes.iter().flatten();
    volumes.flat_map(|volume| sources(volume, pod::namespace(pod))).collect()
}

fn sources(volume: &Volume, namespace: &str) -> Vec<Object> {
    let object = |kind: Kind, name: &str| Object { kind, namespace: namespace.to_owned(), name: name.to_owned() };
    let map = |name: &str| object(Kind::ConfigMap, name);
    let secret = |name: &str| object(Kind::Secret, name);
    let projected = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    let own = volume.config_map.iter().map(|source| map(&source.name));
    let own = own.chain(volume.secret.iter().filter_map(|source| source.secret_name.as_deref()).map(secret));
    let parts = projected.flat_map(|source| {
        let maps = source.config_map.iter().map(|source| map(&source.name));
        maps.chain(source.secret.iter().map(|source| secret(&source.name))).collect::<Vec<_>>()
    });
    own.chain(parts).collect()
}

async fn remake(context: &Context, pod: &watch::Receiver<Arc<Pod>>, volume: &Volume) -> Option<Duration> {
    let pod = Arc::clone(&pod.borrow());
    match make(context, &pod, volume).await {
        Ok(renew) => renew,
        Err(error) => {
            tracing::warn!(pod = pod::name(&pod), volume = volume.name, %error, "the volume stays as it is");
            // what is missing tells when it comes
            let told = matches!(error, VolumeError::Source(..)) && !MadeOf::volume(volume).token;
            (!told).then_some(AGAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_volume_is_made_of() {
        let of = |volume: serde_json::Value| {
            let volume = serde_json::from_value(volume).unwrap();
            let MadeOf { token, fields } = MadeOf::volume(&volume);
            let names = sources(&volume, "n").into_iter().map(|object| (object.kind, object.name)).collect::<Vec<_>>();
            (token, fields, names)
        };
        let secret = (false, false, vec![(Kind::Secret, "s".to_owned())]);
        assert_eq!(of(serde_json::json!({"name": "v", "secret": {"secretName": "s"}})), secret);
        assert_eq!(of(serde_json::json!({"name": "v", "emptyDir": {}})), (false, false, vec![]));
        let access = serde_json::json!({"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}},
            {"configMap": {"name": "c"}}, {"downwardAPI": {"items": []}}]}});
        assert_eq!(of(access), (true, true, vec![(Kind::ConfigMap, "c".to_owned())]));
    }
}
