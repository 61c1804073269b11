//! Our own agents' side of the master: links, and messages on them. See [`crate::link`].

use axum::body::Body;
use http::{Response, StatusCode};

use super::reply::{bad_request, empty, require_post, stream, text};
use crate::link::LINK_ID;
use crate::master::server::Server;
use crate::reply::Received;

pub(super) fn register(server: &Server, received: &Received) -> Response<Body> {
    if let Err(refused) = require_post(received) {
        return *refused;
    }
    match serde_json::from_slice(&received.body) {
        Ok(registration) => {
            let (id, records) = server.register(registration);
            stream(records, LINK_ID, &id)
        }
        Err(error) => *bad_request(&format!("This is no agent's registration: {error}")),
    }
}

pub(super) fn message(server: &Server, received: &Received) -> Response<Body> {
    if let Err(refused) = require_post(received) {
        return *refused;
    }
    let link = received.headers.get(LINK_ID).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match serde_json::from_slice(&received.body) {
        Ok(message) => match server.agent_message(link, message) {
            true => empty(StatusCode::ACCEPTED),
            false => text(StatusCode::NOT_FOUND, "This link is over"),
        },
        Err(error) => *bad_request(&format!("This is no agent's message: {error}")),
    }
}
