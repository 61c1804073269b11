//! `down` as a whole: the kubeconfig as it was, and everything of the cluster away.

use std::path::Path;
use std::time::Instant;

use super::engine::Engine;
use super::kubeconfig::{File, Outcome, candidates};
use super::lock::Lock;
use super::name::ClusterName;
use super::progress::{Progress, seconds};
use super::remove;
use crate::failure::Failure;
use crate::shell;

/// Removes the cluster. One that is not there is no failure.
///
/// # Errors
/// What could not be removed; all else is gone nevertheless.
pub(crate) async fn down(cluster: &ClusterName, kubeconfig: Option<&Path>) -> Result<(), Failure> {
    let engine = Engine::connect().await?;
    let _lock = Lock::take(&engine, cluster).await?;
    let since = Instant::now();
    let progress = Progress::new();
    let phase = progress.phase(format!("removing cluster {cluster}"));
    let removed = remove::cluster(&engine, cluster).await;
    drop(phase);
    // The kubeconfig is restored even where something is left: nothing answers there any more.
    let restored = restore(cluster, kubeconfig);
    let (removed, restored) = (removed?, restored?);
    if removed.is_nothing() && restored == Outcome::Untouched {
        shell::say(&format!("there is no cluster {cluster}: nothing to do"));
        return Ok(());
    }
    let kubeconfig = if restored == Outcome::Restored { ", kubeconfig restored" } else { "" };
    shell::say(&format!(
        "{:>7}  cluster {cluster} is removed: {} containers, {} networks, {} volumes, {} images{kubeconfig}",
        seconds(since.elapsed()),
        removed.containers,
        removed.networks,
        removed.volumes,
        removed.images,
    ));
    Ok(())
}

/// Takes the cluster out of every kubeconfig that holds it.
fn restore(cluster: &ClusterName, kubeconfig: Option<&Path>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Untouched;
    for path in candidates(kubeconfig)? {
        if File::choose(Some(&path), &cluster.context())?.unmerge(&cluster.context())? == Outcome::Restored {
            outcome = Outcome::Restored;
        }
    }
    Ok(outcome)
}
