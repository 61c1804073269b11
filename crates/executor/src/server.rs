//! The kubelet's own HTTP API: HTTPS on the node's port for holders of a client certificate, and plain health on loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use k8s_openapi::api::core::v1::{ContainerStateWaiting, ContainerStatus, Pod, PodStatus};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use serve::tls::ClientAuth;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::logs::{self, LogQuery};
use crate::manager::Pods;
use crate::observed::{Container, Observed, State as ContainerState};
use crate::pod;
use crate::streaming::{attach, exec, forward, log};

/// What requests are answered from.
#[derive(Clone)]
pub struct Kubelet {
    /// The node.
    pub context: Arc<Context>,
    /// Its pods.
    pub pods: Arc<Pods>,
}

/// Serves both listeners until `shutdown`.
///
/// # Errors
/// When a port cannot be had, or the certificate cannot be read.
pub async fn run(kubelet: Kubelet, shutdown: CancellationToken) -> anyhow::Result<()> {
    let flags = &kubelet.context.flags;
    let read = |path: std::path::PathBuf| std::fs::read(&path).with_context(|| format!("reading {}", path.display()));
    let certificate = read(flags.credential(flags.tls_cert_file.as_ref(), "kubelet.crt"))?;
    let key = read(flags.credential(flags.tls_private_key_file.as_ref(), "kubelet.key"))?;
    let authority = read(flags.credential(flags.client_ca_file.as_ref(), "ca.crt"))?;
    let config = serve::tls::server_config(&certificate, &key, Some((&authority, ClientAuth::Required)))?;
    let listener = bind(SocketAddr::new(flags.address, flags.port)).await?;
    let health = match flags.healthz_port {
        0 => None,
        port => Some(bind(SocketAddr::new(flags.healthz_bind_address, port)).await?),
    };
    let secure = serve::http::tls(listener, config, serve::http::router(router(kubelet)), shutdown.clone());
    let plain = async {
        if let Some(listener) = health {
            let health = Router::new().route("/healthz", get(|| async { "ok" }));
            serve::http::plain(listener, serve::http::router(health), shutdown).await;
        }
    };
    tokio::join!(secure, plain);
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

fn router(kubelet: Kubelet) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/metrics", get(metrics))
        .route("/pods", get(pods))
        .route("/containerLogs/{namespace}/{pod}/{container}", get(container_logs))
        .route("/exec/{namespace}/{pod}/{container}", get(exec::answer).post(exec::answer))
        .route("/attach/{namespace}/{pod}/{container}", get(attach::answer).post(attach::answer))
        .route("/portForward/{namespace}/{pod}", get(forward::answer).post(forward::answer))
        .with_state(kubelet)
}

async fn metrics(State(kubelet): State<Kubelet>, headers: HeaderMap) -> Response {
    let mut registry = Registry::default();
    let pods = ConstGauge::new(i64::try_from(kubelet.pods.count()).unwrap_or(i64::MAX));
    registry.register("kubelet_running_pods", "Number of pods that this node looks after", pods);
    let (kind, text) = serve::metrics::answer(&headers, &registry);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn pods(State(kubelet): State<Kubelet>) -> Response {
    let items = kubelet.pods.all();
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect::<Vec<&k8s_openapi::api::core::v1::Pod>>();
    Json(serde_json::json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})).into_response()
}

/// Why the container waits, as the pod's status says; `None` where it does not.
fn waits<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStateWaiting> {
    let status = pod.status.as_ref();
    let of = |list: fn(&PodStatus) -> &Option<Vec<ContainerStatus>>| status.and_then(|status| list(status).as_ref());
    let lists = [
        of(|status| &status.container_statuses),
        of(|status| &status.init_container_statuses),
        of(|status| &status.ephemeral_container_statuses),
    ];
    let found = lists.into_iter().flatten().flatten().find(|status| status.name == container);
    found?.state.as_ref()?.waiting.as_ref()
}

