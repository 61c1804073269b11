//! POST of JSON over plain HTTP/1.1, and answers that are streams of RecordIO.

use std::time::Duration;

use bytes::BytesMut;
use http::header::{ACCEPT, CONTENT_TYPE};
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

/// An HTTP client with a pool of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(Client<HttpConnector, Full<bytes::Bytes>>);

impl Default for Http {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE));
        connector.set_keepalive_retries(Some(3));
        connector.set_nodelay(true);
        Self(
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(4)
                .build(connector),
        )
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
        let request = request
            .body(Full::new(bytes::Bytes::from(body)))
            .map_err(|source| Error::Request { uri: uri.to_owned(), source })?;
        match tokio::time::timeout(timeout, self.0.request(request)).await {
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
