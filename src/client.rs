//! The kubectl-like commands' way to the API server: one TLS connection, no discovery for the kinds that k8sm knows.

pub(crate) mod applied;
mod command;
mod error;
mod forward;
mod kubeconfig;
pub(crate) mod manifest;
mod path;
pub(crate) mod target;
pub(crate) mod watch;

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::Kubeconfig;
use serde_json::Value;

pub(crate) use command::CommandSocket;
pub(crate) use error::Error;
pub(crate) use kubeconfig::Connection;
pub(crate) use path::{Path, Query};

use crate::shell;

/// How long the server may take for an answer that is no stream.
const ANSWER: Duration = Duration::from_secs(60);
/// The largest answer that is held in memory: more than etcd gives out in one list.
const ANSWER_BYTES: usize = 256 << 20;

/// In which form the server shall answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The objects themselves.
    Object,
    /// A Table of them where the server can, else the objects.
    Table,
    /// Whatever is at the path.
    Raw,
}

impl Form {
    fn accept(self) -> &'static str {
        match self {
            Self::Object => "application/json",
            Self::Table => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Self::Raw => "application/json, */*",
        }
    }
}

/// How the body of a PATCH changes an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patch {
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, by the kind's merge keys.
    Strategic,
}

/// A connection to one API server, as one user.
#[derive(Clone)]
pub(crate) struct Client {
    inner: kube::Client,
    server: String,
    namespace: String,
}

impl Client {
    /// Reads the kubeconfig and makes the client. Nothing is sent yet.
    ///
    /// # Errors
    /// A kubeconfig that cannot be used.
    pub(crate) async fn connect(connection: &Connection) -> Result<Self, Error> {
        Self::new(connection.load().await?, &connection.place())
    }

    /// A client of what the text of a kubeconfig names.
    ///
    /// # Errors
    /// Text that cannot be used.
    pub(crate) async fn of_kubeconfig(text: &str) -> Result<Self, Error> {
        const PLACE: &str = "of the cluster";
        let kubeconfig = Kubeconfig::from_yaml(text).map_err(|error| Error::kubeconfig(PLACE, error))?;
        Self::new(kubeconfig::resolve(kubeconfig, None).await.map_err(|error| Error::kubeconfig(PLACE, error))?, PLACE)
    }

    fn new(config: kube::Config, place: &str) -> Result<Self, Error> {
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = config.default_namespace.clone();
        let inner = kube::Client::try_from(config).map_err(|error| Error::kubeconfig(place, error))?;
        Ok(Self { inner, server, namespace })
    }

    /// The namespace of the context, or the one that was asked for.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Reads a path.
    ///
    /// # Errors
    /// The server's refusal, or no answer.
    pub(crate) async fn get(&self, path: &Path, form: Form) -> Result<Value, Error> {
        self.json(request(Method::GET, path, form, None)).await
    }

    /// Creates an object from its bytes in JSON.
    ///
    /// # Errors
    /// The server's refusal, or no answer.
    pub(crate) async fn create(&self, path: &Path, object: Vec<u8>) -> Result<Value, Error> {
        self.json(request(Method::POST, path, Form::Object, Some(("application/json", object)))).await
    }

    /// Replaces an object.
    ///
    /// # Errors
    /// The server's refusal, or no answer.
    pub(crate) async fn replace(&self, path: &Path, object: &Value) -> Result<Value, Error> {
        let body = Some(("application/json", object.to_string().into_bytes()));
        self.json(request(Method::PUT, path, Form::Object, body)).await
    }

    /// Changes an object.
    ///
    /// # Errors
    /// The server's refusal, or no answer.
    pub(crate) async fn patch(&self, path: &Path, kind: Patch, patch: &Value) -> Result<Value, Error> {
        let content_type = match kind {
            Patch::Merge => "application/merge-patch+json",
            Patch::Strategic => "application/strategic-merge-patch+json",
        };
        let body = Some((content_type, patch.to_string().into_bytes()));
        self.json(request(Method::PATCH, path, Form::Object, body)).await
    }

    /// Deletes an object, or begins to: what comes back is the object as it is now, or a `Status`.
    ///
    /// # Errors
    /// The server's refusal, or no answer.
    pub(crate) async fn delete(&self, path: &Path, options: &Value) -> Result<Value, Error> {
        let body = Some(("application/json", options.to_string().into_bytes()));
        self.json(request(Method::DELETE, path, Form::Object, body)).await
    }

    /// Opens a stream: a watch, or logs. It has no time limit but the server's.
    ///
    /// # Errors
    /// The server's refusal, or no answer within a minute.
    pub(crate) async fn stream(&self, path: &Path, form: Form) -> Result<Stream, Error> {
        let response = self.within(self.send(request(Method::GET, path, form, None))).await?;
        Ok(Stream { body: response.into_body(), server: self.server.clone() })
    }

    async fn json(&self, request: Request<Body>) -> Result<Value, Error> {
        let answer = async {
            let response = self.send(request).await?;
            let bytes = self.body(response).await?;
            serde_json::from_slice(&bytes).map_err(|error| Error::garbled(&self.server, error))
        };
        self.within(answer).await
    }

    /// Sends a request; a refusal becomes an error, warnings are said.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let response = self.inner.send(request).await.map_err(|error| Error::unreachable(&self.server, error))?;
        say_warnings(response.headers());
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = self.body(response).await?;
        Err(Error::refused(status.as_u16(), &bytes))
    }

    async fn body(&self, response: Response<Body>) -> Result<Bytes, Error> {
        let limited = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES);
        match limited.collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) => Err(Error::broken(&self.server, anyhow::anyhow!(error))),
        }
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(Error::silent(&self.server, ANSWER)))
    }
}

/// The body of a stream, a piece at a time.
pub(crate) struct Stream {
    body: Body,
    server: String,
}

impl Stream {
    /// The next piece, none at the end.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(Error::broken(&self.server, anyhow::anyhow!(error))),
                // Trailers say nothing here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => return Ok(Some(bytes)),
                    Err(_) => continue,
                },
            }
        }
    }
}

fn request(method: Method, path: &Path, form: Form, body: Option<(&'static str, Vec<u8>)>) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path.to_string()).header(ACCEPT, form.accept());
    if let Some((content_type, _)) = &body {
        builder = builder.header(CONTENT_TYPE, *content_type);
    }
    builder
        .body(body.map_or_else(Body::empty, |(_, bytes)| Body::from(bytes)))
        .expect("a Path holds only characters that a URI may hold")
}

/// Warnings of the server (RFC 7234, 5.5: `299 - "text"`) go to stderr, as kubectl prints them.
fn say_warnings(headers: &HeaderMap) {
    for value in headers.get_all(http::header::WARNING) {
        if let Some(text) = value.to_str().ok().and_then(warning_text) {
            shell::say(&format!("Warning: {text}"));
        }
    }
}

fn warning_text(header: &str) -> Option<String> {
    let quoted = header.split_once('"')?.1;
    let end = quoted.rfind('"')?;
    Some(quoted[..end].replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::warning_text;

    #[test]
    fn the_text_of_a_warning_is_unquoted() {
        assert_eq!(warning_text(r#"299 - "unknown field \"spec.a\"""#).as_deref(), Some(r#"unknown field "spec.a""#));
        assert_eq!(warning_text("299 -"), None);
    }
}
