//! The client of an executor: one stream of events from its agent, opened again when the agent was away, and updates that
//! are kept until the agent has stored them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mesos::executor::{Event, client::{self, Notice}, environment::Environment};
//! use mesos::{TaskState, TaskStatus};
//!
//! let (agent, mut notices) = client::connect(Environment::from_process()?);
//! while let Some(notice) = notices.next().await {
//!     match notice {
//!         Notice::Event(Event::Launch(launch)) => agent.update(TaskStatus {
//!             task_id: launch.task.task_id,
//!             state: TaskState::Running,
//!             ..TaskStatus::default()
//!         }),
//!         Notice::Event(Event::Shutdown) | Notice::GaveUp { .. } => break,
//!         _ => {}
//!     }
//! }
//! agent.flushed(std::time::Duration::from_secs(1)).await;
//! # Ok(()) }
//! ```

mod kept;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::kept::Kept;
use super::environment::Environment;
use super::{Action, Call, CallWire, Event, Message, Update};
use crate::http::{Http, Records};
use crate::scheduler::client::chain;
use crate::{Bytes, Source, TaskStatus, json};

const PATH: &str = "/api/v1/executor";
/// How long the agent may take to answer a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Agents send a heartbeat each half hour: of one that has sent any, three missed ones are the end. Older agents send none,
/// and say nothing for as long as nothing happens.
const SILENCE: Duration = Duration::from_mins(95);
/// Notices that wait for the executor.
const QUEUE: usize = 256;

/// What an executor learns.
#[allow(clippy::large_enum_variant, reason = "moved once; nearly all are events")]
#[derive(Debug)]
pub enum Notice {
    /// The agent said something. `Subscribed` comes first after each (re)connection. Heartbeats and acknowledgements are
    /// kept back.
    Event(Event),
    /// The agent is away; tasks go on, updates are kept until it is back.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// The agent did not come back in time, or never wanted this executor: end the tasks, and the process. The last notice.
    GaveUp {
        /// Why.
        reason: String,
    },
}

/// The agent, to tell. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Agent(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    environment: Environment,
    http: Http,
    kept: Mutex<Kept>,
    /// An update is waiting to be sent.
    unsent: Notify,
    /// How many updates the agent has not stored yet.
    unacknowledged: watch::Sender<usize>,
}

/// What the agent says. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Notices {
    receiver: mpsc::Receiver<Notice>,
    _stop: DropGuard,
}

impl Notices {
    /// The next notice; `None` after `GaveUp` or an `Error` event. Cancel safe.
    pub async fn next(&mut self) -> Option<Notice> {
        self.receiver.recv().await
    }
}

/// Subscribes at the agent of `environment`, and again while it is away. Runs until the notices are dropped.
pub fn connect(environment: Environment) -> (Agent, Notices) {
    let (notify, receiver) = mpsc::channel(QUEUE);
    let stop = CancellationToken::new();
    let shared = Arc::new(Shared {
        http: Http::authorized(environment.authorization.clone()),
        environment,
        kept: Mutex::default(),
        unsent: Notify::new(),
        unacknowledged: watch::Sender::new(0),
    });
    let (stopped, own) = (stop.clone(), shared.clone());
    tokio::spawn(async move { stopped.run_until_cancelled(own.run(notify)).await });
    (Agent(shared), Notices { receiver, _stop: stop.drop_guard() })
}

impl Agent {
    /// Reports a status. It is sent when the agent is there, in order, until the agent has stored it; `uuid`, `timestamp`,
    /// `source` and `executor_id` are set where they are not.
    pub fn update(&self, mut status: TaskStatus) {
        status.uuid.get_or_insert_with(Bytes::uuid);
        status.timestamp.get_or_insert_with(now);
        status.source = Some(Source::Executor);
        status.executor_id.get_or_insert_with(|| self.0.environment.executor_id.clone());
        let count = {
            let mut kept = self.0.kept();
            kept.add(status);
            kept.len()
        };
        self.0.unacknowledged.send_replace(count);
        self.0.unsent.notify_one();
    }

    /// Sends bytes to the scheduler; they may be lost. Returns whether the agent took them.
    pub async fn message(&self, data: Bytes) -> bool {
        matches!(self.0.call(Action::Message(Message { data })).await, Ok(StatusCode::ACCEPTED))
    }

