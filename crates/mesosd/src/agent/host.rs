//! The one task that owns the agent's mind, and the hands that do what it wants: disk, processes, streams, master.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use mesos::AgentID;
use mesos::executor::{Action, Call, Event};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::core::{Core, Refusal};
use super::effect::{Effect, Launch};
use super::flags::Recover;
use super::paths::Run;
use super::process::Identity;
use super::reaper::Reaper;
use super::{checkpoint, launcher};
use crate::link::{FromAgent, ToAgent};

/// Events for one executor that are not written yet; more mean that it does not read.
const STREAM_CAPACITY: usize = 1024;
/// Requests to the agent that wait for their turn.
const REQUEST_CAPACITY: usize = 1024;

/// Something that the agent is to deal with.
pub(crate) enum Request {
    /// An executor's call; the answer to SUBSCRIBE is its stream of events.
    Call { call: Box<Call>, reply: oneshot::Sender<Result<Option<mpsc::Receiver<Event>>, Refusal>> },
    /// A look at what is.
    View(Box<dyn FnOnce(&Core) + Send>),
    /// The link to the master stands: reports go to `reports` until `over` is cancelled.
    Linked { id: AgentID, reports: mpsc::Sender<FromAgent>, over: CancellationToken },
    /// The link to the master is over.
    Unlinked,
    /// The master wants something.
    Order(ToAgent),
    /// A run's process was started.
    Started(Run, Identity),
    /// A run's process could not be started.
    Failed(Run, String),
    /// A run's process has ended, with this raw wait status where it is known.
    Exited(Run, Option<i32>),
    /// Somebody asks the agent to end everything and leave (SIGUSR1).
    Leave,
}

/// How others reach the agent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle(mpsc::Sender<Request>);

impl Handle {
    /// A handle, and the queue for [`Host::run`].
    pub(crate) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(REQUEST_CAPACITY);
        (Self(sender), receiver)
    }

    /// Hands over a request. Once the agent has ended nobody needs it any more.
    pub(crate) async fn send(&self, request: Request) {
        let _ = self.0.send(request).await;
    }

    /// Looks at the agent; `None` if it has ended.
    pub(crate) async fn view<T: Send + 'static>(&self, look: impl FnOnce(&Core) -> T + Send + 'static) -> Option<T> {
        let (sender, seen) = oneshot::channel();
        let look = Box::new(move |core: &Core| {
            let _ = sender.send(look(core));
        });
        self.send(Request::View(look)).await;
        seen.await.ok()
    }

    /// Makes an executor's call; `None` if the agent has ended.
    pub(crate) async fn call(&self, call: Call) -> Option<Result<Option<mpsc::Receiver<Event>>, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Call { call: Box::new(call), reply }).await;
        answer.await.ok()
    }
}

/// The agent's mind with its hands.
pub(crate) struct Host {
    core: Core,
    handle: Handle,
    reaper: Arc<Reaper>,
    /// Streams of executors, by container.
    streams: HashMap<String, mpsc::Sender<Event>>,
    /// Launches that may still be given up, by container.
    launches: HashMap<String, CancellationToken>,
    master: Option<(mpsc::Sender<FromAgent>, CancellationToken)>,
    /// Has the agent recovered, so that the master may be told?
    recovered: watch::Sender<bool>,
}

impl Host {
    pub(crate) fn new(core: Core, handle: Handle, reaper: Arc<Reaper>, recovered: watch::Sender<bool>) -> Self {
        let (streams, launches) = (HashMap::new(), HashMap::new());
        Self { core, handle, reaper, streams, launches, master: None, recovered }
    }

