//! Stopping a cluster without losing it, and starting it again.

use bollard::query_parameters::{StartContainerOptions, StopContainerOptionsBuilder};
use futures::future::join_all;

use super::act::refused;
use super::engine::Engine;
use super::name::ClusterName;
use super::observed::{Observed, State};
use crate::failure::Failure;

/// How long a server may drain, in seconds, before it is killed.
const GRACE: i32 = 10;

/// Stops every container of the cluster: first those of pods with the slaves that would restart them, etcd last, so that
/// everybody who writes is gone before it. Gives how many ran.
///
/// # Errors
/// When there is no such cluster, or the engine refuses.
pub(crate) async fn stop(engine: &Engine, cluster: &ClusterName) -> Result<usize, Failure> {
    let observed = there(engine, cluster).await?;
    let running = |component: &str, wanted: bool| {
        let chosen = observed
            .components
            .iter()
            .filter(move |(_, one)| one.state == State::Running && (one.component == component) == wanted);
        chosen.map(|(name, _)| name.clone()).collect::<Vec<String>>()
    };
    let slaves = running("mesosslave", true);
    let others: Vec<String> = running("etcd", false).into_iter().filter(|name| !slaves.contains(name)).collect();
    let batches = [slaves, observed.pods.clone(), others, running("etcd", true)];
    let count = batches.iter().map(Vec::len).sum::<usize>() - observed.pods.len();
    for batch in batches {
        let stops = batch.iter().map(|name| async move {
            let options = StopContainerOptionsBuilder::default().t(GRACE).build();
            let stopped = engine.docker.stop_container(name, Some(options)).await;
            stopped.map_err(|error| Failure::failed(format!("stop container {name}")).because(error))
        });
        join_all(stops).await.into_iter().collect::<Result<Vec<()>, Failure>>()?;
    }
    Ok(count)
}

/// Starts every component that does not run. Gives how many that were.
///
/// # Errors
/// As `stop`, and where a component is missing or was never given its files, which is for `up` to do.
pub(crate) async fn start(engine: &Engine, cluster: &ClusterName) -> Result<usize, Failure> {
    let observed = there(engine, cluster).await?;
    complete(&observed, cluster)?;
    let stopped = observed.components.iter().filter(|(_, one)| one.state != State::Running);
    let starts = stopped.map(|(name, _)| async move {
        let started = engine.docker.start_container(name, None::<StartContainerOptions>).await;
        started.map_err(refused(format!("start container {name}")))
    });
    join_all(starts).await.into_iter().collect::<Result<Vec<()>, Failure>>().map(|all| all.len())
}

/// Refuses a cluster that starting alone does not make whole.
fn complete(observed: &Observed, cluster: &ClusterName) -> Result<(), Failure> {
    let unfinished = observed.components.iter().find(|(_, one)| one.state == State::Created);
    let what = match (unfinished, observed.missing(cluster).first()) {
        (Some((name, _)), _) => format!("container {name} was made and never given its files"),
        (None, Some(hostname)) => format!("container {} is gone", cluster.of(hostname)),
        (None, None) => return Ok(()),
    };
    Err(Failure::conflict(format!("cluster {cluster} is not complete: {what}"))
        .hint(format!("`k8sm up{}` completes and starts it", cluster.flag())))
}

async fn there(engine: &Engine, cluster: &ClusterName) -> Result<Observed, Failure> {
    let observed = Observed::read(engine, cluster).await?;
    if observed.components.is_empty() {
        return Err(Failure::conflict(format!("cluster {cluster} is not there"))
            .hint(format!("`k8sm up{}` brings it up, `k8sm cluster list` lists clusters", cluster.flag())));
    }
    Ok(observed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::observed::tests::component;

    #[test]
    fn what_is_not_complete_is_not_started() {
        let cluster = ClusterName::new("g").unwrap();
        let mut observed = Observed::default();
        for hostname in observed.expected(&cluster).into_iter().chain(["mesosslave1".to_owned()]) {
            observed.components.insert(cluster.of(&hostname), component(&hostname, State::Stopped));
        }
        assert!(complete(&observed, &cluster).is_ok());
        observed.components.insert("g-scheduler".to_owned(), component("scheduler", State::Created));
        assert!(complete(&observed, &cluster).unwrap_err().line().contains("g-scheduler"));
        observed.components.remove("g-scheduler");
        assert!(complete(&observed, &cluster).unwrap_err().line().contains("g-scheduler is gone"));
    }
}
