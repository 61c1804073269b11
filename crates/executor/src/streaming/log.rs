//! A log over WebSocket, for clients that ask for it so.

use axum::extract::Request;
use axum::response::Response;
use streams::upgrade::Purpose;

use super::Switch;
use crate::logs::{self, LogQuery};
use crate::server::Kubelet;

/// Sends the log of the container with that Docker ID.
pub fn answer(kubelet: Kubelet, id: String, query: LogQuery, request: Request) -> Response {
    match Switch::of(request, Purpose::Log) {
        Ok(switch) => switch.answer(async move |io, protocol| {
            let log = logs::stream(&kubelet.context.runtime, &id, &query);
            streams::log::send(io, protocol, log).await;
        }),
        Err(refusal) => refusal.into(),
    }
}
