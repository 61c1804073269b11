//! All pods of the node: gives each a worker, and passes on what the minion, the API server and Docker say of it.

mod orphans;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::{Api, runtime::WatchStreamExt};
use parking_lot::RwLock;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::channel::{Task, TaskState, ToExecutor, ToMinion};
use crate::context::Context;
use crate::pod;
use crate::pod_worker::{End, Mailbox, Worker};
use work::{Work, work};

/// The wait before Docker's event stream is opened again.
const RECONNECT: Duration = Duration::from_millis(500);
/// The wait before what could not be removed is looked for again.
const SWEEP_AGAIN: Duration = Duration::from_secs(60);
/// Seconds that containers get when the whole executor is told to end; Mesos kills it after five.
const SHUTDOWN_GRACE: i64 = 2;

/// The pods of this node as the API server has them, for the kubelet's own API.
#[derive(Debug, Default)]
pub struct Pods {
    by_uid: RwLock<HashMap<String, Arc<Pod>>>,
    running: AtomicUsize,
}

impl Pods {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Pod>> {
        self.by_uid.read().values().cloned().collect()
    }

    /// The pod of that name.
    #[must_use]
    pub fn named(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        let pods = self.by_uid.read();
        pods.values().find(|pod| pod::namespace(pod) == namespace && pod::name(pod) == name).cloned()
    }