    /// Deals with requests and deadlines until `stop`, or until the agent has ended by itself. Executors outlive it.
    ///
    /// # Errors
    /// When something cannot be kept on the disk: what was promised would be lost.
    pub(crate) async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            for effect in self.core.take_effects(Instant::now()) {
                if let Effect::End(why) = effect {
                    return self.end(&why);
                }
                self.carry_out(effect)?;
            }
            self.recovered.send_if_modified(|recovered| !std::mem::replace(recovered, !self.core.is_recovering()));
            let deadline = self.core.next_deadline();
            let sleep = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now).into());
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep, if deadline.is_some() => self.core.expire(Instant::now()),
                request = requests.recv() => match request {
                    Some(request) => self.deal_with(request)?,
                    None => return Ok(()),
                },
            }
        }
    }

    fn deal_with(&mut self, request: Request) -> anyhow::Result<()> {
        let now = Instant::now();
        match request {
            Request::Call { call, reply } => {
                let _ = reply.send(self.call(now, *call));
            }
            Request::View(look) => look(&self.core),
            Request::Linked { id, reports, over } => {
                self.core.link(id);
                checkpoint::store_agent(&self.core.settings.paths, &self.core.info)?;
                self.master = Some((reports, over));
            }
            Request::Unlinked => {
                self.core.unlink();
                self.master = None;
            }
            Request::Order(order) => self.core.obey(now, order),
            Request::Started(run, process) => {
                self.launches.remove(&run.container);
                self.core.started(&run, process);
            }
            Request::Failed(run, why) => {
                self.launches.remove(&run.container);
                self.core.launch_failed(&run, &why);
            }
            Request::Exited(run, status) => self.core.exited(&run, status),
            Request::Leave => self.core.shutdown(now, "asked to leave by SIGUSR1".to_owned()),
        }
        Ok(())
    }

    fn call(&mut self, now: Instant, call: Call) -> Result<Option<mpsc::Receiver<Event>>, Refusal> {
        let run = self.core.admit(&call)?;
        let events = matches!(call.action, Action::Subscribe(_)).then(|| {
            let (sender, events) = mpsc::channel(STREAM_CAPACITY);
            // An older stream of the executor ends: its sender is dropped.
            self.streams.insert(run.container, sender);
            events
        });
        self.core.serve(now, call);
        Ok(events)
    }

    fn carry_out(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Store(record) => checkpoint::store(&self.core.settings.paths, &record)?,
            Effect::Launch(launch) => self.launch(*launch),
            Effect::Watch { run, process } => {
                let handle = self.handle.clone();
                tokio::spawn(async move {
                    if let Err(error) = process.ended().await {
                        tracing::warn!(pid = process.pid, %error, "cannot watch a recovered executor");
                    }
                    handle.send(Request::Exited(run, None)).await;
                });
            }
            Effect::Destroy { run, process } => {
                if let Some(launch) = self.launches.remove(&run.container) {
                    launch.cancel();
                }
                if let Some(process) = process {
                    tokio::spawn(async move { process.kill_tree().await });
                }
            }
            Effect::Tell { run, event } => self.tell(&run, *event),
            Effect::HangUp(run) => {
                self.streams.remove(&run.container);
            }
            Effect::Report(report) => self.report(report),
            Effect::End(_) => {}
        }
        Ok(())
    }

    /// Starts an executor in a task of its own, which says what became of it.
    fn launch(&mut self, launch: Launch) {
        let (handle, reaper, settings) = (self.handle.clone(), Arc::clone(&self.reaper), self.core.settings.clone());
        let given_up = CancellationToken::new();
        self.launches.insert(launch.run.container.clone(), given_up.clone());
        tokio::spawn(async move {
            let run = launch.run.clone();
            let prepared = tokio::select! {
                prepared = launcher::prepare(&settings, &launch) => prepared,
                () = given_up.cancelled() => {
                    return handle.send(Request::Exited(run, None)).await;
                }
            };
            match prepared.and_then(|prepared| launcher::start(prepared, &reaper)) {
                Ok((process, status)) => {
                    handle.send(Request::Started(run.clone(), process)).await;
                    handle.send(Request::Exited(run, status.await.ok())).await;
                }
                Err(error) => handle.send(Request::Failed(run, format!("{:#}", anyhow::Error::from(error)))).await,
            }
        });
    }

    fn tell(&mut self, run: &Run, event: Event) {
        let Some(stream) = self.streams.get(&run.container) else { return };
        if let Err(error) = stream.try_send(event) {
            tracing::debug!(executor = run.executor, %error, "an executor's stream is broken: it has to subscribe again");
            self.streams.remove(&run.container);
        }
    }

    fn report(&mut self, report: FromAgent) {
        let Some((reports, over)) = &self.master else { return };
        if let Err(error) = reports.try_send(report) {
            tracing::warn!(%error, "the master does not take what the agent reports: linking anew");
            over.cancel();
            self.master = None;
        }
    }

    fn end(self, why: &str) -> anyhow::Result<()> {
        tracing::info!(why, "the agent ends");
        if self.core.settings.flags.recover == Recover::Cleanup {
            let latest = self.core.settings.paths.latest_agent();
            match std::fs::remove_file(&latest) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).context(format!("failed to remove {}", latest.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
