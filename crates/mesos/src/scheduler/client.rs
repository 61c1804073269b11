//! The client of a scheduler: one stream of events that is opened again whenever it ends, and calls beside it.
//!
//! ```no_run
//! # async fn example(framework: mesos::FrameworkInfo) -> Result<(), Box<dyn std::error::Error>> {
//! use mesos::scheduler::{Event, client::{self, Notice}};
//!
//! let (master, mut notices) = client::connect("mesosmaster1:5050".parse()?, framework);
//! while let Some(notice) = notices.next().await {
//!     match notice {
//!         Notice::Event(Event::Offers(offers)) => {
//!             master.decline(offers.offers.into_iter().map(|offer| offer.id).collect(), None).await?;
//!         }
//!         Notice::Event(Event::Update(update)) => master.acknowledge(&update.status).await?,
//!         Notice::Event(_) => {}
//!         Notice::Disconnected { reason } => eprintln!("all offers are void: {reason}"),
//!     }
//! }
//! # Ok(()) }
//! ```

mod subscriber;

use std::time::Duration;

use http::{HeaderName, StatusCode};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::subscriber::Subscriber;
use super::{
    Accept, Acknowledge, Action, Call, CallWire, Decline, Event, Kill, Message, Reconcile, ReconcileTask, Roles,
    Shutdown,
};
use crate::address::MasterAddress;
use crate::http::{self as transport, Http};
use crate::task::KillPolicy;
use crate::{
    AgentID, Bytes, ExecutorID, Filters, FrameworkID, FrameworkInfo, OfferID, Operation, TaskID, TaskStatus, json,
};

const PATH: &str = "/api/v1/scheduler";
const STREAM_ID: HeaderName = HeaderName::from_static("mesos-stream-id");
/// How long the master may take to answer a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Notices that wait for the scheduler; when they are so many, reading stops, and in the end the master hangs up.
const QUEUE: usize = 256;

/// What a scheduler learns.
#[allow(clippy::large_enum_variant, reason = "moved once; nearly all are events")]
#[derive(Debug)]
pub enum Notice {
    /// The master said something. `Subscribed` comes first after each (re)connection; after `Error` nothing comes any
    /// more. Heartbeats are kept back.
    Event(Event),
    /// The stream is lost and is being opened again: all offers are void, tasks live on.
    Disconnected {
        /// Why.
        reason: String,
    },
}

/// Why a call was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no stream at present; after the next `Subscribed` calls go through again.
    #[error("cannot call {call}: not subscribed to a Mesos master")]
    Disconnected {
        /// The call's type.
        call: &'static str,
    },
    /// The master did not answer.
    #[error("cannot call {call}")]
    NoAnswer {
        /// The call's type.
        call: &'static str,
        /// Why.
        #[source]
        source: transport::Error,
    },
    /// The master refused.
    #[error("Mesos master refused {call}: {status} {message}")]
    Refused {
        /// The call's type.
        call: &'static str,
        /// The status.
        status: StatusCode,
        /// What it said.
        message: String,
    },
}

/// A subscription that stands.
#[derive(Debug, Clone)]
struct Session {
    master: MasterAddress,
    stream_id: String,
    framework_id: FrameworkID,
}

/// The master, to call. Cheap to clone. Calls that are awaited one after the other reach the master in that order.
#[derive(Debug, Clone)]
pub struct Master {
    http: Http,
    session: watch::Receiver<Option<Session>>,
}

/// What the master says. Dropping it ends the subscription; the framework then lives on for its `failover_timeout`.
#[derive(Debug)]
pub struct Notices {
    receiver: mpsc::Receiver<Notice>,
    _stop: DropGuard,
}

impl Notices {
    /// The next notice; `None` after an `Error`. Cancel safe.
    pub async fn next(&mut self) -> Option<Notice> {
        self.receiver.recv().await
    }
}

/// Subscribes `framework` at `master`, and again whenever the stream is lost: by the framework's ID once there is one, at
/// the leader that a redirect names, with a back-off of up to 15 s. Runs until the notices are dropped.
pub fn connect(master: MasterAddress, framework: FrameworkInfo) -> (Master, Notices) {
    connect_by(Http::default(), vec![master], framework)
}