    /// How many pods have a worker.
    #[must_use]
    pub fn count(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

/// All pods of the node.
pub struct Manager {
    context: Arc<Context>,
    pods: Arc<Pods>,
    mailboxes: HashMap<String, Arc<Mailbox>>,
    workers: JoinSet<(String, bool)>,
    /// Pods' UIDs by their task.
    tasks: HashMap<String, String>,
    node_tasks: HashMap<String, Option<TaskState>>,
    /// Whether the node's status has been written.
    registered: watch::Receiver<bool>,
    /// UIDs met while the API server's list comes in.
    listing: HashSet<String>,
    listed: bool,
    synced: bool,
    /// Removes what pods left, and when that is looked for again.
    orphans: JoinSet<bool>,
    sweep_again: Option<Instant>,
    ending: bool,
}

impl Manager {
    /// A manager of no pod yet. `registered` turns true when the node's status has been written.
    #[must_use]
    pub fn new(context: Arc<Context>, pods: Arc<Pods>, registered: watch::Receiver<bool>) -> Self {
        Self {
            context,
            pods,
            mailboxes: HashMap::new(),
            workers: JoinSet::new(),
            tasks: HashMap::new(),
            node_tasks: HashMap::new(),
            registered,
            listing: HashSet::new(),
            listed: false,
            synced: false,
            orphans: JoinSet::new(),
            sweep_again: None,
            ending: false,
        }
    }

    /// Runs until the minion is gone, or everything has ended after a shutdown. Containers go on without us.
    ///
    /// # Errors
    /// When a pod's worker died.
    pub async fn run(mut self, mut minion: mpsc::Receiver<ToExecutor>) -> anyhow::Result<()> {
        let api: Api<Pod> = Api::all(self.context.client.clone());
        let config = watcher::Config::default().fields(&format!("spec.nodeName={}", self.context.node));
        let mut watched = Box::pin(kube::runtime::watcher(api, config).modify(slim).default_backoff());
        let mut docker = Box::pin(docker_events(self.context.clone()));
        loop {
            tokio::select! {
                message = minion.recv() => match message {
                    Some(message) => self.minion(message).await,
                    None => return Ok(()),
                },
                Some(event) = watched.next() => match event {
                    Ok(event) => self.api(event).await,
                    Err(error) => tracing::warn!(%error, "watching this node's pods"),
                },
                Some(poke) = docker.next() => self.docker(poke.as_deref()),
                Some(ended) = self.workers.join_next() => self.worker_ended(outcome(ended)?),
                Some(gone) = self.orphans.join_next() => if !gone.unwrap_or(false) { self.sweep_later() },
                () = until(self.sweep_again) => self.sweep().await,
                Ok(()) = self.registered.changed() => self.report_node_tasks().await,
            }
            self.pods.running.store(self.mailboxes.len(), Ordering::Relaxed);
            if self.ending && self.workers.is_empty() {
                let _ = self.context.minion.send(ToMinion::Done).await;
                return Ok(());
            }
        }
    }

    async fn minion(&mut self, message: ToExecutor) {
        match message {
            ToExecutor::Hello(_) => {}
            ToExecutor::Launch(task) => self.launch(task).await,
            ToExecutor::Kill { task_id, grace_seconds } => self.kill(&task_id, grace_seconds).await,
            ToExecutor::Synced => {
                self.synced = true;
                self.sweep().await;
            }
            ToExecutor::Shutdown => {
                self.ending = true;
                for (task, _) in self.node_tasks.drain() {
                    self.context.report(&task, TaskState::Killed, "executor-shutdown").await;
                }
                self.mailboxes.values().for_each(|mailbox| mailbox.end(End::shutdown(SHUTDOWN_GRACE)));
            }
        }
    }

    async fn launch(&mut self, task: Task) {
        if self.tasks.contains_key(&task.id) || self.node_tasks.contains_key(&task.id) {
            return;
        }
        match work(&task.data) {
            Work::Node => {
                self.node_tasks.insert(task.id, task.reported);
                self.report_node_tasks().await;
            }
            Work::Unreadable(error) => {
                tracing::warn!(task = task.id, %error, "a task's data is no pod");
                self.context.report(&task.id, TaskState::Failed, "unmarshal-task-data-failure").await;
            }
            Work::Pod(pod) => {
                let pod = Arc::new(*pod);
                let uid = pod::uid(&pod).to_owned();
                self.tasks.insert(task.id.clone(), uid.clone());
                let mailbox = self.mailboxes.entry(uid).or_default().clone();
                mailbox.task(task, pod.clone());
                self.employ(pod, mailbox);
            }
        }
    }

    async fn kill(&mut self, task_id: &str, grace: Option<i64>) {
        if self.node_tasks.remove(task_id).is_some() {
            return self.context.report(task_id, TaskState::Killed, "task-killed").await;
        }
        let uid = self.tasks.get(task_id);
        match uid.and_then(|uid| self.mailboxes.get(uid)) {
            // an older task of a pod that was launched again: the pod is the newer one's
            Some(_) if self.is_replaced(task_id) => {
                self.context.report(task_id, TaskState::Killed, "task-replaced").await;
            }
            Some(mailbox) => mailbox.end(End::killed(grace)),
            None => self.context.report(task_id, TaskState::Lost, "kill-pod-task").await,
        }
    }

    /// Whether a later task runs this task's pod.
    fn is_replaced(&self, task_id: &str) -> bool {
        let uid = self.tasks.get(task_id);
        let latest = uid.and_then(|uid| self.mailboxes.get(uid)).and_then(|mailbox| mailbox.latest_task());
        latest.is_some_and(|latest| latest != task_id)
    }

    async fn report_node_tasks(&mut self) {
        if !*self.registered.borrow() {
            return;
        }
        for (task, reported) in &mut self.node_tasks {
            if reported.is_none() {
                *reported = Some(TaskState::Running);
                self.context.report(task, TaskState::Running, "node-ready").await;
            }
        }
    }

    /// What the API server says of this node's pods.
    async fn api(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(pod) => {
                self.listing.insert(pod::uid(&pod).to_owned());
                self.applied(pod);
            }
            Event::Apply(pod) => self.applied(pod),
            Event::Delete(pod) => {
                self.pods.by_uid.write().remove(pod::uid(&pod));
                if let Some(mailbox) = self.mailboxes.get(pod::uid(&pod)) {
                    mailbox.end(End::gone());
                }
            }
            Event::InitDone => {
                self.pods.by_uid.write().retain(|uid, _| self.listing.contains(uid));
                for (uid, mailbox) in &self.mailboxes {
                    if !self.listing.contains(uid) {
                        mailbox.missing();
                    }
                }
                self.listed = true;
                self.sweep().await;
            }
        }
    }

    fn applied(&mut self, pod: Pod) {
        let (uid, pod) = (pod::uid(&pod).to_owned(), Arc::new(pod));
        self.pods.by_uid.write().insert(uid.clone(), pod.clone());
        let mailbox = self.mailboxes.entry(uid).or_default().clone();
        mailbox.pod(pod.clone());
        self.employ(pod, mailbox);
    }

    /// Gives the pod a worker, if it has none.
    fn employ(&mut self, pod: Arc<Pod>, mailbox: Arc<Mailbox>) {
        if mailbox.employ() {
            if self.ending {
                mailbox.end(End::shutdown(SHUTDOWN_GRACE));
            }
            let uid = pod::uid(&pod).to_owned();
            let worker = Worker::new(self.context.clone(), mailbox, pod);
            self.workers.spawn(async move {
                let clean = worker.run().await;
                (uid, clean)
            });
        }
    }

    fn worker_ended(&mut self, (uid, clean): (String, bool)) {
        if !clean {
            self.sweep_later();
        }
        let Some(mailbox) = self.mailboxes.remove(&uid) else { return };
        self.tasks.retain(|_, of| *of != uid);
        // a task that came while the worker was ending begins anew
        if let Some((task, pod)) = mailbox.take_task() {
            let fresh = Arc::new(Mailbox::default());
            self.tasks.insert(task.id.clone(), uid.clone());
            fresh.task(task, pod.clone());
            self.mailboxes.insert(uid, fresh.clone());
            self.employ(pod, fresh);
        }
    }

    /// Something happened to a pod in Docker; `None`: to any of them.
    fn docker(&self, uid: Option<&str>) {
        match uid {
            Some(uid) => self.mailboxes.get(uid).into_iter().for_each(|mailbox| mailbox.look()),
            None => self.mailboxes.values().for_each(|mailbox| mailbox.look()),
        }
    }

    /// Once both the API server and the minion have named all they know: what belongs to no pod goes.
    async fn sweep(&mut self) {
        if !(self.listed && self.synced) {
            return;
        }
        self.sweep_again = None;
        match orphans::find(&self.context, |uid| self.mailboxes.contains_key(uid)).await {
            Ok(found) => {
                for orphan in found {
                    self.orphans.spawn(orphans::remove(self.context.clone(), orphan));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for what pods have left");
                self.sweep_later();
            }
        }
    }

    /// Something was left: it is looked for after a while.
    fn sweep_later(&mut self) {
        self.sweep_again.get_or_insert_with(|| Instant::now() + SWEEP_AGAIN);
    }
}

/// The pod whose worker ended, and whether it left nothing.
///
/// # Errors
/// When it died. Nobody would read its mailbox: the next executor takes its pod up, and all others as they are.
fn outcome(ended: Result<(String, bool), tokio::task::JoinError>) -> anyhow::Result<(String, bool)> {
    ended.context("a pod's worker died")
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// A pod without what no part of the executor reads.
fn slim(pod: &mut Pod) {
    pod.metadata.managed_fields = None;
}

/// Docker's events for ever: a pod's UID, or `None` after the stream was opened anew and anything may have happened.
fn docker_events(context: Arc<Context>) -> impl Stream<Item = Option<String>> + Send {
    futures::stream::unfold(None, move |stream| {
        let context = context.clone();
        async move {
            let mut stream: std::pin::Pin<Box<dyn Stream<Item = _> + Send>> = match stream {
                Some(stream) => stream,
                None => return Some((None, Some(Box::pin(context.runtime.events()) as _))),
            };
            match stream.next().await {
                Some(Ok(uid)) => Some((Some(uid), Some(stream))),
                ended => {
                    if let Some(Err(error)) = ended {
                        tracing::warn!(error = crate::runtime::words(&error), "Docker's events ended");
                    }
                    tokio::time::sleep(RECONNECT).await;
                    Some((None, Some(Box::pin(context.runtime.events()) as _)))
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_ends_the_executor() {
        let died = tokio::spawn(async { panic!("a bug") }).await;
        assert!(format!("{:#}", outcome(died).unwrap_err()).contains("a pod's worker died"));
    }
}