/// Why a container that has no log yet waits, in the kubelet's words.
fn reason<'a>(pod: &'a Pod, container: &str) -> &'a str {
    match waits(pod, container).and_then(|waiting| waiting.reason.as_deref()) {
        Some("ErrImagePull" | "ImagePullBackOff") => "trying and failing to pull image",
        reason => reason.unwrap_or("ContainerCreating"),
    }
}

/// The container whose log is asked for: the newest, or the one before. While one waits to be started again, the newest is
/// the one before.
fn wanted<'a>(observed: &'a Observed, name: &str, previous: bool, waits: bool) -> Option<&'a Container> {
    let mut all = observed.named(name).filter(|container| container.state != ContainerState::Created).peekable();
    let ended = all.peek().is_some_and(|newest| newest.exit().is_some());
    all.nth(usize::from(previous && !(waits && ended)))
}

async fn container_logs(
    State(kubelet): State<Kubelet>,
    Path((namespace, name, container)): Path<(String, String, String)>,
    Query(query): Query<LogQuery>,
    request: Request,
) -> Response {
    if let Err(refusal) = query.check() {
        return (StatusCode::BAD_REQUEST, refusal).into_response();
    }
    let Some(found) = kubelet.pods.named(&namespace, &name) else {
        return (StatusCode::NOT_FOUND, format!("pod \"{name}\" does not exist")).into_response();
    };
    if pod::container(&found, &container).is_none() {
        let message = format!("container \"{container}\" not found in pod \"{name}\"");
        return (StatusCode::NOT_FOUND, message).into_response();
    }
    let runtime = &kubelet.context.runtime;
    let observed = match runtime.observe(pod::uid(&found)).await {
        Ok(observed) => observed,
        Err(error) => return (StatusCode::INTERNAL_SERVER_ERROR, crate::runtime::words(&error)).into_response(),
    };
    let waiting = waits(&found, &container).is_some();
    let Some(wanted) = wanted(&observed, &container, query.previous, waiting) else {
        let message = match query.previous {
            true => format!("previous terminated container \"{container}\" in pod \"{name}\" not found"),
            false => format!(
                "container \"{container}\" in pod \"{name}\" is waiting to start: {}",
                reason(&found, &container)
            ),
        };
        return (StatusCode::BAD_REQUEST, message).into_response();
    };
    if request.headers().contains_key(header::UPGRADE) {
        return log::answer(kubelet, wanted.id.clone(), query, request);
    }
    let body = Body::from_stream(logs::stream(runtime, &wanted.id, &query));
    ([(header::CONTENT_TYPE, "text/plain")], body).into_response()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::observed::Exit;

    #[test]
    fn the_previous_log_is_that_of_the_last_to_end() {
        let time = Timestamp::UNIX_EPOCH;
        let exit = Exit { code: 1, started: time, finished: time, oom_killed: false, error: String::new() };
        let container = |attempt: u32, state| Container {
            id: format!("c{attempt}"),
            name: "c".into(),
            attempt,
            hash: String::new(),
            sandbox: String::new(),
            image_id: String::new(),
            state,
        };
        let ended = |attempt| container(attempt, ContainerState::Exited(exit.clone()));
        let crashed = Observed { containers: vec![ended(1), ended(0)], ..Observed::default() };
        let id = |observed, previous, waits| wanted(observed, "c", previous, waits).map(|found| found.id.clone());
        assert_eq!(id(&crashed, true, true).as_deref(), Some("c1"), "it waits to be started again");
        assert_eq!(id(&crashed, true, false).as_deref(), Some("c0"), "it has ended for good");
        assert_eq!(id(&crashed, false, true).as_deref(), Some("c1"));
        let running = container(2, ContainerState::Running(time));
        let running = Observed { containers: vec![running, ended(1)], ..Observed::default() };
        assert_eq!(id(&running, true, true).as_deref(), Some("c1"), "its postStart hook is not done");
        let made = Observed { containers: vec![container(1, ContainerState::Created)], ..Observed::default() };
        assert_eq!(id(&made, false, true), None);
    }
}
