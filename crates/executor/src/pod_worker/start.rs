//! Taking a plan's steps: the sandbox, images, containers. Making containers overlaps the start of their sandbox.

mod handler;
mod image;
mod prepare;
mod prepared;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bollard::errors::Error as DockerError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Container;

pub(super) use self::prepare::Kept;
use super::Worker;
use crate::env::{self, Sources};
use crate::files::PodDirectory;
use crate::observed::Observed;
use crate::plan::{self, Action, Failure, Start};
use crate::pod;
use crate::runtime::sandbox::{Frame, MAX_HOSTNAME, hostname};
use crate::runtime::{Turn, words};
use crate::services;
use crate::volumes::{self, Volumes};

/// Why a sandbox is not made.
#[derive(Debug, thiserror::Error)]
enum SandboxError {
    /// Its hostname is none.
    #[error(
        "failed to construct FQDN from pod hostname and cluster domain, FQDN {0} is too long ({MAX_HOSTNAME} characters is the max)"
    )]
    Hostname(String),
    /// The engine refuses it.
    #[error("{}", words(.0))]
    Docker(#[from] DockerError),
}

/// What came of a plan's steps.
#[derive(Debug, Default)]
pub(super) struct Done {
    started: Vec<Start>,
    failed: Vec<(String, Refusal)>,
    /// Something that could not be removed.
    refused: bool,
    /// What the containers were made with.
    kept: Option<Kept>,
}

/// Why a container, or (by the empty name) the pod's sandbox, could not be started.
#[derive(Clone, Debug)]
struct Refusal {
    reason: &'static str,
    waiting: &'static str,
    message: String,
    waiting_message: String,
    /// Whether what is missing may come at any time: it is looked for sooner than an image.
    soon: bool,
}

/// The sandbox once it runs: its address. Awaited by all containers that are made meanwhile.
type Ready<'a> = Shared<BoxFuture<'a, Result<Option<IpAddr>, Arc<DockerError>>>>;

/// What all containers of a pod are made with.
struct Kit<'a> {
    sandbox: &'a str,
    /// The engine's runtime, where it is not the engine's choice.
    handler: Option<&'a str>,
    ready: Ready<'a>,
    turn: &'a Turn,
    volumes: &'a Volumes,
    sources: &'a Sources,
    directory: &'a PodDirectory,
    observed: &'a Observed,
}

impl Refusal {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { reason, waiting: reason, waiting_message: message.clone(), message, soon: false }
    }

    fn soon(self) -> Self {
        Self { soon: true, ..self }
    }
}

impl Worker {
    /// Takes the steps, but for stops, which were begun before.
    pub(super) async fn perform(&self, observed: &Observed, actions: &[Action]) -> Done {
        let (mut removals, mut starts, mut sandbox) = (Vec::new(), Vec::new(), None);
        for action in actions {
            match action {
                Action::Remove { id } | Action::RemoveSandbox { id } => removals.push(id.as_str()),
                Action::Start(start) => starts.push(start),
                Action::Sandbox { attempt } => sandbox = Some(*attempt),
                Action::Stop { .. } => {}
            }
        }
        let removed = join_all(removals.iter().map(|id| self.context.runtime.remove(id))).await;
        let mut done = Done::default();
        for (id, outcome) in removals.iter().zip(removed) {
            if let Err(error) = outcome {
                tracing::warn!(container = id, error = words(&error), "cannot remove the container");
                done.refused = true;
            }
        }
        if sandbox.is_some() || !starts.is_empty() {
            self.begin(observed, sandbox, &starts, &mut done).await;
        }
        done
    }

    /// Notes what came of the steps; true where something is to be tried again after a pause.
    pub(super) fn note(&mut self, done: Done) -> bool {
        let now = Timestamp::now();
        for start in &done.started {
            self.failures.remove(&start.name);
            self.failures.remove("");
            self.started.insert((start.name.clone(), start.attempt));
            if let Some(ended) = start.ended {
                self.restarts.tried(&start.name, ended, now);
            }
        }
        for (name, refusal) in done.failed {
            let count = self.failures.get(&name).map_or(0, |(count, _)| count + 1);
            let failure = Failure {
                reason: refusal.reason,
                waiting: refusal.waiting,
                message: refusal.message,
                waiting_message: refusal.waiting_message,
                at: now,
                retry: now + if refusal.soon { plan::source_wait(count) } else { plan::retry_wait(count) },
                soon: refusal.soon,
            };
            self.failures.insert(name, (count, failure));
        }
        self.kept = done.kept.or(self.kept.take());
        self.watch_for_missing();
        done.refused
    }