/// The same at the one of several masters that leads, by a client that may say who asks. The masters are tried in their order,
/// the next where one does not answer.
///
/// # Panics
/// Where `masters` is empty.
pub fn connect_by(http: Http, masters: Vec<MasterAddress>, framework: FrameworkInfo) -> (Master, Notices) {
    assert!(!masters.is_empty(), "there is a master to subscribe at");
    let (notify, receiver) = mpsc::channel(QUEUE);
    let (set_session, session) = watch::channel(None);
    let stop = CancellationToken::new();
    let subscriber = Subscriber { http: http.clone(), masters, framework, notify, session: set_session };
    let stopped = stop.clone();
    tokio::spawn(async move { stopped.run_until_cancelled(subscriber.run()).await });
    (Master { http, session }, Notices { receiver, _stop: stop.drop_guard() })
}

impl Master {
    /// The framework's ID while subscribed.
    pub fn framework_id(&self) -> Option<FrameworkID> {
        self.session.borrow().as_ref().map(|session| session.framework_id.clone())
    }

    /// Uses offers of one agent for `operations`.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn accept(
        &self,
        offer_ids: Vec<OfferID>,
        operations: Vec<Operation>,
        filters: Option<Filters>,
    ) -> Result<(), CallError> {
        self.call(Action::Accept(Accept { offer_ids, operations, filters })).await
    }

    /// Gives offers back.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn decline(&self, offer_ids: Vec<OfferID>, filters: Option<Filters>) -> Result<(), CallError> {
        self.call(Action::Decline(Decline { offer_ids, filters })).await
    }

    /// Wants offers again, filters forgotten; no roles means all.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn revive(&self, roles: Vec<String>) -> Result<(), CallError> {
        self.call(Action::Revive(Roles { roles })).await
    }

    /// Wants no offers; no roles means all.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn suppress(&self, roles: Vec<String>) -> Result<(), CallError> {
        self.call(Action::Suppress(Roles { roles })).await
    }

    /// Ends a task; an update tells when.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn kill(
        &self,
        task_id: TaskID,
        agent_id: Option<AgentID>,
        kill_policy: Option<KillPolicy>,
    ) -> Result<(), CallError> {
        self.call(Action::Kill(Kill { task_id, agent_id, kill_policy })).await
    }

    /// Ends an executor.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn shutdown(&self, executor_id: ExecutorID, agent_id: AgentID) -> Result<(), CallError> {
        self.call(Action::Shutdown(Shutdown { executor_id, agent_id })).await
    }

    /// Acknowledges an update that has been dealt with. One without `uuid` wants no acknowledgement, and none is sent.
    ///
    /// # Errors
    /// As [`Master::call`]. The agent then sends the update again.
    pub async fn acknowledge(&self, status: &TaskStatus) -> Result<(), CallError> {
        let (Some(uuid), Some(agent_id)) = (&status.uuid, &status.agent_id) else { return Ok(()) };
        let (agent_id, task_id, uuid) = (agent_id.clone(), status.task_id.clone(), uuid.clone());
        self.call(Action::Acknowledge(Acknowledge { agent_id, task_id, uuid })).await
    }

    /// Asks for the state of tasks; none means all that the master knows. Updates answer.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn reconcile(&self, tasks: Vec<ReconcileTask>) -> Result<(), CallError> {
        self.call(Action::Reconcile(Reconcile { tasks })).await
    }

    /// Sends bytes to an executor; they may be lost.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn message(&self, agent_id: AgentID, executor_id: ExecutorID, data: Bytes) -> Result<(), CallError> {
        self.call(Action::Message(Message { agent_id, executor_id, data })).await
    }

    /// Ends the framework, its executors and tasks.
    ///
    /// # Errors
    /// As [`Master::call`].
    pub async fn teardown(&self) -> Result<(), CallError> {
        self.call(Action::Teardown).await
    }

    /// Calls the master, which says only whether the call is well formed; what comes of it are events.
    ///
    /// # Errors
    /// When there is no subscription, no answer, or a refusal.
    pub async fn call(&self, action: Action) -> Result<(), CallError> {
        let call = action.type_name();
        let session = self.session.borrow().clone().ok_or(CallError::Disconnected { call })?;
        let body = json::to_vec(&CallWire::from(Call { framework_id: Some(session.framework_id), action }));
        let answer = self
            .http
            .post(&session.master.uri(PATH), Some((STREAM_ID, &session.stream_id)), body, CALL_TIMEOUT)
            .await
            .map_err(|source| CallError::NoAnswer { call, source })?;
        if answer.status.is_success() {
            return Ok(());
        }
        let status = answer.status;
        Err(CallError::Refused { call, status, message: answer.text(CALL_TIMEOUT).await })
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

impl From<&TaskStatus> for ReconcileTask {
    fn from(status: &TaskStatus) -> Self {
        Self { task_id: status.task_id.clone(), agent_id: status.agent_id.clone() }
    }
}
