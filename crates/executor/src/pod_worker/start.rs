//! Taking a plan's steps: the sandbox, images, containers. Making containers overlaps the start of their sandbox.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use bollard::errors::Error as DockerError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Container;

use super::Worker;
use crate::admission;
use crate::backoff;
use crate::env::{self, Sources};
use crate::events::Type;
use crate::files::{self, Dns, PodDirectory};
use crate::gate;
use crate::left_out;
use crate::observed::Observed;
use crate::plan::{self, Action, Failure, Start};
use crate::pod;
use crate::pull_secrets;
use crate::runtime::container::Prepared;
use crate::runtime::garbage;
use crate::runtime::images::{Ensured, Image, ImageError, PullPolicy};
use crate::runtime::sandbox::{Frame, MAX_HOSTNAME, hostname};
use crate::runtime::words;
use crate::security;
use crate::services;
use crate::termination;
use crate::volumes::{self, Bind, VolumeError, Volumes};

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
    ready: Ready<'a>,
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
            if start.again {
                self.restarts.tried(&start.name, now);
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
        let live = observed.live_sandbox();
        let (id, ready) = match (sandbox, live) {
            (Some(attempt), _) => match self.make_sandbox(attempt, &directory).await {
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
        let kit = Kit { sandbox: &id, ready: ready.clone(), volumes, sources, directory, observed };
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

    /// The pod's files and volumes, and what its environments are made of.
    async fn prepare(&self, directory: &PodDirectory) -> Result<(Volumes, Sources), Refusal> {
        let flags = &self.context.flags;
        let host = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let dns = Dns { server: flags.cluster_dns, domain: &flags.cluster_domain, host: &host };
        if let Err(error) = directory.make(&files::resolv_conf(&self.pod, dns)) {
            let message = format!("cannot write the pod's files: {error}");
            self.warn("", "FailedMount", &message);
            return Err(Refusal::new("ContainerCreating", message));
        }
        let (volumes, sources) =
            tokio::join!(volumes::prepare(&self.context, &self.pod), self.context.sources(&self.pod, String::new()));
        let volumes = volumes.map_err(|error| {
            if let VolumeError::Api(_, source) = &error {
                tracing::warn!(error = source.to_string(), "cannot fetch a volume's source");
            }
            self.warn("", "FailedMount", error.to_string());
            Refusal::new("ContainerCreating", error.to_string()).soon()
        })?;
        let sources = sources.map_err(|error| {
            tracing::warn!(%error, "cannot fetch what the environment is made of");
            Refusal::new("CreateContainerConfigError", "the API server did not answer").soon()
        })?;
        Ok((volumes, sources))
    }

    async fn make_sandbox(&self, attempt: u32, directory: &PodDirectory) -> Result<String, SandboxError> {
        let (own, memory) = (directory.on_host("sandbox"), volumes::in_memory(&self.pod));
        let frame = Frame {
            directory: &own,
            host_network: &self.context.placement.host_network,
            ipc: self.ipc(),
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
        let image = self.image(container).await?;
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

    /// Sees to the container's image, unless the pod is told to end meanwhile.
    async fn image(&self, container: &Container) -> Result<Image, Refusal> {
        let (name, image) = (&container.name, container.image.as_deref().unwrap_or_default());
        let policy = PullPolicy::of(container.image_pull_policy.as_deref(), image);
        let pulling = async || {
            self.good(name, "Pulling", format!("Pulling image \"{image}\""));
            let (credentials, missing) = pull_secrets::credentials(&self.context, &self.pod, image).await;
            if !missing.is_empty() {
                let missing = missing.join(", ");
                let message = format!(
                    "Unable to retrieve some image pull secrets ({missing}); attempting to pull the image may not succeed."
                );
                self.warn("", "FailedToRetrieveImagePullSecret", message);
            }
            credentials
        };
        let ensured = tokio::select! {
            ensured = self.context.runtime.ensure_image(image, policy, pulling) => ensured,
            () = self.mailbox.ending.cancelled() => return Err(Refusal::new("ContainerCreating", "the pod is to end")),
        };
        match ensured {
            Ok(Ensured { image: found, pulled: None, .. }) => {
                self.good(name, "Pulled", format!("Container image \"{image}\" already present on machine"));
                Ok(found)
            }
            Ok(Ensured { image: found, pulled: Some(took), is_new }) => {
                if is_new && let Err(error) = garbage::note(&self.context.flags.root_dir, &pod::image_with_tag(image)) {
                    tracing::warn!(%error, image, "cannot note that the image was pulled");
                }
                let size = found.size;
                let took = backoff::words(took);
                let message = format!(
                    "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {size} bytes."
                );
                self.good(name, "Pulled", message);
                Ok(found)
            }
            Err(error) => Err(self.no_image(name, image, &error)),
        }
    }

    /// Events and reasons of an image that cannot be had, as Kubernetes' kubelet words them.
    fn no_image(&self, name: &str, image: &str, error: &ImageError) -> Refusal {
        let back_off = format!("Back-off pulling image \"{image}\"");
        let (reason, message) = match error {
            ImageError::InvalidName(_) => {
                let message = format!("Failed to apply default image tag \"{image}\": {error}");
                self.warn(name, "InspectFailed", &message);
                ("InvalidImageName", message)
            }
            ImageError::NeverPull(_) => {
                self.warn(name, "ErrImageNeverPull", error.to_string());
                ("ErrImageNeverPull", error.to_string())
            }
            ImageError::Pull(_) => {
                self.warn(name, "Failed", format!("Failed to pull image \"{image}\": {error}"));
                ("ErrImagePull", error.to_string())
            }
            ImageError::Docker(_) => ("ImageInspectError", error.to_string()),
        };
        self.warn(name, "Failed", format!("Error: {reason}"));
        match error {
            ImageError::Pull(_) => {
                let waiting_message = format!("{back_off}: {reason}: {message}");
                Refusal { reason, waiting: "ImagePullBackOff", message, waiting_message, soon: false }
            }
            _ => Refusal::new(reason, message),
        }
    }

    /// The container's environment, command line and binds.
    async fn prepared(
        &self,
        container: &Container,
        image: &Image,
        attempt: u32,
        kit: &Kit<'_>,
    ) -> Result<Prepared, String> {
        let user = security::user(&self.pod, container, &image.user)?;
        let security_options = security::options(&self.pod, container)?;
        let mut with_address = None;
        if env::wants_pod_ip(container) {
            let address = kit.ready.clone().await.map_err(|error| words(&error))?;
            let pod_ip = address.map(|address| address.to_string()).unwrap_or_default();
            with_address = Some(Sources { pod_ip, ..kit.sources.clone() });
        }
        let sources = with_address.as_ref().unwrap_or(kit.sources);
        let variables = env::variables(&self.pod, container, sources)?;
        let (command, args) = env::command_line(container, &variables);
        let mounts = volumes::binds(container, kit.volumes, &variables)?;
        let mut binds: Vec<String> = mounts.iter().map(|mount| mount.bind.clone()).collect();
        let termination = termination::make(kit.directory, &container.name, attempt)
            .map_err(|error| format!("cannot make the termination message file: {error}"))?;
        termination::forget(kit.directory, &container.name, attempt.saturating_sub(1));
        let own = [
            (kit.directory.host.join("etc-hosts"), "/etc/hosts"),
            (kit.directory.host.join("resolv.conf"), "/etc/resolv.conf"),
            (termination, termination::path(container)),
        ];
        for (file, path) in own {
            if !mounts.iter().any(|mount| mount.at == path) {
                binds.push(format!("{}:{path}", file.display()));
            }
        }
        let spec = pod::spec(&self.pod);
        let target =
            pod::target_of(&self.pod, &container.name).map(|target| running(kit.observed, target)).transpose()?;
        let pid_mode = match (spec.host_pid, spec.share_process_namespace) {
            _ if target.is_some() => target.map(|id| format!("container:{id}")),
            (Some(true), _) => Some(self.context.placement.host_network.clone()),
            (_, Some(true)) => Some(format!("container:{}", kit.sandbox)),
            _ => None,
        };
        let env = variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ipc_mode = self.ipc().map(str::to_owned);
        let (command, args) = match parts(&mounts)? {
            checks if checks.is_empty() => (command, args),
            checks => {
                let program = gate::program(&self.context, kit.sandbox).await?;
                binds.push(format!("{}:{}:ro", program.display(), gate::PATH));
                gated(checks, line(image, command, args))
            }
        };
        let image = container.image.clone().unwrap_or_default();
        Ok(Prepared { env, image, command, args, binds, pid_mode, ipc_mode, user, security_options })
    }

    /// Says in events which containers wait to be tried again, and, before the first is made, what this node leaves out.
    pub(super) fn announce(&mut self, plan: &plan::Plan, begins: bool) {
        if begins && self.task.is_some() && !std::mem::replace(&mut self.warned, true) {
            for (container, what) in left_out::of(&self.pod, self.context.placement.host_ipc.is_some()) {
                self.warn(container, "Unsupported", what);
            }
        }
        if let Some(cause) = &plan.cause
            && !std::mem::replace(&mut self.ended_early, true)
        {
            match cause.reason {
                "DeadlineExceeded" => self.good("", cause.reason, &cause.message),
                reason => self.warn("", reason, cause.message.trim_start_matches(admission::REJECTED)),
            }
        }
        for (name, waiting) in &plan.waiting {
            if self.announced.get(name) == Some(&waiting.reason) {
                continue;
            }
            let image =
                || pod::container(&self.pod, name).and_then(|container| container.image.clone()).unwrap_or_default();
            match waiting.reason.as_str() {
                "CrashLoopBackOff" => {
                    let (pod, namespace, uid) = (pod::name(&self.pod), pod::namespace(&self.pod), pod::uid(&self.pod));
                    let what = format!("Back-off restarting failed container {name} in pod {pod}_{namespace}({uid})");
                    self.warn(name, "BackOff", what);
                }
                "ImagePullBackOff" => {
                    self.good(name, "BackOff", format!("Back-off pulling image \"{}\"", image()));
                    self.warn(name, "Failed", "Error: ImagePullBackOff");
                }
                _ => {}
            }
        }
        self.announced = plan.waiting.iter().map(|(name, waiting)| (name.clone(), waiting.reason.clone())).collect();
    }

    fn good(&self, container: &str, reason: &'static str, message: impl Into<String>) {
        self.context.events.record(&self.pod, container, Type::Normal, reason, message);
    }
}

/// What the gate is to look for: the parts of volumes that may be moved until they are mounted, each by its place in its file
/// system.
fn parts(mounts: &[Bind]) -> Result<Vec<String>, String> {
    let parts: Vec<_> = mounts.iter().filter_map(|mount| Some((&mount.at, mount.part.as_ref()?))).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let mountinfo = std::fs::read(sandbox::gate::MOUNTINFO).map_err(|error| error.to_string())?;
    let check = |(at, part): (&String, &PathBuf)| {
        let origin = sandbox::gate::origin(&mountinfo, part)?;
        sandbox::gate::word(at, &origin)
    };
    let checks: Option<Vec<_>> = parts.into_iter().map(check).collect();
    checks.ok_or_else(|| "cannot tell where a part of a volume lies".to_owned())
}

/// What the container runs, as Docker would put it together.
fn line(image: &Image, command: Option<Vec<String>>, args: Option<Vec<String>>) -> Vec<String> {
    let rest = match (&command, args) {
        (_, Some(args)) => args,
        (Some(_), None) => Vec::new(),
        (None, None) => image.command.clone(),
    };
    [command.unwrap_or_else(|| image.entrypoint.clone()), rest].concat()
}

/// The same behind the gate.
fn gated(checks: Vec<String>, line: Vec<String>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let first = [gate::PATH.to_owned(), "gate".to_owned()];
    let command = first.into_iter().chain(checks).chain(["--".to_owned()]).collect();
    (Some(command), Some(line))
}

/// The running container of that name.
fn running<'o>(observed: &'o Observed, name: &str) -> Result<&'o str, String> {
    let newest = observed.named(name).next().filter(|container| container.running());
    newest.map(|container| container.id.as_str()).ok_or_else(|| format!("target container \"{name}\" does not run"))
}

/// What stands before the engine's words where it may be the privilege that it refuses.
fn unprivileged(container: &Container) -> &'static str {
    let privileged = container.security_context.as_ref().and_then(|context| context.privileged);
    if privileged == Some(true) { "the engine does not start this privileged container: " } else { "" }
}
