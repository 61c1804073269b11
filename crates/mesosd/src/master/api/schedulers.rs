//! `POST /api/v1/scheduler` (reference section 1.6).

use axum::body::Body;
use http::{Response, StatusCode};
use mesos::scheduler::{Action, Call, CallWire};

use super::reply::{Refused, bad_request, empty, read, require_json_accepted, stream, text};
use crate::master::core::Refusal;
use crate::master::server::Server;
use crate::reply::Received;

const STREAM_ID: &str = "mesos-stream-id";

pub(super) fn answer(server: &Server, received: &Received) -> Response<Body> {
    handle(server, received).unwrap_or_else(|refused| *refused)
}

fn handle(server: &Server, received: &Received) -> Result<Response<Body>, Refused> {
    let wire: CallWire = read(received)?;
    let call = Call::from_wire(wire)
        .map_err(|invalid| bad_request(&format!("Failed to validate scheduler::Call: {invalid}")))?;
    let stream_id = received.headers.get(STREAM_ID).map(|value| value.to_str().unwrap_or_default());
    if let Action::Subscribe(subscribe) = call.action {
        require_json_accepted(received)?;
        if stream_id.is_some() {
            return Err(bad_request("Subscribe calls should not include the 'Mesos-Stream-Id' header"));
        }
        let (id, records) = server.subscribe(subscribe);
        return Ok(stream(records, STREAM_ID, &id));
    }
    let success = match &call.action {
        Action::UpdateFramework(_) => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    match server.call(stream_id, call) {
        Ok(()) => Ok(empty(success)),
        Err(refusal) => Ok(text(status(&refusal), &refusal.to_string())),
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotSubscribed => StatusCode::FORBIDDEN,
        Refusal::NotSupported(_) => StatusCode::NOT_IMPLEMENTED,
        Refusal::UnknownFramework | Refusal::NoStreamId | Refusal::OtherStream { .. } | Refusal::InvalidUpdate(_) => {
            StatusCode::BAD_REQUEST
        }
    }
}
