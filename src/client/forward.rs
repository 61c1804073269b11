//! The way to a port of a pod: a connection to the API server that becomes SPDY/3.1.

use http::header::{CONNECTION, HeaderName, UPGRADE};
use http::{Request, StatusCode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use streams::upgrade::Protocol;

use super::{Client, Error, Path};

const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

impl Client {
    /// Begins a forwarding: `path` is that of a pod's `portforward`.
    ///
    /// # Errors
    /// The server's refusal, or no answer within a minute.
    pub(crate) async fn forward(&self, path: &Path) -> Result<TokioIo<Upgraded>, Error> {
        let request = Request::post(path.to_string())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "SPDY/3.1")
            .header(STREAM_PROTOCOL, Protocol::PortForwardSpdy.name())
            .body(Body::empty())
            .expect("a Path holds only characters that a URI may hold");
        let answer = async { self.inner.send(request).await.map_err(|error| Error::unreachable(&self.server, error)) };
        let response = self.within(answer).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let code = response.status().as_u16();
            return Err(Error::refused(code, &self.body(response).await?));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| Error::broken(&self.server, error))?;
        Ok(TokioIo::new(upgraded))
    }
}