    /// What a container may be waiting for is watched while one waits.
    fn watch_for_missing(&mut self) {
        if !self.failures.values().any(|(_, failure)| failure.soon) {
            self.missing.clear();
        } else if self.missing.is_empty() {
            let all = volumes::objects(&self.pod).into_iter().chain(env::objects(&self.pod));
            self.missing = all.map(|object| self.context.watches.subscribe(object)).collect();
        }
    }

    /// Something came that a container may have waited for: it is tried again at once.
    pub(super) fn look_for_sources_again(&mut self) {
        let now = Timestamp::now();
        for (_, failure) in self.failures.values_mut().filter(|(_, failure)| failure.soon) {
            failure.retry = now;
        }
    }

    /// Sandbox and containers. What fails is noted in `done`.
    async fn begin(&self, observed: &Observed, sandbox: Option<u32>, starts: &[&Start], done: &mut Done) {
        let directory = self.context.directory(pod::uid(&self.pod));
        let (volumes, sources) = match self.prepare(&directory).await {
            Ok(prepared) => prepared,
            Err(refusal) => {
                done.failed.extend(starts.iter().map(|start| (start.name.clone(), refusal.clone())));
                done.failed.extend(sandbox.map(|_| (String::new(), refusal)));
                return;
            }
        };
        let handler = match self.handler(sandbox.is_some()).await {
            Ok(handler) => handler,
            Err(error) => return done.failed.push((String::new(), self.no_sandbox(&error))),
        };
        done.kept = Some(Kept { sources: Arc::clone(&sources), handler: handler.clone() });
        let handler = handler.as_deref();
        let Some(turn) = self.turn(sandbox.is_some()).await else { return };
        if sandbox.is_some_and(|attempt| attempt > 0) {
            self.good("", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
        }
        let live = observed.live_sandbox();
        let (id, ready) = match (sandbox, live) {
            (Some(attempt), _) => match self.make_sandbox(attempt, &directory, handler).await {
                Ok(id) => {
                    let ready = self.start_sandbox(id.clone(), &directory).boxed().shared();
                    (id, ready)
                }
                Err(error) => return done.failed.push((String::new(), self.no_sandbox(&error.to_string()))),
            },
            (None, Some(live)) => {
                let address = self.address_in(live.address);
                (live.id.clone(), futures::future::ready(Ok(address)).boxed().shared())
            }
            (None, None) => return,
        };
        let (volumes, sources, directory, ready) = (&volumes, &sources, &directory, ready);
        let kit =
            Kit { sandbox: &id, handler, ready: ready.clone(), turn: &turn, volumes, sources, directory, observed };
        let (sandboxed, outcomes) = tokio::join!(ready, join_all(starts.iter().map(|start| self.start(start, &kit))));
        if let Err(error) = sandboxed {
            done.failed.push((String::new(), self.no_sandbox(&words(&error))));
            let _ = self.context.runtime.remove(&id).await;
            return;
        }
        for (start, outcome) in starts.iter().zip(outcomes) {
            match outcome {
                Ok(()) => done.started.push((*start).clone()),
                Err(refusal) => done.failed.push((start.name.clone(), refusal)),
            }
        }
    }

    /// Waits for the turn to make a new sandbox; nothing where the pod is told to end meanwhile. Containers that join a sandbox
    /// that runs wait for nobody.
    async fn turn(&self, new: bool) -> Option<Turn> {
        if !new {
            return Some(Turn::default());
        }
        tokio::select! {
            turn = self.context.runtime.turn() => Some(turn),
            () = self.mailbox.ending.cancelled() => None,
        }
    }

    async fn make_sandbox(
        &self,
        attempt: u32,
        directory: &PodDirectory,
        handler: Option<&str>,
    ) -> Result<String, SandboxError> {
        let (own, memory) = (directory.on_host("sandbox"), volumes::in_memory(&self.pod));
        let frame = Frame {
            directory: &own,
            host_network: &self.context.placement.host_network,
            ipc: self.ipc(),
            handler,
            hostname: self.hostname()?,
            address: self.former_address(),
            memory: &memory,
        };
        Ok(self.context.runtime.create_sandbox(&self.pod, attempt, frame).await?)
    }

    /// Starts the sandbox, writes its address into the pod's hosts file, and waits until services can be reached from it.
    async fn start_sandbox(&self, id: String, directory: &PodDirectory) -> Result<Option<IpAddr>, Arc<DockerError>> {
        let runtime = &self.context.runtime;
        runtime.start_sandbox(&id, self.former_address().is_some()).await.map_err(Arc::new)?;
        let address = self.context.runtime.address(&id).await.map_err(Arc::new)?;
        let address = self.address_in(address);
        if let Err(error) = directory.write_hosts(&self.pod, address, &self.context.flags.cluster_domain) {
            tracing::warn!(pod = pod::name(&self.pod), %error, "cannot write the pod's hosts file");
        }
        self.await_services().await;
        Ok(address)
    }

    /// Services are there before the first container; a pod in its node's namespace has the node's.
    async fn await_services(&self) {
        let flags = &self.context.flags;
        if !flags.run_proxy || pod::host_network(&self.pod) {
            return;
        }
        if let Err(trouble) = services::await_ready(&flags.root_dir, pod::uid(&self.pod)).await {
            let what = format!("Services may be out of reach: the node's service proxy: {trouble}");
            self.warn("", "ServicesNotReady", what);
        }
    }

    /// The pod's address: in its node's namespace it is the node's.
    fn address_in(&self, of_sandbox: Option<IpAddr>) -> Option<IpAddr> {
        if pod::host_network(&self.pod) { Some(self.context.placement.address) } else { of_sandbox }
    }

    /// The address that the pod had in a sandbox before: whoever knows it finds the pod there again.
    fn former_address(&self) -> Option<Ipv4Addr> {
        self.address.filter(|_| !pod::host_network(&self.pod))
    }

    /// The hostname; `None` in a pod that has its node's.
    fn hostname(&self) -> Result<Option<String>, SandboxError> {
        if pod::host_network(&self.pod) {
            return Ok(None);
        }
        let short = hostname(&self.pod);
        if pod::spec(&self.pod).set_hostname_as_fqdn != Some(true) {
            return Ok(Some(short));
        }
        let full = pod::full_name(&self.pod, &short, &self.context.flags.cluster_domain).unwrap_or(short);
        if full.len() > MAX_HOSTNAME { Err(SandboxError::Hostname(full)) } else { Ok(Some(full)) }
    }

    /// The IPC namespace that the pod shares with its node, if it is to and can.
    fn ipc(&self) -> Option<&str> {
        let shares = pod::spec(&self.pod).host_ipc == Some(true);
        self.context.placement.host_ipc.as_deref().filter(|_| shares)
    }

    fn no_sandbox(&self, error: &str) -> Refusal {
        let message = format!("Failed to create pod sandbox: {error}");
        self.warn("", "FailedCreatePodSandBox", &message);
        Refusal::new("ContainerCreating", message)
    }

    /// One container: its image, its making, and, once the sandbox runs, its start.
    async fn start(&self, start: &Start, kit: &Kit<'_>) -> Result<(), Refusal> {
        let Some(container) = pod::container(&self.pod, &start.name) else { return Ok(()) };
        let (container, name) = (container.as_ref(), &container.name);
        let image = self.image(container, kit.turn).await?;
        let prepared = self.prepared(container, &image, start.attempt, kit).await.map_err(|message| {
            self.warn(name, "Failed", format!("Error: {message}"));
            Refusal::new("CreateContainerConfigError", message).soon()
        })?;
        let runtime = &self.context.runtime;
        let made = runtime.create_container(&self.pod, container, start.attempt, kit.sandbox, prepared).await;
        let id = made.map_err(|error| {
            let message = format!("{}{}", unprivileged(container), words(&error));
            self.warn(name, "Failed", format!("Error: {message}"));
            Refusal::new("CreateContainerError", message)
        })?;
        self.good(name, "Created", format!("Created container: {name}"));
        if kit.ready.clone().await.is_err() {
            let _ = runtime.remove(&id).await;
            return Err(Refusal::new("ContainerCreating", "the pod's sandbox did not start"));
        }
        runtime.start(&id).await.map_err(|error| {
            let message = format!("failed to start container \"{name}\": {}{}", unprivileged(container), words(&error));
            self.warn(name, "Failed", format!("Error: {message}"));
            Refusal::new("RunContainerError", message)
        })?;
        self.good(name, "Started", format!("Started container {name}"));
        Ok(())
    }
}

/// What stands before the engine's words where it may be the privilege that it refuses.
fn unprivileged(container: &Container) -> &'static str {
    let privileged = container.security_context.as_ref().and_then(|context| context.privileged);
    if privileged == Some(true) { "the engine does not start this privileged container: " } else { "" }
}
