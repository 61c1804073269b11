//! How the subscription of a scheduler is held: one stream at the leading master, opened again whenever it ends.

use std::time::Duration;

use http::StatusCode;
use tokio::sync::{mpsc, watch};

use super::{CALL_TIMEOUT, Notice, PATH, STREAM_ID, Session, chain};
use crate::address::MasterAddress;
use crate::backoff::Backoff;
use crate::http::{Http, Records};
use crate::scheduler::{Action, Call, CallWire, Event, Subscribe};
use crate::{FrameworkInfo, json};

/// So many heartbeats may be missed before the stream counts as lost (section 1.7).
const MISSED_HEARTBEATS: f64 = 5.0;
/// What the master says of its heartbeats where it says nothing.
const DEFAULT_HEARTBEAT: f64 = 15.0;

/// Holds the subscription.
pub(super) struct Subscriber {
    pub(super) http: Http,
    /// At least one; the first is tried next, unless a redirect named the leader.
    pub(super) masters: Vec<MasterAddress>,
    pub(super) framework: FrameworkInfo,
    pub(super) notify: mpsc::Sender<Notice>,
    pub(super) session: watch::Sender<Option<Session>>,
}

/// Why a subscription is over.
enum End {
    /// Try again, at `leader` if one was named.
    Retry { reason: String, leader: Option<MasterAddress>, was_subscribed: bool },
    /// The master does not want this framework any more, or nobody listens.
    Final,
}

impl Subscriber {
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(15));
        let mut leader = None;
        loop {
            let master: MasterAddress = leader.take().unwrap_or_else(|| self.masters[0].clone());
            let end = self.subscribe(&master).await;
            self.session.send_replace(None);
            let End::Retry { reason, leader: named, was_subscribed } = end else { return };
            if was_subscribed {
                backoff.reset();
                tracing::warn!("subscription at Mesos master {master} is lost: {reason}");
                if self.notify.send(Notice::Disconnected { reason }).await.is_err() {
                    return;
                }
            } else {
                tracing::info!("cannot subscribe at Mesos master {master} yet: {reason}");
                // Also where a redirect has named the leader: the next round begins elsewhere if that one is gone.
                self.masters.rotate_left(1);
            }
            tokio::time::sleep(backoff.next_wait()).await;
            leader = named;
        }
    }

    /// Subscribes once and hands on events until the stream ends.
    async fn subscribe(&mut self, master: &MasterAddress) -> End {
        let retry = |reason, leader| End::Retry { reason, leader, was_subscribed: false };
        let subscribe = Subscribe { framework_info: self.framework.clone(), ..Subscribe::default() };
        let call = Call { framework_id: self.framework.id.clone(), action: Action::Subscribe(subscribe) };
        let body = json::to_vec(&CallWire::from(call));
        let answer = match self.http.post(&master.uri(PATH), None, body, CALL_TIMEOUT).await {
            Ok(answer) => answer,
            Err(error) => return retry(chain(&error), None),
        };
        if answer.status != StatusCode::OK {
            let status = answer.status;
            let leader =
                status.is_redirection().then(|| MasterAddress::from_location(answer.header("location"))).flatten();
            return retry(format!("{status} {}", answer.text(CALL_TIMEOUT).await), leader);
        }
        let stream_id = answer.header(STREAM_ID.as_str()).to_owned();
        self.follow(master, stream_id, answer.records()).await
    }

    async fn follow(&mut self, master: &MasterAddress, stream_id: String, mut records: Records) -> End {
        let mut silence = Duration::from_secs_f64(DEFAULT_HEARTBEAT * MISSED_HEARTBEATS);
        let mut was_subscribed = false;
        loop {
            let event = match records.next::<Event>(silence).await {
                Ok(event) => event,
                Err(error) => return End::Retry { reason: chain(&error), leader: None, was_subscribed },
            };
            match &event {
                Event::Heartbeat => continue,
                Event::Subscribed(subscribed) => {
                    was_subscribed = true;
                    let heartbeat =
                        subscribed.heartbeat_interval_seconds.unwrap_or(DEFAULT_HEARTBEAT).clamp(0.1, 3600.0);
                    silence = Duration::from_secs_f64(heartbeat * MISSED_HEARTBEATS);
                    let framework_id = subscribed.framework_id.clone();
                    self.framework.id = Some(framework_id.clone());
                    let (master, stream_id) = (master.clone(), stream_id.clone());
                    self.session.send_replace(Some(Session { master, stream_id, framework_id }));
                }
                Event::Error(_) => {
                    self.session.send_replace(None);
                    // Nobody listening is as final as the error.
                    let _ = self.notify.send(Notice::Event(event)).await;
                    return End::Final;
                }
                _ => {}
            }
            if self.notify.send(Notice::Event(event)).await.is_err() {
                return End::Final;
            }
        }
    }
}
