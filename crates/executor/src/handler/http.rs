//! A request to a container, certificates unseen: a probe's is to be answered well, with any status from 200 to 399, and a
//! hook's to be answered.

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
/// Who asks, where the handler does not say otherwise.
const PROBE: &str = "kube-probe/1.33";
const HOOK: &str = "kube-lifecycle/1.33";

/// Asks a probe.
pub(super) async fn get(target: &Target, action: &HTTPGetAction, timeout: Duration) -> Answer {
    let (url, headers) = match request(target, action, PROBE) {
        Ok(request) => request,
        Err(why) => return Answer::Error(why),
    };
    let asked = async {
        match client().get(url.clone()).headers(headers).send().await {
            Ok(response) => judge(&url, response).await,
            Err(error) => unanswered(&url, &error),
        }
    };
    in_time(&url, timeout, asked).await
}

/// Calls a hook: whatever it answers is good.
pub(super) async fn call(target: &Target, action: &HTTPGetAction, timeout: Duration) -> Answer {
    match request(target, action, HOOK) {
        Ok((url, headers)) => in_time(&url, timeout, called(&url, headers)).await,
        Err(why) => Answer::Error(why),
    }
}

async fn called(url: &Url, mut headers: HeaderMap) -> Answer {
    let mut sent = client().get(url.clone()).headers(headers.clone()).send().await;
    if let Err(error) = &sent
        && is_plain(error)
    {
        // as Kubernetes: a server that knows HTTP alone is asked so, and is not told what only TLS would have kept secret
        headers.remove(http::header::AUTHORIZATION);
        let mut plain = url.clone();
        if plain.set_scheme("http").is_ok() {
            sent = client().get(plain).headers(headers).send().await;
        }
    }
    match sent {
        Ok(response) => {
            let code = response.status().as_u16();
            tracing::debug!(%url, code, "a hook's answer");
            body(response).await;
            Answer::Good(None)
        }
        Err(error) => unanswered(url, &error),
    }
}

/// Whether the server spoke no TLS.
fn is_plain(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if matches!(of_tls(error), Some(rustls::Error::InvalidMessage(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// TLS's own error, which errors of input and output hide: they do not name what they were made of as their source.
fn of_tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().and_then(|inner| of_tls(inner)),
        None => error.downcast_ref(),
    }
}

fn unanswered(url: &Url, error: &reqwest::Error) -> Answer {
    Answer::Bad(format!("Get \"{url}\": {}", words(url, error)))
}

async fn in_time(url: &Url, timeout: Duration, asked: impl Future<Output = Answer>) -> Answer {
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

fn request(target: &Target, action: &HTTPGetAction, agent: &'static str) -> Result<(Url, HeaderMap), String> {
    let scheme = action.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
    let (host, port) = (target.host(action.host.as_deref())?, target.port(&action.port)?);
    let path = action.path.as_deref().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let text = format!("{scheme}://{}:{port}{slash}{path}", bracketed(&host));
    let url = text.parse().map_err(|error| format!("{text}: {error}"))?;
    let mut headers = HeaderMap::new();
    headers.insert(http::header::USER_AGENT, HeaderValue::from_static(agent));
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A server that knows HTTP alone and is never content; its port.
    async fn grumbler() -> u16 {
        serve::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        port
    }

    async fn answer(scheme: &str, port: u16) -> Answer {
        called(&format!("{scheme}://127.0.0.1:{port}/").parse().unwrap(), HeaderMap::new()).await
    }

    #[tokio::test]
    async fn a_hook_is_content_with_any_answer() {
        let port = grumbler().await;
        assert_eq!(answer("http", port).await, Answer::Good(None));
        assert_eq!(answer("https", port).await, Answer::Good(None), "asked again without TLS");
    }

    #[tokio::test]
    async fn a_hook_that_is_not_answered_fails() {
        serve::tls::install_provider();
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let Answer::Bad(why) = answer("https", free).await else { panic!("nobody is there") };
        assert!(why.ends_with("connect: connection refused"), "{why}");
    }
}
