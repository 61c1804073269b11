//! `k8sm stop`: the cluster stands still, and keeps everything.

use clap::Args;

use super::Global;
use crate::cluster::engine::Engine;
use crate::cluster::lock::Lock;
use crate::cluster::pause;
use crate::failure::Failure;
use crate::shell;

/// Stop a cluster, keeping its objects, keys and addresses
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm stop\n  k8sm start")]
pub(crate) struct Stop {}

/// Runs `k8sm stop`. A cluster that is stopped already is no failure.
///
/// # Errors
/// When there is no such cluster, or the engine refuses.
pub(crate) async fn run(global: &Global, _stop: Stop) -> Result<(), Failure> {
    let cluster = global.cluster()?;
    let engine = Engine::connect().await?;
    let _lock = Lock::take(&engine, &cluster).await?;
    let stopped = pause::stop(&engine, &cluster).await?;
    match stopped {
        0 => shell::say(&format!("cluster {cluster} was stopped already: nothing to do")),
        stopped => {
            shell::say(&format!("cluster {cluster} is stopped ({stopped} components)"));
            shell::say(&format!("Next: k8sm start{}", cluster.flag()));
        }
    }
    Ok(())
}
