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
    let (removed, restored) = match (removed, restored) {
        (Ok(removed), Ok(restored)) => (removed, restored),
        (removed, restored) => return Failure::last_of(removed.err().into_iter().chain(restored.err()).collect()),
    };
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

/// Takes the cluster out of every kubeconfig that holds it; one that cannot be restored keeps no other from it.
fn restore(cluster: &ClusterName, kubeconfig: Option<&Path>) -> Result<Outcome, Failure> {
    let context = cluster.context();
    let (mut outcome, mut failures) = (Outcome::Untouched, Vec::new());
    for path in candidates(kubeconfig)? {
        match File::choose(Some(&path), &context).and_then(|file| file.unmerge(&context)) {
            Ok(Outcome::Restored) => outcome = Outcome::Restored,
            Ok(Outcome::Untouched) => {}
            Err(failure) => failures.push(failure),
        }
    }
    Failure::last_of(failures).map(|()| outcome)
}
