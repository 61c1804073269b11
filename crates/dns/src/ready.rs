//! `/readiness` of kube2sky and skydns: 200 once the records are there, 503 before.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Whether the records are there.
#[derive(Clone, Default)]
pub(crate) struct Ready(Arc<AtomicBool>);

impl Ready {
    /// They are.
    pub(crate) fn set(&self) {
        if !self.0.swap(true, Ordering::Release) {
            tracing::info!("the records are there");
        }
    }

    /// Serves `/readiness`, `/healthz` and `/metrics` until `stop` is cancelled.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) async fn serve(self, address: SocketAddr, stop: CancellationToken) -> anyhow::Result<()> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        let readiness = move || {
            let ready = self.0.load(Ordering::Acquire);
            std::future::ready(if ready {
                (StatusCode::OK, "ok")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "no records yet")
            })
        };
        let router = Router::new()
            .route("/readiness", get(readiness))
            .merge(serve::health::router(Arc::new(Registry::default())));
        serve::http::plain(listener, serve::http::router(router), stop).await;
        Ok(())
    }
}
