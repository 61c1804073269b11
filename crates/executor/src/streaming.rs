//! `exec`, `attach` and `portForward` of the kubelet's API: from the request to the session, and between it and Docker.

pub mod attach;
pub mod exec;
pub mod forward;
pub mod log;

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::{ResizeContainerTTYOptionsBuilder, ResizeExecOptionsBuilder};
use futures::{Stream, StreamExt};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use streams::Gone;
use streams::channel::Size;
use streams::command::{Output, Session, Wanted};
use streams::upgrade::{Protocol, Purpose};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

use crate::pod;
use crate::runtime::words;
use crate::server::Kubelet;

/// How long a client may take between the answer and its first byte of the new protocol.
const SWITCH: Duration = Duration::from_secs(10);

/// After a client has sent its last: how long a process whose input goes on may say nothing until the client is detached, and
/// how long it may go on talking.
const QUIET: Duration = Duration::from_secs(1);
const LAST_WORDS: Duration = Duration::from_secs(10);

/// An upgraded connection.
type Upgraded = TokioIo<hyper::upgrade::Upgraded>;
/// What comes from a process, as Docker gives it.
type FromProcess = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;
/// What goes to a process.
type ToProcess = Pin<Box<dyn AsyncWrite + Send>>;

/// The query of `exec` and `attach`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    wanted: Wanted,
    command: Vec<String>,
}

impl Asked {
    /// From the pairs of a query.
    ///
    /// # Errors
    /// What is wrong with it, for the one who asked.
    fn of(query: Vec<(String, String)>) -> Result<Self, &'static str> {
        let mut asked = Self::default();
        for (name, value) in query {
            let set = matches!(value.as_str(), "" | "true" | "1");
            match name.as_str() {
                "stdin" => asked.wanted.stdin = set,
                "stdout" => asked.wanted.stdout = set,
                "stderr" => asked.wanted.stderr = set,
                "tty" => asked.wanted.tty = set,
                "command" => asked.command.push(value),
                _ => {}
            }
        }
        let Wanted { stdin, stdout, stderr, tty } = asked.wanted;
        if !(stdin || stdout || stderr) {
            return Err("you must specify at least 1 of stdin, stdout, stderr");
        }
        // a terminal has one output
        asked.wanted.stderr = stderr && !tty;
        Ok(asked)
    }
}

/// A container that runs, by the path of a request: the Docker ID, or the answer that says why not.
async fn running(kubelet: &Kubelet, namespace: &str, name: &str, container: &str) -> Result<String, Response> {
    let pod = find(kubelet, namespace, name)?;
    let observed = kubelet.context.runtime.observe(pod::uid(&pod)).await.map_err(|error| refuse(&words(&error)))?;
    let newest = observed.named(container).next().filter(|container| container.running());
    newest.map(|container| container.id.clone()).ok_or_else(|| refuse(&format!("container not found ({container:?})")))
}

/// The pod of a request.
fn find(kubelet: &Kubelet, namespace: &str, name: &str) -> Result<std::sync::Arc<Pod>, Refusal> {
    let missing = || Refusal(StatusCode::NOT_FOUND, "pod does not exist".to_owned());
    kubelet.pods.named(namespace, name).ok_or_else(missing)
}

/// Why a session does not begin, as the client is told.
struct Refusal(StatusCode, String);

impl From<Refusal> for Response {
    fn from(Refusal(code, why): Refusal) -> Self {
        (code, why).into_response()
    }
}

/// The kubelet's answer to whatever it cannot begin.
fn refuse(why: &str) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, why.to_owned()).into_response()
}

/// A request that asks for an upgrade, and to what.
struct Switch {
    protocol: Protocol,
    request: Request,
}

impl Switch {
    /// Agrees on a protocol with the client, or says why there is none.
    fn of(request: Request, purpose: Purpose) -> Result<Self, Refusal> {
        match Protocol::agree(request.headers(), purpose) {
            Ok(protocol) => Ok(Self { protocol, request }),
            Err(refusal) => Err(Refusal(refusal.code(), refusal.to_string())),
        }
    }

    /// The answer to the client; `then` gets the connection once it is sent.
    fn answer<F>(self, then: impl FnOnce(Upgraded, Protocol) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { protocol, request } = self;
        let headers: HeaderMap = request.headers().clone();
        tokio::spawn(async move {
            match tokio::time::timeout(SWITCH, hyper::upgrade::on(request)).await {
                Ok(Ok(upgraded)) => then(TokioIo::new(upgraded), protocol).await,
                Ok(Err(error)) => tracing::debug!(%error, "a client did not take the upgrade"),
                Err(_) => tracing::debug!("a client took too long for the upgrade"),
            }
        });
        protocol.switching(&headers)
    }
}

