//! What every server does: flags of all ages, TLS listener, health, metrics, drain on signal.

pub mod flags;
pub mod log;
pub mod shutdown;
