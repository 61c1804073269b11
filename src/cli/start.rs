//! `k8sm start`: a stopped cluster runs again.

use std::time::Duration;

use clap::Args;

use super::Global;
use crate::cluster::engine::Engine;
use crate::cluster::lock::Lock;
use crate::cluster::{pause, up};
use crate::failure::Failure;
use crate::shell;

/// Start a stopped cluster, and wait until it serves
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm start\n  k8sm start --name ci --timeout 5m")]
pub(crate) struct Start {
    /// How long to wait until everything is ready
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = serve::duration::of_flag)]
    timeout: Duration,
}

/// Runs `k8sm start`. It takes the cluster as it is, whichever build made it.
///
/// # Errors
/// When there is no such cluster, or it does not serve in time; it is left running then.
pub(crate) async fn run(global: &Global, start: Start) -> Result<(), Failure> {
    let cluster = global.cluster()?;
    let engine = Engine::connect().await?;
    let _lock = Lock::take(&engine, &cluster).await?;
    let started = pause::start(&engine, &cluster).await?;
    up::await_ready(&engine, &cluster, start.timeout).await?;
    match started {
        0 => shell::say(&format!("cluster {cluster} is up and healthy: nothing to do")),
        started => shell::say(&format!("cluster {cluster} is ready ({started} components started)")),
    }
    Ok(())
}
