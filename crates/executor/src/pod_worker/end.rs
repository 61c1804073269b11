//! The end of a pod: its containers stop in their grace period, and what is left of it goes.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Preconditions};

use super::{MAX_PAUSE, PAUSE, Worker};
use crate::binding;
use crate::channel::TaskState;
use crate::events::Type;
use crate::plan::Action;
use crate::pod;

impl Worker {
    /// Whether a step is to be taken now: a container that is being stopped is stopped again only with less grace.
    pub(super) fn is_new(&self, action: &Action) -> bool {
        match action {
            Action::Stop { id, .. } => self.stopping.get(id).is_none_or(|grace| *grace > self.grace()),
            _ => true,
        }
    }

    /// Begins to stop containers. They are waited for with the news, so that a shorter grace period can still come.
    pub(super) fn begin_stops(&mut self, actions: &[Action]) {
        let grace = self.grace();
        for action in actions {
            let Action::Stop { id, name, why } = action else { continue };
            let message = match *why {
                "Stopping container" => format!("Stopping container {name}"),
                why => format!("Container {name}: {why}"),
            };
            self.context.events.record(&self.pod, name, Type::Normal, "Killing", message);
            self.stopping.insert(id.clone(), grace);
            let (context, id) = (self.context.clone(), id.clone());
            self.stops.spawn(async move {
                let outcome = context.runtime.stop(&id, Duration::from_secs(grace.unsigned_abs())).await;
                (id, outcome)
            });
        }
    }

    /// Seconds that containers get to end.
    fn grace(&self) -> i64 {
        self.end.as_ref().and_then(|end| end.grace).unwrap_or_else(|| pod::grace(&self.pod)).max(0)
    }

    /// Docker has nothing of the pod any more: its task is reported, the pod deleted, its files removed.
    pub(super) async fn finish(mut self) {
        let Some(end) = self.end.take() else { return };
        self.tell(TaskState::Killed, end.message).await;
        if end.delete {
            self.delete().await;
        }
        if let Err(error) = self.context.directory(pod::uid(&self.pod)).remove() {
            tracing::warn!(pod = pod::name(&self.pod), %error, "cannot remove the pod's files");
        }
    }

    /// Deletes the pod from the API server at once, if it is still this one. Tried until the API server answers: nobody
    /// else will do it.
    async fn delete(&self) {
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), pod::namespace(&self.pod));
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: self.pod.metadata.uid.clone(), resource_version: None }),
            ..DeleteParams::default()
        };
        let mut pause = PAUSE;
        loop {
            match tokio::time::timeout(super::STATUS_TIMEOUT, api.delete(pod::name(&self.pod), &parameters)).await {
                Ok(Err(error)) if binding::is_transient(&error) => {
                    tracing::warn!(pod = pod::name(&self.pod), %error, "cannot delete the pod");
                }
                Ok(Err(error)) if !binding::is_status(&error, 404) && !binding::is_status(&error, 409) => {
                    return tracing::warn!(pod = pod::name(&self.pod), %error, "cannot delete the pod");
                }
                Ok(_) => return,
                Err(_) => {
                    tracing::warn!(pod = pod::name(&self.pod), "cannot delete the pod: the API server takes too long")
                }
            }
            tokio::time::sleep(pause).await;
            pause = MAX_PAUSE.min(pause * 2);
        }
    }
}
