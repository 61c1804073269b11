//! The scheduler's pages: health, metrics, artifacts for agents, and what it is doing (reference/k8sm-behaviour.md, 2.20).

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{mpsc, oneshot};
use tokio_util::io::ReaderStream;

use crate::flags::Flags;
use crate::metrics::Metrics;

/// How long the scheduler may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What a page asks of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Pods that wait.
    Queue,
    /// All pods.
    Store,
    /// All tasks.
    Tasks,
    /// Explicit reconciliation.
    Explicit,
    /// Implicit reconciliation.
    Implicit,
}

/// A question and where its answer goes; `None` means that it cannot be done now.
pub type Question = (Ask, oneshot::Sender<Option<String>>);

#[derive(Clone)]
struct Pages {
    questions: mpsc::Sender<Question>,
    files: std::sync::Arc<Vec<(String, PathBuf)>>,
}

/// All pages.
pub fn router(flags: &Flags, metrics: &Metrics, questions: mpsc::Sender<Question>) -> Router {
    let text = |ask: Ask| get(move |State(pages): State<Pages>| async move { pages.answer(ask, StatusCode::OK).await });
    let action = |ask: Ask| {
        get(move |State(pages): State<Pages>| async move { pages.answer(ask, StatusCode::NO_CONTENT).await })
    };
    let pages = Pages { questions, files: std::sync::Arc::new(files(flags)) };
    Router::new()
        .route("/healthz/ping", get(|| async { "ok" }))
        .route("/debug/scheduler/podqueue", text(Ask::Queue))
        .route("/debug/scheduler/podstore", text(Ask::Store))
        .route("/debug/registry/tasks", text(Ask::Tasks))
        .route("/debug/actions/requestExplicit", action(Ask::Explicit))
        .route("/debug/actions/requestImplicit", action(Ask::Implicit))
        .route(
            "/{file}",
            get(|State(pages): State<Pages>, Path(file): Path<String>| async move { pages.file(&file).await }),
        )
        .with_state(pages)
        .merge(serve::health::router(metrics.registry()))
}

/// What agents may fetch, by name: only what the flags say.
fn files(flags: &Flags) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    if !flags.km_path.contains("://") {
        let own = || std::env::current_exe().unwrap_or_default();
        let km = if flags.km_path.is_empty() { own() } else { PathBuf::from(&flags.km_path) };
        files.push(("km".to_owned(), km));
    }
    if !flags.node.dockercfg_path.is_empty() {
        files.push((".dockercfg".to_owned(), PathBuf::from(&flags.node.dockercfg_path)));
    }
    let overlay = PathBuf::from(&flags.node.mesos_sandbox_overlay);
    if let Some(name) = overlay.file_name() {
        files.push((name.to_string_lossy().into_owned(), overlay));
    }
    files
}

impl Pages {
    async fn answer(&self, ask: Ask, done: StatusCode) -> Response {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.questions.send((ask, reply)).await.ok()?;
            answer.await.ok()?
        };
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(Some(text)) => (done, text).into_response(),
            _ => {
                (StatusCode::SERVICE_UNAVAILABLE, "the scheduler is not connected to a Mesos master\n").into_response()
            }
        }
    }

    async fn file(&self, name: &str) -> Response {
        let Some((_, path)) = self.files.iter().find(|(known, _)| known == name) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match tokio::fs::File::open(path).await {
            Ok(file) => Body::from_stream(ReaderStream::new(file)).into_response(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot serve the artifact");
                StatusCode::NOT_FOUND.into_response()
            }
        }
    }
}
