//! What every server does: flags of all ages, TLS listener, health, metrics, drain on signal.

pub mod flags;
pub mod health;
pub mod http;
pub mod log;
pub mod metrics;
pub mod shutdown;
pub mod tls;