/// Moves bytes between a client and a process until the process says no more.
///
/// # Errors
/// When Docker breaks off. A client that is gone is none.
async fn pump(
    parts: Parts,
    output: &Output,
    mut from: FromProcess,
    (to, last): (ToProcess, AtEnd),
    terminal: Terminal,
) -> Result<(), Error> {
    let said = Notify::new();
    let to_client = async {
        while let Some(piece) = from.next().await {
            said.notify_one();
            let sent = match piece? {
                LogOutput::StdErr { message } => output.stderr(message).await,
                LogOutput::StdOut { message } | LogOutput::Console { message } => output.stdout(message).await,
                LogOutput::StdIn { .. } => Ok(()),
            };
            if sent == Err(Gone) {
                return Ok(());
            }
        }
        Ok(())
    };
    let Parts { stdin, mut sizes, gone } = parts;
    let from_client = async {
        if let Some(stdin) = stdin {
            let kept = feed(stdin, to, last).await;
            if kept.is_some() {
                until_quiet(&said).await;
                return;
            }
        } else {
            // held open: closing it would detach
            let _to = to;
            std::future::pending::<()>().await;
        }
        std::future::pending::<()>().await;
    };
    let resized = async {
        while let Some(size) = sizes.recv().await {
            terminal.resize(size).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = to_client => outcome,
        () = from_client => Ok(()),
        () = resized => Ok(()),
        () = gone.cancelled() => Ok(()),
    }
}

/// What becomes of a process's input when the client sends no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtEnd {
    /// It ends as well.
    Close,
    /// It stays open, for whoever comes next; the client is detached when it has heard the answer.
    Keep,
}

/// Returns once a process has said what it says to what it was sent last.
async fn until_quiet(said: &Notify) {
    let quiet = async { while tokio::time::timeout(QUIET, said.notified()).await.is_ok() {} };
    let _ = tokio::time::timeout(LAST_WORDS, quiet).await;
}

/// A process's terminal, if it has one.
struct Terminal {
    docker: Docker,
    process: Process,
}

/// A process, by Docker's ID.
enum Process {
    /// A command beside the container's own.
    Exec(String),
    /// The container's own.
    Container(String),
}

impl Terminal {
    async fn resize(&self, Size { width, height }: Size) {
        let (width, height) = (width.into(), height.into());
        let done = match &self.process {
            Process::Exec(id) => {
                let size = ResizeExecOptionsBuilder::default().w(width).h(height).build();
                self.docker.resize_exec(id, size).await
            }
            Process::Container(id) => {
                let size = ResizeContainerTTYOptionsBuilder::default().w(width).h(height).build();
                self.docker.resize_container_tty(id, size).await
            }
        };
        if let Err(error) = done {
            tracing::debug!(error = words(&error), "the terminal keeps its size");
        }
    }
}

/// A session without its way to the client.
struct Parts {
    stdin: Option<mpsc::Receiver<bytes::Bytes>>,
    sizes: mpsc::Receiver<Size>,
    gone: tokio_util::sync::CancellationToken,
}

/// A session in two: what comes from the client, and the way to it.
fn split(session: Session) -> (Parts, Output) {
    let Session { stdin, resize, output, gone } = session;
    (Parts { stdin, sizes: resize, gone }, output)
}

/// Writes what the client sends until it sends no more, or the process reads no more. Gives the way to an input that is kept:
/// Docker would take its end for the end of the output too.
async fn feed(mut stdin: mpsc::Receiver<bytes::Bytes>, mut to: ToProcess, last: AtEnd) -> Option<ToProcess> {
    while let Some(bytes) = stdin.recv().await {
        if to.write_all(&bytes).await.is_err() || to.flush().await.is_err() {
            return None;
        }
    }
    if last == AtEnd::Keep {
        return Some(to);
    }
    // Docker hands the end on to the process, and goes on with its output
    let _ = to.shutdown().await;
    std::future::pending().await
}

/// The path's names.
type Names = axum::extract::Path<HashMap<String, String>>;

/// One of the path's names; empty where the route has none of it.
fn named<'n>(names: &'n Names, name: &str) -> &'n str {
    names.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Asked, &'static str> {
        let uri: http::Uri = format!("/?{query}").parse().unwrap();
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
        Asked::of(pairs.0)
    }

    #[test]
    fn queries_are_read_as_kubectl_writes_them() {
        let exec = asked("command=sh&command=-c&command=echo+a%26b&container=c&stderr=true&stdin=true&stdout=true");
        let exec = exec.unwrap();
        assert_eq!(exec.command, ["sh", "-c", "echo a&b"]);
        assert_eq!(exec.wanted, Wanted { stdin: true, stdout: true, stderr: true, tty: false });
        let terminal = asked("stdout=true&stderr=true&tty=true&command=sh").unwrap();
        assert_eq!(terminal.wanted, Wanted { stdin: false, stdout: true, stderr: false, tty: true });
        assert!(asked("command=sh").is_err());
    }
}
