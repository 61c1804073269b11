//! The agent's end of the link to its master: kept up as long as the agent lives, with growing waits between attempts.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use mesos::MasterAddress;
use mesos::backoff::Backoff;
use mesos::http::{Error as HttpError, Http, Records, StreamError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::host::{Handle, Request};
use crate::link::{FromAgent, LINK_ID, MESSAGES_PATH, PATH, ToAgent};

/// How long the master may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest wait between attempts. Mesos waits up to a minute for one answer; here a master that is gone is noticed
/// at once, and one that is back should be too.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Reports that wait to be sent.
const REPORTS: usize = 4096;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the master does not answer")]
    Http(#[from] HttpError),
    #[error("the master answers {status}: {text}")]
    Refused { status: StatusCode, text: String },
    #[error("the master's stream is over")]
    Stream(#[from] StreamError),
    #[error("the master does not begin with REGISTERED")]
    Unexpected,
    #[error("the master has ended the link")]
    Over,
    #[error("the agent has ended the link")]
    Left,
}

/// Keeps the link up until `stop`, or until the agent is gone.
pub(crate) async fn keep_linked(
    master: MasterAddress,
    first_wait: Duration,
    agent: Handle,
    mut recovered: watch::Receiver<bool>,
    stop: CancellationToken,
) {
    let (http, mut backoff) = (Http::default(), Backoff::new(first_wait, LONGEST_WAIT));
    loop {
        if recovered.wait_for(|recovered| *recovered).await.is_err() {
            return;
        }
        let mut was_linked = false;
        let broken = tokio::select! {
            broken = link(&http, &master, &agent, &mut was_linked) => broken,
            () = stop.cancelled() => return,
        };
        if was_linked {
            backoff.reset();
            agent.send(Request::Unlinked).await;
        }
        if matches!(broken, Broken::Left) && agent.view(|_| ()).await.is_none() {
            return;
        }
        let wait = backoff.next_wait();
        tracing::warn!(%master, error = &broken as &dyn std::error::Error, ?wait, "no link to the master");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Registers, and serves the link until it breaks.
async fn link(http: &Http, master: &MasterAddress, agent: &Handle, was_linked: &mut bool) -> Broken {
    let Some(registration) = agent.view(|core| core.registration()).await else { return Broken::Left };
    let body = mesos::json::to_vec(&registration);
    let answer = match http.post(&master.uri(PATH), None, body, ANSWER).await {
        Ok(answer) => answer,
        Err(error) => return error.into(),
    };
    if answer.status != StatusCode::OK {
        return Broken::Refused { status: answer.status, text: answer.text(ANSWER).await };
    }
    let link_id = answer.header(LINK_ID).to_owned();
    let mut records = answer.records();
    let (id, silence) = match records.next(ANSWER).await {
        Ok(ToAgent::Registered { agent_id, timeout_seconds }) => {
            (agent_id, Duration::try_from_secs_f64(timeout_seconds).unwrap_or(ANSWER))
        }
        Ok(_) => return Broken::Unexpected,
        Err(error) => return error.into(),
    };
    tracing::info!(%master, agent = %id, "registered");
    *was_linked = true;
    let (reports, to_send) = mpsc::channel(REPORTS);
    let over = CancellationToken::new();
    let (pongs, uri) = (reports.downgrade(), master.uri(MESSAGES_PATH));
    // The agent alone holds the queue open: it is over when the agent has let go of it.
    agent.send(Request::Linked { id, reports, over: over.clone() }).await;
    tokio::select! {
        broken = receive(records, silence, pongs, agent) => broken,
        broken = send(http, &uri, &link_id, to_send) => broken,
        () = over.cancelled() => Broken::Over,
    }
}

/// Hands over what the master wants, until its stream is over.
async fn receive(
    mut records: Records,
    silence: Duration,
    reports: mpsc::WeakSender<FromAgent>,
    agent: &Handle,
) -> Broken {
    loop {
        match records.next::<ToAgent>(silence).await {
            Ok(ToAgent::Ping) => {
                if reports.upgrade().is_none_or(|reports| reports.try_send(FromAgent::Pong).is_err()) {
                    return Broken::Over;
                }
            }
            Ok(order) => agent.send(Request::Order(order)).await,
            Err(error) => return error.into(),
        }
    }
}

/// Sends what the agent reports, in its order, one a request, until the agent has left.
async fn send(http: &Http, uri: &str, link_id: &str, mut reports: mpsc::Receiver<FromAgent>) -> Broken {
    while let Some(report) = reports.recv().await {
        let header = Some((HeaderName::from_static(LINK_ID), link_id));
        match http.post(uri, header, mesos::json::to_vec(&report), ANSWER).await {
            Ok(answer) if answer.status == StatusCode::ACCEPTED => {
                answer.text(ANSWER).await;
            }
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => return Broken::Over,
            Ok(answer) => return Broken::Refused { status: answer.status, text: answer.text(ANSWER).await },
            Err(error) => return error.into(),
        }
    }
    Broken::Left
}
