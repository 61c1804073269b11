//! Health of a server: `/healthz` says `ok` while the server serves, and `/metrics` beside it.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use prometheus_client::registry::Registry;

/// `/healthz` (also `/livez`) and `/metrics`, to be merged into a server's router.
pub fn router(registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/metrics", get(crate::metrics::handler(registry)))
}
