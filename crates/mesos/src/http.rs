//! POST of JSON over plain HTTP/1.1, who asks, and answers that are streams of RecordIO.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;

use crate::json;
use crate::recordio::{self, Decoder};

/// The media type of all that is said here.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a silent connection lives before the kernel probes its peer.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The longest refusal that is read.
const MAX_REFUSAL: usize = 64 * 1024;

/// Why a request had no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address or a header cannot be put into a request.
    #[error("cannot make a request for {uri}")]
    Request {
        /// The address.
        uri: String,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// No connection, or it broke.
    #[error("no answer from {uri}")]
    NoAnswer {
        /// The address.
        uri: String,
        /// Why.
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    /// Nothing came in time.
    #[error("no answer from {uri} within {} s", timeout.as_secs_f32())]
    Timeout {
        /// The address.
        uri: String,
        /// The time.
        timeout: Duration,
    },
}

/// What a framework's principal says to masters that want to know who asks: HTTP's basic authentication, Mesos' own
/// default (section 1.8). Not shown when it is printed.
///
/// # Errors
/// Where one of them cannot be told apart: Mesos takes no colon in either, and nothing that is no header.
pub fn basic(principal: &str, secret: &str) -> Result<HeaderValue, AuthorizationError> {
    if principal.contains(':') || secret.contains(':') {
        return Err(AuthorizationError::Colon);
    }
    authorization(&format!("Basic {}", STANDARD.encode(format!("{principal}:{secret}"))))
}

/// What an executor says to an agent that gave it a token (`MESOS_EXECUTOR_AUTHENTICATION_TOKEN`). Not shown when it is
/// printed.
///
/// # Errors
/// Where the token cannot stand in a header.
pub fn bearer(token: &str) -> Result<HeaderValue, AuthorizationError> {
    authorization(&format!("Bearer {token}"))
}

fn authorization(text: &str) -> Result<HeaderValue, AuthorizationError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| AuthorizationError::NoHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Why a secret cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Principal and secret are divided by one.
    #[error("Mesos takes no colon in a principal or its secret")]
    Colon,
    /// A character that HTTP does not carry.
    #[error("it holds characters that cannot stand in an HTTP header")]
    NoHeader,
}

/// An HTTP client with a pool of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<bytes::Bytes>>,
    authorization: Option<HeaderValue>,
}

impl Default for Http {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE));
        connector.set_keepalive_retries(Some(3));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(4)
            .build(connector);
        Self { client, authorization: None }
    }
}

/// An answer whose body is not read yet.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
}

impl Http {
    /// A client that says with each request who asks; `None` says nothing.
    pub fn authorized(authorization: Option<HeaderValue>) -> Self {
        Self { authorization, ..Self::default() }
    }

    /// POSTs `body` as JSON; the head of the answer has to come within `timeout`.
    ///
    /// # Errors
    /// When there is no answer in time. Statuses are no errors.
    pub async fn post(
        &self,
        uri: &str,
        header: Option<(HeaderName, &str)>,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let mut request =
            Request::builder().method(Method::POST).uri(uri).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .body(Full::new(bytes::Bytes::from(body)))
            .map_err(|source| Error::Request { uri: uri.to_owned(), source })?;
        match tokio::time::timeout(timeout, self.client.request(request)).await {
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                Ok(Answer { status: head.status, headers: head.headers, body })
            }
            Ok(Err(source)) => Err(Error::NoAnswer { uri: uri.to_owned(), source }),
            Err(_) => Err(Error::Timeout { uri: uri.to_owned(), timeout }),
        }
    }
}

impl Answer {
    /// The text of a header; empty where it is absent or no text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text, as far as it is short and comes within `timeout`.
    pub async fn text(self, timeout: Duration) -> String {
        let body = Limited::new(self.body, MAX_REFUSAL).collect();
        match tokio::time::timeout(timeout, body).await {
            Ok(Ok(body)) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            _ => String::new(),
        }
    }

    /// The body as a stream of records.
    pub fn records(self) -> Records {
        Records { body: self.body, decoder: Decoder::new() }
    }
}

/// Why a stream of records ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The peer ended it.
    #[error("the stream ended")]
    End,
    /// The connection broke.
    #[error("the stream broke")]
    Broken(#[source] hyper::Error),
    /// What came is no RecordIO.
    #[error("the stream is no RecordIO")]
    Framing(#[from] recordio::Error),
    /// A record is no message.
    #[error("a record of the stream cannot be read")]
    Record(#[from] json::Error),
    /// Nothing came for too long.
    #[error("nothing came for {} s", .0.as_secs_f32())]
    Silence(Duration),
}

/// A body that is a stream of RecordIO.
#[derive(Debug)]
pub struct Records {
    body: Incoming,
    decoder: Decoder,
}

impl Records {
    /// The next message; waits for it no longer than `silence`. Cancel safe.
    ///
    /// # Errors
    /// When there is none: every error is the end of the stream.
    pub async fn next<T: DeserializeOwned>(&mut self, silence: Duration) -> Result<T, StreamError> {
        let record =
            tokio::time::timeout(silence, self.record()).await.map_err(|_| StreamError::Silence(silence))??;
        Ok(json::from_slice(&record)?)
    }

    async fn record(&mut self) -> Result<BytesMut, StreamError> {
        loop {
            if let Some(record) = self.decoder.next_record()? {
                return Ok(record);
            }
            let frame = self.body.frame().await.ok_or(StreamError::End)?.map_err(StreamError::Broken)?;
            if let Some(data) = frame.data_ref() {
                self.decoder.feed(data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_said_as_mesos_reads_it_and_not_printed() {
        let header = basic("k8sm", "secret").unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic azhzbTpzZWNyZXQ=");
        assert!(!format!("{header:?}").contains("azhz"));
        assert_eq!(bearer("a.b.c").unwrap().to_str().unwrap(), "Bearer a.b.c");
        for (principal, secret) in [("a:b", "c"), ("a", "b:c")] {
            assert_eq!(basic(principal, secret), Err(AuthorizationError::Colon));
        }
        assert_eq!(bearer("a\nb"), Err(AuthorizationError::NoHeader));
    }
}
