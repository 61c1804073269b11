//! `k8sm down`: the whole cluster away, and the kubeconfig as it was.

use clap::Args;

use super::Global;
use crate::cluster::down;
use crate::failure::Failure;

/// Remove a cluster with all that belongs to it, and restore the kubeconfig
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    k8sm down                remove the cluster k8sm\n  \
    k8sm down --name ci      remove the cluster ci")]
pub(crate) struct Down {}

/// Runs `k8sm down`. A cluster that is not there is no failure.
///
/// # Errors
/// What could not be removed.
pub(crate) async fn run(global: &Global, _down: Down) -> Result<(), Failure> {
    down::down(&global.cluster()?, global.kubeconfig.as_deref()).await
}
