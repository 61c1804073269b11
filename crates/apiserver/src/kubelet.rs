//! The API server as a client of the nodes' kubelets: TLS with a client certificate.

use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use kube_api::{Status, meta};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::http::body::{self, BoxError};
use crate::http::path::escape;
use crate::http::reply::Answer;
use crate::options::Options;
use crate::upgrade::{Dialer, Onward};

/// The kubelet's port where a node does not name another.
const PORT: u64 = 10250;
/// Bytes of a kubelet's refusal that are passed on.
const MAX_REFUSAL: usize = 4 << 10;
/// How long a kubelet may take until it begins to answer; to a log that is being followed, nothing may come for long.
const FIRST_BYTE: Duration = Duration::from_secs(30);

/// A client of kubelets.
pub(crate) struct Kubelet {
    client: Option<reqwest::Client>,
    dialer: Option<Dialer>,
}

impl Kubelet {
    /// From the certificate and key that are shown and the authority that kubelets' certificates come from. Without them
    /// no kubelet is asked.
    pub(crate) fn new(options: &Options) -> anyhow::Result<Self> {
        let files = [
            (&options.kubelet_certificate_authority, "ca.crt"),
            (&options.kubelet_client_certificate, "apiserver-kubelet-client.crt"),
            (&options.kubelet_client_key, "apiserver-kubelet-client.key"),
        ];
        let mut pems = Vec::new();
        for (flag, name) in files {
            let Some(path) = options.file(flag.as_ref(), name) else { return Ok(Self { client: None, dialer: None }) };
            pems.push(std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
        }
        let tls = serve::tls::client_config(&pems[0], Some((&pems[1], &pems[2])))?;
        let dialer = Some(Dialer::new(tls.clone(), options.kubelet_timeout));
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(options.kubelet_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("client of kubelets")?;
        Ok(Self { client: Some(client), dialer })
    }

    /// How kubelets are spoken to; `None` where this server has no certificate for it.
    pub(crate) fn connector(&self) -> Option<&tokio_rustls::TlsConnector> {
        self.dialer.as_ref().map(Dialer::connector)
    }

    /// A request for an upgrade, to the node's kubelet; the answer is sent when the kubelet has agreed.
    pub(crate) async fn upgrade(&self, node: &Value, onward: Onward<'_>, shutdown: &CancellationToken) -> Answer {
        let dialer = self.dialer.as_ref().context("this server has no kubelet client certificate");
        let passed = async { dialer?.pass(&address(node), onward, shutdown.clone()).await };
        passed.await.map_err(|error| Status::internal(&format!("error dialing backend: {error:#}")))
    }

    /// GET of a path of the node's kubelet; the answer goes on as long as the kubelet's does.
    pub(crate) async fn get(
        &self,
        node: &Value,
        path: &str,
        parameters: &[(&str, &str)],
        shutdown: &CancellationToken,
    ) -> Answer {
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let query = (!query.is_empty()).then(|| query.join("&"));
        let name = meta::name(node);
        let unreachable = |why: String| {
            Status::new(502, "InternalError", format!("error trying to reach the kubelet of node {name}: {why}"))
        };
        let client = self
            .client
            .as_ref()
            .ok_or_else(|| unreachable("this server has no kubelet client certificate".to_owned()))?;
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let escaped: Vec<String> = path.split('/').map(escape).collect();
        let url = format!("https://{}{}{query}", address(node), escaped.join("/"));
        let asked = tokio::time::timeout(FIRST_BYTE, client.get(url).send());
        let answer = match asked.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(unreachable(chain(&error))),
            Err(_) => return Err(unreachable("it did not answer in time".to_owned())),
        };
        if !answer.status().is_success() {
            return Err(refusal(answer).await);
        }
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            if name == CONTENT_TYPE || name == CONTENT_LENGTH {
                response = response.header(name, value);
            }
        }
        debug_assert!(
            !answer.headers().contains_key(TRANSFER_ENCODING) || !answer.headers().contains_key(CONTENT_LENGTH)
        );
        let frames = answer.bytes_stream().map(|frame| frame.map_err(BoxError::from));
        let frames = frames.take_until(shutdown.clone().cancelled_owned());
        response.body(body::stream(frames)).map_err(|error| unreachable(error.to_string()))
    }
}

/// What a kubelet that says no says, as clients of this server expect it.
async fn refusal(answer: reqwest::Response) -> Status {
    let (code, mut text) = (answer.status().as_u16(), Vec::new());
    let mut pieces = answer.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        text.extend_from_slice(&piece);
        if text.len() > MAX_REFUSAL {
            break;
        }
    }
    text.truncate(MAX_REFUSAL);
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    match code {
        400 => Status::bad_request(text),
        404 => Status::new(404, "NotFound", text),
        500 => Status::internal(&text),
        code => Status::new(code, "Unknown", text),
    }
}

/// Where the node's kubelet listens: its internal address, else its host name.
pub(crate) fn address(node: &Value) -> String {
    let port =
        node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_u64().filter(|&port| port > 0).unwrap_or(PORT);
    let addresses = node["status"]["addresses"].as_array().cloned().unwrap_or_default();
    let of = |kind: &str| {
        addresses.iter().find(|a| a["type"] == kind).and_then(|a| a["address"].as_str()).map(str::to_owned)
    };
    let host = of("InternalIP").or_else(|| of("Hostname")).unwrap_or_else(|| meta::name(node).to_owned());
    format!("{host}:{port}")
}

/// An error and what it comes from, in a line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kubelet_is_found_by_its_node() {
        let mut node = json!({"metadata": {"name": "mesosslave1"}});
        assert_eq!(address(&node), "mesosslave1:10250");
        node["status"] = json!({"addresses": [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.7"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10350}}});
        assert_eq!(address(&node), "10.0.0.7:10350");
        assert_eq!(escape("a b/ü"), "a%20b%2F%C3%BC");
    }
}