    /// Waits until the agent has stored all updates, no longer than `timeout`. Returns whether it has. An executor does
    /// so before it exits, or the agent reports its tasks as failed.
    pub async fn flushed(&self, timeout: Duration) -> bool {
        let mut count = self.0.unacknowledged.subscribe();
        let done = tokio::time::timeout(timeout, count.wait_for(|count| *count == 0)).await;
        matches!(done, Ok(Ok(_)))
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Why a subscription is over.
enum End {
    /// Try again.
    Retry { reason: String, was_subscribed: bool },
    /// The agent does not want this executor any more, or nobody listens.
    Final,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change of what is kept is one step: after a panic elsewhere it is still whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, notify: mpsc::Sender<Notice>) {
        let mut alone_since = Instant::now();
        let mut ever_subscribed = false;
        loop {
            let End::Retry { reason, was_subscribed } = self.subscribe(&notify).await else { return };
            if was_subscribed {
                ever_subscribed = true;
                alone_since = Instant::now();
                tracing::warn!("subscription at the Mesos agent is lost: {reason}");
                let notice = Notice::Disconnected { reason: reason.clone() };
                if notify.send(notice).await.is_err() {
                    return;
                }
            }
            let patience = match self.environment.recovery_timeout {
                Some(timeout) => timeout,
                None if ever_subscribed => Duration::ZERO,
                None => Duration::from_mins(1),
            };
            if alone_since.elapsed() >= patience {
                // Nobody listening is as final.
                let _ = notify.send(Notice::GaveUp { reason }).await;
                return;
            }
            let longest = self.environment.subscription_backoff_max.as_secs_f64().max(0.1);
            let wait = Duration::from_secs_f64(rand::random_range(0.05..=longest));
            tokio::time::sleep(wait.min(patience.saturating_sub(alone_since.elapsed()))).await;
        }
    }

    /// Subscribes once, sends updates and hands on events until the stream ends.
    async fn subscribe(&self, notify: &mpsc::Sender<Notice>) -> End {
        let retry = |reason| End::Retry { reason, was_subscribed: false };
        let subscribe = self.kept().subscribe();
        let body = self.body(Action::Subscribe(subscribe));
        let answer = match self.http.post(&self.uri(), None, body, CALL_TIMEOUT).await {
            Ok(answer) => answer,
            Err(error) => return retry(chain(&error)),
        };
        if answer.status != StatusCode::OK {
            let status = answer.status;
            return retry(format!("{status} {}", answer.text(CALL_TIMEOUT).await));
        }
        let mut was_subscribed = false;
        let mut silence = Duration::MAX;
        let mut records = answer.records();
        let mut sending = std::pin::pin!(self.send_updates());
        let reason = loop {
            let event = tokio::select! {
                event = next_event(&mut records, silence) => event,
                reason = &mut sending, if was_subscribed => break reason,
            };
            match event {
                Ok(Event::Heartbeat) => silence = SILENCE,
                Ok(Event::Acknowledged(acknowledged)) => {
                    let count = {
                        let mut kept = self.kept();
                        kept.acknowledged(&acknowledged);
                        kept.len()
                    };
                    self.unacknowledged.send_replace(count);
                }
                Ok(event) => {
                    was_subscribed |= matches!(event, Event::Subscribed(_));
                    let is_final = matches!(event, Event::Error(_));
                    self.kept().launched(&event);
                    if notify.send(Notice::Event(event)).await.is_err() || is_final {
                        return End::Final;
                    }
                }
                Err(reason) => break reason,
            }
        };
        End::Retry { reason, was_subscribed }
    }

    /// Sends updates as they come; returns when one could not be sent. What is not acknowledged goes out with the next
    /// SUBSCRIBE, so that a cancelled or failed attempt loses nothing.
    async fn send_updates(&self) -> String {
        loop {
            let next = self.kept().next_unsent();
            let Some(status) = next else {
                self.unsent.notified().await;
                continue;
            };
            let uuid = status.uuid.clone();
            match self.call(Action::Update(Update { status })).await {
                Ok(status) if status.is_success() => self.kept().sent(uuid.as_ref()),
                Ok(status) => return format!("an update was refused with {status}"),
                Err(reason) => return reason,
            }
        }
    }

    async fn call(&self, action: Action) -> Result<StatusCode, String> {
        let answer = self.http.post(&self.uri(), None, self.body(action), CALL_TIMEOUT).await;
        let answer = answer.map_err(|error| chain(&error))?;
        let status = answer.status;
        if !status.is_success() {
            tracing::warn!("Mesos agent refused a call: {status} {}", answer.text(CALL_TIMEOUT).await);
        }
        Ok(status)
    }

    fn uri(&self) -> String {
        format!("http://{}{PATH}", self.environment.agent_endpoint)
    }

    fn body(&self, action: Action) -> Vec<u8> {
        let (executor_id, framework_id) = (self.environment.executor_id.clone(), self.environment.framework_id.clone());
        json::to_vec(&CallWire::from(Call { executor_id, framework_id, action }))
    }
}

async fn next_event(records: &mut Records, silence: Duration) -> Result<Event, String> {
    records.next(silence).await.map_err(|error| chain(&error))
}
