//! A port that is to take connections.

use std::io;
use std::time::Duration;

use k8s_openapi::api::core::v1::TCPSocketAction;
use tokio::net::TcpStream;

use super::{Answer, Target, bracketed, dial_words};

/// Connects, and lets go.
pub(super) async fn connect(target: &Target, action: &TCPSocketAction, timeout: Duration) -> Answer {
    let place = target.host(action.host.as_deref()).and_then(|host| Ok((host, target.port(&action.port)?)));
    let (host, port) = match place {
        Ok(place) => place,
        Err(why) => return Answer::Error(why),
    };
    let address = format!("{}:{port}", bracketed(&host));
    match tokio::time::timeout(timeout, TcpStream::connect(&address)).await {
        Ok(Ok(_)) => Answer::Good(None),
        Ok(Err(error)) => Answer::Bad(dial_words(&address, &error)),
        Err(_) => Answer::Bad(dial_words(&address, &io::ErrorKind::TimedOut.into())),
    }
}
