//! `k8sm kubeconfig`: the way to a cluster, read back from its own volume.

use clap::Args;

use super::Global;
use crate::cluster::act::keys;
use crate::cluster::engine::Engine;
use crate::cluster::kubeconfig::{Access, File};
use crate::cluster::observed::Observed;
use crate::cluster::plan::PORTS;
use crate::cluster::port::Ports;
use crate::failure::Failure;
use crate::shell;

/// Print a kubeconfig for a cluster, or merge it into yours
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    k8sm kubeconfig > admin.conf       a file of its own\n  \
    k8sm kubeconfig --merge            put it into ~/.kube/config again and make it current")]
pub(crate) struct Kubeconfig {
    /// Merge it into the kubeconfig instead of printing it
    #[arg(long)]
    merge: bool,
}

/// Runs `k8sm kubeconfig`. Any account that may use the engine may.
///
/// # Errors
/// When there is no such cluster, or its keys cannot be read.
pub(crate) async fn run(global: &Global, args: Kubeconfig) -> Result<(), Failure> {
    let cluster = global.cluster()?;
    let engine = Engine::connect().await?;
    let observed = Observed::read(&engine, &cluster).await?;
    let network = observed.networks.get(&cluster.of("control"));
    let ports = network.and_then(|network| Ports::from_label(network.labels.get(PORTS)?)).ok_or_else(|| {
        Failure::conflict(format!("cluster {cluster} is not there"))
            .hint(format!("`k8sm up{}` brings it up", cluster.flag()))
    })?;
    let pki = keys::of(&engine, &cluster).await?;
    let access = Access::of(&cluster, &engine.facts.host, ports.api, &pki)?;
    if !args.merge {
        return shell::data(&access.document()?);
    }
    let file = File::choose(global.kubeconfig.as_deref(), &cluster.context())?;
    file.check(&cluster)?;
    let changed = file.merge_as_current(&access)?;
    let what = if changed { "is now" } else { "was already" };
    shell::say(&format!("context {} {what} the current one in {file}", cluster.context()));
    Ok(())
}
