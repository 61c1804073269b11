//! A server's metrics: a prometheus-client registry and its text on `/metrics`.

use std::sync::Arc;

use axum::response::IntoResponse;
use http::{StatusCode, header};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// Content type of the exposition format that [`text`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The registry in OpenMetrics text.
#[must_use]
pub fn text(registry: &Registry) -> String {
    let mut out = String::new();
    encode(&mut out, registry).expect("writing into a String cannot fail");
    out
}

/// `GET /metrics` as an axum handler, for a registry that is complete: metrics are registered before serving begins.
pub fn handler(
    registry: Arc<Registry>,
) -> impl Fn() -> std::future::Ready<axum::response::Response> + Clone + Send + Sync + 'static {
    move || {
        std::future::ready((StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], text(&registry)).into_response())
    }
}
