//! A request that is to be answered well: any status from 200 to 399, certificates unseen.

use std::error::Error;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use k8s_openapi::api::core::v1::HTTPGetAction;
use reqwest::{Client, Response, Url, redirect};

use super::{Answer, Target, bracketed, dial_words};

/// Bytes of an answer that are read; the rest is not asked for.
const MAX_BODY: usize = 10 << 10;
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;
/// Who asks, where the probe does not say otherwise.
const USER_AGENT: &str = "kube-probe/1.33";

/// Asks.
pub(super) async fn get(target: &Target, action: &HTTPGetAction, timeout: Duration) -> Answer {
    let (url, headers) = match request(target, action) {
        Ok(request) => request,
        Err(why) => return Answer::Error(why),
    };
    let asked = async {
        let sent = client().get(url.clone()).headers(headers).send().await;
        match sent {
            Ok(response) => judge(&url, response).await,
            Err(error) => Answer::Bad(format!("Get \"{url}\": {}", words(&url, &error))),
        }
    };
    let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| Answer::Bad(format!("Get \"{url}\": {late}")))
}

/// One client for all: it keeps no connection, asks no proxy, and follows redirects to the same host alone.
fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let follow = redirect::Policy::custom(|attempt| {
            let first = attempt.previous().first().and_then(Url::host_str);
            if attempt.url().host_str() != first {
                return attempt.stop();
            }
            let too_many = attempt.previous().len() >= MAX_REDIRECTS;
            if too_many { attempt.error("stopped after 10 redirects") } else { attempt.follow() }
        });
        Client::builder()
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .tls_danger_accept_invalid_certs(true)
            .redirect(follow)
            .build()
            .expect("a client without certificates of its own is always made")
    })
}

fn request(target: &Target, action: &HTTPGetAction) -> Result<(Url, HeaderMap), String> {
    let scheme = action.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
    let (host, port) = (target.host(action.host.as_deref())?, target.port(&action.port)?);
    let path = action.path.as_deref().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let text = format!("{scheme}://{}:{port}{slash}{path}", bracketed(&host));
    let url = text.parse().map_err(|error| format!("{text}: {error}"))?;
    let mut headers = HeaderMap::new();
    headers.insert(http::header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(http::header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    let mut own = HeaderMap::new();
    for header in action.http_headers.iter().flatten() {
        let bad = || format!("invalid header {:?}", header.name);
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| bad())?;
        own.append(name, HeaderValue::from_str(&header.value).map_err(|_| bad())?);
    }
    headers.extend(own);
    Ok((url, headers))
}

async fn judge(url: &Url, response: Response) -> Answer {
    let status = response.status();
    let elsewhere = status.is_redirection();
    let body = body(response).await;
    match status.as_u16() {
        _ if elsewhere => {
            Answer::Good(Some(format!("Probe terminated redirects, Response body: {}", String::from_utf8_lossy(&body))))
        }
        200..=399 => Answer::Good(None),
        code => {
            tracing::debug!(%url, code, "a probe's answer");
            Answer::Bad(format!("HTTP probe failed with statuscode: {code}"))
        }
    }
}

/// The beginning of the answer: a server is let go when it has said it.
async fn body(response: Response) -> Vec<u8> {
    let (mut stream, mut body) = (response.bytes_stream(), Vec::new());
    while let Some(Ok(piece)) = stream.next().await {
        body.extend_from_slice(&piece);
        if body.len() >= MAX_BODY {
            body.truncate(MAX_BODY);
            break;
        }
    }
    body
}

/// The cause under what the client says.
fn words(url: &Url, error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && error.is_connect()
        {
            let host = url.host_str().unwrap_or_default();
            return dial_words(&format!("{host}:{}", url.port_or_known_default().unwrap_or_default()), io);
        }
    }
    cause.to_string()
}
