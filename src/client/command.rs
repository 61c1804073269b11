//! The way to a command in a container: a WebSocket to the API server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, StatusCode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use streams::upgrade::{self, Protocol};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Client, Error, Path};

/// Messages on the channels of a command.
pub(crate) type CommandSocket = WebSocketStream<TokioIo<Upgraded>>;

impl Client {
    /// Begins a command: `path` is that of a pod's `exec` or `attach`.
    ///
    /// # Errors
    /// The server's refusal, or no answer within a minute.
    pub(crate) async fn command(&self, path: &Path) -> Result<CommandSocket, Error> {
        let key = STANDARD.encode(rand::random::<[u8; 16]>());
        let request = Request::get(path.to_string())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .header(SEC_WEBSOCKET_PROTOCOL, Protocol::CommandWebSocketV5.name())
            .body(Body::empty())
            .expect("a Path and a base64 key hold only characters that they may hold");
        let answer = async { self.inner.send(request).await.map_err(|error| Error::unreachable(&self.server, error)) };
        let response = self.within(answer).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let code = response.status().as_u16();
            return Err(Error::refused(code, &self.body(response).await?));
        }
        let broken = |why: anyhow::Error| Error::broken(&self.server, why);
        if response.headers().get(SEC_WEBSOCKET_ACCEPT) != Some(&upgrade::accept(key.as_bytes())) {
            return Err(broken(anyhow::anyhow!("it is no WebSocket")));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| broken(error.into()))?;
        Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await)
    }
}
