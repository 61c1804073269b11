//! What a worker hears of its pod: a task, the pod as the API server has it, its end.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;

use super::mailbox::News;
use super::write::Stored;
use super::{End, Worker};
use crate::binding::{self, BindError};
use crate::channel::{Task, TaskState};
use crate::pod;

impl Worker {
    /// What has come through the mailbox; false when there is nothing left to do for this worker.
    pub(super) async fn read_news(&mut self) -> bool {
        let News { task, pod, end, missing } = self.mailbox.read();
        if let Some(pod) = pod {
            self.know(pod);
        }
        if let Some(end) = end {
            self.ends(end);
        }
        if missing {
            self.look_for_pod().await;
        }
        match task {
            Some((task, pod)) => self.take_task(task, pod).await,
            None => true,
        }
    }

    /// The pod as the API server has it. At first its status is the one that was written last, by whoever did; later it is
    /// only looked at for what another changed in it.
    pub(super) fn know(&mut self, pod: Arc<Pod>) {
        if !self.bound {
            self.bound = true;
            self.written = pod.status.clone().unwrap_or_default();
            self.stored = Stored::of(&pod);
        }
        self.spoiled |= self.stored.is_spoiled_by(&pod);
        for name in pod::redefined(&self.pod, &pod) {
            // what kept the old one from running says nothing of the new one
            self.failures.remove(name);
            self.restarts.forget(name);
        }
        let (old, new) = (&self.pod.metadata, &pod.metadata);
        let differs = old.labels != new.labels || old.annotations != new.annotations;
        self.pod = pod;
        if differs {
            // a variable that was missing may be there now
            self.look_for_sources_again();
        }
    }

    /// Binds the pod for a new task; false where that failed and there is nothing of the pod here.
    async fn take_task(&mut self, task: Task, pod: Arc<Pod>) -> bool {
        if let Some(old) = self.task.replace(task.clone()) {
            self.context.report(&old.id, TaskState::Killed, "task-replaced").await;
        }
        if pod.spec.is_none() && !self.fetch(&pod).await {
            self.tell(TaskState::Failed, "launch-task-failed").await;
            return self.bound;
        }
        if task.reported.is_some() {
            // told by a minion that outlived the executor: it was bound then
            return self.bound || self.fetch(&pod).await;
        }
        let pod = if pod.spec.is_none() { self.pod.clone() } else { pod };
        match binding::bind(&self.context.client, &pod, &self.context.node).await {
            Ok(bound) => {
                if !self.bound {
                    self.know(Arc::new(bound));
                }
                self.tell(TaskState::Starting, "create-binding-success").await;
                true
            }
            Err(error) => {
                let source = match &error {
                    BindError::Binding(source) | BindError::Annotations(source) => source.to_string(),
                    BindError::Other => "the pod is another one, or on another node".to_owned(),
                };
                tracing::warn!(pod = pod::name(&pod), source, "cannot bind the pod");
                self.tell(TaskState::Failed, &error.to_string()).await;
                self.bound
            }
        }
    }

    /// Fetches a pod of which the task has a reference alone, and gives it the task's annotations; false where there is
    /// no such pod any more.
    async fn fetch(&mut self, reference: &Pod) -> bool {
        let get = || self.context.get::<Pod>(pod::namespace(reference), pod::name(reference));
        match binding::retry(get).await {
            Ok(Some(mut pod)) if pod::uid(&pod) == pod::uid(reference) => {
                let annotations = reference.metadata.annotations.clone().unwrap_or_default();
                pod.metadata.annotations.get_or_insert_default().extend(annotations);
                match pod::spec(&pod).node_name.as_deref() {
                    Some(node) if node == self.context.node => self.know(Arc::new(pod)),
                    _ => self.pod = Arc::new(pod),
                }
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(pod = pod::name(reference), %error, "cannot fetch the task's pod");
                false
            }
        }
    }

    /// The API server's list did not have the pod: it is gone if it is not there by its name either, or is another.
    pub(super) async fn look_for_pod(&mut self) {
        match self.context.get::<Pod>(pod::namespace(&self.pod), pod::name(&self.pod)).await {
            Ok(Some(pod)) if pod::uid(&pod) == pod::uid(&self.pod) => {}
            Ok(_) => self.ends(End::gone()),
            Err(error) => tracing::debug!(%error, "cannot ask for a pod that the list did not have"),
        }
    }
}
